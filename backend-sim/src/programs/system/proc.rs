//! Processes as /proc shows them.

use crate::sys::{Pid, Sys};

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: Pid,
    /// Its parent.
    pub parent: Pid,
    /// Its process group.
    pub group: Pid,
    /// Its session.
    pub session: Pid,
    /// `R`, `S`, `Z`, `T`…
    pub state: String,
    /// The program's name, at most 15 characters.
    pub comm: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its real user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Virtual memory in kilobytes.
    pub virtual_kb: u64,
    /// Resident memory in kilobytes.
    pub resident_kb: u64,
    /// Processor time in clock ticks (100 a second).
    pub ticks: u64,
    /// When it started, in clock ticks after boot.
    pub started: u64,
    /// Major and minor number of its terminal; 0 for none.
    pub tty: u64,
}

impl Process {
    /// Its command line on one line, or its name in brackets.
    pub fn command(&self) -> String {
        let text = if self.args.is_empty() { format!("[{}]", self.comm) } else { self.args.join(" ") };
        text.chars().map(|c| if c < ' ' { ' ' } else { c }).collect()
    }
}

/// Every process that can be seen, by id.
pub async fn all(sys: &Sys) -> Vec<Process> {
    let entries = sys.readdir("/proc").unwrap_or_default();
    let mut pids: Vec<Pid> = entries.into_iter().filter_map(|entry| entry.name.parse().ok()).collect();
    pids.sort_unstable();
    let mut all = Vec::new();
    for pid in pids {
        all.extend(one(sys, pid).await);
    }
    all
}

/// One process; `None` if it is gone.
pub async fn one(sys: &Sys, pid: Pid) -> Option<Process> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let stat = text(sys.read_file(&format!("/proc/{pid}/stat")).await.ok()?);
    let status = text(sys.read_file(&format!("/proc/{pid}/status")).await.ok()?);
    let cmdline = text(sys.read_file(&format!("/proc/{pid}/cmdline")).await.unwrap_or_default());
    parse(pid, &stat, &status, &cmdline)
}

fn parse(pid: Pid, stat: &str, status: &str, cmdline: &str) -> Option<Process> {
    // The name is in parentheses and may hold anything; what follows it is plain.
    let (open, close) = (stat.find('(')?, stat.rfind(')')?);
    let fields: Vec<&str> = stat[close + 1..].split_whitespace().collect();
    let number = |i: usize| fields.get(i - 3).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    let id = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let kilobytes = |key: &str| id(key).map(u64::from);
    Some(Process {
        pid,
        state: (*fields.first()?).to_owned(),
        parent: number(4) as Pid,
        group: number(5) as Pid,
        session: number(6) as Pid,
        tty: number(7),
        ticks: number(14) + number(15),
        started: number(22),
        comm: stat[open + 1..close].to_owned(),
        args: cmdline.split('\0').map(str::to_owned).take(cmdline.matches('\0').count().max(usize::from(!cmdline.is_empty()))).collect(),
        uid: id("Uid:").unwrap_or(0),
        gid: id("Gid:").unwrap_or(0),
        virtual_kb: kilobytes("VmSize:").unwrap_or(0),
        resident_kb: kilobytes("VmRSS:").unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = "7 (a) b) S 1 7 5 34816 7 0 0 0 0 0 3 4 0 0 20 0 1 0 250 0 0";
        let process = parse(7, stat, "Name:\ta\nUid:\t33\t33\t33\t33\nVmRSS:\t  120 kB\n", "sleep\x0010\0").expect("well-formed");
        assert_eq!((process.comm.as_str(), process.parent, process.session, process.uid), ("a) b", 1, 5, 33));
        assert_eq!((process.ticks, process.started, process.resident_kb, process.tty), (7, 250, 120, 34816));
        assert_eq!(process.command(), "sleep 10");
        assert_eq!(parse(8, "8 (x) Z 1 8 8 0", "", "").expect("well-formed").command(), "[x]");
    }
}
