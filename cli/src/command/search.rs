//! `drydock search`

use super::Definition;
use super::login::access;
use super::ps::FORMAT_HELP;
use crate::failure::{Failure, Outcome};
use crate::filter::{Filters, filter};
use crate::format::{Row, Style, print_rows};
use crate::session::Session;
use crate::template::no_methods;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::Error;
use drydock_core::image::reference::DEFAULT_HOST;
use drydock_core::registry::{Found, SearchRequest, endpoint, search};
use serde_json::json;

/// Characters of a description that are shown.
const DESCRIPTION: usize = 45;

/// `search`
pub const DEFINITION: Definition = Definition {
    name: "search",
    about: "Search Docker Hub, or another registry, for images",
    usage: "[OPTIONS] TERM",
    arity: (1, Some(1)),
    common: true,
    flags: SearchArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct SearchArgs {
    /// Filter output based on conditions provided
    #[arg(short, long, value_name = "filter", value_parser = filter)]
    filter: Vec<(String, String)>,
    #[arg(long, value_name = "string", help = FORMAT_HELP)]
    format: Option<String>,
    /// Talk to this registry without TLS, or accept any certificate of it
    #[arg(long, value_name = "list")]
    insecure_registry: Vec<String>,
    /// Max number of search results
    #[arg(long, value_name = "int", default_value = "0")]
    limit: usize,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
}

const COLUMNS: [(&str, &str); 4] = [("NAME", "Name"), ("DESCRIPTION", "Description"), ("STARS", "StarCount"), ("OFFICIAL", "IsOfficial")];

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = SearchArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let term = words.first().cloned().unwrap_or_default();
    let filters = Filters::new(&args.filter, &["stars", "is-official", "is-automated"])?;
    let wrong = |key: &str, value: &str| Error::invalid(format!("invalid filter '{key}={}'", value.escape_debug()));
    let mut least = 0;
    for value in filters.values("stars") {
        least = least.max(value.parse::<u64>().map_err(|_| wrong("stars", value))?);
    }
    let truth = |key: &'static str| filters.values(key).last().map(|v| crate::flags::parse_bool(v).map_err(|_| wrong(key, v))).transpose();
    let (official, automated) = (truth("is-official")?, truth("is-automated")?);
    let host = search::split(&term).0.map_or_else(|| DEFAULT_HOST.to_owned(), endpoint::server);
    let access = access(session, &host, &args.insecure_registry)?;
    let engine = session.engine()?;
    let mut found = engine.search(&SearchRequest { term, limit: args.limit, access })?;
    // No image has been marked as automated for years (Docker 25: "always false").
    found.retain(|f| f.star_count >= least && official.is_none_or(|o| f.is_official == o) && automated != Some(true));
    let rows: Vec<Row> = found.iter().map(|f| row(f, args.no_trunc)).collect();
    print_rows(
        session,
        &rows,
        &Style {
            format: args.format.as_deref().unwrap_or_default(),
            columns: &COLUMNS,
            quiet: None,
            headers: &[("AUTOMATED", "IsAutomated")],
            kind: "*formatter.searchContext",
            methods: &no_methods,
        },
    )
}

fn row(found: &Found, whole: bool) -> Row {
    let mut description = found.description.replace(['\n', '\r'], " ");
    if !whole && description.chars().count() > DESCRIPTION {
        description = description.chars().take(DESCRIPTION - 1).chain(['…']).collect();
    }
    json!({
        "Name": found.name,
        "Description": description,
        "StarCount": found.star_count.to_string(),
        "IsOfficial": if found.is_official { "[OK]" } else { "" },
        "IsAutomated": "",
    })
}
