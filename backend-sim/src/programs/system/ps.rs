//! `ps`, `top`, `pidof`, `pgrep`, `pkill`, `killall`.

use super::proc::{Process, all};
use crate::programs::cmd::{Cmd, Exit, Options, Spec};
use crate::programs::users::Passwd;
use crate::sys::Target;
use drydock_core::kernel::Signal;

/// `ps [-o columns] [-T]`; the letters of other systems (`ps aux`, `ps -ef`) change nothing, as in busybox.
pub async fn ps(cmd: &mut Cmd) -> Exit {
    let mut value = false;
    cmd.args.retain(|arg| std::mem::replace(&mut value, arg == "-o") || arg.starts_with('-'));
    let options =
        cmd.options(&Spec { short: "o:aAdefluwx", not_modelled: "TZ", usage: "[-o COL1,COL2=HEADER] [-T]", ..Spec::default() }).await?;
    let columns: Vec<String> = match options.values('o') {
        [] => ["pid", "user", "time", "args"].map(str::to_owned).to_vec(),
        lists => lists.iter().flat_map(|list| list.split(',')).map(str::to_owned).collect(),
    };
    let users = Passwd::read(&cmd.sys).await;
    let mut header = Vec::new();
    for column in &columns {
        let (name, title) = column.split_once('=').map_or((column.as_str(), None), |(n, t)| (n, Some(t)));
        let Some((default, width)) = title_of(name) else {
            return Err(cmd
                .fail(format!(
                    "bad -o argument '{name}', supported arguments: user,group,comm,args,pid,ppid,pgid,tty,vsz,sid,stat,rss,time,etime"
                ))
                .await);
        };
        header.push((name.to_owned(), title.unwrap_or(default).to_owned(), width));
    }
    let line = |cells: Vec<String>| {
        let count = cells.len();
        let padded =
            cells.into_iter().zip(&header).enumerate().map(|(i, (cell, (name, _, width)))| match (i + 1 == count, name.as_str()) {
                (true, "args" | "comm" | "user") => cell,
                (_, "pid" | "ppid" | "pgid" | "sid" | "vsz" | "rss") => format!("{cell:>width$}"),
                _ => format!("{cell:<width$}"),
            });
        padded.collect::<Vec<_>>().join(" ")
    };
    let titles = header.iter().map(|(name, title, width)| {
        // The title of a number's column stands at its left.
        if matches!(name.as_str(), "pid" | "ppid" | "pgid" | "sid" | "vsz" | "rss") { format!("{title:<width$}") } else { title.clone() }
    });
    cmd.line(line(titles.collect())).await?;
    let uptime = cmd.sys.uptime().as_secs();
    for process in all(&cmd.sys).await {
        let cells = header.iter().map(|(name, _, _)| cell(name, &process, &users, uptime)).collect();
        cmd.line(line(cells)).await?;
    }
    Ok(0)
}

fn title_of(name: &str) -> Option<(&'static str, usize)> {
    Some(match name {
        "user" => ("USER", 8),
        "group" => ("GROUP", 8),
        "comm" => ("COMMAND", 16),
        "args" => ("COMMAND", 27),
        "pid" => ("PID", 5),
        "ppid" => ("PPID", 5),
        "pgid" => ("PGID", 5),
        "tty" => ("TT", 6),
        "vsz" => ("VSZ", 4),
        "sid" => ("SID", 5),
        "stat" => ("STAT", 4),
        "rss" => ("RSS", 4),
        "time" => ("TIME", 5),
        "etime" => ("ELAPSED", 7),
        _ => return None,
    })
}

fn cell(name: &str, p: &Process, users: &Passwd, uptime: u64) -> String {
    let minutes = |seconds: u64| format!("{}:{:02}", seconds / 60, seconds % 60);
    let size = |kb: u64| if kb < 100_000 { kb.to_string() } else { format!("{}m", kb / 1024) };
    match name {
        "user" => users.name(p.uid).chars().take(8).collect(),
        "group" => p.gid.to_string(),
        "comm" => p.comm.clone(),
        "args" => p.command(),
        "pid" => p.pid.to_string(),
        "ppid" => p.parent.to_string(),
        "pgid" => p.group.to_string(),
        "sid" => p.session.to_string(),
        "tty" => {
            if p.tty == 0 {
                "?".to_owned()
            } else {
                format!("{},{}", p.tty >> 8, p.tty & 0xff)
            }
        }
        "vsz" => size(p.virtual_kb),
        "rss" => size(p.resident_kb),
        "stat" => p.state.clone(),
        "time" => minutes(p.ticks / 100),
        _ => minutes(uptime.saturating_sub(p.started / 100)),
    }
}

/// `top -b -n 1`: one look, also on a terminal.
pub async fn top(cmd: &mut Cmd) -> Exit {
    let options =
        cmd.options(&Spec { short: "bn:d:", not_modelled: "mH", usage: "[-b] [-n COUNT] [-d SECONDS]", ..Spec::default() }).await?;
    let count: u32 = options.value('n').and_then(|n| n.parse().ok()).unwrap_or(1);
    let pause = options.value('d').and_then(|d| d.parse().ok()).unwrap_or(5.0);
    let users = Passwd::read(&cmd.sys).await;
    let mut before: Vec<Process> = Vec::new();
    for round in 0..count {
        if round > 0 {
            cmd.flush().await?;
            cmd.sys.sleep(std::time::Duration::from_secs_f64(pause)).await.ok();
            cmd.line("").await?;
        }
        let now = all(&cmd.sys).await;
        one_look(cmd, &now, &before, &users, if round > 0 { pause } else { cmd.sys.uptime().as_secs_f64() }).await?;
        before = now;
    }
    Ok(0)
}

async fn one_look(cmd: &mut Cmd, now: &[Process], before: &[Process], users: &Passwd, seconds: f64) -> Result<(), i32> {
    let memory = super::info::Memory::read(&cmd.sys).await;
    cmd.line(format!(
        "Mem: {}K used, {}K free, {}K shrd, {}K buff, {}K cached",
        memory.total - memory.free,
        memory.free,
        memory.shared,
        memory.buffers,
        memory.cached
    ))
    .await?;
    let cpus = cmd.sys.read_file("/proc/cpuinfo").await.unwrap_or_default();
    let cpus = String::from_utf8_lossy(&cpus).lines().filter(|l| l.starts_with("processor")).count().max(1);
    let used = |p: &Process| p.ticks - before.iter().find(|b| b.pid == p.pid).map_or(0, |b| b.ticks.min(p.ticks));
    let total = (seconds * 100.0 * cpus as f64).max(1.0);
    let percent = |ticks: u64| (ticks as f64 * 100.0 / total).round().min(100.0) as u64;
    let busy = percent(now.iter().map(used).sum());
    cmd.line(format!("CPU: {busy:3}% usr   0% sys   0% nic {:3}% idle   0% io   0% irq   0% sirq", 100 - busy)).await?;
    let load = cmd.sys.read_file("/proc/loadavg").await.unwrap_or_default();
    cmd.line(format!("Load average: {}", String::from_utf8_lossy(&load).trim_end())).await?;
    cmd.line("  PID  PPID USER     STAT   VSZ %VSZ %CPU COMMAND").await?;
    let mut order: Vec<&Process> = now.iter().collect();
    order.sort_by_key(|p| (std::cmp::Reverse(used(p)), std::cmp::Reverse(p.virtual_kb), p.pid));
    for p in order {
        let share = (p.virtual_kb * 100).checked_div(memory.total).unwrap_or(0);
        let size = if p.virtual_kb < 100_000 { p.virtual_kb.to_string() } else { format!("{}m", p.virtual_kb / 1024) };
        let user: String = users.name(p.uid).chars().take(8).collect();
        cmd.line(format!(
            "{:5} {:5} {user:<8} {:<4} {size:>5} {share:3}% {:3}% {}",
            p.pid,
            p.parent,
            p.state,
            percent(used(p)),
            p.command()
        ))
        .await?;
    }
    Ok(())
}

/// Whether a process runs the program of this name.
fn runs(process: &Process, name: &str) -> bool {
    let program = process.args.first().map_or("", |a| a.rsplit('/').next().unwrap_or_default());
    process.comm == name || program == name
}

/// `pidof [-s] [-o pid] name…`: newest first.
pub async fn pidof(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "so:", usage: "[-s] [-o PID] [NAME]...", ..Spec::default() }).await?;
    let omit: Vec<u32> = options.values('o').iter().filter_map(|o| o.parse().ok()).collect();
    let mut found: Vec<String> = Vec::new();
    for process in all(&cmd.sys).await.iter().rev() {
        if options.operands.iter().any(|name| runs(process, name)) && !omit.contains(&process.pid) {
            found.push(process.pid.to_string());
        }
    }
    if options.has('s') {
        found.truncate(1);
    }
    if found.is_empty() {
        return Ok(1);
    }
    cmd.line(found.join(" ")).await?;
    Ok(0)
}

/// Processes that `pgrep` and `pkill` choose; never themselves.
async fn chosen(cmd: &mut Cmd, options: &Options) -> Result<Vec<Process>, i32> {
    use crate::programs::text::regex::{BadPattern, Grammar, compile};
    let pattern = options.operands.first().cloned().unwrap_or_default();
    let regex = match compile(&pattern, Grammar::Extended, false) {
        Ok(regex) => regex,
        Err(BadPattern::Wrong(message)) => return Err(cmd.fail(message).await),
        Err(BadPattern::NotModelled(what)) => return Err(cmd.not_modelled(what).await),
    };
    let own = cmd.sys.getpid();
    let fits = |process: &Process| {
        let text = if options.has('f') { process.command() } else { process.comm.clone() };
        let whole = |m: regex_lite::Match<'_>| !options.has('x') || m.as_str().len() == text.len();
        let parent = options.value('P').and_then(|p| p.parse().ok()).is_none_or(|p: u32| process.parent == p);
        process.pid != own && parent && regex.find(&text).is_some_and(whole) != options.has('v')
    };
    let mut all: Vec<Process> = all(&cmd.sys).await.into_iter().filter(fits).collect();
    if options.has('n') {
        all.drain(..all.len().saturating_sub(1));
    }
    if options.has('o') {
        all.truncate(1);
    }
    Ok(all)
}

/// `pgrep [-flnovx] [-P parent] pattern`
pub async fn pgrep(cmd: &mut Cmd) -> Exit {
    let options = cmd
        .options(&Spec { short: "flnovxaP:", not_modelled: "s", usage: "[-flanovx] [-s SID|-P PPID|PATTERN]", ..Spec::default() })
        .await?;
    let found = chosen(cmd, &options).await?;
    for process in &found {
        let text = match (options.has('a'), options.has('l')) {
            (true, _) => format!("{} {}", process.pid, process.command()),
            (_, true) => format!("{} {}", process.pid, process.comm),
            _ => process.pid.to_string(),
        };
        cmd.line(text).await?;
    }
    Ok(i32::from(found.is_empty()))
}

/// A `-SIGNAL` among the arguments, taken out.
fn take_signal(cmd: &mut Cmd) -> Result<Signal, String> {
    let named = cmd.args.iter().position(|a| {
        a.strip_prefix('-').is_some_and(|s| {
            s.len() > 1 && s.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()) && Signal::parse(s).is_ok()
        })
    });
    match named {
        Some(at) => Signal::parse(&cmd.args.remove(at)[1..]).map_err(|error| error.to_string()),
        None => Ok(Signal::TERM),
    }
}

/// `pkill [-SIGNAL] [-flnovx] [-P parent] pattern`
pub async fn pkill(cmd: &mut Cmd) -> Exit {
    let signal = match take_signal(cmd) {
        Ok(signal) => signal,
        Err(message) => return Err(cmd.fail(message).await),
    };
    let options = cmd
        .options(&Spec { short: "flnovxP:", not_modelled: "s", usage: "[-l|-SIGNAL] [-xfvno] [-s SID|-P PPID|PATTERN]", ..Spec::default() })
        .await?;
    let found = chosen(cmd, &options).await?;
    for process in &found {
        cmd.sys.kill(Target::Pid(process.pid), Some(signal)).ok();
    }
    Ok(i32::from(found.is_empty()))
}

/// `killall [-SIGNAL] [-q] name…`
pub async fn killall(cmd: &mut Cmd) -> Exit {
    let signal = match take_signal(cmd) {
        Ok(signal) => signal,
        Err(message) => return Err(cmd.fail(message).await),
    };
    let options = cmd.options(&Spec { short: "q", usage: "[-lq] [-SIG] NAME...", ..Spec::default() }).await?;
    let own = cmd.sys.getpid();
    let processes = all(&cmd.sys).await;
    let mut status = 0;
    for name in &options.operands {
        let mut any = false;
        for process in processes.iter().filter(|p| runs(p, name) && p.pid != own) {
            any |= cmd.sys.kill(Target::Pid(process.pid), Some(signal)).is_ok();
        }
        if !any {
            status = if options.has('q') { 1 } else { cmd.fail(format!("{name}: no process killed")).await };
        }
    }
    Ok(status)
}
