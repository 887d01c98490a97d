//! Options of `run` and `create` about what a container finds around itself: devices, namespaces, volumes of others, block devices.

use super::container_options::pairs;
use crate::flags::{integer, unsigned};
use clap::Args;
use drydock_core::container::oci::{parse_device, parse_rule};
use drydock_core::container::{ContainerConfig, DeviceRequest, NamespaceMode};
use drydock_core::limits::{Throttle, ThrottleKind, units};
use drydock_core::{Error, Result};

fn rule(text: &str) -> std::result::Result<String, String> {
    parse_rule(text).map(|_| text.to_owned()).map_err(|e| e.to_string())
}

fn weight(text: &str) -> std::result::Result<u16, String> {
    unsigned(text).and_then(|n| u16::try_from(n).map_err(|_| format!("strconv.ParseUint: parsing \"{text}\": value out of range")))
}

fn bytes(text: &str) -> std::result::Result<u64, String> {
    units::parse_bytes(text).map_err(|e| e.to_string())
}

/// `DEVICE:RATE`, where the rate is a size.
fn bps(text: &str) -> std::result::Result<(String, u64), String> {
    let wrong = || {
        format!(
            "invalid rate for device: {text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
        )
    };
    device_rate(text).and_then(|(device, rate)| units::parse_bytes(rate).map(|rate| (device.to_owned(), rate)).map_err(|_| wrong()))
}

/// `DEVICE:RATE`, where the rate is a number.
fn iops(text: &str) -> std::result::Result<(String, u64), String> {
    let wrong =
        || format!("invalid rate for device: {text}. The correct format is <device-path>:<number>. Number must be a positive integer");
    device_rate(text).and_then(|(device, rate)| rate.parse().map(|rate| (device.to_owned(), rate)).map_err(|_| wrong()))
}

fn device_rate(text: &str) -> std::result::Result<(&str, &str), String> {
    let (device, rate) =
        text.split_once(':').filter(|(d, r)| !d.is_empty() && !r.is_empty()).ok_or_else(|| format!("bad format: {text}"))?;
    if device.starts_with("/dev/") { Ok((device, rate)) } else { Err(format!("bad format for device path: {text}")) }
}

/// What a container finds around itself.
#[derive(Args, Debug, Clone)]
pub(crate) struct Surroundings {
    /// Add an annotation to the container (passed through to the OCI runtime) (default map[])
    #[arg(long, value_name = "map")]
    pub annotation: Vec<String>,
    /// Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)
    #[arg(long, value_name = "uint16", value_parser = weight)]
    pub blkio_weight: Option<u16>,
    /// Optional parent cgroup for the container
    #[arg(long, value_name = "string")]
    pub cgroup_parent: Option<String>,
    /// Cgroup namespace to use (host|private)
    #[arg(long, value_name = "string")]
    pub cgroupns: Option<String>,
    /// MEMs in which to allow execution (0-3, 0,1)
    #[arg(long, value_name = "string")]
    pub cpuset_mems: Option<String>,
    /// Add a host device to the container
    #[arg(long, value_name = "list")]
    pub device: Vec<String>,
    /// Add a rule to the cgroup allowed devices list
    #[arg(long, value_name = "list", value_parser = rule)]
    pub device_cgroup_rule: Vec<String>,
    /// Limit read rate (bytes per second) from a device (default [])
    #[arg(long, value_name = "list", value_parser = bps)]
    pub device_read_bps: Vec<(String, u64)>,
    /// Limit read rate (IO per second) from a device (default [])
    #[arg(long, value_name = "list", value_parser = iops)]
    pub device_read_iops: Vec<(String, u64)>,
    /// Limit write rate (bytes per second) to a device (default [])
    #[arg(long, value_name = "list", value_parser = bps)]
    pub device_write_bps: Vec<(String, u64)>,
    /// Limit write rate (IO per second) to a device (default [])
    #[arg(long, value_name = "list", value_parser = iops)]
    pub device_write_iops: Vec<(String, u64)>,
    /// Skip image verification (default true)
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_parser = crate::flags::parse_bool)]
    pub disable_content_trust: Option<bool>,
    /// Set DNS options
    #[arg(long, alias = "dns-opt", value_name = "list")]
    pub dns_option: Vec<String>,
    /// GPU devices to add to the container ('all' to pass all GPUs)
    #[arg(long, value_name = "gpu-request")]
    pub gpus: Option<String>,
    /// Container isolation technology
    #[arg(long, value_name = "string")]
    pub isolation: Option<String>,
    /// Kernel memory limit
    #[arg(long, value_name = "bytes", value_parser = bytes)]
    pub kernel_memory: Option<u64>,
    /// Tune container memory swappiness (0 to 100) (default -1)
    #[arg(long, value_name = "int", value_parser = integer)]
    pub memory_swappiness: Option<i64>,
    /// Runtime to use for this container
    #[arg(long, value_name = "string")]
    pub runtime: Option<String>,
    /// Storage driver options for the container
    #[arg(long, value_name = "list")]
    pub storage_opt: Vec<String>,
    /// User namespace to use
    #[arg(long, value_name = "string")]
    pub userns: Option<String>,
    /// Optional volume driver for the container
    #[arg(long, value_name = "string")]
    pub volume_driver: Option<String>,
    /// Mount volumes from the specified container(s)
    #[arg(long, value_name = "list")]
    pub volumes_from: Vec<String>,
}

impl Surroundings {
    /// Puts them into a configuration.
    ///
    /// # Errors
    /// Docker's own words, those of its client.
    pub fn apply(&self, config: &mut ContainerConfig) -> Result<()> {
        config.annotations = pairs(&self.annotation);
        config.devices = self.device.iter().map(|text| parse_device(text)).collect::<Result<Vec<DeviceRequest>>>()?;
        config.device_rules.clone_from(&self.device_cgroup_rule);
        config.dns_options.clone_from(&self.dns_option);
        config.volumes_from.clone_from(&self.volumes_from);
        config.cgroupns = match self.cgroupns.as_deref() {
            None | Some("" | "private") => NamespaceMode::Private,
            Some("host") => NamespaceMode::Host,
            Some(_) => return Err(Error::invalid("--cgroupns: invalid CGROUP mode")),
        };
        config.userns = match self.userns.as_deref() {
            None | Some("") => NamespaceMode::Private,
            Some("host") => NamespaceMode::Host,
            Some(_) => return Err(Error::invalid("--userns: invalid USER mode")),
        };
        config.runtime = self.runtime.clone().unwrap_or_default();
        config.isolation = self.isolation.clone().unwrap_or_default();
        if self.gpus.as_deref().is_some_and(|gpus| !gpus.is_empty()) {
            return Err(Error::invalid("could not select device driver \"\" with capabilities: [[gpu]]")
                .hint("a vendor's runtime would choose them; --device gives a device"));
        }
        if !self.storage_opt.is_empty() {
            return Err(Error::invalid("--storage-opt is supported only for overlay over xfs with 'pquota' mount option"));
        }
        if self.volume_driver.as_deref().is_some_and(|driver| !driver.is_empty() && driver != "local") {
            return Err(Error::unsupported(format!(
                "--volume-driver {}",
                self.volume_driver.as_deref().unwrap_or_default().escape_debug()
            )));
        }
        let resources = &mut config.resources;
        resources.cgroup_parent = self.cgroup_parent.as_deref().map(|p| p.trim_matches('/').to_owned()).filter(|p| !p.is_empty());
        resources.blkio_weight = self.blkio_weight.filter(|weight| *weight > 0);
        resources.cpuset_mems = self.cpuset_mems.clone().filter(|mems| !mems.is_empty());
        resources.memory_swappiness = self.memory_swappiness.filter(|swappiness| *swappiness != -1);
        if let Some(wrong) = resources.memory_swappiness.filter(|swappiness| !(0..=100).contains(swappiness)) {
            return Err(Error::invalid(format!("invalid value: {wrong}. Valid memory swappiness range is 0-100")));
        }
        for (kind, rates) in [
            (ThrottleKind::ReadBps, &self.device_read_bps),
            (ThrottleKind::WriteBps, &self.device_write_bps),
            (ThrottleKind::ReadIops, &self.device_read_iops),
            (ThrottleKind::WriteIops, &self.device_write_iops),
        ] {
            resources.throttles.extend(rates.iter().map(|(device, rate)| Throttle { kind, device: device.clone(), rate: *rate }));
        }
        Ok(())
    }
}
