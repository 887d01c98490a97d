//! `drydock port`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::format::ports;
use crate::session::Session;
use clap::ArgMatches;

/// `port`
pub const DEFINITION: Definition = Definition {
    name: "port",
    group: "container",
    in_group: &["port"],
    about: "List port mappings or a specific mapping for the container",
    usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
    arity: (1, Some(2)),
    run,
    ..Definition::PLAIN
};

fn run(_: &ArgMatches, args: &[String], session: &mut Session<'_>) -> Outcome {
    let engine = session.engine()?;
    let Some(name) = args.first() else { return Ok(1) };
    let mut published = engine.container(name)?.published;
    published.sort_by_key(|p| (p.container_port, p.protocol, p.host_ip, p.host_port));
    let Some(asked) = args.get(1) else {
        for p in published {
            let line =
                format!("{}/{} -> {}", p.container_port, ports::protocol(p.protocol), ports::address(p.host_ip, &p.host_port.to_string()));
            session.say(&line)?;
        }
        return Ok(0);
    };
    let (number, protocol) = asked.split_once('/').unwrap_or((asked, "tcp"));
    let number: u16 = number.parse().map_err(|_| {
        Failure::said(format!("Error: invalid port ({0}): strconv.ParseUint: parsing \"{0}\": invalid syntax", number.escape_debug()))
    })?;
    let fits: Vec<_> = published.iter().filter(|p| p.container_port == number && ports::protocol(p.protocol) == protocol).collect();
    if fits.is_empty() {
        return Err(Failure::said(format!("Error: No public port '{asked}' published for {name}")));
    }
    for p in fits {
        session.say(&ports::address(p.host_ip, &p.host_port.to_string()))?;
    }
    Ok(0)
}
