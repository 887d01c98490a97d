//! Which device nodes the host has, for `--device` and `--privileged`.

use crate::error::step;
use drydock_core::error::{Error, Result};
use drydock_core::kernel::{Device, OWN_DEVICES};
use rustix::fs::{FileType, major, minor};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How deep below a directory nodes are looked for: /dev/bus/usb/001/001 is the deepest that udev makes.
const DEEPEST: u32 = 8;

/// The nodes at a path, or below it, in the order of their names. Links to nodes are found where they lead to.
pub fn list(path: &str) -> Result<Vec<Device>> {
    let found = std::fs::metadata(path).map_err(|e| step("stat", path, e))?;
    if !found.is_dir() {
        let device = device(path, &found).ok_or_else(|| Error::invalid("not a device node").op("stat").subject(path))?;
        return Ok(vec![device]);
    }
    let mut all = Vec::new();
    below(Path::new(path), DEEPEST, &mut all)?;
    all.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(all)
}

fn below(directory: &Path, depth: u32, all: &mut Vec<Device>) -> Result<()> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        // It went away, as devices do.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(step("readdir", directory.to_string_lossy(), e)),
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(found) = std::fs::symlink_metadata(&path) else { continue };
        let name = entry.file_name();
        if OWN_DEVICES.iter().any(|own| name == *own) {
            continue;
        }
        if found.is_dir() {
            if depth > 0 {
                below(&path, depth - 1, all)?;
            }
        } else {
            all.extend(path.to_str().and_then(|path| device(path, &found)));
        }
    }
    Ok(())
}

fn device(path: &str, found: &std::fs::Metadata) -> Option<Device> {
    let kind = match FileType::from_raw_mode(found.mode()) {
        FileType::CharacterDevice => 'c',
        FileType::BlockDevice => 'b',
        _ => return None,
    };
    Some(Device {
        path: path.to_owned(),
        kind,
        major: major(found.rdev()),
        minor: minor(found.rdev()),
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_null_device_is_one_and_a_file_is_none() {
        let all = list("/dev/null").unwrap();
        assert_eq!((all[0].kind, all[0].major, all[0].minor), ('c', 1, 3));
        assert!(list("/proc/self/status").is_err());
        assert!(list("/dev").unwrap().iter().any(|d| d.path == "/dev/null"));
    }

    #[test]
    fn what_a_container_has_of_its_own_is_left_out() {
        assert!(!list("/dev").unwrap().iter().any(|d| d.path.starts_with("/dev/pts/") || d.path == "/dev/console"));
    }
}
