//! A terminal from the container's own devpts: its slave for the program, its master for the one that launched it.

use super::{Inside, mount, resolve};
use crate::error::step;
use crate::process::channel::{self, Said};
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::Streams;
use rustix::fs::{OFlags, fstatfs};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::os::fd::AsFd;

/// `DEVPTS_SUPER_MAGIC` of linux/magic.h.
const DEVPTS_MAGIC: rustix::fs::FsWord = 0x1cd1;

impl Inside<'_> {
    /// Opens a terminal, makes it the standard streams and the controlling terminal, and sends its master to the launching process.
    pub(super) fn set_terminal(&mut self, root: &str) -> Result<()> {
        let Streams::Terminal { rows, cols, .. } = self.prepared.launch.streams else {
            return Err(Error::invalid("a terminal for a process whose streams are not one"));
        };
        let own_mounts = self.prepared.own_mounts;
        let root = self.root(root)?;
        let path = "/dev/pts/ptmx";
        let master = resolve::open(root, path, OFlags::RDWR | OFlags::NOCTTY).map_err(|e| step("open", path, e))?;
        let magic = fstatfs(&master).map_err(|e| step("fstatfs", path, e))?.f_type;
        if magic != DEVPTS_MAGIC {
            return Err(Error::new(ErrorKind::Denied, "/dev/pts of the container is not a devpts").op("open").subject(path));
        }
        unlockpt(&master).map_err(|e| step("unlockpt", path, e))?;
        // The peer comes from the master itself and not by a path that another container could swap (CVE-2025-52565).
        let slave = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .map_err(|e| step("ioctl(TIOCGPTPEER)", path, e))?;
        let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).map_err(|e| step("ioctl(TIOCSWINSZ)", path, e))?;
        if own_mounts {
            let tree = mount::clone_open(&slave, false)?;
            mount::attach(&tree, &resolve::file(root, "/dev/console", 0o600)?)?;
        }
        super::settings::new_session()?;
        rustix::process::ioctl_tiocsctty(&slave).map_err(|e| step("ioctl(TIOCSCTTY)", path, e))?;
        for dup in [rustix::stdio::dup2_stdin, rustix::stdio::dup2_stdout, rustix::stdio::dup2_stderr] {
            dup(&slave).map_err(|e| step("dup2", "the terminal", e))?;
        }
        channel::say(self.channel, &Said::Terminal, Some(master.as_fd()))
    }
}
