//! `stty`, `clear`, `reset`.

use crate::programs::cmd::{Cmd, Exit};
use crate::sys::{STDIN, Termios};

/// `stty [-a | size | sane | raw | [-]echo | [-]icanon | [-]isig | [-]opost | [-]icrnl]…`
pub async fn stty(cmd: &mut Cmd) -> Exit {
    let mut settings = match cmd.sys.termios(STDIN) {
        Ok(settings) => settings,
        Err(error) => return Err(cmd.fail(format!("standard input: {error}")).await),
    };
    let (rows, columns) = cmd.sys.window_size(STDIN).unwrap_or((0, 0));
    if cmd.args.is_empty() || cmd.args[0] == "-a" {
        let word = |on: bool, name: &str| if on { name.to_owned() } else { format!("-{name}") };
        cmd.line(format!("speed 38400 baud; rows {rows}; columns {columns}; line = 0;")).await?;
        cmd.line(format!("{} {}", word(settings.carriage_return, "icrnl"), word(settings.newline, "opost"))).await?;
        let last = [word(settings.signals, "isig"), word(settings.canonical, "icanon"), word(settings.echo, "echo")];
        cmd.line(last.join(" ")).await?;
        return Ok(0);
    }
    const SANE: Termios = Termios { canonical: true, echo: true, signals: true, newline: true, carriage_return: true };
    for arg in cmd.args.clone() {
        let (on, name) = arg.strip_prefix('-').map_or((true, arg.as_str()), |name| (false, name));
        match (name, on) {
            ("size", true) => {
                cmd.line(format!("{rows} {columns}")).await?;
                return Ok(0);
            }
            ("sane", true) | ("raw", false) => settings = SANE,
            ("raw", true) => {
                settings = Termios { canonical: false, echo: settings.echo, signals: false, newline: false, carriage_return: false }
            }
            ("echo", on) => settings.echo = on,
            ("icanon", on) => settings.canonical = on,
            ("cbreak", on) => settings.canonical = !on,
            ("isig", on) => settings.signals = on,
            ("opost", on) => settings.newline = on,
            ("icrnl", on) => settings.carriage_return = on,
            _ => return Err(cmd.not_modelled(&arg).await),
        }
    }
    match cmd.sys.set_termios(STDIN, settings) {
        Ok(()) => Ok(0),
        Err(error) => Err(cmd.fail(format!("standard input: {error}")).await),
    }
}

/// `clear`
pub async fn clear(cmd: &mut Cmd) -> Exit {
    cmd.print("\x1b[H\x1b[J").await?;
    Ok(0)
}
