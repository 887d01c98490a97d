//! The host's half of the kernel: steps that change the host, and questions about what is there.
//!
//! One method of [`Host`] a question of [`Kernel`](drydock_core::kernel::Kernel); each delegates to the module of its noun.

use crate::cgroup::Hierarchies;
use crate::process::live;
use crate::proxy::Proxies;
use crate::resolver::Resolvers;
use crate::{facts, files, firewall, ingest, layer, link, lock, observe, volume, volume_mount};
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::{Facts, Firewall, Guard, Ingested, Process, Step, Task, Where};
use drydock_core::observe::Snapshot;
use std::net::SocketAddr;

/// The host as it was found when the engine was opened.
#[derive(Debug)]
pub struct Host {
    facts: Facts,
    hierarchies: Hierarchies,
    proxies: Proxies,
    resolvers: Resolvers,
}

impl Host {
    /// Looks at the host, and makes the two roots if they are not there, for their owner alone.
    pub fn open(data_root: &str, run_root: &str) -> Result<Self> {
        for root in [data_root, run_root] {
            if !std::path::Path::new(root).is_dir() {
                files::make_dir(root, 0o700)?;
            }
        }
        let hierarchies = Hierarchies::detect();
        let facts = facts::gather(data_root, run_root, &hierarchies)?;
        Ok(Self { facts, hierarchies, proxies: Proxies::default(), resolvers: Resolvers::default() })
    }

    /// The control group hierarchies.
    pub fn hierarchies(&self) -> &Hierarchies {
        &self.hierarchies
    }

    /// What this kernel is and can do.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Carries out one step of the host. Steps of a new process are [`crate::process`]'s.
    pub fn perform(&self, step: &Step, child: Option<&Process>) -> Result<()> {
        match step {
            Step::MakeDir { path, mode } => files::make_dir(path, *mode),
            Step::WriteFile { path, mode, content } => files::write(path, *mode, content.as_bytes()),
            Step::RewriteFile { path, content } => files::rewrite(path, content.as_bytes()),
            Step::WriteHidden { path, mode, uid, gid, content } => {
                files::write(path, *mode, &content.0)?;
                std::os::unix::fs::lchown(path, Some(*uid), Some(*gid)).map_err(|e| crate::error::step("lchown", path, e))
            }
            Step::RemoveTree { path } => files::remove_layer_or_tree(path),
            Step::SyncDir { path } => files::sync_path(path),
            Step::UnpackLayer { archive, diff_id, into, ahead } => layer::unpack(archive, diff_id, into, ahead.as_deref()),

            Step::FillVolume { lower, path, into } => volume::fill(lower, path, into),
            Step::MountVolume { target, mount } => volume_mount::mount(target, mount),
            Step::UnmountVolume { target } => volume_mount::unmount(target),
            Step::Unmount { path } => volume_mount::unmount(path),
            Step::MountIn { of, kind, source, target, recursive, flags, data } => {
                live::mount(of, live::Wanted { kind, source, target, recursive: *recursive, flags: *flags, data })
            }
            Step::UnmountIn { of, target } => live::unmount_in(of, target),
            Step::EndStray { seen } => observe::end(seen),

            Step::MakeCgroup { path } => self.hierarchies.make(path),
            Step::WriteCgroup { path, controller, file, value } => self.hierarchies.write(path, controller, file, value),
            Step::DeviceRules { path, rules } => self.hierarchies.device_rules(path, rules),
            Step::RemoveCgroup { path } => self.hierarchies.remove(path),
            Step::Freeze { path, frozen } => self.hierarchies.freeze(path, *frozen),

            Step::AddBridge { name, address, mac } => link::add_bridge(name, *address, mac.as_deref()),
            Step::AddVeth { name, bridge, peer: _, rename, mac, isolated } => {
                link::add_veth(name, bridge, rename, mac, *isolated, the(child)?)
            }
            Step::RemoveLink { name } => link::remove(name),
            Step::LinkUp { at, name } => link::up(whose(*at, child)?, name),
            Step::AddAddress { at, link, address } => link::add_address(whose(*at, child)?, link, *address),
            Step::AddRoute { at, to, via } => link::add_route(whose(*at, child)?, *to, *via),
            Step::NetSysctl { at, key, value } => link::sysctl(whose(*at, child)?, key, value),

            Step::AddRule { owner, rule } => self.add_rule(owner, rule),
            Step::RemoveRules { owner } => {
                self.proxies.remove(owner);
                firewall::remove(&self.facts.run_root, owner)
            }

            Step::ServeNames { container, servers } => self.resolvers.serve(container, servers, the(child)?, &self.facts.data_root),
            Step::StopNames { container } => {
                self.resolvers.stop(container);
                Ok(())
            }

            inside => Err(Error::unsupported(format!("a step of a new process, in the host: {inside:?}"))),
        }
    }

    /// The port is taken before it is announced: a port that is in use is an error, and nothing was changed.
    fn add_rule(&self, owner: &str, rule: &Firewall) -> Result<()> {
        if let Firewall::Publish { protocol, host_ip, host_port, to, to_port, .. } = rule {
            self.proxies.add(owner, *protocol, SocketAddr::new(*host_ip, *host_port), SocketAddr::new(*to, *to_port))?;
        }
        firewall::add(&self.facts.run_root, owner, rule)
    }

    /// Every directory into which a process writes its pid to join a control group: one a v1 hierarchy, one for v2.
    pub fn cgroup_directories(&self, cgroup: &str) -> Result<Vec<String>> {
        Ok(self.hierarchies.directories(cgroup)?.into_iter().map(|d| d.to_string_lossy().into_owned()).collect())
    }

    /// Processes in a control group and those below it.
    pub fn tasks(&self, cgroup: &str) -> Result<Vec<Task>> {
        self.hierarchies.tasks(cgroup)
    }

    /// At most `limit` bytes of a file from `offset`.
    pub fn read(&self, path: &str, offset: u64, limit: usize) -> Result<Vec<u8>> {
        files::read(&self.facts.data_root, path, offset, limit)
    }

    /// The length of a file in bytes.
    pub fn size(&self, path: &str) -> Result<u64> {
        files::size(path)
    }

    /// Reads a stream to its end and keeps it as a blob.
    pub fn ingest(
        &self,
        reader: &mut dyn std::io::Read,
        limit: u64,
        ahead: &mut dyn FnMut() -> Result<Option<String>>,
        accept: &mut dyn FnMut(&Ingested) -> Result<()>,
    ) -> Result<Ingested> {
        ingest::ingest(&self.facts.data_root, reader, limit, ahead, accept)
    }

    /// Everything on the host that Drydock could leave behind.
    pub fn observe(&self) -> Result<Snapshot> {
        observe::snapshot(&self.facts, &self.hierarchies)
    }

    /// Takes a named lock without waiting.
    pub fn lock(&self, name: &str) -> Result<Option<Box<dyn Guard>>> {
        lock::take(&self.facts.run_root, name)
    }
}

/// The process a step works in, which the caller must have named.
fn the(child: Option<&Process>) -> Result<&Process> {
    child.ok_or_else(|| Error::new(ErrorKind::NotRunning, "a step of a child's network, and no child"))
}

fn whose(at: Where, child: Option<&Process>) -> Result<Option<&Process>> {
    match at {
        Where::Host => Ok(None),
        Where::Child => the(child).map(Some),
    }
}
