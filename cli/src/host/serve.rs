//! `drydock serve`: the Docker Engine API over the host's engine.

use super::Hosts;
use clap::{Args as _, Command, FromArgMatches as _};
use drydock::HostOptions;
use drydock::native::Opener as _;
use drydock_api::listen::{self, Endpoint};
use drydock_api::{Server, Settings};

/// The command.
pub(super) const COMMAND: &str = "serve";
/// What it does.
pub(super) const ABOUT: &str = "Offer the Docker Engine API on a socket";

/// Exit code for a command line that cannot be read, as everywhere.
const USAGE: i32 = 125;

#[derive(clap::Args)]
struct Serve {
    /// Where to listen: unix:///PATH or tcp://127.0.0.1:PORT; may be given several times
    #[arg(short = 'H', long = "host", value_name = "list", default_value = "unix:///run/drydock/docker.sock")]
    host: Vec<String>,
}

/// Serves until a signal ends it.
pub(super) fn run(args: &[String], options: &HostOptions) -> i32 {
    let command = Serve::augment_args(Command::new(COMMAND)).about(ABOUT).bin_name("drydock serve");
    let words = std::iter::once(COMMAND.to_owned()).chain(args.iter().cloned());
    let serve = match command.try_get_matches_from(words).and_then(|matches| Serve::from_arg_matches(&matches)) {
        Ok(serve) => serve,
        Err(error) => {
            // Standard output or error is gone; nobody is left to tell.
            let _ = error.print();
            return if error.use_stderr() { USAGE } else { 0 };
        }
    };
    match try_run(&serve, options) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("drydock: {error}");
            1
        }
    }
}

fn try_run(serve: &Serve, options: &HostOptions) -> drydock_core::Result<()> {
    let endpoints = serve.host.iter().map(|text| Endpoint::parse(text)).collect::<drydock_core::Result<Vec<_>>>()?;
    let engine = Hosts.open(options)?;
    let server = Server::new(engine, Settings { debug: options.debug, ..Settings::default() });
    listen::run(&endpoints, server)
}
