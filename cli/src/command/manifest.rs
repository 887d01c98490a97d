//! `drydock manifest inspect`: a manifest or an index as a registry has it.

use super::Definition;
use super::login::access;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::ErrorKind;
use drydock_core::image::reference::Reference;
use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

/// `manifest inspect`
pub const INSPECT: Definition = Definition {
    group: "manifest",
    in_group: &["inspect"],
    about: "Display an image manifest, or manifest list",
    usage: "[OPTIONS] MANIFEST",
    arity: (1, Some(1)),
    flags: InspectArgs::augment_args,
    run: inspect,
    ..Definition::PLAIN
};

#[derive(Args)]
struct InspectArgs {
    /// Allow communication with an insecure registry
    #[arg(long)]
    insecure: bool,
}

fn inspect(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = InspectArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let Some(name) = words.first() else { return Ok(1) };
    let reference = Reference::parse(name)?;
    let insecure = if args.insecure { vec![reference.host.clone()] } else { Vec::new() };
    let access = access(session, &reference.host, &insecure)?;
    let manifest = session.engine()?.remote_manifest(name, &access).map_err(|e| match e.kind() {
        // Docker's words.
        ErrorKind::NotFound => Failure::said(format!("no such manifest: {reference}")),
        _ => Failure::Engine(e),
    })?;
    session.say(&shown(&manifest.bytes)?)?;
    Ok(0)
}

/// Indented as Docker's client does: a list by three blanks, a manifest by tabs.
fn shown(bytes: &[u8]) -> Result<String, Failure> {
    let document: Value = serde_json::from_slice(bytes).map_err(|e| Failure::Engine(e.into()))?;
    let indent: &[u8] = if document.get("manifests").is_some() { b"   " } else { b"\t" };
    let mut text = Vec::new();
    document
        .serialize(&mut Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(indent)))
        .map_err(|e| Failure::Engine(e.into()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_manifests_are_indented_as_dockers_client_does() {
        let text = |json: &str| shown(json.as_bytes()).ok().unwrap_or_default();
        assert_eq!(text(r#"{"schemaVersion":2,"manifests":[]}"#), "{\n   \"schemaVersion\": 2,\n   \"manifests\": []\n}");
        assert_eq!(text(r#"{"schemaVersion":2,"layers":[]}"#), "{\n\t\"schemaVersion\": 2,\n\t\"layers\": []\n}");
    }
}
