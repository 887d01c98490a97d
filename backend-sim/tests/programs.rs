//! Programs that busybox cannot be compared on: networks, namespaces, mounts, limits, terminals. The expected texts are those
//! that the real programs print on Linux.

use drydock_core::Result;
use drydock_core::container::{ContainerConfig, NetworkMode};
use drydock_core::engine::Engine;
use drydock_core::io::{Attach, Ended, Input, Io, Stream};
use drydock_sim::{SimConfig, SimHost};

/// Runs a script on a fresh host; its status and its output, the errors in it.
fn run(script: &str) -> (i32, String) {
    let ran = SimHost::new(SimConfig::default()).shell(&format!("exec 2>&1\n{script}"));
    (ran.code, ran.text())
}

#[track_caller]
fn prints(script: &str, expected: &str) {
    let (code, text) = run(script);
    assert_eq!((code, text.as_str()), (0, expected), "{script}");
}

#[test]
fn links_addresses_and_routes_change_and_show() {
    prints(
        "ip link set lo up; ip -4 addr show lo",
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n",
    );
    prints(
        "ip link add a type veth peer name b; ip addr add 10.9.0.1/24 dev a; ip link set a up; ip link set b up
         ip link show a | head -n1; ip route | grep 10.9; ip link del b; ip link show a; echo $?",
        "3: a@b: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue qlen 1000\n10.9.0.0/24 dev a scope link  src 10.9.0.1 \nip: can't find device 'a'\n1\n",
    );
    prints(
        "ip link add br0 type bridge; ip link add a type veth peer name b; ip link set a master br0; brctl show | cut -f1,5-; ip link add br0 type bridge; echo $?",
        "bridge name\tinterfaces\nbr0\t\ta\nip: RTNETLINK answers: File exists\n2\n",
    );
    prints(
        "ip link set nope up; echo $?; ip addr add 1.2.3.4/33 dev lo; echo $?",
        "ip: SIOCGIFFLAGS: No such device\n1\nip: an inet prefix is expected rather than \"1.2.3.4/33\"\n1\n",
    );
}

#[test]
fn two_network_namespaces_reach_each_other_through_a_veth_pair() {
    let script = "unshare -n sleep 100 & sleep 0.1
        ip link add a type veth peer name b; ip link set b netns $!; ip addr add 10.9.0.1/24 dev a; ip link set a up
        ping -c 1 -W 1 10.9.0.2 | tail -n1
        nsenter -t $! -n sh -c 'ip addr add 10.9.0.2/24 dev b; ip link set b up'
        ping -c 1 10.9.0.2 | grep 'bytes from' | sed 's/time=.*//'
        nsenter -t $! -n ip -4 addr show b | tail -n 2 | head -n 1 | sed 's/ brd [0-9.]*//'";
    prints(
        script,
        "1 packets transmitted, 0 packets received, 100% packet loss\n64 bytes from 10.9.0.2: seq=0 ttl=64 \n    inet 10.9.0.2/24 scope global b\n",
    );
}

#[test]
fn web_servers_serve_and_log() {
    let script = "mkdir -p /www; echo page > /www/index.html; httpd -p 8080 -h /www
        wget -qO- http://127.0.0.1:8080/; curl -s -o /dev/null -w '%{http_code}\\n' http://localhost:8080/nope
        wget -q http://127.0.0.1:8081/; echo $?; curl http://127.0.0.1:8081/; echo $?";
    prints(
        script,
        "page\n404\nwget: can't connect to remote host (127.0.0.1): Connection refused\n1\n\
         curl: (7) Failed to connect to 127.0.0.1 port 8081 after 0 ms: Couldn't connect to server\n7\n",
    );
    let script = "mkdir -p /usr/share/nginx/html; echo hello > /usr/share/nginx/html/index.html
        nginx -g 'daemon off;' > /log & sleep 0.1; curl -s http://127.0.0.1/; curl -sI http://127.0.0.1/x | head -n 2
        sed 's/\\[.*\\]/[time]/' /log; kill $!; wait $!; echo $?; netstat -lnt | tail -n +3; pidof nginx";
    let (code, text) = run(script);
    assert_eq!(code, 1, "no nginx is left: {text}");
    assert_eq!(
        text,
        "hello\nHTTP/1.1 404 Not Found\r\nServer: nginx/1.27.0\r\n127.0.0.1 - - [time] \"GET / HTTP/1.1\" 200 6 \"-\" \"curl/8.5.0\"\n\
         127.0.0.1 - - [time] \"HEAD /x HTTP/1.1\" 404 0 \"-\" \"curl/8.5.0\"\n0\n"
    );
}

#[test]
fn connections_carry_bytes_both_ways() {
    prints(
        "(echo pong; sleep 1) | nc -l -p 97 > /got & sleep 0.1; (echo ping; sleep 0.5) | nc 127.0.0.1 97; wait; cat /got",
        "pong\nping\n",
    );
    prints("nc -lk -p 97 -e cat & sleep 0.1; echo echoed | nc 127.0.0.1 97; nc -z 127.0.0.1 96; echo $?", "echoed\n1\n");
}

#[test]
fn overlays_copy_up_and_white_out() {
    prints(
        "mkdir /l /u /w /m; echo low > /l/f; echo keep > /l/g; mount -t overlay overlay -o lowerdir=/l,upperdir=/u,workdir=/w /m
         echo up >> /m/f; cat /l/f; cat /u/f; rm /m/g; ls /m; stat -c '%F %t,%T' /u/g; umount /m; mountpoint /m; echo $?",
        "low\nlow\nup\nf\ncharacter special file 0,0\n/m is not a mountpoint\n1\n",
    );
    prints(
        "mkdir /t; mount -t tmpfs -o size=64k tmpfs /t; dd if=/dev/zero of=/t/x bs=1k count=100 2>/dev/null; echo $?; stat -c %s /t/x; umount /t; ls /t",
        "1\n65536\n",
    );
}

#[test]
fn namespaces_separate() {
    prints("unshare -u sh -c 'hostname inner; hostname'; hostname", "inner\nsimhost\n");
    prints(
        "unshare -p -f --mount-proc sh -c 'echo $$; ps -o pid,args; :'",
        "1\nPID   COMMAND\n    1 sh -c echo $$; ps -o pid,args; :\n    2 ps -o pid,args\n",
    );
    prints("mkdir /x; unshare -m sh -c 'mount -t tmpfs t /x; touch /x/f; ls /x'; ls /x; echo end", "f\nend\n");
    prints("unshare -n ip link | grep -c eth0; mkdir -p /j/bin; cp /bin/sh /bin/ls /j/bin; chroot /j ls /", "0\nbin\n");
}

#[test]
fn a_file_that_is_bound_stays_the_same_file() {
    prints(
        "echo one >/f; touch /at; mount --bind /f /at; echo two >/g; mv /g /f; cat /at /f; rm /f; cat /at; umount /at; cat /at; echo end",
        "one\ntwo\none\nend\n",
    );
}

#[test]
fn what_is_in_a_directory_is_copied() {
    prints("mkdir -p /a/b /to; echo x >/a/b/f; cp -a /a/. /to; cat /to/b/f; mkdir /to/. 2>/dev/null; echo $?", "x\n1\n");
}

#[test]
fn an_open_pipe_is_opened_by_its_link() {
    prints(
        "echo in | cat /dev/stdin; echo out >/dev/stdout; ln -s /dev/stdout /log; echo log >/log | cat; ls -A /proc/self/fd",
        "in\nout\nlog\n0\n1\n2\n",
    );
    prints("sh -c 'echo err >/dev/stderr' 2>&1 | tr a-z A-Z; (echo no >/proc/self/fd/9) 2>/dev/null; echo $?", "ERR\n1\n");
}

#[test]
fn processes_are_listed_limited_and_killed() {
    prints("sleep 50 & ps -o args | grep '^sleep'; pidof sleep | wc -w; killall sleep; wait $!; echo $?", "sleep 50\n1\nTerminated\n143\n");
    prints(
        "ignore-term & sleep 0.1; kill $!; sleep 0.1; kill -0 $! && echo alive; kill -9 $!; wait $!; echo $?",
        "ignoring SIGTERM\nalive\nKilled\n137\n",
    );
    prints("crash; echo $?; crash ABRT; echo $?; (ulimit -n 5; ulimit -n)", "Segmentation fault\n139\nAborted\n134\n5\n");
    prints("time -p sleep 3600", "real 3600.00\nuser 0.00\nsys 0.00\n");
    prints("stress --cpu 4 -t 2 -q; echo $?; eat-memory 10M 1", "0\n10485760 bytes taken\n");
}

#[test]
fn a_control_group_s_limit_kills() {
    let (_, text) = run("mkdir /sys/fs/cgroup/small; echo 32M > /sys/fs/cgroup/small/memory.max
        sh -c 'echo $$ > /sys/fs/cgroup/small/cgroup.procs; exec eat-memory 64M'; echo $?
        grep oom_kill /sys/fs/cgroup/small/memory.events | head -n1
        sh -c 'echo $$ > /sys/fs/cgroup/small/cgroup.procs; exec eat-memory 16M 1'; echo $?");
    assert_eq!(text, "Killed\n137\noom_kill 1\n16777216 bytes taken\n0\n");
}

#[test]
fn users_and_permissions_count() {
    prints(
        "adduser -D bob; echo secret > /s; chmod 600 /s; setpriv --reuid 1000 --regid 1000 --clear-groups cat /s; echo $?; id bob",
        "cat: can't open '/s': Permission denied\n1\nuid=1000(bob) gid=1000(bob) groups=1000(bob)\n",
    );
}

#[test]
fn what_is_not_modelled_is_said_with_a_status_of_its_own() {
    prints(
        "awk 1; echo $?; ls -Z; echo $?; echo x | sed l; echo $?",
        "not modelled: awk (the whole program)\n120\nnot modelled: ls -Z\n120\nnot modelled: sed the command l\n120\n",
    );
}

#[test]
fn endless_recursion_ends() {
    for script in ["f() { f; }; f", "f() { if true; then for i in 1; do f; done; fi; }; f", "f() { eval f; }; f", "echo '. /r' > /r; . /r"]
    {
        assert_eq!(run(script), (139, String::new()), "{script}");
    }
}

/// Somebody at a terminal.
struct Person {
    input: Vec<Input>,
    shown: String,
}

impl Io for Person {
    fn output(&mut self, _: Stream, bytes: &[u8]) -> Result<()> {
        self.shown.push_str(&String::from_utf8_lossy(bytes));
        Ok(())
    }

    fn input(&mut self, _: bool) -> Result<Input> {
        Ok(if self.input.is_empty() { Input::Pending } else { self.input.remove(0) })
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

#[test]
fn a_shell_at_a_terminal_prompts_edits_lines_and_survives_an_interrupt() {
    let host = SimHost::new(SimConfig::default());
    let engine = host.engine().expect("the engine opens");
    let image = drydock_sim::image::busybox().expect("the image is made");
    engine.import(&mut image.as_slice(), &drydock_core::engine::ImportRequest::of("busybox", &[], "")).expect("the image is imported");
    let config = ContainerConfig {
        image: "busybox".to_owned(),
        command: vec!["sh".to_owned()],
        network: NetworkMode::None,
        tty: true,
        open_stdin: true,
        ..ContainerConfig::default()
    };
    let id = engine.create(&config).expect("the container is created");
    let typed = ["echo hi\n", "cd /etc\n", "if true\n", "then pwd; fi\n", "sleep 1000\n", "\x03", "echo $?\n", "nosuch\n", "exit 4\n"];
    let mut person = Person { input: typed.iter().map(|t| Input::Bytes(t.as_bytes().to_vec())).collect(), shown: String::new() };
    let attach = Attach { stdin: true, ..Attach::default() };
    let ended = engine.start_attached(id.as_str(), &attach, &mut person).expect("it starts");
    let shown = person.shown.replace('\r', "");
    assert_eq!(ended, Ended::Exited(4), "{shown}");
    for part in ["/ # ", "hi\n", "/etc # ", "> ", "^C", "130\n", "sh: nosuch: not found\n"] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
}
