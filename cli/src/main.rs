//! The program `drydock`: reads its command line, opens a host, answers with an exit code.

mod host;

use std::process::ExitCode;

fn main() -> ExitCode {
    drydock::native::restore_on_panic();
    let mut args = Vec::new();
    for word in std::env::args_os().skip(1) {
        match word.into_string() {
            Ok(word) => args.push(word),
            Err(word) => {
                eprintln!("drydock: an argument is not UTF-8: {}", word.to_string_lossy());
                return ExitCode::from(125);
            }
        }
    }
    // Supervisors and port proxies are this program again; they need nothing of the command line's.
    #[cfg(target_os = "linux")]
    if let Some(code) = drydock_linux::own_command(&args) {
        return ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1));
    }
    let code = drydock::run(&args, &mut drydock::native::Native::new(host::Hosts::new(&args)));
    ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1))
}
