//! A container's root without the container: its layers stacked by overlayfs, mounted where nobody sees it.
//!
//! Without anything else in it the stack is a mount that is attached nowhere. With volumes in it, a thread of its own has a mount
//! namespace of its own for as long as somebody looks at the tree; when it ends, so do its mounts.

use crate::error::step;
use crate::process::mounting;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::{Binding, MountFlags};
use nix::sched::{CloneFlags, unshare};
use rustix::fs::{Mode, OFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

/// Longest text of an option (fsconfig(2)), without its final NUL.
const LONGEST_TEXT: usize = 255;

/// A thread that keeps mounts; it ends when this is dropped.
pub struct Held {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It waits for nothing but the end of the channel.
            let _ = thread.join();
        }
    }
}

/// Stacks, mounts, and opens the top.
pub fn open(lower: &[String], upper: Option<&(String, String)>, binds: &[Binding]) -> Result<(OwnedFd, Option<Held>)> {
    if let ([one], None, []) = (lower, upper, binds) {
        return Ok((super::directory(one)?, None));
    }
    if binds.is_empty() {
        return Ok((stack(lower, upper)?, None));
    }
    let (lower, upper, binds) = (lower.to_vec(), upper.cloned(), binds.to_vec());
    let (tell, told) = channel::<Result<OwnedFd>>();
    let (end, ended) = channel::<()>();
    let thread = std::thread::spawn(move || {
        let _ = tell.send(build(&lower, upper.as_ref(), &binds));
        // Until the other end is dropped: nothing is ever sent.
        let _ = ended.recv();
    });
    let held = Held { end: Some(end), thread: Some(thread) };
    let lost = || Error::new(ErrorKind::System, "the thread that mounts a container's root ended");
    let top = told.recv().map_err(|_| lost())??;
    Ok((top, Some(held)))
}

/// A stack that is attached nowhere.
fn stack(lower: &[String], upper: Option<&(String, String)>) -> Result<OwnedFd> {
    let wrong = |call: &'static str| move |e| step(call, "overlay", e);
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(wrong("fsopen"))?;
    if let [one] = lower
        && upper.is_none()
    {
        // overlayfs wants two directories; the same one twice shows the same.
        return Err(Error::invalid(format!("a stack of one layer {one} needs no mount")));
    }
    for layer in lower {
        fsconfig_set_string(&fs, "lowerdir+", layer.as_str()).map_err(wrong("fsconfig lowerdir+"))?;
    }
    match finish(&fs, upper) {
        // A kernel that does not know `lowerdir+` says so only here.
        Err(_) if !knows_one_by_one() => stack_of_descriptors(lower, upper),
        other => other,
    }
}

/// Whether the kernel takes layers one at a time: since Linux 6.5.
fn knows_one_by_one() -> bool {
    let name = rustix::system::uname();
    let mut numbers = name.release().to_str().unwrap_or_default().split(['.', '-']).map_while(|n| n.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(5))
}

/// The same where layers can only be named all in one text of 255 bytes: by descriptors, whose names are short.
fn stack_of_descriptors(lower: &[String], upper: Option<&(String, String)>) -> Result<OwnedFd> {
    let wrong = |call: &'static str| move |e| step(call, "overlay", e);
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(wrong("fsopen"))?;
    let held = lower.iter().map(|layer| super::directory(layer)).collect::<Result<Vec<_>>>()?;
    let names: Vec<String> = held.iter().map(|fd| format!("/proc/self/fd/{}", fd.as_raw_fd())).collect();
    let text = names.join(":");
    if text.len() > LONGEST_TEXT {
        return Err(Error::new(ErrorKind::Unsupported, format!("a stack of {} layers, before Linux 6.5", lower.len())));
    }
    fsconfig_set_string(&fs, "lowerdir", text.as_str()).map_err(wrong("fsconfig lowerdir"))?;
    finish(&fs, upper)
}

fn finish(fs: &OwnedFd, upper: Option<&(String, String)>) -> Result<OwnedFd> {
    let wrong = |call: &'static str| move |e| step(call, "overlay", e);
    if let Some((upper, work)) = upper {
        fsconfig_set_string(fs, "upperdir", upper.as_str()).map_err(wrong("fsconfig upperdir"))?;
        fsconfig_set_string(fs, "workdir", work.as_str()).map_err(wrong("fsconfig workdir"))?;
    }
    fsconfig_create(fs).map_err(wrong("fsconfig create"))?;
    fsmount(fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map_err(wrong("fsmount"))
}

/// In a thread of its own: a namespace of its own, the stack on /, and what is bound in it.
fn build(lower: &[String], upper: Option<&(String, String)>, binds: &[Binding]) -> Result<OwnedFd> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|e| step("unshare", "mount namespace", e))?;
    mounting::make_private()?;
    let sources = binds.iter().map(|b| Ok((mounting::clone_tree(&b.source, true)?, b))).collect::<Result<Vec<_>>>()?;
    let tree = match (lower, upper) {
        ([one], None) => mounting::clone_tree(one, false)?,
        _ => stack(lower, upper)?,
    };
    // Any directory will do: only descriptors lead to it from here on.
    let at = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(|e| step("open", "/", e))?;
    mounting::attach(&tree, &at)?;
    for (source, bind) in sources {
        let kind = mounting::is_directory(&source)?;
        let target = if kind { mounting::directory(&tree, &bind.target, 0o755) } else { mounting::file(&tree, &bind.target, 0o644) };
        // A tree that is only looked at is not changed: where there is no place to mount on, nothing is to be seen either.
        let target = match target {
            Err(_) if upper.is_none() => continue,
            other => other?,
        };
        if bind.read_only {
            mounting::adjust(&source, &bind.source, true, MountFlags { read_only: true, ..MountFlags::default() }, None)?;
        }
        mounting::attach(&source, &target)?;
    }
    Ok(tree)
}
