//! `--security-opt`: what is taken from or added to a container's confinement.

use crate::container::{ContainerConfig, defaults, seccomp};
use crate::error::{Error, Result};
use crate::kernel::Facts;
use oci_spec::runtime::LinuxSeccomp;

/// Which system call filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Filter {
    /// Docker's default.
    #[default]
    Default,
    /// None.
    Unconfined,
    /// This profile, Docker's JSON.
    Profile(String),
}

/// `--security-opt`, taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub filter: Filter,
    pub no_new_privileges: bool,
    /// Nothing masked or read-only.
    pub unconfined_paths: bool,
    /// The container may change its own control group, and make others below it.
    pub writable_cgroups: bool,
    /// What the filter refuses is written down.
    pub report: bool,
}

impl Options {
    /// Reads them. The word and its value are parted by `=`, or by `:` as old Docker had it.
    ///
    /// # Errors
    /// `invalid --security-opt 2: "…"` for what is none.
    pub fn parse(all: &[String]) -> Result<Self> {
        let mut options = Self::default();
        for text in all {
            let shown = text.escape_debug();
            let (key, value) = match text.split_once('=').or_else(|| text.split_once(':')) {
                Some((key, value)) => (key, Some(value)),
                None => (text.as_str(), None),
            };
            match (key, value) {
                ("no-new-privileges", None | Some("true" | "1")) => options.no_new_privileges = true,
                ("no-new-privileges", Some("false" | "0")) => options.no_new_privileges = false,
                ("seccomp", Some("unconfined")) => options.filter = Filter::Unconfined,
                ("seccomp", Some("builtin")) => options.filter = Filter::Default,
                ("seccomp", Some(profile)) if !profile.is_empty() => options.filter = Filter::Profile(profile.to_owned()),
                ("writable-cgroups", None | Some("true" | "1")) => options.writable_cgroups = true,
                ("writable-cgroups", Some("false" | "0")) => options.writable_cgroups = false,
                ("seccomp-report", None | Some("true" | "1")) => options.report = true,
                ("seccomp-report", Some("false" | "0")) => options.report = false,
                ("systempaths", Some("unconfined")) => options.unconfined_paths = true,
                // What a security module would do; whether there is one is looked at where the host is known.
                ("apparmor" | "label", Some(_)) => {}
                (_, Some(_)) => return Err(Error::invalid(format!("invalid --security-opt 2: \"{shown}\""))),
                (_, None) => return Err(Error::invalid(format!("Invalid --security-opt: \"{shown}\""))),
            }
        }
        Ok(options)
    }
}

/// The filter, resolved for what this container may do. A host without filters has none unless a profile was asked for by name.
///
/// `report` is the file that gets the names of refused calls, where that is asked for.
pub(super) fn filter(config: &ContainerConfig, options: &Options, facts: &Facts, report: &str) -> Result<Option<LinuxSeccomp>> {
    let mut filter = plain_filter(config, options, facts)?;
    if let (Some(filter), true) = (&mut filter, options.report) {
        filter.set_listener_path(Some(report.into()));
    }
    Ok(filter)
}

fn plain_filter(config: &ContainerConfig, options: &Options, facts: &Facts) -> Result<Option<LinuxSeccomp>> {
    let granted = || -> Result<u64> {
        let set = defaults::capabilities(&config.cap_add, &config.cap_drop, config.privileged, facts.capabilities)?;
        Ok(defaults::to_mask(&set.into_iter().collect::<Vec<_>>()))
    };
    match &options.filter {
        Filter::Unconfined => Ok(None),
        Filter::Default if config.privileged || !facts.seccomp => Ok(None),
        Filter::Profile(_) if !facts.seccomp => Err(Error::unsupported("system call filters")),
        Filter::Default => seccomp::default_filter(granted()?, &facts.architecture).map(Some),
        Filter::Profile(text) => seccomp::parse(text, granted()?, &facts.architecture, &facts.release).map(Some),
    }
}
