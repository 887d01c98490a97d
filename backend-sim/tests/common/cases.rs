//! Every operation of the engine's trait, with the stage it needs: what the tests of crashes, failures and power cuts go through.

use super::crash::{Act, Case};
use super::{Person, config};
use drydock_core::build::progress::Silent;
use drydock_core::build::request::{BuildRequest, Surface};
use drydock_core::container::volume::VolumeRequest;
use drydock_core::container::{ContainerConfig, ExecConfig, ExecStart, MountRequest, NetworkMode, RestartPolicy};
use drydock_core::engine::{
    ArchiveFormat, Checkup, CommitOptions, ContainerUpdate, Engine, ListRequest, LogsRequest, PruneCache, PruneFilters, RemoveOptions,
};
use drydock_core::image::tar::{Entry, Kind, Writer};
use drydock_core::io::{Attach, Size};
use drydock_core::kernel::{Protocol, Signal};
use drydock_core::network::{NetworkRequest, Place, PortRequest};
use std::time::Duration;

/// Operations that change nothing and ask nothing of the kernel that could fail half way; a test holds them to it.
pub const READS: &[&str] = &[
    "networks",
    "network",
    "capabilities",
    "volume",
    "volumes",
    "exec_inspect",
    "execs",
    "facts",
    "info",
    "inspect",
    "now",
    "observe",
    "images",
    "image",
    "containers",
    "container",
    "logs",
    "top",
    "usage",
    "events",
    "explain",
    "wait",
    "wait_for",
    "stats",
    "sizes",
    "last_event",
    "follow_events",
    "sleep",
    "history",
    "list",
    "process_table",
    "save",
    "disk_usage",
    "build_cache",
];

/// Operations that are about registries. A simulated host reaches none; what they take in goes the way of `load`, which is struck.
pub const REMOTE: &[&str] = &["pull", "push", "login", "search", "remote_manifest"];

/// A container that has everything a container can hold on the host: a network, a port, a limit.
pub fn furnished() -> ContainerConfig {
    let port = PortRequest { protocol: Protocol::Tcp, host_ip: None, host_ports: Some((8080, 8080)), container_port: 80 };
    let mut config = ContainerConfig {
        name: Some("box".to_owned()),
        network: NetworkMode::Named("bridge".to_owned()),
        ports: vec![port],
        ..config(&["sleep", "1000"])
    };
    config.resources.memory = Some(64 << 20);
    config
}

/// Builds an image by a step that runs and one that copies.
fn build(engine: &dyn Engine) -> drydock_core::Result<()> {
    let request = BuildRequest {
        dockerfile: Some(b"FROM busybox\nRUN echo made > /made\nCOPY etc/file /copied\n".to_vec()),
        file: "Dockerfile".to_owned(),
        ignore: Some(Vec::new()),
        tags: vec!["built:1".to_owned()],
        network: Some(NetworkMode::None),
        ..BuildRequest::default()
    };
    let context = archive(b"context");
    engine.build(&request, Surface::plain(&mut context.as_slice(), &Silent)).map(drop)
}

/// An archive of one small file.
pub fn archive(content: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    writer.append(&Entry::new("etc", Kind::Directory), b"").expect("a vector takes it");
    writer.append(&Entry::new("etc/file", Kind::File), content).expect("a vector takes it");
    writer.finish().expect("a vector takes it")
}

/// A Docker archive of one image with one layer.
pub fn saved() -> Vec<u8> {
    let layer = archive(b"saved");
    let diff = drydock_core::id::Digest::of(&layer);
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Cmd":["true"]}},"rootfs":{{"type":"layers","diff_ids":["{diff}"]}},"history":[]}}"#
    );
    let manifest = r#"[{"Config":"config.json","RepoTags":["saved:1"],"Layers":["layer.tar"]}]"#;
    let mut writer = Writer::new(Vec::new());
    for (name, bytes) in [("config.json", config.as_bytes()), ("layer.tar", layer.as_slice()), ("manifest.json", manifest.as_bytes())] {
        writer.append(&Entry::new(name, Kind::File), bytes).expect("a vector takes it");
    }
    writer.finish().expect("a vector takes it")
}

const NOTHING: Act = |_, _| Ok(());
const CREATED: Act = |e, _| e.create(&furnished()).map(drop);
const RUNNING: Act = |e, _| e.create(&furnished()).and_then(|id| e.start(id.as_str()));
const FORCE: RemoveOptions = RemoveOptions { force: true, volumes: true };

fn volume(name: &str) -> VolumeRequest {
    VolumeRequest { name: name.to_owned(), ..VolumeRequest::default() }
}

/// A volume in memory.
fn mounted() -> VolumeRequest {
    let options = [("type", "tmpfs"), ("device", "tmpfs")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    VolumeRequest { options, ..volume("mounted") }
}

/// A volume at a place.
fn at(name: &str, target: &str) -> MountRequest {
    drydock_core::container::mounts::parse_volume(&format!("{name}:{target}"), "/").expect("it is one")
}

/// Another program that does not end by itself at once, with a terminal.
fn waiting() -> ExecConfig {
    ExecConfig { command: ["sh", "-c", "sleep 1"].map(str::to_owned).to_vec(), tty: true, ..ExecConfig::default() }
}

const DETACHED: ExecStart = ExecStart { detach: true, console_size: None };

/// Every operation that changes something. One that the trait gains and this has not is found by a test.
pub fn cases() -> Vec<Case> {
    let case = |name, before, act| Case { name, before, act };
    vec![
        case("import", NOTHING, |e, _| {
            e.import(&mut archive(b"one").as_slice(), &drydock_core::engine::ImportRequest::of("first:1", &["CMD true".to_owned()], ""))
                .map(drop)
        }),
        case(
            "import over a name that is taken",
            |e, _| e.import(&mut archive(b"one").as_slice(), &drydock_core::engine::ImportRequest::of("first:1", &[], "")).map(drop),
            |e, _| e.import(&mut archive(b"two").as_slice(), &drydock_core::engine::ImportRequest::of("first:1", &[], "")).map(drop),
        ),
        case("load", NOTHING, |e, _| e.load(&mut saved().as_slice()).map(drop)),
        case(
            "remove_image",
            |e, _| e.import(&mut archive(b"one").as_slice(), &drydock_core::engine::ImportRequest::of("first:1", &[], "")).map(drop),
            |e, _| e.remove_image("first:1", false, true).map(drop),
        ),
        case("remove_image by force under a container", CREATED, |e, _| e.remove_image("busybox", true, true).map(drop)),
        case("create", NOTHING, CREATED),
        case("start", CREATED, |e, _| e.start("box")),
        case(
            "start of one that ends and starts again",
            |e, _| {
                let restart = RestartPolicy::OnFailure(Some(2));
                e.create(&ContainerConfig { restart, command: vec!["false".to_owned()], ..furnished() }).map(drop)
            },
            |e, host| {
                e.start("box")?;
                host.advance(Duration::from_secs(5));
                Ok(())
            },
        ),
        case(
            "start of one that goes when it ends",
            |e, _| e.create(&ContainerConfig { auto_remove: true, command: vec!["true".to_owned()], ..furnished() }).map(drop),
            |e, host| {
                e.start("box")?;
                host.advance(Duration::from_secs(5));
                Ok(())
            },
        ),
        case(
            "start_attached",
            |e, _| e.create(&ContainerConfig { command: vec!["echo".to_owned(), "x".to_owned()], ..furnished() }).map(drop),
            |e, _| e.start_attached("box", &Attach::default(), &mut Person::default()).map(drop),
        ),
        case(
            "start_joined",
            |e, _| e.create(&ContainerConfig { command: vec!["echo".to_owned(), "x".to_owned()], ..furnished() }).map(drop),
            |e, _| {
                let attached = e.start_joined("box", &[Attach::default(), Attach::default()])?.unwrap_or_default();
                attached.into_iter().try_for_each(|mut one| one.pump(&mut Person::default()).map(drop))
            },
        ),
        case(
            "attach",
            |e, _| {
                e.create(&ContainerConfig { command: vec!["sleep".to_owned(), "5".to_owned()], ..furnished() })
                    .and_then(|id| e.start(id.as_str()))
            },
            |e, _| e.attach("box", &Attach::default(), &mut Person::default()).map(drop),
        ),
        case("stop", RUNNING, |e, _| e.stop("box", None, Some(1))),
        case("tag", NOTHING, |e, _| e.tag("busybox", "other:1")),
        case(
            "prune_images",
            |e, _| e.import(&mut archive(b"one").as_slice(), &drydock_core::engine::ImportRequest::of("", &[], "")).map(drop),
            |e, _| e.prune_images(false, &PruneFilters::default()).map(drop),
        ),
        case("restart", RUNNING, |e, _| e.restart("box", None, Some(1))),
        case("rename", CREATED, |e, _| e.rename("box", "chest")),
        case("update", RUNNING, |e, _| {
            let mut change = ContainerUpdate::default();
            change.resources.memory = Some(128 << 20);
            change.publish_add =
                vec![PortRequest { protocol: Protocol::Tcp, host_ip: None, host_ports: Some((9090, 9090)), container_port: 90 }];
            e.update("box", &change)
        }),
        case("build", NOTHING, |e, _| build(e)),
        case(
            "prune_build_cache",
            |e, _| build(e),
            |e, _| e.prune_build_cache(&PruneCache { all: true, ..PruneCache::default() }).map(drop),
        ),
        case("prune_containers", CREATED, |e, _| e.prune_containers(&PruneFilters::default()).map(drop)),
        case("commit", RUNNING, |e, _| {
            e.commit("box", &CommitOptions { reference: "kept:1".to_owned(), ..CommitOptions::default() }).map(drop)
        }),
        case("diff", RUNNING, |e, _| e.diff("box").map(drop)),
        case("export", RUNNING, |e, _| e.export("box", &mut Vec::new())),
        case("stat_path", RUNNING, |e, _| e.stat_path("box", "/bin", true).map(drop)),
        case("copy_out", RUNNING, |e, _| {
            let mut stream = e.copy_out("box", "/etc", true, None)?;
            std::io::copy(&mut stream, &mut std::io::sink()).map(drop).map_err(|e| drydock_core::Error::invalid(e.to_string()))
        }),
        case("copy_in", RUNNING, |e, _| e.copy_in("box", "/tmp", &mut archive(b"copied").as_slice(), false)),
        case("doctor", NOTHING, |e, host| {
            host.shell("mkdir -p /var/lib/drydock/containers/0123; ip link add veth0123456 type veth peer name veth0123456p");
            e.doctor(Checkup { repair: true, quick: false }).map(drop)
        }),
        case("kill", RUNNING, |e, _| e.kill("box", Signal::KILL)),
        case("pause", RUNNING, |e, _| e.pause("box")),
        case(
            "unpause",
            |e, _| e.create(&furnished()).and_then(|id| e.start(id.as_str())).and_then(|()| e.pause("box")),
            |e, _| e.unpause("box"),
        ),
        case(
            "resize",
            |e, _| e.create(&ContainerConfig { tty: true, ..furnished() }).and_then(|id| e.start(id.as_str())),
            |e, _| e.resize("box", Size { rows: 40, cols: 100 }),
        ),
        case("create_network", NOTHING, |e, _| e.create_network(&network("lan")).map(drop)),
        case("remove_network", |e, _| e.create_network(&network("lan")).map(drop), |e, _| e.remove_network("lan")),
        case(
            "prune_networks",
            |e, _| e.create_network(&network("lan")).map(drop),
            |e, _| e.prune_networks(&PruneFilters::default()).map(drop),
        ),
        case("remove", CREATED, |e, _| e.remove("box", RemoveOptions { force: false, volumes: true })),
        case("remove by force while it runs", RUNNING, |e, _| e.remove("box", FORCE)),
        case("exec", RUNNING, |e, _| {
            let exec = ExecConfig { command: vec!["true".to_owned()], ..ExecConfig::default() };
            e.exec("box", &exec, &Attach::default(), &mut Person::default()).map(drop)
        }),
        case("exec detached", RUNNING, |e, _| {
            let exec = ExecConfig { command: vec!["true".to_owned()], detach: true, ..ExecConfig::default() };
            e.exec("box", &exec, &Attach::default(), &mut Person::default()).map(drop)
        }),
        case("volume_create", NOTHING, |e, _| e.volume_create(&volume("kept")).map(drop)),
        case("volume_remove", |e, _| e.volume_create(&volume("kept")).map(drop), |e, _| e.volume_remove("kept", false)),
        case(
            "prune_volumes",
            |e, _| e.volume_create(&volume("one")).and_then(|_| e.volume_create(&volume("two"))).map(drop),
            |e, _| e.prune_volumes(true, &PruneFilters::default()).map(drop),
        ),
        case(
            "start with a volume that is mounted",
            |e, _| {
                e.volume_create(&mounted())?;
                let config = ContainerConfig { mounts: vec![at("mounted", "/m")], ..furnished() };
                e.create(&config).map(drop)
            },
            |e, _| e.start("box"),
        ),
        case("exec_create", RUNNING, |e, _| e.exec_create("box", &waiting()).map(drop)),
        case(
            "exec_start",
            |e, w| RUNNING(e, w).and_then(|()| e.exec_create("box", &waiting()).map(drop)),
            |e, _| {
                let exec = e.execs("box")?.pop().unwrap_or_default();
                e.exec_start(&exec, &DETACHED, &Attach::default(), &mut Person::default()).map(drop)
            },
        ),
        case(
            "connect",
            |e, w| {
                RUNNING(e, w)?;
                e.create_network(&network("other")).map(drop)
            },
            |e, _| e.connect("other", "box", &Place { aliases: vec!["also".to_owned()], ..Place::default() }),
        ),
        case(
            "disconnect",
            |e, w| {
                RUNNING(e, w)?;
                e.create_network(&network("other"))?;
                e.connect("other", "box", &Place::default())
            },
            |e, _| e.disconnect("bridge", "box", false),
        ),
        case(
            "exec_resize",
            |e, w| {
                RUNNING(e, w)?;
                let exec = e.exec_create("box", &waiting())?;
                e.exec_start(&exec, &DETACHED, &Attach::default(), &mut Person::default()).map(drop)
            },
            |e, _| e.exec_resize(&e.execs("box")?.pop().unwrap_or_default(), Size { rows: 40, cols: 100 }),
        ),
    ]
}

fn network(name: &str) -> NetworkRequest {
    NetworkRequest { name: name.to_owned(), ..NetworkRequest::default() }
}

/// A stage on which every read has something to read.
pub fn read_all(e: &dyn Engine) -> drydock_core::Result<()> {
    e.capabilities();
    e.facts();
    e.info()?;
    e.now();
    e.observe()?;
    e.networks()?;
    e.network("host")?;
    e.images()?;
    e.image("busybox")?;
    e.containers(true)?;
    e.list(&ListRequest::default())?;
    e.process_table("box", &[])?;
    e.execs("box")?;
    e.volumes(&[])?;
    e.container("box")?;
    e.logs("box", &LogsRequest::default(), &mut |_| true)?;
    e.top("box")?;
    e.usage("box")?;
    e.events(0, 100)?;
    e.history("busybox")?;
    e.save(&["busybox".to_owned()], ArchiveFormat::default(), &mut Vec::new())?;
    e.disk_usage()?;
    e.stats("box")?;
    e.sizes("box")?;
    let last = e.last_event()?;
    e.follow_events(last, 10, Duration::ZERO)?;
    e.sleep(Duration::from_millis(1));
    e.explain(&ContainerConfig { name: Some("other".to_owned()), ..config(&["true"]) })?;
    e.wait("box", Some(Duration::ZERO)).map(drop).or_else(|error| match error.kind() {
        drydock_core::ErrorKind::TimedOut => Ok(()),
        _ => Err(error),
    })
}

/// [`RUNNING`], for tests of their own.
pub const STAGE: Act = RUNNING;
