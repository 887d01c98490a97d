//! Builtins about processes: kill, jobs, ulimit.

use super::{Done, Shell};
use crate::sys::Target;
use drydock_core::kernel::Signal;

/// `ulimit`'s letters: letter, the kernel's name, what it is called, bytes a unit.
const LIMITS: [(char, &str, &str, u64); 15] = [
    ('f', "fsize", "file size (blocks)             ", 512),
    ('t', "cpu", "cpu time (seconds)             ", 1),
    ('d', "data", "data seg size (kb)             ", 1024),
    ('s', "stack", "stack size (kb)                ", 1024),
    ('c', "core", "core file size (blocks)        ", 512),
    ('m', "rss", "resident set size (kb)         ", 1024),
    ('l', "memlock", "locked memory (kb)             ", 1024),
    ('p', "nproc", "processes                      ", 1),
    ('n', "nofile", "file descriptors               ", 1),
    ('v', "as", "address space (kb)             ", 1024),
    ('w', "locks", "locks                          ", 1),
    ('e', "nice", "scheduling priority            ", 1),
    ('r', "rtprio", "real-time priority             ", 1),
    ('i', "sigpending", "pending signals                ", 1),
    ('q', "msgqueue", "POSIX message queues (bytes)   ", 1),
];

impl Shell {
    /// `kill [-SIGNAL] pid…`, `kill -l`
    pub(super) async fn kill(&mut self, args: &[String]) -> Done {
        let args: Vec<String> = args
            .iter()
            .map(|arg| if arg.starts_with('%') { self.job(arg).map_or_else(|| arg.clone(), |pid| pid.to_string()) } else { arg.clone() })
            .collect();
        match crate::programs::kill::parse(&args) {
            Err(message) => {
                self.complain(&message).await;
                Ok(1)
            }
            Ok(crate::programs::kill::Request::List(text)) => self.output("kill", text.into_bytes()).await,
            Ok(crate::programs::kill::Request::Send(signal, targets)) => self.send(signal, &targets).await,
        }
    }

    async fn send(&mut self, signal: Option<Signal>, targets: &[(String, Target)]) -> Done {
        let mut status = 0;
        for (text, target) in targets {
            if let Err(error) = self.sys.kill(*target, signal) {
                self.complain(&format!("can't kill pid {text}: {error}")).await;
                status = 1;
            }
        }
        // A signal to itself is delivered before kill(2) returns: let it.
        self.sys.yield_now().await;
        Ok(status)
    }

    /// `jobs`
    pub(super) async fn jobs_builtin(&mut self, args: &[String]) -> Done {
        let pids_only = args.first().is_some_and(|a| a == "-p");
        let mut text = String::new();
        for (i, (pid, status)) in self.jobs.iter().enumerate() {
            let state = match status {
                None => "Running".to_owned(),
                Some(crate::sys::WaitStatus::Exited(0)) => "Done".to_owned(),
                Some(crate::sys::WaitStatus::Exited(code)) => format!("Done({code})"),
                Some(crate::sys::WaitStatus::Signaled(signal) | crate::sys::WaitStatus::Stopped(signal)) => {
                    crate::programs::shell::jobs::describe(*signal)
                }
            };
            let mark = if Some(*pid) == self.last_background { '+' } else { '-' };
            let line = if pids_only { format!("{pid}\n") } else { format!("[{}]{mark}  {state:<26} {pid}\n", i + 1) };
            text.push_str(&line);
        }
        self.output("jobs", text.into_bytes()).await
    }

    /// `ulimit [-SH] [-a | -letter [value]]`
    pub(super) async fn ulimit(&mut self, args: &[String]) -> Done {
        let (mut soft_only, mut hard_only, mut all, mut letter) = (false, false, false, 'f');
        let mut value = None;
        for arg in args {
            match arg.strip_prefix('-') {
                Some(letters) => {
                    for c in letters.chars() {
                        match c {
                            'S' => soft_only = true,
                            'H' => hard_only = true,
                            'a' => all = true,
                            c => letter = c,
                        }
                    }
                }
                None => value = Some(arg.clone()),
            }
        }
        let show = |(soft, hard): (u64, u64), unit: u64| match if hard_only { hard } else { soft } {
            u64::MAX => "unlimited".to_owned(),
            n => (n / unit).to_string(),
        };
        if all {
            let mut text = String::new();
            for (letter, name, title, unit) in LIMITS {
                if let Ok(limits) = self.sys.rlimit(name) {
                    text.push_str(&format!("{title}(-{letter})  {}\n", show(limits, unit)));
                }
            }
            return self.output("ulimit", text.into_bytes()).await;
        }
        let Some((_, name, _, unit)) = LIMITS.iter().find(|(l, ..)| *l == letter) else {
            return self.fatal(&format!("ulimit: invalid option -- '{letter}'")).await;
        };
        let limits = match self.sys.rlimit(name) {
            Ok(limits) => limits,
            Err(error) => return self.fatal(&format!("ulimit: {error}")).await,
        };
        let Some(value) = value else {
            return self.output("ulimit", format!("{}\n", show(limits, *unit)).into_bytes()).await;
        };
        let wanted = match value.as_str() {
            "unlimited" => u64::MAX,
            text => match text.parse::<u64>() {
                Ok(n) => n.saturating_mul(*unit),
                Err(_) => return self.fatal(&format!("ulimit: bad number: {text}")).await,
            },
        };
        let both = soft_only == hard_only;
        let soft = if soft_only || both { wanted } else { limits.0 };
        let hard = if hard_only || both { wanted } else { limits.1 };
        match self.sys.set_rlimit(name, soft, hard) {
            Ok(()) => Ok(0),
            Err(error) => self.fatal(&format!("ulimit: error setting limit: {error}")).await,
        }
    }
}
