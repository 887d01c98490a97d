//! bollard against the engine at `DOCKER_HOST`: a program's tests, and what the library does beyond that program.

use bollard::Docker;
use bollard::container::{AttachContainerResults, LogOutput};
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::{ContainerCreateBody, ExecConfig, HostConfig, NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder, EventsOptionsBuilder,
    ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions, StatsOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use std::collections::HashMap;
use std::io::Read as _;
use tokio::io::AsyncWriteExt as _;

fn docker() -> Docker {
    Docker::connect_with_defaults().unwrap()
}

fn busybox(command: &[&str]) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some("busybox".to_owned()),
        cmd: Some(command.iter().map(|&word| word.to_owned()).collect()),
        host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..HostConfig::default() }),
        ..ContainerCreateBody::default()
    }
}

/// A container that runs, by its name.
async fn begun(docker: &Docker, name: &str, body: ContainerCreateBody) {
    docker.create_container(Some(CreateContainerOptionsBuilder::new().name(name).build()), body).await.unwrap();
    docker.start_container(name, None).await.unwrap();
}

async fn removed(docker: &Docker, name: &str) {
    docker.remove_container(name, Some(RemoveContainerOptionsBuilder::new().force(true).build())).await.unwrap();
}

fn status<T: std::fmt::Debug>(answer: Result<T, Error>) -> u16 {
    match answer {
        Err(Error::DockerResponseServerError { status_code, .. }) => status_code,
        other => panic!("no refusal: {other:?}"),
    }
}

/// The streams apart from each other.
async fn told(output: impl futures_util::Stream<Item = Result<LogOutput, Error>>) -> (Vec<u8>, Vec<u8>) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = std::pin::pin!(output);
    while let Some(piece) = output.next().await {
        match piece.unwrap() {
            LogOutput::StdErr { message } => err.extend_from_slice(&message),
            other => out.extend_from_slice(&other.into_bytes()),
        }
    }
    (out, err)
}

// ANCHOR: suite
#[tokio::test]
async fn an_hour_of_work_takes_no_time() {
    let docker = Docker::connect_with_defaults().unwrap();
    let begun = std::time::Instant::now();
    let said = drydock_simulated_docker::answer_of(&docker, "everything").await.unwrap();
    assert_eq!(said, "everything: 42\n");
    assert!(begun.elapsed().as_secs() < 60, "the hour was a real one");
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let docker = Docker::connect_with_defaults().unwrap();
    let refused = docker.inspect_container("no-such-container", None).await.unwrap_err();
    assert!(matches!(refused, Error::DockerResponseServerError { status_code: 404, .. }), "{refused}");
}
// ANCHOR_END: suite

#[tokio::test]
async fn input_goes_in_and_both_streams_come_out() {
    let docker = docker();
    let body =
        ContainerCreateBody { open_stdin: Some(true), stdin_once: Some(true), ..busybox(&["sh", "-c", "cat; echo err >&2; exit 4"]) };
    docker.create_container(Some(CreateContainerOptionsBuilder::new().name("bollard-streams").build()), body).await.unwrap();
    let how = AttachContainerOptionsBuilder::new().stream(true).stdin(true).stdout(true).stderr(true).build();
    let AttachContainerResults { output, mut input } = docker.attach_container("bollard-streams", Some(how)).await.unwrap();
    docker.start_container("bollard-streams", None).await.unwrap();
    // More than any buffer on the way holds, so both ends have to go on at once.
    let typed: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    let sent = typed.clone();
    let typing = tokio::spawn(async move {
        input.write_all(&sent).await.unwrap();
        input.shutdown().await.unwrap();
    });
    let (out, err) = told(output).await;
    typing.await.unwrap();
    assert!(out == typed, "{} bytes of {}", out.len(), typed.len());
    assert_eq!(err, b"err\n");
    let ended = docker.wait_container("bollard-streams", None).next().await.unwrap();
    assert!(matches!(ended, Err(Error::DockerContainerWaitError { code: 4, .. })), "{ended:?}");
    removed(&docker, "bollard-streams").await;
}

#[tokio::test]
async fn a_websocket_carries_the_same_streams() {
    let docker = docker();
    let body = ContainerCreateBody { open_stdin: Some(true), ..busybox(&["sh", "-c", "while read line; do echo heard $line; done"]) };
    begun(&docker, "bollard-websocket", body).await;
    let how = AttachContainerOptionsBuilder::new().stream(true).stdin(true).stdout(true).stderr(true).build();
    let AttachContainerResults { mut output, mut input } = docker.attach_container_websocket("bollard-websocket", Some(how)).await.unwrap();
    for word in ["one", "two"] {
        input.write_all(format!("{word}\n").as_bytes()).await.unwrap();
        input.flush().await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"\n") {
            heard.extend_from_slice(&output.next().await.unwrap().unwrap().into_bytes());
        }
        assert_eq!(String::from_utf8(heard).unwrap(), format!("heard {word}\n"));
    }
    removed(&docker, "bollard-websocket").await;
    // The container's end is the end of the websocket.
    while let Some(piece) = output.next().await {
        assert!(piece.is_ok(), "{piece:?}");
    }
}

#[tokio::test]
async fn programs_beside_the_first_one() {
    let docker = docker();
    begun(&docker, "bollard-exec", busybox(&["sleep", "1000000"])).await;
    for round in 0..10 {
        let exec = ExecConfig {
            cmd: Some(["sh", "-c", &format!("echo {round}; echo err >&2; exit 3")].map(str::to_owned).to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let id = docker.create_exec("bollard-exec", exec).await.unwrap().id;
        let StartExecResults::Attached { output, .. } = docker.start_exec(&id, None).await.unwrap() else { panic!("it is detached") };
        assert_eq!(told(output).await, (format!("{round}\n").into_bytes(), b"err\n".to_vec()));
        assert_eq!(docker.inspect_exec(&id).await.unwrap().exit_code, Some(3));
    }
    removed(&docker, "bollard-exec").await;
}

#[tokio::test]
async fn logs_events_figures_and_lists() {
    let docker = docker();
    let mut body = busybox(&["sh", "-c", "echo ready; sleep 1000000"]);
    body.labels = Some(HashMap::from([("suite".to_owned(), "bollard".to_owned())]));
    let only = HashMap::from([("container".to_owned(), vec!["bollard-seen".to_owned()])]);
    let mut events = Box::pin(docker.events(Some(EventsOptionsBuilder::new().filters(&only).build())));
    // Whoever subscribes is told what happens from the answer's head on; bollard asks when it is polled first.
    let first = tokio::spawn(async move {
        let mut said = Vec::new();
        while let Some(event) = events.next().await {
            said.push(event.unwrap().action.unwrap());
            if said.last().is_some_and(|action| action == "destroy") {
                break;
            }
        }
        said
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    begun(&docker, "bollard-seen", body).await;

    let mut logs = docker.logs("bollard-seen", Some(LogsOptionsBuilder::new().stdout(true).follow(true).build()));
    assert_eq!(logs.next().await.unwrap().unwrap().into_bytes().as_ref(), b"ready\n");
    drop(logs);

    let once = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
    let figures = docker.stats("bollard-seen", Some(once)).next().await.unwrap().unwrap();
    assert!(figures.memory_stats.and_then(|memory| memory.usage).unwrap_or(0) > 0);

    let labelled = HashMap::from([("label".to_owned(), vec!["suite=bollard".to_owned()])]);
    let how = ListContainersOptionsBuilder::new().all(true).filters(&labelled).build();
    let listed = docker.list_containers(Some(how)).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.names.clone().unwrap()).collect::<Vec<_>>(), [["/bollard-seen"]]);
    let found = docker.inspect_container("bollard-seen", None).await.unwrap();
    assert_eq!(found.state.unwrap().running, Some(true));
    let programs = docker.top_processes("bollard-seen", None).await.unwrap();
    assert!(!programs.processes.unwrap().is_empty());

    removed(&docker, "bollard-seen").await;
    let said = first.await.unwrap();
    assert_eq!(said.first().map(String::as_str), Some("create"), "{said:?}");
    assert!(said.iter().any(|action| action == "start") && said.iter().any(|action| action == "die"), "{said:?}");
}

#[tokio::test]
async fn files_go_in_and_come_out() {
    let docker = docker();
    begun(&docker, "bollard-files", busybox(&["sleep", "1000000"])).await;
    let mut archive = tar::Builder::new(Vec::new());
    let mut head = tar::Header::new_gnu();
    head.set_size(5);
    head.set_mode(0o640);
    archive.append_data(&mut head, "in", &b"there"[..]).unwrap();
    let body = bollard::body_full(archive.into_inner().unwrap().into());
    let to = UploadToContainerOptionsBuilder::new().path("/tmp").build();
    docker.upload_to_container("bollard-files", Some(to), body).await.unwrap();
    let from = DownloadFromContainerOptionsBuilder::new().path("/tmp/in").build();
    let pieces: Vec<bytes::Bytes> = docker.download_from_container("bollard-files", Some(from)).try_collect().await.unwrap();
    let back = pieces.concat();
    let mut archive = tar::Archive::new(back.as_slice());
    let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
    let mut text = String::new();
    entry.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), entry.header().mode().unwrap() & 0o777), ("there", 0o640));
    let changed = docker.container_changes("bollard-files").await.unwrap().unwrap();
    assert!(changed.iter().any(|change| change.path == "/tmp/in"), "{changed:?}");
    removed(&docker, "bollard-files").await;
}

#[tokio::test]
async fn networks_volumes_and_refusals() {
    let docker = docker();
    let request = NetworkCreateRequest { name: "bollard-network".to_owned(), ..NetworkCreateRequest::default() };
    docker.create_network(request.clone()).await.unwrap();
    assert_eq!(status(docker.create_network(request).await), 409);
    assert_eq!(docker.inspect_network("bollard-network", None).await.unwrap().driver.as_deref(), Some("bridge"));
    docker.remove_network("bollard-network").await.unwrap();
    let request = VolumeCreateRequest { name: Some("bollard-volume".to_owned()), ..VolumeCreateRequest::default() };
    assert_eq!(docker.create_volume(request).await.unwrap().name, "bollard-volume");
    docker.remove_volume("bollard-volume", None::<RemoveVolumeOptions>).await.unwrap();
    assert_eq!(status(docker.inspect_volume("bollard-volume").await), 404);
    assert_eq!(status(docker.inspect_image("no-such-image").await), 404);
    let absent = ContainerCreateBody { image: Some("no-such-image".to_owned()), ..busybox(&["true"]) };
    assert_eq!(status(docker.create_container(None, absent).await), 404);
    assert_eq!(docker.ping().await.unwrap(), "OK");
    assert!(docker.version().await.unwrap().api_version.is_some());
    assert!(docker.info().await.unwrap().images.unwrap() >= 1);
}
