//! `drydock ps`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::filter::{Filters, filter};
use crate::format::{self, Row, Style, duration, ellipsis, ports, print_rows, status, time};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::{ContainerSummary, Engine};
use drydock_core::time::Timestamp;
use drydock_core::{Error, Result};
use serde_json::{Value, json};

/// `ps`
pub const DEFINITION: Definition = Definition {
    name: "ps",
    group: "container",
    in_group: &["ls", "list", "ps"],
    about: "List containers",
    usage: "[OPTIONS]",
    common: true,
    flags: PsArgs::augment_args,
    run,
    ..Definition::PLAIN
};

/// What `--format` takes, said the same way everywhere.
pub(crate) const FORMAT_HELP: &str = "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.";

#[derive(Args)]
struct PsArgs {
    /// Show all containers (default shows just running)
    #[arg(short, long)]
    all: bool,
    /// Filter output based on conditions provided
    #[arg(short, long, value_name = "filter", value_parser = filter)]
    filter: Vec<(String, String)>,
    #[arg(long, value_name = "string", help = FORMAT_HELP)]
    format: Option<String>,
    /// Show n last created containers (includes all states) (default -1)
    #[arg(short = 'n', long, value_name = "int", value_parser = crate::flags::integer)]
    last: Option<i64>,
    /// Show the latest created container (includes all states)
    #[arg(short, long)]
    latest: bool,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Only display container IDs
    #[arg(short, long)]
    quiet: bool,
}

const COLUMNS: [(&str, &str); 7] = [
    ("CONTAINER ID", "ID"),
    ("IMAGE", "Image"),
    ("COMMAND", "Command"),
    ("CREATED", "RunningFor"),
    ("STATUS", "Status"),
    ("PORTS", "Ports"),
    ("NAMES", "Names"),
];

const HEADERS: [(&str, &str); 7] = [
    ("CREATED AT", "CreatedAt"),
    ("STATE", "State"),
    ("LABELS", "Labels"),
    ("MOUNTS", "Mounts"),
    ("NETWORKS", "Networks"),
    ("LOCAL VOLUMES", "LocalVolumes"),
    ("SIZE", "Size"),
];

fn run(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = PsArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let filters = Filters::new(
        &args.filter,
        &["id", "name", "label", "exited", "status", "ancestor", "before", "since", "volume", "network", "publish", "expose"],
    )?;
    let engine = session.engine()?;
    let last = if args.latest { Some(1) } else { args.last.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0) };
    let all = args.all || last.is_some() || filters.has("status") || filters.has("exited");
    let mut containers = engine.containers(all)?;
    keep(&mut containers, &filters, &*engine)?;
    containers.truncate(last.unwrap_or(usize::MAX));
    let now = engine.now();
    let rows: Vec<Row> = containers.iter().map(|c| row(c, now, args.no_trunc)).collect();
    let label = |row: &Value, name: &str, arguments: &[Value]| {
        let wanted = (name == "Label").then(|| arguments.first().and_then(Value::as_str))??;
        Some(Ok(row.get(".labels").and_then(|l| l.get(wanted)).cloned().unwrap_or(Value::from(""))))
    };
    print_rows(
        session,
        &rows,
        &Style {
            format: args.format.as_deref().unwrap_or_default(),
            columns: &COLUMNS,
            quiet: args.quiet.then_some("ID"),
            headers: &HEADERS,
            kind: "*formatter.ContainerContext",
            methods: &label,
        },
    )
}

/// One container with the fields that templates can name.
fn row(c: &ContainerSummary, now: Timestamp, whole: bool) -> Row {
    let cut = |text: &str, width: usize| if whole { text.to_owned() } else { ellipsis(text, width) };
    let command = cut(&format!("\"{}\"", quoted(&cut_inside(&command_line(&c.args), whole))), usize::MAX);
    let labels = c.labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",");
    let local = c.mounts.iter().filter(|m| !m.starts_with('/')).count();
    json!({
        "ID": if whole { c.id.as_str() } else { c.id.short() },
        "Names": c.name,
        "Image": if c.image.is_empty() { "<no image>".to_owned() } else { c.image.clone() },
        "Command": command,
        "CreatedAt": time::created_at(c.created),
        "RunningFor": format!("{} ago", duration::human(now.since(c.created))),
        "Ports": ports::line(&c.published, &c.exposed),
        "State": status::word(c.status),
        "Status": status::sentence(c, now),
        "Size": "0B",
        "Labels": labels,
        "Mounts": c.mounts.iter().map(|m| cut(m, 15)).collect::<Vec<_>>().join(","),
        "LocalVolumes": local.to_string(),
        "Networks": c.networks.join(","),
        "Platform": Value::Null,
        ".labels": c.labels,
    })
}

/// The words of a command, those with blanks in quotes, as dockerd joins them. The program's own name is never quoted.
fn command_line(args: &[String]) -> String {
    let quote = |(i, word): (usize, &String)| if i > 0 && word.contains(' ') { format!("'{word}'") } else { word.clone() };
    args.iter().enumerate().map(quote).collect::<Vec<_>>().join(" ")
}

/// The command, cut to twenty characters with its mark.
fn cut_inside(command: &str, whole: bool) -> String {
    if whole { command.to_owned() } else { format::ellipsis(command, 20) }
}

/// Go's quoting of what is inside the quotes.
fn quoted(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
        out
    })
}

/// Keeps the containers that the filters let through: values of one key are alternatives, keys must all hold.
fn keep(containers: &mut Vec<ContainerSummary>, filters: &Filters, engine: &dyn Engine) -> Result<()> {
    for state in filters.values("status") {
        if !["created", "running", "paused", "restarting", "removing", "exited", "dead"].contains(&state) {
            return Err(Error::invalid(format!("Invalid filter 'status={}'", state.escape_debug())));
        }
    }
    for code in filters.values("exited") {
        code.parse::<i32>().map_err(|_| Error::invalid(format!("Invalid filter 'exited={}'", code.escape_debug())))?;
    }
    let created = |key: &str| filters.values(key).map(|name| engine.container(name).map(|c| c.created)).collect::<Result<Vec<_>>>();
    let (before, since) = (created("before")?, created("since")?);
    let ancestors: Vec<_> = filters.values("ancestor").map(|name| (name, engine.image(name).ok().map(|i| i.id))).collect();
    containers.retain(|c| {
        let any = |key: &str, fits: &dyn Fn(&str) -> bool| !filters.has(key) || filters.values(key).any(fits);
        let ancestor =
            ancestors.is_empty() || ancestors.iter().any(|(name, id)| c.image == *name || id.as_ref().is_some_and(|id| *id == c.image_id));
        any("id", &|v| c.id.as_str().starts_with(v))
            && any("name", &|v| c.name.contains(v.trim_start_matches(['/', '^']).trim_end_matches('$')) && anchored(v, &c.name))
            && filters.values("label").all(|v| has_label(c, v))
            && any("status", &|v| status::word(c.status) == v)
            && any("exited", &|v| c.finished != Timestamp::NEVER && v.parse() == Ok(c.exit_code))
            && any("volume", &|v| c.mounts.iter().any(|m| m == v))
            && any("network", &|v| c.networks.iter().any(|n| n == v))
            && any("publish", &|v| c.published.iter().any(|p| port_fits(v, p.host_port, ports::protocol(p.protocol))))
            && any("expose", &|v| {
                c.exposed.iter().any(|e| e.split_once('/').is_some_and(|(n, p)| n.parse().is_ok_and(|n| port_fits(v, n, p))))
            })
            && before.iter().all(|t| c.created < *t)
            && since.iter().all(|t| c.created > *t)
            && ancestor
    });
    Ok(())
}

/// `^` and `$` of a name filter, which Docker's users write for the whole name.
fn anchored(filter: &str, name: &str) -> bool {
    let bare = filter.trim_start_matches(['/', '^']).trim_end_matches('$');
    (!filter.starts_with('^') || name.starts_with(bare)) && (!filter.ends_with('$') || name.ends_with(bare))
}

fn has_label(c: &ContainerSummary, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => c.labels.get(key).is_some_and(|v| v == value),
        None => c.labels.contains_key(wanted),
    }
}

fn port_fits(wanted: &str, port: u16, protocol: &str) -> bool {
    let (range, asked) = wanted.split_once('/').unwrap_or((wanted, "tcp"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    asked == protocol && first.parse::<u16>().is_ok_and(|f| f <= port) && last.parse::<u16>().is_ok_and(|l| port <= l)
}
