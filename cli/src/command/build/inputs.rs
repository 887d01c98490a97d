//! Where the Dockerfile and the context come from: a directory, standard input, or both.

use super::options::BuildArgs;
use crate::environment::{Environment, Standard};
use crate::failure::Failure;
use crate::session::Session;
use drydock_core::build::ignore::Ignore;
use drydock_core::image::reference::Reference;
use drydock_core::{Error, ErrorKind};
use std::collections::BTreeSet;
use std::io::{Cursor, Read};

/// The largest Dockerfile.
const LARGEST: u64 = 16 << 20;

/// What is built from.
pub(super) struct Inputs {
    /// The Dockerfile's text; `None` if it is in the context, which is an archive.
    pub(super) dockerfile: Option<Vec<u8>>,
    /// Its name.
    pub(super) file: String,
    /// The text of `.dockerignore`, if the context is a directory.
    pub(super) ignore: Option<Vec<u8>>,
    /// The context.
    pub(super) context: Box<dyn Read>,
}

impl Inputs {
    /// The registries that images of the Dockerfile come from, as far as their names are plain.
    pub(super) fn registries(&self) -> BTreeSet<String> {
        let text = self.dockerfile.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let names = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace().filter(|w| !w.starts_with("--platform"));
            let from = words.next().is_some_and(|w| w.eq_ignore_ascii_case("from"));
            let copied = line.split_once("--from=").and_then(|(_, rest)| rest.split_whitespace().next());
            if from { words.next() } else { copied }
        });
        names.filter(|n| *n != "scratch" && !n.contains('$')).filter_map(|n| Reference::parse(n).ok()).map(|r| r.host).collect()
    }
}

fn solve(text: impl std::fmt::Display) -> Failure {
    Failure::said(format!("ERROR: failed to build: failed to solve: {text}"))
}

/// Reads what the flags and the argument name.
pub(super) fn read(args: &BuildArgs, path: &str, session: &mut Session<'_>) -> Result<Inputs, Failure> {
    let lower = path.to_ascii_lowercase();
    let remote = ["http://", "https://", "git://", "git@", "ssh://", "github.com/"].iter().any(|start| lower.starts_with(start));
    if remote {
        return Err(Failure::said(format!(
            "ERROR: failed to build: contexts from elsewhere are not fetched: {path} (clone or download it, and build from its directory)"
        )));
    }
    if path == "-" {
        return from_standard_input(args, session);
    }
    let file = args.file.clone().unwrap_or_else(|| "Dockerfile".to_owned());
    match session.environment.look(path, true)? {
        None => {
            return Err(Failure::said(format!("ERROR: failed to build: unable to prepare context: path {path:?} not found")));
        }
        Some(found) if !found.is_dir() => {
            return Err(Failure::said(format!("ERROR: failed to build: unable to prepare context: context must be a directory: {path}")));
        }
        Some(_) => {}
    }
    let dockerfile = if file == "-" {
        text(session.environment, "-")?
    } else {
        let place = match &args.file {
            Some(file) => file.clone(),
            None => below(path, "Dockerfile"),
        };
        match text(session.environment, &place) {
            Err(Failure::Engine(e)) if e.kind() == ErrorKind::NotFound => {
                // `-f` is relative to the working directory; what people mean by it is sometimes a path in the context.
                let hint = if args.file.is_some() && session.environment.exists(&below(path, &file)) {
                    format!(" (did you mean -f {}?)", below(path, &file))
                } else if args.file.is_none() && session.environment.exists(&below(path, "dockerfile")) {
                    " (did you mean -f dockerfile?)".to_owned()
                } else {
                    String::new()
                };
                return Err(solve(format!("failed to read dockerfile: open {file}: no such file or directory{hint}")));
            }
            other => other?,
        }
    };
    // The file's own .dockerignore goes before that of the context.
    let own = format!("{}.dockerignore", args.file.clone().unwrap_or_else(|| below(path, "Dockerfile")));
    let place = if session.environment.exists(&own) { own } else { below(path, ".dockerignore") };
    let ignore = if session.environment.exists(&place) { text(session.environment, &place)? } else { Vec::new() };
    let patterns = Ignore::parse(".dockerignore", &ignore).map_err(|e| solve(&e))?;
    let context = session.environment.context(path, &patterns)?.reader;
    let file = if file == "-" { "Dockerfile".to_owned() } else { file };
    Ok(Inputs { dockerfile: Some(dockerfile), file, ignore: Some(ignore), context })
}

/// `-`: a Dockerfile, or an archive that has one in it.
fn from_standard_input(args: &BuildArgs, session: &mut Session<'_>) -> Result<Inputs, Failure> {
    if session.environment.is_terminal(Standard::Input) {
        return Err(Failure::said("ERROR: failed to build: unable to prepare context: standard input is a terminal".to_owned()));
    }
    if args.file.as_deref() == Some("-") {
        return Err(Failure::said(
            "ERROR: failed to build: invalid argument: can't use stdin for both build context and dockerfile".to_owned(),
        ));
    }
    let mut source = session.environment.source("-")?;
    let mut start = [0; 512];
    let mut filled = 0;
    while filled < start.len() {
        match source.reader.read(&mut start[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    let start = start[..filled].to_vec();
    if drydock_core::build::unpack::may_be_archive(&start) {
        let file = args.file.clone().unwrap_or_else(|| "Dockerfile".to_owned());
        let context = Box::new(Cursor::new(start).chain(source.reader));
        return Ok(Inputs { dockerfile: None, file, ignore: None, context });
    }
    let mut dockerfile = start;
    source.reader.take(LARGEST).read_to_end(&mut dockerfile)?;
    Ok(Inputs {
        dockerfile: Some(dockerfile),
        file: "Dockerfile".to_owned(),
        ignore: Some(Vec::new()),
        context: Box::new(std::io::empty()),
    })
}

fn below(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}

fn text(environment: &mut dyn Environment, path: &str) -> Result<Vec<u8>, Failure> {
    let source = environment.source(path)?;
    let mut text = Vec::new();
    source.reader.take(LARGEST + 1).read_to_end(&mut text).map_err(|e| Error::new(ErrorKind::System, format!("read {path}")).source(e))?;
    Ok(text)
}
