//! Tables, filters and formats of `ps` and `images`; `inspect`, `logs` and `info`.

mod common;

use common::{Memory, NOON, StillLife, ago, three};
use drydock_core::engine::{ImageSummary, LogLine};
use drydock_core::id::{Digest, ImageId};
use drydock_core::image::ImageRecord;
use drydock_core::io::Stream;
use drydock_core::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

fn world() -> StillLife {
    let image = |letter: &str, tags: &[&str], size| ImageSummary {
        id: ImageId::new(format!("sha256:{}", letter.repeat(64))),
        tags: tags.iter().map(|t| (*t).to_owned()).collect(),
        created: ago(86_400 * 20),
        size,
        labels: BTreeMap::new(),
        digests: Vec::new(),
        parent: None,
    };
    let record = serde_json::json!({
        "id": format!("sha256:{}", "a".repeat(64)), "layers": ["sha256:c"], "diff_ids": [Digest::of(b"layer")], "size": 141_000_000_u64,
        "created": ago(86_400 * 20), "os": "linux", "architecture": "amd64", "author": "", "comment": "imported",
        "defaults": { "Env": ["PATH=/bin"], "Cmd": ["nginx"], "Labels": {} }, "tags": ["docker.io/library/nginx:latest"],
        "history": [], "config": Digest::of(b"config"), "archives": [],
    });
    let record: ImageRecord = serde_json::from_value(record).unwrap();
    let line = |stream, text: &str, nanosecond| LogLine {
        time: Timestamp(NOON.0 + nanosecond),
        stream,
        bytes: text.as_bytes().to_vec(),
        attributes: BTreeMap::new(),
    };
    StillLife {
        containers: three(),
        images: vec![
            image("a", &["nginx:latest", "localhost:5000/team/web:1.2"], 141_000_000),
            image("b", &["busybox:latest"], 1_236_000),
            image("d", &[], 0),
        ],
        image_records: vec![record],
        logs: vec![line(Stream::Stdout, "out\n", 5), line(Stream::Stderr, "err\n", 6), line(Stream::Stdout, "no end", 7)],
        now: NOON,
        ..StillLife::default()
    }
}

fn told(lines: &[&str]) -> String {
    common::told(world(), lines)
}

#[test]
fn ps() {
    insta::assert_snapshot!(told(&[
        "ps",
        "ps -a",
        "container ls -a --no-trunc",
        "ps -aq",
        "ps -aq --no-trunc",
        "ps -l",
        "ps -n 2",
        "ps -f status=exited",
        "ps -a -f status=exited -f status=created --format {{.Names}}",
        "ps -a -f name=we --format {{.Names}}",
        "ps -a -f name=^web$ -q",
        "ps -a -f label=tier -q",
        "ps -a -f label=tier=back -q",
        "ps -a -f exited=137 -q",
        "ps -a -f ancestor=busybox -q",
        "ps -f publish=8080 -q",
        "ps -f id=0123 -q",
        "ps --format {{.ID}}~{{.Label~\"tier\"}}~{{.Labels}}~{{.State}}~{{.Mounts}}~{{.LocalVolumes}}~{{.CreatedAt}}",
        "ps --format table~{{.Names}}\\t{{.Status}}\\t{{.Label~\"tier\"}}",
        "ps --format json",
        "ps --format {{json~.Names}}",
    ]));
}

#[test]
fn what_others_named_is_escaped_on_a_terminal_and_only_there() {
    let mut memory = Memory::new(Arc::new(world()));
    assert!(memory.run("ps -a").1.contains('\u{1b}'));
    memory.terminal = true;
    let (_, out, _) = memory.run("ps -a");
    assert!(!out.contains('\u{1b}') && out.contains("job\\x1b[2J"), "{out}");
}

#[test]
fn images() {
    insta::assert_snapshot!(told(&[
        "images",
        "image ls --no-trunc",
        "images -q",
        "images --digests",
        "images busybox",
        "images localhost:5000/team/*",
        "images nginx:nope",
        "images -f dangling=true",
        "images -f dangling=false -q",
        "images -f reference=busy* --format {{.Repository}}:{{.Tag}}~{{.Size}}",
        "images --format json",
        "rmi busybox",
        "image inspect nginx",
        "image inspect -f {{.RepoTags}}~{{.Config.Env}} nginx",
    ]));
}

#[test]
fn inspect_has_dockers_fields_in_dockers_order() {
    let mut world = world();
    let record = serde_json::json!({
        "id": "0123456789abcdef".repeat(4), "name": "web",
        "config": { "image": "nginx", "command": ["nginx", "-g", "daemon off;"], "labels": { "tier": "front" }, "stop_timeout": 3,
            "resources": { "memory": 134_217_728, "nano_cpus": 1_000_000_000 }, "restart": { "on-failure": 3 }, "publish_all": false },
        "image": format!("sha256:{}", "a".repeat(64)), "args": ["nginx", "-g", "daemon off;"], "env": ["PATH=/bin"], "created": ago(70),
        "state": { "status": "running", "process": { "pid": 4242, "born": 1 }, "exit_code": 0, "oom_killed": false, "error": "",
            "started": ago(69), "finished": 0, "restarts": 1, "stopped_by_hand": false, "boot_id": "b", "under_way": true },
        "places": [{ "network": "bridge", "id": "n".repeat(64) }],
        "endpoints": [{ "container": "0", "network": "n".repeat(64), "name": "bridge", "gateway": "172.30.0.1", "address": "172.30.0.2/16", "mac": "02:42:ac:1e:00:02",
            "host_link": "veth0123456", "link": "eth0" }],
        "published": [{ "protocol": "tcp", "host_ip": "0.0.0.0", "host_port": 8080, "container_port": 80 }],
    });
    world.records.push(serde_json::from_value(record).unwrap());
    let mut memory = Memory::new(Arc::new(world));
    let (code, out, _) = memory.run("inspect web");
    assert_eq!(code, 0);
    insta::assert_snapshot!("inspect", out);
    for (format, expected) in [
        ("{{.State.Status}}", "running"),
        ("{{.State.Pid}}", "4242"),
        ("{{.NetworkSettings.IPAddress}}", "172.30.0.2"),
        ("{{.NetworkSettings.Networks.bridge.Gateway}}", "172.30.0.1"),
        ("{{(index~(index~.NetworkSettings.Ports~\"80/tcp\")~0).HostPort}}", "8080"),
        ("{{range~$p,~$b~:=~.NetworkSettings.Ports}}{{$p}}{{end}}", "80/tcp"),
        ("{{.HostConfig.Memory}}", "134217728"),
        ("{{json~.HostConfig.RestartPolicy}}", "{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}"),
        ("{{.Name}}", "/web"),
        ("{{.Config.Labels.nope}}", "<no value>"),
    ] {
        let words: Vec<String> = ["inspect", "-f", format, "0123"].iter().map(|w| w.replace('~', " ")).collect();
        assert_eq!(memory.run_words(&words), (0, format!("{expected}\n"), String::new()), "{format}");
    }
    let (code, out, err) = memory.run("inspect nope web");
    assert_eq!((code, err.as_str()), (1, "Error: No such object: nope\n"));
    assert!(out.starts_with("[\n    {\n        \"Id\""));
    assert_eq!(memory.run("inspect nope"), (1, "[]\n".to_owned(), "Error: No such object: nope\n".to_owned()));
    let (_, _, err) = memory.run("inspect -f {{.Nope}} web");
    assert_eq!(err, "template parsing error: template: :1:2: executing \"\" at <.Nope>: map has no entry for key \"Nope\"\n");
}

#[test]
fn logs_go_where_they_came_from() {
    let mut memory = Memory::new(Arc::new(world()));
    assert_eq!(memory.run("logs x"), (0, "out\nno end".to_owned(), "err\n".to_owned()));
    let (_, out, err) = memory.run("logs -t x");
    assert_eq!(out, "2026-01-31T12:00:00.000000005Z out\n2026-01-31T12:00:00.000000007Z no end");
    assert_eq!(err, "2026-01-31T12:00:00.000000006Z err\n");
}

#[test]
fn info_and_version() {
    insta::assert_snapshot!(told(&["info", "info -f {{.NCPU}}~{{.CgroupVersion}}", "version", "version -f {{.Server.Version}}"]));
}

#[test]
fn what_run_asks_for() {
    let mut memory = Memory::new(Arc::new(world()));
    memory.variables.insert("HOME".to_owned(), "/home/me".to_owned());
    memory.files.insert("vars".to_owned(), b"\xef\xbb\xbf# comment\nA=1\n\nHOME\nUNSET\n B = 2\n".to_vec());
    let (code, _, err) = memory.run("run --env-file vars busybox");
    assert_eq!((code, err.lines().next()), (125, Some("drydock: invalid env file (vars): variable 'B ' contains whitespaces")));
    memory.files.insert("vars".to_owned(), b"\xef\xbb\xbf# comment\nA=1\n\nHOME\nUNSET\n".to_vec());
    memory.files.insert("labels".to_owned(), b"a=1\nb\n".to_vec());
    memory.files.insert("profile.json".to_owned(), b"{}".to_vec());
    let (code, out, err) = memory.run(
        "run -dit --name web -e B=2 -e HOME -e UNSET --env-file vars --label-file labels -l b=2 -p 8080-8081:80-81/udp -p 127.0.0.1::53 \
         -v ./x:/y:ro -v data:/data --tmpfs /run:size=1m --mount type=bind,src=/a,dst=/b,readonly -m 128m --memory-swap -1 --cpus 1.5 -c 512 \
         --pids-limit 100 --read-only --cap-add NET_ADMIN --cap-drop ALL --security-opt seccomp=profile.json --security-opt no-new-privileges \
         --init --restart on-failure:3 --stop-signal INT --stop-timeout 5 --network none -h host -u 1:2 -w /srv --entrypoint sh \
         --add-host db=10.0.0.1 --ulimit nofile=10:20 --sysctl net.ipv4.ip_forward=1 --shm-size 1g --cidfile id --pid host busybox -c exit",
    );
    assert_eq!((code, out.trim_end(), err.as_str()), (0, "c".repeat(64).as_str(), ""));
    assert_eq!(memory.files["id"], "c".repeat(64).into_bytes());
    insta::assert_snapshot!("config", serde_json::to_string_pretty(&memory.engine.created.lock().unwrap().last().unwrap()).unwrap());
    assert_eq!(memory.run("run busybox true").0, 7);
    let (code, _, err) = memory.run("run --cidfile id busybox");
    assert_eq!(code, 125);
    assert!(err.starts_with("drydock: container ID file found, make sure the other container isn't running or delete id\n"), "{err}");
    memory.run("run -d --entrypoint= busybox");
    assert_eq!(memory.engine.created.lock().unwrap().last().unwrap().entrypoint, Some(Vec::new()));
    let (code, _, err) = memory.run("run missing");
    assert_eq!(code, 125);
    // The still life reaches no registry, and says so.
    assert!(err.starts_with("Unable to find image 'missing:latest' locally\ndrydock: Error response from daemon: "), "{err}");
    let (code, _, err) = memory.run("run --pull never missing");
    assert_eq!(code, 125);
    assert!(err.starts_with("drydock: Error response from daemon: No such image: missing:latest\n"), "{err}");
}

/// Seen with docker's client 28, but for the last three: it takes no line of more than 64 KiB, and a NUL goes on to the engine, which
/// cannot make a variable of it.
#[test]
fn files_of_variables() {
    let mut memory = Memory::new(Arc::new(world()));
    memory.variables.insert("HERE".to_owned(), "h".to_owned());
    let long = format!("A={}", "x".repeat(10 << 20));
    let taken: &[(&[u8], &[&str])] = &[
        (b"HERE\nNOWHERE\n", &["HERE=h"]),
        (b"A=\n", &["A="]),
        (b"A==\n", &["A=="]),
        (b"A=\"q r\"\nB='x'\n", &["A=\"q r\"", "B='x'"]),
        (b"# c\nA=1 # two\n  # in\nB=#3\n", &["A=1 # two", "B=#3"]),
        (b"A=1\r\nB=2\r\n", &["A=1", "B=2"]),
        (b"\xef\xbb\xbfA=1\n", &["A=1"]),
        (b"\tA=1\n  B=2\n", &["A=1", "B=2"]),
        (b"A=1  \n", &["A=1  "]),
        (b"A=1", &["A=1"]),
        (b"\n\n   \nA=1\n", &["A=1"]),
        (b"A=1\nA=2\n", &["A=1", "A=2"]),
        (long.as_bytes(), &[&long]),
    ];
    for (content, want) in taken {
        memory.files.insert("vars".to_owned(), content.to_vec());
        let (code, _, err) = memory.run("run -d --env-file vars busybox");
        let shown = String::from_utf8_lossy(&content[..content.len().min(60)]).into_owned();
        assert_eq!((code, err.as_str()), (0, ""), "{shown:?}");
        assert!(memory.engine.created.lock().unwrap().last().unwrap().env == *want, "{shown:?}");
    }
    for (content, want) in [
        (&b"=x\n"[..], "no variable name on line '=x'"),
        (b"export A=1\n", "variable 'export A' contains whitespaces"),
        (b"A\tB=1\n", "variable 'A\\tB' contains whitespaces"),
        (b"B =2\n", "variable 'B ' contains whitespaces"),
        (b"A=caf\xe9\n", "invalid UTF-8"),
    ] {
        memory.files.insert("vars".to_owned(), content.to_vec());
        let (code, _, err) = memory.run("run -d --env-file vars busybox");
        assert!(code == 125 && err.lines().next().is_some_and(|line| line.ends_with(want)), "{err}");
    }
}

#[test]
fn one_name_that_fails_does_not_keep_the_others_from_their_turn() {
    let mut memory = Memory::new(Arc::new(world()));
    // With --force it is enough that the container is not there (docker's client 28).
    assert_eq!(memory.run("rm -f nope a"), (0, "a\n".to_owned(), "Error response from daemon: No such container: nope\n".to_owned()));
    assert_eq!(
        memory.run("start a nope b"),
        (
            1,
            "a\nb\n".to_owned(),
            "Error response from daemon: No such container: nope\nError: failed to start containers: nope\n".to_owned()
        )
    );
}
