//! The keychain of a simulated host: root's `config.json` on its disk.

use crate::keychain::Keychain;
use drydock_core::kernel::{Kernel, Step};
use drydock_core::{Error, ErrorKind, Result};
use drydock_sim::kernel::SimKernel;
use std::sync::Arc;

/// The largest file that is read, in bytes.
const LARGEST: usize = 1 << 20;
const DIRECTORY: &str = "/root/.docker";

/// A file of a simulated host.
pub(super) struct OnDisk(pub(super) Arc<SimKernel>);

impl OnDisk {
    fn path() -> String {
        format!("{DIRECTORY}/config.json")
    }
}

impl Keychain for OnDisk {
    fn read(&mut self) -> Result<Option<String>> {
        match self.0.read(&Self::path(), 0, LARGEST) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.0.perform(&Step::MakeDir { path: DIRECTORY.to_owned(), mode: 0o700 }, None)?;
        self.0.perform(&Step::WriteFile { path: Self::path(), mode: 0o600, content: text.to_owned() }, None)
    }

    fn place(&self) -> String {
        Self::path()
    }

    fn helper(&mut self, name: &str, _: &str, _: &str) -> Result<std::result::Result<String, String>> {
        Err(Error::not_modelled(format!("credential helpers (docker-credential-{})", name.escape_debug())))
    }
}
