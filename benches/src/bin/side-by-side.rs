//! Times commands against each other in one run: `side-by-side RUNS NAME COMMAND… -- NAME COMMAND… [-- …]`.
//!
//! The commands take turns, so that a machine that slows down slows all of them. The first is the one the ratios are of: each
//! other's median divided by its. What a command prints is thrown away; one that fails ends the run. A program with one of its name and
//! `.before` beside it has that run first, each time, and that time is not counted.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

struct Contestant {
    name: String,
    command: Vec<String>,
    times: Vec<Duration>,
}

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("side-by-side: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Vec<String>) -> Result<(), String> {
    let (runs, rest) = args.split_first().ok_or("usage: side-by-side RUNS NAME COMMAND… -- NAME COMMAND… [-- …]")?;
    let runs: usize = runs.parse().map_err(|_| format!("the number of runs is not a number: {runs}"))?;
    let mut contestants = rest
        .split(|word| word == "--")
        .map(|words| match words {
            [name, command @ ..] if !command.is_empty() => {
                Ok(Contestant { name: name.clone(), command: command.to_vec(), times: Vec::new() })
            }
            _ => Err("every contestant needs a name and a command".to_owned()),
        })
        .collect::<Result<Vec<_>, _>>()?;

    // Turns that are not counted fill the caches: two, or one of what takes long.
    let first = if runs < 10 { 1 } else { 2 };
    for turn in 0..runs + first {
        for contestant in &mut contestants {
            let before = format!("{}.before", contestant.command[0]);
            if std::path::Path::new(&before).exists() {
                once(&[before])?;
            }
            let time = once(&contestant.command)?;
            if turn >= first {
                contestant.times.push(time);
            }
        }
    }
    for contestant in &mut contestants {
        contestant.times.sort_unstable();
    }

    let first = median(&contestants[0].times);
    println!("{:<34} {:>10} {:>10} {:>10} {:>8}", format!("{runs} runs each, in turn"), "min ms", "median ms", "max ms", "ratio");
    for Contestant { name, times, .. } in &contestants {
        let (min, max) = (times[0], times[times.len() - 1]);
        let ratio = median(times).as_secs_f64() / first.as_secs_f64();
        println!("{name:<34} {:>10.2} {:>10.2} {:>10.2} {ratio:>7.2}x", ms(min), ms(median(times)), ms(max));
    }
    Ok(())
}

fn once(command: &[String]) -> Result<Duration, String> {
    let start = Instant::now();
    let status = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|e| format!("{}: {e}", command[0]))?;
    let time = start.elapsed();
    if status.success() { Ok(time) } else { Err(format!("`{}` ended with {status}", command.join(" "))) }
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
