//! Directories of this process's own in the host's directory for temporary files.

use drydock_core::{Error, ErrorKind, Result};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;

/// A directory that nobody could have made before, and that is gone when this is dropped.
///
/// Anybody may write to the directory for temporary files. One with a name that can be guessed could be there already when root comes to make
/// it: as somebody else's, or as a link to something of root's. This one is made by mkdtemp(3)'s rule: a name by chance, mkdir(2) that fails if
/// anything is there, mode 0700.
pub(super) struct Scratch(TempDir);

impl Scratch {
    /// `purpose` is in its name, for whoever finds one that a killed process left.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn new(purpose: &str) -> Result<Self> {
        let made = tempfile::Builder::new().prefix(&format!("drydock-{purpose}-")).permissions(Permissions::from_mode(0o700)).tempdir();
        made.map(Self).map_err(|e| Error::new(ErrorKind::System, "make a directory for temporary files").source(e))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Lets others pass through it, as root in a user namespace has to on its way to its own root; they cannot list it or make anything in it.
    ///
    /// # Errors
    /// Its mode cannot be changed.
    pub(super) fn passable(self) -> Result<Self> {
        let changed = std::fs::set_permissions(self.path(), Permissions::from_mode(0o711));
        changed.map_err(|e| Error::new(ErrorKind::System, format!("change the mode of {}", self.path().display())).source(e))?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn each_is_new_and_its_owners_alone() {
        let (one, two) = (Scratch::new("test").expect("made"), Scratch::new("test").expect("made"));
        assert_ne!(one.path(), two.path(), "two of one process and purpose are two");
        let mode = |scratch: &Scratch| std::fs::symlink_metadata(scratch.path()).expect("there").mode() & 0o7777;
        assert_eq!(mode(&one), 0o700);
        let two = two.passable().expect("changed");
        assert_eq!(mode(&two), 0o711);
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists());
    }
}
