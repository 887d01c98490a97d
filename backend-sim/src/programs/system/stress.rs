//! Programs that put load on a machine or behave badly, for limits and signals to be seen at work.
//!
//! `stress` has the options of the program of that name. `crash`, `ignore-term` and `eat-memory` are the simulator's own.

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::files::make::size;
use crate::programs::time::duration;
use crate::sys::{Disposition, Errno, Pid, Sys, Target, WaitFor, WaitStatus};
use drydock_core::kernel::Signal;
use std::time::Duration;

const LONG: &[(&str, char)] = &[
    ("cpu", 'c'),
    ("vm", 'm'),
    ("vm-bytes", 'B'),
    ("vm-hang", 'H'),
    ("vm-keep", 'K'),
    ("timeout", 't'),
    ("quiet", 'q'),
    ("verbose", 'v'),
    ("io", 'i'),
    ("hdd", 'd'),
];

/// What a worker of `stress` does.
#[derive(Clone, Copy)]
enum Work {
    Cpu,
    Memory { bytes: u64, hang: Option<Duration>, keep: bool },
}

/// `stress [--cpu n] [--vm n] [--vm-bytes size] [--vm-hang seconds] [--vm-keep] [-t time] [-q]`
pub async fn stress(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "c:m:B:H:Kt:qvi:d:", long: LONG, not_modelled: "", usage: "[OPTION [ARG]] ..." };
    let options = cmd.options(&spec).await?;
    if options.has('i') || options.has('d') {
        return Err(cmd.not_modelled("--io and --hdd").await);
    }
    let number = |letter: char| options.value(letter).and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
    let Some(bytes) = size(options.value('B').unwrap_or("256M")) else {
        return Err(cmd.fail(format!("unrecognized suffix: {}", options.value('B').unwrap_or_default())).await);
    };
    let hang = options.value('H').and_then(duration).map(|time| if time.is_zero() { Duration::MAX } else { time });
    let (cpus, vms) = (number('c'), number('m'));
    if cpus + vms == 0 {
        return Err(cmd.usage(&spec, "").await);
    }
    let own = cmd.sys.getpid();
    if !options.has('q') {
        cmd.line(format!("stress: info: [{own}] dispatching hogs: {cpus} cpu, 0 io, {vms} vm, 0 hdd")).await?;
        cmd.flush().await?;
    }
    let works = std::iter::repeat_n(Work::Cpu, cpus as usize)
        .chain(std::iter::repeat_n(Work::Memory { bytes, hang, keep: options.has('K') }, vms as usize));
    let mut workers: Vec<Pid> = Vec::new();
    for work in works {
        match cmd.sys.fork_with(Box::new(move |sys| Box::pin(worker(sys, work)))) {
            Ok(pid) => workers.push(pid),
            Err(error) => {
                cmd.fail(format!("FAIL: [{own}] fork failed: {error}")).await;
                break;
            }
        }
    }
    let start = cmd.sys.moment();
    let alarm = match options.value('t').and_then(duration) {
        // The alarm is a child too, so that one wait serves for all.
        Some(time) => cmd.sys.fork_with(Box::new(move |sys| Box::pin(async move { i32::from(sys.sleep(time).await.is_err()) }))).ok(),
        None => None,
    };
    let mut failed = false;
    while !workers.is_empty() {
        let (pid, status) = match cmd.sys.wait(WaitFor::Any, false).await {
            Ok(Some(ended)) => ended,
            Ok(None) | Err(Errno::EINTR) => continue,
            Err(_) => break,
        };
        workers.retain(|worker| *worker != pid);
        let stop = |cmd: &Cmd, workers: &[Pid], signal: Signal| {
            for worker in workers {
                cmd.sys.kill(Target::Pid(*worker), Some(signal)).ok();
            }
        };
        if Some(pid) == alarm {
            stop(cmd, &workers, Signal::KILL);
            break;
        }
        if let WaitStatus::Signaled(signal) = status {
            failed = true;
            cmd.sys.eprint(&format!("stress: FAIL: [{own}] (415) <-- worker {pid} got signal {}\n", signal.number())).await;
            cmd.sys.eprint(&format!("stress: WARN: [{own}] (417) now reaping child worker processes\n")).await;
            stop(cmd, &workers, Signal::KILL);
            break;
        }
    }
    if let Some(alarm) = alarm {
        cmd.sys.kill(Target::Pid(alarm), Some(Signal::KILL)).ok();
    }
    while matches!(cmd.sys.wait(WaitFor::Any, false).await, Ok(Some(_)) | Err(Errno::EINTR)) {}
    let seconds = cmd.sys.moment().since(start).as_secs();
    if failed {
        cmd.sys.eprint(&format!("stress: FAIL: [{own}] (451) failed run completed in {seconds}s\n")).await;
    } else if !options.has('q') {
        cmd.line(format!("stress: info: [{own}] successful run completed in {seconds}s")).await?;
    }
    Ok(i32::from(failed))
}

async fn worker(sys: Sys, work: Work) -> i32 {
    // How long touching a megabyte takes: what keeps a loop of taking and giving back from taking no time at all.
    let touch = |bytes: u64| Duration::from_micros(250 * (bytes >> 20).max(1));
    match work {
        Work::Cpu => loop {
            sys.burn(Duration::from_millis(10)).await.ok();
        },
        Work::Memory { bytes, hang, keep } => loop {
            if sys.alloc(bytes).await.is_err() {
                return 1;
            }
            sys.burn(touch(bytes)).await.ok();
            match hang {
                Some(Duration::MAX) => loop {
                    sys.next_signal().await;
                },
                Some(time) => {
                    sys.sleep(time).await.ok();
                }
                None => {}
            }
            if keep {
                loop {
                    sys.burn(touch(bytes)).await.ok();
                }
            }
            sys.free(bytes);
        },
    }
}

/// `eat-memory size [seconds]`: takes so much, says so, and keeps it so long (for ever without a time).
pub async fn eat_memory(cmd: &mut Cmd) -> Exit {
    let spec = Spec { usage: "SIZE [SECONDS]", ..Spec::default() };
    let Some(bytes) = cmd.args.first().and_then(|text| size(text)) else { return Err(cmd.usage(&spec, "").await) };
    let time = cmd.args.get(1).and_then(|text| duration(text));
    // Megabyte by megabyte, as a program does that fills its memory.
    let mut left = bytes;
    while left > 0 {
        let part = left.min(1 << 20);
        if let Err(error) = cmd.sys.alloc(part).await {
            return Err(cmd.fail(error.to_string()).await);
        }
        left -= part;
    }
    cmd.line(format!("{bytes} bytes taken")).await?;
    cmd.flush().await?;
    match time {
        Some(time) => {
            cmd.sys.sleep(time).await.ok();
        }
        None => loop {
            cmd.sys.next_signal().await;
        },
    }
    Ok(0)
}

/// `crash [signal]`: dies by a signal, SIGSEGV by default.
pub async fn crash(cmd: &mut Cmd) -> Exit {
    let text = cmd.args.first().map_or("SEGV", String::as_str).to_owned();
    let Ok(signal) = Signal::parse(&text) else { return Err(cmd.fail(format!("bad signal name '{text}'")).await) };
    cmd.sys.kill(Target::Pid(cmd.sys.getpid()), Some(signal)).ok();
    cmd.sys.yield_now().await;
    // As process 1 of its namespace it is spared what it has no handler for (pid_namespaces(7)).
    Ok(signal.exit_code())
}

/// `ignore-term`: ignores SIGTERM and SIGINT, and sleeps until it is killed.
pub async fn ignore_term(cmd: &mut Cmd) -> Exit {
    for signal in [Signal::TERM, Signal::INT] {
        cmd.sys.set_disposition(signal, Disposition::Ignore).ok();
    }
    cmd.line("ignoring SIGTERM").await?;
    cmd.flush().await?;
    loop {
        cmd.sys.next_signal().await;
    }
}
