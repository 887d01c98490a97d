//! The program `drydock`: reads its command line, opens a host, answers with an exit code.

mod host;

use drydock::native::{Native, restore_on_panic};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = Vec::new();
    for word in std::env::args_os().skip(1) {
        match word.into_string() {
            Ok(word) => args.push(word),
            Err(word) => {
                eprintln!("drydock: an argument is not UTF-8: {}", word.to_string_lossy().escape_debug());
                return ExitCode::from(125);
            }
        }
    }
    // An exit code has eight bits, here and everywhere.
    ExitCode::from(u8::try_from(run(&args) & 0xff).unwrap_or(1))
}

fn run(args: &[String]) -> i32 {
    if let Some(code) = host::hidden(args) {
        return code;
    }
    restore_on_panic();
    let mut native = Native::new(host::Hosts);
    match drydock::split(args, &mut native) {
        Err(code) => code,
        Ok((mut options, command)) => {
            // The suite, the labs and the book make their hosts themselves.
            let suite = command.first().is_some_and(|c| ["conform", "learn", "book"].contains(&c.as_str()));
            if let Some(file) = options.host.as_deref().and_then(|h| h.strip_prefix("sim:")).map(str::to_owned)
                && !suite
            {
                return host::sim::run(&file, &command, options, &mut native);
            }
            options.starts = host::starts(&command);
            drydock::run_on(&command, options, &mut native)
        }
    }
}
