//! A network of containers as packets see it: a stranger outside, the host, and two guests on a bridge with a published port.

mod common;

use common::Place;
use drydock_core::ErrorKind;
use drydock_core::kernel::{Firewall, Kernel, Process, Protocol, Step, Where};
use drydock_linux::LinuxKernel;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    // The port proxy is this program once more, and so are the servers and clients inside the guests.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("proxy", rest)) => return ExitCode::from(u8::try_from(drydock_linux::proxy::main(rest)).unwrap_or(1)),
        Some(("as-guest", rest)) => return as_guest(rest),
        _ => {}
    }
    common::main(&[
        ("a published port is reached from everywhere, and nothing else is", published),
        ("a port that is taken is an error in Docker's words and changes nothing", taken),
        ("an internal network has no way out and none in", internal),
        ("rules go with their owner, and the table with the last", owners),
        ("datagrams are published too", datagrams),
    ])
}

/// What runs in a guest: a server of one word, an echo of datagrams, or a client of either that prints what it gets.
fn as_guest(arguments: &[String]) -> ExitCode {
    let second = Some(Duration::from_secs(1));
    let (what, address) = (arguments[0].as_str(), arguments[1].parse::<SocketAddr>().expect("an address"));
    match what {
        "serve" => {
            for client in TcpListener::bind(address).expect("binds").incoming().flatten() {
                let _ = (&client).write_all(b"served");
            }
        }
        "echo" => {
            let socket = UdpSocket::bind(address).expect("binds");
            let mut buffer = [0; 100];
            while let Ok((n, who)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..n], who);
            }
        }
        "get" => {
            let Ok(mut server) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return ExitCode::FAILURE };
            server.set_read_timeout(second).expect("sets");
            let mut text = String::new();
            let _ = server.read_to_string(&mut text);
            print!("{text}");
        }
        "ask" => {
            let socket = UdpSocket::bind("0.0.0.0:0").expect("binds");
            socket.set_read_timeout(second).expect("sets");
            let mut buffer = [0; 100];
            if socket.send_to(b"question", address).is_ok()
                && let Ok((n, who)) = socket.recv_from(&mut buffer)
            {
                print!("{} from {}", String::from_utf8_lossy(&buffer[..n]), who.port());
            }
        }
        other => panic!("{other}"),
    }
    ExitCode::SUCCESS
}

/// This program.
fn me() -> String {
    std::env::current_exe().expect("a path").to_string_lossy().into_owned()
}

/// A process in a network namespace of its own.
struct Guest {
    child: Child,
    process: Process,
}

impl Guest {
    fn start() -> Self {
        let child = Command::new("unshare").args(["--net", "sleep", "100"]).spawn().expect("starts");
        let own = std::fs::read_link("/proc/self/ns/net").expect("reads");
        within(|| std::fs::read_link(format!("/proc/{}/ns/net", child.id())).is_ok_and(|n| n != own));
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("runs");
        let after_name = stat.rsplit(')').next().expect("a field");
        let born = after_name.split_whitespace().nth(19).and_then(|n| n.parse().ok()).expect("field 22");
        Self { process: Process { pid: child.id(), born }, child }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &self.child.id().to_string()]).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let done = self.command(arguments).output().expect("runs");
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that ends with the test.
struct Server(Child);

impl Server {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until it is so, five seconds at most.
fn within(mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(5), "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn shell(line: &str) {
    let done = Command::new("sh").args(["-ec", line]).output().expect("runs");
    assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A host with an uplink to a stranger (192.0.2.1 here, 192.0.2.2 there), and a bridge with two guests.
struct World {
    kernel: LinuxKernel,
    stranger: Guest,
    guests: Vec<Guest>,
}

impl World {
    fn new(place: &Place, internal: bool) -> Self {
        let kernel = LinuxKernel::open(&place.path("data"), &place.path("run")).expect("opens");
        let stranger = Guest::start();
        let pid = stranger.child.id();
        shell(&format!(
            "ip link set lo up; ip link add up0 type veth peer name eth0 netns {pid}; ip addr add 192.0.2.1/24 dev up0; ip link set up0 up"
        ));
        stranger.run(&[
            "sh",
            "-c",
            "ip link set lo up; ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up; ip route add 10.99.0.0/24 via 192.0.2.1",
        ]);
        let world = Self { kernel, stranger, guests: vec![Guest::start(), Guest::start()] };
        world.step(Step::AddBridge {
            name: "dd0".to_owned(),
            address: "10.99.0.1/24".parse().expect("a net"),
            mac: Some("02:42:0a:63:00:01".to_owned()),
        });
        world.step(Step::NetSysctl { at: Where::Host, key: "net.ipv4.ip_forward".to_owned(), value: "1".to_owned() });
        let rule = Firewall::Bridge { bridge: "dd0".to_owned(), subnet: "10.99.0.0/24".parse().expect("a net"), icc: true, internal };
        world.step(Step::AddRule { owner: "network-test".to_owned(), rule });
        for (at, guest) in world.guests.iter().enumerate() {
            let number = at + 2;
            let inside = |step: Step| world.kernel.perform(&step, Some(&guest.process)).unwrap_or_else(|e| panic!("{step:?}: {e}"));
            let mac = format!("02:42:0a:63:00:0{number}");
            inside(Step::AddVeth {
                name: format!("veth{at}"),
                bridge: "dd0".to_owned(),
                peer: format!("p{at}"),
                rename: "eth0".to_owned(),
                mac,
                isolated: false,
            });
            for link in ["lo", "eth0"] {
                inside(Step::LinkUp { at: Where::Child, name: link.to_owned() });
            }
            let address = format!("10.99.0.{number}/24").parse().expect("an address");
            inside(Step::AddAddress { at: Where::Child, link: "eth0".to_owned(), address });
            inside(Step::AddRoute { at: Where::Child, to: None, via: "10.99.0.1".parse().expect("an address") });
        }
        world
    }

    fn step(&self, step: Step) {
        self.kernel.perform(&step, None).unwrap_or_else(|e| panic!("{step:?}: {e}"));
    }

    /// A server in the first guest.
    fn serve(&self) -> Server {
        let server = Server::start(&mut self.guests[0].command(&[&me(), "as-guest", "serve", "0.0.0.0:80"]));
        within(|| get(&self.guests[0], "10.99.0.2:80") == "served");
        server
    }

    fn publish(&self, host_ip: &str, host_port: u16) -> drydock_core::Result<()> {
        let to = "10.99.0.2".parse().expect("an address");
        let host_ip = host_ip.parse().expect("an address");
        let rule = Firewall::Publish { protocol: Protocol::Tcp, host_ip, host_port, to, to_port: 80, bridge: "dd0".to_owned() };
        self.kernel.perform(&Step::AddRule { owner: "endpoint-test".to_owned(), rule }, None)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for owner in ["endpoint-test", "network-test"] {
            let _ = self.kernel.perform(&Step::RemoveRules { owner: owner.to_owned() }, None);
        }
        let _ = Command::new("sh")
            .args(["-c", "ip link del dd0; ip link del up0; ip link del veth0; ip link del veth1"])
            .stderr(Stdio::null())
            .status();
    }
}

fn rules() -> String {
    let done = Command::new("nft").args(["list", "ruleset"]).output().expect("runs");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// What a guest's client gets.
fn get(guest: &Guest, address: &str) -> String {
    guest.run(&[&me(), "as-guest", "get", address])
}

/// What a client on the host gets.
fn get_here(what: &str, address: &str) -> String {
    let done = Command::new(me()).args(["as-guest", what, address]).output().expect("runs");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn published(place: &Place) {
    let world = World::new(place, false);
    let _server = world.serve();
    for _ in 0..2 {
        world.publish("0.0.0.0", 8080).expect("publishes");
    }
    let [first, second] = [&world.guests[0], &world.guests[1]];
    assert_eq!(get(&world.stranger, "192.0.2.1:8080"), "served", "from outside, {}", rules());
    assert_eq!(get_here("get", "127.0.0.1:8080"), "served", "over loopback");
    assert_eq!(get_here("get", "192.0.2.1:8080"), "served", "from the host to its own address");
    assert_eq!(get_here("get", "10.99.0.2:80"), "served", "from the host to the guest");
    assert_eq!(get(second, "10.99.0.2:80"), "served", "from guest to guest");
    assert_eq!(get(second, "192.0.2.1:8080"), "served", "from a guest to the published port");
    assert_eq!(get(first, "192.0.2.1:8080"), "served", "from a guest to its own published port");
    assert_eq!(get(second, "10.99.0.1:8080"), "served", "from a guest to the bridge's address");
    assert_eq!(get(&world.stranger, "10.99.0.2:80"), "", "a stranger with a route does not reach a port that is not published");
    assert_eq!(get(&world.stranger, "10.99.0.1:8081"), "");

    // What leaves has the host's address: the stranger has no route back to the guest's own.
    world.stranger.run(&["ip", "route", "del", "10.99.0.0/24"]);
    let seen = second.run(&["busybox", "ping", "-c", "1", "-W", "2", "192.0.2.2"]);
    assert!(seen.contains("1 packets received"), "{seen}");

    world.step(Step::RemoveRules { owner: "endpoint-test".to_owned() });
    assert_eq!(get(&world.stranger, "192.0.2.1:8080"), "");
    assert_eq!(get_here("get", "127.0.0.1:8080"), "");
    TcpListener::bind("0.0.0.0:8080").expect("the port is free again");
    assert!(rules().contains("network-test") && !rules().contains("endpoint-test"));
}

fn taken(place: &Place) {
    let world = World::new(place, false);
    let _holder = TcpListener::bind("0.0.0.0:8080").expect("binds");
    let before = rules();
    let error = world.publish("0.0.0.0", 8080).expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.message(), "failed to bind host port for 0.0.0.0:8080:10.99.0.2:80/tcp: address already in use");
    assert_eq!(rules(), before);
    let nowhere = world.publish("198.51.100.1", 8080).expect_err("not an address of this host");
    assert!(nowhere.message().ends_with("cannot assign requested address"), "{nowhere}");
    world.publish("127.0.0.1", 8081).expect("loopback alone");
    assert_eq!(rules(), before, "loopback needs no rule");
    assert!(TcpListener::bind("127.0.0.1:8081").is_err(), "and is taken");
}

fn internal(place: &Place) {
    let world = World::new(place, true);
    let _server = world.serve();
    assert_eq!(get(&world.guests[1], "10.99.0.2:80"), "served", "guests reach each other");
    assert_eq!(get_here("get", "10.99.0.2:80"), "served", "and the host reaches them");
    let out = world.guests[1].run(&["busybox", "ping", "-c", "1", "-W", "1", "192.0.2.2"]);
    assert!(out.contains("0 packets received"), "{out}");
    assert_eq!(get(&world.stranger, "10.99.0.2:80"), "");
}

fn owners(place: &Place) {
    let kernel = LinuxKernel::open(&place.path("data"), &place.path("run")).expect("opens");
    let step = |step: Step| kernel.perform(&step, None).unwrap_or_else(|e| panic!("{step:?}: {e}"));
    let bridge = |name: &str, subnet: &str, icc| Firewall::Bridge {
        bridge: name.to_owned(),
        subnet: subnet.parse().expect("a net"),
        icc,
        internal: false,
    };
    step(Step::RemoveRules { owner: "nobody".to_owned() });
    assert_eq!(rules(), "");
    step(Step::AddRule { owner: "a".to_owned(), rule: bridge("x0", "10.1.0.0/24", true) });
    let one = rules();
    step(Step::AddRule { owner: "a".to_owned(), rule: bridge("x0", "10.1.0.0/24", true) });
    assert_eq!(rules(), one, "the same rule twice is one rule");
    step(Step::AddRule { owner: "b".to_owned(), rule: bridge("x1", "fd00:1::/64", false) });
    assert!(rules().contains("fd00:1::/64"));
    step(Step::RemoveRules { owner: "b".to_owned() });
    assert_eq!(rules(), one);
    // Another's table is not ours to touch.
    shell("nft add table inet other");
    step(Step::RemoveRules { owner: "a".to_owned() });
    assert_eq!(rules().trim(), "table inet other {\n}");
    shell("nft delete table inet other");
    for wrong in ["", "a b", "a\"; flush ruleset", &"x".repeat(91)] {
        assert!(kernel.perform(&Step::RemoveRules { owner: wrong.to_owned() }, None).is_err(), "{wrong:?}");
    }
}

fn datagrams(place: &Place) {
    let world = World::new(place, false);
    let address: IpAddr = "10.99.0.2".parse().expect("an address");
    let any = "0.0.0.0".parse().expect("an address");
    let rule =
        Firewall::Publish { protocol: Protocol::Udp, host_ip: any, host_port: 5353, to: address, to_port: 53, bridge: "dd0".to_owned() };
    world.step(Step::AddRule { owner: "endpoint-test".to_owned(), rule });
    let _server = Server::start(&mut world.guests[0].command(&[&me(), "as-guest", "echo", "0.0.0.0:53"]));
    within(|| world.guests[0].run(&[&me(), "as-guest", "ask", "127.0.0.1:53"]) == "question from 53");
    assert_eq!(world.stranger.run(&[&me(), "as-guest", "ask", "192.0.2.1:5353"]), "question from 5353", "from outside");
    assert_eq!(get_here("ask", "127.0.0.1:5353"), "question from 5353", "over loopback");
    assert_eq!(get_here("ask", "192.0.2.1:5353"), "question from 5353", "from the host to its own address");
    assert_eq!(world.guests[1].run(&[&me(), "as-guest", "ask", "192.0.2.1:5353"]), "question from 5353", "from a guest");
    assert_eq!(world.stranger.run(&[&me(), "as-guest", "ask", "10.99.0.2:53"]), "", "a stranger with a route");
}
