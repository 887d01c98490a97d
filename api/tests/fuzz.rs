//! Requests drawn from `openapi.json`, right and wrong, against a simulated host: no 500, no panic, errors that are objects with a
//! message, and nothing left at the end: no descriptors, no threads that wait for ever, nothing that the doctor finds.
//!
//! `DRYDOCK_REQUESTS=100000 cargo test -p drydock-api --test fuzz` is the whole of it; `DRYDOCK_SEED` draws others.

mod common;

use axum::body::Body;
use axum::http::Request;
use common::World;
use common::description::{Operation, document, operations, resolve};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How many requests unless `DRYDOCK_REQUESTS` says.
const REQUESTS: u64 = 3000;
/// How long an answer that never ends is listened to.
const LISTEN: Duration = Duration::from_millis(15);
/// The most of an answer that is read, in bytes.
const ENOUGH: usize = 1 << 16;
/// After so many requests everything is removed, so that the host stays small.
const ROUND: u64 = 400;

/// Chance from a seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

const NAMES: &[&str] = &["c0", "c1", "c2", "busybox", "busybox:latest", "lan", "data", "made:1", "none", "bridge"];
const ODD: &[&str] = &[
    "",
    "nope",
    "/",
    "..",
    "../../etc",
    "a b",
    "%",
    "ÄÖ€😀",
    "UPPER/Case:Tag",
    "a\0b",
    "sha256:00",
    "-1",
    "99999999999999999999",
    "1e999",
    "{\"a\":",
    "[]",
    "{\"label\":{\"a=b\":true}}",
    "{\"name\":[\"c0\"]}",
    "{\"status\":[\"running\",\"x\"]}",
    "container:c0",
    "0:0",
    "2026-01-01T00:00:00Z",
    "/tmp",
    "/etc/passwd",
    "/proc/self/root",
    "ctrl-p,ctrl-q",
    "k=v",
    "\u{202e}\u{1b}[2J",
    "TERM",
    "9",
];
/// Programs that end, each in its way.
const COMMANDS: &[&[&str]] = &[
    &["true"],
    &["false"],
    &["echo", "out"],
    &["sh", "-c", "echo err >&2; exit 3"],
    &["sleep", "1"],
    &["sleep", "100000"],
    &["cat"],
    &["nope"],
];

struct Drawer {
    chance: Chance,
    document: Value,
    /// Ids that answers have told.
    known: Vec<String>,
}

impl Drawer {
    fn text(&mut self) -> String {
        match self.chance.below(10) {
            0..=4 => self.chance.of(NAMES).to_owned(),
            5 => "x".repeat(1 << self.chance.below(13)),
            6 if !self.known.is_empty() => self.known[self.chance.below(self.known.len())].clone(),
            _ => self.chance.of(ODD).to_owned(),
        }
    }

    fn integer(&mut self) -> Value {
        let all = [0, 1, 2, -1, 3, 10, 512, 65_536, 1 << 23, 1 << 33, i64::MAX, i64::MIN, 80, 100_000];
        json!(all[self.chance.below(all.len())])
    }

    /// A value that fits a schema, mostly.
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        if self.chance.one_in(25) {
            let strange = [json!(null), json!([]), json!({}), json!("text"), json!(1.5), json!(true), json!([[[]]]), json!(-7)];
            return strange[self.chance.below(strange.len())].clone();
        }
        let document = self.document.clone();
        let schema = resolve(&document, schema);
        if let Some(all) = schema["enum"].as_array()
            && !self.chance.one_in(10)
        {
            return all[self.chance.below(all.len())].clone();
        }
        match schema["type"].as_str().unwrap_or_default() {
            "boolean" => json!(self.chance.one_in(2)),
            "integer" => self.integer(),
            "array" => (0..self.chance.below(3)).map(|_| self.value(&schema["items"], depth + 1)).collect(),
            "object" => {
                let mut object = Map::new();
                for (name, of) in schema["properties"].as_object().into_iter().flatten() {
                    // Deeper, and in wide objects, fewer: most requests should get past the first check.
                    if self.chance.one_in(if depth == 0 { 4 } else { 9 }) {
                        object.insert(name.clone(), self.value(of, depth + 1));
                    }
                }
                if schema["additionalProperties"].is_object() {
                    let name = self.text();
                    object.insert(name, self.value(&schema["additionalProperties"], depth + 1));
                }
                if self.chance.one_in(30) {
                    object.insert("Unheard".to_owned(), json!({ "of": [1, null] }));
                }
                Value::Object(object)
            }
            _ => json!(self.text()),
        }
    }

    /// A body that does something, for the operations that make what others need.
    fn useful(&mut self, path: &str, mut body: Value) -> Value {
        let Some(fields) = body.as_object_mut() else { return body };
        let command = COMMANDS[self.chance.below(COMMANDS.len())];
        match path {
            "/containers/create" => {
                fields.insert("Image".to_owned(), json!("busybox"));
                fields.insert("Cmd".to_owned(), json!(command));
                if self.chance.one_in(2) {
                    fields.insert("HostConfig".to_owned(), json!({ "NetworkMode": self.chance.of(&["none", "bridge", "lan"]) }));
                }
            }
            "/containers/{id}/exec" => drop(fields.insert("Cmd".to_owned(), json!(command))),
            "/networks/create" => drop(fields.insert("Name".to_owned(), json!("lan"))),
            "/volumes/create" => drop(fields.insert("Name".to_owned(), json!("data"))),
            "/networks/{id}/connect" | "/networks/{id}/disconnect" => drop(fields.insert("Container".to_owned(), json!("c0"))),
            _ => {}
        }
        body
    }

    fn path(&mut self, operation: &Operation) -> String {
        let mut path = operation.path.clone();
        for mark in ["{id}", "{name}"] {
            if path.contains(mark) {
                let name = match operation.path.split('/').nth(1).unwrap_or_default() {
                    _ if self.chance.one_in(9) => self.text(),
                    "containers" => self.chance.of(&["c0", "c1", "c2"]).to_owned(),
                    "networks" => self.chance.of(&["lan", "bridge", "none"]).to_owned(),
                    "volumes" => "data".to_owned(),
                    "images" => self.chance.of(&["busybox", "made:1"]).to_owned(),
                    _ if self.known.is_empty() => self.text(),
                    _ => self.known[self.chance.below(self.known.len())].clone(),
                };
                path = path.replace(mark, &percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC).to_string());
            }
        }
        let version = match self.chance.below(80) {
            0 => "/v1.23".to_owned(),
            1 => "/v9999999999.1".to_owned(),
            2 => "/v1.51".to_owned(),
            3..=40 => format!("/v1.{}", 24 + self.chance.below(27)),
            _ => String::new(),
        };
        version + &path
    }

    fn request(&mut self, operation: &Operation) -> (String, Request<Body>) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, schema) in &operation.query {
            let certain = matches!(operation.path.as_str(), "/containers/create") && name == "name"
                || operation.path == "/commit" && name == "container";
            if certain && !self.chance.one_in(8) {
                query.append_pair(name, self.chance.of(&["c0", "c1", "c2"]));
            } else if self.chance.one_in(9) {
                let value = self.value(schema, 1);
                query.append_pair(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str());
            }
        }
        let query = query.finish();
        let path = self.path(operation) + if query.is_empty() { "" } else { "?" } + &query;
        let mut request = Request::builder().method(operation.method.as_str()).uri(path.as_str());
        let mut bytes = Vec::new();
        if let Some(schema) = &operation.body {
            let drawn = self.value(schema, 0);
            let drawn = if self.chance.one_in(3) { json!({}) } else { drawn };
            let mut text = if self.chance.one_in(7) { drawn } else { self.useful(&operation.path, drawn) }.to_string();
            match self.chance.below(40) {
                0 => text.truncate(text.len() / 2),
                1 => text = "[".repeat(200_000),
                2 => text.clear(),
                3 => text = " ".repeat(2 << 20),
                _ => {}
            }
            bytes = text.into_bytes();
            let kind = if self.chance.one_in(20) { "text/plain" } else { "application/json" };
            request = request.header("content-type", kind);
        } else if let Some(kind) = &operation.raw {
            bytes = match self.chance.below(4) {
                0 => Vec::new(),
                1 => (0..self.chance.below(3000)).map(|_| u8::try_from(self.chance.below(256)).unwrap()).collect(),
                _ => archive(&mut self.chance),
            };
            request = request.header("content-type", kind.as_str());
        }
        if self.chance.one_in(15) {
            request = request.header("x-registry-auth", self.chance.of(&["e30", "!!", "eyJ1c2VybmFtZSI6ICJhIn0="]));
        }
        let shown = format!("{} {path} {}", operation.method, String::from_utf8_lossy(&bytes[..bytes.len().min(600)]));
        (shown, request.body(Body::from(bytes)).expect("a request"))
    }
}

/// An archive with a Dockerfile, sometimes with a byte that is not what it was.
fn archive(chance: &mut Chance) -> Vec<u8> {
    use drydock_core::image::tar::{Entry, Kind, Writer};
    let file = chance.of(&[
        "FROM busybox\nRUN echo a > /a\n",
        "FROM busybox\nCOPY . /\nCMD true\n",
        "FROM nope\n",
        "RUN x\n",
        "FROM scratch\nADD /x /\n",
    ]);
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    for (name, text) in [("Dockerfile", file), ("x", "content")] {
        writer.append(&Entry { size: text.len() as u64, ..Entry::new(name, Kind::File) }, text.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    if chance.one_in(3) {
        let place = chance.below(bytes.len());
        bytes[place] ^= 1 << chance.below(8);
    }
    bytes
}

/// Reads an answer until it ends, or enough of it.
async fn listen(mut body: Body) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < ENOUGH {
        match tokio::time::timeout(LISTEN, body.frame()).await {
            Ok(Some(Ok(frame))) => all.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            _ => break,
        }
    }
    all
}

/// Whether an answer of 500 is none of the client's doing: this host reaches no registry.
fn unreachable(message: &str) -> bool {
    message.contains("no such host") || message.contains("dial tcp")
}

/// What is wrong with an answer, if something is.
fn judge(operation: &Operation, status: u16, body: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(body);
    if status < 400 || operation.method == "HEAD" {
        return if status == 500 { Err("500".to_owned()) } else { Ok(()) };
    }
    let object: Value = serde_json::from_slice(body).map_err(|e| format!("{status} and no object: {e}: {text}"))?;
    match object["message"].as_str() {
        None | Some("") => Err(format!("{status} without a message: {text}")),
        Some(message) if status == 500 && !unreachable(message) => Err(format!("500: {message}")),
        Some(_) => Ok(()),
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Removes what there is.
async fn sweep(world: &World) {
    let ask = async |method: &str, path: String| {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = world.api.answer(request).await;
        let status = answer.status();
        (status, serde_json::from_slice::<Value>(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap_or_default())
    };
    for container in ask("GET", "/containers/json?all=1".to_owned()).await.1.as_array().unwrap() {
        let id = container["Id"].as_str().unwrap();
        let (status, body) = ask("DELETE", format!("/containers/{id}?force=1&v=1")).await;
        assert!(status.is_success() || status == 404, "{id} cannot be removed: {status} {body}");
    }
    assert_eq!(ask("POST", "/networks/prune".to_owned()).await.0, 200);
    assert_eq!(ask("POST", "/volumes/prune?filters=%7B%22all%22%3A%5B%22true%22%5D%7D".to_owned()).await.0, 200);
}

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_asked_is_answered() {
    let number = |name: &str, otherwise: u64| std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect(name));
    let (requests, seed) = (number("DRYDOCK_REQUESTS", REQUESTS), number("DRYDOCK_SEED", 1));
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        told(info);
    }));

    let world = World::new();
    let document = document();
    let operations = operations(&document);
    let mut drawer = Drawer { chance: Chance(seed), document, known: Vec::new() };
    // What a first round keeps, such as threads and what is read once, is no leak.
    let mut before = None;
    let (mut good, mut refused) = (0, 0);
    for at in 1..=requests {
        let busy = drawer.chance.of(&["/containers/create", "/containers/{id}/start", "/containers/{id}/exec"]);
        let operation = match drawer.chance.below(5) {
            0 => operations.iter().find(|o| o.method == "POST" && o.path == busy).expect("described"),
            _ => &operations[drawer.chance.below(operations.len())],
        };
        if at % 20 == 0 && world.engine.history("busybox").is_err() {
            common::import(&*world.engine);
        }
        let (shown, request) = drawer.request(operation);
        let panics = PANICS.load(Ordering::Relaxed);
        let answer = tokio::time::timeout(Duration::from_secs(60), world.api.answer(request)).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer to request {at} of seed {seed}: {shown}"));
        let status = answer.status().as_u16();
        let body = listen(answer.into_body()).await;
        if let Err(why) = judge(operation, status, &body) {
            panic!("request {at} of seed {seed}: {why}\n{shown}");
        }
        assert_eq!(PANICS.load(Ordering::Relaxed), panics, "a panic at request {at} of seed {seed}: {shown}");
        if status < 400 {
            good += 1
        } else {
            refused += 1
        }
        if let (Ok(object), true) = (serde_json::from_slice::<Value>(&body), status == 201)
            && let Some(id) = object["Id"].as_str()
        {
            drawer.known.push(id.to_owned());
        }
        if at % ROUND == 0 || at == requests {
            drawer.known.clear();
            sweep(&world).await;
            before.get_or_insert_with(descriptors);
        }
    }
    println!("{requests} requests of seed {seed}: {good} answered, {refused} refused");
    // Requests that cannot succeed find nothing behind the first check.
    assert!(good * 4 > requests, "only {good} of {requests} were answered");

    // Streams whose readers have gone are noticed within a moment, not at once.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let allowed = before.unwrap_or_default() + 4;
    while descriptors() > allowed && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(descriptors() <= allowed, "{} descriptors, {:?} after the first round", descriptors(), before);
    let findings = world.engine.doctor(drydock_core::engine::Checkup::default()).expect("the doctor");
    assert!(findings.is_empty(), "the doctor finds {findings:?}");
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "something panicked behind an answer");
}
