//! Steps that change the host, judged by what the system's own tools and files say afterwards.

mod common;

use common::{Place, exists};
use drydock_core::ErrorKind;
use drydock_core::kernel::{Kernel, Process, Step, Where};
use drydock_linux::LinuxKernel;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

fn main() -> std::process::ExitCode {
    common::main(&[
        ("directories and files are made whole and with their modes", files),
        ("a tree is removed however deep, and a mount in it is not crossed", trees),
        ("a file below the data root is not read through a link or from a pipe", reads),
        ("a control group is made in every hierarchy and removed with what runs in it", groups),
        ("a group is frozen and thawed", freezes),
        ("device rules on v1 are the kernel's list", devices),
        ("a look at the host shows what was made, and nothing once it is gone", observes),
        ("a bridge, a pair, addresses and a route join a namespace to the host", links),
    ])
}

fn kernel(place: &Place) -> LinuxKernel {
    LinuxKernel::open(&place.path("data"), &place.path("run")).expect("opens")
}

fn perform(kernel: &LinuxKernel, step: Step) {
    kernel.perform(&step, None).unwrap_or_else(|e| panic!("{step:?}: {e}"));
}

/// What a command prints.
fn output(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output().expect("runs");
    String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
}

/// A child of this test that is killed when the test ends.
struct Running(Child);

impl Running {
    fn start(program: &str, arguments: &[&str]) -> Self {
        Self(Command::new(program).args(arguments).spawn().expect("starts"))
    }

    fn process(&self) -> Process {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("runs");
        let after_name = stat.rsplit(')').next().expect("a field");
        Process { pid: self.0.id(), born: after_name.split_whitespace().nth(19).and_then(|n| n.parse().ok()).expect("field 22") }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn files(place: &Place) {
    use std::os::unix::fs::PermissionsExt;
    let kernel = kernel(place);
    let mode = |path: &str| std::fs::metadata(path).expect("is there").permissions().mode() & 0o7777;
    let directory = place.path("a/b/c");
    for _ in 0..2 {
        perform(&kernel, Step::MakeDir { path: directory.clone(), mode: 0o1777 });
    }
    assert_eq!((mode(&directory), mode(&place.path("a/b"))), (0o1777, 0o755));
    let file = place.path("a/file");
    for content in ["first", "second"] {
        perform(&kernel, Step::WriteFile { path: file.clone(), mode: 0o640, content: content.to_owned() });
        assert_eq!(std::fs::read_to_string(&file).expect("reads"), content);
    }
    assert_eq!(mode(&file), 0o640);
    assert_eq!(std::fs::read_dir(place.path("a")).expect("lists").count(), 2, "no scratch file stays");
    assert_eq!(kernel.read(&file, 3, 2).expect("reads"), b"on");
    assert_eq!(kernel.size(&file).expect("measures"), 6);
    // Names of one file count once, links are not followed, and nothing takes nothing.
    std::fs::hard_link(&file, place.path("a/again")).expect("links");
    std::os::unix::fs::symlink("/etc", place.path("a/b/link")).expect("links");
    assert_eq!(kernel.tree_size(&place.path("a")).expect("measures"), 6 + 4);
    assert_eq!(kernel.tree_size(&place.path("nothing")).expect("measures"), 0);
    assert_eq!(kernel.read(&place.path("nothing"), 0, 9).expect_err("not there").kind(), ErrorKind::NotFound);
}

fn trees(place: &Place) {
    let kernel = kernel(place);
    let top = place.path("tree");
    // Deeper than any path can name: each level is made from inside the one above.
    let deep = format!("mkdir {top}; cd {top}; i=0; while [ $i -lt 1500 ]; do mkdir d; cd d; i=$((i+1)); done; touch end; ln -s / out");
    assert!(Command::new("sh").args(["-c", &deep]).status().expect("runs").success());
    std::os::unix::fs::symlink(place.path("lower"), place.path("tree/link")).expect("links");
    perform(&kernel, Step::RemoveTree { path: top.clone() });
    perform(&kernel, Step::RemoveTree { path: top.clone() });
    assert!(!exists(&top) && exists(&place.path("lower/etc/passwd")));

    let (mounted, beside) = (place.path("tree/mounted"), place.path("tree/mounted/precious"));
    perform(&kernel, Step::MakeDir { path: mounted.clone(), mode: 0o755 });
    assert_eq!(output("mount", &["-t", "tmpfs", "none", &mounted]), "");
    std::fs::write(&beside, "kept").expect("writes");
    let error = kernel.perform(&Step::RemoveTree { path: top.clone() }, None).expect_err("a mount is in the way");
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(exists(&beside));
    assert_eq!(output("umount", &[&mounted]), "");
    perform(&kernel, Step::RemoveTree { path: top });
    for wrong in ["/", "relative", "/tmp/..", "/tmp/."] {
        assert!(kernel.perform(&Step::RemoveTree { path: wrong.to_owned() }, None).is_err(), "{wrong}");
    }
}

fn reads(place: &Place) {
    let kernel = kernel(place);
    let inside = place.path("data/layer");
    perform(&kernel, Step::MakeDir { path: inside.clone(), mode: 0o755 });
    std::os::unix::fs::symlink("/etc/passwd", place.path("data/layer/passwd")).expect("links");
    std::os::unix::fs::symlink("/etc", place.path("data/layer/etc")).expect("links");
    assert_eq!(output("mkfifo", &[&place.path("data/layer/pipe")]), "");
    let started = Instant::now();
    for path in ["passwd", "etc/passwd", "pipe"] {
        assert!(kernel.read(&format!("{inside}/{path}"), 0, 100).is_err(), "{path}");
    }
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(kernel.read("/proc/self/status", 0, 1 << 20).expect("reads").len() > 100);
}

fn group(place: &Place) -> String {
    let name = place.top.file_name().expect("a name").to_string_lossy().into_owned();
    format!("{name}/inner")
}

fn groups(place: &Place) {
    let kernel = kernel(place);
    let path = group(place);
    let roots: Vec<String> = kernel.facts().cgroup_roots.values().cloned().collect();
    assert!(!roots.is_empty(), "this test needs control groups");
    for _ in 0..2 {
        perform(&kernel, Step::MakeCgroup { path: path.clone() });
    }
    assert!(roots.iter().all(|root| exists(&format!("{root}/{path}"))));
    let (controller, file, value) = ("pids".to_owned(), "pids.max".to_owned(), "50".to_owned());
    perform(&kernel, Step::WriteCgroup { path: path.clone(), controller, file, value });
    let mut sleeper = Running::start("sleep", &["100"]);
    let pid = sleeper.0.id();
    kernel.host().hierarchies().join(&path, pid).expect("joins");
    let told = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("reads");
    assert!(told.lines().filter(|l| l.ends_with(&path)).count() >= roots.len().min(2), "{told}");
    let tasks = kernel.tasks(&path).expect("lists");
    assert_eq!(tasks.iter().map(|t| (t.pid, t.command.clone())).collect::<Vec<_>>(), [(pid, vec!["sleep".to_owned(), "100".to_owned()])]);
    assert_eq!(tasks[0].parent, std::process::id());
    let started = Instant::now();
    for _ in 0..2 {
        perform(&kernel, Step::RemoveCgroup { path: path.clone() });
    }
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(!sleeper.0.wait().expect("reaps").success());
    assert!(roots.iter().all(|root| !exists(&format!("{root}/{path}"))));
    assert!(roots.iter().all(|root| !exists(&format!("{root}/{}", path.split('/').next().expect("a name")))), "the group above goes too");
    assert!(kernel.tasks(&path).expect("lists").is_empty());
    for wrong in ["", "../x", "a//b", "/a", "a/.."] {
        assert!(kernel.perform(&Step::RemoveCgroup { path: wrong.to_owned() }, None).is_err(), "{wrong:?}");
    }
}

fn freezes(place: &Place) {
    let kernel = kernel(place);
    let path = group(place);
    perform(&kernel, Step::MakeCgroup { path: path.clone() });
    let file = place.path("count");
    let counter = Running::start("sh", &["-c", &format!("i=0; while :; do i=$((i+1)); echo $i > {file}; sleep 0.01; done")]);
    kernel.host().hierarchies().join(&path, counter.0.id()).expect("joins");
    for _ in 0..2 {
        perform(&kernel, Step::Freeze { path: path.clone(), frozen: true });
    }
    let seen = || std::fs::read_to_string(&file).unwrap_or_default();
    let before = seen();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(seen(), before);
    perform(&kernel, Step::Freeze { path: path.clone(), frozen: false });
    let started = Instant::now();
    while seen() == before && started.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_ne!(seen(), before);
    perform(&kernel, Step::Freeze { path: path.clone(), frozen: true });
    perform(&kernel, Step::RemoveCgroup { path });
}

fn devices(place: &Place) {
    use oci_spec::runtime::{LinuxDeviceCgroupBuilder, LinuxDeviceType};
    let kernel = kernel(place);
    if kernel.facts().cgroup == drydock_core::limits::CgroupMode::V2 {
        return program(&kernel, place);
    }
    let path = group(place);
    perform(&kernel, Step::MakeCgroup { path: path.clone() });
    let all = LinuxDeviceCgroupBuilder::default().allow(false).typ(LinuxDeviceType::A).access("rwm").build().expect("builds");
    let builder = LinuxDeviceCgroupBuilder::default().allow(true).typ(LinuxDeviceType::C).major(1).minor(3).access("rwm");
    perform(&kernel, Step::DeviceRules { path: path.clone(), rules: vec![all, builder.build().expect("builds")] });
    let list = std::fs::read_to_string(format!("{}/{path}/devices.list", kernel.facts().cgroup_roots["devices"])).expect("reads");
    assert_eq!(list.trim(), "c 1:3 rwm");
    perform(&kernel, Step::RemoveCgroup { path });
    program(&kernel, place);
}

/// Where there is a v2 tree, even beside v1: the program is accepted by the kernel's verifier and does what it says.
fn program(kernel: &LinuxKernel, place: &Place) {
    use oci_spec::runtime::{LinuxDeviceCgroupBuilder, LinuxDeviceType};
    let tree = if kernel.facts().cgroup == drydock_core::limits::CgroupMode::V2 { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/unified" };
    if !exists(&format!("{tree}/cgroup.procs")) {
        println!("     no v2 tree here: the BPF program was not tried on a kernel");
        return;
    }
    let hierarchies = drydock_linux::cgroup::Hierarchies::unified_at(tree.into());
    let path = group(place);
    hierarchies.make(&path).expect("makes");
    let rule = |allow, typ, numbers: Option<(i64, i64)>, access: &str| {
        let mut rule = LinuxDeviceCgroupBuilder::default().allow(allow).typ(typ).access(access).build().expect("builds");
        rule.set_major(numbers.map(|n| n.0)).set_minor(numbers.map(|n| n.1));
        rule
    };
    let deny = rule(false, LinuxDeviceType::A, None, "rwm");
    let allow = rule(true, LinuxDeviceType::C, Some((1, 3)), "rwm");
    let read_zero = rule(true, LinuxDeviceType::C, Some((1, 5)), "r");
    let script = format!(
        "echo $$ > {tree}/{path}/cgroup.procs; : > /dev/null && echo null; head -c1 /dev/zero | wc -c; (: > /dev/full) && echo full; (: > /dev/zero) && echo zero"
    );
    // Twice: the second program takes the place of the first.
    for _ in 0..2 {
        hierarchies.device_rules(&path, &[deny.clone(), allow.clone(), read_zero.clone()]).expect("attaches");
        let said = Command::new("sh").args(["-c", &script]).output().expect("runs");
        assert_eq!(String::from_utf8_lossy(&said.stdout), "null\n1\n", "{}", String::from_utf8_lossy(&said.stderr));
    }
    hierarchies.device_rules(&path, &[rule(true, LinuxDeviceType::A, None, "rwm")]).expect("attaches");
    let said = Command::new("sh").args(["-c", &script]).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "null\n1\nfull\nzero\n", "one program, and it allows all");
    hierarchies.remove(&path).expect("removes");
}

fn observes(place: &Place) {
    use drydock_core::kernel::Firewall;
    let kernel = kernel(place);
    // From the first request over netlink on, tokio keeps a pair of sockets for signals.
    for step in [
        Step::AddBridge { name: "dd8".to_owned(), address: "10.98.1.1/24".parse().expect("a net"), mac: None },
        Step::RemoveLink { name: "dd8".to_owned() },
    ] {
        perform(&kernel, step);
    }
    let before = kernel.observe().expect("looks");
    let groups = drydock_core::container::layout::Layout::of(kernel.facts()).groups();
    let path = format!("{groups}/test-{}", std::process::id());
    let directory = place.path("data/containers/x");
    let subnet: ipnet::IpNet = "10.98.0.1/24".parse().expect("a net");
    let rule = Firewall::Bridge { bridge: "dd9".to_owned(), subnet, icc: true, internal: false };
    perform(&kernel, Step::MakeCgroup { path: path.clone() });
    perform(&kernel, Step::MakeDir { path: directory.clone(), mode: 0o755 });
    perform(&kernel, Step::AddBridge { name: "dd9".to_owned(), address: subnet, mac: None });
    perform(&kernel, Step::AddRule { owner: "test".to_owned(), rule });
    assert_eq!(output("mount", &["-t", "tmpfs", "none", &directory]), "");
    let sleeper = Running::start("unshare", &["--net", "sleep", "100"]);
    kernel.host().hierarchies().join(&path, sleeper.0.id()).expect("joins");
    let held = std::fs::File::open(&directory).expect("opens");
    let started = Instant::now();
    let during = loop {
        let during = kernel.observe().expect("looks");
        if !during.network_namespaces.is_empty() || started.elapsed() > Duration::from_secs(5) {
            break during;
        }
    };
    let lines = before.difference(&during);
    let has = |start: &str, end: &str| assert!(lines.iter().any(|l| l.starts_with(start) && l.ends_with(end)), "{start}…{end}: {lines:#?}");
    has("+ mount", &format!("{directory} tmpfs"));
    has("+ cgroup", &path);
    has("+ netns net:[", "]");
    has("+ link", "dd9");
    has("+ address", "dd9 10.98.0.1/24");
    has("+ rule raw test", "");
    has("+ process", "sleep 100");
    has("+ descriptor", &directory);
    has("+ file", &directory);
    drop(held);
    assert_eq!(output("umount", &[&directory]), "");
    for step in [
        Step::RemoveRules { owner: "test".to_owned() },
        Step::RemoveLink { name: "dd9".to_owned() },
        Step::RemoveTree { path: directory },
        Step::RemoveCgroup { path },
    ] {
        perform(&kernel, step);
    }
    drop(sleeper);
    assert_eq!(before.difference(&kernel.observe().expect("looks")), [""; 0]);
}

fn links(place: &Place) {
    let kernel = kernel(place);
    let guest = Running::start("unshare", &["--net", "sleep", "100"]);
    let started = Instant::now();
    let own = std::fs::read_link("/proc/self/ns/net").expect("reads");
    while std::fs::read_link(format!("/proc/{}/ns/net", guest.0.id())).expect("reads") == own {
        assert!(started.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(2));
    }
    let child = guest.process();
    let inside = |step: Step| kernel.perform(&step, Some(&child)).unwrap_or_else(|e| panic!("{step:?}: {e}"));
    let subnet = |text: &str| text.parse().expect("an address");
    for _ in 0..2 {
        inside(Step::AddBridge { name: "dd0".to_owned(), address: subnet("10.99.0.1/24"), mac: Some("02:42:0a:63:00:01".to_owned()) });
    }
    inside(Step::AddVeth {
        name: "veth1234567".to_owned(),
        bridge: "dd0".to_owned(),
        peer: "tmp1234567".to_owned(),
        rename: "eth0".to_owned(),
        mac: "02:42:0a:63:00:02".to_owned(),
        isolated: false,
    });
    inside(Step::LinkUp { at: Where::Host, name: "veth1234567".to_owned() });
    inside(Step::LinkUp { at: Where::Child, name: "lo".to_owned() });
    inside(Step::LinkUp { at: Where::Child, name: "eth0".to_owned() });
    for _ in 0..2 {
        inside(Step::AddAddress { at: Where::Child, link: "eth0".to_owned(), address: subnet("10.99.0.2/24") });
        inside(Step::AddRoute { at: Where::Child, to: None, via: "10.99.0.1".parse().expect("an address") });
    }
    inside(Step::NetSysctl { at: Where::Child, key: "net.ipv4.ip_unprivileged_port_start".to_owned(), value: "0".to_owned() });
    inside(Step::NetSysctl { at: Where::Host, key: "net.ipv4.ip_forward".to_owned(), value: "1".to_owned() });

    let target = child.pid.to_string();
    let there = |arguments: &[&str]| output("nsenter", &[&["--net", "--target", &target], arguments].concat());
    let address = there(&["ip", "-o", "addr", "show", "eth0"]);
    assert!(address.contains("10.99.0.2/24") && address.contains("brd"), "{address}");
    assert!(there(&["ip", "link", "show", "eth0"]).contains("02:42:0a:63:00:02"));
    assert!(there(&["ip", "route"]).starts_with("default via 10.99.0.1 dev eth0"));
    assert_eq!(there(&["cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"]).trim(), "0");
    assert_eq!(std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").expect("reads").trim(), "1024");
    assert_eq!(std::fs::read_link("/proc/thread-self/ns/net").expect("reads"), own, "this thread is back");
    assert!(output("ip", &["link", "show", "master", "dd0"]).contains("veth1234567"));
    assert!(there(&["busybox", "ping", "-c", "1", "-W", "2", "10.99.0.1"]).contains("1 packets received"));

    for _ in 0..2 {
        perform(&kernel, Step::RemoveLink { name: "veth1234567".to_owned() });
        perform(&kernel, Step::RemoveLink { name: "dd0".to_owned() });
    }
    assert!(!output("ip", &["link"]).contains("dd0"));
    drop(guest);
    let gone = kernel.perform(&Step::LinkUp { at: Where::Child, name: "lo".to_owned() }, Some(&child)).expect_err("no such process");
    assert!(matches!(gone.kind(), ErrorKind::NotRunning | ErrorKind::NotFound), "{gone}");
}
