//! Device rules of a group: which device nodes its processes may open or make.
//!
//! Rules are taken in order and the last that fits a device decides, on both versions; with none that fits, the device is
//! refused if the list begins by denying all, as Docker's does.

use super::{Hierarchies, check, program};
use crate::error::step;
use drydock_core::error::{Error, Result};
use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};
use std::fs::File;
use std::io::Write;

impl Hierarchies {
    /// Puts these rules in force: devices.allow and devices.deny on v1, a BPF program on v2.
    pub fn device_rules(&self, group: &str, rules: &[LinuxDeviceCgroup]) -> Result<()> {
        check(group)?;
        let root = self.root_of("devices").ok_or_else(|| Error::unsupported("device rules of control groups"))?;
        let directory = root.join(group);
        if self.is_unified(root) {
            let file = File::open(&directory).map_err(|e| step("open", directory.display().to_string(), e))?;
            return program::attach(&file, &program::build(rules)?).map_err(|e| step("bpf", directory.display().to_string(), e));
        }
        // Each rule is a write(2) of its own, but both files are opened once for all.
        let (mut allow, mut deny) = (None, None);
        for rule in rules {
            let (file, name) = if rule.allow() { (&mut allow, "devices.allow") } else { (&mut deny, "devices.deny") };
            let path = directory.join(name);
            let line = line(rule)?;
            let failed = |e| step("write", path.display().to_string(), e).hint(format!("the value was {line:?}"));
            let file = match file {
                Some(file) => file,
                None => file.insert(File::options().write(true).open(&path).map_err(failed)?),
            };
            file.write_all(line.as_bytes()).map_err(failed)?;
        }
        Ok(())
    }
}

/// A rule as v1 writes it: `c 1:3 rwm`, `a *:* rwm` (devices.rst).
fn line(rule: &LinuxDeviceCgroup) -> Result<String> {
    let kind = match rule.typ().unwrap_or(LinuxDeviceType::A) {
        LinuxDeviceType::B => 'b',
        LinuxDeviceType::C | LinuxDeviceType::U => 'c',
        LinuxDeviceType::A => 'a',
        LinuxDeviceType::P => return Err(Error::invalid("a FIFO is not a device that can be allowed")),
    };
    let number = |n: Option<i64>| n.filter(|n| *n >= 0).map_or_else(|| "*".to_owned(), |n| n.to_string());
    let access = rule.access().as_deref().unwrap_or("rwm");
    if access.is_empty() || !access.bytes().all(|b| matches!(b, b'r' | b'w' | b'm')) {
        return Err(Error::invalid(format!("{access:?} is not an access to a device: write r, w and m")));
    }
    Ok(format!("{kind} {}:{} {access}", number(rule.major()), number(rule.minor())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_spec::runtime::LinuxDeviceCgroupBuilder;

    fn rule(typ: LinuxDeviceType, major: Option<i64>, minor: Option<i64>, access: &str) -> LinuxDeviceCgroup {
        let mut rule = LinuxDeviceCgroupBuilder::default().allow(true).typ(typ).access(access).build().expect("builds");
        rule.set_major(major).set_minor(minor);
        rule
    }

    #[test]
    fn rules_are_written_as_v1_reads_them() {
        assert_eq!(line(&rule(LinuxDeviceType::A, None, None, "rwm")).expect("writes"), "a *:* rwm");
        assert_eq!(line(&rule(LinuxDeviceType::C, Some(1), Some(3), "rwm")).expect("writes"), "c 1:3 rwm");
        assert_eq!(line(&rule(LinuxDeviceType::C, Some(136), Some(-1), "rw")).expect("writes"), "c 136:* rw");
        assert!(line(&rule(LinuxDeviceType::P, None, None, "r")).is_err());
        assert!(line(&rule(LinuxDeviceType::C, None, None, "x")).is_err());
    }
}
