//! Every flag of Docker's commands is one of ours, or stands here with the reason why not.

mod common;

use common::{Memory, StillLife};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Flags that there are not: the commands that Docker has them for, their names, and why.
const MISSING: &[(&str, &str, &str)] = &[
    ("rm", "link", "a link goes with its container, and not before"),
    ("run create", "blkio-weight-device", "the weight of one device needs the bfq scheduler on it"),
    (
        "run create update",
        "cpu-rt-period cpu-rt-runtime",
        "version 2 has no such limit, and in version 1 dockerd has none to give: it answers EINVAL",
    ),
    ("run create", "cpu-count cpu-percent io-maxbandwidth io-maxiops", "are Windows's, and refused in Docker's words"),
    ("run create", "use-api-socket", "hands a container the whole engine; -v says so where it is meant"),
    ("start", "checkpoint checkpoint-dir", "are an experiment of Docker's, with CRIU"),
    (
        "volume create",
        "availability group limit-bytes required-bytes scope secret sharing topology-preferred topology-required type",
        "are a cluster's",
    ),
    ("volume ls", "cluster", "is a cluster's"),
    ("images", "tree", "is a view of the platforms of an image; an image here has one"),
    ("load", "platform", "chooses among the platforms of an image; an image here has one"),
    ("pull push", "disable-content-trust", "switches off what is off: Docker's own service for signatures is gone"),
];

/// What [`MISSING`] is not about: commands that others look after flag by flag.
const ELSEWHERE: &[&str] = &["build"];

fn flags_of(command: &str) -> BTreeSet<String> {
    let (code, help, _) = Memory::new(Arc::new(StillLife::default())).run(&format!("{command} --help"));
    assert_eq!(code, 0, "{command} --help");
    let long = |line: &str| {
        let name = line.trim_start().split_once("--")?;
        let short = name.0.is_empty() || (name.0.starts_with('-') && name.0.ends_with(", "));
        let end = name.1.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(name.1.len());
        short.then(|| name.1[..end].to_owned())
    };
    help.lines().filter(|line| line.starts_with(' ')).filter_map(long).collect()
}

#[test]
fn every_flag_of_docker_is_there_or_has_a_reason_not_to_be() {
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in include_str!("docker/flags.tsv").lines().filter(|l| !l.starts_with('#')) {
        let (command, theirs) = line.split_once('\t').expect("command, tab, flags");
        if ELSEWHERE.contains(&command) {
            continue;
        }
        let ours = flags_of(command);
        for flag in theirs.split_whitespace() {
            let listed = MISSING.iter().position(|(commands, flags, _)| {
                // Names of commands may have a blank: `volume ls`.
                let of = *commands == command || commands.split(' ').any(|c| c == command);
                of && flags.split(' ').any(|f| f == flag)
            });
            match (ours.contains(flag), listed) {
                (false, None) => wrong.push(format!("{command} --{flag} is not there")),
                (true, Some(_)) => wrong.push(format!("{command} --{flag} is there, and listed as missing")),
                (false, Some(at)) => drop(used.insert((at, flag.to_owned()))),
                (true, None) => {}
            }
        }
    }
    for (at, (_, flags, why)) in MISSING.iter().enumerate() {
        assert!(!why.is_empty());
        wrong.extend(flags.split(' ').filter(|f| !used.contains(&(at, (*f).to_owned()))).map(|f| format!("--{f} is listed for nothing")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}
