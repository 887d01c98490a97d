//! Device nodes, links and directories inside the container's root.

use super::{mount, resolve};
use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid, chownat, fchmod, fchown, makedev, mknodat, openat, statat, symlinkat};
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// Makes a node. Where the kernel forbids mknod(2) (a user namespace), the host's node of that path is bound instead.
///
/// A node that is there already stays as it is. Anything else in its place is refused and not touched: an image or a volume may have a
/// link there, and to change the mode of what it leads to would be to change a file of the host.
pub fn make_node(root: &OwnedFd, path: &str, kind: char, number: (u32, u32), mode: u32, owner: (u32, u32)) -> Result<()> {
    let kind = match kind {
        'c' | 'u' => FileType::CharacterDevice,
        'b' => FileType::BlockDevice,
        'p' => FileType::Fifo,
        other => return Err(Error::invalid(format!("{other:?} is not a kind of device"))),
    };
    let (parent, name) = resolve::split(path)?;
    let parent = resolve::directory(root, parent, 0o755)?;
    // The mask is 0 in a new process until it becomes its user, so the mode is meant as it stands.
    match mknodat(&parent, name, kind, Mode::from_raw_mode(mode), makedev(number.0, number.1)) {
        Ok(()) => {}
        Err(Errno::EXIST) => return is_node(&parent, name, path),
        Err(Errno::PERM) => {
            let tree = mount::clone_tree(path, false)?;
            return mount::attach(&tree, &resolve::file(root, path, 0o666)?);
        }
        Err(e) => return Err(step("mknodat", path, e)),
    }
    if owner == (0, 0) {
        return Ok(());
    }
    let (uid, gid) = ids(owner);
    chownat(&parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| step("fchownat", path, e))
}

fn is_node(parent: &OwnedFd, name: &str, path: &str) -> Result<()> {
    let found = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| step("fstatat", path, e))?;
    match FileType::from_raw_mode(found.st_mode) {
        FileType::CharacterDevice | FileType::BlockDevice | FileType::Fifo => Ok(()),
        _ => {
            let message = format!("a device is to be at {path}, and something else is there");
            Err(Error::new(ErrorKind::Denied, message).op("mknod").subject(path).hint("the image or a volume brings it along"))
        }
    }
}

/// Makes a symbolic link; anything there already stays.
pub fn make_symlink(root: &OwnedFd, path: &str, to: &str) -> Result<()> {
    let (parent, name) = resolve::split(path)?;
    let parent = resolve::directory(root, parent, 0o755)?;
    match symlinkat(to, &parent, name) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(e) => Err(step("symlinkat", path, e)),
    }
}

/// Makes a directory with its parents. One that is there already keeps its owner and mode.
pub fn make_dir(root: &OwnedFd, path: &str, mode: u32, owner: (u32, u32)) -> Result<()> {
    match resolve::open(root, path, OFlags::PATH | OFlags::DIRECTORY) {
        Ok(_) => return Ok(()),
        Err(Errno::NOENT) => {}
        // Docker's words.
        Err(Errno::NOTDIR) => return Err(Error::invalid(format!("Cannot mkdir: {path} is not a directory")).op("mkdir").subject(path)),
        Err(e) => return Err(step("openat2", path, e)),
    }
    let made = resolve::directory(root, path, mode)?;
    if owner == (0, 0) {
        return Ok(());
    }
    let made =
        openat(&made, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(|e| step("openat", path, e))?;
    let (uid, gid) = ids(owner);
    fchown(&made, uid, gid).map_err(|e| step("fchown", path, e))?;
    fchmod(&made, Mode::from_raw_mode(mode)).map_err(|e| step("fchmod", path, e))
}

fn ids((uid, gid): (u32, u32)) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
}
