//! `drydock events`

use super::Definition;
use crate::environment::Standard;
use crate::failure::{Failure, Outcome};
use crate::filter::filter;
use crate::format::time;
use crate::inspect::by_template;
use crate::session::Session;
use crate::template::Template;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::docker;
use drydock_core::engine::{EventEntry, event_passes};
use serde_json::{Value, json};
use std::time::Duration;

/// `events`
pub const DEFINITION: Definition = Definition {
    name: "events",
    group: "system",
    in_group: &["events"],
    about: "Get real time events from the server",
    usage: "[OPTIONS]",
    flags: EventArgs::augment_args,
    run,
    ..Definition::PLAIN
};

/// How many events are read at once.
const PART: usize = 1000;
/// How long to wait for news before looking whether it is over.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a simulated world may be quiet, in its own time, before nothing more is expected of it.
const QUIET: Duration = Duration::from_secs(10);
/// How long a simulated world is followed at most.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Args)]
struct EventArgs {
    /// Filter output based on conditions provided
    #[arg(short, long, value_name = "filter", value_parser = filter)]
    filter: Vec<(String, String)>,
    /// Format output using a custom template: 'json': Print in JSON format 'TEMPLATE': Print output using the given Go template.
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Show all events created since timestamp
    #[arg(long, value_name = "string")]
    since: Option<String>,
    /// Stream events until this timestamp
    #[arg(long, value_name = "string")]
    until: Option<String>,
}

/// How an event is printed.
enum Form {
    Line,
    Json,
    Template(Template),
}

impl Form {
    fn read(format: Option<&str>) -> Result<Self, Failure> {
        match format.unwrap_or_default() {
            "" => Ok(Self::Line),
            "json" | "{{json .}}" => Ok(Self::Json),
            text => Template::parse(text).map(Self::Template).map_err(|e| Failure::Said(format!("Error parsing format: {e}"), 64)),
        }
    }

    fn text(&self, event: &EventEntry) -> Result<String, Failure> {
        match self {
            Self::Line => Ok(line(event)),
            Self::Json => Ok(docker::event(event).to_string()),
            Self::Template(template) => by_template(template, &fields(event)).map_err(|failure| match failure {
                Failure::Said(text, _) => Failure::Said(unknown_field(&text), 64),
                other => other,
            }),
        }
    }
}

/// An event is a structure to whoever writes a template, though it is a map here.
fn unknown_field(text: &str) -> String {
    let text = text.trim_start_matches("template parsing error: ");
    match text.split_once("map has no entry for key \"") {
        Some((before, field)) => {
            format!("Error parsing format: {before}can't evaluate field {} in type *events.Message", field.trim_end_matches('"'))
        }
        None => format!("Error parsing format: {text}"),
    }
}

fn run(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = EventArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let form = Form::read(args.format.as_deref())?;
    let engine = session.engine()?;
    let begun = engine.now();
    let moment = |text: &Option<String>| {
        let given = text.as_deref().filter(|t| !t.is_empty());
        given.map(|t| time::moment(t, begun)).transpose().map_err(Failure::Client)
    };
    let (since, until) = (moment(&args.since)?, moment(&args.until)?);
    // Without a beginning only what happens from now on is told, unless an end is given: then everything up to it.
    let mut after = if since.is_some() || until.is_some() { 0 } else { engine.last_event()? };
    let simulated = engine.facts().host == "sim";
    let mut news = begun;
    loop {
        let now = engine.now();
        let patience = until.map_or(PATIENCE, |until| PATIENCE.min(Duration::from_nanos(until.0.saturating_sub(now.0))));
        let events = engine.follow_events(after, PART, patience)?;
        for event in &events {
            after = event.number;
            if until.is_some_and(|until| event.time > until) {
                return Ok(0);
            }
            if since.is_none_or(|since| event.time >= since) && event_passes(event, &args.filter) {
                let text = form.text(event)?;
                session.say(&text)?;
            }
        }
        session.environment.out().flush()?;
        let now = engine.now();
        if !events.is_empty() {
            news = now;
            continue;
        }
        if until.is_some_and(|until| now >= until) {
            return Ok(0);
        }
        if simulated {
            if until.is_none() && (now.since(news) >= QUIET || now.since(begun) >= LONGEST) {
                session.complain("drydock: nothing more happens in this simulated world until somebody does something");
                return Ok(0);
            }
            if session.environment.is_terminal(Standard::Output) {
                session.environment.pace(PATIENCE);
            }
        }
    }
}

/// `TIME TYPE ACTION ID (key=value, …)`
fn line(event: &EventEntry) -> String {
    let mut text = format!("{} {} {} {}", time::nanoseconds(event.time), event.kind, event.action, event.id);
    if !event.attributes.is_empty() {
        let pairs: Vec<String> = event.attributes.iter().map(|(k, v)| format!("{k}={v}")).collect();
        text.push_str(&format!(" ({})", pairs.join(", ")));
    }
    text
}

/// What a template can name.
fn fields(event: &EventEntry) -> Value {
    let (status, id, from) = docker::old_fields(event);
    json!({
        "Type": event.kind,
        "Action": event.action,
        "Actor": { "ID": event.id, "Attributes": event.attributes },
        "Scope": "local",
        "Time": (event.time.0 / 1_000_000_000),
        "TimeNano": event.time.0,
        "Status": status.unwrap_or_default(),
        "ID": id.unwrap_or_default(),
        "From": from.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_core::time::Timestamp;
    use std::collections::BTreeMap;

    fn event(kind: &str, action: &str, id: &str, attributes: &[(&str, &str)]) -> EventEntry {
        let attributes: BTreeMap<String, String> = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        EventEntry {
            number: 1,
            time: Timestamp(5_000_000_007),
            kind: kind.to_owned(),
            action: action.to_owned(),
            id: id.to_owned(),
            attributes,
        }
    }

    #[test]
    fn a_line_has_its_attributes_in_order() {
        let die = event("container", "die", "abc", &[("name", "web"), ("exitCode", "7")]);
        assert_eq!(line(&die), "1970-01-01T00:00:05.000000007Z container die abc (exitCode=7, name=web)");
        assert_eq!(
            docker::event(&die).to_string(),
            "{\"status\":\"die\",\"id\":\"abc\",\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"abc\",\"Attributes\":{\"exitCode\":\"7\",\"name\":\"web\"}},\"scope\":\"local\",\"time\":5,\"timeNano\":5000000007}"
        );
    }
}
