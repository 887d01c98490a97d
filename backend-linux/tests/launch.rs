//! Processes made by the real kernel from hand-written launches: what they see, what they may, and how they fail.

mod common;

use common::{Place, container, execute, planned};
use drydock_core::ErrorKind;
use drydock_core::kernel::{Kernel, Launch, MountFlags, Namespace, NamespaceFrom, NamespaceKind, Process, Step, Streams};
use drydock_linux::LinuxKernel;
use oci_spec::runtime::{Capability, LinuxCapabilities, LinuxCapabilitiesBuilder};
use std::io::Read;

fn main() -> std::process::ExitCode {
    common::main(&[
        ("a program runs in namespaces over an overlay and exits with its code", runs),
        ("a program that is not there is 127 in Docker's words", not_found),
        ("a failing step names itself and leaves nothing", failing_step),
        ("capabilities are what was asked for in every set", capabilities),
        ("an exec joins the namespaces of a running process", joins),
        ("an init reaps, passes signals on and exits as its program", init),
        ("a terminal is the controlling one and comes from the container's devpts", terminal),
        ("masked and read-only paths are", masked),
        ("a system call filter is in force, also from the cache", filtered),
        ("a process is in its control groups before it runs and sees them as the root", grouped),
        ("a false null device is not mounted over a masked file", false_null),
        ("links of the image do not lead mounts and nodes out of the root", links),
        ("no descriptor and no host directory reaches the program", leaks),
    ])
}

fn kernel(place: &Place) -> LinuxKernel {
    LinuxKernel::open(&place.path("data"), &place.path("run")).expect("opens")
}

const PIPES: Streams = Streams::Pipes { stdin: false };

/// Lets a launched process go, and answers its output and exit code.
fn finish(kernel: &LinuxKernel, process: &Process) -> (String, i32) {
    kernel.release(process).expect("the program runs");
    collect(kernel, process)
}

fn collect(kernel: &LinuxKernel, process: &Process) -> (String, i32) {
    let child = kernel.take(process).expect("launched here");
    let mut text = Vec::new();
    for end in [child.ends.stdout, child.ends.stderr, child.ends.terminal].into_iter().flatten() {
        let mut bytes = Vec::new();
        // A terminal whose last user is gone answers EIO in place of the end (pty(7)).
        let _ = std::fs::File::from(end).read_to_end(&mut bytes);
        text.extend(bytes);
    }
    let status = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(process.pid as i32), None).expect("a child");
    let code = match status {
        nix::sys::wait::WaitStatus::Exited(_, code) => code,
        nix::sys::wait::WaitStatus::Signaled(_, signal, _) => 128 + signal as i32,
        other => panic!("{other:?}"),
    };
    (String::from_utf8_lossy(&text).into_owned(), code)
}

fn run(place: &Place, extra: Vec<Step>, last: Vec<Step>, command: &[&str]) -> (String, i32) {
    let kernel = kernel(place);
    let process = kernel.launch(&container(place, PIPES, extra, last, command, false)).expect("launches");
    finish(&kernel, &process)
}

fn runs(place: &Place) {
    let script = "echo pid $$; hostname; cat /etc/passwd | head -c 4; echo; touch /new; ls /; cat /proc/net/dev | grep -c :; exit 7";
    let (text, code) = run(place, vec![Step::SetHostname { name: "boat".to_owned() }], vec![], &["sh", "-c", script]);
    assert_eq!(code, 7, "{text}");
    assert!(text.starts_with("pid 1\nboat\nroot\n"), "{text}");
    assert!(text.contains("\nnew\n") && text.ends_with("\n1\n"), "only lo is there: {text}");
    assert!(common::exists(&place.path("upper/new")), "what it wrote is in the upper layer");
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("reads");
    assert!(!mounts.contains(&place.path("merged")), "nothing of it is mounted in the host");
}

fn not_found(place: &Place) {
    let kernel = kernel(place);
    for (command, kind, message) in [
        ("nope", ErrorKind::CommandNotFound, "exec: \"nope\": executable file not found in $PATH"),
        ("/etc", ErrorKind::CommandNotExecutable, "exec: \"/etc\": is a directory"),
        (
            "/etc/passwd",
            ErrorKind::CommandNotExecutable,
            "exec: \"/etc/passwd\": permission denied (/etc/passwd has no execute bit: chmod +x)",
        ),
    ] {
        for init in [false, true] {
            let process = kernel.launch(&container(place, PIPES, vec![], vec![], &[command], init)).expect("launches");
            let error = kernel.release(&process).expect_err("does not run");
            assert_eq!((error.kind(), error.message()), (kind, message));
            assert!(!kernel.alive(&process).expect("asks"));
        }
    }
}

fn failing_step(place: &Place) {
    let kernel = kernel(place);
    let bad = Step::SetSysctl { key: "kernel.no_such_thing".to_owned(), value: "1".to_owned() };
    let error = kernel.launch(&container(place, PIPES, vec![bad], vec![], &["true"], false)).expect_err("does not launch");
    assert!(error.message().contains("sys/kernel/no_such_thing"), "{error}");
    let status = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(-1), Some(nix::sys::wait::WaitPidFlag::WNOHANG));
    assert_eq!(status, Err(nix::Error::ECHILD), "no child is left");
}

fn sets(list: &[Capability]) -> LinuxCapabilities {
    let list: std::collections::HashSet<Capability> = list.iter().copied().collect();
    // The inheritable and ambient sets keep the builder's own defaults, of which most lie outside the bounding set.
    LinuxCapabilitiesBuilder::default().bounding(list.clone()).effective(list.clone()).permitted(list).build().expect("builds")
}

fn capabilities(place: &Place) {
    let steps = |uid| {
        vec![
            Step::SetCapabilities { sets: sets(&[Capability::Chown, Capability::Kill]) },
            Step::SetNoNewPrivs,
            Step::SetUser { uid, gid: 5, groups: vec![7], umask: None },
        ]
    };
    let (text, code) = run(place, vec![], steps(0), &["sh", "-c", "grep -E '^(Cap|NoNewPrivs|Groups)' /proc/self/status; id -u; id -g"]);
    assert_eq!(code, 0);
    for line in [
        "CapInh:\t0000000000000020",
        "CapPrm:\t0000000000000021",
        "CapEff:\t0000000000000021",
        "CapBnd:\t0000000000000021",
        "CapAmb:\t0000000000000020",
        "NoNewPrivs:\t1",
        "Groups:\t7",
        "0\n5",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

fn joins(place: &Place) {
    let kernel = kernel(place);
    let first = kernel
        .launch(&container(place, PIPES, vec![Step::SetHostname { name: "boat".to_owned() }], vec![], &["sleep", "100"], false))
        .expect("launches");
    kernel.release(&first).expect("runs");
    use NamespaceKind::{Cgroup, Ipc, Mount, Network, Pid, Uts};
    let group = format!("drydock/test-{}", std::process::id());
    kernel.perform(&Step::MakeCgroup { path: group.clone() }, None).expect("makes the group");
    let exec = |command: &[&str]| Launch {
        name: "exec".to_owned(),
        namespaces: [Ipc, Uts, Network, Pid, Cgroup, Mount].map(|kind| Namespace { kind, from: NamespaceFrom::Of(first.clone()) }).to_vec(),
        cgroup: Some(group.clone()),
        user: None,
        streams: PIPES,
        inside: vec![],
        last: vec![planned(Step::ChangeDir { path: "/dev".to_owned() }), planned(execute(command, false))],
    };
    let process = kernel.launch(&exec(&["sh", "-c", "hostname; pwd; ps | grep -c '[s]leep 100$'; exit 3"])).expect("launches");
    assert_eq!(kernel.tasks(&group).expect("lists").iter().map(|t| t.pid).collect::<Vec<_>>(), [process.pid]);
    let (text, code) = finish(&kernel, &process);
    kernel.perform(&Step::RemoveCgroup { path: group.clone() }, None).expect("removes the group");
    assert_eq!((text.as_str(), code), ("boat\n/dev\n1\n", 3), "the first process is seen");
    kernel.destroy(&first).expect("destroys");
    assert!(!kernel.alive(&first).expect("asks"));
    let error = kernel.launch(&exec(&["true"])).expect_err("nobody to join, and no group");
    assert_eq!(error.kind(), ErrorKind::NotRunning);
}

fn init(place: &Place) {
    let kernel = kernel(place);
    // The grandchild outlives its parent and is left to init; the program then waits for a signal.
    let script = "trap 'exit 9' TERM; (sleep 0.01 &) ; sleep 0.1; ps | grep -c ' sleep 0.01$'; cat /proc/1/cmdline | head -c 24; echo; echo ready; while :; do sleep 0.01; done";
    let process = kernel.launch(&container(place, PIPES, vec![], vec![], &["sh", "-c", script], true)).expect("launches");
    kernel.release(&process).expect("runs");
    std::thread::sleep(std::time::Duration::from_millis(400));
    kernel.signal(&process, drydock_core::kernel::Signal::TERM).expect("signals");
    let (text, code) = collect(&kernel, &process);
    assert_eq!((text.as_str(), code), ("0\n/sbin/drydock-init\0--\0sh\nready\n", 9));
}

fn terminal(place: &Place) {
    let kernel = kernel(place);
    let streams = Streams::Terminal { stdin: true, rows: 31, cols: 97 };
    let script = "tty; stty size; stat -c %t /dev/console";
    let process = kernel.launch(&container(place, streams, vec![], vec![], &["sh", "-c", script], false)).expect("launches");
    let (text, code) = finish(&kernel, &process);
    assert_eq!((text.as_str(), code), ("/dev/pts/0\r\n31 97\r\n88\r\n", 0), "the console is a pty slave, major 136");
}

fn masked(place: &Place) {
    let extra = vec![
        Step::MaskPath { path: "/proc/timer_list".to_owned() },
        Step::MaskPath { path: "/etc".to_owned() },
        Step::MaskPath { path: "/proc/not/there".to_owned() },
        Step::ReadOnlyPath { path: "/proc/sys".to_owned() },
        Step::ReadOnlyRoot,
    ];
    let script = "stat -c %t:%T /proc/timer_list; ls /etc; echo x >/proc/sys/kernel/domainname || echo refused; touch /x || echo refused; touch /dev/x && echo made";
    let (text, _) = run(place, extra, vec![], &["sh", "-c", &format!("exec 2>/dev/null; {script}")]);
    assert_eq!(text, "1:3\nrefused\nrefused\nmade\n");
}

fn leaks(place: &Place) {
    let kernel = kernel(place);
    // Descriptors of the host that the engine itself was started with, not marked close-on-exec.
    let open: Vec<_> = (0..20).map(|_| nix::unistd::dup(std::fs::File::open("/etc").expect("opens")).expect("dups")).collect();
    let process = kernel.launch(&container(place, PIPES, vec![], vec![], &["sh", "-c", "ls /proc/self/fd"], false)).expect("launches");
    let (text, _) = finish(&kernel, &process);
    assert_eq!(text, "0\n1\n2\n3\n", "3 is the directory that ls reads");
    for number in 3..40 {
        let dir = Step::ChangeDir { path: format!("/proc/self/fd/{number}") };
        let process = kernel.launch(&container(place, PIPES, vec![], vec![dir], &["pwd"], false)).expect("launches");
        let error = kernel.release(&process).expect_err("refuses to work there");
        assert!(error.message().contains("/proc/self/fd"), "{error}");
    }
    drop(open);
}

fn filtered(place: &Place) {
    let filter = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["kill"],"action":"SCMP_ACT_ERRNO","errnoRet":1}]}"#;
    let step = Step::SetSeccomp { filter: Box::new(serde_json::from_str(filter).expect("parses")) };
    for _ in 0..2 {
        let command = ["sh", "-c", "kill -0 $$ 2>/dev/null || echo refused; grep Seccomp: /proc/self/status"];
        let (text, _) = run(place, vec![], vec![Step::SetNoNewPrivs, step.clone()], &command);
        assert!(text.ends_with("refused\nSeccomp:\t2\n"), "{text}");
    }
    assert_eq!(std::fs::read_dir(place.path("data/cache/seccomp")).expect("lists").count(), 1);
}

fn grouped(place: &Place) {
    let kernel = kernel(place);
    let group = format!("drydock/test-{}", std::process::id());
    kernel.perform(&Step::MakeCgroup { path: group.clone() }, None).expect("makes the group");
    let mount = Step::MountCgroups { root: place.path("merged"), target: "/sys/fs/cgroup".to_owned(), read_only: true };
    let command = "cat /proc/self/cgroup; ls /sys/fs/cgroup; touch /sys/fs/cgroup/x || echo read-only; cat /sys/fs/cgroup/pids/cgroup.procs /sys/fs/cgroup/cgroup.procs";
    let mut launch = container(place, PIPES, vec![], vec![], &["sh", "-c", &format!("exec 2>/dev/null; {command}")], false);
    let pivot = launch.inside.iter().position(|p| matches!(p.step, Step::PivotRoot { .. })).expect("a pivot");
    launch.inside.insert(pivot, planned(mount));
    launch.cgroup = Some(group.clone());
    let process = kernel.launch(&launch).expect("launches");
    let tasks = kernel.tasks(&group).expect("lists");
    assert_eq!(tasks.iter().map(|t| (t.pid, t.inner_pid)).collect::<Vec<_>>(), [(process.pid, 1)]);
    let (text, _) = finish(&kernel, &process);
    kernel.perform(&Step::RemoveCgroup { path: group }, None).expect("removes the group");
    let mut lines = text.lines().skip_while(|l| !l.contains(":/"));
    assert!(lines.by_ref().take_while(|l| l.contains(':')).all(|l| l.ends_with(":/") || l == "0::/"), "every group is the root: {text}");
    assert!(text.contains("read-only") && text.contains("\n1\n"), "{text}");
}

/// A scratch overlay whose lower layer has been tampered with.
fn tampered(place: &Place, link: &str, to: &str) {
    let path = place.top.join("lower").join(link);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
    std::os::unix::fs::symlink(to, path).expect("links");
}

fn false_null(place: &Place) {
    let kernel = kernel(place);
    let mut launch = container(place, PIPES, vec![Step::MaskPath { path: "/proc/timer_list".to_owned() }], vec![], &["true"], false);
    // /dev stays what the image has, where null is a link to something that the host would not want written.
    launch.inside.retain(|p| {
        !matches!(&p.step, Step::MakeNode { .. }) && !matches!(&p.step, Step::Mount { target, .. } if target.starts_with("/dev"))
    });
    tampered(place, "dev/null", "/proc/sys/kernel/core_pattern");
    let error = kernel.launch(&launch).expect_err("refuses");
    assert!(error.message().contains("/dev/null"), "{error}");
}

fn links(place: &Place) {
    let kernel = kernel(place);
    let canary = place.top.join("canary");
    std::fs::create_dir_all(&canary).expect("makes");
    tampered(place, "dev", "../../../../../../../../../../../../../dangling");
    tampered(place, "out", canary.to_str().expect("utf-8"));
    let root = place.path("merged");
    let mut launch = container(place, PIPES, vec![], vec![], &["ls", "/out/dir"], false);
    let pivot = launch.inside.iter().position(|p| matches!(p.step, Step::PivotRoot { .. })).expect("a pivot");
    let bind = Step::Bind {
        source: place.path("lower/etc"),
        root: Some(root.clone()),
        target: "/out/dir".to_owned(),
        recursive: true,
        flags: MountFlags { read_only: true, ..MountFlags::default() },
        propagation: Some("rprivate".to_owned()),
    };
    launch.inside.insert(pivot, planned(bind));
    launch.inside.insert(pivot, planned(Step::MakeSymlink { root: root.clone(), path: "/out/link".to_owned(), to: "/x".to_owned() }));
    let process = kernel.launch(&launch).expect("launches: the link leads to a place inside the root");
    assert_eq!(finish(&kernel, &process), ("passwd\n".to_owned(), 0));
    assert_eq!(std::fs::read_dir(&canary).expect("lists").count(), 0, "nothing was made outside the root");
    assert!(!common::exists("/dangling") && common::exists(&place.path("upper/dangling")), "where /dev leads is inside the root");
    std::fs::remove_dir(place.top.join("upper/proc")).expect("made by the launch before");
    tampered(place, "proc", "/tmp");
    let error = kernel.launch(&container(place, PIPES, vec![], vec![], &["true"], false)).expect_err("a procfs that is a link is refused");
    assert!(error.message().contains("/proc"), "{error}");
}
