//! What can be asked of the module.

use crate::Session;
use drydock::words::Language;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A request.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Request {
    /// Begins a world.
    Open {
        /// What all chance in it comes from.
        seed: u64,
        /// Files that are on its disk from the beginning, by their path.
        #[serde(default)]
        files: BTreeMap<String, String>,
    },
    /// Does a line of the shell, with what is typed for its programs.
    Line {
        line: String,
        #[serde(default)]
        typed: Vec<String>,
        /// Say too what the kernel was asked for.
        #[serde(default)]
        trace: bool,
    },
    /// The drawing, with what the last line did marked. The first one marks nothing.
    Draw {
        /// The language of its words, as a page names it; English without one.
        #[serde(default)]
        language: String,
    },
    /// Whether predicates hold, in the words of the labs.
    Check { predicates: Vec<String> },
    /// The digest of everything that can be seen.
    Digest,
}

/// Does what a request asks; `session` is the world of the requests before. Whatever is wrong is said in the answer's `error`.
pub fn call(session: &mut Option<Session>, request: &[u8]) -> Vec<u8> {
    let answer = match serde_json::from_slice(request) {
        Ok(request) => answer(session, request).unwrap_or_else(|error| json!({ "error": error.to_string() })),
        Err(error) => json!({ "error": format!("not a request: {error}") }),
    };
    answer.to_string().into_bytes()
}

fn answer(session: &mut Option<Session>, request: Request) -> drydock_core::Result<Value> {
    match (request, session) {
        (Request::Open { seed, files }, session) => {
            let opened = Session::new(seed)?;
            for (path, text) in &files {
                opened.put(path, text)?;
            }
            let directory = opened.directory().to_owned();
            *session = Some(opened);
            Ok(json!({ "directory": directory }))
        }
        (Request::Line { line, typed, trace: false }, Some(session)) => Ok(serde_json::to_value(session.line(&line, &typed)?)?),
        (Request::Line { line, typed, trace: true }, Some(session)) => {
            let (said, trace) = session.traced(&line, &typed)?;
            let mut said = serde_json::to_value(said)?;
            said["trace"] = serde_json::to_value(trace)?;
            Ok(said)
        }
        (Request::Draw { language }, Some(session)) => {
            let language = Language::of(&language).unwrap_or_default();
            // The text of a view stands in the whole too: a page needs that, and no view for itself.
            Ok(json!({ "html": session.draw_in(language)?.html }))
        }
        (Request::Check { predicates }, Some(session)) => {
            let verdicts = session.check(&predicates)?;
            let verdicts: Vec<Value> = verdicts.iter().map(|v| json!({ "holds": v.holds, "found": v.found })).collect();
            Ok(json!({ "verdicts": verdicts }))
        }
        (Request::Digest, Some(session)) => Ok(json!({ "digest": session.digest()? })),
        (_, None) => Ok(json!({ "error": "no world was opened" })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(session: &mut Option<Session>, request: &Value) -> Value {
        serde_json::from_slice(&call(session, request.to_string().as_bytes())).expect("JSON")
    }

    #[test]
    fn a_world_is_opened_and_lines_are_done_in_it() {
        let mut session = None;
        assert_eq!(ask(&mut session, &json!({"do": "digest"}))["error"], "no world was opened");
        ask(&mut session, &json!({"do": "open", "seed": 7}));
        let fresh = ask(&mut session, &json!({"do": "digest"}))["digest"].clone();
        let said = ask(&mut session, &json!({"do": "line", "line": "drydock run --rm busybox echo hello"}));
        assert_eq!((&said["code"], &said["out"]), (&json!(0), &json!("hello\n")));
        assert_ne!(ask(&mut session, &json!({"do": "digest"}))["digest"], fresh);
        let checked = ask(&mut session, &json!({"do": "check", "predicates": ["containers 0", "container web"]}));
        assert_eq!((&checked["verdicts"][0]["holds"], &checked["verdicts"][1]["holds"]), (&json!(true), &json!(false)));
        assert!(ask(&mut session, &json!({"do": "check", "predicates": ["containr"]}))["error"].is_string());
        ask(&mut session, &json!({"do": "open", "seed": 7, "files": {"/srv/a/b": "c\n"}}));
        assert_eq!(ask(&mut session, &json!({"do": "line", "line": "cat /srv/a/b"}))["out"], "c\n");
        assert!(ask(&mut session, &json!({"do": "dance"}))["error"].as_str().is_some_and(|e| e.starts_with("not a request")));
    }
}
