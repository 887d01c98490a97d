//! What is to go wrong, and when.

/// Which step or request a fault hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The so manyth from now on, counting from 0: steps, launches, releases, and commits of the store.
    Nth(u64),
    /// The next one of this name, as its record has it: `mount-overlay`, `add-veth`, `launch`, `commit`.
    Named(String),
}

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It fails, and changes nothing.
    Fail,
    /// The process that asked for it dies before it is done.
    CrashBefore,
    /// It is done, and the process that asked for it dies before it hears so.
    CrashAfter,
}

/// One thing that is to go wrong, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: At,
    /// What.
    pub what: What,
}

/// What is to go wrong, and how much has happened.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Vec<(Fault, u64)>,
    /// Steps and requests so far.
    pub count: u64,
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
    }

    /// Counts a step or request, and says what is to go wrong with it.
    pub fn strike(&mut self, name: &str) -> Option<What> {
        let count = self.count;
        self.count += 1;
        let hit = self.armed.iter().position(|(fault, from)| match &fault.at {
            At::Nth(n) => count == from + n,
            At::Named(wanted) => wanted == name,
        })?;
        Some(self.armed.remove(hit).0.what)
    }
}
