//! Signals of this process as something to read.
//!
//! Handlers write to a socket; no signal is blocked, since programs in containers would inherit a blocked mask, and do not inherit handlers.

use drydock_core::kernel::Signal;
use drydock_core::{Error, ErrorKind, Result};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use std::collections::VecDeque;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;

/// What `--sig-proxy` passes on. Docker passes more, among them ones that only a debugger or the kernel sends.
const PASSED_ON: [i32; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT];

/// Signals that arrived.
pub(crate) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    arrived: VecDeque<i32>,
}

/// One signal that arrived.
pub(crate) enum Arrived {
    /// The terminal has another size.
    Resized,
    /// To be passed on.
    Other(Signal),
}

impl Signals {
    /// Catches the signals that are passed on, and changes of the terminal's size, as asked. `None` for neither.
    pub(crate) fn catch(pass_on: bool, sizes: bool) -> Result<Option<Self>> {
        let mut wanted = Vec::new();
        if pass_on {
            wanted.extend(PASSED_ON);
        }
        if sizes {
            wanted.push(SIGWINCH);
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        let wrong = |e: std::io::Error| Error::new(ErrorKind::System, "signals cannot be caught").op("sigaction").source(e);
        let (read, write) = UnixStream::pair().map_err(wrong)?;
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, wanted).map_err(wrong)?;
        Ok(Some(Self { delivery, arrived: VecDeque::new() }))
    }

    /// The descriptor that becomes readable when a signal arrives.
    pub(crate) fn descriptor(&self) -> i32 {
        self.delivery.get_read().as_raw_fd()
    }

    /// The same, borrowed.
    pub(crate) fn socket(&self) -> &UnixStream {
        self.delivery.get_read()
    }

    /// A signal that has arrived, without waiting.
    pub(crate) fn next(&mut self) -> Option<Arrived> {
        // All at once: what wakes a poll is taken away by the first look.
        self.arrived.extend(self.delivery.pending());
        match self.arrived.pop_front()? {
            SIGWINCH => Some(Arrived::Resized),
            number => Signal::from_number(number).ok().map(Arrived::Other),
        }
    }

    /// Whether signals wait that [`Signals::descriptor`] does not tell of any more.
    pub(crate) fn waiting(&self) -> bool {
        !self.arrived.is_empty()
    }
}
