//! `drydock update`

use super::Definition;
use super::container_options::{bytes, cpus, swap};
use crate::failure::{Failure, Outcome};
use crate::flags::{integer, unsigned};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::Result;
use drydock_core::container::{mounts, restart};
use drydock_core::engine::ContainerUpdate;
use drydock_core::limits::Resources;
use drydock_core::network::{PortRequest, ports};

/// `update`
pub const DEFINITION: Definition = Definition {
    name: "update",
    group: "container",
    in_group: &["update"],
    about: "Update configuration of one or more containers",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    arity: (1, None),
    flags: UpdateArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct UpdateArgs {
    /// Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)
    #[arg(long, value_name = "uint16", value_parser = unsigned)]
    blkio_weight: Option<u64>,
    /// Limit CPU CFS (Completely Fair Scheduler) period
    #[arg(long, value_name = "int", value_parser = unsigned)]
    cpu_period: Option<u64>,
    /// Limit CPU CFS (Completely Fair Scheduler) quota
    #[arg(long, value_name = "int", value_parser = integer)]
    cpu_quota: Option<i64>,
    /// CPU shares (relative weight)
    #[arg(short, long, value_name = "int", value_parser = unsigned)]
    cpu_shares: Option<u64>,
    /// Number of CPUs
    #[arg(long, value_name = "decimal", value_parser = cpus)]
    cpus: Option<u64>,
    /// CPUs in which to allow execution (0-3, 0,1)
    #[arg(long, value_name = "string")]
    cpuset_cpus: Option<String>,
    /// MEMs in which to allow execution (0-3, 0,1)
    #[arg(long, value_name = "string")]
    cpuset_mems: Option<String>,
    /// Memory limit
    #[arg(short, long, value_name = "bytes", value_parser = bytes)]
    memory: Option<u64>,
    /// Memory soft limit
    #[arg(long, value_name = "bytes", value_parser = bytes)]
    memory_reservation: Option<u64>,
    /// Swap limit equal to memory plus swap: -1 to enable unlimited swap
    #[arg(long, value_name = "bytes", value_parser = swap)]
    memory_swap: Option<i64>,
    /// Attach a filesystem mount to the container, while it runs
    #[arg(long, value_name = "mount", value_parser = super::container_options::mount)]
    mount_add: Vec<String>,
    /// Take the mount at this path of the container away, unless it is in use there
    #[arg(long, value_name = "list")]
    mount_rm: Vec<String>,
    /// Tune container pids limit (set -1 for unlimited)
    #[arg(long, value_name = "int", value_parser = integer)]
    pids_limit: Option<i64>,
    /// Publish a port of the container to the host, while it runs
    #[arg(long, value_name = "list")]
    publish_add: Vec<String>,
    /// Publish a port no more: CONTAINER_PORT[/PROTO], or as it was given to -p
    #[arg(long, value_name = "list")]
    publish_rm: Vec<String>,
    /// Restart policy to apply when a container exits
    #[arg(long, value_name = "string")]
    restart: Option<String>,
}

fn weight(weight: u64) -> std::result::Result<u16, Failure> {
    u16::try_from(weight).map_err(|_| {
        let why = format!("strconv.ParseUint: parsing \"{weight}\": value out of range");
        Failure::Flag(format!("invalid argument \"{weight}\" for \"--blkio-weight\" flag: {why}"))
    })
}

fn requests(list: &[String]) -> std::result::Result<Vec<PortRequest>, Failure> {
    let parsed: Result<Vec<_>> = list.iter().map(|p| ports::parse(p)).collect();
    parsed.map(|lists| lists.concat()).map_err(Failure::Client)
}

fn run(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = UpdateArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let change = ContainerUpdate {
        resources: Resources {
            memory: args.memory,
            memory_swap: args.memory_swap,
            memory_reservation: args.memory_reservation,
            nano_cpus: args.cpus,
            cpu_quota: args.cpu_quota,
            cpu_period: args.cpu_period,
            cpu_shares: args.cpu_shares,
            cpuset_cpus: args.cpuset_cpus,
            cpuset_mems: args.cpuset_mems,
            blkio_weight: args.blkio_weight.map(weight).transpose()?,
            pids: args.pids_limit,
            ..Resources::default()
        },
        restart: args.restart.as_deref().map(restart::parse).transpose()?,
        publish_add: requests(&args.publish_add)?,
        publish_remove: requests(&args.publish_rm)?,
        mount_add: args.mount_add.iter().map(|text| mounts::parse_mount(text)).collect::<Result<Vec<_>>>()?,
        mount_remove: args.mount_rm.clone(),
    };
    if change.is_empty() {
        return Err(Failure::said("you must provide one or more flags when using this command"));
    }
    session.each(names, &mut |_, engine, name| {
        engine.update(name, &change)?;
        Ok(Some(name.to_owned()))
    })
}
