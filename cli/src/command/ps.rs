//! `drydock ps`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::filter::filter;
use crate::format::{self, LABELS, Row, Style, duration, ellipsis, label, ports, render, size, status, time};
use crate::screen::{EACH, Screen};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::docker;
use drydock_core::engine::{ContainerSummary, ListRequest};
use drydock_core::time::Timestamp;
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
    /// Display total file sizes
    #[arg(short, long)]
    size: bool,
    /// Draw the list anew every second, in place
    #[arg(long)]
    watch: bool,
}

/// What is drawn again and again: what changes first, so that a narrow terminal shows it.
const WATCHED: [(&str, &str); 6] =
    [("NAMES", "Names"), ("STATUS", "Status"), ("IMAGE", "Image"), ("COMMAND", "Command"), ("PORTS", "Ports"), ("CONTAINER ID", "ID")];

/// The columns of the table; the last only when it is asked for.
const COLUMNS: [(&str, &str); 8] = [
    ("CONTAINER ID", "ID"),
    ("IMAGE", "Image"),
    ("COMMAND", "Command"),
    ("CREATED", "RunningFor"),
    ("STATUS", "Status"),
    ("PORTS", "Ports"),
    ("NAMES", "Names"),
    ("SIZE", "Size"),
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
    let format = args.format.clone().unwrap_or_default();
    if args.quiet && !matches!(format.as_str(), "" | "table" | "raw") {
        session.complain("WARNING: Ignoring custom format, because both --format and --quiet are set.");
    }
    let request = ListRequest {
        all: args.all,
        last: if args.latest { Some(1) } else { args.last.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0) },
        filters: args.filter.clone(),
        sizes: args.size || format.contains(".Size"),
    };
    let engine = session.engine()?;
    if !args.watch {
        let text = listed(&args, &format, engine.list(&request)?, engine.now())?;
        for line in text.lines() {
            session.say(line)?;
        }
        return Ok(0);
    }
    let mut screen = Screen::of(session);
    if !screen.is_terminal() {
        return Err(Failure::said("--watch draws on a terminal, and standard output is none"));
    }
    let simulated = engine.facts().host == "sim";
    loop {
        let text = listed(&args, &format, engine.list(&request)?, engine.now())?;
        screen.draw(session, &text)?;
        if simulated {
            session.environment.pace(EACH);
        }
        engine.sleep(EACH);
    }
}

/// The list as text.
fn listed(args: &PsArgs, format: &str, containers: Vec<ContainerSummary>, now: Timestamp) -> std::result::Result<String, Failure> {
    let rows: Vec<Row> = containers.iter().map(|c| row(c, now, args.no_trunc)).collect();
    if format == "raw" {
        return Ok(rows.iter().map(|r| raw(r, args.quiet, args.size)).collect());
    }
    let style = Style {
        format: if args.quiet { "" } else { format },
        columns: match (args.size, args.watch) {
            (true, _) => &COLUMNS,
            (false, true) => &WATCHED,
            (false, false) => &COLUMNS[..COLUMNS.len() - 1],
        },
        quiet: args.quiet.then_some("ID"),
        headers: &HEADERS,
        kind: "*formatter.ContainerContext",
        methods: &label,
    };
    render(&rows, &style)
}

/// `--format raw`: a line a field.
fn raw(row: &Row, quiet: bool, size: bool) -> String {
    let field = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    if quiet {
        return format!("container_id: {}\n", field("ID"));
    }
    let lines = [
        ("container_id", "ID"),
        ("image", "Image"),
        ("command", "Command"),
        ("created_at", "CreatedAt"),
        ("state", "State"),
        ("status", "Status"),
        ("names", "Names"),
        ("labels", "Labels"),
        ("ports", "Ports"),
    ];
    let size = size.then_some(("size", "Size"));
    let text: String =
        lines.into_iter().chain(size).map(|(key, name)| format!("{key}: {}", field(name)).trim_end().to_owned() + "\n").collect();
    text + "\n"
}

/// One container with the fields that templates can name.
fn row(c: &ContainerSummary, now: Timestamp, whole: bool) -> Row {
    let cut = |text: &str, width: usize| if whole { text.to_owned() } else { ellipsis(text, width) };
    let command = cut(&format!("\"{}\"", quoted(&cut_inside(&docker::command_line(&c.args), whole))), usize::MAX);
    let labels = c.labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",");
    let local = c.mounts.iter().filter(|m| !m.starts_with('/')).count();
    json!({
        "ID": if whole { c.id.as_str() } else { c.id.short() },
        "Names": c.name,
        "Image": if c.image.is_empty() { "<no image>".to_owned() } else { c.image.clone() },
        "Command": command,
        "CreatedAt": time::created_at(c.created),
        "RunningFor": format!("{} ago", duration::human(now.since(c.created))),
        "Ports": ports::line(&c.published, c.open()),
        "State": status::word(c.status),
        "Status": status::sentence(c, now),
        "Size": c.sizes.map_or_else(|| "0B".to_owned(), |s| format!("{} (virtual {})", size::decimal(s.writable), size::decimal(s.root))),
        "Labels": labels,
        "Mounts": c.mounts.iter().map(|m| cut(m, 15)).collect::<Vec<_>>().join(","),
        "LocalVolumes": local.to_string(),
        "Networks": c.networks.join(","),
        "Platform": Value::Null,
        LABELS: c.labels,
    })
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
