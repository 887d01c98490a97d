//! What the system said, as the one error type: which call, on what, which errno.

use drydock_core::error::{Error, ErrorKind};
use std::io;

/// The error of one system call: `call` names it, `subject` says on what.
pub fn step(call: &'static str, subject: impl Into<String>, error: impl Into<io::Error>) -> Error {
    let error = error.into();
    let subject = subject.into();
    let kind = kind_of(&error);
    Error::new(kind, format!("{call} {subject}")).op(call).subject(subject).source(error)
}

/// What a caller can act on, from an errno.
pub fn kind_of(error: &io::Error) -> ErrorKind {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES | libc::EROFS) => ErrorKind::Denied,
        Some(libc::ENOENT) => ErrorKind::NotFound,
        Some(libc::EEXIST | libc::EADDRINUSE) => ErrorKind::Conflict,
        Some(libc::EBUSY) => ErrorKind::InUse,
        Some(libc::ENOSYS | libc::EOPNOTSUPP) => ErrorKind::Unsupported,
        Some(libc::ENOMEM | libc::ENOSPC | libc::EMFILE | libc::ENFILE | libc::EDQUOT | libc::EAGAIN) => ErrorKind::Exhausted,
        Some(libc::EINVAL | libc::ENAMETOOLONG) => ErrorKind::InvalidInput,
        _ => ErrorKind::System,
    }
}
