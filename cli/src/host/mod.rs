//! Which hosts this program can open.

#[cfg(feature = "conform")]
mod conform;

use drydock::HostOptions;
use drydock::native::Opener;
use drydock_core::engine::Engine;
use drydock_core::{Error, Result};
use std::sync::Arc;

/// Commands that the library does not have.
const OWN: &[(&str, &str)] = &[
    #[cfg(feature = "conform")]
    ("conform", "Run the conformance suite against a host"),
];

/// Opens hosts by name.
pub(crate) struct Hosts {}

impl Hosts {
    pub(crate) fn new(_args: &[String]) -> Self {
        Self {}
    }
}

impl Opener for Hosts {
    fn open(&mut self, options: &HostOptions) -> Result<Arc<dyn Engine>> {
        let host = options.host.as_deref().unwrap_or("linux");
        #[cfg(target_os = "linux")]
        if host == "linux" {
            let root = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
            let (data, run) = (root(&options.data_root, "/var/lib/drydock"), root(&options.run_root, "/run/drydock"));
            return Ok(Arc::new(drydock_linux::open(&data, &run)?));
        }
        Err(Error::unsupported(format!("the host '{}'", host.escape_debug())).hint("this build has none of that name"))
    }

    fn own_commands(&self) -> &'static [(&'static str, &'static str)] {
        OWN
    }

    fn own_command(&mut self, name: &str, args: &[String], _: &HostOptions) -> Option<i32> {
        match name {
            #[cfg(feature = "conform")]
            "conform" => Some(conform::run(args)),
            _ => None,
        }
    }
}
