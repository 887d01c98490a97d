//! `POST /commit`

use super::repository_and_tag;
use crate::body;
use crate::error::{Answer, ApiError};
use crate::query::Query;
use crate::server::Shared;
use crate::stream::json_answer;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use drydock_core::engine::CommitOptions;
use serde_json::{Map, Value, json};

pub(super) async fn commit(State(server): State<Shared>, query: Query, headers: HeaderMap, body: Body) -> Answer {
    let config: Option<Value> = body::json_or_none(&headers, body).await?;
    let container = query.get("container").to_owned();
    if container.is_empty() {
        return Err(ApiError::bad("invalid container reference"));
    }
    let mut changes = match config {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(fields)) => changes_of(&fields),
        Some(_) => return Err(ApiError::bad("invalid JSON: the configuration is no object")),
    };
    // One parameter may hold several lines.
    changes.extend(query.all("changes").iter().flat_map(|text| text.lines()).map(str::to_owned).filter(|line| !line.trim().is_empty()));
    let options = CommitOptions {
        reference: repository_and_tag(query.get("repo"), query.get("tag"))?,
        author: query.get("author").to_owned(),
        message: query.get("comment").to_owned(),
        changes,
        pause: query.flag_or("pause", true),
        epoch: None,
    };
    let id = server.ask(move |engine| engine.commit(&container, &options)).await?;
    Ok(json_answer(StatusCode::CREATED, &json!({ "Id": id.as_str() })))
}

/// The configuration in a body as the Dockerfile instructions that say the same.
fn changes_of(fields: &Map<String, Value>) -> Vec<String> {
    let mut changes = Vec::new();
    let texts = |name: &str| fields.get(name).and_then(Value::as_array).map(|all| all.iter().filter_map(Value::as_str));
    let keys = |name: &str| fields.get(name).and_then(Value::as_object).into_iter().flat_map(Map::iter);
    for variable in texts("Env").into_iter().flatten() {
        if let Some((name, value)) = variable.split_once('=') {
            changes.push(format!("ENV {name}={}", quoted(value)));
        }
    }
    for (name, value) in keys("Labels") {
        changes.push(format!("LABEL {}={}", quoted(name), quoted(value.as_str().unwrap_or_default())));
    }
    changes.extend(keys("ExposedPorts").map(|(port, _)| format!("EXPOSE {port}")));
    changes.extend(keys("Volumes").map(|(path, _)| format!("VOLUME {}", json!([path]))));
    for (name, instruction) in [("User", "USER"), ("WorkingDir", "WORKDIR"), ("StopSignal", "STOPSIGNAL")] {
        if let Some(value) = fields.get(name).and_then(Value::as_str).filter(|v| !v.is_empty()) {
            changes.push(format!("{instruction} {value}"));
        }
    }
    for (name, instruction) in [("Entrypoint", "ENTRYPOINT"), ("Cmd", "CMD")] {
        if let Some(words) = texts(name).map(Iterator::collect::<Vec<_>>).filter(|w| !w.is_empty()) {
            changes.push(format!("{instruction} {}", json!(words)));
        }
    }
    changes
}

/// A value as a Dockerfile's double quotes keep it.
fn quoted(text: &str) -> String {
    let mut all = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$') {
            all.push('\\');
        }
        all.push(c);
    }
    all.push('"');
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_written_as_instructions() {
        let config = json!({
            "Env": ["A=b $c", "broken"], "Labels": { "k e": "v\"" }, "Cmd": ["sh", "-c", "x"], "Entrypoint": null, "User": "u",
            "ExposedPorts": { "80/tcp": {} }, "Volumes": { "/d": {} }, "Unknown": 1,
        });
        let Value::Object(fields) = config else { panic!() };
        assert_eq!(
            changes_of(&fields),
            ["ENV A=\"b \\$c\"", "LABEL \"k e\"=\"v\\\"\"", "EXPOSE 80/tcp", "VOLUME [\"/d\"]", "USER u", "CMD [\"sh\",\"-c\",\"x\"]"]
        );
    }
}
