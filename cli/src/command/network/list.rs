//! `drydock network ls`

use crate::command::Definition;
use crate::command::ps::FORMAT_HELP;
use crate::failure::{Failure, Outcome};
use crate::filter::filter;
use crate::format::{LABELS, Row, Style, label, print_rows};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::network::NetworkRecord;
use drydock_core::network::filter::{check, passes};
use serde_json::json;

/// `network ls`
pub const LIST: Definition = Definition {
    group: "network",
    in_group: &["ls", "list"],
    about: "List networks",
    usage: "[OPTIONS]",
    arity: (0, Some(0)),
    flags: ListArgs::augment_args,
    run: list,
    ..Definition::PLAIN
};

#[derive(Args)]
struct ListArgs {
    /// Provide filter values (e.g. "driver=bridge")
    #[arg(short, long, value_name = "filter", value_parser = filter)]
    filter: Vec<(String, String)>,
    #[arg(long, value_name = "string", help = FORMAT_HELP)]
    format: Option<String>,
    /// Do not truncate the output
    #[arg(long)]
    no_trunc: bool,
    /// Only display network IDs
    #[arg(short, long)]
    quiet: bool,
}

const COLUMNS: [(&str, &str); 4] = [("NETWORK ID", "ID"), ("NAME", "Name"), ("DRIVER", "Driver"), ("SCOPE", "Scope")];
const HEADERS: [(&str, &str); 5] =
    [("IPV4", "IPv4"), ("IPV6", "IPv6"), ("INTERNAL", "Internal"), ("LABELS", "Labels"), ("CREATED AT", "CreatedAt")];

fn row(network: &NetworkRecord, whole: bool) -> Row {
    let labels: Vec<String> = network.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let yes = |yes: bool| if yes { "true" } else { "false" };
    json!({
        "CreatedAt": network.created.rfc3339(),
        "Driver": network.driver.name(),
        "ID": if whole { network.id.as_str() } else { network.id.short() },
        "IPv4": yes(network.subnet.is_some()),
        "IPv6": yes(network.pool.subnet6.is_some()),
        "Internal": yes(network.internal),
        "Labels": labels.join(","),
        "Name": network.name,
        "Scope": "local",
        LABELS: network.labels,
    })
}

fn list(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = ListArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    check(args.filter.iter().map(|(key, value)| (key.as_str(), value.as_str())))?;
    let engine = session.engine()?;
    let running = engine.containers(false)?;
    let values = |key: &str| args.filter.iter().filter(|(k, _)| k == key).map(|(_, v)| v.clone()).collect::<Vec<_>>();
    let mut networks = engine.networks()?;
    networks.retain(|n| passes(n, &values, running.iter().any(|c| c.endpoints.iter().any(|e| e.network == n.id))));
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    let rows: Vec<Row> = networks.iter().map(|n| row(n, args.no_trunc)).collect();
    print_rows(
        session,
        &rows,
        &Style {
            format: args.format.as_deref().unwrap_or_default(),
            columns: &COLUMNS,
            quiet: args.quiet.then_some("ID"),
            headers: &HEADERS,
            kind: "*network.networkContext",
            methods: &label,
        },
    )
}
