//! `drydock logs`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::format::time;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::docker;
use drydock_core::engine::LogsRequest;
use drydock_core::io::Stream;

/// `logs`
pub const DEFINITION: Definition = Definition {
    name: "logs",
    group: "container",
    in_group: &["logs"],
    about: "Fetch the logs of a container",
    usage: "[OPTIONS] CONTAINER",
    arity: (1, Some(1)),
    flags: LogsArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct LogsArgs {
    /// Show extra details provided to logs
    #[arg(long)]
    details: bool,
    /// Follow log output
    #[arg(short, long)]
    follow: bool,
    /// Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)
    #[arg(long, value_name = "string")]
    since: Option<String>,
    /// Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)
    #[arg(long, value_name = "string")]
    until: Option<String>,
    /// Number of lines to show from the end of the logs (default "all")
    #[arg(short = 'n', long, value_name = "string")]
    tail: Option<String>,
    /// Show timestamps
    #[arg(short, long)]
    timestamps: bool,
}

fn run(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = LogsArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let Some(name) = names.first() else { return Ok(1) };
    let engine = session.engine()?;
    let moment = |name: &str, text: &Option<String>| {
        let given = text.as_deref().filter(|t| !t.is_empty());
        let read = given.map(|t| time::moment(t, engine.now())).transpose();
        read.map_err(|e| Failure::said(format!("invalid value for \"{name}\": {}", e.message())))
    };
    let request = LogsRequest {
        follow: args.follow,
        // What is no number, or a negative one, means all lines (observed: docker 20.10 and 28).
        tail: args.tail.as_deref().and_then(|t| t.parse().ok()),
        since: moment("since", &args.since)?,
        until: moment("until", &args.until)?,
        pulse: false,
    };
    let mut failure = None;
    engine.logs(name, &request, &mut |line| {
        let environment = &mut *session.environment;
        let mut text = Vec::with_capacity(line.bytes.len() + 32);
        if args.timestamps {
            text.extend_from_slice(time::nanoseconds(line.time).as_bytes());
            text.push(b' ');
        }
        if args.details {
            text.extend_from_slice(docker::details(&line.attributes).as_bytes());
            text.push(b' ');
        }
        text.extend_from_slice(&line.bytes);
        let writer = if line.stream == Stream::Stderr { environment.err() } else { environment.out() };
        let written = writer.write_all(&text).and_then(|()| if args.follow { writer.flush() } else { Ok(()) });
        failure = written.err();
        failure.is_none()
    })?;
    failure.map_or(Ok(0), |e| Err(Failure::Output(e)))
}
