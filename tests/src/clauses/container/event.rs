//! Events: what is told, in which order, with what attributes.

use crate::ask::{bind, bridge};
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, equal, fail, holds};
use crate::script::Script;
use crate::world::World;
use drydock_core::container::{MountKind, MountRequest, NetworkMode};
use drydock_core::engine::{ContainerUpdate, EventEntry, PruneFilters, RemoveOptions, event_passes};
use drydock_core::host::Capability;
use drydock_core::kernel::Signal;
use drydock_core::limits::Resources;
use std::time::Duration;

/// What was told while something was done.
fn during(w: &World<'_>, act: impl FnOnce() -> Checked) -> Checked<Vec<EventEntry>> {
    let before = w.engine().last_event()?;
    act()?;
    Ok(w.engine().events(before, usize::MAX)?)
}

/// The actions of what was told of a container.
fn actions(events: &[EventEntry]) -> Vec<&str> {
    events.iter().filter(|e| e.kind == "container").map(|e| e.action.as_str()).collect()
}

fn one<'e>(events: &'e [EventEntry], action: &str) -> Checked<&'e EventEntry> {
    let mut found = events.iter().filter(|e| e.action.split(':').next() == Some(action));
    match (found.next(), found.next()) {
        (Some(event), None) => Ok(event),
        _ => fail(format_args!("not one {action} in {:?}", actions(events))),
    }
}

fn attribute(event: &EventEntry, name: &str) -> String {
    event.attributes.get(name).cloned().unwrap_or_default()
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-EVENT-1", "A life is told as create, start, die, destroy.", cite::EVENTS, |w| {
        let events = during(w, || {
            let id = w.start(&["true"], |_| {})?;
            w.wait(&id)?;
            w.remove(&id)
        })?;
        equal("actions", actions(&events), ["create", "start", "die", "destroy"])
    }),
    Clause::docker(
        "CTR-EVENT-2",
        "What happens to a container is told with its name, its image as it was asked for, and its labels.",
        cite::EVENTS,
        |w| {
            let events = during(w, || {
                w.create(&["true"], |c| {
                    c.name = Some("told".to_owned());
                    c.labels.insert("team".to_owned(), "red".to_owned());
                })?;
                Ok(())
            })?;
            let create = one(&events, "create")?;
            equal("kind", create.kind.as_str(), "container")?;
            let pairs: Vec<_> = create.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            equal("attributes", pairs, [("image", "busybox"), ("name", "told"), ("team", "red")])
        },
    ),
    Clause::docker("CTR-EVENT-3", "A death has the exit code.", cite::EVENTS, |w| {
        let events = during(w, || {
            let id = w.start(&["sh", "-c", "exit 7"], |_| {})?;
            equal("exit code", w.wait(&id)?, 7)
        })?;
        equal("exit code", attribute(one(&events, "die")?, "exitCode").as_str(), "7")
    }),
    Clause::docker("CTR-EVENT-4", "A stop that is heeded is a kill with the signal, a die, and a stop.", cite::EVENTS, |w| {
        let id = w.ready("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done", |_| {})?;
        let events = during(w, || Ok(w.engine().stop(&id, None, Some(10))?))?;
        equal("actions", actions(&events), ["kill", "die", "stop"])?;
        equal("signal", attribute(one(&events, "kill")?, "signal").as_str(), "15")
    }),
    Clause::docker("CTR-EVENT-5", "A stop that is not heeded has a second kill, with signal 9.", cite::EVENTS, |w| {
        let id = w.sleeper(|_| {})?;
        let events = during(w, || Ok(w.engine().stop(&id, None, Some(0))?))?;
        let signals: Vec<String> = events.iter().filter(|e| e.action == "kill").map(|e| attribute(e, "signal")).collect();
        equal("signals", signals, ["15", "9"])?;
        equal("last", actions(&events).last().copied(), Some("stop"))
    }),
    Clause::docker("CTR-EVENT-6", "A restart is a stop and a start, and then a restart.", cite::EVENTS, |w| {
        let id = w.sleeper(|_| {})?;
        let events = during(w, || Ok(w.engine().restart(&id, None, Some(0))?))?;
        equal("actions", actions(&events), ["kill", "kill", "die", "stop", "start", "restart"])
    }),
    Clause::docker("CTR-EVENT-7", "A rename has the old name after a slash, and the new one as the name.", cite::EVENTS, |w| {
        let id = w.create(&["true"], |c| c.name = Some("old".to_owned()))?;
        let events = during(w, || Ok(w.engine().rename(&id, "new")?))?;
        let rename = one(&events, "rename")?;
        equal("names", (attribute(rename, "oldName").as_str(), attribute(rename, "name").as_str()), ("/old", "new"))
    }),
    Clause::docker("CTR-EVENT-8", "pause, unpause, update and top are told as what they are.", cite::EVENTS, |w| {
        let id = w.sleeper(|_| {})?;
        let events = during(w, || {
            w.engine().pause(&id)?;
            w.engine().unpause(&id)?;
            let resources = Resources { pids: Some(20), ..Resources::default() };
            w.engine().update(&id, &ContainerUpdate { resources, ..ContainerUpdate::default() })?;
            w.engine().process_table(&id, &[])?;
            Ok(())
        })?;
        equal("actions", actions(&events), ["pause", "unpause", "update", "top"])
    })
    .needs(&[Capability::Pids, Capability::Freeze]),
    Clause::docker("CTR-EVENT-9", "A signal is told with its number, and needs no death.", cite::EVENTS, |w| {
        let id = w.ready("trap : USR1; echo ready; while :; do sleep 0.01; done", |_| {})?;
        let events = during(w, || Ok(w.engine().kill(&id, Signal::parse("USR1")?)?))?;
        equal("actions", actions(&events), ["kill"])?;
        equal("signal", attribute(one(&events, "kill")?, "signal").as_str(), "10")
    }),
    Clause::docker("CTR-EVENT-10", "An exec is made, started and dead, with what was run, one id, and the exit code.", cite::EVENTS, |w| {
        let id = w.sleeper(|_| {})?;
        let events = during(w, || w.exec(&id, &["sh", "-c", "exit 4"])?.exits(4)?.done())?;
        equal("first", events[0].action.as_str(), "exec_create: sh -c exit 4")?;
        equal("second", events[1].action.as_str(), "exec_start: sh -c exit 4")?;
        let die = one(&events, "exec_die")?;
        equal("exit code", attribute(die, "exitCode").as_str(), "4")?;
        let ids: Vec<String> = events.iter().map(|e| attribute(e, "execID")).collect();
        holds("one id", ids.len() == 3 && !ids[0].is_empty() && ids.iter().all(|i| *i == ids[0]))
    }),
    Clause::docker("CTR-EVENT-11", "Attaching before a start is told before the start.", cite::EVENTS, |w| {
        let id = w.create(&["true"], |_| {})?;
        let events = during(w, || {
            w.engine().start_attached(&id, &Default::default(), &mut Script::silent())?;
            Ok(())
        })?;
        equal("actions", actions(&events), ["attach", "start", "die"])
    }),
    Clause::docker("CTR-EVENT-12", "A container that is killed for want of memory is told as oom before its death.", cite::EVENTS, |w| {
        let events = during(w, || {
            let id = w.start(&["dd", "if=/dev/zero", "of=/dev/null", "bs=150M", "count=1"], |c| {
                (c.resources.memory, c.resources.memory_swap) = (Some(64 << 20), Some(64 << 20));
            })?;
            equal("exit code", w.wait(&id)?, 137)
        })?;
        let (oom, die) = (events.iter().position(|e| e.action == "oom"), events.iter().position(|e| e.action == "die"));
        holds(format_args!("oom comes first: {:?}", actions(&events)), oom.is_some() && oom < die)
    })
    .needs(&[Capability::Memory]),
    Clause::docker(
        "CTR-EVENT-13",
        "A network is told whom it connects before the start, and disconnects after the death.",
        cite::EVENTS,
        |w| {
            let mut id = String::new();
            let events = during(w, || {
                id = w.start(&["true"], bridge)?;
                w.wait(&id)?;
                Ok(())
            })?;
            let order: Vec<&str> = events.iter().map(|e| e.action.as_str()).collect();
            equal("order", order, ["create", "connect", "start", "die", "disconnect"])?;
            let connect = one(&events, "connect")?;
            equal("kind", connect.kind.as_str(), "network")?;
            equal("container", attribute(connect, "container"), id)?;
            equal("name and type", (attribute(connect, "name").as_str(), attribute(connect, "type").as_str()), ("bridge", "bridge"))
        },
    )
    .needs(&[Capability::Bridge]),
    Clause::docker("CTR-EVENT-14", "A prune tells of each removal, and of itself with the bytes given back.", cite::EVENTS, |w| {
        let id = w.start(&["sh", "-c", "head -c 5000 /dev/zero >/f"], |_| {})?;
        w.wait(&id)?;
        let events = during(w, || {
            w.engine().prune_containers(&PruneFilters::default())?;
            Ok(())
        })?;
        equal("actions", actions(&events), ["destroy", "prune"])?;
        let prune = one(&events, "prune")?;
        equal("reclaimed", (prune.id.as_str(), attribute(prune, "reclaimed").as_str()), ("", "5000"))
    }),
    Clause::docker("CTR-EVENT-15", "Events of the same moment keep the order in which they happened.", cite::EVENTS, |w| {
        let events = during(w, || {
            for _ in 0..5 {
                let id = w.start(&["true"], |_| {})?;
                w.wait(&id)?;
                w.remove(&id)?;
            }
            Ok(())
        })?;
        holds("times never go back", events.windows(2).all(|p| p[0].time <= p[1].time))?;
        let wanted = ["create", "start", "die", "destroy"].repeat(5);
        equal("actions", actions(&events), wanted)
    }),
    Clause::law(
        "CTR-EVENT-16",
        "Events are numbered without gaps, so that a reader misses none and reads none twice.",
        "Drydock, Engine::events",
        |w| {
            w.inside("numbers of events")?;
            let before = w.engine().last_event()?;
            let id = w.start(&["true"], |_| {})?;
            w.wait(&id)?;
            let (mut at, mut read) = (before, Vec::new());
            // One at a time, as a reader that is interrupted after each.
            while let Some(event) = w.engine().events(at, 1)?.pop() {
                equal("number", event.number, at + 1)?;
                at = event.number;
                read.push(event);
            }
            equal("the same at once", w.engine().events(before, usize::MAX)?, read)?;
            equal("last", w.engine().last_event()?, at)
        },
    ),
    Clause::law("CTR-EVENT-17", "Events are there for an engine that opens afterwards.", "Drydock, Engine::events", |w| {
        let before = w.engine().last_event()?;
        let id = w.create(&["true"], |_| {})?;
        let again = w.reopened()?;
        let told = again.events(before, usize::MAX)?;
        holds("the other engine tells of it", told.iter().any(|e| e.action == "create" && e.id == id))
    }),
    Clause::law(
        "CTR-EVENT-18",
        "Who follows waits for what happens next, and no longer than asked.",
        "Drydock, Engine::follow_events",
        |w| {
            let id = w.start(&["sleep", "0.2"], |_| {})?;
            let before = w.engine().last_event()?;
            let events = w.engine().follow_events(before, 1, Duration::from_secs(10))?;
            equal("next", (actions(&events), events[0].id.as_str()), (vec!["die"], id.as_str()))?;
            w.wait(&id)?;
            let last = w.engine().last_event()?;
            let begun = w.now();
            equal("nothing", w.engine().follow_events(last, 1, Duration::from_millis(200))?.len(), 0)?;
            let waited = w.now().since(begun);
            holds(format_args!("{waited:?} is as long as asked"), waited >= Duration::from_millis(195) && waited < Duration::from_secs(5))
        },
    ),
    Clause::docker("CTR-EVENT-19", "Filters choose by type, event, container, label and image.", cite::EVENTS, |w| {
        let events = during(w, || {
            let id = w.start(&["true"], |c| {
                c.name = Some("chosen".to_owned());
                c.labels.insert("team".to_owned(), "red".to_owned());
            })?;
            w.wait(&id)?;
            w.engine().remove(&id, RemoveOptions::default())?;
            w.create(&["true"], |c| c.name = Some("other".to_owned()))?;
            Ok(())
        })?;
        let count = |pairs: &[(&str, &str)]| {
            let filters: Vec<(String, String)> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            events.iter().filter(|e| event_passes(e, &filters)).count()
        };
        for (pairs, wanted) in [
            (&[("type", "container")][..], 5),
            (&[("type", "image")], 0),
            (&[("event", "create")], 2),
            (&[("event", "create"), ("event", "die")], 3),
            (&[("container", "chosen")], 4),
            (&[("container", "ch")], 4),
            (&[("container", "chosen"), ("event", "start")], 1),
            (&[("label", "team")], 4),
            (&[("label", "team=blue")], 0),
            (&[("type", "network")], 2),
            (&[("image", "busybox")], 5),
            (&[("image", "nginx")], 0),
            (&[("scope", "swarm")], 0),
            (&[("nonsense", "x")], 7),
        ] {
            equal(format_args!("{pairs:?}"), count(pairs), wanted)?;
        }
        Ok(())
    }),
    Clause::docker(
        "CTR-EVENT-20",
        "A volume is made, mounted before the start, unmounted after the death, and destroyed before its container.",
        cite::EVENTS,
        |w| {
            let mut id = String::new();
            let events = during(w, || {
                id = w.start(&["true"], |c| {
                    c.mounts = vec![MountRequest { kind: MountKind::Volume, source: String::new(), ..bind("", "/data") }];
                    c.auto_remove = true;
                })?;
                w.eventually("it is gone", || Ok(w.engine().container(&id).is_err()))
            })?;
            let order: Vec<(&str, &str)> = events.iter().map(|e| (e.kind.as_str(), e.action.as_str())).collect();
            let wanted = [
                ("volume", "create"),
                ("container", "create"),
                ("network", "connect"),
                ("volume", "mount"),
                ("container", "start"),
                ("container", "die"),
                ("network", "disconnect"),
                ("volume", "unmount"),
                ("volume", "destroy"),
                ("container", "destroy"),
            ];
            equal("order", order, wanted)?;
            let mount = one(&events, "mount")?;
            let pairs: Vec<_> = mount.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let wanted =
                [("container", id.as_str()), ("destination", "/data"), ("driver", "local"), ("propagation", ""), ("read/write", "true")];
            equal("attributes", pairs, wanted)
        },
    ),
    Clause::docker(
        "CTR-EVENT-21",
        "What an exec runs is told with a blank after its program, also without arguments.",
        cite::EVENTS,
        |w| {
            let id = w.sleeper(|_| {})?;
            let events = during(w, || w.exec(&id, &["true"])?.exits(0)?.done())?;
            equal("action", events[0].action.as_str(), "exec_create: true ")
        },
    ),
    Clause::docker(
        "CTR-EVENT-22",
        "A container without links joins the network `none` before its start and leaves it after its death; one on the host's joins `host`.",
        cite::EVENTS,
        |w| {
            for (mode, name, kind) in [(NetworkMode::None, "none", "null"), (NetworkMode::Host, "host", "host")] {
                let mut id = String::new();
                let events = during(w, || {
                    id = w.start(&["true"], |c| c.network = mode.clone())?;
                    w.eventually("it has left", || Ok(w.engine().events(0, usize::MAX)?.last().is_some_and(|e| e.action == "disconnect")))
                })?;
                let order: Vec<(&str, &str)> = events.iter().map(|e| (e.kind.as_str(), e.action.as_str())).collect();
                let wanted = [
                    ("container", "create"),
                    ("network", "connect"),
                    ("container", "start"),
                    ("container", "die"),
                    ("network", "disconnect"),
                ];
                equal("order", order, wanted.to_vec())?;
                let network = w.engine().network(name)?;
                for event in events.iter().filter(|e| e.kind == "network") {
                    equal("which", event.id.as_str(), network.id.as_str())?;
                    let pairs: Vec<_> = event.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
                    equal("attributes", pairs, vec![("container", id.as_str()), ("name", name), ("type", kind)])?;
                }
            }
            Ok(())
        },
    ),
];
