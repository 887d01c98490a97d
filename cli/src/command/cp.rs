//! `drydock cp`

use super::Definition;
use crate::environment::{CLIENT, Standard};
use crate::failure::{Failure, Outcome};
use crate::format::size;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::PathStat;
use drydock_core::{Error, Result};
use std::cell::Cell;
use std::io::{Read, Write};

/// `cp`
pub const DEFINITION: Definition = Definition {
    name: "cp",
    group: "container",
    in_group: &["cp"],
    about: "Copy files/folders between a container and the local filesystem",
    usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-",
    arity: (2, Some(2)),
    flags: CopyArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct CopyArgs {
    /// Archive mode (copy all uid/gid information)
    #[arg(short, long)]
    archive: bool,
    /// Always follow symbol link in SRC_PATH
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached
    #[arg(short, long)]
    quiet: bool,
}

/// One end of a copy.
enum End {
    /// A path of a container.
    Inside(String, String),
    /// A path here.
    Here(String),
    /// Standard input or output, as a tar archive.
    Stream,
}

/// A word with a colon is a container's path, unless it is plainly a path here (Docker: "cp").
fn end(word: &str) -> End {
    if word == "-" {
        return End::Stream;
    }
    if word.starts_with(['/', '.']) {
        return End::Here(word.to_owned());
    }
    match word.split_once(':') {
        Some((container, path)) if !container.is_empty() => End::Inside(container.to_owned(), format!("/{}", path.trim_start_matches('/'))),
        _ => End::Here(word.to_owned()),
    }
}

fn wrong(text: impl Into<String>) -> Failure {
    Failure::Client(Error::invalid(text).op(CLIENT))
}

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = CopyArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let [source, target] = words else { return Ok(1) };
    match (end(source), end(target)) {
        (End::Inside(from, path), End::Inside(to, into)) => across(&from, &path, &to, &into, &args, session),
        (End::Inside(container, path), End::Stream) => {
            if session.environment.is_terminal(Standard::Output) {
                return Err(Failure::said("cowardly refusing to copy a tar archive to a terminal; redirect it"));
            }
            let mut archive = session.engine()?.copy_out(&container, &path, args.follow_link, None)?;
            pass(&mut *archive, session.environment.out())?;
            Ok(0)
        }
        (End::Inside(container, path), End::Here(to)) => out(&container, &path, &to, &args, session),
        (End::Here(from), End::Inside(container, path)) => inwards(&from, &container, &path, &args, session),
        (End::Stream, End::Inside(container, path)) => {
            let (path, there) = resolved(session, &container, &path)?;
            if !there.is_some_and(|stat| stat.is_dir()) {
                return Err(wrong(format!("destination \"{target}\" must be a directory")));
            }
            let mut archive = session.environment.source("-")?;
            session.engine()?.copy_in(&container, &path, &mut archive.reader, args.archive)?;
            Ok(0)
        }
        _ => Err(wrong("must specify at least one container source")),
    }
}

fn pass(from: &mut dyn Read, to: &mut dyn Write) -> Result<(), Failure> {
    std::io::copy(from, to).map(drop).map_err(|e| match e.downcast::<Error>() {
        Ok(error) => Failure::Engine(error),
        Err(e) => Failure::Output(e),
    })
}

/// What is at a path of a container once the links at its end are followed, and the path that those lead to.
fn resolved(session: &mut Session<'_>, container: &str, path: &str) -> Result<(String, Option<PathStat>)> {
    let engine = session.engine()?;
    let mut path = path.to_owned();
    // As many links as the kernel follows (path_resolution(7)).
    for _ in 0..40 {
        match engine.stat_path(container, &path, false) {
            Ok(stat) if stat.kind == 'l' => {
                let above = path.trim_end_matches('/').rsplit_once('/').map_or("", |(above, _)| above);
                path = if stat.link.starts_with('/') { stat.link } else { format!("{above}/{}", stat.link) };
            }
            Ok(stat) => return Ok((path, Some(stat))),
            Err(e) if e.kind() == drydock_core::ErrorKind::NotFound && e.message().starts_with("Could not find") => {
                return Ok((path, None));
            }
            Err(e) => return Err(e),
        }
    }
    Err(Error::invalid(format!("{path}: too many levels of symbolic links")))
}

/// Where a copy goes: the directory, and the name there if it is not the source's own.
fn place(is_dir: bool, path: &str, there: Option<&PathStat>) -> Result<(String, Option<String>), Failure> {
    let (above, name) = split(path);
    match there {
        Some(stat) if stat.is_dir() => Ok((path.to_owned(), None)),
        Some(_) if is_dir => Err(wrong("cannot copy directory")),
        Some(_) => Ok((above, Some(name))),
        None if !is_dir && path.ends_with('/') => Err(wrong("no such directory")),
        None => Ok((above, Some(name))),
    }
}

fn split(path: &str) -> (String, String) {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit_once('/') {
        Some(("", name)) => ("/".to_owned(), name.to_owned()),
        Some((above, name)) => (above.to_owned(), name.to_owned()),
        None => (".".to_owned(), trimmed.to_owned()),
    }
}

/// `DIR/.` is what is in a directory.
fn means_content(path: &str) -> bool {
    path == "." || path.ends_with("/.")
}

fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

fn inwards(from: &str, container: &str, path: &str, args: &CopyArgs, session: &mut Session<'_>) -> Outcome {
    let directory = session.environment.directory()?;
    let absolute = if from.starts_with('/') { from.to_owned() } else { format!("{directory}/{from}") };
    let asked = absolute.strip_suffix("/.").unwrap_or(&absolute);
    let follow = args.follow_link || from.ends_with('/') || means_content(from);
    let source = session.environment.look(asked, follow)?;
    let Some(source) = source else { return Err(wrong(format!("lstat {absolute}: no such file or directory"))) };
    let (path, there) = resolved(session, container, path)?;
    let (into, name) = place(source.is_dir(), &path, there.as_ref())?;
    let own = if means_content(from) { "." } else { last(asked) };
    let mut archive = session.environment.pack(asked, follow, name.as_deref().unwrap_or(own))?;
    let count = Cell::new(0);
    let mut counted = Counted { reader: &mut archive.reader, count: &count };
    session.engine()?.copy_in(container, &into, &mut counted, args.archive)?;
    done(count.get(), &format!("{container}:{path}"), args, session);
    Ok(0)
}

fn out(container: &str, path: &str, to: &str, args: &CopyArgs, session: &mut Session<'_>) -> Outcome {
    let engine = session.engine()?;
    let there = session.environment.look(to, true)?;
    let (above, _) = split(to);
    if there.is_none() && !session.environment.look(&above, true)?.is_some_and(|stat| stat.is_dir()) {
        return Err(wrong(format!("invalid output path: directory \"{above}\" does not exist")));
    }
    let follow = args.follow_link || path.ends_with('/') || means_content(path);
    let source = engine.stat_path(container, path, follow)?;
    let (into, name) = place(source.is_dir(), to, there.as_ref())?;
    let mut archive = engine.copy_out(container, path, follow, name.as_deref())?;
    let count = Cell::new(0);
    let mut counted = Counted { reader: &mut *archive, count: &count };
    session.environment.unpack(&into, &mut counted, false).map_err(|e| Failure::Client(e.op(CLIENT)))?;
    done(count.get(), to, args, session);
    Ok(0)
}

/// Docker refuses this; it is one archive passed on.
fn across(from: &str, path: &str, to: &str, into: &str, args: &CopyArgs, session: &mut Session<'_>) -> Outcome {
    let engine = session.engine()?;
    let follow = args.follow_link || path.ends_with('/') || means_content(path);
    let source = engine.stat_path(from, path, follow)?;
    let (target, there) = resolved(session, to, into)?;
    let (directory, name) = place(source.is_dir(), &target, there.as_ref())?;
    let mut archive = engine.copy_out(from, path, follow, name.as_deref())?;
    let count = Cell::new(0);
    let mut counted = Counted { reader: &mut *archive, count: &count };
    if engine.container(from)?.id == engine.container(to)?.id {
        // One that does not run is held while it is read, and could not be written meanwhile.
        let mut whole = Vec::new();
        counted.read_to_end(&mut whole).map_err(Failure::Output)?;
        drop(archive);
        engine.copy_in(to, &directory, &mut whole.as_slice(), args.archive)?;
    } else {
        engine.copy_in(to, &directory, &mut counted, args.archive)?;
    }
    done(count.get(), &format!("{to}:{into}"), args, session);
    Ok(0)
}

fn done(bytes: u64, target: &str, args: &CopyArgs, session: &mut Session<'_>) {
    if !args.quiet && session.environment.is_terminal(Standard::Error) {
        session.complain(&format!("Successfully copied {} to {target}", size::decimal(bytes)));
    }
}

/// Counts what it reads.
struct Counted<'a> {
    reader: &'a mut dyn Read,
    count: &'a Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_paths_here_or_inside() {
        let text = |word: &str| match end(word) {
            End::Inside(container, path) => format!("{container} has {path}"),
            End::Here(path) => format!("here {path}"),
            End::Stream => "stream".to_owned(),
        };
        for (word, meaning) in [
            ("c:/a", "c has /a"),
            ("c:a", "c has /a"),
            ("c:", "c has /"),
            ("./c:a", "here ./c:a"),
            ("/c:a", "here /c:a"),
            ("a", "here a"),
            (":a", "here :a"),
            ("-", "stream"),
        ] {
            assert_eq!(text(word), meaning, "{word}");
        }
    }
}
