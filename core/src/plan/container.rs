//! Plans for isolated processes: a container's first, and those that join it.

use super::launch::{self, Root};
use super::{Plan, Planned, Planner};
use crate::container::layout::Layout;
use crate::container::user::Identity;
use crate::container::{ExecConfig, oci};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Capability, Containers};
use crate::id::{ChainId, ContainerId};
use crate::kernel::{Facts, Launch, NamespaceFrom, NamespaceKind, Process, Signal, Step, Streams, Task, Where};
use oci_spec::runtime::Spec;

/// The root of a container over these layers, lowest first.
pub(super) fn root(layout: &Layout, id: &ContainerId, layers: &[ChainId]) -> Root {
    Root::Overlay { lower: layers.iter().rev().map(|layer| layout.layer(layer)).collect(), upper: layout.upper(id), work: layout.work(id) }
}

/// What is done on the host before the process exists. Its control group is there already; with that goes all of it.
pub(super) fn prepare(id: &ContainerId, spec: &Spec, facts: &Facts, group: &str) -> Plan {
    let mut plan = Plan::new("containers.create", id.as_str());
    let rules = spec.linux().as_ref().and_then(|l| l.resources().as_ref()).and_then(|r| r.devices().clone()).unwrap_or_default();
    if !rules.is_empty() && facts.controllers.iter().any(|c| c == "devices") {
        plan.push(Planned::new(
            Step::DeviceRules { path: group.to_owned(), rules },
            "Whatever nodes a container makes, it can open only the harmless ones.",
            "runtime-spec config-linux.md \"Allowed Device list\"",
        ));
    }
    plan
}

/// What is done while the new process waits, before any other link.
pub(super) fn loopback(id: &ContainerId, launch: &Launch) -> Plan {
    let mut plan = Plan::new("containers.create", id.as_str());
    let fresh = |kind| launch.namespaces.iter().any(|n| n.kind == kind && n.from == NamespaceFrom::New);
    if fresh(NamespaceKind::Network) {
        plan.push(Planned::new(
            Step::LinkUp { at: Where::Child, name: "lo".to_owned() },
            "A new network namespace has a loopback link, and it is down.",
            "network_namespaces(7)",
        ));
    }
    plan
}

impl Planner {
    /// The layers that a container's root was stacked from, lowest first.
    pub(super) fn layers_of(&self, id: &ContainerId) -> Result<Vec<ChainId>> {
        let bytes = self.kernel.read(&self.layout().lower(id), 0, 1 << 20)?;
        Ok(String::from_utf8_lossy(&bytes).lines().map(ChainId::new).collect())
    }

    fn name(id: &ContainerId) -> String {
        format!("container {}", id.short())
    }

    /// The configuration of an exec: the container's, with what the exec says in its place.
    fn exec_spec(&self, id: &ContainerId, spec: &Spec, exec: &ExecConfig) -> Result<Spec> {
        let mut spec = spec.clone();
        let mut program = spec.process().clone().ok_or_else(|| Error::invalid("the runtime configuration has no process"))?;
        if exec.command.is_empty() {
            return Err(Error::invalid("No exec command specified"));
        }
        let own = program.user().clone();
        let of_home = |entry: &&String| entry.split('=').next() == Some("HOME");
        let at_home = program.env().iter().flatten().any(|e| e.len() > 5 && of_home(&e)) && !exec.env.iter().any(|e| of_home(&e));
        let identity = if exec.user.is_empty() && at_home {
            // The container's own user, whose home is known: nothing has to be looked up in the layers.
            Identity { uid: own.uid(), gid: own.gid(), groups: Vec::new(), home: String::new() }
        } else {
            let asked = if exec.user.is_empty() { format!("{}:{}", own.uid(), own.gid()) } else { exec.user.clone() };
            self.identity(id, &self.layers_of(id)?, &asked, &[], spec.mounts().as_deref().unwrap_or_default())?
        };
        let env = oci::exec_environment(program.env().as_deref().unwrap_or_default(), exec, &identity, exec.user.is_empty());
        if !exec.user.is_empty() {
            program.set_user(oci::process_user(&identity)?);
        }
        if !exec.workdir.is_empty() {
            let absolute =
                if exec.workdir.starts_with('/') { exec.workdir.clone() } else { format!("{}/{}", program.cwd().display(), exec.workdir) };
            program.set_cwd(crate::container::mounts::clean(&absolute).into());
        }
        if exec.privileged {
            let all = crate::container::defaults::capabilities(&[], &[], true, self.facts().capabilities)?;
            program.set_capabilities(Some(oci::capability_sets(all)?));
        }
        program.set_env(Some(env));
        program.set_args(Some(exec.command.clone()));
        program.set_terminal(Some(exec.tty));
        spec.set_process(Some(program));
        // The program of an exec is never process 1, and needs no init.
        if let Some(annotations) = spec.annotations_mut() {
            annotations.remove(oci::INIT);
        }
        Ok(spec)
    }
}

impl Containers for Planner {
    fn create(&self, id: &ContainerId, spec: &Spec, streams: Streams) -> Result<Process> {
        self.require(Capability::Containers)?;
        let layout = self.layout();
        let root = match self.layers_of(id) {
            Ok(layers) => root(&layout, id, &layers),
            // Not stacked: a bundle's own directory.
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let path = spec.root().as_ref().map(|r| r.path().display().to_string());
                Root::Directory(path.ok_or_else(|| Error::invalid("the runtime configuration has no root"))?)
            }
            Err(e) => return Err(e),
        };
        let group = self.group(id)?;
        let launch = launch::launch(&Self::name(id), spec, &root, &group, streams)?;
        self.carry_out(&prepare(id, spec, self.facts(), &group), None)?;
        let process = self.kernel.launch(&launch)?;
        if let Err(error) = self.carry_out(&loopback(id, &launch), Some(&process)) {
            self.kernel.destroy(&process)?;
            return Err(error);
        }
        Ok(process)
    }

    fn start(&self, _id: &ContainerId, process: &Process) -> Result<()> {
        self.kernel.release(process)
    }

    fn signal(&self, _id: &ContainerId, process: &Process, signal: Signal) -> Result<()> {
        self.kernel.signal(process, signal)
    }

    fn freeze(&self, id: &ContainerId) -> Result<()> {
        self.require(Capability::Freeze)?;
        self.kernel.perform(&Step::Freeze { path: self.group(id)?, frozen: true }, None)
    }

    fn thaw(&self, id: &ContainerId) -> Result<()> {
        self.require(Capability::Freeze)?;
        self.kernel.perform(&Step::Freeze { path: self.group(id)?, frozen: false }, None)
    }

    fn exec(&self, id: &ContainerId, of: &Process, spec: &Spec, exec: &ExecConfig, streams: Streams) -> Result<Process> {
        self.require(Capability::Exec)?;
        let spec = self.exec_spec(id, spec, exec)?;
        let launch = launch::exec(&format!("exec in {}", Self::name(id)), &spec, of, &self.group(id)?, streams)?;
        let process = self.kernel.launch(&launch)?;
        if let Err(error) = self.kernel.release(&process) {
            self.kernel.destroy(&process)?;
            return Err(error);
        }
        Ok(process)
    }

    fn processes(&self, id: &ContainerId) -> Result<Vec<Task>> {
        self.kernel.tasks(&self.group(id)?)
    }

    fn alive(&self, process: &Process) -> Result<bool> {
        self.kernel.alive(process)
    }

    fn delete(&self, _id: &ContainerId, process: Option<&Process>) -> Result<()> {
        if let Some(process) = process {
            self.kernel.destroy(process)?;
        }
        Ok(())
    }
}
