//! Named locks: flock(2) on a file of the run root.
//!
//! The kernel frees such a lock when its holder dies, however it dies. A second take in the same process is refused too, since
//! flock(2) belongs to the open file and every take opens its own. The file is removed with the lock, so that none is left.

use crate::error::step;
use drydock_core::error::{Error, Result};
use drydock_core::kernel::Guard;
use rustix::fs::FlockOperation;
use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A lock that is held until this is dropped.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    // Closing it frees the lock, after the name is gone.
    _file: File,
}

impl Guard for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        // While the lock is held only its holder removes the name, so this cannot remove another's lock.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Removes the files of locks whose holders were killed: most names are used once, so that nobody comes back to them. Those of
/// supervisors stay; what became of their containers is found out by them.
pub(crate) fn sweep(run_root: &str) {
    for entry in std::fs::read_dir(Path::new(run_root).join("locks")).into_iter().flatten().flatten() {
        if !entry.file_name().to_str().is_some_and(|name| name.starts_with("supervisor-")) {
            remove_free(&entry.path());
        }
    }
}

/// Removes the file of a lock, if nobody holds it: by taking it, since it may have been taken meanwhile.
fn remove_free(path: &Path) {
    let Ok(file) = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path) else { return };
    let is_free = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    let same = file.metadata().ok().zip(std::fs::metadata(path).ok()).is_some_and(|(a, b)| (a.dev(), a.ino()) == (b.dev(), b.ino()));
    if is_free && same {
        drop(Held { path: path.to_owned(), _file: file });
    }
}

/// The inodes of all files that somebody on this machine holds by flock(2) (proc_locks(5)): `1: FLOCK  ADVISORY  WRITE 708 00:13:1425 0 EOF`.
pub(crate) fn held() -> BTreeSet<u64> {
    let text = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let inode = |line: &str| line.split_whitespace().nth(5)?.rsplit(':').next()?.parse().ok();
    text.lines().filter(|line| line.contains("FLOCK")).filter_map(inode).collect()
}

/// Takes a lock without waiting; `None` if it is held.
pub fn take(run_root: &str, name: &str) -> Result<Option<Box<dyn Guard>>> {
    if name.is_empty() || name.starts_with('.') || name.len() > 200 || name.contains(['/', '\0']) {
        return Err(Error::invalid(format!("{name:?} cannot name a lock")));
    }
    let directory = Path::new(run_root).join("locks");
    let path = directory.join(name);
    let failed = |e: io::Error| step("lock", path.display().to_string(), e);
    loop {
        let file = match open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
                open(&path)
            }
            other => other,
        }
        .map_err(failed)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(failed(e.into())),
        }
        // Its last holder may have removed the name between the two calls above; then this lock guards nothing. Nobody gives the file a
        // second name, so it has one or none.
        if file.metadata().map_err(failed)?.nlink() > 0 {
            return Ok(Some(Box::new(Held { path, _file: file })));
        }
    }
}

/// Whether somebody holds a lock, without taking it from anybody who wants it: only a shared one is tried, and nothing is made.
pub fn is_held(run_root: &str, name: &str) -> bool {
    let Ok(file) = File::open(Path::new(run_root).join("locks").join(name)) else { return false };
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
}

fn open(path: &Path) -> io::Result<File> {
    // The standard library adds O_CLOEXEC: a container must not inherit a lock.
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_one_holder_and_leaves_nothing() {
        let root = std::env::temp_dir().join(format!("drydock-lock-{}", std::process::id()));
        let root_text = root.to_str().expect("utf-8");
        let first = take(root_text, "container-a").expect("takes");
        assert!(first.is_some());
        assert!(take(root_text, "container-a").expect("asks").is_none());
        assert!(is_held(root_text, "container-a") && !is_held(root_text, "container-b"));
        assert!(take(root_text, "container-b").expect("asks").is_some());
        drop(first);
        assert_eq!(std::fs::read_dir(root.join("locks")).expect("lists").count(), 0);
        assert!(take(root_text, "container-a").expect("takes").is_some());
        std::fs::remove_dir_all(root).expect("removes");
    }

    #[test]
    fn what_a_killed_process_left_goes_and_what_is_held_stays() {
        let root = std::env::temp_dir().join(format!("drydock-lock-swept-{}", std::process::id()));
        let locks = root.join("locks");
        std::fs::create_dir_all(&locks).expect("makes");
        for name in ["intake-dead", "planner-dead", "container-dead", "supervisor-dead"] {
            std::fs::write(locks.join(name), b"").expect("writes");
        }
        let root_text = root.to_str().expect("utf-8");
        let alive = take(root_text, "intake-alive").expect("takes").expect("is free");
        sweep(root_text);
        let mut left: Vec<_> = std::fs::read_dir(&locks).expect("lists").flatten().map(|e| e.file_name()).collect();
        left.sort();
        assert_eq!(left, ["intake-alive", "supervisor-dead"]);
        drop(alive);
        std::fs::remove_dir_all(root).expect("removes");
    }

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        for name in ["", "../x", "a/b", ".", "a\0b"] {
            assert!(take("/nonexistent", name).is_err(), "{name:?}");
        }
    }
}
