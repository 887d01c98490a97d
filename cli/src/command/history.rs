//! `drydock history`

use super::Definition;
use super::ps::FORMAT_HELP;
use crate::failure::{Failure, Outcome};
use crate::format::{Row, Style, duration, print_rows, size};
use crate::session::Session;
use crate::template::no_methods;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::HistoryEntry;
use drydock_core::time::Timestamp;
use serde_json::json;

/// `history`
pub const DEFINITION: Definition = Definition {
    name: "history",
    group: "image",
    in_group: &["history"],
    about: "Show the history of an image",
    usage: "[OPTIONS] IMAGE",
    arity: (1, Some(1)),
    flags: HistoryArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct HistoryArgs {
    #[arg(long, value_name = "string", help = FORMAT_HELP)]
    format: Option<String>,
    /// Print sizes and dates in human readable format
    #[arg(short = 'H', long, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set, default_value = "true", default_missing_value = "true", value_parser = crate::flags::parse_bool)]
    human: bool,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")
    #[arg(long, value_name = "string")]
    platform: Option<String>,
    /// Only show image IDs
    #[arg(short, long)]
    quiet: bool,
}

/// The longest command that is shown whole.
const LONGEST: usize = 45;

const COLUMNS: [(&str, &str); 5] =
    [("IMAGE", "ID"), ("CREATED", "CreatedSince"), ("CREATED BY", "CreatedBy"), ("SIZE", "Size"), ("COMMENT", "Comment")];
/// Without `--human` moments stand where ages did.
const EXACT: [(&str, &str); 5] =
    [("IMAGE", "ID"), ("CREATED AT", "CreatedAt"), ("CREATED BY", "CreatedBy"), ("SIZE", "Size"), ("COMMENT", "Comment")];
const HEADERS: [(&str, &str); 2] = [("CREATED AT", "CreatedAt"), ("CREATED", "CreatedSince")];

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = HistoryArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let Some(name) = words.first() else { return Ok(1) };
    let engine = session.engine()?;
    if let Some(platform) = args.platform.as_deref() {
        super::image::of_platform(&engine.image(name)?, platform)?;
    }
    let now = engine.now();
    let rows: Vec<Row> = engine.history(name)?.iter().map(|entry| row(entry, &args, now)).collect();
    print_rows(
        session,
        &rows,
        &Style {
            format: args.format.as_deref().unwrap_or_default(),
            columns: if args.human { &COLUMNS } else { &EXACT },
            quiet: args.quiet.then_some("ID"),
            headers: &HEADERS,
            kind: "*formatter.historyContext",
            methods: &no_methods,
        },
    )
}

fn row(entry: &HistoryEntry, args: &HistoryArgs, now: Timestamp) -> Row {
    let id = entry.id.as_ref().map_or("<missing>", |id| if args.no_trunc { id.as_str() } else { id.short() });
    let by = entry.created_by.replace('\t', " ");
    let by = if args.no_trunc || by.chars().count() <= LONGEST {
        by
    } else {
        by.chars().take(LONGEST - 1).chain(std::iter::once('…')).collect()
    };
    json!({
        "ID": id,
        "CreatedSince": if args.human { format!("{} ago", duration::human(now.since(entry.created))) } else { seconds(entry.created) },
        "CreatedAt": seconds(entry.created),
        "CreatedBy": by,
        "Size": if args.human { size::decimal(entry.size) } else { entry.size.to_string() },
        "Comment": entry.comment,
    })
}

/// A moment to the second: `2026-01-31T12:00:00Z`.
fn seconds(moment: Timestamp) -> String {
    Timestamp(moment.0 / 1_000_000_000 * 1_000_000_000).rfc3339()
}
