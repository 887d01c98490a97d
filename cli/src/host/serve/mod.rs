//! `drydock serve`: the Docker Engine API over the host's engine.

mod file;
mod time;

use super::Hosts;
use clap::{Args as _, Command, FromArgMatches as _};
use drydock::HostOptions;
use drydock::native::Opener as _;
use drydock_api::listen::tls::Files;
use drydock_api::listen::{self, Endpoint, Listening};
use drydock_api::log::{Level, Log};
use drydock_api::{Server, Settings};
use drydock_core::registry::url::Url;
use drydock_core::{Error, Result};
use std::path::PathBuf;

/// The command.
pub(super) const COMMAND: &str = "serve";
/// What it does.
pub(super) const ABOUT: &str = "Offer the Docker Engine API on a socket";

/// Exit code for a command line that cannot be read, as everywhere.
const USAGE: i32 = 125;
/// What a server does when it has nothing to do.
#[cfg(target_os = "linux")]
const IDLE: Option<fn()> = Some(drydock_linux::memory::give_back);
#[cfg(not(target_os = "linux"))]
const IDLE: Option<fn()> = None;
/// How it tells whether a client has taken what was written, also in front of a simulated host.
#[cfg(target_os = "linux")]
const UNREAD: Option<drydock_api::hijack::Unread> = Some(drydock_linux::unread::unread);
#[cfg(not(target_os = "linux"))]
const UNREAD: Option<drydock_api::hijack::Unread> = None;

/// Where to listen unless said otherwise.
const SOCKET: &str = "unix:///run/drydock/docker.sock";

#[derive(clap::Args, Clone, Debug, Default)]
struct Serve {
    /// Where to listen: unix:///PATH, tcp://127.0.0.1:PORT, fd:// (systemd's sockets); may be given several times
    #[arg(short = 'H', long = "host", value_name = "list")]
    hosts: Vec<String>,
    /// File with further settings
    #[arg(long, value_name = "string", default_value = drydock_core::registry::settings::FILE)]
    config_file: String,
    /// Group for the unix socket (default "docker", where there is one)
    #[arg(short = 'G', long, value_name = "string")]
    group: Option<String>,
    /// Enable insecure registry communication
    #[arg(long = "insecure-registry", value_name = "list")]
    insecure_registries: Vec<String>,
    /// Preferred registry mirror
    #[arg(long = "registry-mirror", value_name = "list")]
    registry_mirrors: Vec<String>,
    /// Set key=value labels to the engine
    #[arg(long = "label", value_name = "list")]
    labels: Vec<String>,
    /// Set the logging level ("debug"|"info"|"warn"|"error"|"fatal") (default "info")
    #[arg(short = 'l', long, value_name = "string")]
    log_level: Option<String>,
    /// Set the logging format ("text"|"json") (default "text")
    #[arg(long, value_name = "string")]
    log_format: Option<String>,
    /// Use TLS; implied by --tlsverify
    #[arg(long)]
    tls: bool,
    /// Use TLS and verify the remote
    #[arg(long)]
    tlsverify: bool,
    /// Trust certs signed only by this CA
    #[arg(long, value_name = "string")]
    tlscacert: Option<String>,
    /// Path to TLS certificate file
    #[arg(long, value_name = "string")]
    tlscert: Option<String>,
    /// Path to TLS key file
    #[arg(long, value_name = "string")]
    tlskey: Option<String>,
}

/// Serves until a signal ends it.
pub(super) fn run(args: &[String], options: &HostOptions) -> i32 {
    let command = Serve::augment_args(Command::new(COMMAND)).about(ABOUT).bin_name("drydock serve");
    let words = std::iter::once(COMMAND.to_owned()).chain(args.iter().cloned());
    let parsed = command.try_get_matches_from(words).and_then(|matches| {
        let named = matches.value_source("config_file") == Some(clap::parser::ValueSource::CommandLine);
        Serve::from_arg_matches(&matches).map(|serve| (serve, named))
    });
    let (serve, named) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Standard output or error is gone; nobody is left to tell.
            let _ = error.print();
            return if error.use_stderr() { USAGE } else { 0 };
        }
    };
    match try_run(serve, named, options) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("drydock: {error}");
            1
        }
    }
}

fn try_run(mut serve: Serve, named: bool, options: &HostOptions) -> Result<()> {
    for mirror in &serve.registry_mirrors {
        mirror_is_one(mirror)
            .map_err(|why| Error::invalid(format!("invalid argument \"{mirror}\" for \"--registry-mirror\" flag: {why}")))?;
    }
    let mut options = options.clone();
    let ignored = file::merge(&mut serve, &mut options, named)?;
    let level = match &serve.log_level {
        _ if options.debug => Level::Debug,
        None => Level::default(),
        Some(text) => text.parse().map_err(Error::invalid)?,
    };
    let log = Log { level, format: serve.log_format.as_deref().unwrap_or_default().parse().map_err(Error::invalid)? };
    for key in ignored {
        log.say(Level::Warn, &format!("\"{key}\" in {} changes nothing here", serve.config_file));
    }
    for label in &serve.labels {
        if !label.contains('=') {
            return Err(Error::invalid(format!("bad attribute format: {}", label.escape_debug())));
        }
    }
    let listening = listening(&serve)?;
    #[cfg(target_os = "linux")]
    drydock_linux::memory::few_arenas();
    let engine = Hosts.open(&options)?;
    if options.host.as_deref() == Some("sim") {
        time::flows(&engine)?;
    }
    let settings = Settings {
        debug: level == Level::Debug,
        labels: serve.labels,
        insecure_registries: serve.insecure_registries,
        registry_mirrors: serve.registry_mirrors,
        log,
        unread: UNREAD,
    };
    listen::run(&listening, Server::new(engine, settings))
}

fn listening(serve: &Serve) -> Result<Listening> {
    let tls = (serve.tls || serve.tlsverify).then(|| {
        let given = |file: &Option<String>, name: &str| file.as_ref().map_or_else(|| certificates().join(name), PathBuf::from);
        Files {
            cert: given(&serve.tlscert, "cert.pem"),
            key: given(&serve.tlskey, "key.pem"),
            clients: serve.tlsverify.then(|| given(&serve.tlscacert, "ca.pem")),
        }
    });
    let default = [SOCKET.to_owned()];
    let hosts = if serve.hosts.is_empty() { &default[..] } else { &serve.hosts };
    let endpoints = hosts.iter().map(|text| Endpoint::parse(text, serve.tlsverify)).collect::<Result<Vec<_>>>()?;
    Ok(Listening { endpoints, group: serve.group.clone(), tls, idle: IDLE })
}

/// Where certificates are unless said otherwise, as for Docker.
fn certificates() -> PathBuf {
    match std::env::var_os("DOCKER_CERT_PATH") {
        Some(path) if !path.is_empty() => path.into(),
        _ => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".docker"),
    }
}

/// Whether a mirror's address can be one, in Docker's words.
fn mirror_is_one(mirror: &str) -> std::result::Result<(), String> {
    let shown = mirror.escape_debug();
    match mirror.split_once("://") {
        Some(("http" | "https", rest)) => {
            if Url::parse(mirror).is_err() {
                Err(format!("invalid mirror: \"{shown}\" is not a valid URI"))
            } else if rest.trim_end_matches('/').contains(['/', '?', '#', '@']) {
                Err(format!("invalid mirror: path, query, or fragment at end of the URI \"{shown}\""))
            } else {
                Ok(())
            }
        }
        Some((scheme, _)) => Err(format!("invalid mirror: unsupported scheme \"{}\" in \"{shown}\"", scheme.escape_debug())),
        None => Err(format!("invalid mirror: unsupported scheme \"\" in \"{shown}\"")),
    }
}
