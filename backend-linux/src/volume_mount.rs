//! What the options of a volume mount at its directory, on the host, while containers that have it run.

use crate::error::step;
use drydock_core::container::volume::VolumeMount;
use drydock_core::error::Result;
use drydock_core::kernel::MountFlags as Wanted;
use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount_bind, mount_bind_recursive, mount_remount, unmount as umount};
use std::ffi::CString;

/// Mounts it, unless something is mounted there.
pub fn mount(target: &str, wanted: &VolumeMount) -> Result<()> {
    let flags = flags(wanted.flags);
    // As dockerd names it, whose users look for these words.
    let data = if wanted.data.is_empty() { String::new() } else { format!(", data: {}", wanted.data) };
    let shown = if wanted.bind.is_some() { flags | MountFlags::BIND } else { flags };
    let failed = |e: Errno| step("mount", format!("{}:{target}, flags: {:#x}{data}", wanted.device, shown.bits()), e);
    if is_mounted(target).map_err(failed)? {
        return Ok(());
    }
    match wanted.bind {
        Some(recursive) => {
            if recursive { mount_bind_recursive(&wanted.device, target) } else { mount_bind(&wanted.device, target) }.map_err(failed)?;
            // The flags of a bind are those of what is bound, until it is mounted once more (mount(2)).
            if flags.is_empty() { Ok(()) } else { mount_remount(target, flags | MountFlags::BIND, c"").map_err(failed) }
        }
        None => {
            let data = CString::new(wanted.data.as_str()).map_err(|_| failed(Errno::INVAL))?;
            rustix::mount::mount(&wanted.device, target, &wanted.kind, flags, data.as_c_str()).map_err(failed)
        }
    }
}

/// Takes every mount there away, also one that is still in use somewhere: its files live until nobody uses them.
pub fn unmount(target: &str) -> Result<()> {
    loop {
        match is_mounted(target) {
            Ok(false) | Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            Ok(true) => umount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).map_err(|e| step("umount2", target, e))?,
            Err(e) => return Err(step("statx", target, e)),
        }
    }
}

/// Whether a path is where something is mounted (statx(2), since Linux 5.8).
fn is_mounted(path: &str) -> std::result::Result<bool, Errno> {
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE)?;
    Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

fn flags(wanted: Wanted) -> MountFlags {
    let pairs = [
        (wanted.read_only, MountFlags::RDONLY),
        (wanted.nosuid, MountFlags::NOSUID),
        (wanted.nodev, MountFlags::NODEV),
        (wanted.noexec, MountFlags::NOEXEC),
        (wanted.relatime, MountFlags::RELATIME),
        (wanted.strictatime, MountFlags::STRICTATIME),
        (wanted.noatime, MountFlags::NOATIME),
    ];
    pairs.into_iter().filter(|(asked, _)| *asked).fold(MountFlags::empty(), |all, (_, flag)| all | flag)
}
