//! What an engine asks of its planner before anything runs: a container's configuration, a check of what was asked for, an explanation.

use super::launch::launch;
use super::{Explanation, Plan, Planned, Planner, container, image, network};
use crate::container::files;
use crate::container::layout::Layout;
use crate::container::oci::mounts::IMAGE_PLACE;
use crate::container::oci::{self, Join};
use crate::container::user::{self, Identity};
use crate::container::{ContainerConfig, ContainerRecord, ContainerState, MountKind, NamespaceMode};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Capabilities, Capability, Joined, Planning};
use crate::id::{ChainId, ContainerId, ImageId};
use crate::image::{ImageDefaults, ImageRecord};
use crate::kernel::{NamespaceKind, Process, Step, Streams};
use crate::network::{Endpoint, NetworkRecord, Place, Publish};
use crate::time::Timestamp;
use ipnet::IpNet;
use oci_spec::runtime::{Mount, Spec};
use std::net::{IpAddr, Ipv4Addr};

/// The most of /etc/passwd and /etc/group that is read (CVE-2026-47262 used a huge one to fill memory).
const MOST: usize = 4 << 20;

impl Planner {
    /// Who `asked` (`user[:group]`) is in a container.
    pub(super) fn identity(
        &self,
        id: &ContainerId,
        layers: &[ChainId],
        asked: &str,
        further: &[String],
        mounts: &[Mount],
    ) -> Result<Identity> {
        let read = |path: &str| self.read_inside(id, layers, path, mounts);
        user::resolve(asked, further, &read("/etc/passwd")?, &read("/etc/group")?)
    }

    /// A file as the container will see it: that of a mount on it, or that of the topmost layer that has it. Empty if none has.
    fn read_inside(&self, id: &ContainerId, layers: &[ChainId], path: &str, mounts: &[Mount]) -> Result<String> {
        let layout = self.layout();
        let over = mounts.iter().rev().find(|m| m.destination().to_str() == Some(path)).and_then(|m| m.source().as_ref());
        let place = match over {
            Some(source) => source.display().to_string(),
            None => {
                let trees: Vec<String> =
                    std::iter::once(layout.upper(id)).chain(layers.iter().rev().map(|layer| layout.layer(layer))).collect();
                match self.find_inside(&trees, path)? {
                    Some(place) => place,
                    None => return Ok(String::new()),
                }
            }
        };
        match self.kernel.read(&place, 0, MOST) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::NotModelled) => Err(e),
            // A pipe or a device is no file of users: who is asked for by name is not found.
            Err(_) => Ok(String::new()),
        }
    }

    /// The configuration, given who its user is. Devices of the host are looked for when the container starts, and not before (`resolved`).
    fn configure(
        &self,
        record: &ContainerRecord,
        image: &ImageDefaults,
        identity: &Identity,
        joined: &Joined,
        resolved: bool,
    ) -> Result<Spec> {
        let join = |kind, of: &Option<Process>| of.clone().map(|of| Join { kind, of });
        let joins: Vec<Join> =
            [join(NamespaceKind::Network, &joined.network), join(NamespaceKind::Pid, &joined.pid), join(NamespaceKind::Ipc, &joined.ipc)]
                .into_iter()
                .flatten()
                .collect();
        let facts = self.facts();
        let (devices, masked) = if resolved { (self.granted(&record.config)?, self.masked_here()) } else { Default::default() };
        let hostname = &joined.hostname;
        oci::specification(&oci::Request { record, image, identity, facts, hostname, devices: &devices, masked: &masked, joins: &joins })
    }
}

impl Planning for Planner {
    fn capabilities(&self) -> Capabilities {
        super::capabilities(self.facts())
    }

    fn specify(&self, record: &ContainerRecord, image: &ImageRecord, joined: &Joined) -> Result<Spec> {
        let asked = oci::user(record, &image.defaults);
        // A bind on /etc/passwd is the only thing of the mounts that matters here.
        let nobody = Identity { uid: 0, gid: 0, groups: vec![0], home: "/".to_owned() };
        let draft = self.configure(record, &image.defaults, &nobody, joined, true)?;
        let mounts = draft.mounts().as_deref().unwrap_or_default();
        let identity = self.identity(&record.id, &image.layers, asked, &record.config.groups, mounts)?;
        oci::settle(draft, record, &identity, &joined.hostname)
    }

    fn explain(
        &self,
        record: &ContainerRecord,
        image: &ImageRecord,
        network: Option<&NetworkRecord>,
        joined: &Joined,
    ) -> Result<Explanation> {
        let (id, layout) = (&record.id, self.layout());
        if record.config.user_range.is_some() && record.config.userns != NamespaceMode::Host {
            // The shell has no words for layers whose ids are mapped as they are mounted.
            return Err(Error::unsupported("explain with a user namespace"));
        }
        let spec = self.specify(record, image, joined)?;
        let mut explanation = Explanation { before: vec![image::stack(&layout, id, &image.layers)], ..Explanation::default() };
        let endpoint = network.filter(|n| n.subnet.is_some()).map(|n| endpoint(record, n)).transpose()?;
        let of_host = self.kernel.read("/etc/resolv.conf", 0, MOST).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
        explanation.before.push(files(record, &layout, &of_host, endpoint.as_ref(), joined)?);
        explanation.before.push(self.plan_limits(id, &record.config.resources));
        let group = layout.cgroup_in(record.config.resources.cgroup_parent.as_deref(), id);
        explanation.before.push(container::prepare(id, &spec, self.facts(), &group));
        let streams = if record.config.tty {
            Streams::Terminal { stdin: record.config.open_stdin, rows: 24, cols: 80 }
        } else {
            Streams::Pipes { stdin: record.config.open_stdin }
        };
        let root = container::root(&layout, id, &image.layers);
        let launch = launch(&format!("container {}", id.short()), &spec, &root, &group, streams)?;
        explanation.waiting.push(container::loopback(id, &launch));
        if let (Some(network), Some(endpoint)) = (network, &endpoint) {
            explanation.before.insert(0, network::add(network)?);
            explanation.waiting.push(network::connect(network, endpoint, false));
            explanation.waiting.push(network::publish(network, endpoint, &published(record)));
        }
        explanation.launch = Some(launch);
        explanation.spec = Some(spec);
        Ok(explanation)
    }

    fn check(&self, config: &ContainerConfig) -> Result<()> {
        crate::limits::check(&config.resources, self.facts())?;
        self.check_nodes(&config.resources)?;
        self.check_modules(&config.security_opt)?;
        if config.user_range.is_some() && config.userns != NamespaceMode::Host {
            self.require(Capability::UserNamespaces)?;
        }
        // A configuration of a container that will never be: whatever it would refuse is refused now.
        let mut mounts = config.mounts.clone();
        for mount in mounts.iter_mut().filter(|m| m.kind == MountKind::Volume && m.source.is_empty()) {
            // It gets its name when the container is made.
            "unnamed".clone_into(&mut mount.source);
        }
        for mount in mounts.iter_mut().filter(|m| m.kind == MountKind::Image) {
            // And this is looked up then.
            mount.options.push(format!("{IMAGE_PLACE}=unnamed"));
        }
        let record = ContainerRecord {
            id: ContainerId::new("0".repeat(64)),
            name: String::new(),
            config: ContainerConfig { mounts, ..config.clone() },
            image: ImageId::new(""),
            args: vec!["-".to_owned()],
            env: Vec::new(),
            created: Timestamp::NEVER,
            state: ContainerState::default(),
            places: Vec::new(),
            endpoints: Vec::new(),
            published: Vec::new(),
        };
        let nobody = Identity { uid: 0, gid: 0, groups: vec![0], home: "/".to_owned() };
        let somebody = Some(Process { pid: 1, born: 0 });
        let joined = Joined { hostname: String::new(), network: somebody.clone(), pid: somebody.clone(), ipc: somebody };
        self.configure(&record, &ImageDefaults::default(), &nobody, &joined, false).map(drop)
    }

    fn recover(&self) -> Result<()> {
        Planner::recover(self)
    }
}

impl Planner {
    /// Refuses a profile or a label where there is a security module that would have to put it in force: Drydock drives none. Where
    /// there is none, such an option says nothing, as with Docker.
    fn check_modules(&self, options: &[String]) -> Result<()> {
        for (word, without, sign) in [("apparmor", "unconfined", APPARMOR), ("label", "disable", SELINUX)] {
            let asked = options.iter().filter_map(|o| o.split_once(['=', ':'])).any(|(key, value)| key == word && value != without);
            if asked && self.kernel.size(sign).is_ok() {
                return Err(Error::unsupported(format!("--security-opt {word}")));
            }
        }
        Ok(())
    }
}

/// There while AppArmor is.
const APPARMOR: &str = "/sys/kernel/security/apparmor";
/// There while SELinux is.
const SELINUX: &str = "/sys/fs/selinux/enforce";

/// The record's own place in the network, or for a container that has none yet the first address after the gateway.
fn endpoint(record: &ContainerRecord, network: &NetworkRecord) -> Result<Endpoint> {
    if let Some(endpoint) = record.endpoints.iter().find(|e| e.network == network.id) {
        return Ok(endpoint.clone());
    }
    let none = || Error::new(ErrorKind::Exhausted, format!("no available addresses on network {}", network.name));
    let subnet = network.subnet.ok_or_else(none)?;
    let ip = subnet.hosts().find(|ip| Some(*ip) != network.gateway).ok_or_else(none)?;
    let octets = match ip {
        IpAddr::V4(v4) => v4.octets(),
        IpAddr::V6(_) => return Err(none()),
    };
    let mac: Vec<String> = [0x02, 0x42].iter().chain(&octets).map(|b| format!("{b:02x}")).collect();
    Ok(Endpoint {
        container: record.id.clone(),
        network: network.id.clone(),
        address: IpNet::new(ip, subnet.prefix_len()).map_err(|_| none())?,
        mac: mac.join(":"),
        host_link: format!("veth{}", record.id.as_str().get(..7).unwrap_or("0000000")),
        link: "eth0".to_owned(),
        name: network.name.clone(),
        gateway: network.gateway.filter(|_| !network.internal),
        address6: None,
        gateway6: None,
        link_local: record.places.first().map_or(Ok(Vec::new()), Place::link_local)?,
        priority: 0,
        leads: true,
    })
}

/// The record's own ports, or for a container that has none yet the first that each request allows.
fn published(record: &ContainerRecord) -> Vec<Publish> {
    if !record.published.is_empty() {
        return record.published.clone();
    }
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let one = |request: &crate::network::PortRequest| Publish {
        protocol: request.protocol,
        host_ip: request.host_ip.unwrap_or(any),
        host_port: request.host_ports.map_or(32768, |(first, _)| first),
        container_port: request.container_port,
    };
    record.config.ports.iter().map(one).collect()
}

/// The three files that are bound on those of the image.
fn files(record: &ContainerRecord, layout: &Layout, of_host: &str, endpoint: Option<&Endpoint>, joined: &Joined) -> Result<Plan> {
    let mut plan = Plan::new("containers.files", record.id.as_str());
    let config = &record.config;
    let addresses: Vec<IpAddr> = endpoint.iter().map(|e| e.address.addr()).collect();
    let extra = config.extra_hosts.iter().map(|text| files::extra_host(text)).collect::<Result<Vec<_>>>()?;
    for (path, content, why) in [
        (
            layout.hosts(&record.id),
            files::hosts(&joined.hostname, &config.domainname, &addresses, &extra),
            "Its own name leads to its own address.",
        ),
        (layout.hostname(&record.id), files::hostname(&joined.hostname), "Its name, for programs that look for it in a file."),
        (
            layout.resolv_conf(&record.id),
            files::resolv_conf(of_host, &config.dns, &config.dns_search, &config.dns_options),
            "Which name servers it asks.",
        ),
    ] {
        plan.push(Planned::new(Step::WriteFile { path, mode: 0o644, content }, why, "Docker, \"docker run\", \"Network settings\""));
    }
    Ok(plan)
}
