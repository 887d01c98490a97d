//! The planner over a kernel that fails and crashes at every step in turn.

mod fake;

use super::Planner;
use crate::container::oci::tests::record;
use crate::container::{ContainerConfig, ContainerRecord, ExecConfig};
use crate::error::{ErrorKind, Result};
use crate::host::{Containers as _, Images, Joined, Limits, Networks, Planning as _};
use crate::id::{ChainId, ContainerId, ImageId, NetworkId};
use crate::image::{ImageDefaults, ImageRecord};
use crate::kernel::{Launch, NamespaceFrom, NamespaceKind, Process, Protocol, Step, Streams};
use crate::limits::Resources;
use crate::network::{Driver, Endpoint, NetworkRecord, Pool, Publish};
use crate::time::Timestamp;
use fake::{FakeClock, FakeKernel, FakeStore, Trouble};
use std::sync::Arc;

struct Bench {
    kernel: FakeKernel,
    store: Arc<FakeStore>,
}

impl Bench {
    fn new() -> Self {
        Self { kernel: FakeKernel::new(), store: Arc::default() }
    }

    fn planner(&self) -> Planner {
        Planner::new(Arc::new(self.kernel.clone()), self.store.clone(), Arc::new(FakeClock::default()))
    }
}

fn id() -> ContainerId {
    ContainerId::new("c".repeat(64))
}

fn layer() -> ChainId {
    ChainId::new(format!("sha256:{}", "a".repeat(64)))
}

fn network() -> NetworkRecord {
    NetworkRecord {
        id: NetworkId::new("e".repeat(64)),
        name: "bridge".to_owned(),
        driver: Driver::Bridge,
        bridge: "drydock0".to_owned(),
        subnet: Some("172.30.0.0/16".parse().unwrap()),
        gateway: Some("172.30.0.1".parse().unwrap()),
        internal: false,
        icc: true,
        labels: Default::default(),
        options: Default::default(),
        attachable: false,
        pool: Pool::default(),
        configuration: Default::default(),
        created: Timestamp(0),
    }
}

fn endpoint() -> Endpoint {
    Endpoint {
        container: id(),
        network: network().id,
        address: "172.30.0.2/16".parse().unwrap(),
        mac: "02:42:ac:1e:00:02".to_owned(),
        host_link: "veth1234567".to_owned(),
        link: "eth0".to_owned(),
        name: "bridge".to_owned(),
        gateway: network().gateway,
        address6: None,
        gateway6: None,
        link_local: Vec::new(),
        priority: 0,
        leads: true,
    }
}

fn image() -> ImageRecord {
    ImageRecord {
        id: ImageId::new("sha256:i"),
        layers: vec![layer()],
        diff_ids: Vec::new(),
        size: 0,
        created: Timestamp(0),
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        author: String::new(),
        comment: String::new(),
        defaults: ImageDefaults::default(),
        tags: Vec::new(),
        hidden: Default::default(),
        tagged: None,
        manifest: Default::default(),
        blobs: Vec::new(),
        digests: Vec::new(),
        parent: None,
        manifest_type: String::new(),
    }
}

fn joined() -> Joined {
    Joined { hostname: "web".to_owned(), ..Joined::default() }
}

/// Everything that is done for a container until its program could run.
fn bring_up(planner: &Planner, record: &ContainerRecord) -> Result<Process> {
    planner.stack(&id(), &[layer()])?;
    Limits::apply(planner, &id(), &Resources { memory: Some(64 << 20), pids: Some(10), ..Resources::default() })?;
    let spec = planner.specify(record, &image(), &joined())?;
    let process = planner.create(&id(), &spec, Streams::Pipes { stdin: false })?;
    Networks::add(planner, &network())?;
    planner.connect(&network(), &endpoint(), &process)?;
    let port = Publish { protocol: Protocol::Tcp, host_ip: "0.0.0.0".parse().unwrap(), host_port: 8080, container_port: 80 };
    planner.publish(&network(), &endpoint(), &[port])?;
    Ok(process)
}

/// What an engine does about a container of which it knows only that something was under way.
fn take_down(planner: &Planner, process: Option<&Process>) -> Result<()> {
    planner.delete(&id(), process)?;
    planner.unpublish(&endpoint())?;
    planner.disconnect(&network(), &endpoint())?;
    Networks::remove(planner, &network())?;
    Limits::remove(planner, &id())?;
    planner.unstack(&id())
}

#[test]
fn what_is_brought_up_is_taken_down() {
    let bench = Bench::new();
    let planner = bench.planner();
    let process = bring_up(&planner, &record(ContainerConfig::default())).unwrap();
    assert!(bench.kernel.there().len() > 8, "{:?}", bench.kernel.there());
    assert_eq!(bench.store.plans(), 0);
    take_down(&planner, Some(&process)).unwrap();
    assert!(bench.kernel.there().is_empty(), "{:?}", bench.kernel.there());
    assert_eq!(bench.kernel.processes(), 0);
}

#[test]
fn a_failure_at_any_step_leaves_what_the_operations_before_it_made_and_no_more() {
    for at in 1.. {
        let bench = Bench::new();
        let planner = bench.planner();
        bench.kernel.trouble(Some((at, Trouble::Fails)));
        let done = bring_up(&planner, &record(ContainerConfig::default()));
        bench.kernel.trouble(None);
        assert_eq!(bench.store.plans(), 0, "step {at}");
        let Err(error) = done else {
            assert!(at > 15, "only {at} steps");
            break;
        };
        assert_eq!(error.kind(), ErrorKind::System);
        // The operations are whole or nothing: stacked or not, limited or not, published or not.
        let there = bench.kernel.there();
        let has = |what: &str| there.iter().filter(|p| p.contains(what)).count();
        assert!([0, 6].contains(&has("/containers/")), "step {at}: {there:?}");
        assert!(has("link veth") <= 1 && has("rule endpoint") <= has("link veth"), "step {at}: {there:?}");
        assert_eq!(has("rule network"), has("link drydock0"), "step {at}: {there:?}");
    }
}

#[test]
fn after_a_crash_at_any_step_recovery_and_removal_leave_nothing() {
    for at in 1.. {
        let bench = Bench::new();
        bench.kernel.trouble(Some((at, Trouble::Crashes)));
        let planner = bench.planner();
        let done = bring_up(&planner, &record(ContainerConfig::default()));
        if done.is_ok() {
            assert!(at > 15, "only {at} steps");
            break;
        }
        std::mem::forget(planner);
        bench.kernel.restart();
        let next = bench.planner();
        next.recover().unwrap();
        assert_eq!(bench.store.plans(), 0, "step {at}");
        take_down(&next, Some(&Process { pid: 101, born: 1 })).unwrap();
        assert!(bench.kernel.there().is_empty(), "step {at}: {:?}", bench.kernel.there());
        assert_eq!(bench.kernel.processes(), 0, "step {at}");
    }
}

#[test]
fn a_plan_whose_owner_lives_is_left_alone() {
    let bench = Bench::new();
    let owner = bench.planner();
    let plan = super::image::stack(&owner.layout(), &id(), &[layer()]);
    let recorded = owner.record(&plan).unwrap();
    bench.planner().recover().unwrap();
    assert_eq!(bench.store.plans(), 1);
    owner.forget(recorded).unwrap();
    assert_eq!(bench.store.plans(), 0);
}

fn launch_of(config: ContainerConfig, streams: Streams) -> Launch {
    let bench = Bench::new();
    let planner = bench.planner();
    planner.stack(&id(), &[layer()]).unwrap();
    let spec = planner.specify(&record(config), &image(), &joined()).unwrap();
    planner.create(&id(), &spec, streams).unwrap();
    bench.kernel.launched().remove(0)
}

/// Where a step is first.
fn place(launch: &Launch, is: fn(&Step) -> bool) -> usize {
    launch.steps().position(is).expect("there")
}

#[test]
fn the_order_of_steps_is_the_one_that_keeps_the_host_safe() {
    let launch = launch_of(
        ContainerConfig { tty: true, read_only: true, ..ContainerConfig::default() },
        Streams::Terminal { stdin: true, rows: 24, cols: 80 },
    );
    let order = [
        place(&launch, |s| matches!(s, Step::MakePrivate)),
        place(&launch, |s| matches!(s, Step::MountOverlay { .. })),
        place(&launch, |s| matches!(s, Step::Mount { kind, .. } if kind == "proc")),
        place(&launch, |s| matches!(s, Step::MakeNode { .. })),
        place(&launch, |s| matches!(s, Step::SetTerminal { .. })),
        place(&launch, |s| matches!(s, Step::PivotRoot { .. })),
        place(&launch, |s| matches!(s, Step::SetHostname { .. })),
        place(&launch, |s| matches!(s, Step::SetSysctl { .. })),
        place(&launch, |s| matches!(s, Step::ReadOnlyPath { .. })),
        place(&launch, |s| matches!(s, Step::MaskPath { .. })),
        place(&launch, |s| matches!(s, Step::ReadOnlyRoot)),
        place(&launch, |s| matches!(s, Step::NewSession)),
        place(&launch, |s| matches!(s, Step::SetCapabilities { .. })),
        place(&launch, |s| matches!(s, Step::SetSeccomp { .. })),
        place(&launch, |s| matches!(s, Step::SetUser { .. })),
        place(&launch, |s| matches!(s, Step::ChangeDir { .. })),
        place(&launch, |s| matches!(s, Step::Execute { .. })),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert!(matches!(launch.last.last().map(|p| &p.step), Some(Step::Execute { .. })));
    let kinds: Vec<NamespaceKind> = launch.namespaces.iter().map(|n| n.kind).collect();
    assert!(kinds.is_sorted() && kinds.len() == 6);
}

#[test]
fn with_no_new_privileges_the_filter_comes_last() {
    let security_opt = vec!["no-new-privileges".to_owned()];
    let launch = launch_of(ContainerConfig { security_opt, ..ContainerConfig::default() }, Streams::Null);
    let tail: Vec<&Step> = launch.last.iter().rev().take(3).map(|p| &p.step).collect();
    assert!(matches!(tail[..], [Step::Execute { .. }, Step::SetSeccomp { .. }, Step::SetNoNewPrivs]), "{tail:?}");
}

#[test]
fn a_user_is_found_through_the_layers() {
    let bench = Bench::new();
    let planner = bench.planner();
    planner.stack(&id(), &[layer()]).unwrap();
    bench.kernel.put_file(&format!("{}/etc/passwd", planner.layout().layer(&layer())), "www:x:33:33::/var/www:/bin/sh\n");
    let config = ContainerConfig { user: "www".to_owned(), ..ContainerConfig::default() };
    let spec = planner.specify(&record(config), &image(), &joined()).unwrap();
    let process = spec.process().as_ref().unwrap();
    assert_eq!(process.user().uid(), 33);
    assert!(process.env().as_ref().unwrap().contains(&"HOME=/var/www".to_owned()));
    // What the container wrote hides what the image has.
    bench.kernel.put_file(&format!("{}/etc/passwd", planner.layout().upper(&id())), "www:x:44:44::/:/bin/sh\n");
    let config = ContainerConfig { user: "www".to_owned(), ..ContainerConfig::default() };
    assert_eq!(planner.specify(&record(config), &image(), &joined()).unwrap().process().as_ref().unwrap().user().uid(), 44);
}

#[test]
fn an_exec_joins_and_mounts_nothing() {
    let bench = Bench::new();
    let planner = bench.planner();
    let process = bring_up(&planner, &record(ContainerConfig { init: true, ..ContainerConfig::default() })).unwrap();
    let spec = planner.specify(&record(ContainerConfig { init: true, ..ContainerConfig::default() }), &image(), &joined()).unwrap();
    let exec = ExecConfig { command: vec!["id".to_owned()], user: "5:6".to_owned(), workdir: "/tmp".to_owned(), ..ExecConfig::default() };
    planner.exec(&id(), &process, &spec, &exec, Streams::Inherit).unwrap();
    let launch = bench.kernel.launched().remove(1);
    assert!(launch.namespaces.iter().all(|n| n.from == NamespaceFrom::Of(process.clone())));
    assert!(launch.inside.is_empty());
    assert!(launch.steps().any(|s| matches!(s, Step::SetUser { uid: 5, gid: 6, .. })));
    assert!(launch.steps().any(|s| matches!(s, Step::ChangeDir { path } if path == "/tmp")));
    assert!(launch.steps().any(|s| matches!(s, Step::Execute { init: false, args, .. } if args == &["id"])));
}

#[test]
fn an_explanation_has_every_step_with_its_reason_and_takes_none() {
    let bench = Bench::new();
    let planner = bench.planner();
    let config = ContainerConfig { resources: Resources { memory: Some(64 << 20), ..Resources::default() }, ..ContainerConfig::default() };
    let explanation = planner.explain(&record(config), &image(), Some(&network()), &joined()).unwrap();
    assert!(bench.kernel.there().is_empty() && bench.kernel.launched().is_empty());
    let launch = explanation.launch.as_ref().unwrap();
    let all = explanation.before.iter().chain(&explanation.waiting).flat_map(|p| &p.steps).chain(&launch.inside).chain(&launch.last);
    let mut count = 0;
    for planned in all {
        assert!(planned.why.ends_with('.') && !planned.see.is_empty(), "{planned:?}");
        count += 1;
    }
    assert!(count > 60, "{count}");
    let script = explanation.script("drydock run busybox", bench.planner().facts());
    for part in ["unshare", "mount -t overlay", "ip link add", "memory.max", "trap undo EXIT"] {
        assert!(script.contains(part), "{part}");
    }
}

#[test]
fn what_can_never_be_is_refused_by_the_check() {
    let planner = Bench::new().planner();
    let good = ContainerConfig::default();
    planner.check(&good).unwrap();
    let bad = [
        ContainerConfig { cap_add: vec!["NOPE".to_owned()], ..good.clone() },
        ContainerConfig { ulimits: vec!["nofile=2:1".to_owned()], ..good.clone() },
        ContainerConfig { sysctls: [("kernel.core_pattern".to_owned(), "x".to_owned())].into(), ..good.clone() },
        ContainerConfig { security_opt: vec!["seccomp={".to_owned()], ..good.clone() },
        ContainerConfig { resources: Resources { memory: Some(1), ..Resources::default() }, ..good.clone() },
    ];
    for config in bad {
        assert_eq!(planner.check(&config).unwrap_err().kind(), ErrorKind::InvalidInput, "{config:?}");
    }
}
