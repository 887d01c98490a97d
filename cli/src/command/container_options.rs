//! The options that `run`, `create` and `explain` share, and the configuration they come to.

use super::supervision_options::SupervisionArgs;
use crate::environment::{Environment, read_text};
use crate::failure::Failure;
use crate::flags::{integer, unsigned};
use clap::Args;
use drydock_core::container::{ContainerConfig, MountRequest, NamespaceMode, mounts, restart, ulimit};
use drydock_core::kernel::Signal;
use drydock_core::limits::{Resources, units};
use drydock_core::network::{PortRequest, ports};
use drydock_core::{Error, Result};
use std::collections::BTreeMap;

pub(crate) fn bytes(text: &str) -> std::result::Result<u64, String> {
    units::parse_bytes(text).map_err(|e| e.to_string())
}

pub(crate) fn swap(text: &str) -> std::result::Result<i64, String> {
    units::parse_swap(text).map_err(|e| e.to_string())
}

pub(crate) fn cpus(text: &str) -> std::result::Result<u64, String> {
    units::parse_cpus(text).map_err(|e| e.to_string())
}

/// What is no `--mount` at all. What is one and cannot be mounted is refused later, as Docker's client leaves it to the engine.
pub(super) fn mount(text: &str) -> std::result::Result<String, String> {
    match mounts::parse_mount(text) {
        Err(e) if !e.message().starts_with("invalid mount config") => Err(e.to_string()),
        _ => Ok(text.to_owned()),
    }
}

pub(crate) fn limit(text: &str) -> std::result::Result<String, String> {
    ulimit::parse(text).map(|_| text.to_owned()).map_err(|e| e.to_string())
}

fn stream(text: &str) -> std::result::Result<String, String> {
    let name = text.to_ascii_lowercase();
    let known = matches!(name.as_str(), "stdin" | "stdout" | "stderr");
    known.then_some(name).ok_or_else(|| "valid streams are STDIN, STDOUT and STDERR".to_owned())
}

fn address(text: &str) -> std::result::Result<String, String> {
    let parsed = text.trim().parse::<std::net::IpAddr>();
    parsed.map(|ip| ip.to_string()).map_err(|_| format!("IP address is not correctly formatted: {}", text.escape_debug()))
}

pub(crate) fn host_line(text: &str) -> std::result::Result<String, String> {
    let wrong = || format!("bad format for add-host: \"{}\"", text.escape_debug());
    let (name, ip) =
        text.split_once('=').or_else(|| text.split_once(':')).filter(|(n, i)| !n.is_empty() && !i.is_empty()).ok_or_else(wrong)?;
    let bare = ip.strip_prefix('[').and_then(|i| i.strip_suffix(']')).unwrap_or(ip);
    if bare != "host-gateway" && bare.parse::<std::net::IpAddr>().is_err() {
        return Err(format!("invalid IP address in add-host: \"{}\"", ip.escape_debug()));
    }
    Ok(format!("{name}:{bare}"))
}

/// What can be said about a container.
#[derive(Args, Debug, Clone)]
pub(crate) struct ContainerArgs {
    /// Add a custom host-to-IP mapping (host:ip)
    #[arg(long, value_name = "list", value_parser = host_line)]
    pub add_host: Vec<String>,
    #[command(flatten)]
    pub networking: super::networking::Networking,
    #[command(flatten)]
    pub surroundings: super::surroundings::Surroundings,
    /// Attach to STDIN, STDOUT or STDERR
    #[arg(short, long, value_name = "list", value_parser = stream)]
    pub attach: Vec<String>,
    /// Add Linux capabilities
    #[arg(long, value_name = "list")]
    pub cap_add: Vec<String>,
    /// Drop Linux capabilities
    #[arg(long, value_name = "list")]
    pub cap_drop: Vec<String>,
    /// Write the container ID to the file
    #[arg(long, value_name = "string")]
    pub cidfile: Option<String>,
    /// Limit CPU CFS (Completely Fair Scheduler) period
    #[arg(long, value_name = "int", value_parser = unsigned)]
    pub cpu_period: Option<u64>,
    /// Limit CPU CFS (Completely Fair Scheduler) quota
    #[arg(long, value_name = "int", value_parser = integer)]
    pub cpu_quota: Option<i64>,
    /// CPU shares (relative weight)
    #[arg(short, long, value_name = "int", value_parser = unsigned)]
    pub cpu_shares: Option<u64>,
    /// Number of CPUs
    #[arg(long, value_name = "decimal", value_parser = cpus)]
    pub cpus: Option<u64>,
    /// CPUs in which to allow execution (0-3, 0,1)
    #[arg(long, value_name = "string")]
    pub cpuset_cpus: Option<String>,
    /// Set custom DNS servers
    #[arg(long, value_name = "list", value_parser = address)]
    pub dns: Vec<String>,
    /// Set custom DNS search domains
    #[arg(long, value_name = "list")]
    pub dns_search: Vec<String>,
    /// Container NIS domain name
    #[arg(long, value_name = "string")]
    pub domainname: Option<String>,
    /// Overwrite the default ENTRYPOINT of the image
    #[arg(long, value_name = "string")]
    pub entrypoint: Option<String>,
    /// Set environment variables
    #[arg(short, long, value_name = "list")]
    pub env: Vec<String>,
    /// Read in a file of environment variables
    #[arg(long, value_name = "list")]
    pub env_file: Vec<String>,
    /// Expose a port or a range of ports
    #[arg(long, value_name = "list")]
    pub expose: Vec<String>,
    /// Add additional groups to join
    #[arg(long, value_name = "list")]
    pub group_add: Vec<String>,
    /// Container host name
    #[arg(short = 'h', long, value_name = "string")]
    pub hostname: Option<String>,
    /// Run an init inside the container that forwards signals and reaps processes
    #[arg(long)]
    pub init: bool,
    /// Keep STDIN open even if not attached
    #[arg(short, long)]
    pub interactive: bool,
    /// IPC mode to use
    #[arg(long, value_name = "string")]
    pub ipc: Option<String>,
    /// Set meta data on a container
    #[arg(short, long, value_name = "list")]
    pub label: Vec<String>,
    /// Read in a line delimited file of labels
    #[arg(long, value_name = "list")]
    pub label_file: Vec<String>,
    /// Memory limit
    #[arg(short, long, value_name = "bytes", value_parser = bytes)]
    pub memory: Option<u64>,
    /// Memory soft limit
    #[arg(long, value_name = "bytes", value_parser = bytes)]
    pub memory_reservation: Option<u64>,
    /// Swap limit equal to memory plus swap: '-1' to enable unlimited swap
    #[arg(long, value_name = "bytes", value_parser = swap)]
    pub memory_swap: Option<i64>,
    /// Attach a filesystem mount to the container
    #[arg(long, value_name = "mount", value_parser = mount)]
    pub mount: Vec<String>,
    /// Assign a name to the container
    #[arg(long, value_name = "string")]
    pub name: Option<String>,
    /// Disable OOM Killer
    #[arg(long)]
    pub oom_kill_disable: bool,
    /// Tune host's OOM preferences (-1000 to 1000)
    #[arg(long, value_name = "int", value_parser = integer)]
    pub oom_score_adj: Option<i64>,
    /// PID namespace to use
    #[arg(long, value_name = "string")]
    pub pid: Option<String>,
    /// Write the number of the container's first process to the file, at every start, and remove it at the end
    #[arg(long, value_name = "string")]
    pub pidfile: Option<String>,
    /// Tune container pids limit (set -1 for unlimited)
    #[arg(long, value_name = "int", value_parser = integer)]
    pub pids_limit: Option<i64>,
    /// Give extended privileges to this container
    #[arg(long)]
    pub privileged: bool,
    /// Publish a container's port(s) to the host
    #[arg(short, long, value_name = "list")]
    pub publish: Vec<String>,
    /// Publish all exposed ports to random ports
    #[arg(short = 'P', long)]
    pub publish_all: bool,
    /// Set platform if server is multi-platform capable
    #[arg(long, value_name = "string")]
    pub platform: Option<String>,
    /// Pull image before running ("always", "missing", "never") (default "missing")
    #[arg(long, value_name = "string")]
    pub pull: Option<String>,
    /// Suppress the pull output
    #[arg(short, long)]
    pub quiet: bool,
    /// Mount the container's root filesystem as read only
    #[arg(long)]
    pub read_only: bool,
    /// Restart policy to apply when a container exits (default "no")
    #[arg(long, value_name = "string")]
    pub restart: Option<String>,
    /// Automatically remove the container and its associated anonymous volumes when it exits
    #[arg(long)]
    pub rm: bool,
    /// Security Options
    #[arg(long, value_name = "list")]
    pub security_opt: Vec<String>,
    /// Size of /dev/shm
    #[arg(long, value_name = "bytes", value_parser = bytes)]
    pub shm_size: Option<u64>,
    /// Signal to stop the container
    #[arg(long, value_name = "string")]
    pub stop_signal: Option<String>,
    /// Timeout (in seconds) to stop a container
    #[arg(long, value_name = "int", value_parser = integer)]
    pub stop_timeout: Option<i64>,
    /// Sysctl options (default map[])
    #[arg(long, value_name = "map")]
    pub sysctl: Vec<String>,
    /// Mount a tmpfs directory
    #[arg(long, value_name = "list")]
    pub tmpfs: Vec<String>,
    /// Allocate a pseudo-TTY
    #[arg(short, long)]
    pub tty: bool,
    /// Ulimit options (default [])
    #[arg(long, value_name = "ulimit", value_parser = limit)]
    pub ulimit: Vec<String>,
    /// Username or UID (format: <name|uid>[:<group|gid>])
    #[arg(short, long, value_name = "string")]
    pub user: Option<String>,
    /// UTS namespace to use
    #[arg(long, value_name = "string")]
    pub uts: Option<String>,
    /// Bind mount a volume
    #[arg(short, long, value_name = "list")]
    pub volume: Vec<String>,
    /// Working directory inside the container
    #[arg(short, long, value_name = "string")]
    pub workdir: Option<String>,
    /// Health checks and logs.
    #[command(flatten)]
    pub supervision: SupervisionArgs,
}

/// Which streams are attached in the foreground.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attached {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

/// What `-a` and `-i` come to.
pub(crate) fn streams(args: &ContainerArgs) -> Result<Attached> {
    let asked = |name: &str| args.attach.iter().any(|a| a == name);
    if args.attach.is_empty() {
        return Ok(Attached { stdin: args.interactive, stdout: true, stderr: true });
    }
    Ok(Attached { stdin: asked("stdin") && args.interactive, stdout: asked("stdout"), stderr: asked("stderr") })
}

/// Refuses a `--cidfile` that is there already or cannot be, before anything is made.
pub(crate) fn check_id_file(environment: &dyn Environment, path: Option<&str>) -> Result<()> {
    let directory = path.and_then(|p| p.rsplit_once('/')).map(|(directory, _)| directory).filter(|d| !d.is_empty());
    match path {
        Some(path) if directory.is_some_and(|d| !environment.exists(d)) => {
            Err(Error::not_found(format!("failed to create the container ID file: open {path}: no such file or directory")))
        }
        Some(path) if environment.exists(path) => {
            Err(Error::conflict(format!("container ID file found, make sure the other container isn't running or delete {path}")))
        }
        _ => Ok(()),
    }
}

/// The configuration of a container from its options and the words after them.
pub(crate) fn config(
    environment: &mut dyn Environment,
    args: &ContainerArgs,
    words: &[String],
) -> std::result::Result<ContainerConfig, Failure> {
    let (image, command) = words.split_first().ok_or_else(|| Error::invalid("an image is missing"))?;
    match args.pull.as_deref() {
        None | Some("" | "missing" | "never" | "always") => {}
        Some(other) => {
            return Err(Failure::Flag(format!(
                "invalid pull option: '{}': must be one of \"always\", \"missing\" or \"never\"",
                other.escape_debug()
            )));
        }
    }
    if let Some(signal) = &args.stop_signal {
        Signal::parse(signal)?;
    }
    let mut config = ContainerConfig {
        image: image.clone(),
        name: args.name.clone().filter(|n| !n.is_empty()),
        command: command.to_vec(),
        entrypoint: args.entrypoint.as_ref().map(|e| if e.is_empty() { Vec::new() } else { vec![e.clone()] }),
        env: self::environment(environment, &args.env, &args.env_file)?,
        workdir: args.workdir.clone().unwrap_or_default(),
        user: args.user.clone().unwrap_or_default(),
        groups: args.group_add.clone(),
        hostname: args.hostname.clone().unwrap_or_default(),
        domainname: args.domainname.clone().unwrap_or_default(),
        tty: args.tty,
        open_stdin: args.interactive,
        stdin_once: false,
        labels: labels(environment, args)?,
        stop_signal: args.stop_signal.clone().unwrap_or_default(),
        stop_timeout: args.stop_timeout,
        ports: published(args)?,
        expose: exposed(args)?,
        publish_all: args.publish_all,
        extra_hosts: args.add_host.clone(),
        dns: args.dns.clone(),
        dns_search: args.dns_search.clone(),
        mounts: all_mounts(environment, args)?,
        resources: resources(args)?,
        cap_add: args.cap_add.clone(),
        cap_drop: args.cap_drop.clone(),
        security_opt: security(environment, &args.security_opt)?,
        privileged: args.privileged,
        read_only: args.read_only,
        init: args.init,
        restart: args.restart.as_deref().map_or(Ok(drydock_core::container::RestartPolicy::No), restart::parse)?,
        auto_remove: args.rm,
        health: args.supervision.healthcheck()?,
        on_unhealthy: args.supervision.on_unhealthy()?,
        log: args.supervision.log()?,
        pid: namespace(args.pid.as_deref(), "PID", true)?,
        ipc: ipc(args.ipc.as_deref())?,
        uts: namespace(args.uts.as_deref(), "UTS", false)?,
        ulimits: args.ulimit.clone(),
        sysctls: pairs(&args.sysctl),
        shm_size: args.shm_size.filter(|s| *s > 0),
        pid_file: args.pidfile.as_deref().filter(|p| !p.is_empty()).map(|path| pid_file(environment, path)).transpose()?,
        console_size: if args.tty { environment.size() } else { None },
        ..ContainerConfig::default()
    };
    args.surroundings.apply(&mut config)?;
    args.networking.apply(&mut config)?;
    Ok(config)
}

/// A path as the supervisor needs it, which runs elsewhere than the client.
fn pid_file(environment: &dyn Environment, path: &str) -> Result<String> {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", environment.directory()?) };
    Ok(mounts::clean(&path))
}

fn resources(args: &ContainerArgs) -> Result<Resources> {
    let oom_score_adj = args.oom_score_adj.map(|score| {
        let fits = i32::try_from(score).ok().filter(|s| (-1000..=1000).contains(s));
        fits.ok_or_else(|| Error::invalid(format!("Invalid value {score}, range for oom score adj is [-1000, 1000]")))
    });
    Ok(Resources {
        memory: args.memory.filter(|m| *m > 0),
        memory_swap: args.memory_swap.filter(|m| *m != 0),
        memory_reservation: args.memory_reservation.filter(|m| *m > 0),
        nano_cpus: args.cpus.filter(|c| *c > 0),
        cpu_quota: args.cpu_quota.filter(|q| *q != 0),
        cpu_period: args.cpu_period.filter(|p| *p > 0),
        cpu_shares: args.cpu_shares.filter(|s| *s > 0),
        cpuset_cpus: args.cpuset_cpus.clone().filter(|c| !c.is_empty()),
        pids: args.pids_limit.filter(|p| *p != 0),
        oom_kill_disable: args.oom_kill_disable,
        oom_score_adj: oom_score_adj.transpose()?,
        ..Resources::default()
    })
}

fn published(args: &ContainerArgs) -> Result<Vec<PortRequest>> {
    args.publish.iter().map(|p| ports::parse(p)).collect::<Result<Vec<_>>>().map(|lists| lists.concat())
}

fn exposed(args: &ContainerArgs) -> Result<Vec<String>> {
    let named = |list: Vec<(u16, _)>| list.into_iter().map(|(port, protocol)| ports::name(port, protocol)).collect::<Vec<_>>();
    args.expose.iter().map(|e| ports::parse_expose(e).map(named)).collect::<Result<Vec<_>>>().map(|lists| lists.concat())
}

fn namespace(mode: Option<&str>, kind: &str, shareable: bool) -> Result<NamespaceMode> {
    match mode {
        None | Some("") => Ok(NamespaceMode::Private),
        Some("host") => Ok(NamespaceMode::Host),
        Some(other) => match other.strip_prefix("container:").filter(|c| shareable && !c.is_empty()) {
            Some(container) => Ok(NamespaceMode::Container(container.to_owned())),
            None => Err(Error::invalid(format!("--{}: invalid {kind} mode", kind.to_ascii_lowercase()))),
        },
    }
}

/// `--ipc`, which has more words than the others. Docker's client lets every word pass, and the engine refuses it.
fn ipc(mode: Option<&str>) -> Result<NamespaceMode> {
    match mode {
        Some("private") => Ok(NamespaceMode::Private),
        Some("shareable") => Ok(NamespaceMode::Shareable),
        Some("none") => Ok(NamespaceMode::None),
        other => namespace(other, "IPC", true)
            .map_err(|_| Error::invalid(format!("Invalid IPC mode: {}", other.unwrap_or_default().escape_debug()))),
    }
}

fn all_mounts(environment: &dyn Environment, args: &ContainerArgs) -> Result<Vec<MountRequest>> {
    let mut all = args.mount.iter().map(|text| mounts::parse_mount(text)).collect::<Result<Vec<_>>>()?;
    if !args.volume.is_empty() {
        let directory = environment.directory()?;
        for volume in &args.volume {
            all.push(mounts::parse_volume(volume, &directory)?);
        }
    }
    for tmpfs in &args.tmpfs {
        all.push(mounts::parse_tmpfs(tmpfs)?);
    }
    Ok(all)
}

/// A seccomp profile is named by a file; what the engine gets is what is in it.
fn security(environment: &mut dyn Environment, options: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for option in options {
        match option.split_once('=').or_else(|| option.split_once(':')) {
            Some(("seccomp", profile)) if profile != "unconfined" && profile != "builtin" => {
                let text = read_text(environment, profile)
                    .map_err(|e| Error::invalid(format!("opening seccomp profile ({profile}) failed: {}", e.message())))?;
                all.push(format!("seccomp={text}"));
            }
            Some((key, value)) => all.push(format!("{key}={value}")),
            None => all.push(option.clone()),
        }
    }
    Ok(all)
}

pub(super) fn pairs(list: &[String]) -> BTreeMap<String, String> {
    let pair = |text: &String| text.split_once('=').map_or((text.clone(), String::new()), |(k, v)| (k.to_owned(), v.to_owned()));
    list.iter().map(pair).collect()
}

fn labels(environment: &mut dyn Environment, args: &ContainerArgs) -> Result<BTreeMap<String, String>> {
    let mut all = Vec::new();
    for path in &args.label_file {
        all.extend(lines(environment, path)?);
    }
    all.extend(args.label.iter().cloned());
    Ok(pairs(&all))
}

/// The variables of `--env-file` and `-e`, later ones last. One without a value is taken from the client's environment, and dropped if it is not there.
pub(crate) fn environment(environment: &mut dyn Environment, given: &[String], files: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for path in files {
        for line in lines(environment, path)? {
            let name = line.split_once('=').map_or(line.as_str(), |(name, _)| name);
            if name.is_empty() {
                return Err(Error::invalid(format!("invalid env file ({path}): no variable name on line '{}'", line.escape_debug())));
            }
            if name.contains(char::is_whitespace) {
                return Err(Error::invalid(format!("invalid env file ({path}): variable '{}' contains whitespaces", name.escape_debug())));
            }
            all.extend(resolved(environment, line));
        }
    }
    for variable in given {
        if variable.is_empty() || variable.starts_with('=') {
            return Err(Error::invalid(format!("invalid environment variable: {variable}")));
        }
        all.extend(resolved(environment, variable.clone()));
    }
    Ok(all)
}

fn resolved(environment: &dyn Environment, variable: String) -> Option<String> {
    if variable.contains('=') {
        return Some(variable);
    }
    environment.variable(&variable).map(|value| format!("{variable}={value}"))
}

/// The lines of a file of variables or labels, without comments, blank lines and the byte order mark.
fn lines(environment: &mut dyn Environment, path: &str) -> Result<Vec<String>> {
    let text = read_text(environment, path)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text.lines().map(str::trim_start).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect())
}
