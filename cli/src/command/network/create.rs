//! `drydock network create`

use crate::command::Definition;
use crate::command::volume::pairs;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::network::NetworkRequest;
use drydock_core::{Error, Result};
use ipnet::IpNet;
use std::net::IpAddr;

/// `network create`
pub const CREATE: Definition = Definition {
    group: "network",
    in_group: &["create"],
    about: "Create a network",
    usage: "[OPTIONS] NETWORK",
    arity: (1, Some(1)),
    flags: CreateArgs::augment_args,
    run: create,
    ..Definition::PLAIN
};

#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "Docker's own switches")]
struct CreateArgs {
    /// Enable manual container attachment
    #[arg(long)]
    attachable: bool,
    /// Auxiliary IPv4 or IPv6 addresses used by Network driver (default map[])
    #[arg(long, value_name = "map")]
    aux_address: Vec<String>,
    /// The network from which to copy the configuration
    #[arg(long, value_name = "string")]
    config_from: Option<String>,
    /// Create a configuration only network
    #[arg(long)]
    config_only: bool,
    /// Driver to manage the Network
    #[arg(short, long, value_name = "string", default_value = "bridge")]
    driver: String,
    /// IPv4 or IPv6 Gateway for the master subnet
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    gateway: Vec<String>,
    /// Create swarm routing-mesh network
    #[arg(long)]
    ingress: bool,
    /// Restrict external access to the network
    #[arg(long)]
    internal: bool,
    /// Allocate container ip from a sub-range
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    ip_range: Vec<String>,
    /// IP Address Management Driver
    #[arg(long, value_name = "string", default_value = "default")]
    ipam_driver: String,
    /// Set IPAM driver specific options (default map[])
    #[arg(long, value_name = "map")]
    ipam_opt: Vec<String>,
    /// Enable or disable IPv4 address assignment
    #[arg(long, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set, default_value = "true", default_missing_value = "true", hide_default_value = true, value_parser = crate::flags::parse_bool)]
    ipv4: bool,
    /// Enable or disable IPv6 address assignment
    #[arg(long)]
    ipv6: bool,
    /// Set metadata on a network
    #[arg(long, value_name = "list")]
    label: Vec<String>,
    /// Set driver specific options (default map[])
    #[arg(short, long, value_name = "map")]
    opt: Vec<String>,
    /// Control the network's scope
    #[arg(long, value_name = "string")]
    scope: Option<String>,
    /// Subnet in CIDR format that represents a network segment
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    subnet: Vec<String>,
}

fn create(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = CreateArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let request = request(&args, words.first().map(String::as_str).unwrap_or_default()).map_err(Failure::Client)?;
    let id = session.engine()?.create_network(&request)?;
    session.say(id.as_str())?;
    Ok(0)
}

/// What is asked for, or what fits nowhere, in the words of Docker's client.
fn request(args: &CreateArgs, name: &str) -> Result<NetworkRequest> {
    for (given, what) in [
        (!args.ipv4, "--ipv4=false"),
        (args.ingress, "--ingress"),
        (args.scope.as_deref().is_some_and(|s| !matches!(s, "" | "local")), "a scope other than local"),
        (!args.ipam_opt.is_empty(), "--ipam-opt"),
    ] {
        if given {
            return Err(Error::unsupported(what));
        }
    }
    if !matches!(args.ipam_driver.as_str(), "" | "default") {
        let driver = args.ipam_driver.escape_debug();
        return Err(Error::not_found(format!("could not find plugin {driver} in v1 plugin registry: plugin not found")));
    }
    let subnets = args.subnet.iter().map(|text| net(text)).collect::<Result<Vec<_>>>()?;
    if subnets.is_empty() && !(args.gateway.is_empty() && args.ip_range.is_empty()) {
        return Err(Error::invalid("every ip-range or gateway must have a corresponding subnet"));
    }
    let mut request = NetworkRequest {
        name: name.to_owned(),
        driver: args.driver.clone(),
        internal: args.internal,
        attachable: args.attachable,
        labels: pairs(&args.label),
        options: pairs(&args.opt),
        ipv6: args.ipv6,
        config_only: args.config_only,
        config_from: args.config_from.clone().unwrap_or_default(),
        ..NetworkRequest::default()
    };
    for subnet in &subnets {
        let taken = match subnet {
            IpNet::V4(subnet) => request.subnet.replace(*subnet).is_some(),
            IpNet::V6(subnet) => request.subnet6.replace(*subnet).is_some(),
        };
        if taken {
            return Err(Error::invalid("bridge driver doesn't support multiple subnets"));
        }
    }
    let inside = |ip: IpAddr| subnets.iter().any(|s| s.contains(&ip));
    for text in &args.ip_range {
        match net(text)? {
            range if !inside(range.addr()) => return Err(Error::invalid(format!("no matching subnet for range {text}"))),
            IpNet::V4(range) => request.range = Some(range),
            IpNet::V6(range) => request.range6 = Some(range),
        }
    }
    for text in &args.gateway {
        let wrong = |_| Error::invalid(format!("invalid gateway {}", text.escape_debug()));
        match text.parse::<IpAddr>().map_err(wrong)? {
            ip if !inside(ip) => return Err(Error::invalid(format!("no matching subnet for gateway {ip}"))),
            IpAddr::V4(ip) => request.gateway = Some(ip),
            IpAddr::V6(ip) => request.gateway6 = Some(ip),
        }
    }
    for (name, text) in pairs(&args.aux_address) {
        let wrong = |_| Error::invalid(format!("invalid aux-address {}", text.escape_debug()));
        let ip = text.parse::<IpAddr>().map_err(wrong)?;
        if !inside(ip) {
            return Err(Error::invalid(format!("no matching subnet for aux-address {ip}")));
        }
        request.reserved.insert(name, ip);
    }
    Ok(request)
}

fn net(text: &str) -> Result<IpNet> {
    text.parse().map_err(|_| Error::invalid(format!("invalid CIDR address: {}", text.escape_debug())))
}
