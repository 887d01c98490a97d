//! The root: changed for good, and the paths in it that a container may not read or write.

use super::{mount, resolve};
use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::MountFlags;
use rustix::fs::{FileType, Mode, OFlags, fstat, major, minor};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{chdir, pivot_root};
use std::os::fd::OwnedFd;

/// Makes `root` the root of this mount namespace and lets go of the old one. Where no path leads there, it is open already.
pub fn pivot(root: &str, open: Option<&OwnedFd>) -> Result<()> {
    match open {
        Some(fd) => rustix::process::fchdir(fd),
        None => chdir(root),
    }
    .map_err(|e| step("chdir", root, e))?;
    // Both arguments the same: the old root ends up on top of the new one, and no directory for it is needed (pivot_root(2), NOTES).
    pivot_root(".", ".").map_err(|e| step("pivot_root", root, e))?;
    unmount(".", UnmountFlags::DETACH).map_err(|e| step("umount2", "the host's root", e))?;
    chdir("/").map_err(|e| step("chdir", "/", e))
}

/// Makes the root mount read-only; what is mounted below stays as it is.
pub fn read_only_root() -> Result<()> {
    mount::make_read_only(&resolve::open_root("/")?, "/")
}

fn open_if_there(root: &OwnedFd, path: &str) -> Result<Option<OwnedFd>> {
    match resolve::open(root, path, OFlags::PATH) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(e) => Err(step("openat2", path, e)),
    }
}

/// Hides a path: a directory under an empty file system, anything else under the null device.
pub fn mask(root: &OwnedFd, path: &str) -> Result<()> {
    let Some(at) = open_if_there(root, path)? else {
        return Ok(());
    };
    if resolve::is_directory(&at)? {
        return mount::file_system(&at, "tmpfs", "tmpfs", MountFlags { read_only: true, ..MountFlags::default() }, "size=0");
    }
    mount::attach(&mount::clone_open(null_device(root)?, false)?, &at)
}

/// The container's null device, and nothing that was put in its place (CVE-2025-31133).
fn null_device(root: &OwnedFd) -> Result<OwnedFd> {
    let path = "/dev/null";
    let fd = rustix::fs::openat2(
        root,
        "dev/null",
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
        rustix::fs::ResolveFlags::BENEATH | rustix::fs::ResolveFlags::NO_SYMLINKS,
    )
    .map_err(|e| step("openat2", path, e))?;
    let found = fstat(&fd).map_err(|e| step("fstat", path, e))?;
    let right =
        FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice && (major(found.st_rdev), minor(found.st_rdev)) == (1, 3);
    if right {
        Ok(fd)
    } else {
        Err(Error::new(ErrorKind::Denied, "/dev/null of the container is not the null device").op("mask").subject(path))
    }
}

/// Makes a path and what is mounted below it read-only, by a bind on itself.
pub fn read_only(root: &OwnedFd, path: &str) -> Result<()> {
    let Some(at) = open_if_there(root, path)? else {
        return Ok(());
    };
    let tree = mount::clone_open(&at, true)?;
    mount::adjust(&tree, path, true, MountFlags { read_only: true, ..MountFlags::default() }, None)?;
    mount::attach(&tree, &at)
}
