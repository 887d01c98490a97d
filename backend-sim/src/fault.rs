//! What is to go wrong, and when.
//!
//! Three kinds of places can be struck: what Drydock asks of the kernel (steps, launches, commits of the store), every single step that a
//! new process carries out inside a launch, and every single system call of a simulated program.

use crate::sys::Errno;
use std::time::Duration;

/// Which step, request or system call a fault hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The so manyth from now on, counting from 0: steps, launches and the steps inside them, releases, and commits of the store.
    Nth(u64),
    /// The next one of this name, as its record has it: `mount-overlay`, `add-veth`, `launch`, `commit`.
    Named(String),
    /// A system call of a program, the so manyth of this name from now on: `open`, `write`, `fork`.
    Call(String, u64),
}

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It fails, and changes nothing.
    Fail,
    /// It fails with this error number, and changes nothing. The only one that strikes programs' system calls.
    Errno(Errno),
    /// The process that asked for it dies before it is done.
    CrashBefore,
    /// It is done, and the process that asked for it dies before it hears so.
    CrashAfter,
    /// It is done, and takes this long.
    Stall(Duration),
    /// The machine's power goes before it is done: everybody is cut off until [`crate::SimHost::power_loss`] boots it again.
    PowerLoss,
}

/// One thing that is to go wrong, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: At,
    /// What.
    pub what: What,
}

impl Fault {
    /// One at the so manyth step or request from now on.
    pub fn nth(n: u64, what: What) -> Self {
        Self { at: At::Nth(n), what }
    }

    /// One at the next step or request of this name.
    pub fn named(name: &str, what: What) -> Self {
        Self { at: At::Named(name.to_owned()), what }
    }
}

/// What is to go wrong, and how much has happened.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    armed: Vec<(Fault, u64)>,
    /// Steps and requests so far.
    pub count: u64,
    /// Whether a fault inside a launch cuts off whoever launched, once the kernel has let go of it.
    pub cut: Option<What>,
    /// The power is gone, and nobody does anything any more.
    pub dark: bool,
}

impl Faults {
    /// Arms a fault.
    pub fn arm(&mut self, fault: Fault) {
        self.armed.push((fault, self.count));
    }

    /// Whether anything is armed.
    pub fn watching(&self) -> bool {
        !self.armed.is_empty()
    }

    /// Disarms all.
    pub fn clear(&mut self) {
        self.armed.clear();
        (self.cut, self.dark) = (None, false);
    }

    /// Counts a step or request, and says what is to go wrong with it.
    pub fn strike(&mut self, name: &str) -> Option<What> {
        let count = self.count;
        self.count += 1;
        let hit = self.armed.iter().position(|(fault, from)| match &fault.at {
            At::Nth(n) => count == from + n,
            At::Named(wanted) => wanted == name,
            At::Call(..) => false,
        })?;
        let what = self.armed.remove(hit).0.what;
        self.dark |= what == What::PowerLoss;
        Some(what)
    }

    /// Counts a system call down, and says with what it fails.
    pub fn strike_call(&mut self, name: &str) -> Option<Errno> {
        let counting = |fault: &mut Fault| match &mut fault.at {
            At::Call(wanted, left) if wanted == name => {
                let now = *left == 0;
                *left = left.saturating_sub(1);
                now
            }
            _ => false,
        };
        let hit = self.armed.iter_mut().position(|(fault, _)| counting(fault))?;
        match self.armed.remove(hit).0.what {
            What::Errno(errno) => Some(errno),
            _ => Some(Errno::EIO),
        }
    }
}
