//! What has to be taken from the host before the new process is cut off from it.
//!
//! A bind that is to see what the host mounts later (`rslave`, `rshared`) must be copied while its source still has its peers. And a
//! process in a user namespace of its own may neither reach what the host keeps from others nor make mounts of it: for it a helper,
//! which still has the host's rights, copies every source and stacks the root, each with its ids mapped.

use super::{mount, resolve, shared};
use crate::error::step;
use crate::process::child::Prepared;
use drydock_core::error::{Error, Result};
use drydock_core::kernel::{MountFlags, Step};
use rustix::fs::{FileType, Gid, Mode, OFlags, Uid, chownat, makedev, mknodat};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Mounts that nobody sees yet, by the path on which they will be attached.
#[derive(Debug, Default)]
pub struct Early {
    /// Sources of binds, and device nodes.
    pub trees: BTreeMap<String, OwnedFd>,
    /// The root is mounted already, and is the working directory.
    pub root_is_here: bool,
}

/// Whether a bind of this propagation depends on the peers of its source.
fn spreads(propagation: Option<&str>) -> bool {
    propagation.is_some_and(|p| p.ends_with("slave") || p.ends_with("shared"))
}

/// Copies the sources whose peers matter. To be called while this mount namespace still has the host's.
pub fn before_private(prepared: &Prepared<'_>, proc: &OwnedFd) -> Result<Early> {
    let mut early = Early::default();
    for what in prepared.launch.inside.iter().map(|planned| &planned.step) {
        if let Step::Bind { source, target, recursive, flags, propagation, root: Some(_) } = what
            && spreads(propagation.as_deref())
        {
            check_peers(proc, source, propagation.as_deref().unwrap_or_default())?;
            let tree = mount::clone_tree(source, *recursive)?;
            mount::adjust(&tree, source, *recursive, *flags, propagation.as_deref())?;
            early.trees.insert(target.clone(), tree);
        }
    }
    Ok(early)
}

/// Docker's check: a source without peers would spread nothing, and silently so.
fn check_peers(proc: &OwnedFd, source: &str, propagation: &str) -> Result<()> {
    let at = rustix::fs::open(source, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(|e| step("open", source, e))?;
    let info = read(proc, &format!("self/fdinfo/{}", std::os::fd::AsRawFd::as_raw_fd(&at)))?;
    let id = info.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(str::trim).unwrap_or_default().to_owned();
    let table = read(proc, "self/mountinfo")?;
    let fields = table.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|fields| fields.first() == Some(&id.as_str()));
    let fields = fields.unwrap_or_default();
    let optional = || fields.iter().skip(6).take_while(|field| **field != "-");
    let shared = optional().any(|field| field.starts_with("shared:"));
    let slave = shared || optional().any(|field| field.starts_with("master:"));
    let mounted = fields.get(4).copied().unwrap_or("/");
    let needed = match propagation.trim_start_matches('r') {
        "shared" if !shared => "a shared mount",
        "slave" if !slave => "a shared or slave mount",
        _ => return Ok(()),
    };
    Err(Error::invalid(format!("path {source} is mounted on {mounted} but it is not {needed}")).op("bind").subject(source))
}

fn read(proc: &OwnedFd, path: &str) -> Result<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(proc, path, flags, Mode::empty()).map_err(|e| step("open", path, e))?;
    std::io::read_to_string(std::fs::File::from(file)).map_err(|e| step("read", path, e))
}

/// Everything that needs the host's rights, for a process that will not have them. To be called in a mount namespace of the
/// caller's own, which the process is then cloned from.
pub fn with_the_hosts_rights(prepared: &Prepared<'_>, user: &OwnedFd, proc: &OwnedFd) -> Result<Early> {
    let mut early = before_private(prepared, proc)?;
    mount::make_private()?;
    let start = prepared.launch.user.map_or(0, |range| range.start);
    let mut layers: Option<&Step> = None;
    for what in prepared.launch.inside.iter().map(|planned| &planned.step) {
        match what {
            Step::MountOverlay { .. } => layers = Some(what),
            Step::Bind { root: None, .. } => return Err(Error::unsupported("a bundle's directory with a user namespace")),
            Step::Bind { source, target, recursive, flags, propagation, .. } if !early.trees.contains_key(target) => {
                let tree = mount::clone_tree(source, *recursive)?;
                // What is Drydock's own is the container's in it; what is the host's stays the host's.
                if Path::new(source).starts_with(&prepared.data_root) {
                    mount::map_ids(&tree, user, source)?;
                }
                mount::adjust(&tree, source, *recursive, *flags, propagation.as_deref())?;
                early.trees.insert(target.clone(), tree);
            }
            Step::BindOf { of, source, target, .. } => {
                let other = prepared.others.iter().find(|(process, _)| process == of).map(|(_, fd)| fd);
                let other = other.ok_or_else(|| Error::invalid("a process that was not prepared for"))?;
                early.trees.insert(target.clone(), shared::tree_of(other, proc, source)?);
            }
            _ => {}
        }
    }
    let Some(Step::MountOverlay { lower, upper, work, target }) = layers else {
        return Err(Error::unsupported("a root that is no overlay with a user namespace"));
    };
    nodes(prepared, target, start, &mut early)?;
    for directory in lower.iter().chain([upper]).filter_map(|path| Path::new(path).parent()).collect::<std::collections::BTreeSet<_>>() {
        let path = directory.to_string_lossy();
        let tree = mount::clone_tree(&path, false)?;
        mount::map_ids(&tree, user, &path)?;
        mount::attach(&tree, &resolve::open_root(&path)?)?;
    }
    // overlayfs makes its own files as whoever mounted it, and to layers with mapped ids the host's root is nobody.
    as_user(start, || mount::overlay(lower, upper, work, target))?;
    // A path to it leads through directories that are closed to the container's root; the working directory does not.
    rustix::process::chdir(target.as_str()).map_err(|e| step("chdir", target.clone(), e))?;
    early.root_is_here = true;
    Ok(early)
}

/// Does something as a user to whom files belong, with every capability that this process has.
fn as_user(id: u32, what: impl FnOnce() -> Result<()>) -> Result<()> {
    let become_owner = |id: u32| -> Result<()> {
        // SAFETY: these calls change the credentials of this thread, the only one, and nothing else.
        unsafe {
            libc::setfsgid(id);
            libc::setfsuid(id);
        }
        // Leaving 0 takes the capabilities that have to do with files out of the effective set (capabilities(7)).
        let wrong = |e| step("capset", "", e);
        let mut sets = rustix::thread::capabilities(None).map_err(wrong)?;
        sets.effective = sets.permitted;
        rustix::thread::set_capabilities(None, sets).map_err(wrong)
    };
    become_owner(id)?;
    let done = what();
    become_owner(0)?;
    done
}

/// Device nodes, which a process in a user namespace cannot make and may use: made here and bound there.
fn nodes(prepared: &Prepared<'_>, scratch: &str, start: u32, early: &mut Early) -> Result<()> {
    let at = resolve::open_root(scratch)?;
    mount::file_system(&at, "tmpfs", "tmpfs", MountFlags::default(), "mode=755")?;
    let place = resolve::open_root(scratch)?;
    for (number, what) in prepared.launch.inside.iter().map(|planned| &planned.step).enumerate() {
        let Step::MakeNode { path, kind, major, minor, mode, uid, gid, .. } = what else { continue };
        let kind = if *kind == 'b' { FileType::BlockDevice } else { FileType::CharacterDevice };
        let name = number.to_string();
        rustix::process::umask(Mode::empty());
        mknodat(&place, name.as_str(), kind, Mode::from_raw_mode(*mode), makedev(*major, *minor)).map_err(|e| step("mknodat", path, e))?;
        let (uid, gid) = (Uid::from_raw(start + uid), Gid::from_raw(start + gid));
        chownat(&place, name.as_str(), Some(uid), Some(gid), rustix::fs::AtFlags::empty()).map_err(|e| step("fchownat", path, e))?;
        early.trees.insert(path.clone(), mount::clone_tree(&format!("{scratch}/{name}"), false)?);
    }
    rustix::process::chdir("/").map_err(|e| step("chdir", "/", e))?;
    drop((at, place));
    rustix::mount::unmount(scratch, rustix::mount::UnmountFlags::DETACH).map_err(|e| step("umount2", scratch, e))
}
