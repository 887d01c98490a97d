//! Requests over real HTTP bytes on a simulated host: versions, images, builds, networks, volumes, and what is refused.

mod common;

use common::{Answer, World};
use drydock_api::guard::Caller;
use drydock_api::listen;
use drydock_core::image::tar::{Entry, Kind, Writer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

impl World {
    /// Sends bytes on a connection of their own and reads until the server closes it.
    async fn raw(&self, bytes: &[u8], browsers: bool) -> Answer {
        let (near, far) = duplex(1 << 16);
        let serving = tokio::spawn(listen::guarded(far, self.api.clone(), self.stop.subscribe(), browsers.then_some(Caller::Anybody)));
        let (mut reader, mut writer) = tokio::io::split(near);
        let bytes = bytes.to_vec();
        // The server may refuse before it has read everything.
        let writing = tokio::spawn(async move {
            let _ = writer.write_all(&bytes).await;
            writer
        });
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        drop(writing.await);
        serving.await.unwrap();
        Answer::parse(&all)
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.raw(&[head.as_bytes(), body].concat(), false).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "text/plain", b"").await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, "application/json", body.to_string().as_bytes()).await
    }
}

fn context(files: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    for (path, text) in files {
        let entry = Entry { size: text.len() as u64, ..Entry::new(*path, Kind::File) };
        writer.append(&entry, text.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

#[tokio::test]
async fn a_body_that_is_refused_is_taken_all_the_same() {
    let world = World::new();
    let refused = [
        ("PUT", "/containers/nobody/archive?path=/", "application/x-tar", 404),
        ("PUT", "/containers/nobody/archive", "application/x-tar", 400),
        ("POST", "/containers/create", "application/json", 413),
        ("POST", "/nothing/here", "text/plain", 404),
    ];
    for (method, path, kind, status) in refused {
        let (near, far) = duplex(1 << 12);
        let serving = tokio::spawn(listen::guarded(far, world.api.clone(), world.stop.subscribe(), None));
        let (mut reader, mut writer) = tokio::io::split(near);
        let body = vec![b' '; 4 << 20];
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        writer.write_all(head.as_bytes()).await.unwrap();
        // A client that looks at the answer only when it has sent everything.
        writer.write_all(&body).await.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        assert_eq!(Answer::parse(&all).status, status, "{method} {path}");
        drop(writer);
        serving.await.unwrap();
    }
}

#[tokio::test]
async fn a_ping_says_what_a_client_needs() {
    let world = World::new();
    let ping = world.get("/_ping").await;
    assert_eq!((ping.status, ping.text().as_str()), (200, "OK"));
    for line in ["api-version: 1.50", "docker-experimental: false", "ostype: linux", "builder-version: 1", "swarm: inactive"] {
        assert!(ping.head.contains(line), "{line}: {}", ping.head);
    }
    let head = world.send("HEAD", "/v1.24/_ping", "text/plain", b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn versions_are_agreed_on() {
    let world = World::new();
    for version in 24..=50 {
        assert_eq!(world.get(&format!("/v1.{version}/version")).await.status, 200, "{version}");
    }
    let too_new = world.get("/v1.51/version").await;
    assert_eq!(
        (too_new.status, too_new.message().as_str()),
        (400, "client version 1.51 is too new. Maximum supported API version is 1.50")
    );
    assert_eq!(world.get("/v1.23/version").await.status, 400);
    // A field that newer versions do not have.
    let size = |answer: Answer| answer.json().get("VirtualSize").is_some();
    assert!(size(world.get("/v1.43/images/busybox/json").await));
    assert!(!size(world.get("/v1.44/images/busybox/json").await));
}

#[tokio::test]
async fn an_image_is_listed_tagged_saved_loaded_and_removed() {
    let world = World::new();
    assert_eq!(world.send("POST", "/images/busybox/tag?repo=a/b&tag=1", "text/plain", b"").await.status, 201);
    let list = world.get("/images/json?filters=%7B%22reference%22%3A%5B%22a%2F*%22%5D%7D").await.json();
    assert_eq!(list.pointer("/0/RepoTags").unwrap(), &json!(["a/b:1"]));
    let archive = world.get("/images/a/b:1/get").await;
    assert!(archive.body.len() > 1024 && archive.head.contains("application/x-tar"));
    let removed = world.send("DELETE", "/images/a/b:1", "text/plain", b"").await.json();
    assert_eq!(removed, json!([{ "Untagged": "a/b:1" }]));
    let loaded = world.send("POST", "/images/load", "application/x-tar", &archive.body).await;
    assert!(loaded.text().contains("Loaded image: a/b:1"), "{}", loaded.text());
    let missing = world.get("/images/nope/json").await;
    assert_eq!((missing.status, missing.message().as_str()), (404, "No such image: nope:latest"));
    let broken = world.send("POST", "/images/load", "application/x-tar", b"no archive").await;
    assert!(broken.status == 200 && broken.text().contains("errorDetail"), "{}", broken.text());
}

#[tokio::test]
async fn a_context_is_built_in_the_classic_builders_words() {
    let world = World::new();
    let tar = context(&[
        ("Dockerfile", "ARG v=latest\nFROM busybox:$v AS x\nCOPY a /a\nFROM x\nRUN cat /a\nLABEL k=v\n"),
        ("a", "hello from the context\n"),
    ]);
    let built = world.send("POST", "/build?t=made:1&labels=%7B%22l%22%3A%22w%22%7D", "application/x-tar", &tar).await;
    let text = built.text();
    for part in [
        // Every instruction counts, and a label that is given with the request too: seen on dockerd 20.10.
        "Step 1/7 : ARG v=latest",
        "Step 2/7 : FROM busybox:$v AS x",
        "Step 3/7 : COPY a /a",
        "Step 4/7 : FROM x",
        "Step 5/7 : RUN cat /a",
        "Step 6/7 : LABEL k=v",
        "Step 7/7 : LABEL l=w",
        "hello from the context",
        "Successfully built ",
        "Successfully tagged made:1",
        "\"aux\":{\"ID\":\"sha256:",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let image = world.get("/images/made:1/json").await.json();
    let short = &image.pointer("/Id").unwrap().as_str().unwrap()[7..19];
    let (said, built) = (text.find(&format!(" ---> {short}\\n")), text.find(&format!("Successfully built {short}\\n")));
    assert!(said.is_some() && said < built, "{text}");
    assert_eq!(image.pointer("/Config/Labels").unwrap(), &json!({ "k": "v", "l": "w" }));
    let quiet = world.send("POST", "/build?q=1", "application/x-tar", &tar).await;
    let quiet: Vec<Value> = quiet.text().trim_end().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(quiet.len(), 1, "{quiet:?}");
    assert!(quiet[0]["stream"].as_str().is_some_and(|id| id.starts_with("sha256:")), "{quiet:?}");
    let squashed = world.send("POST", "/build?squash=1", "application/x-tar", &tar).await;
    assert_eq!((squashed.status, squashed.message().as_str()), (400, "squash is only supported with experimental mode"));
    let left = context(&[("Dockerfile", "FROM busybox\nONBUILD RUN echo triggered\nONBUILD ENV a=b\n")]);
    world.send("POST", "/build?t=onbuild:1", "application/x-tar", &left).await;
    let upon = context(&[("Dockerfile", "FROM onbuild:1\nCMD x\n")]);
    let upon = world.send("POST", "/build", "application/x-tar", &upon).await.text();
    let places: Vec<Option<usize>> =
        ["Step 1/2 : FROM onbuild:1", "# Executing 2 build triggers", "triggered", "Step 2/2 : CMD x"].map(|part| upon.find(part)).into();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{upon}");
    let tar = context(&[("Dockerfile", "FROM busybox\nRUN exit 7\n")]);
    let failed = world.send("POST", "/build", "application/x-tar", &tar).await;
    let last: Value = serde_json::from_str(failed.text().trim_end().lines().last().unwrap()).unwrap();
    assert_eq!(last.pointer("/errorDetail/code").unwrap(), 7);
    assert_eq!(last.pointer("/error").unwrap(), "The command '/bin/sh -c exit 7' returned a non-zero code: 7");
}

#[tokio::test]
async fn networks_are_made_seen_and_removed() {
    let world = World::new();
    let made = world.post("/networks/create", &json!({ "Name": "lan", "Labels": { "a": "b" }, "Unknown": { "x": 1 } })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(world.post("/networks/create", &json!({ "Name": "lan" })).await.status, 409);
    let seen = world.get("/networks/lan").await.json();
    assert_eq!(seen.get("Driver").unwrap(), "bridge");
    assert!(seen.pointer("/IPAM/Config/0/Subnet").is_some());
    let names: Vec<Value> = world.get("/networks").await.json().as_array().unwrap().iter().map(|n| n["Name"].clone()).collect();
    assert_eq!(names, ["bridge", "host", "none", "lan"]);
    assert_eq!(world.send("DELETE", "/networks/lan", "text/plain", b"").await.status, 204);
    assert_eq!(world.send("DELETE", "/networks/lan", "text/plain", b"").await.status, 404);
    assert_eq!(world.send("DELETE", "/networks/bridge", "text/plain", b"").await.status, 403);
}

#[tokio::test]
async fn volumes_are_made_seen_and_removed() {
    let world = World::new();
    let made = world.post("/volumes/create", &json!({ "Name": "data", "Labels": { "a": "b" } })).await;
    assert_eq!((made.status, made.json()["Name"].clone()), (201, json!("data")));
    assert_eq!(world.get("/volumes/data").await.json()["Labels"], json!({ "a": "b" }));
    assert_eq!(world.get("/volumes").await.json()["Volumes"].as_array().unwrap().len(), 1);
    assert_eq!(world.send("DELETE", "/volumes/data", "text/plain", b"").await.status, 204);
    assert_eq!(world.get("/volumes/data").await.status, 404);
}

#[tokio::test]
async fn what_is_off_answers_as_docker_does() {
    let world = World::new();
    assert_eq!(world.get("/plugins").await.json(), json!([]));
    for path in ["/nodes", "/services", "/swarm", "/secrets/x"] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.message().starts_with("This node is not a swarm manager."));
    }
    let info = world.get("/info").await.json();
    assert_eq!(info.pointer("/Swarm/LocalNodeState").unwrap(), "inactive");
    assert!(world.get("/metrics").await.text().contains("engine_daemon_container_states_containers{state=\"running\"} 0"));
}

/// Security design B06: whatever comes, the answer is a refusal with a message, and never a failure of the server's own.
#[tokio::test]
async fn bad_input_is_the_clients_mistake() {
    let world = World::new();
    let deep = "[".repeat(100_000);
    let bodies = ["{", "[]", "\"x\"", "1e400", "{\"Name\":1}", "{}{}", "\u{0}", "{\"Name\":\"a\\u0000\"}", deep.as_str()];
    for path in ["/networks/create", "/volumes/create", "/containers/create", "/commit?container=nope", "/networks/bridge/connect"] {
        for body in bodies {
            let answer = world.send("POST", path, "application/json", body.as_bytes()).await;
            let short: String = body.chars().take(20).collect();
            assert!((400..500).contains(&answer.status), "{path} {short:?}: {} {}", answer.status, answer.text());
            answer.message();
        }
        let form = world.send("POST", path, "text/plain", b"{}").await;
        assert_eq!(form.status, 400, "{path}: {}", form.text());
    }
    for path in [
        "/images/json?filters=%7B",
        "/images/json?filters=%7B%22nope%22%3A%5B%221%22%5D%7D",
        "/images/%ff/json",
        "/x/y",
        "/v1.41/",
        "//info",
        "/images/search?term=x&limit=101",
        "/networks?filters=%5B%5D",
        "/system/df?type=x",
        "/images/..%2f..%2fetc/json",
    ] {
        let answer = world.get(path).await;
        assert!((400..500).contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
        answer.message();
    }
}

#[tokio::test]
async fn browsers_and_two_lengths_are_refused() {
    let world = World::new();
    let ask = |headers: &str| format!("GET /_ping HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").into_bytes();
    assert_eq!(world.raw(&ask("Host: localhost:2375\r\n"), true).await.status, 200);
    assert_eq!(world.raw(&ask("Host: evil.example\r\n"), true).await.status, 403);
    assert_eq!(world.raw(&ask("Host: localhost\r\nOrigin: http://localhost\r\n"), true).await.status, 403);
    assert_eq!(world.raw(&ask("Host: evil.example\r\n"), false).await.status, 200);
    let smuggled =
        b"POST /auth HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(world.raw(smuggled, false).await.status, 400);
    let large = format!("GET /_ping HTTP/1.1\r\nHost: d\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert_eq!(world.raw(large.as_bytes(), false).await.status, 431);
    let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(2 << 20));
    assert_eq!(world.send("POST", "/volumes/create", "application/json", huge.as_bytes()).await.status, 413);
}
