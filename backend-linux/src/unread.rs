//! What the other side of a socket has not taken yet.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// How much memory the kernel holds for what was written to a Unix socket and not read from it, in bytes: more than was written, and 0
/// when all of it was read (unix(7), SIOCOUTQ is TIOCOUTQ).
///
/// # Errors
/// The descriptor is none of a socket.
pub fn unread(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: TIOCOUTQ writes one int to the address it is given, which is that of a local one that outlives the call; the descriptor
    // is borrowed and open.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if done == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(bytes).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_is_read_is_no_longer_unread() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        assert_eq!(unread(near.as_fd()).unwrap(), 0);
        near.write_all(b"head").unwrap();
        assert!(unread(near.as_fd()).unwrap() > 0);
        let mut part = [0; 2];
        far.read_exact(&mut part).unwrap();
        assert!(unread(near.as_fd()).unwrap() > 0, "half of it is still there");
        far.read_exact(&mut part).unwrap();
        assert_eq!(unread(near.as_fd()).unwrap(), 0);
        assert!(unread(std::fs::File::open("/dev/null").unwrap().as_fd()).is_err());
    }
}
