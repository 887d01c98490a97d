//! Clients that are slow, that send without end, or that do not read: their connections end, their bodies are bounded, and nobody else
//! waits for them. How long a body is waited for is tested beside what reads it.

mod common;

use axum::body::{Body, Bytes};
use axum::http::Request;
use common::description::{Operation, document, operations};
use common::{Answer, World};
use drydock_api::listen;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// How long a head is waited for here; of `drydock serve` it is a minute.
const HEAD: Duration = Duration::from_millis(300);

/// Operations whose body is input of a program, which ends when it ends.
const STREAMS: [&str; 2] = ["/containers/{id}/attach", "/exec/{id}/start"];

fn connect(world: &World) -> UnixStream {
    let (near, far) = UnixStream::pair().unwrap();
    tokio::spawn(listen::patient(far, world.api.clone(), world.stop.subscribe(), None, HEAD));
    near
}

/// Sends this, then nothing; answers what came back until the server ended the connection, and when.
async fn silence_after(world: &World, sent: &[u8]) -> (Vec<u8>, Duration) {
    let mut client = connect(world);
    let began = Instant::now();
    client.write_all(sent).await.unwrap();
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap();
    (all, began.elapsed())
}

async fn ask(world: &World, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json").body(body).unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(60), world.api.answer(request)).await.expect("an answer");
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn a_head_is_waited_for_so_long() {
    let world = World::new();
    for begun in ["", "GET /_ping HT", "GET /_ping HTTP/1.1\r\nHost: d\r\nX-Slow: "] {
        let ended = tokio::time::timeout(HEAD * 30, silence_after(&world, begun.as_bytes())).await;
        let (_, took) = ended.unwrap_or_else(|_| panic!("{begun:?} is waited for without end"));
        assert!(took >= HEAD * 9 / 10, "{begun:?} was waited for {took:?} only");
    }
    // A byte now and then does not make it longer.
    let mut client = connect(&world);
    let began = Instant::now();
    while client.write_all(b"G").await.is_ok() {
        tokio::time::sleep(HEAD / 20).await;
        assert!(began.elapsed() < HEAD * 30, "whoever sends a byte now and then is waited for");
    }
}

#[tokio::test]
async fn a_connection_without_a_next_request_ends() {
    let world = World::new();
    let silence = silence_after(&world, b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n");
    let (all, took) = tokio::time::timeout(HEAD * 30, silence).await.expect("it is closed");
    assert_eq!(Answer::parse(&all).status, 200);
    assert!(took >= HEAD * 9 / 10, "it ended after {took:?}");
}

/// What a reader is told when the client was silent too long is no failure of the server's.
#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_mistake() {
    for operation in operations(&document()).into_iter().filter(|o| !STREAMS.contains(&o.path.as_str())) {
        let world = World::new();
        let made = ask(&world, "POST", "/containers/create?name=c0", json!({ "Image": "busybox", "Cmd": ["true"] })).await;
        assert_eq!(made.0, 201, "{}", made.1);
        let Some(kind) = operation.raw.clone().or(operation.body.as_ref().map(|_| "application/json".to_owned())) else { continue };
        let path = path_of(&operation);
        let broken = futures_util::stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::from(std::io::ErrorKind::TimedOut))]);
        let request = Request::builder().method(operation.method.as_str()).uri(&path).header("content-type", kind);
        let answer = world.api.answer(request.body(Body::from_stream(broken)).unwrap()).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body);
        assert!((400..500).contains(&status) || text.contains("errorDetail"), "{} {path}: {status} {text}", operation.method);
    }
}

/// A body without an end, which counts what was taken of it.
fn endless(byte: u8, taken: &Arc<AtomicU64>) -> Body {
    let piece = Bytes::from(vec![byte; 1 << 16]);
    let taken = Arc::clone(taken);
    Body::from_stream(futures_util::stream::repeat_with(move || {
        taken.fetch_add(piece.len() as u64, Ordering::Relaxed);
        Ok::<_, std::io::Error>(piece.clone())
    }))
}

/// The operation's path with names of what there is.
fn path_of(operation: &Operation) -> String {
    let name = match operation.path.split('/').nth(1).unwrap_or_default() {
        "containers" => "c0",
        "networks" => "bridge",
        "images" | "distribution" => "busybox",
        _ => "data",
    };
    let path = operation.path.replace("{id}", name).replace("{name}", name);
    match (operation.path.as_str(), operation.method.as_str()) {
        ("/containers/{id}/archive", _) => path + "?path=/",
        ("/images/create", _) => path + "?fromSrc=-&repo=made",
        _ => path,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_operation_takes_an_object_without_end() {
    let document = document();
    let mut judged = 0;
    // Archives are as large as the disk lets them be, and input of a program as long as its client likes.
    for operation in operations(&document).into_iter().filter(|o| o.raw.is_none() && !STREAMS.contains(&o.path.as_str())) {
        for byte in [b' ', b'x'] {
            // One that does something to it leaves nothing for the next.
            let world = World::new();
            let made = ask(&world, "POST", "/containers/create?name=c0", json!({ "Image": "busybox", "Cmd": ["true"] })).await;
            assert_eq!(made.0, 201, "{}", made.1);
            let path = path_of(&operation);
            let kind = operation.raw.clone().unwrap_or_else(|| "application/json".to_owned());
            let taken = Arc::new(AtomicU64::new(0));
            let request = Request::builder().method(operation.method.as_str()).uri(&path).header("content-type", kind);
            let answering = world.api.answer(request.body(endless(byte, &taken)).unwrap());
            let answer = tokio::time::timeout(Duration::from_secs(60), answering).await;
            let answer = answer.unwrap_or_else(|_| panic!("{} {path} waits for the end of a body", operation.method));
            let status = answer.status().as_u16();
            drop(answer);
            if operation.body.is_some() {
                assert!((400..500).contains(&status), "{} {path}: {status}", operation.method);
            }
            // What nobody reads is thrown away, up to a bound, so that the answer is heard.
            let mut before = u64::MAX;
            while before != taken.load(Ordering::Relaxed) {
                before = taken.load(Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(before <= 40 << 20, "{} {path} took {before} bytes", operation.method);
            judged += 1;
        }
    }
    assert!(judged > 100, "only {judged} were judged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_holds_nobody_up() {
    let world = World::new();
    let loud = json!({ "Image": "busybox", "Cmd": ["sh", "-c", "i=0; while [ $i -lt 4000 ]; do echo line $i of what nobody reads, and it is long; i=$((i+1)); done; sleep 100000"] });
    assert_eq!(ask(&world, "POST", "/containers/create?name=loud", loud).await.0, 201);
    assert_eq!(ask(&world, "POST", "/containers/loud/start", Value::Null).await.0, 204);
    let descriptors = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let before = descriptors();
    let mut stalled = Vec::new();
    for path in ["/containers/loud/logs?follow=1&stdout=1", "/events?since=0", "/containers/loud/stats"] {
        for _ in 0..20 {
            let mut client = connect(&world);
            client.write_all(format!("GET {path} HTTP/1.1\r\nHost: d\r\n\r\n").as_bytes()).await.unwrap();
            stalled.push(client);
        }
    }
    // Others are answered, also about the same container.
    for n in 0..5 {
        let name = format!("/containers/create?name=other{n}");
        assert_eq!(ask(&world, "POST", &name, json!({ "Image": "busybox", "Cmd": ["true"] })).await.0, 201);
        assert_eq!(ask(&world, "POST", &format!("/containers/other{n}/start"), Value::Null).await.0, 204);
        assert_eq!(ask(&world, "POST", &format!("/containers/other{n}/wait"), Value::Null).await.0, 200);
        assert_eq!(ask(&world, "GET", "/containers/loud/json", Value::Null).await.1["State"]["Status"], "running");
    }
    assert_eq!(ask(&world, "DELETE", "/containers/loud?force=1", Value::Null).await.0, 204);
    drop(stalled);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while descriptors() > before + 4 && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(descriptors() <= before + 4, "{} descriptors, {before} before", descriptors());
}
