//! Two hosts in step: one history of operations on both, and everything that can be observed compared after each operation.
//!
//! What differs by nature (ids, times, process numbers) is left out or called by name; all else must be equal, words of errors
//! included. A difference is shrunk by whoever generates the histories.

use crate::ask;
use crate::script::Script;
use crate::target::Subject;
use crate::world::World;
use drydock_core::Error;
use drydock_core::container::{ContainerConfig, NetworkMode, Status};
use drydock_core::engine::{ContainerUpdate, LogsRequest, PruneFilters, RemoveOptions};
use drydock_core::io::Attach;
use drydock_core::kernel::Signal;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// What a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Goes on for a long time.
    Sleeps,
    /// Ends at once with this code.
    Ends(u8),
    /// Writes on both streams and ends.
    Writes,
    /// Handles SIGTERM.
    Handles,
    /// Does not exist.
    Missing,
}

/// How a container is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Loopback only.
    None,
    /// The default network.
    Bridge,
    /// The default network, with a port of the host.
    Published(u16),
}

/// One operation. Containers are called by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the engine's operation of its name")]
pub enum Op {
    Create { who: u8, program: Program, link: Link },
    Start(u8),
    Stop(u8),
    Kill(u8),
    Pause(u8),
    Unpause(u8),
    Restart(u8),
    Remove { who: u8, force: bool },
    Rename { who: u8, to: u8 },
    Update { who: u8, mebibytes: u8 },
    Wait(u8),
    Diff(u8),
    Prune,
    Exec { who: u8, code: u8 },
    Logs(u8),
    Reopen,
}

fn name(who: u8) -> String {
    format!("step{who}")
}

fn config(who: u8, program: Program, link: Link) -> ContainerConfig {
    let words: Vec<String> = match program {
        Program::Sleeps => vec!["sleep".into(), "1000".into()],
        Program::Ends(code) => vec!["sh".into(), "-c".into(), format!("exit {code}")],
        Program::Writes => vec!["sh".into(), "-c".into(), "echo out; sleep 0.05; echo err >&2; sleep 0.05; printf end".into()],
        Program::Handles => vec!["sh".into(), "-c".into(), "trap 'exit 4' TERM; echo ready; while :; do sleep 0.02; done".into()],
        Program::Missing => vec!["nope".into()],
    };
    let (network, ports) = match link {
        Link::None => (NetworkMode::None, Vec::new()),
        Link::Bridge => (NetworkMode::default(), Vec::new()),
        Link::Published(port) => (NetworkMode::default(), vec![ask::port(None, port, 80)]),
    };
    ContainerConfig {
        image: crate::fixture::BUSYBOX.to_owned(),
        name: Some(name(who)),
        command: words,
        network,
        ports,
        ..Default::default()
    }
}

/// One of the hosts, and what it was like before.
pub struct Side<'a> {
    subject: &'a dyn Subject,
    world: World<'a>,
    links: usize,
}

impl<'a> Side<'a> {
    /// A host that holds no container.
    pub fn new(subject: &'a dyn Subject) -> Result<Self, Error> {
        let world = World::new(subject);
        let links = world.engine().observe()?.links.len();
        Ok(Self { subject, world, links })
    }

    /// Does one operation. Answers what came of it and what is now, in words that are the same on every host.
    pub fn step(&self, op: Op) -> Result<String, Error> {
        let names = self.names()?;
        let came = match self.perform(op) {
            Ok(said) => format!("ok {said}"),
            Err(error) => format!("{:?} {error}", error.kind()),
        };
        self.settle(op)?;
        let names = [names, self.names()?].concat();
        let state = self.state()?;
        Ok(names.iter().fold(format!("{came}\n{state}"), |text, (id, name)| text.replace(id, name).replace(&id[..12], name)))
    }

    /// Where every container is in its life, by its name's number.
    pub fn statuses(&self) -> Result<BTreeMap<u8, Status>, Error> {
        let number = |name: &str| name.strip_prefix("step").and_then(|n| n.parse().ok());
        Ok(self.world.engine().containers(true)?.into_iter().filter_map(|c| Some((number(&c.name)?, c.status))).collect())
    }

    /// The engine.
    pub fn engine(&self) -> &dyn drydock_core::engine::Engine {
        self.world.engine()
    }

    /// Takes everything away.
    pub fn clean(&self) -> Result<(), String> {
        self.world.clean().map_err(|e| e.to_string())
    }

    fn names(&self) -> Result<Vec<(String, String)>, Error> {
        Ok(self.world.engine().containers(true)?.into_iter().map(|c| (c.id.as_str().to_owned(), format!("<{}>", c.name))).collect())
    }

    fn perform(&self, op: Op) -> Result<String, Error> {
        let e = self.world.engine();
        match op {
            Op::Create { who, program, link } => e.create(&config(who, program, link)).map(|_| String::new()),
            Op::Start(who) => e.start(&name(who)).map(|()| String::new()),
            Op::Stop(who) => e.stop(&name(who), None, Some(self.grace(who))).map(|()| String::new()),
            Op::Restart(who) => e.restart(&name(who), None, Some(self.grace(who))).map(|()| String::new()),
            Op::Rename { who, to } => e.rename(&name(who), &name(to)).map(|()| String::new()),
            Op::Update { who, mebibytes } => {
                let mut change = ContainerUpdate::default();
                change.resources.memory = Some(u64::from(mebibytes) << 20);
                e.update(&name(who), &change).map(|_| String::new())
            }
            Op::Wait(who) => e.wait(&name(who), Some(Duration::ZERO)).map(|code| code.to_string()),
            Op::Diff(who) => e.diff(&name(who)).map(|changes| format!("{changes:?}")),
            Op::Prune => e.prune_containers(&PruneFilters::default()).map(|gone| format!("{} gone", gone.removed.len())),
            Op::Kill(who) => e.kill(&name(who), Signal::KILL).map(|()| String::new()),
            Op::Pause(who) => e.pause(&name(who)).map(|()| String::new()),
            Op::Unpause(who) => e.unpause(&name(who)).map(|()| String::new()),
            Op::Remove { who, force } => e.remove(&name(who), RemoveOptions { force, volumes: true }).map(|()| String::new()),
            Op::Exec { who, code } => self.exec(who, code),
            Op::Logs(who) => self.logs(who),
            Op::Reopen => self.subject.reopened().map(|_| String::new()),
        }
    }

    /// A handler gets the time it needs; what ignores the signal need not be waited for.
    fn grace(&self, who: u8) -> i64 {
        let handles = |r: drydock_core::container::ContainerRecord| r.args.last().is_some_and(|a| a.starts_with("trap"));
        if self.world.engine().container(&name(who)).is_ok_and(handles) { 10 } else { 0 }
    }

    fn exec(&self, who: u8, code: u8) -> Result<String, Error> {
        let mut script = Script::silent();
        let exec = drydock_core::container::ExecConfig {
            command: vec!["sh".into(), "-c".into(), format!("echo inside; exit {code}")],
            ..Default::default()
        };
        let ended = self.world.engine().exec(&name(who), &exec, &Attach::default(), &mut script)?;
        Ok(format!("{ended:?} {:?}", String::from_utf8_lossy(&script.stdout)))
    }

    fn logs(&self, who: u8) -> Result<String, Error> {
        let mut text = String::new();
        self.world.engine().logs(&name(who), &LogsRequest::default(), &mut |line| {
            let _ = write!(text, "{:?} {:?}; ", line.stream, String::from_utf8_lossy(&line.bytes));
            true
        })?;
        Ok(text)
    }

    /// Waits for what an operation has set going: a program that ends by itself, a handler that is not set yet.
    fn settle(&self, op: Op) -> Result<(), Error> {
        let who = match op {
            Op::Start(who) | Op::Restart(who) | Op::Kill(who) | Op::Unpause(who) => who,
            _ => return Ok(()),
        };
        let e = self.world.engine();
        let Ok(record) = e.container(&name(who)) else { return Ok(()) };
        if record.state.process.is_none() {
            return Ok(());
        }
        let script = record.args.last().map_or("", String::as_str);
        if matches!(op, Op::Kill(_)) || script.starts_with("exit") || script.starts_with("echo out") {
            // A paused one ends when it is unpaused; a frozen one that was killed ends at once.
            if record.state.status != drydock_core::container::Status::Paused || matches!(op, Op::Kill(_)) {
                e.wait(&name(who), Some(Duration::from_secs(20)))?;
            }
        } else if script.starts_with("trap") {
            let ready = self.world.eventually("its handler is set", || Ok(self.world.log_text(&name(who))?.contains("ready")));
            ready.map_err(|e| Error::new(drydock_core::ErrorKind::TimedOut, e.to_string()))?;
        }
        Ok(())
    }

    /// Everything that can be observed and is the same by nature.
    fn state(&self) -> Result<String, Error> {
        let e = self.world.engine();
        let mut lines = Vec::new();
        for summary in e.containers(true)? {
            let record = e.container(summary.id.as_str())?;
            let state = &record.state;
            let addresses: Vec<String> = record.endpoints.iter().map(|p| format!("{} {} {}", p.address, p.mac, p.link)).collect();
            let ports: Vec<String> = record.published.iter().map(|p| format!("{}:{}", p.host_port, p.container_port)).collect();
            lines.push(format!(
                "{} {:?} code {} oom {} restarts {} by hand {} process {} error {:?} at {addresses:?} ports {ports:?} args {:?}",
                record.name,
                state.status,
                state.exit_code,
                state.oom_killed,
                state.restarts,
                state.stopped_by_hand,
                state.process.is_some(),
                state.error,
                record.args
            ));
        }
        lines.sort();
        let seen = e.observe()?;
        lines.push(format!("links {}", seen.links.len() - self.links.min(seen.links.len())));
        Ok(lines.join("\n"))
    }
}

/// Says what every container should be after an operation, by its name's number.
pub type Oracle<'a> = dyn FnMut(Op) -> BTreeMap<u8, Status> + 'a;

/// Does a history on both hosts. The error is the first difference between them, or between them and the oracle, with what was done up to there.
pub fn run(left: &dyn Subject, right: &dyn Subject, history: &[Op], oracle: Option<&mut Oracle<'_>>) -> Result<(), String> {
    let sides = [Side::new(left), Side::new(right)];
    let [Ok(left), Ok(right)] = sides else { return Err("a host cannot be looked at".to_owned()) };
    let outcome = in_step(&left, &right, history, oracle);
    left.clean()?;
    right.clean()?;
    outcome
}

fn in_step(left: &Side<'_>, right: &Side<'_>, history: &[Op], mut oracle: Option<&mut Oracle<'_>>) -> Result<(), String> {
    for (done, op) in history.iter().enumerate() {
        let said = |side: &Side<'_>| side.step(*op).unwrap_or_else(|e| format!("cannot be looked at: {e}"));
        let (one, other) = (said(left), said(right));
        if one != other {
            return Err(format!("after {:?}\n--- one host\n{one}\n--- the other\n{other}", &history[..=done]));
        }
        if let Some(oracle) = oracle.as_mut() {
            let expected = oracle(*op);
            let found = left.statuses().map_err(|e| e.to_string())?;
            if found != expected {
                return Err(format!("after {:?}\n--- both hosts\n{found:?}\n--- expected\n{expected:?}", &history[..=done]));
            }
        }
    }
    Ok(())
}
