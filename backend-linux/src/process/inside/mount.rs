//! Mounts: overlays, new file systems and binds, each attached to a descriptor and never to a path that could change meanwhile.

use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::MountFlags;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags as Flags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, mount, mount_change, move_mount, open_tree,
};
use rustix::process::fchdir;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Longest option text of mount(2): one page with its final NUL.
const LONGEST_DATA: usize = 4095;

/// Cuts every mount of this namespace off from the host's: without this, what is mounted here would appear there.
pub fn make_private() -> Result<()> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).map_err(|e| step("mount(MS_PRIVATE)", "/", e))
}

/// Stacks layers into one tree. mount(2) is one call; many layers or odd names need the longer way.
pub fn overlay(lower: &[String], upper: &str, work: &str, target: &str) -> Result<()> {
    let plain = lower.iter().map(String::as_str).chain([upper, work]).all(|p| !p.contains([':', ',', '\\']));
    let data = format!("lowerdir={},upperdir={upper},workdir={work}", lower.join(":"));
    if plain && data.len() <= LONGEST_DATA {
        let data = CString::new(data).map_err(|_| Error::invalid("a path of a layer holds a NUL"))?;
        return mount("overlay", target, "overlay", Flags::empty(), data.as_c_str()).map_err(|e| step("mount overlay", target, e));
    }
    let wrong = |call: &'static str| move |e| step(call, target, e);
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(wrong("fsopen overlay"))?;
    for layer in lower {
        // One layer a call, since Linux 6.5; before, more layers than fit a page cannot be mounted.
        fsconfig_set_string(&fs, "lowerdir+", layer.as_str()).map_err(wrong("fsconfig lowerdir+"))?;
    }
    fsconfig_set_string(&fs, "upperdir", upper).map_err(wrong("fsconfig upperdir"))?;
    fsconfig_set_string(&fs, "workdir", work).map_err(wrong("fsconfig workdir"))?;
    fsconfig_create(&fs).map_err(wrong("fsconfig create"))?;
    let tree = fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map_err(wrong("fsmount"))?;
    attach(&tree, &super::resolve::open_root(target)?)
}

/// Layers, from top to bottom, as one read-only tree that is attached nowhere and gone with its descriptor.
pub fn layers(lower: &[String]) -> Result<OwnedFd> {
    let wrong = |call: &'static str| move |e| step(call, "overlay", e);
    if let [only] = lower {
        // overlayfs wants two at least where nothing can be written.
        return super::resolve::open_root(only);
    }
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(wrong("fsopen"))?;
    let joined = lower.join(":");
    if joined.len() < 256 && !lower.iter().any(|path| path.contains([':', ',', '\\'])) {
        fsconfig_set_string(&fs, "lowerdir", joined.as_str()).map_err(wrong("fsconfig lowerdir"))?;
    } else {
        lowers(&fs, lower)?;
    }
    fsconfig_create(&fs).map_err(wrong("fsconfig create"))?;
    fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY).map_err(wrong("fsmount"))
}

/// Layers, from top to bottom, mounted as one read-only tree.
pub fn read_only_layers(lower: &[String], target: &str) -> Result<()> {
    let data = CString::new(format!("lowerdir={}", lower.join(":"))).map_err(|_| Error::invalid("a path of a layer holds a NUL"))?;
    mount("overlay", target, "overlay", Flags::RDONLY, data.as_c_str()).map_err(|e| step("mount overlay", target, e))
}

/// Names the layers of an overlay: one a call where the kernel takes that (Linux 6.5), else in one page.
fn lowers(fs: &OwnedFd, lower: &[String]) -> Result<()> {
    let wrong = |call: &'static str| move |e| step(call, "overlay", e);
    for (number, layer) in lower.iter().enumerate() {
        match fsconfig_set_string(fs, "lowerdir+", layer.as_str()) {
            // An older kernel: fsconfig(2) takes at most 256 bytes of text, so that only few layers can be named at once.
            Err(rustix::io::Errno::INVAL) if number == 0 => {
                return fsconfig_set_string(fs, "lowerdir", lower.join(":")).map_err(wrong("fsconfig lowerdir"));
            }
            other => other.map_err(wrong("fsconfig lowerdir+"))?,
        }
    }
    Ok(())
}

/// Mounts a new file system on a directory.
pub fn file_system(at: &OwnedFd, kind: &str, source: &str, flags: MountFlags, data: &str) -> Result<()> {
    // mount(2) takes a path: going there first makes it `.`, which nobody can swap.
    fchdir(at).map_err(|e| step("fchdir", kind, e))?;
    let data = CString::new(data).map_err(|_| Error::invalid("mount options hold a NUL"))?;
    let data = (!data.is_empty()).then_some(data.as_c_str());
    mount(source, ".", kind, mount_flags(flags), data).map_err(|e| step("mount", kind, e))
}

/// A new file system that is not attached anywhere yet.
pub fn detached(kind: &'static str, options: &[(&str, &str)], flags: MountFlags) -> Result<OwnedFd> {
    let wrong = |call: &'static str| move |e| step(call, kind, e);
    let fs = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).map_err(wrong("fsopen"))?;
    for (key, value) in options {
        fsconfig_set_string(&fs, *key, *value).map_err(wrong("fsconfig"))?;
    }
    fsconfig_create(&fs).map_err(wrong("fsconfig create"))?;
    fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes(flags)).map_err(wrong("fsmount"))
}

/// A detached copy of the mount at a path of this process, not yet visible anywhere.
pub fn clone_tree(source: &str, recursive: bool) -> Result<OwnedFd> {
    let failed = |e| step("open_tree", source, e);
    if let Some((volume, sub)) = source.split_once("/_data/./") {
        // Part of a volume: whoever writes to the volume must not lead this out of it by a link.
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let root = rustix::fs::open(format!("{volume}/_data"), flags | OFlags::DIRECTORY, Mode::empty()).map_err(failed)?;
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        return clone_open(rustix::fs::openat2(&root, sub, flags, Mode::empty(), inside).map_err(failed)?, recursive);
    }
    open_tree(rustix::fs::CWD, source, tree_flags(recursive)).map_err(failed)
}

/// The same of something already open.
pub fn clone_open(source: impl AsFd, recursive: bool) -> Result<OwnedFd> {
    open_tree(source, "", tree_flags(recursive) | OpenTreeFlags::AT_EMPTY_PATH).map_err(|e| step("open_tree", "", e))
}

fn tree_flags(recursive: bool) -> OpenTreeFlags {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive { flags | OpenTreeFlags::AT_RECURSIVE } else { flags }
}

/// Attaches a detached mount on what a descriptor is of.
pub fn attach(tree: &OwnedFd, at: &OwnedFd) -> Result<()> {
    let both_are_open = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, "", at, "", both_are_open).map_err(|e| step("move_mount", "", e))
}

/// `struct mount_attr` of linux/mount.h.
#[repr(C)]
#[derive(Default)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Sets flags and propagation of a mount while nobody can see it yet (mount_setattr(2)).
pub fn adjust(tree: &OwnedFd, subject: &str, recursive: bool, flags: MountFlags, propagation: Option<&str>) -> Result<()> {
    let (kind, all) = match propagation {
        None => (0, false),
        Some(text) => propagation_of(text)?,
    };
    let set = attributes(flags);
    let mut attr = MountAttr { set: u64::from(set.bits()), ..MountAttr::default() };
    if set.intersects(MountAttrFlags::MOUNT_ATTR__ATIME) {
        // The three access time modes are one field, which has to be cleared to be set.
        attr.clear = u64::from(MountAttrFlags::MOUNT_ATTR__ATIME.bits());
    }
    if attr.set != 0 {
        set_attributes(tree, subject, recursive, &attr)?;
    }
    if kind != 0 {
        set_attributes(tree, subject, all, &MountAttr { propagation: kind, ..MountAttr::default() })?;
    }
    Ok(())
}

/// Makes a mount that is already attached read-only, without the mounts below it.
pub fn make_read_only(at: &OwnedFd, subject: &str) -> Result<()> {
    let set = u64::from(MountAttrFlags::MOUNT_ATTR_RDONLY.bits());
    set_attributes(at, subject, false, &MountAttr { set, ..MountAttr::default() })
}

fn set_attributes(tree: &OwnedFd, subject: &str, recursive: bool, attr: &MountAttr) -> Result<()> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the descriptor is open, the path is an empty C string, and the structure is as long as said.
    let answer = unsafe {
        libc::syscall(libc::SYS_mount_setattr, tree.as_raw_fd(), c"".as_ptr(), flags, std::ptr::from_ref(attr), size_of::<MountAttr>())
    };
    if answer == 0 { Ok(()) } else { Err(step("mount_setattr", subject, io::Error::last_os_error())) }
}

/// Gives a mount that nobody sees yet other owners: those that a user namespace's ids stand for.
pub fn map_ids(tree: &OwnedFd, user: &OwnedFd, subject: &str) -> Result<()> {
    let namespace = u64::try_from(user.as_raw_fd()).unwrap_or_default();
    let attr = MountAttr { set: libc::MOUNT_ATTR_IDMAP, user_namespace: namespace, ..MountAttr::default() };
    set_attributes(tree, subject, false, &attr).map_err(|e| match e.kind() {
        ErrorKind::InvalidInput => Error::unsupported(format!("the file system of {subject} has no mounts with mapped ids")),
        _ => e,
    })
}

/// `rslave` and its like: the propagation type, and whether it is for the mounts below too.
fn propagation_of(text: &str) -> Result<(u64, bool)> {
    let (name, all) = text.strip_prefix('r').map_or((text, false), |rest| (rest, true));
    let kind = match name {
        "private" => libc::MS_PRIVATE,
        "slave" => libc::MS_SLAVE,
        "shared" => libc::MS_SHARED,
        "unbindable" => libc::MS_UNBINDABLE,
        _ => return Err(Error::invalid(format!("invalid propagation {text:?}"))),
    };
    Ok((kind, all))
}

fn attributes(flags: MountFlags) -> MountAttrFlags {
    let mut all = MountAttrFlags::empty();
    for (wanted, flag) in [
        (flags.read_only, MountAttrFlags::MOUNT_ATTR_RDONLY),
        (flags.nosuid, MountAttrFlags::MOUNT_ATTR_NOSUID),
        (flags.nodev, MountAttrFlags::MOUNT_ATTR_NODEV),
        (flags.noexec, MountAttrFlags::MOUNT_ATTR_NOEXEC),
        (flags.strictatime, MountAttrFlags::MOUNT_ATTR_STRICTATIME),
        (flags.noatime, MountAttrFlags::MOUNT_ATTR_NOATIME),
    ] {
        if wanted {
            all |= flag;
        }
    }
    all
}

fn mount_flags(flags: MountFlags) -> Flags {
    let mut all = Flags::empty();
    for (wanted, flag) in [
        (flags.read_only, Flags::RDONLY),
        (flags.nosuid, Flags::NOSUID),
        (flags.nodev, Flags::NODEV),
        (flags.noexec, Flags::NOEXEC),
        (flags.relatime, Flags::RELATIME),
        (flags.strictatime, Flags::STRICTATIME),
        (flags.noatime, Flags::NOATIME),
    ] {
        if wanted {
            all |= flag;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn propagation_words_are_those_of_mount_8() {
        assert_eq!(propagation_of("rprivate").unwrap(), (libc::MS_PRIVATE, true));
        assert_eq!(propagation_of("slave").unwrap(), (libc::MS_SLAVE, false));
        assert!(propagation_of("rshard").is_err());
        assert!(propagation_of("").is_err());
    }
}
