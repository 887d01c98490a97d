//! `kill`

use super::cmd::{Cmd, Exit};
use crate::sys::Target;
use drydock_core::kernel::Signal;

/// What `kill` is asked.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// `-l`: this text.
    List(String),
    /// Send this signal (`None` only asks) to these, each with its text.
    Send(Option<Signal>, Vec<(String, Target)>),
}

fn signal(text: &str) -> Result<Option<Signal>, String> {
    if text == "0" {
        return Ok(None);
    }
    Signal::parse(text).map(Some).map_err(|_| format!("bad signal name '{text}'"))
}

/// Reads `kill`'s arguments; errors are in busybox's words.
pub fn parse(args: &[String]) -> Result<Request, String> {
    let mut which = Signal::from_number(15).ok();
    let mut rest = args;
    match args.first().map(String::as_str) {
        Some("-l" | "-L") => return list(&args[1..]),
        Some("--") => rest = &args[1..],
        Some("-s" | "-n") => {
            which = signal(args.get(1).ok_or("option requires an argument -- 's'")?)?;
            rest = &args[2..];
        }
        Some(option) if option.starts_with('-') && option.len() > 1 => {
            which = signal(&option[1..])?;
            rest = &args[1..];
        }
        _ => {}
    }
    let rest = rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest);
    if rest.is_empty() {
        return Err("you need to specify whom to kill".to_owned());
    }
    let target = |text: &String| {
        let number: i64 = text.parse().map_err(|_| format!("invalid number '{text}'"))?;
        let to = match number {
            -1 => Target::All,
            0 => Target::Group(0),
            n => {
                let id = u32::try_from(n.unsigned_abs()).map_err(|_| format!("invalid number '{text}'"))?;
                if n < 0 { Target::Group(id) } else { Target::Pid(id) }
            }
        };
        Ok((text.clone(), to))
    };
    Ok(Request::Send(which, rest.iter().map(target).collect::<Result<_, String>>()?))
}

fn list(of: &[String]) -> Result<Request, String> {
    if let Some(one) = of.first() {
        let text = match one.parse::<i32>() {
            // A status above 128 names the signal that it stands for.
            Ok(n) => Signal::from_number(if n > 128 { n - 128 } else { n }).map(|s| s.to_string().trim_start_matches("SIG").to_owned()),
            Err(_) => Signal::parse(one).map(|s| s.number().to_string()),
        };
        return text.map(|text| Request::List(format!("{text}\n"))).map_err(|_| format!("unknown signal '{one}'"));
    }
    let lines = (1..32).filter_map(|n| Some(format!("{n:2}) {}\n", Signal::from_number(n).ok()?.to_string().trim_start_matches("SIG"))));
    Ok(Request::List(lines.collect()))
}

/// `kill [-SIGNAL] pid…`
pub async fn kill(cmd: &mut Cmd) -> Exit {
    match parse(&cmd.args) {
        Err(message) => Err(cmd.fail(message).await),
        Ok(Request::List(text)) => {
            cmd.print(text).await?;
            Ok(0)
        }
        Ok(Request::Send(signal, targets)) => {
            let mut status = 0;
            for (text, target) in targets {
                if let Err(error) = cmd.sys.kill(target, signal) {
                    status = cmd.fail(format!("can't kill pid {text}: {error}")).await;
                }
            }
            Ok(status)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_named_or_numbered_and_groups_are_negative() {
        let run = |args: &[&str]| parse(&args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>());
        assert_eq!(run(&["12"]), Ok(Request::Send(Some(Signal::TERM), vec![("12".to_owned(), Target::Pid(12))])));
        assert_eq!(run(&["-9", "-5"]), Ok(Request::Send(Some(Signal::KILL), vec![("-5".to_owned(), Target::Group(5))])));
        assert_eq!(run(&["-s", "HUP", "--", "-1"]), Ok(Request::Send(Some(Signal::HUP), vec![("-1".to_owned(), Target::All)])));
        assert_eq!(run(&["-0", "7"]), Ok(Request::Send(None, vec![("7".to_owned(), Target::Pid(7))])));
        assert_eq!(run(&["-FOO", "1"]), Err("bad signal name 'FOO'".to_owned()));
        assert_eq!(run(&["-l", "137"]), Ok(Request::List("KILL\n".to_owned())));
    }
}
