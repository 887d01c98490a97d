//! `date`, `uptime`, `sleep`, `usleep`, `timeout`, `time`; all over virtual time.

use super::cmd::{Cmd, Exit, Spec};
use super::text::streams::run;
use crate::sys::{Errno, Spawn, Target, WaitFor, WaitStatus};
use drydock_core::kernel::Signal;
use drydock_core::time::Timestamp;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::time::Duration;

/// strftime(3) of a moment in UTC; `%N` is nine digits of nanoseconds, as date(1) has it.
pub fn strftime(time: Timestamp, format: &str) -> String {
    let format = format.replace("%N", "%9f");
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.0)).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    jiff::fmt::strtime::format(&format, &time).unwrap_or_else(|_| format.clone())
}

/// `date [-u] [-d time] [-R] [-I[what]] [+format]`
pub async fn date(cmd: &mut Cmd) -> Exit {
    let usage = "[OPTIONS] [+FMT] [[-s] TIME]";
    let spec = Spec { short: "ud:RI::", long: &[("utc", 'u'), ("date", 'd')], not_modelled: "srD", usage };
    // `-I` takes its value only attached.
    let mut iso = None;
    cmd.args.retain(|arg| match arg.strip_prefix("-I") {
        Some(what) => {
            iso = Some(what.to_owned());
            false
        }
        None => true,
    });
    let options = cmd.options(&spec).await?;
    let time = match options.value('d') {
        None => cmd.sys.now(),
        Some(text) => match parse_date(text, cmd.sys.now()) {
            Some(time) => time,
            None => {
                let message = format!("invalid date '{text}'");
                return Err(cmd.fail(message).await);
            }
        },
    };
    let format = match (options.operands.first().and_then(|o| o.strip_prefix('+')), &iso) {
        (Some(format), _) => format.to_owned(),
        (None, Some(what)) => match what.as_str() {
            "" | "date" => "%Y-%m-%d",
            "hours" => "%Y-%m-%dT%H+00:00",
            "minutes" => "%Y-%m-%dT%H:%M+00:00",
            _ => "%Y-%m-%dT%H:%M:%S+00:00",
        }
        .to_owned(),
        (None, None) if options.has('R') => "%a, %d %b %Y %H:%M:%S +0000".to_owned(),
        (None, None) if options.operands.is_empty() => "%a %b %e %H:%M:%S UTC %Y".to_owned(),
        (None, None) => return Err(cmd.not_modelled("setting the time").await),
    };
    // The zone of the simulated host is UTC.
    let text = strftime(time, &format.replace("%Z", "UTC"));
    cmd.line(text).await?;
    Ok(0)
}

fn parse_date(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(seconds) = text.strip_prefix('@') {
        return Some(Timestamp(seconds.parse::<u64>().ok()?.checked_mul(1_000_000_000)?));
    }
    if text == "now" {
        return Some(now);
    }
    let formats = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y.%m.%d-%H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
    let parsed = formats.iter().find_map(|format| jiff::civil::DateTime::strptime(format, text).ok());
    let parsed = parsed.or_else(|| Some(jiff::civil::Date::strptime("%Y-%m-%d", text).ok()?.at(0, 0, 0, 0)))?;
    let nanoseconds = parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_nanosecond();
    u64::try_from(nanoseconds).ok().map(Timestamp)
}

/// `uptime`
pub async fn uptime(cmd: &mut Cmd) -> Exit {
    let minutes = cmd.sys.uptime().as_secs() / 60;
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        n => format!("{n} days, "),
    };
    let time = if hours > 0 { format!("{hours:2}:{rest:02}") } else { format!("{rest} min") };
    let load = cmd.sys.read_file("/proc/loadavg").await.unwrap_or_default();
    let load = String::from_utf8_lossy(&load).split(' ').take(3).collect::<Vec<_>>().join(", ");
    let now = strftime(cmd.sys.now(), "%H:%M:%S");
    cmd.line(format!(" {now} up {days}{time},  0 users,  load average: {load}")).await?;
    Ok(0)
}

/// A time such as `1.5`, `2m`, `1h30m` aside; `None` if it does not parse.
pub fn duration(text: &str) -> Option<Duration> {
    let (digits, unit) = match text.chars().last()? {
        's' => (&text[..text.len() - 1], 1.0),
        'm' => (&text[..text.len() - 1], 60.0),
        'h' => (&text[..text.len() - 1], 3600.0),
        'd' => (&text[..text.len() - 1], 86400.0),
        _ => (text, 1.0),
    };
    let seconds = digits.parse::<f64>().ok().filter(|n| *n >= 0.0 && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.'))?;
    Duration::try_from_secs_f64(seconds * unit).ok()
}

/// `sleep time…`, `sleep infinity`
pub async fn sleep(cmd: &mut Cmd) -> Exit {
    if cmd.args.is_empty() {
        return Err(cmd
            .usage(&Spec { usage: "[N]...\n\nPause for a time equal to the total of the args given", ..Spec::default() }, "")
            .await);
    }
    let mut total = Duration::ZERO;
    for text in cmd.args.clone() {
        if matches!(text.as_str(), "infinity" | "inf") {
            total = Duration::MAX;
            continue;
        }
        match duration(&text) {
            Some(time) => total = total.saturating_add(time),
            None => return Err(cmd.fail(format!("invalid number '{text}'")).await),
        }
    }
    if total == Duration::MAX {
        // Nothing ever wakes it but a signal.
        loop {
            cmd.sys.next_signal().await;
        }
    }
    cmd.sys.sleep(total).await.ok();
    Ok(0)
}

/// `usleep microseconds`
pub async fn usleep(cmd: &mut Cmd) -> Exit {
    let text = cmd.args.first().cloned().unwrap_or_default();
    match text.parse() {
        Ok(n) => {
            cmd.sys.sleep(Duration::from_micros(n)).await.ok();
            Ok(0)
        }
        Err(_) => Err(cmd.fail(format!("invalid number '{text}'")).await),
    }
}

/// `timeout [-s signal] [-k seconds] seconds program [argument…]`
pub async fn timeout(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "+s:k:", usage: "[-s SIG] [-k KILL_SECS] SECS PROG ARGS", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let [time, program @ ..] = options.operands.as_slice() else { return Err(cmd.usage(&spec, "").await) };
    let (Some(time), false) = (duration(time), program.is_empty()) else { return Err(cmd.usage(&spec, "").await) };
    let signal = match options.value('s').map_or(Ok(Signal::TERM), Signal::parse) {
        Ok(signal) => signal,
        Err(_) => return Err(cmd.fail(format!("unknown signal '{}'", options.value('s').unwrap_or_default())).await),
    };
    let spawn = Spawn {
        program: program[0].clone(),
        args: program.to_vec(),
        env: cmd.sys.environ(),
        fds: (0..3).map(|fd| (fd, fd)).collect(),
        ..Spawn::default()
    };
    let pid = match cmd.sys.spawn(spawn) {
        Ok(pid) => pid,
        Err(error) => {
            cmd.fail(format!("can't execute '{}': {error}", program[0])).await;
            return Ok(if error == Errno::ENOENT { 127 } else { 126 });
        }
    };
    let sys = cmd.sys.clone();
    let wait = || {
        let sys = sys.clone();
        async move {
            loop {
                match sys.wait(WaitFor::Pid(pid), false).await {
                    // busybox waits in a grandchild and executes the program itself: a signal that kills it kills `timeout`.
                    Ok(Some((_, WaitStatus::Signaled(signal)))) => {
                        sys.kill(Target::Pid(sys.getpid()), Some(signal)).ok();
                        sys.yield_now().await;
                        return signal.exit_code();
                    }
                    Ok(Some((_, status))) => return status.code(),
                    Ok(None) | Err(Errno::EINTR) => {}
                    Err(_) => return 1,
                }
            }
        }
    };
    let first = match select(pin!(wait()), pin!(sys.sleep(time))).await {
        Either::Left((code, _)) => Some(code),
        Either::Right(_) => None,
    };
    if let Some(code) = first {
        return Ok(code);
    }
    sys.kill(Target::Pid(pid), Some(signal)).ok();
    if let Some(more) = options.value('k').and_then(duration) {
        let second = match select(pin!(wait()), pin!(sys.sleep(more))).await {
            Either::Left((code, _)) => Some(code),
            Either::Right(_) => None,
        };
        if let Some(code) = second {
            return Ok(code);
        }
        sys.kill(Target::Pid(pid), Some(Signal::KILL)).ok();
    }
    Ok(wait().await)
}

/// `time program [argument…]`
pub async fn time(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "+p", not_modelled: "vaof", usage: "[-vpa] [-o FILE] PROG ARGS", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    if options.operands.is_empty() {
        return Err(cmd.usage(&spec, "").await);
    }
    let start = cmd.sys.moment();
    let code = run(cmd, &options.operands).await;
    let took = cmd.sys.moment().since(start);
    let show = |time: Duration| {
        if options.has('p') {
            format!("{:.2}", time.as_secs_f64())
        } else {
            format!("{}m {:.2}s", time.as_secs() / 60, time.as_secs_f64() % 60.0)
        }
    };
    let separator = if options.has('p') { ' ' } else { '\t' };
    let zero = show(Duration::ZERO);
    cmd.sys.eprint(&format!("real{separator}{}\nuser{separator}{zero}\nsys{separator}{zero}\n", show(took))).await;
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_and_read() {
        let moment = parse_date("2020-01-02 03:04:05", Timestamp(0)).expect("valid");
        assert_eq!(strftime(moment, "%F %T %j %a %b %e.%N"), "2020-01-02 03:04:05 002 Thu Jan  2.000000000");
        assert_eq!(parse_date("@5", Timestamp(0)), Some(Timestamp(5_000_000_000)));
        assert_eq!(parse_date("yesterday-ish", Timestamp(0)), None);
        assert_eq!(duration("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        assert_eq!((duration("x"), duration("-1"), duration("")), (None, None, None));
    }
}
