//! Which hosts this program can open, and the commands that only a program has.

#[cfg(all(unix, feature = "conform"))]
mod book;
#[cfg(feature = "conform")]
mod conform;
#[cfg(all(unix, feature = "serve"))]
mod docker;
#[cfg(all(unix, feature = "conform"))]
mod learn;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(unix, feature = "conform"))]
mod scratch;
#[cfg(all(unix, feature = "serve"))]
mod serve;
pub(crate) mod sim;
#[cfg(unix)]
mod terminal;

use drydock::HostOptions;
use drydock::native::Opener;
use drydock_core::engine::Engine;
use drydock_core::kernel::{Facts, OpenTree};
use drydock_core::{Error, Result};
use std::sync::Arc;

/// Commands that the library does not have.
const OWN: &[(&str, &str)] = &[
    #[cfg(all(unix, feature = "conform"))]
    (book::COMMAND, book::ABOUT),
    #[cfg(feature = "conform")]
    ("conform", "Run the conformance suite against a host"),
    #[cfg(all(unix, feature = "conform"))]
    (learn::COMMAND, learn::ABOUT),
    #[cfg(all(unix, feature = "serve"))]
    (serve::COMMAND, serve::ABOUT),
    (sim::COMMAND, "Open a terminal of a simulated host, or run a program there"),
];

/// Opens hosts by name.
pub(crate) struct Hosts;

/// Runs this program's other processes, supervisors and port holders, which need nothing of the command line's. `None` for every
/// command that a person types.
pub(crate) fn hidden(args: &[String]) -> Option<i32> {
    #[cfg(target_os = "linux")]
    return drydock_linux::own_command(args);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = args;
        None
    }
}

/// Whether a command starts containers.
pub(crate) fn starts(command: &[String]) -> bool {
    let word = match command {
        [first, second, ..] if first == "container" => second,
        [first, ..] => first,
        [] => return false,
    };
    word == "run" || word == "start"
}

impl Opener for Hosts {
    fn open(&mut self, options: &HostOptions) -> Result<Arc<dyn Engine>> {
        match options.host.as_deref() {
            #[cfg(target_os = "linux")]
            None | Some("linux") => linux::open(options),
            Some("sim") => sim::open(),
            #[cfg(all(unix, feature = "serve"))]
            Some(address) if docker::is_address(address) => docker::open(address),
            #[cfg(not(target_os = "linux"))]
            None | Some("linux") => Err(Error::unsupported("real containers, on this system").hint("use --host sim")),
            Some(other) => Err(Error::invalid(format!("unknown host \"{}\"", other.escape_debug()))
                .hint("there are linux, sim, sim:FILE, unix:///PATH and tcp://HOST:PORT")),
        }
    }

    fn facts(&mut self, options: &HostOptions) -> Result<Facts> {
        match options.host.as_deref() {
            #[cfg(target_os = "linux")]
            None | Some("linux") => linux::facts(options),
            _ => self.open(options).map(|engine| engine.facts()),
        }
    }

    fn tree(&mut self, path: &str, follow: bool) -> Result<Box<dyn OpenTree>> {
        #[cfg(target_os = "linux")]
        return drydock_linux::tree::open_path(path, follow);
        #[cfg(not(target_os = "linux"))]
        {
            let _ = follow;
            Err(Error::unsupported(format!("copying {path}, on this system")))
        }
    }

    fn own_commands(&self) -> &'static [(&'static str, &'static str)] {
        OWN
    }

    fn own_command(&mut self, name: &str, args: &[String], options: &HostOptions) -> Option<i32> {
        match name {
            #[cfg(all(unix, feature = "conform"))]
            book::COMMAND => Some(book::run(args)),
            #[cfg(feature = "conform")]
            "conform" => Some(conform::run(args)),
            #[cfg(all(unix, feature = "conform"))]
            learn::COMMAND => Some(learn::run(args, options)),
            #[cfg(all(unix, feature = "serve"))]
            serve::COMMAND => Some(serve::run(args, options)),
            sim::COMMAND => Some(sim::on_fresh_host(args, options)),
            _ => None,
        }
    }
}
