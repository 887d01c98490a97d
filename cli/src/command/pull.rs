//! `drydock pull` and `drydock push`

use super::Definition;
use super::login::access;
use super::transfer::Display;
use crate::environment::Standard;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::image::reference::Reference;
use drydock_core::registry::{Progress, PullRequest, PushRequest};

/// `pull`
pub const PULL: Definition = Definition {
    name: "pull",
    group: "image",
    in_group: &["pull"],
    about: "Download an image from a registry",
    usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
    arity: (1, Some(1)),
    common: true,
    flags: PullArgs::augment_args,
    run: pull,
    ..Definition::PLAIN
};

/// `push`
pub const PUSH: Definition = Definition {
    name: "push",
    group: "image",
    in_group: &["push"],
    about: "Upload an image to a registry",
    usage: "[OPTIONS] NAME[:TAG]",
    arity: (1, Some(1)),
    common: true,
    flags: PushArgs::augment_args,
    run: push,
    ..Definition::PLAIN
};

#[derive(Args)]
struct PullArgs {
    /// Download all tagged images in the repository
    #[arg(short, long)]
    all_tags: bool,
    /// Talk to this registry without TLS, or accept any certificate of it
    #[arg(long, value_name = "list")]
    insecure_registry: Vec<String>,
    /// Set platform if server is multi-platform capable
    #[arg(long, value_name = "string")]
    platform: Option<String>,
    /// Suppress verbose output
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Args)]
struct PushArgs {
    /// Push all tags of an image to the repository
    #[arg(short, long)]
    all_tags: bool,
    /// Talk to this registry without TLS, or accept any certificate of it
    #[arg(long, value_name = "list")]
    insecure_registry: Vec<String>,
    /// Push a platform-specific image: fail unless it is of this platform ("os[/arch[/variant]]")
    #[arg(long, value_name = "string")]
    platform: Option<String>,
    /// Suppress verbose output
    #[arg(short, long)]
    quiet: bool,
}

/// How an image is pulled.
pub(crate) struct How<'a> {
    pub(crate) all_tags: bool,
    pub(crate) platform: Option<&'a str>,
    pub(crate) insecure: &'a [String],
    pub(crate) quiet: bool,
    /// Where progress is shown.
    pub(crate) stream: Standard,
}

/// Pulls an image and shows how. Answers the references of what is there now.
pub(crate) fn fetch(session: &mut Session<'_>, name: &str, how: &How<'_>) -> Result<Vec<String>, Failure> {
    let reference = Reference::parse(name).map_err(Failure::Engine)?;
    let mut display = Display::new(session, how.stream, how.quiet);
    if !how.all_tags && (reference.familiar_repository() == name || reference.repository() == name) {
        display.show(session, &Progress::line("Using default tag: latest"));
    }
    let request = PullRequest {
        reference: name.to_owned(),
        all_tags: how.all_tags,
        platform: how.platform.filter(|p| !p.is_empty()).map(str::to_owned),
        access: access(session, &reference.host, how.insecure)?,
    };
    let engine = session.engine()?;
    let pulled = engine.pull(&request, &mut |progress| display.show(session, &progress))?;
    Ok(pulled.into_iter().map(|p| p.reference).collect())
}

fn pull(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = PullArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let name = words.first().map(String::as_str).unwrap_or_default();
    let how = How {
        all_tags: args.all_tags,
        platform: args.platform.as_deref(),
        insecure: &args.insecure_registry,
        quiet: args.quiet,
        stream: Standard::Output,
    };
    let pulled = fetch(session, name, &how)?;
    match pulled.first() {
        // Docker names the repository where it was asked for all of it.
        Some(_) if args.all_tags => session.say(&Reference::parse(name)?.repository())?,
        Some(reference) => session.say(reference)?,
        None => {}
    }
    Ok(0)
}

fn push(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = PushArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let name = words.first().map(String::as_str).unwrap_or_default();
    let reference = Reference::parse(name).map_err(Failure::Engine)?;
    let mut display = Display::new(session, Standard::Output, args.quiet);
    if !args.all_tags && (reference.familiar_repository() == name || reference.repository() == name) {
        display.show(session, &Progress::line("Using default tag: latest"));
    }
    let access = access(session, &reference.host, &args.insecure_registry)?;
    let request = PushRequest { reference: name.to_owned(), all_tags: args.all_tags, platform: args.platform.clone(), access };
    let engine = session.engine()?;
    engine.push(&request, &mut |progress| display.show(session, &progress))?;
    if args.quiet {
        session.say(&if args.all_tags { reference.repository() } else { reference.to_string() })?;
    }
    Ok(0)
}
