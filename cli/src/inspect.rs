//! `inspect`: the objects of Docker's API, with Docker's names, types and order of fields.

pub use drydock_core::docker::{container, image};

use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::template::{Template, no_methods};
use serde::Serialize as _;
use serde_json::Value;

/// JSON as `docker inspect` prints it: four blanks a level.
pub fn indented(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, serde_json::ser::PrettyFormatter::with_indent(b"    "));
    match value.serialize(&mut serializer) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        // A value in memory is always JSON; the compact form is what is left to say otherwise.
        Err(_) => value.to_string(),
    }
}

/// One object by a template.
pub fn by_template(template: &Template, value: &Value) -> Result<String, Failure> {
    template.execute(value, &no_methods).map_err(|e| Failure::said(format!("template parsing error: {e}")))
}

/// How Docker's client spells fields in templates that are spelled otherwise in JSON: it fills templates in with Go's structures.
const IN_TEMPLATES: &[(&str, &str)] = &[
    ("APIVersion", "ApiVersion"),
    ("BridgeNfIP6tables", "BridgeNfIp6tables"),
    ("CPUCfsPeriod", "CpuCfsPeriod"),
    ("CPUCfsQuota", "CpuCfsQuota"),
    ("HTTPProxy", "HttpProxy"),
    ("HTTPSProxy", "HttpsProxy"),
];

fn go_spelling(value: &Value, field: &str, _: &[Value]) -> Option<Result<Value, String>> {
    let (_, json) = IN_TEMPLATES.iter().find(|(go, _)| *go == field)?;
    value.get(json).cloned().map(Ok)
}

/// Prints one structure as `--format` says: `json`, or a template; `kind` is its type, for whoever names a field that it has not.
pub fn print_structure(session: &mut Session<'_>, value: &Value, format: &str, kind: &str) -> Outcome {
    let line = if format == "json" {
        value.to_string()
    } else {
        let template = Template::parse(format).map_err(|e| Failure::Said(format!("template parsing error: {e}"), 64))?;
        template.execute(value, &go_spelling).map_err(|e| {
            let text = e.to_string();
            Failure::said(match text.split_once("map has no entry for key \"") {
                Some((before, field)) => format!("{before}can't evaluate field {} in type {kind}", field.trim_end_matches('"')),
                None => text,
            })
        })?
    };
    session.say(&line)?;
    Ok(0)
}
