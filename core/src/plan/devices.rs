//! Devices of the host that a container gets: what `--device` and `--privileged` come to on this host.

use super::Planner;
use crate::container::ContainerConfig;
use crate::container::oci::Granted;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::Device;

/// Where a processor tells how often it was throttled: a side channel (CVE-2020-8694 was one). One path a processor.
const THROTTLE: (&str, &str) = ("/sys/devices/system/cpu/cpu", "/thermal_throttle");

impl Planner {
    /// The devices asked for; with `--privileged` all that the host has.
    pub(super) fn granted(&self, config: &ContainerConfig) -> Result<Vec<Granted>> {
        let mut all = Vec::new();
        if config.privileged {
            let every = self.kernel.devices("/dev")?;
            all.extend(every.into_iter().map(|device| Granted { device, access: "rwm".to_owned() }));
        }
        for asked in &config.devices {
            let found = self.kernel.devices(&asked.host).map_err(|e| missing(&asked.host, &e))?;
            for device in found {
                // Below a directory each keeps its place.
                let rest = device.path.strip_prefix(&asked.host).unwrap_or_default();
                let path = format!("{}{rest}", asked.container);
                all.retain(|known: &Granted| known.device.path != path);
                all.push(Granted { device: Device { path, ..device }, access: asked.access.clone() });
            }
        }
        Ok(all)
    }

    /// Paths to mask that depend on the machine.
    pub(super) fn masked_here(&self) -> Vec<String> {
        let path = |cpu: u32| format!("{}{cpu}{}", THROTTLE.0, THROTTLE.1);
        // One question for a machine that has none, as virtual ones have not.
        if self.kernel.size(&path(0)).is_err() {
            return Vec::new();
        }
        (0..self.processors()).map(path).collect()
    }

    /// How many processors the machine may have, not only this engine: `0-7` in the kernel's words.
    fn processors(&self) -> u32 {
        let text = self.kernel.read("/sys/devices/system/cpu/possible", 0, 64).unwrap_or_default();
        let last = String::from_utf8_lossy(&text).trim().rsplit(['-', ',']).next().and_then(|n| n.parse::<u32>().ok());
        last.map_or(self.facts().cpus, |last| last.saturating_add(1).min(8192))
    }
}

/// Docker's words. It ends with 127 where the device is not there, as it does for a missing program.
fn missing(path: &str, error: &Error) -> Error {
    let gathering = format!("error gathering device information while adding custom device \"{}\"", path.escape_debug());
    match error.kind() {
        ErrorKind::NotFound => Error::new(ErrorKind::CommandNotFound, format!("{gathering}: no such file or directory")).op("device"),
        ErrorKind::InvalidInput => Error::invalid(format!("{gathering}: not a device node")),
        _ => Error::new(error.kind(), format!("{gathering}: {error}")),
    }
    .subject(path)
}
