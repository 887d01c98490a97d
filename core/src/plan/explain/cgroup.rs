//! Steps on control groups, as shell commands, for both versions.

use super::quote::quote;
use crate::kernel::{Facts, Step};
use crate::limits::CgroupMode;
use oci_spec::runtime::LinuxDeviceCgroup;

const TREE: &str = "/sys/fs/cgroup";

pub(super) fn command(step: &Step, facts: &Facts) -> Option<String> {
    Some(match step {
        Step::MakeCgroup { path } => make(path, facts),
        Step::WriteCgroup { path, controller, file, value } => {
            format!("echo {} >{}", quote(value), quote(&format!("{}/{file}", directory(path, controller, facts))))
        }
        Step::DeviceRules { path, rules } if facts.cgroup == CgroupMode::V2 => {
            format!("# ({} device rules for {path}: on cgroup v2 they are a BPF program, which no shell command loads)", rules.len())
        }
        Step::DeviceRules { path, rules } => devices(&directory(path, "devices", facts), rules),
        Step::RemoveCgroup { path } => {
            let directories: Vec<String> = directories(path, facts).iter().map(|d| quote(d)).collect();
            format!("for group in {}; do [ ! -d \"$group\" ] || rmdir \"$group\"; done", directories.join(" "))
        }
        Step::Freeze { path, frozen } => match facts.cgroup {
            CgroupMode::V2 => format!("echo {} >{}", u8::from(*frozen), quote(&format!("{TREE}/{path}/cgroup.freeze"))),
            _ => format!("echo {} >{}", if *frozen { "FROZEN" } else { "THAWED" }, quote(&format!("{TREE}/freezer/{path}/freezer.state"))),
        },
        _ => return None,
    })
}

/// The files that a process writes its number to in order to join.
pub(super) fn process_files(path: &str, facts: &Facts) -> Vec<String> {
    directories(path, facts).into_iter().map(|directory| format!("{directory}/cgroup.procs")).collect()
}

fn directory(path: &str, controller: &str, facts: &Facts) -> String {
    match facts.cgroup {
        CgroupMode::V2 => format!("{TREE}/{path}"),
        _ => format!("{TREE}/{controller}/{path}"),
    }
}

fn directories(path: &str, facts: &Facts) -> Vec<String> {
    match facts.cgroup {
        CgroupMode::V2 => vec![directory(path, "", facts)],
        _ => facts.controllers.iter().map(|controller| directory(path, controller, facts)).collect(),
    }
}

fn make(path: &str, facts: &Facts) -> String {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    if facts.cgroup == CgroupMode::V2 {
        return format!(
            "mkdir -p {0}\nfor controller in {1}; do\n    echo \"+$controller\" >{TREE}/cgroup.subtree_control\n    echo \"+$controller\" >{2}\ndone\nmkdir -p {3}",
            quote(&format!("{TREE}/{parent}")),
            facts.controllers.join(" "),
            quote(&format!("{TREE}/{parent}/cgroup.subtree_control")),
            quote(&format!("{TREE}/{path}")),
        );
    }
    let mut lines: Vec<String> = directories(path, facts).iter().map(|d| format!("mkdir -p {}", quote(d))).collect();
    if facts.controllers.iter().any(|c| c == "cpuset") {
        // cgroups(7): a v1 cpuset cannot be joined before it has processors and memory nodes; they are copied down from the root.
        for group in [parent, path].iter().filter(|g| !g.is_empty()) {
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let to = format!("{TREE}/cpuset/{group}/{file}");
                lines.push(format!("[ -n \"$(cat {0})\" ] || cat {TREE}/cpuset/{file} >{0}", quote(&to)));
            }
        }
    }
    lines.join("\n")
}

fn devices(directory: &str, rules: &[LinuxDeviceCgroup]) -> String {
    let number = |n: Option<i64>| n.filter(|n| *n >= 0).map_or("*".to_owned(), |n| n.to_string());
    let lines: Vec<String> = rules
        .iter()
        .map(|rule| {
            let file = if rule.allow() { "devices.allow" } else { "devices.deny" };
            let kind = rule.typ().map_or_else(|| "a".to_owned(), |t| t.as_str().to_owned());
            let access = rule.access().as_deref().unwrap_or("rwm");
            let text = format!("{kind} {}:{} {access}", number(rule.major()), number(rule.minor()));
            format!("echo '{text}' >{}", quote(&format!("{directory}/{file}")))
        })
        .collect();
    lines.join("\n")
}
