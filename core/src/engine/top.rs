//! The processes of a container as ps(1) of procps lists them: `-ef`, `aux`, `-o pid,user,args`.
//!
//! Docker runs the host's own ps; here the few forms that people use are written from proc_pid_stat(5) and proc_pid_status(5), so that
//! every host has them, and no option reaches a program of the host.

use super::LocalEngine;
use super::events::Happening;
use crate::container::lifecycle::Event;
use crate::error::{Error, Result};
use crate::kernel::Task;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A table of processes, as the Engine API answers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessTable {
    /// Headers.
    pub titles: Vec<String>,
    /// Cells, a row a process.
    pub processes: Vec<Vec<String>>,
}

/// Ticks a second of the times in proc_pid_stat(5): sysconf(_SC_CLK_TCK), 100 on every machine Linux runs on today.
const TICKS: u64 = 100;
const DAY: u64 = 86_400;

/// The columns that can be asked for by name, and their headers.
const FIELDS: [(&str, &str); 34] = [
    ("args", "COMMAND"),
    ("c", "C"),
    ("cmd", "CMD"),
    ("comm", "COMMAND"),
    ("command", "COMMAND"),
    ("%cpu", "%CPU"),
    ("euid", "EUID"),
    ("etime", "ELAPSED"),
    ("etimes", "ELAPSED"),
    ("%mem", "%MEM"),
    ("ni", "NI"),
    ("nice", "NI"),
    ("nlwp", "NLWP"),
    ("pcpu", "%CPU"),
    ("pgid", "PGID"),
    ("pid", "PID"),
    ("pmem", "%MEM"),
    ("ppid", "PPID"),
    ("pri", "PRI"),
    ("rss", "RSS"),
    ("s", "S"),
    ("sess", "SESS"),
    ("sid", "SID"),
    ("start", "STARTED"),
    ("start_time", "START"),
    ("stat", "STAT"),
    ("state", "S"),
    ("stime", "STIME"),
    ("time", "TIME"),
    ("tty", "TT"),
    ("uid", "UID"),
    ("user", "USER"),
    ("vsize", "VSZ"),
    ("vsz", "VSZ"),
];

/// One column: what it shows, and its header.
struct Column {
    field: &'static str,
    title: String,
}

fn column(field: &'static str, title: &str) -> Column {
    Column { field, title: title.to_owned() }
}

fn full() -> Vec<Column> {
    [("user", "UID"), ("pid", "PID"), ("ppid", "PPID"), ("c", "C"), ("stime", "STIME"), ("tt", "TTY"), ("time", "TIME"), ("args", "CMD")]
        .map(|(field, title)| column(field, title))
        .into()
}

fn by_user() -> Vec<Column> {
    [
        ("user", "USER"),
        ("pid", "PID"),
        ("%cpu", "%CPU"),
        ("%mem", "%MEM"),
        ("vsz", "VSZ"),
        ("rss", "RSS"),
        ("tt", "TTY"),
        ("stat", "STAT"),
        ("stime", "START"),
        ("short time", "TIME"),
        ("args", "COMMAND"),
    ]
    .map(|(field, title)| column(field, title))
    .into()
}

fn refused(why: &str) -> Error {
    Error::invalid(format!("ps: error: {why}")).hint("-ef, aux, and -o with the names of columns are understood")
}

/// The columns that options of ps ask for.
fn columns(options: &[String]) -> Result<Vec<Column>> {
    let mut named = Vec::new();
    let mut form: Option<fn() -> Vec<Column>> = None;
    let mut words = options.iter().flat_map(|o| o.split_whitespace());
    while let Some(word) = words.next() {
        let letters = word.trim_start_matches('-');
        if word.starts_with("--") {
            match word.split_once('=') {
                Some(("--format", list)) => add(list, &mut named)?,
                _ => return Err(refused("unknown gnu long option")),
            }
        } else if let Some(at) = letters.find('o') {
            let (before, list) = letters.split_at(at);
            check(before)?;
            let list = list.get(1..).unwrap_or_default();
            let list = if list.is_empty() { words.next().ok_or_else(|| refused("format specification must follow -o"))? } else { list };
            add(list, &mut named)?;
        } else {
            check(letters)?;
            form = if letters.contains('u') && !word.starts_with('-') { Some(by_user) } else { form.or(Some(full)) };
        }
    }
    Ok(if named.is_empty() { form.unwrap_or(full)() } else { named })
}

/// Letters that choose processes or a form; which processes is not theirs to say here.
fn check(letters: &str) -> Result<()> {
    match letters.chars().find(|c| !"efaAduxwL".contains(*c)) {
        Some('L') | None => Ok(()),
        Some(_) => Err(refused("unsupported option (BSD syntax)")),
    }
}

fn add(list: &str, named: &mut Vec<Column>) -> Result<()> {
    for name in list.split(',').filter(|n| !n.is_empty()) {
        let (name, title) = name.split_once('=').map_or((name, None), |(n, t)| (n, Some(t)));
        let found = FIELDS.iter().find(|(field, _)| *field == name);
        let (field, usual) = found.ok_or_else(|| refused(&format!("unknown user-defined format specifier \"{}\"", name.escape_debug())))?;
        named.push(column(field, title.unwrap_or(usual)));
    }
    Ok(())
}

/// What proc says of one process.
struct Detail {
    state: String,
    group: u32,
    session: u32,
    terminal: u32,
    foreground: i64,
    ticks: u64,
    priority: i64,
    nice: i64,
    threads: u64,
    start: u64,
    name: String,
    size: u64,
    resident: u64,
}

/// Reads `/proc/PID/stat` and `/proc/PID/status`. `None` for what is no such file.
fn detail(stat: &str, status: &str) -> Option<Detail> {
    let (before, after) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    let number = |i: usize| fields.get(i).and_then(|f| f.parse::<i64>().ok()).unwrap_or(0);
    let positive = |i: usize| u64::try_from(number(i)).unwrap_or(0);
    let small = |i: usize| u32::try_from(number(i)).unwrap_or(0);
    let kib = |key: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(key));
        line.and_then(|l| l.split_ascii_whitespace().next()).and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    Some(Detail {
        state: (*fields.first()?).to_owned(),
        group: small(2),
        session: small(3),
        terminal: small(4),
        foreground: number(5),
        ticks: positive(11) + positive(12),
        priority: number(15),
        nice: number(16),
        threads: positive(17),
        start: positive(19),
        name: before.split_once('(')?.1.to_owned(),
        size: kib("VmSize:"),
        resident: kib("VmRSS:"),
    })
}

/// The host, as far as a list of processes needs it.
struct Surroundings {
    now: Timestamp,
    booted: u64,
    memory: u64,
    users: BTreeMap<u32, String>,
}

/// A terminal's number in proc_pid_stat(5), as its name below /dev.
fn terminal(number: u32) -> String {
    let (major, minor) = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xf_ff00));
    match major {
        136..=143 => format!("pts/{}", (major - 136) * 256 + minor),
        4 if minor < 64 => format!("tty{minor}"),
        _ => "?".to_owned(),
    }
}

fn two(part: u64, whole: u64) -> String {
    let tenths = if whole == 0 { 0 } else { (u128::from(part) * 1000 + u128::from(whole) / 2) / u128::from(whole) };
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn elapsed(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / DAY, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes:02}:{:02}", seconds % 60),
        (0, _) => format!("{hours:02}:{minutes:02}:{:02}", seconds % 60),
        _ => format!("{days}-{hours:02}:{minutes:02}:{:02}", seconds % 60),
    }
}

/// When it started: the time of today, or the day.
fn started(at: u64, now: u64) -> String {
    let stamp = jiff::Timestamp::from_second(i64::try_from(at).unwrap_or(0)).unwrap_or_default();
    let form = if at / DAY == now / DAY { "%H:%M" } else { "%b%d" };
    stamp.strftime(form).to_string()
}

fn cell(column: &Column, task: &Task, d: &Detail, s: &Surroundings) -> String {
    let now = s.now.0 / 1_000_000_000;
    let start = s.booted + d.start / TICKS;
    let life = now.saturating_sub(start);
    let used = d.ticks / TICKS;
    match column.field {
        "args" | "cmd" | "command" => task.command.join(" "),
        "c" => (used * 100).checked_div(life).unwrap_or(0).min(99).to_string(),
        "comm" => d.name.clone(),
        "%cpu" | "pcpu" => two(d.ticks, life * TICKS),
        "etime" => elapsed(life),
        "etimes" => life.to_string(),
        "euid" | "uid" => task.uid.to_string(),
        "%mem" | "pmem" => two(d.resident * 1024, s.memory),
        "ni" | "nice" => d.nice.to_string(),
        "nlwp" => d.threads.to_string(),
        "pgid" => d.group.to_string(),
        "pid" => task.pid.to_string(),
        "ppid" => task.parent.to_string(),
        // ps turns the kernel's number round: a greater one is more.
        "pri" => (39 - d.priority).to_string(),
        "rss" => d.resident.to_string(),
        "s" | "state" => d.state.clone(),
        "sess" | "sid" => d.session.to_string(),
        "stat" => {
            let mut text = d.state.clone();
            let marks = [
                (d.nice < 0, '<'),
                (d.nice > 0, 'N'),
                (d.session == task.pid, 's'),
                (d.threads > 1, 'l'),
                (d.foreground == i64::from(d.group), '+'),
            ];
            text.extend(marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| mark));
            text
        }
        "start" | "start_time" | "stime" => started(start, now),
        "time" => clock(used),
        "short time" => format!("{}:{:02}", used / 60, used % 60),
        "tt" | "tty" => terminal(d.terminal),
        "user" => s.users.get(&task.uid).cloned().unwrap_or_else(|| task.uid.to_string()),
        "vsize" | "vsz" => d.size.to_string(),
        _ => String::new(),
    }
}

impl LocalEngine {
    /// The processes of a container as ps lists them.
    pub(super) fn process_table_of(&self, asked: &str, options: &[String]) -> Result<ProcessTable> {
        let record = self.settled(asked)?;
        self.host.machine.allow(record.state.status, Event::Top, &record.id, asked)?;
        let columns = columns(options)?;
        if !columns.iter().any(|c| c.title == "PID") {
            return Err(Error::invalid("Couldn't find PID field in ps output"));
        }
        let surroundings = self.surroundings()?;
        let mut table = ProcessTable { titles: columns.iter().map(|c| c.title.clone()).collect(), processes: Vec::new() };
        for task in self.host.containers.processes(&record.id)? {
            let text = |file: &str| self.host_text(&format!("/proc/{}/{file}", task.pid));
            // It may have ended since it was listed.
            let (Some(stat), Some(status)) = (text("stat"), text("status")) else { continue };
            let Some(detail) = detail(&stat, &status) else { continue };
            table.processes.push(columns.iter().map(|c| cell(c, &task, &detail, &surroundings)).collect());
        }
        self.tell_of(&record, &[Happening::plain("top")])?;
        Ok(table)
    }

    fn host_text(&self, path: &str) -> Option<String> {
        self.kernel().read(path, 0, 64 << 10).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn surroundings(&self) -> Result<Surroundings> {
        let booted = self.host_text("/proc/stat").unwrap_or_default();
        let booted = booted.lines().find_map(|l| l.strip_prefix("btime ")).and_then(|n| n.trim().parse().ok()).unwrap_or(0);
        let passwd = self.host_text("/etc/passwd").unwrap_or_default();
        let user = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            Some((fields.nth(1)?.parse().ok()?, name))
        };
        Ok(Surroundings {
            now: self.time(),
            booted,
            memory: self.kernel().facts().memory,
            users: passwd.lines().filter_map(user).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(options: &[&str]) -> Result<String> {
        let options: Vec<String> = options.iter().map(|o| (*o).to_owned()).collect();
        Ok(columns(&options)?.iter().map(|c| c.title.as_str()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn options_of_ps_ask_for_columns() {
        let full = "UID PID PPID C STIME TTY TIME CMD";
        for options in [&[][..], &["-ef"], &["-e", "-f"], &["-eaf"]] {
            assert_eq!(titles(options).unwrap(), full, "{options:?}");
        }
        assert_eq!(titles(&["aux"]).unwrap(), "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND");
        for options in [&["-o", "pid,comm"][..], &["-eo", "pid,comm"], &["-opid", "-ocomm"], &["--format=pid,comm"], &["-o pid,comm"]] {
            assert_eq!(titles(options).unwrap(), "PID COMMAND", "{options:?}");
        }
        assert_eq!(titles(&["-o", "pid=NUMBER"]).unwrap(), "NUMBER");
        assert!(titles(&["--nope"]).unwrap_err().message().starts_with("ps: error: unknown gnu long option"));
        assert!(titles(&["-o", "nope"]).is_err());
        assert!(titles(&["-Z"]).is_err());
    }

    #[test]
    fn proc_is_read_past_a_name_with_brackets() {
        let stat = "7 (a) b (c)) S 1 7 7 34816 7 4194304 0 0 0 0 150 50 0 0 20 0 2 0 500 1000 2 0";
        let d = detail(stat, "Name:\ta\nVmSize:\t   2268 kB\nVmRSS:\t 1376 kB\n").unwrap();
        assert_eq!((d.name.as_str(), d.state.as_str(), d.ticks, d.threads, d.start), ("a) b (c)", "S", 200, 2, 500));
        assert_eq!((d.size, d.resident, terminal(d.terminal).as_str()), (2268, 1376, "pts/0"));
    }
}
