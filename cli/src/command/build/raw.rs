//! Progress as JSON, one object a line, in the words of BuildKit's `rawjson`.

use super::show::Painter;
use drydock_core::Error;
use drydock_core::build::progress::Event;
use drydock_core::id::Digest;
use drydock_core::io::Stream;
use serde_json::{Value, json};

pub(super) struct Raw;

/// Steps are named by a digest there.
fn name(step: u32) -> String {
    Digest::of(format!("step {step}").as_bytes()).to_string()
}

impl Painter for Raw {
    fn paint(&mut self, event: &Event) -> String {
        let line: Value = match event {
            Event::Tick { .. } | Event::Instruction { .. } | Event::Based { .. } | Event::Trigger { .. } => return String::new(),
            Event::Began { step, name: shown, at } => {
                json!({"vertexes": [{"digest": name(*step), "name": shown, "started": at.rfc3339()}]})
            }
            Event::Cached { step } => json!({"vertexes": [{"digest": name(*step), "cached": true}]}),
            Event::Output { step, stream, bytes, at } => {
                use base64::Engine as _;
                let data = base64::engine::general_purpose::STANDARD.encode(bytes);
                json!({"logs": [{"vertex": name(*step), "stream": if *stream == Stream::Stdout { 1 } else { 2 }, "data": data, "timestamp": at.rfc3339()}]})
            }
            Event::Note { step, text } => json!({"statuses": [{"id": text, "vertex": name(*step)}]}),
            Event::Ended { step, at, error, .. } => {
                let mut vertex = json!({"digest": name(*step), "completed": at.rfc3339()});
                if let Some(error) = error {
                    vertex["error"] = json!(error);
                }
                json!({"vertexes": [vertex]})
            }
            Event::Remark { rule, message, line } => {
                json!({"warnings": [{"level": 1, "short": format!("{rule}: {message} (line {line})"), "range": [{"start": {"line": line}, "end": {"line": line}}]}]})
            }
        };
        format!("{line}\n")
    }

    fn end(&mut self, _: Option<&Error>) -> String {
        String::new()
    }
}
