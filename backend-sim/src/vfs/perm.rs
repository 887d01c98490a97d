//! Who may do what (path_resolution(7), capabilities(7)).

use crate::sys::{Credentials, Errno, Res, Stat};

/// Numbers of the capabilities that the simulated kernel asks for (capabilities(7)).
#[allow(missing_docs, reason = "the names are those of capabilities(7)")]
pub mod cap {
    pub const CHOWN: u8 = 0;
    pub const DAC_OVERRIDE: u8 = 1;
    pub const DAC_READ_SEARCH: u8 = 2;
    pub const FOWNER: u8 = 3;
    pub const FSETID: u8 = 4;
    pub const KILL: u8 = 5;
    pub const SETGID: u8 = 6;
    pub const SETUID: u8 = 7;
    pub const SETPCAP: u8 = 8;
    pub const NET_BIND_SERVICE: u8 = 10;
    pub const NET_ADMIN: u8 = 12;
    pub const NET_RAW: u8 = 13;
    pub const SYS_CHROOT: u8 = 18;
    pub const SYS_PTRACE: u8 = 19;
    pub const SYS_ADMIN: u8 = 21;
    pub const SYS_RESOURCE: u8 = 24;
    pub const MKNOD: u8 = 27;
    /// The highest there is: CAP_CHECKPOINT_RESTORE.
    pub const LAST: u8 = 40;
    /// All of them.
    pub const ALL: u64 = (1 << (LAST + 1)) - 1;
}

impl Credentials {
    /// The superuser with every capability.
    pub fn root() -> Self {
        Self { effective: cap::ALL, permitted: cap::ALL, bounding: cap::ALL, ..Self::default() }
    }

    /// Whether it may use a capability.
    pub fn can(&self, capability: u8) -> bool {
        self.effective >> capability & 1 == 1
    }

    /// EPERM without the capability.
    pub fn need(&self, capability: u8) -> Res<()> {
        if self.can(capability) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Whether it belongs to a group.
    pub fn in_group(&self, gid: u32) -> bool {
        self.egid == gid || self.groups.contains(&gid)
    }

    /// Checks permission bits: `want` is 4 to read, 2 to write, 1 to execute or search.
    pub fn may(&self, stat: &Stat, want: u32) -> Res<()> {
        let shift = if self.euid == stat.uid {
            6
        } else if self.in_group(stat.gid) {
            3
        } else {
            0
        };
        if stat.mode >> shift & want == want {
            return Ok(());
        }
        let dir = stat.kind == crate::sys::FileType::Directory;
        // Nobody may execute a file that has no execute bit at all, the superuser included.
        let executable = dir || want & 1 == 0 || stat.mode & 0o111 != 0;
        if self.can(cap::DAC_OVERRIDE) && executable {
            return Ok(());
        }
        let only_reads = want == 4 || (dir && want & 2 == 0);
        if self.can(cap::DAC_READ_SEARCH) && only_reads { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// Whether it owns a file, or acts as if (CAP_FOWNER).
    pub fn owns(&self, uid: u32) -> Res<()> {
        if self.euid == uid || self.can(cap::FOWNER) { Ok(()) } else { Err(Errno::EPERM) }
    }
}
