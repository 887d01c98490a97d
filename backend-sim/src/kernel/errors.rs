//! Error numbers as Drydock's errors.

use crate::sys::{Errno, Res};
use drydock_core::{Error, ErrorKind, Result};

/// The kind of an error number.
pub fn kind(errno: Errno) -> ErrorKind {
    match errno {
        Errno::ENOENT | Errno::ENODEV | Errno::ENOTDIR => ErrorKind::NotFound,
        Errno::EPERM | Errno::EACCES | Errno::EROFS => ErrorKind::Denied,
        Errno::EEXIST | Errno::EADDRINUSE => ErrorKind::Conflict,
        Errno::EBUSY => ErrorKind::InUse,
        Errno::ENOSPC | Errno::ENOMEM | Errno::EMFILE | Errno::EAGAIN => ErrorKind::Exhausted,
        Errno::ESRCH => ErrorKind::NotRunning,
        Errno::EINVAL | Errno::ENAMETOOLONG | Errno::ERANGE => ErrorKind::InvalidInput,
        _ => ErrorKind::System,
    }
}

/// Says what a call was and what it was about, where it failed.
pub trait Named<T> {
    /// The answer, or the error with its operation and subject.
    fn named(self, op: &'static str, subject: &str) -> Result<T>;
}

impl<T> Named<T> for Res<T> {
    fn named(self, op: &'static str, subject: &str) -> Result<T> {
        self.map_err(|errno| Error::new(kind(errno), format!("{op} {subject}")).op(op).subject(subject).source(errno))
    }
}
