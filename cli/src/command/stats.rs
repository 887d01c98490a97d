//! `drydock stats`

use super::Definition;
use super::ps::FORMAT_HELP;
use crate::failure::{Failure, Outcome};
use crate::format::{Row, Style, render, size};
use crate::screen::{EACH, Screen, bar};
use crate::session::Session;
use crate::template::no_methods;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::{ContainerStats, Engine};
use drydock_core::{ErrorKind, Result};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// `stats`
pub const DEFINITION: Definition = Definition {
    name: "stats",
    group: "container",
    in_group: &["stats"],
    about: "Display a live stream of container(s) resource usage statistics",
    usage: "[OPTIONS] [CONTAINER...]",
    arity: (0, None),
    flags: StatsArgs::augment_args,
    run,
    ..Definition::PLAIN
};

/// Between the two looks that the first figures are made of.
const FIRST: Duration = Duration::from_millis(500);
/// How many pictures of a simulated world there are where nobody is there to stop it.
const SIMULATED: usize = 5;
/// Cells of a bar.
const CELLS: usize = 10;

#[derive(Args)]
struct StatsArgs {
    /// Show all containers (default shows just running)
    #[arg(short, long)]
    all: bool,
    #[arg(long, value_name = "string", help = FORMAT_HELP)]
    format: Option<String>,
    /// Disable streaming stats and only pull the first result
    #[arg(long)]
    no_stream: bool,
    /// Do not truncate output
    #[arg(long)]
    no_trunc: bool,
}

const COLUMNS: [(&str, &str); 8] = [
    ("CONTAINER ID", "ID"),
    ("NAME", "Name"),
    ("CPU %", "CPUPerc"),
    ("MEM USAGE / LIMIT", "MemUsage"),
    ("MEM %", "MemPerc"),
    ("NET I/O", "NetIO"),
    ("BLOCK I/O", "BlockIO"),
    ("PIDS", "PIDs"),
];

/// The usual columns on a terminal that is wide enough, with bars.
const WITH_BARS: [(&str, &str); 10] = [
    ("CONTAINER ID", "ID"),
    ("NAME", "Name"),
    ("CPU %", "CPUPerc"),
    ("", ".cpu"),
    ("MEM USAGE / LIMIT", "MemUsage"),
    ("MEM %", "MemPerc"),
    ("", ".memory"),
    ("NET I/O", "NetIO"),
    ("BLOCK I/O", "BlockIO"),
    ("PIDS", "PIDs"),
];

/// How short a name may be cut on a terminal for the sake of bars, and how short for the figures.
const SHORTEST: (usize, usize) = (16, 8);

/// One container as it was asked for, and its figures; none once it is gone.
type Sample = (String, Option<ContainerStats>);

fn run(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = StatsArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let engine = session.engine()?;
    let simulated = engine.facts().host == "sim";
    let mut screen = Screen::of(session);
    let mut before = look(&*engine, names, args.all, true)?;
    engine.sleep(FIRST);
    for picture in 1.. {
        let now = look(&*engine, names, args.all, false)?;
        let drawn = !args.no_stream && screen.is_terminal() && args.format.is_none();
        let text = if drawn { fitted(&before, &now, &args, session.width())? } else { table(&before, &now, &args, false, usize::MAX)? };
        if args.no_stream {
            for line in text.lines() {
                session.say(line)?;
            }
            return Ok(0);
        }
        screen.draw(session, &text)?;
        before = now;
        if simulated {
            if !screen.is_terminal() && picture == SIMULATED {
                session.complain("drydock: time in a simulated world passes only while a command runs; this one ends here");
                return Ok(0);
            }
            session.environment.pace(EACH);
        }
        engine.sleep(EACH);
    }
    Ok(0)
}

/// The figures of those that are asked for. At the first look a name that means nothing is an error; later it is one that is gone.
fn look(engine: &dyn Engine, names: &[String], all: bool, first: bool) -> Result<Vec<Sample>> {
    let fixed = !names.is_empty();
    let names = if names.is_empty() { &engine.containers(all)?.into_iter().map(|c| c.id.to_string()).collect::<Vec<_>>() } else { names };
    let mut samples = Vec::new();
    for name in names {
        match engine.stats(name) {
            Ok(stats) => samples.push((name.clone(), Some(stats))),
            Err(e) if e.kind() == ErrorKind::NotFound && !(first && fixed) => {
                if fixed {
                    samples.push((name.clone(), None));
                }
            }
            Err(e) => return Err(e),
        }
    }
    Ok(samples)
}

/// The table as a terminal of this width has room for it: with bars where they fit, and names no longer than leave room for the figures.
fn fitted(before: &[Sample], now: &[Sample], args: &StatsArgs, width: usize) -> Result<String, Failure> {
    let widest = |text: &str| text.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0);
    let longest = now.iter().filter_map(|(_, s)| Some(s.as_ref()?.name.chars().count())).max().unwrap_or(0);
    let mut text = String::new();
    for (bars, shortest) in [(true, SHORTEST.0), (false, SHORTEST.1)] {
        text = table(before, now, args, bars, usize::MAX)?;
        let excess = widest(&text).saturating_sub(width);
        let room = longest.saturating_sub(excess);
        if excess > 0 && !args.no_trunc && (room >= shortest || !bars) {
            text = table(before, now, args, bars, room.max(shortest))?;
        }
        if widest(&text) <= width {
            break;
        }
    }
    Ok(text)
}

/// A name that is cut says so.
fn cut(name: &str, most: usize) -> String {
    if name.chars().count() <= most { name.to_owned() } else { name.chars().take(most.saturating_sub(1)).chain(['…']).collect() }
}

fn table(before: &[Sample], now: &[Sample], args: &StatsArgs, bars: bool, longest: usize) -> Result<String, Failure> {
    let earlier: BTreeMap<&str, &ContainerStats> = before.iter().filter_map(|(name, s)| Some((name.as_str(), s.as_ref()?))).collect();
    let mut rows: Vec<Row> =
        now.iter().map(|(name, stats)| row(name, earlier.get(name.as_str()).copied(), stats.as_ref(), args.no_trunc)).collect();
    for row in &mut rows {
        let name = row.get("Name").and_then(|n| n.as_str()).map(|name| cut(name, longest));
        row["Name"] = json!(name.unwrap_or_default());
    }
    let format = args.format.as_deref().unwrap_or_default();
    let style = Style {
        format,
        columns: if bars { &WITH_BARS } else { &COLUMNS },
        quiet: None,
        headers: &[("CONTAINER", "Container")],
        kind: "*container.statsContext",
        methods: &no_methods,
    };
    render(&rows, &style).map_err(|failure| match failure {
        Failure::Said(text, code) => Failure::Said(text.replace("failed to execute template", "template parsing error"), code),
        other => other,
    })
}

/// The share of one processor's time that was used between two looks, in hundredths of a percent.
fn cpu(before: &ContainerStats, now: &ContainerStats) -> u128 {
    let used = u128::from(now.usage.cpu.saturating_sub(before.usage.cpu));
    let passed = now.time.since(before.time).as_nanos();
    (used * 10_000 + passed / 2).checked_div(passed).unwrap_or(0)
}

fn percent(hundredths: u128) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

#[allow(clippy::cast_precision_loss, reason = "a bar has eighty steps")]
fn share(part: u128, whole: u128) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// One container with the fields that templates can name.
fn row(asked: &str, before: Option<&ContainerStats>, now: Option<&ContainerStats>, whole: bool) -> Row {
    let Some(now) = now else {
        let name = if whole { asked } else { asked.get(..12).unwrap_or(asked) };
        let empty = "--";
        return json!({
            "Container": asked, "ID": name, "Name": empty, "CPUPerc": empty, "MemUsage": "-- / --", "MemPerc": empty, "NetIO": empty,
            "BlockIO": empty, "PIDs": empty, ".cpu": "", ".memory": "",
        });
    };
    let usage = &now.usage;
    let used = usage.memory.saturating_sub(usage.memory_cache);
    let limit = if now.running { usage.memory_limit.unwrap_or(now.host_memory).min(now.host_memory) } else { 0 };
    let cpu = before.map_or(0, |before| cpu(before, now));
    let memory = (u128::from(used) * 10_000).checked_div(u128::from(limit)).unwrap_or(0);
    let (received, sent) = now.networks.values().fold((0, 0), |(r, s), n| (r + n.received, s + n.sent));
    json!({
        "Container": asked,
        "ID": if whole { now.id.as_str() } else { now.id.short() },
        "Name": now.name,
        "CPUPerc": percent(cpu),
        "MemUsage": format!("{} / {}", size::binary(used), size::binary(limit)),
        "MemPerc": percent(memory),
        "NetIO": format!("{} / {}", size::decimal(received), size::decimal(sent)),
        "BlockIO": format!("{} / {}", size::decimal(usage.block.0), size::decimal(usage.block.1)),
        "PIDs": usage.pids.to_string(),
        // A full bar is every processor of the host, or all the memory it may have.
        ".cpu": bar(share(cpu, u128::from(now.cpus) * 10_000), CELLS),
        ".memory": bar(share(memory, 10_000), CELLS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_core::id::ContainerId;
    use drydock_core::limits::Usage;
    use drydock_core::time::Timestamp;

    fn sample(name: &str, memory: u64, cpu: u64, second: u64) -> Sample {
        let usage = Usage { memory, memory_limit: Some(64 << 20), cpu, pids: 1, ..Usage::default() };
        let stats = ContainerStats {
            id: ContainerId::new("0123456789ab".repeat(5)),
            name: name.to_owned(),
            running: true,
            time: Timestamp(second * 1_000_000_000),
            usage,
            networks: BTreeMap::new(),
            cpus: 4,
            host_memory: 8 << 30,
        };
        (name.to_owned(), Some(stats))
    }

    fn at(width: usize, name: &str, no_trunc: bool) -> Vec<String> {
        let args = StatsArgs { all: false, format: None, no_stream: false, no_trunc };
        // Two of four processors for a second, and half the memory.
        let (before, now) = (sample(name, 32 << 20, 0, 1), sample(name, 32 << 20, 2_000_000_000, 2));
        let text = fitted(&[before], &[now], &args, width).unwrap_or_default();
        text.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn bars_are_shown_where_they_fit_and_full_is_the_whole_host() {
        let wide = at(130, "web", false);
        assert_eq!(wide[1].matches("█████░░░░░").count(), 2, "{wide:?}");
        assert!(wide[1].contains("200.00%") && wide[1].contains("50.00%"), "{wide:?}");
        assert!(wide[1].ends_with("0B / 0B     1"), "{wide:?}");
        assert!(wide.iter().all(|line| line.chars().count() <= 130), "{wide:?}");
        let narrow = at(100, "web", false);
        assert!(narrow[1].ends_with("0B / 0B     1") && !narrow[1].contains('█'), "{narrow:?}");
    }

    #[test]
    fn a_long_name_gives_way_to_figures() {
        let name = "a-container-with-a-rather-long-name-indeed";
        let wide = at(140, name, false);
        assert!(wide[1].contains("a-container-with-a") && wide[1].contains('…') && wide[1].contains('█'), "{wide:?}");
        assert!(wide.iter().all(|line| line.chars().count() <= 140), "{wide:?}");
        let narrow = at(100, name, false);
        assert!(narrow[1].ends_with("0B / 0B     1") && narrow[1].contains('…') && !narrow[1].contains('█'), "{narrow:?}");
        // Whoever asks for whole names gets them, and what does not fit is cut off where it is drawn.
        assert!(at(100, name, true)[1].contains(name));
        // Where nothing fits a name keeps eight letters.
        assert!(at(40, name, false)[1].contains("a-conta…"), "{:?}", at(40, name, false));
    }
}
