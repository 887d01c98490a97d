//! A person's own filter in Docker's JSON: rules with conditions on capabilities, architecture and kernel, resolved for one container.

use super::{architectures, defaults, incomplete};
use crate::error::{Error, Result};
use oci_spec::runtime::{
    Arch, Capability, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompBuilder, LinuxSyscall, LinuxSyscallBuilder,
};
use serde::Deserialize;
use std::str::FromStr;

/// `moby/profiles` `seccomp/seccomp.go`: the runtime-spec's filter with `archMap`, `includes` and `excludes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    default_action: LinuxSeccompAction,
    #[serde(default)]
    default_errno_ret: Option<u32>,
    #[serde(default)]
    architectures: Option<Vec<Arch>>,
    #[serde(default)]
    arch_map: Option<Vec<Architecture>>,
    #[serde(default)]
    syscalls: Option<Vec<Rule>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Architecture {
    architecture: Arch,
    #[serde(default)]
    sub_architectures: Option<Vec<Arch>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    names: Option<Vec<String>>,
    action: LinuxSeccompAction,
    #[serde(default)]
    errno_ret: Option<u32>,
    #[serde(default)]
    args: Option<Vec<LinuxSeccompArg>>,
    #[serde(default)]
    includes: Option<Conditions>,
    #[serde(default)]
    excludes: Option<Conditions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conditions {
    #[serde(default)]
    caps: Option<Vec<String>>,
    #[serde(default)]
    arches: Option<Vec<String>>,
    #[serde(default)]
    min_kernel: Option<String>,
}

/// Reads a profile and keeps the rules that hold for these capabilities (a bit mask), this architecture (the OCI's word) and this
/// kernel's release.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`]: what is not a profile, and what names an action, a capability or an architecture that does not exist. Nothing is
/// dropped in silence, for a rule that is missing is a hole.
pub fn parse(text: &str, capabilities: u64, architecture: &str, release: &str) -> Result<LinuxSeccomp> {
    let wrong = |why: &str| Error::invalid(format!("Decoding seccomp profile failed: {why}"));
    let profile: Profile = serde_json::from_str(text).map_err(|e| wrong(&e.to_string()))?;
    if profile.architectures.as_ref().is_some_and(|a| !a.is_empty()) && profile.arch_map.as_ref().is_some_and(|a| !a.is_empty()) {
        return Err(wrong("'architectures' and 'archMap' were specified in the seccomp profile, use either 'architectures' or 'archMap'"));
    }
    let mut rules = Vec::new();
    for rule in profile.syscalls.unwrap_or_default() {
        if let Some(resolved) = resolve(rule, capabilities, architecture, release).map_err(|why| wrong(&why))? {
            rules.push(resolved);
        }
    }
    let native = architectures(architecture);
    let known = match (profile.architectures, profile.arch_map) {
        (Some(list), _) if !list.is_empty() => list,
        (_, Some(map)) => map
            .into_iter()
            .find(|entry| native.first() == Some(&entry.architecture))
            .map(|entry| std::iter::once(entry.architecture).chain(entry.sub_architectures.unwrap_or_default()).collect())
            .unwrap_or(native),
        _ => native,
    };
    let mut filter = LinuxSeccompBuilder::default()
        .default_action(profile.default_action)
        .architectures(known)
        .syscalls(rules)
        .build()
        .map_err(incomplete)?;
    filter.set_default_errno_ret(profile.default_errno_ret);
    Ok(filter)
}

/// A rule of the runtime-spec, or `None` where its conditions do not hold.
fn resolve(rule: Rule, capabilities: u64, architecture: &str, release: &str) -> Result<Option<LinuxSyscall>, String> {
    let names = match (rule.name, rule.names.unwrap_or_default()) {
        (Some(_), names) if !names.is_empty() => {
            return Err("'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'".to_owned());
        }
        (Some(name), _) => vec![name],
        (None, names) => names,
    };
    let has = |cap: &String| -> Result<bool, String> {
        let capability =
            Capability::from_str(cap.strip_prefix("CAP_").unwrap_or(cap)).map_err(|_| format!("unknown capability \"{cap}\""))?;
        Ok(defaults::to_mask(&[capability]) & capabilities != 0)
    };
    let on = |arch: &String| arch == architecture || (arch == "x86" && architecture == "386");
    for (conditions, wanted) in [(rule.excludes.unwrap_or_default(), false), (rule.includes.unwrap_or_default(), true)] {
        let caps = conditions.caps.unwrap_or_default();
        let arches = conditions.arches.unwrap_or_default();
        let held = caps.iter().map(has).collect::<Result<Vec<_>, _>>()?;
        let new_enough = conditions.min_kernel.as_deref().map(|least| version(release) >= version(least));
        let fails = if wanted {
            held.contains(&false) || (!arches.is_empty() && !arches.iter().any(on)) || new_enough == Some(false)
        } else {
            held.contains(&true) || arches.iter().any(on) || new_enough == Some(true)
        };
        if fails {
            return Ok(None);
        }
    }
    let mut resolved = LinuxSyscallBuilder::default().names(names).action(rule.action).build().map_err(|e| e.to_string())?;
    resolved.set_errno_ret(rule.errno_ret);
    resolved.set_args(rule.args.filter(|args| !args.is_empty()));
    Ok(Some(resolved))
}

/// The first two numbers of a kernel's release.
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = r#"{
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
        "syscalls": [
            {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["modify_ldt"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x86"]}},
            {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}
        ]
    }"#;

    fn names(capabilities: u64, architecture: &str, release: &str) -> Vec<String> {
        let filter = parse(PROFILE, capabilities, architecture, release).unwrap();
        filter.syscalls().as_ref().unwrap().iter().flat_map(|r| r.names().clone()).collect()
    }

    #[test]
    fn conditions_are_resolved() {
        assert_eq!(names(0, "amd64", "6.1.0"), ["read", "write", "ptrace", "clone3", "modify_ldt", "personality"]);
        assert_eq!(names(1 << 21, "arm64", "4.4.0"), ["read", "write", "mount", "personality"]);
        let filter = parse(PROFILE, 0, "amd64", "6.1").unwrap();
        assert_eq!(filter.architectures().as_ref().unwrap(), &[Arch::ScmpArchX86_64, Arch::ScmpArchX86]);
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"defaultAction": "NOPE"}"#,
            r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"a","names":["b"],"action":"SCMP_ACT_ALLOW"}]}"#,
        ] {
            let error = parse(text, 0, "amd64", "6.1").unwrap_err();
            assert!(error.message().starts_with("Decoding seccomp profile failed: "), "{text}: {error}");
        }
    }
}
