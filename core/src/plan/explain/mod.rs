//! Explanation: what creating and starting a container would do, and the same as a shell script that root can run by hand.
//!
//! The script follows the plan step by step, each with its reason above it. Three things differ from what the engine does, and the
//! script says so where they come: it has no tool for system call filters, it serves no terminal, and it takes its new root
//! by `mount --move` and `chroot`, since after `pivot_root` a shell would have lost its own tools.

mod cgroup;
mod files;
mod inside;
mod network;
mod quote;

use super::{Plan, Planned};
use crate::kernel::{Facts, Launch, NamespaceFrom, NamespaceKind, Step};
use quote::quote;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// What creating and starting a container would do: printed by `drydock explain`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The plans of the host, in order, before the process exists.
    pub before: Vec<Plan>,
    /// The new process, its own steps before and after it waits.
    pub launch: Option<Launch>,
    /// The plans carried out while it waits.
    pub waiting: Vec<Plan>,
    /// The OCI runtime configuration that the process is made from.
    pub spec: Option<oci_spec::runtime::Spec>,
}

impl Explanation {
    /// The plan as a commented bash script. `title` is the command that is explained.
    ///
    /// It needs bash, util-linux, coreutils, iproute2 and nftables, and root. It ends with the exit code of the container's
    /// program, and removes what it made.
    pub fn script(&self, title: &str, facts: &Facts) -> String {
        let mut out = String::new();
        // A newline in the title would end the comment and begin a command.
        let title = title.replace(['\n', '\r'], " ");
        let _ = writeln!(
            out,
            "#!/usr/bin/env bash\n# {title}\n#\n# Every step, in order, with its reason. As root, by hand, it makes the same container."
        );
        out.push_str("set -euo pipefail\nexport PATH=\"$PATH:/usr/sbin:/sbin\"\n");
        out.push_str(&self.undo(facts));
        section(&mut out, "Before there is a process");
        plans(&mut out, &self.before, facts);
        if let Some(launch) = &self.launch {
            self.process(&mut out, launch, facts);
        }
        out
    }

    /// A function that undoes every step, last first, run when the script ends.
    fn undo(&self, facts: &Facts) -> String {
        let mut body = String::new();
        for planned in self.before.iter().chain(&self.waiting).flat_map(|plan| &plan.steps).rev() {
            if let Some(command) = planned.undo.as_ref().and_then(|step| host_command(step, facts)) {
                for line in command.lines() {
                    let _ = writeln!(body, "    {line}");
                }
            }
        }
        format!(
            "\n# What was made goes when the script ends, last first. Nothing to remove is no error.\nundo() {{\n    set +e\n    rm -rf \"${{handshake:-}}\"\n{body}}}\ntrap undo EXIT\n"
        )
    }

    fn process(&self, out: &mut String, launch: &Launch, facts: &Facts) {
        section(out, "The new process");
        out.push_str("# Two pipes: through `ready` the new process says that it waits, through `go` it is told to go on.\n");
        out.push_str("handshake=$(mktemp -d)\nmkfifo \"$handshake/ready\" \"$handshake/go\"\n");
        out.push_str(
            "# What the new process does, in its own namespaces.\ncat >\"$handshake/inside\" <<'END_OF_INSIDE'\nset -euo pipefail\n",
        );
        let mut body = inside::Script::new(facts);
        for planned in &launch.inside {
            body.step(planned);
        }
        body.barrier();
        for planned in &launch.last {
            body.step(planned);
        }
        out.push_str(&body.finish());
        out.push_str("END_OF_INSIDE\n\n");

        if launch.cgroup.is_some() {
            out.push_str("# The process joins its control group before its first instruction: a subshell joins, then becomes it.\n");
        }
        out.push_str("(\n");
        if let Some(path) = &launch.cgroup {
            for file in cgroup::process_files(path, facts) {
                let _ = writeln!(out, "    echo $BASHPID >{}", quote(&file));
            }
        }
        let _ = writeln!(out, "    exec unshare {}--fork bash \"$handshake/inside\" \"$handshake\"\n) <&0 &", namespaces(launch));
        out.push_str("parent=$!\nread -r _ <\"$handshake/ready\"\n# The process that `unshare` forked, by its number on the host.\n");
        out.push_str("child=$(tr -d ' ' <\"/proc/$parent/task/$parent/children\")\n");
        section(out, "While it waits");
        plans(out, &self.waiting, facts);
        section(out, "Go");
        out.push_str("echo go >\"$handshake/go\"\ncode=0\nwait \"$parent\" || code=$?\nexit \"$code\"\n");
    }
}

fn section(out: &mut String, name: &str) {
    let _ = writeln!(out, "\n# ---- {name}");
}

fn plans(out: &mut String, plans: &[Plan], facts: &Facts) {
    for plan in plans {
        for planned in &plan.steps {
            reason(out, planned);
            match host_command(&planned.step, facts) {
                Some(command) => {
                    let _ = writeln!(out, "{command}");
                }
                None => out.push_str("# (no shell command does this)\n"),
            }
        }
    }
}

fn reason(out: &mut String, planned: &Planned) {
    let _ = write!(out, "\n# {}", planned.why.replace('\n', " "));
    if !planned.see.is_empty() {
        let _ = write!(out, " [{}]", planned.see.replace('\n', " "));
    }
    out.push('\n');
}

/// The shell command of a step that is carried out on the host.
fn host_command(step: &Step, facts: &Facts) -> Option<String> {
    files::command(step).or_else(|| cgroup::command(step, facts)).or_else(|| network::command(step))
}

fn namespaces(launch: &Launch) -> String {
    launch.namespaces.iter().fold(String::new(), |mut flags, namespace| {
        if namespace.from == NamespaceFrom::New {
            flags.push_str(match namespace.kind {
                NamespaceKind::User => "--user ",
                NamespaceKind::Ipc => "--ipc ",
                NamespaceKind::Uts => "--uts ",
                NamespaceKind::Network => "--net ",
                NamespaceKind::Pid => "--pid ",
                NamespaceKind::Cgroup => "--cgroup ",
                NamespaceKind::Mount => "--mount --propagation unchanged ",
            });
        }
        flags
    })
}
