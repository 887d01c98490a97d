//! `drydock conform`: the suite, from its own crate.

use clap::{Args as _, Command, FromArgMatches as _};
use drydock_conformance::command::Conform;

/// Exit code for a command line that cannot be read, as everywhere.
const USAGE: i32 = 125;

/// Runs the suite by its own options.
pub(super) fn run(args: &[String]) -> i32 {
    let command =
        Conform::augment_args(Command::new("conform")).about("Run the conformance suite against a host").bin_name("drydock conform");
    let words = std::iter::once("conform".to_owned()).chain(args.iter().cloned());
    let conform = command.try_get_matches_from(words).and_then(|matches| Conform::from_arg_matches(&matches));
    match conform {
        Ok(conform) => conform.execute(&mut std::io::stdout(), &mut std::io::stderr()),
        Err(error) => {
            // Standard output or error is gone; nobody is left to tell.
            let _ = error.print();
            if error.use_stderr() { USAGE } else { 0 }
        }
    }
}
