//! The terminal of this process: its size, and raw mode that is always taken back.

use drydock_core::io::Size;
use drydock_core::{Error, ErrorKind, Result};
use nix::sys::termios::{self, SetArg, Termios};
use std::io::IsTerminal as _;
use std::sync::Mutex;

/// How the terminal was before raw mode, for whoever ends it first: the guard, or a panic.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The size of the terminal at standard output or input.
pub(crate) fn size() -> Option<Size> {
    rustix::termios::tcgetwinsize(std::io::stdout())
        .or_else(|_| rustix::termios::tcgetwinsize(std::io::stdin()))
        .ok()
        .map(|w| Size { rows: w.ws_row, cols: w.ws_col })
        .filter(|s| s.rows > 0 && s.cols > 0)
}

/// Raw mode; dropping it takes it back.
pub(crate) struct Raw(());

impl Raw {
    /// Puts the terminal at standard input into raw mode, if there is one.
    pub(crate) fn enter() -> Result<Option<Self>> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Ok(None);
        }
        let wrong =
            |e: nix::errno::Errno| Error::new(ErrorKind::System, "the terminal cannot be put into raw mode").op("tcsetattr").source(e);
        let before = termios::tcgetattr(&stdin).map_err(wrong)?;
        let mut raw = before.clone();
        termios::cfmakeraw(&mut raw);
        BEFORE.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(before);
        termios::tcsetattr(&stdin, SetArg::TCSANOW, &raw).map_err(wrong)?;
        Ok(Some(Self(())))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    // A panic may have come while the lock was held; the settings in it are whole all the same.
    let before = BEFORE.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    if let Some(before) = before {
        let _ = termios::tcsetattr(std::io::stdin(), SetArg::TCSANOW, &before);
    }
}

/// Takes raw mode back before a panic's message is printed, so that the message can be read and the shell can be used.
pub fn restore_on_panic() {
    let then = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        restore();
        then(info);
    }));
}
