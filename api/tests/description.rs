//! The description in `openapi.json` and the routes agree: every route is described, and everything described is answered.

mod common;

use axum::body::Body;
use axum::http::Request;
use common::World;
use common::description::{document, operations, resolve};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Routes that are answered in one place for many operations: what they stand for is described instead.
const GATHERED: &[&str] = &["/images/{*rest}", "/distribution/{*rest}", "/plugins/{*rest}", "/swarm/{action}", "/networks/"];

/// `(method, path)` of every `.route("path", get(…).post(…))` in the sources.
fn routes(directory: &Path, into: &mut BTreeSet<(String, String)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes(&path, into);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for route in text.split(".route(\"").skip(1) {
            let (place, handlers) = route.split_once('"').unwrap();
            let handlers = handlers.split(".route(").next().unwrap().lines().next().unwrap();
            for method in ["get", "post", "put", "delete", "head"] {
                let begins = |mark: &str| handlers.contains(&format!("{mark}{method}("));
                if !GATHERED.contains(&place) && (begins(" ") || begins(").")) {
                    into.insert((method.to_ascii_uppercase(), place.to_owned()));
                }
            }
        }
    }
}

#[test]
fn every_route_is_described() {
    let mut all = BTreeSet::new();
    routes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/routes"), &mut all);
    assert!(all.len() > 50, "the sources are read otherwise than they are written: {all:?}");
    let described: BTreeSet<_> = operations(&document()).into_iter().map(|o| (o.method, o.path)).collect();
    let missing: Vec<_> = all.difference(&described).collect();
    assert!(missing.is_empty(), "not in openapi.json: {missing:?}");
}

#[tokio::test]
async fn everything_described_is_answered() {
    let world = World::new();
    for operation in operations(&document()) {
        // Streams that nothing ends, with what makes them end.
        let end = if operation.path == "/events" { "?until=1" } else { "" };
        let path = operation.path.replace("{id}", "nope").replace("{name}", "nope") + end;
        let request = Request::builder().method(operation.method.as_str()).uri(path.as_str()).body(Body::empty()).unwrap();
        let answer = world.api.answer(request).await;
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body);
        assert!(!text.contains("page not found") && status != 405, "{} {path}: {status} {text}", operation.method);
    }
}

#[test]
fn references_lead_somewhere() {
    fn walk(document: &Value, value: &Value) {
        resolve(document, value);
        match value {
            Value::Object(fields) => fields.values().for_each(|v| walk(document, v)),
            Value::Array(all) => all.iter().for_each(|v| walk(document, v)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}
