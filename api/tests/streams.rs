//! Streams over real HTTP bytes: attach before the start, with and without an upgrade, half-close, exec, wait, logs and events, on a
//! simulated host.

mod common;

use common::{Answer, World, unchunked};
use drydock_api::listen;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

impl World {
    /// A connection of its own.
    fn connect(&self) -> UnixStream {
        let (near, far) = UnixStream::pair().unwrap();
        tokio::spawn(listen::connection(far, self.api.clone(), self.stop.subscribe()));
        near
    }

    async fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> UnixStream {
        let mut stream = self.connect();
        let head = format!("{method} /v1.43{path} HTTP/1.1\r\nHost: d\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        stream
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|b| b.to_string()).unwrap_or_default();
        let headers = "Content-Type: application/json\r\nConnection: close\r\n";
        let mut stream = self.send(method, path, headers, body.as_bytes()).await;
        let (_, head) = head(&mut stream).await;
        let mut body = Vec::new();
        patiently(stream.read_to_end(&mut body)).await.unwrap();
        Answer::of(&head, &body)
    }

    /// Makes a container and answers its id.
    async fn create(&self, body: Value) -> String {
        let mut body = body;
        body["Image"] = json!("busybox");
        body["HostConfig"]["NetworkMode"] = json!("none");
        let answer = self.ask("POST", "/containers/create", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()["Id"].as_str().unwrap().to_owned()
    }

    /// Asks for an upgrade, and answers the connection and the head.
    async fn upgrade(&self, path: &str, body: &str) -> (UnixStream, u16, String) {
        let headers = "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n";
        let mut stream = self.send("POST", path, headers, body.as_bytes()).await;
        let (status, head) = head(&mut stream).await;
        (stream, status, head)
    }
}

async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it does not hang")
}

/// Reads an answer's head and nothing behind it.
async fn head(stream: &mut UnixStream) -> (u16, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(patiently(stream.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
}

/// The two streams out of frames.
fn streams(mut framed: &[u8]) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while !framed.is_empty() {
        let length = u32::from_be_bytes(framed[4..8].try_into().unwrap()) as usize;
        assert_eq!(framed[1..4], [0, 0, 0]);
        (if framed[0] == 1 { &mut out } else { &mut err }).extend_from_slice(&framed[8..8 + length]);
        framed = &framed[8 + length..];
    }
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_attaches_before_the_start_gets_every_byte() {
    let world = World::new();
    let id = world.create(json!({ "Cmd": ["sh", "-c", "echo out; echo err >&2"] })).await;
    let path = format!("/containers/{id}/attach?stream=1&stdout=1&stderr=1");
    // Two at once: each gets everything.
    let (mut one, status, head) = world.upgrade(&path, "").await;
    let (mut two, ..) = world.upgrade(&path, "").await;
    assert_eq!(status, 101);
    assert!(head.to_ascii_lowercase().contains("upgrade: tcp"), "{head}");
    assert!(head.contains("application/vnd.docker.multiplexed-stream"), "{head}");
    assert_eq!(world.ask("POST", &format!("/containers/{id}/start"), None).await.status, 204);
    for stream in [&mut one, &mut two] {
        let mut all = Vec::new();
        patiently(stream.read_to_end(&mut all)).await.unwrap();
        assert_eq!(streams(&all), ("out\n".to_owned(), "err\n".to_owned()));
    }
    assert_eq!(world.ask("POST", &format!("/containers/{id}/wait"), None).await.json(), json!({ "StatusCode": 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_input_is_not_the_end_of_output() {
    let world = World::new();
    let id = world.create(json!({ "Cmd": ["cat"], "OpenStdin": true, "StdinOnce": true, "AttachStdin": true })).await;
    let (mut stream, ..) = world.upgrade(&format!("/containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1"), "").await;
    stream.write_all(b"typed before the start\n").await.unwrap();
    world.ask("POST", &format!("/containers/{id}/start"), None).await;
    stream.shutdown().await.unwrap();
    let mut all = Vec::new();
    patiently(stream.read_to_end(&mut all)).await.unwrap();
    assert_eq!(streams(&all).0, "typed before the start\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_raw_and_no_upgrade_is_a_body() {
    let world = World::new();
    let id = world.create(json!({ "Cmd": ["echo", "shown"], "Tty": true })).await;
    let path = format!("/containers/{id}/attach?stream=1&stdout=1");
    let mut stream = world.send("POST", &path, "Connection: close\r\n", b"").await;
    let (status, head) = head(&mut stream).await;
    assert_eq!((status, head.contains("application/vnd.docker.raw-stream")), (200, true), "{head}");
    world.ask("POST", &format!("/containers/{id}/start"), None).await;
    let mut all = Vec::new();
    patiently(stream.read_to_end(&mut all)).await.unwrap();
    assert_eq!(String::from_utf8(unchunked(&all)).unwrap(), "shown\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_heard_of_before_it_is_over() {
    let world = World::new();
    let id = world.create(json!({ "Cmd": ["sh", "-c", "exit 7"], "HostConfig": { "AutoRemove": true } })).await;
    let mut waits = Vec::new();
    for condition in ["next-exit", "removed"] {
        let mut wait = world.send("POST", &format!("/containers/{id}/wait?condition={condition}"), "Connection: close\r\n", b"").await;
        // The head is there although nothing has happened.
        assert_eq!(head(&mut wait).await.0, 200);
        waits.push(wait);
    }
    world.ask("POST", &format!("/containers/{id}/start"), None).await;
    for mut wait in waits {
        let mut body = Vec::new();
        patiently(wait.read_to_end(&mut body)).await.unwrap();
        assert_eq!(unchunked(&body), b"{\"StatusCode\":7}\n");
    }
    assert_eq!(world.ask("GET", &format!("/containers/{id}/json"), None).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn further_programs_have_streams_and_exit_codes() {
    let world = World::new();
    let id = world.create(json!({ "Cmd": ["sleep", "1000"] })).await;
    world.ask("POST", &format!("/containers/{id}/start"), None).await;
    let asked = json!({ "Cmd": ["sh", "-c", "cat; exit 3"], "AttachStdin": true, "AttachStdout": true, "AttachStderr": true });
    let created = world.ask("POST", &format!("/containers/{id}/exec"), Some(asked)).await;
    let exec = created.json()["Id"].as_str().unwrap().to_owned();
    let (mut stream, status, _) = world.upgrade(&format!("/exec/{exec}/start"), "{\"Detach\":false,\"Tty\":false}").await;
    assert_eq!(status, 101);
    stream.write_all(b"in\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut all = Vec::new();
    patiently(stream.read_to_end(&mut all)).await.unwrap();
    assert_eq!(streams(&all).0, "in\n");
    let seen = world.ask("GET", &format!("/exec/{exec}/json"), None).await.json();
    assert_eq!((&seen["Running"], &seen["ExitCode"], &seen["ContainerID"]), (&json!(false), &json!(3), &json!(id)));
    let again = world.ask("POST", &format!("/exec/{exec}/start"), Some(json!({ "Detach": true }))).await;
    assert_eq!(again.status, 409);
    assert_eq!(world.ask("GET", "/exec/nosuch/json", None).await.status, 404);
    assert_eq!(world.ask("POST", "/containers/nosuch/exec", Some(json!({ "Cmd": ["true"] }))).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_framed_and_chosen() {
    let world = World::new();
    let id = world.create(json!({ "Cmd": ["sh", "-c", "echo a; echo b >&2; echo c"] })).await;
    world.ask("POST", &format!("/containers/{id}/start"), None).await;
    world.ask("POST", &format!("/containers/{id}/wait"), None).await;
    let logs = |query: &str| {
        let path = format!("/containers/{id}/logs?{query}");
        async { world.ask("GET", Box::leak(path.into_boxed_str()), None).await }
    };
    assert_eq!(streams(&logs("stdout=1&stderr=1").await.body), ("a\nc\n".to_owned(), "b\n".to_owned()));
    assert_eq!(streams(&logs("stderr=1&follow=1").await.body), (String::new(), "b\n".to_owned()));
    assert_eq!(streams(&logs("stdout=1&stderr=1&tail=0").await.body), (String::new(), String::new()));
    assert_eq!(streams(&logs("stdout=1&stderr=1&tail=3").await.body).0, "a\nc\n");
    assert!(streams(&logs("stdout=1&timestamps=1").await.body).0.contains("Z a\n"));
    let refused = logs("").await;
    assert_eq!((refused.status, refused.json()["message"].as_str()), (400, Some("Bad parameters: you must choose at least one stream")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_told_in_order() {
    let world = World::new();
    let id = world.create(json!({ "Cmd": ["true"] })).await;
    world.ask("POST", &format!("/containers/{id}/start"), None).await;
    world.ask("POST", &format!("/containers/{id}/wait"), None).await;
    let ended = world.ask("GET", &format!("/containers/{id}/json"), None).await.json()["State"]["FinishedAt"].as_str().unwrap().to_owned();
    let filters = "%7B%22container%22%3A%5B%22ID%22%5D%7D".replace("ID", &id);
    let told = world.ask("GET", &format!("/events?since=1&until={ended}&filters={filters}"), None).await;
    assert_eq!(told.status, 200, "{}", told.head);
    let text = String::from_utf8(told.body).unwrap();
    let actions = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["Action"].as_str().unwrap().to_owned());
    let actions: Vec<String> = actions.collect();
    let first = ["create", "connect", "start"].map(str::to_owned);
    assert_eq!(actions.get(..3), Some(&first[..]), "{actions:?}");
    // An end that has not come is waited for, with the head sent.
    let path = format!("/events?since=1&until=4000000000&filters={filters}");
    let mut waiting = world.send("GET", &path, "", b"").await;
    assert_eq!(head(&mut waiting).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn life_is_answered_with_dockers_statuses() {
    let world = World::new();
    let id = world.create(json!({ "Cmd": ["sleep", "1000"] })).await;
    let post = |path: &str| {
        let path = format!("/containers/{id}/{path}");
        async { world.ask("POST", Box::leak(path.into_boxed_str()), None).await.status }
    };
    assert_eq!(post("start").await, 204);
    assert_eq!(post("start").await, 304);
    assert_eq!(post("pause").await, 204);
    assert_eq!(post("pause").await, 409);
    assert_eq!(post("unpause").await, 204);
    assert_eq!(post("rename?name=web").await, 204);
    assert_eq!(world.ask("GET", "/containers/json", None).await.json()[0]["Names"], json!(["/web"]));
    assert_eq!(world.ask("DELETE", "/containers/web", None).await.status, 409);
    assert_eq!(post("stop?t=0").await, 204);
    assert_eq!(post("stop").await, 304);
    assert_eq!(post("kill").await, 409);
    assert_eq!(post("kill?signal=NOSUCH").await, 400);
    assert_eq!(post("resize?h=x&w=1").await, 400);
    assert_eq!(post("wait?condition=nosuch").await, 400);
    assert_eq!(world.ask("POST", "/containers/create", Some(json!({ "Image": "nosuch", "Cmd": ["x"] }))).await.status, 404);
    assert_eq!(world.ask("POST", "/containers/create?name=web", Some(json!({ "Image": "busybox", "Cmd": ["x"] }))).await.status, 409);
    assert_eq!(world.ask("DELETE", "/containers/web", None).await.status, 204);
    assert_eq!(world.ask("DELETE", "/containers/web", None).await.status, 404);
}

#[tokio::test]
async fn who_listens_hears_what_others_do_to_the_container() {
    use futures_util::StreamExt as _;
    let world = World::new();
    let id = world.create(json!({ "Cmd": ["sh", "-c", "while read line; do echo $line; done"], "OpenStdin": true })).await;
    assert_eq!(world.ask("POST", &format!("/containers/{id}/start"), None).await.status, 204);
    let address = format!("ws://d/v1.43/containers/{id}/attach/ws?stream=1");
    let (mut socket, _) = patiently(tokio_tungstenite::client_async(address, world.connect())).await.unwrap();
    // The program waits for this client, which types nothing; somebody else ends it.
    assert_eq!(world.ask("POST", &format!("/containers/{id}/kill"), None).await.status, 204);
    while let Some(Ok(_)) = patiently(socket.next()).await {}
}

#[tokio::test]
async fn a_websocket_is_attached_to_a_container_that_then_starts() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;
    let world = World::new();
    let id = world
        .create(json!({ "Cmd": ["sh", "-c", "read line; echo got $line; echo told >&2"], "OpenStdin": true, "StdinOnce": true }))
        .await;
    let address = format!("ws://d/v1.43/containers/{id}/attach/ws?stream=1");
    let (mut socket, answer) = patiently(tokio_tungstenite::client_async(address, world.connect())).await.unwrap();
    assert_eq!(answer.status(), 101);
    assert_eq!(world.ask("POST", &format!("/containers/{id}/start"), None).await.status, 204);
    patiently(socket.send(Message::Text("here\n".into()))).await.unwrap();
    let mut all = Vec::new();
    let mut closed = false;
    while let Some(Ok(message)) = patiently(socket.next()).await {
        match message {
            Message::Binary(bytes) => all.extend_from_slice(&bytes),
            Message::Close(_) => closed = true,
            other => panic!("{other:?}"),
        }
    }
    // Raw: no frames in front, whatever the stream.
    let text = String::from_utf8(all).unwrap();
    assert!(text.contains("got here\n") && text.contains("told\n") && text.len() == "got here\ntold\n".len(), "{text:?}");
    assert!(closed, "the end is said");
    // What is no handshake is the client's mistake.
    let plain = world.ask("GET", &format!("/containers/{id}/attach/ws?stream=1"), None).await;
    assert_eq!(plain.status, 400);
    let missing = world.ask("GET", "/containers/nope/attach/ws", None).await;
    assert_eq!(missing.status, 404);
}
