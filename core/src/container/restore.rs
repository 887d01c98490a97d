//! Which containers run again after the machine was restarted, and in which order.
//!
//! No daemon is there to start them, so somebody asks: `drydock start --restore`. The rules are those by which Docker's daemon
//! starts containers when it starts itself.

use super::{ContainerRecord, NamespaceMode, NetworkMode, RestartPolicy, Status};
use crate::id::ContainerId;
use std::collections::BTreeSet;

/// Whether a container is to be started.
pub fn wanted(record: &ContainerRecord) -> bool {
    let state = &record.state;
    // One that a person only made, nobody has asked to run.
    if state.status != Status::Exited || state.started.0 == 0 {
        return false;
    }
    match record.config.restart {
        RestartPolicy::No => false,
        // Also if a person stopped it: that holds until the next start of everything.
        RestartPolicy::Always => true,
        RestartPolicy::UnlessStopped => !state.stopped_by_hand,
        RestartPolicy::OnFailure(most) => {
            let tries_left = most.is_none_or(|most| most == 0 || state.restarts < most);
            state.exit_code != 0 && tries_left
        }
    }
}

/// The containers to start, in order: the longest running first, and whoever shares a namespace of another after that one.
pub fn order(records: &[ContainerRecord]) -> Vec<ContainerId> {
    let mut waiting: Vec<&ContainerRecord> = records.iter().filter(|r| wanted(r)).collect();
    waiting.sort_by(|a, b| (a.state.started, a.created, &a.id).cmp(&(b.state.started, b.created, &b.id)));
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let others: BTreeSet<&ContainerId> = waiting.iter().map(|r| &r.id).collect();
        let free = waiting.iter().position(|r| !shared_with(r, records).any(|id| others.contains(id) && *id != r.id));
        // Those that wait for each other could never have run; each then fails for itself.
        let next = waiting.remove(free.unwrap_or(0));
        ordered.push(next.id.clone());
    }
    ordered
}

/// The containers whose namespaces one shares.
fn shared_with<'a>(record: &'a ContainerRecord, all: &'a [ContainerRecord]) -> impl Iterator<Item = &'a ContainerId> {
    let network = match &record.config.network {
        NetworkMode::Container(name) => Some(name),
        _ => None,
    };
    let spaces = [&record.config.pid, &record.config.ipc, &record.config.uts];
    let spaces = spaces.into_iter().filter_map(|mode| if let NamespaceMode::Container(name) = mode { Some(name) } else { None });
    let means = |name: &'a String| all.iter().find(move |r| r.name == *name || r.id.as_str() == name || r.id.as_str().starts_with(name));
    network.into_iter().chain(spaces).filter_map(means).map(|r| &r.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{ContainerConfig, ContainerState};
    use crate::id::ImageId;
    use crate::time::Timestamp;

    fn record(n: u64, policy: RestartPolicy, code: i32) -> ContainerRecord {
        ContainerRecord {
            id: ContainerId::new(format!("{n:064x}")),
            name: format!("c{n}"),
            config: ContainerConfig { restart: policy, ..ContainerConfig::default() },
            image: ImageId::new("sha256:0"),
            args: Vec::new(),
            env: Vec::new(),
            created: Timestamp(n),
            state: ContainerState { status: Status::Exited, exit_code: code, started: Timestamp(100 - n), ..ContainerState::default() },
            places: Vec::new(),
            endpoints: Vec::new(),
            published: Vec::new(),
        }
    }

    #[test]
    fn the_policy_decides() {
        use RestartPolicy::{Always, No, OnFailure, UnlessStopped};
        for (policy, code, by_hand, restarts, expected) in [
            (No, 137, false, 0, false),
            (Always, 0, false, 0, true),
            (Always, 137, true, 0, true),
            (UnlessStopped, 0, false, 0, true),
            (UnlessStopped, 137, true, 0, false),
            (OnFailure(None), 0, false, 0, false),
            (OnFailure(None), 137, false, 9, true),
            (OnFailure(Some(2)), 137, false, 1, true),
            (OnFailure(Some(2)), 5, false, 2, false),
            (OnFailure(None), 137, true, 0, true),
        ] {
            let mut one = record(1, policy, code);
            (one.state.stopped_by_hand, one.state.restarts) = (by_hand, restarts);
            assert_eq!(wanted(&one), expected, "{policy:?} {code} {by_hand}");
        }
        let mut never = record(1, Always, 0);
        never.state.started = Timestamp::NEVER;
        assert!(!wanted(&never));
        let mut runs = record(1, Always, 0);
        runs.state.status = Status::Running;
        assert!(!wanted(&runs));
    }

    #[test]
    fn whoever_shares_comes_after_whom_it_shares_with() {
        let mut all: Vec<_> = (1..=4).map(|n| record(n, RestartPolicy::Always, 0)).collect();
        let names = |all: &[ContainerRecord]| -> Vec<String> {
            order(all).iter().map(|id| all.iter().find(|r| r.id == *id).unwrap().name.clone()).collect()
        };
        assert_eq!(names(&all), ["c4", "c3", "c2", "c1"]);
        all[3].config.network = NetworkMode::Container("c2".to_owned());
        all[1].config.ipc = NamespaceMode::Container(all[0].id.as_str().to_owned());
        assert_eq!(names(&all), ["c3", "c1", "c2", "c4"]);
        // A circle ends too.
        all[0].config.pid = NamespaceMode::Container("c4".to_owned());
        assert_eq!(names(&all).len(), 4);
    }
}
