//! Signals by number and by name (signal(7), Linux numbers for x86-64 and arm64).

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A signal's number, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signal(u8);

const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD",
    "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// SIGRTMIN as the C library gives it to programs; the two below are its own.
const RTMIN: u8 = 34;
const RTMAX: u8 = 64;

impl Signal {
    /// Hang-up.
    pub const HUP: Signal = Signal(1);
    /// Interrupt, as Ctrl-C sends it.
    pub const INT: Signal = Signal(2);
    /// Quit, as Ctrl-\ sends it.
    pub const QUIT: Signal = Signal(3);
    /// Kill; cannot be caught.
    pub const KILL: Signal = Signal(9);
    /// Terminate; Docker's default for `stop`.
    pub const TERM: Signal = Signal(15);
    /// Continue.
    pub const CONT: Signal = Signal(18);
    /// Stop; cannot be caught.
    pub const STOP: Signal = Signal(19);
    /// The terminal changed its size.
    pub const WINCH: Signal = Signal(28);

    /// A signal by its number.
    pub fn from_number(number: i32) -> Result<Self> {
        match u8::try_from(number) {
            Ok(n @ 1..=RTMAX) => Ok(Self(n)),
            _ => Err(Error::invalid(format!("Invalid signal: {number}"))),
        }
    }

    /// A signal as Docker writes one: a number, or a name with or without `SIG`, in either case; `RTMIN+n` and `RTMAX-n` too.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::invalid(format!("Invalid signal: {}", text.escape_debug()));
        if let Ok(number) = text.parse::<i32>() {
            return Self::from_number(number).map_err(|_| wrong());
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some(i) = NAMES.iter().position(|n| *n == name) {
            return u8::try_from(i + 1).map(Self).map_err(|_| wrong());
        }
        let real_time = |base: u8, offset: &str, sign: i32| -> Option<Self> {
            let n: i32 = if offset.is_empty() { 0 } else { offset.get(1..)?.parse().ok()? };
            u8::try_from(i32::from(base) + sign * n).ok().filter(|n| (RTMIN..=RTMAX).contains(n)).map(Self)
        };
        match name {
            "CLD" => Ok(Self(17)),
            "POLL" => Ok(Self(29)),
            "IOT" => Ok(Self(6)),
            _ => name
                .strip_prefix("RTMIN")
                .and_then(|rest| (rest.is_empty() || rest.starts_with('+')).then(|| real_time(RTMIN, rest, 1)).flatten())
                .or_else(|| {
                    name.strip_prefix("RTMAX")
                        .and_then(|rest| (rest.is_empty() || rest.starts_with('-')).then(|| real_time(RTMAX, rest, -1)).flatten())
                })
                .ok_or_else(wrong),
        }
    }

    /// Its number.
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }

    /// The exit code a shell gives a process that it killed: 128 and the number.
    pub fn exit_code(self) -> i32 {
        128 + i32::from(self.0)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0) - 1) {
            Some(name) => write!(f, "SIG{name}"),
            None if self.0 >= RTMIN => write!(f, "SIGRTMIN+{}", self.0 - RTMIN),
            None => write!(f, "{}", self.0),
        }
    }
}
