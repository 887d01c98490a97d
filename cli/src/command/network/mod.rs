//! `drydock network connect`, `create`, `disconnect`, `inspect`, `ls`, `prune`, `rm`

mod create;
mod list;

pub use create::CREATE;
pub use list::LIST;

use super::Definition;
use super::inspect::show_objects;
use super::prune::{PruneArgs, tell};
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::network::Place;
use drydock_core::{Error, ErrorKind, docker};
use std::net::{Ipv4Addr, Ipv6Addr};

/// `network connect`
pub const CONNECT: Definition = Definition {
    group: "network",
    in_group: &["connect"],
    about: "Connect a container to a network",
    usage: "[OPTIONS] NETWORK CONTAINER",
    arity: (2, Some(2)),
    flags: ConnectArgs::augment_args,
    run: connect,
    ..Definition::PLAIN
};

/// `network disconnect`
pub const DISCONNECT: Definition = Definition {
    group: "network",
    in_group: &["disconnect"],
    about: "Disconnect a container from a network",
    usage: "[OPTIONS] NETWORK CONTAINER",
    arity: (2, Some(2)),
    flags: DisconnectArgs::augment_args,
    run: |matches, words, session| {
        let args = DisconnectArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
        let [network, container] = words else { return Ok(1) };
        session.engine()?.disconnect(network, container, args.force)?;
        Ok(0)
    },
    ..Definition::PLAIN
};

/// `network inspect`
pub const INSPECT: Definition = Definition {
    group: "network",
    in_group: &["inspect"],
    about: "Display detailed information on one or more networks",
    usage: "[OPTIONS] NETWORK [NETWORK...]",
    arity: (1, None),
    flags: InspectArgs::augment_args,
    run: |matches, names, session| {
        let args = InspectArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
        show_objects(args.format.as_deref(), names, session, &|engine, name| engine.inspect(docker::Object::Network, name))
    },
    ..Definition::PLAIN
};

/// `network prune`
pub const PRUNE: Definition = Definition {
    group: "network",
    in_group: &["prune"],
    about: "Remove all unused networks",
    usage: "[OPTIONS]",
    arity: (0, Some(0)),
    flags: PruneArgs::augment_args,
    run: |matches, _, session| {
        let args = PruneArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
        if !args.confirmed(session, "This will remove all custom networks not used by at least one container.")? {
            return Ok(0);
        }
        let filters = args.filters(session)?;
        let pruned = session.engine()?.prune_networks(&filters)?;
        tell(session, "Networks", &pruned, args.dry_run)?;
        Ok(0)
    },
    ..Definition::PLAIN
};

/// `network rm`
pub const REMOVE: Definition = Definition {
    group: "network",
    in_group: &["rm", "remove"],
    about: "Remove one or more networks",
    usage: "NETWORK [NETWORK...]",
    arity: (1, None),
    flags: RemoveArgs::augment_args,
    run: remove,
    ..Definition::PLAIN
};

#[derive(Args)]
struct ConnectArgs {
    /// Add network-scoped alias for the container
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    alias: Vec<String>,
    /// driver options for the network
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    driver_opt: Vec<String>,
    /// Highest gw-priority provides the default gateway. Accepts positive and negative values.
    #[arg(long, value_name = "int", value_parser = crate::flags::integer)]
    gw_priority: Option<i64>,
    /// IPv4 address (e.g., "172.30.100.104")
    #[arg(long, value_name = "string")]
    ip: Option<String>,
    /// IPv6 address (e.g., "2001:db8::33")
    #[arg(long, value_name = "string")]
    ip6: Option<String>,
    /// Add link to another container
    #[arg(long, value_name = "list")]
    link: Vec<String>,
    /// Add a link-local address for the container
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    link_local_ip: Vec<String>,
}

#[derive(Args)]
struct DisconnectArgs {
    /// Force the container to disconnect from a network
    #[arg(short, long)]
    force: bool,
}

#[derive(Args)]
struct InspectArgs {
    /// Format output using a custom template: 'json': Print in JSON format 'TEMPLATE': Print output using the given Go template.
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    /// Verbose output for diagnostics
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Args)]
struct RemoveArgs {
    /// Do not error if the network does not exist
    #[arg(short, long)]
    force: bool,
}

/// An IPv4 address; the empty text is none.
pub(crate) fn ipv4(text: &str) -> Result<Option<Ipv4Addr>, Error> {
    let wrong = |_| Error::invalid(format!("invalid IPv4 address: {}", text.escape_debug()));
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
}

/// An IPv6 address; the empty text is none.
pub(crate) fn ipv6(text: &str) -> Result<Option<Ipv6Addr>, Error> {
    let wrong = |_| Error::invalid(format!("invalid IPv6 address: {}", text.escape_debug()));
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
}

fn connect(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = ConnectArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let [network, container] = words else { return Ok(1) };
    let place = Place {
        network: network.clone(),
        aliases: args.alias,
        links: args.link,
        address: ipv4(args.ip.as_deref().unwrap_or_default())?,
        address6: ipv6(args.ip6.as_deref().unwrap_or_default())?,
        link_local: args.link_local_ip,
        options: super::volume::pairs(&args.driver_opt),
        priority: args.gw_priority.unwrap_or_default(),
        ..Place::default()
    };
    session.engine()?.connect(network, container, &place)?;
    Ok(0)
}

fn remove(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = RemoveArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let engine = session.engine()?;
    let mut failed = false;
    for name in names {
        match engine.remove_network(name) {
            Ok(()) => session.say(name)?,
            Err(error) if args.force && error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                session.refused(&error);
                failed = true;
            }
        }
    }
    Ok(i32::from(failed))
}
