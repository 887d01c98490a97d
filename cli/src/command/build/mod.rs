//! `drydock build`

mod builder;
mod cache;
mod check;
mod inputs;
mod options;
mod plain;
mod raw;
mod result;
mod show;
mod tty;

pub use builder::{DISK_USE, PRUNE};

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::Error;
use drydock_core::build::request::Surface;
use options::BuildArgs;
use show::Style;

/// `build`
pub const DEFINITION: Definition = Definition {
    name: "build",
    group: "image",
    in_group: &["build"],
    about: "Build an image from a Dockerfile",
    usage: "[OPTIONS] PATH | URL | -",
    arity: (1, Some(1)),
    common: true,
    flags: BuildArgs::augment_args,
    run,
    ..Definition::PLAIN
};

/// `builder build`: the same.
pub const BUILDER: Definition = Definition { name: "", group: "builder", common: false, ..DEFINITION };

/// An error of a build as Docker prints it; a step that failed gives its own exit code.
fn failed(error: &Error) -> Failure {
    let code = match error.operation() {
        "run" => error.about().parse().unwrap_or(1),
        _ => error.exit_code(),
    };
    Failure::Said(format!("ERROR: failed to build: failed to solve: {error}"), code)
}

/// Sends what was built to the registries of its names: `--push`.
fn push(args: &BuildArgs, session: &mut Session<'_>, engine: &dyn drydock_core::engine::Engine) -> Result<(), Failure> {
    for tag in &args.tag {
        let host = drydock_core::image::reference::Reference::parse(tag)?.host;
        let access = super::login::access(session, &host, &[])?;
        let request = drydock_core::registry::PushRequest { reference: tag.clone(), all_tags: false, platform: None, access };
        let mut display = super::transfer::Display::new(session, crate::environment::Standard::Error, args.quiet);
        engine.push(&request, &mut |progress| display.show(session, &progress))?;
    }
    Ok(())
}

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = BuildArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let Some(path) = words.first() else { return Ok(1) };
    let mut inputs = inputs::read(&args, path, session)?;
    if args.check || args.call.as_deref() == Some("check") {
        return check::run(&args, &inputs, session);
    }
    if let Some(call) = &args.call
        && call != "build"
    {
        return Err(Failure::Flag(format!("invalid argument {call:?} for \"--call\" flag: the calls are build and check")));
    }
    let request = options::request(&args, &inputs, session)?;
    let export = result::export(&args, session)?;
    if (export.pushes() || args.push) && args.tag.is_empty() {
        return Err(Failure::said("ERROR: failed to build: tag is needed when pushing to registry"));
    }
    let engine = session.engine()?;
    let style = Style::of(&args, session)?;
    let mut sink = Vec::new();
    let (mut caches, cache_dest) = cache::open(&args, session)?;
    let mut cache_archive = Vec::new();
    let wants = export.wants_archive();
    let built = {
        let shown = show::Shown::new(style, session, args.quiet);
        let mut layouts: Vec<&mut dyn std::io::Read> = Vec::new();
        for cache in &mut caches {
            layouts.push(&mut **cache);
        }
        let surface = Surface {
            context: &mut *inputs.context,
            progress: &shown,
            sink: if wants { Some(&mut sink) } else { None },
            caches: layouts,
            cache_sink: if cache_dest.is_some() { Some(&mut cache_archive) } else { None },
        };
        let request = drydock_core::build::request::BuildRequest { output: export.output(), ..request };
        let built = engine.build(&request, surface);
        shown.end(built.as_ref().err());
        built.map_err(|e| failed(&e))?
    };
    if !built.unused.is_empty() {
        session.complain(&format!("[Warning] One or more build-args [{}] were not consumed", built.unused.join(" ")));
    }
    export.put(&sink, session)?;
    cache::put(cache_dest, &cache_archive, session)?;
    if export.pushes() || args.push {
        push(&args, session, &*engine)?;
    }
    result::files(&args, &built, session)?;
    if let (true, Some(image)) = (args.quiet, &built.image) {
        session.say(image.as_str())?;
    }
    Ok(0)
}
