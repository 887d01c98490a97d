//! Whether predicates hold: the questions that they ask an engine.

use super::{Claim, Count, OfContainer, OfImage, Verdict};
use drydock_core::container::{ContainerRecord, MountKind, NetworkMode, RestartPolicy, Status};
use drydock_core::engine::{EVENTS_KEPT, Engine};
use drydock_core::image::ImageRecord;
use drydock_core::image::changeset::ChangeKind;
use drydock_core::image::tar::{Kind, Reader};
use drydock_core::{Error, ErrorKind, Result};
use std::io::Read as _;

/// As much of a file as is looked at, in bytes.
const LOOKED_AT: u64 = 1 << 20;

fn verdict(holds: bool, found: impl Into<String>) -> Result<Verdict> {
    Ok(Verdict { holds, found: found.into() })
}

/// What is not there is an answer.
fn there<T>(asked: Result<T>) -> Result<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn counted(count: Count, number: usize, what: &str) -> Result<Verdict> {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    verdict(count.allows(number), format!("{number} {what}"))
}

pub(super) fn check(claim: &Claim, engine: &dyn Engine) -> Result<Verdict> {
    match claim {
        Claim::Container(name, of) => match there(engine.container(name))? {
            // A prefix of an id is no name.
            Some(record) if record.name == *name => container(&record, of, engine),
            _ => verdict(false, format!("there is no container {name}")),
        },
        Claim::Containers { running, count } => {
            let all = engine.containers(!running)?;
            counted(*count, all.len(), if *running { "containers run" } else { "containers are there" })
        }
        Claim::Image(name, of) => match there(engine.image(name))? {
            Some(record) => image(name, &record, of, engine),
            None => verdict(false, format!("there is no image {name}")),
        },
        Claim::Untagged(count) => {
            let images = engine.images()?;
            // One that another was made from has no name either, and nothing is wrong with it.
            let made_from: Vec<_> = images.iter().filter_map(|image| image.parent.as_ref()).collect();
            let without = images.iter().filter(|image| image.tags.is_empty() && !made_from.contains(&&image.id)).count();
            counted(*count, without, "images have no name")
        }
        Claim::Volume(name) => match there(engine.volume(name))? {
            Some(_) => verdict(true, format!("there is a volume {name}")),
            None => verdict(false, format!("there is no volume {name}")),
        },
        Claim::Network(name) => match there(engine.network(name))? {
            Some(_) => verdict(true, format!("there is a network {name}")),
            None => verdict(false, format!("there is no network {name}")),
        },
        Claim::Happened { kind, name, action, count } => {
            let events = engine.events(0, usize::try_from(EVENTS_KEPT).unwrap_or(usize::MAX))?;
            let of_it = |id: &str, named: Option<&String>| named.map_or(id == name, |named| named == name);
            let times = events.iter().filter(|e| e.kind == *kind && e.action == *action && of_it(&e.id, e.attributes.get("name"))).count();
            let times = u64::try_from(times).unwrap_or(u64::MAX);
            verdict(count.allows(times), format!("{action} happened to {kind} {name} {times} times"))
        }
    }
}

fn container(record: &ContainerRecord, of: &OfContainer, engine: &dyn Engine) -> Result<Verdict> {
    let name = &record.name;
    let runs = matches!(record.state.status, Status::Running | Status::Paused);
    match of {
        OfContainer::There => verdict(true, format!("there is a container {name}")),
        OfContainer::Is(status) => {
            verdict(record.state.status == *status, format!("{name} is {}", format!("{:?}", record.state.status).to_lowercase()))
        }
        OfContainer::Ended(_) if runs => verdict(false, format!("{name} runs")),
        OfContainer::Ended(_) if record.state.status == Status::Created => verdict(false, format!("{name} never ran")),
        OfContainer::Ended(code) => verdict(record.state.exit_code == *code, format!("{name} ended with {}", record.state.exit_code)),
        OfContainer::Of(image) => match there(engine.image(image))? {
            Some(image_record) => verdict(record.image == image_record.id, format!("{name} is made from {}", record.image.short())),
            None => verdict(false, format!("there is no image {image}")),
        },
        OfContainer::First(_) | OfContainer::Processes(_) if !runs => verdict(false, format!("{name} does not run")),
        OfContainer::First(program) => {
            let tasks = engine.top(name)?;
            let first = tasks.iter().find(|task| task.inner_pid == 1).and_then(|task| task.command.first());
            let first = first.map(|word| word.rsplit('/').next().unwrap_or(word)).unwrap_or_default();
            verdict(first == program, format!("process 1 of {name} is {first}"))
        }
        OfContainer::Processes(count) => counted(*count, engine.top(name)?.len(), &format!("processes are in {name}")),
        OfContainer::Restarts(count) => {
            let restarts = u64::from(record.state.restarts);
            verdict(count.allows(restarts), format!("{name} was started again {restarts} times"))
        }
        OfContainer::Policy(policy) => {
            let is = policy_in_words(record.config.restart);
            verdict(is == *policy, format!("{name} has the policy {is}"))
        }
        OfContainer::Memory(bytes) => {
            let is = record.config.resources.memory;
            verdict(is == Some(*bytes), is.map_or(format!("{name} has no limit of memory"), |is| format!("{name} may take {is} bytes")))
        }
        OfContainer::Label(key, value) => label(name, record.config.labels.get(key), key, value),
        OfContainer::Env(pair) => verdict(record.env.contains(pair), format!("the variables of {name} are {}", record.env.join(" "))),
        OfContainer::Publishes(host, inner) => {
            let ports: Vec<String> = record.published.iter().map(|p| format!("{}:{}", p.host_port, p.container_port)).collect();
            let holds = record.published.iter().any(|p| p.host_port == *host && p.container_port == *inner);
            verdict(
                holds,
                if ports.is_empty() { format!("{name} publishes nothing now") } else { format!("{name} publishes {}", ports.join(" ")) },
            )
        }
        OfContainer::On(network) => {
            let mut on: Vec<&str> = record.places.iter().map(|place| place.network.as_str()).collect();
            if let (true, NetworkMode::Named(first)) = (on.is_empty(), &record.config.network) {
                on.push(first);
            }
            verdict(on.contains(&network.as_str()), format!("{name} is on {}", on.join(" ")))
        }
        OfContainer::Mounts { path, volume } => {
            let mounts = &record.config.mounts;
            let holds = mounts.iter().any(|m| m.kind == MountKind::Volume && m.target == *path && m.source == *volume);
            let at: Vec<String> = mounts.iter().map(|m| format!("{} at {}", m.source, m.target)).collect();
            verdict(holds, if at.is_empty() { format!("{name} mounts nothing") } else { format!("{name} mounts {}", at.join(", ")) })
        }
        OfContainer::Has(path) => match there(engine.stat_path(name, path, false))? {
            Some(_) => verdict(true, format!("{path} is in {name}")),
            None => verdict(false, format!("there is no {path} in {name}")),
        },
        OfContainer::File { path, text } => match there(engine.copy_out(name, path, true, None))? {
            Some(archive) => {
                let content = first_file(archive)?;
                match content {
                    Some(content) => verdict(content.contains(text.as_str()), format!("{path} is {:?}", shortened(&content))),
                    None => verdict(false, format!("{path} is no regular file")),
                }
            }
            None => verdict(false, format!("there is no {path} in {name}")),
        },
        OfContainer::Changed(path) => change(record, path, engine, |kind| kind != ChangeKind::Deleted),
        OfContainer::Deleted(path) => change(record, path, engine, |kind| kind == ChangeKind::Deleted),
    }
}

fn change(record: &ContainerRecord, path: &str, engine: &dyn Engine, meant: impl Fn(ChangeKind) -> bool) -> Result<Verdict> {
    let changes = engine.diff(&record.name)?;
    let found = changes.iter().find(|change| change.path == path);
    let word = match found.map(|change| change.kind) {
        None => "as the image has it",
        Some(ChangeKind::Deleted) => "deleted",
        Some(ChangeKind::Added) => "added",
        Some(_) => "changed",
    };
    verdict(found.is_some_and(|change| meant(change.kind)), format!("{path} of {} is {word}", record.name))
}

fn image(name: &str, record: &ImageRecord, of: &OfImage, engine: &dyn Engine) -> Result<Verdict> {
    match of {
        OfImage::There => verdict(true, format!("{name} is {}", record.id.short())),
        OfImage::SameAs(other) => match there(engine.image(other))? {
            Some(second) => {
                verdict(second.id == record.id, format!("{name} is {} and {other} is {}", record.id.short(), second.id.short()))
            }
            None => verdict(false, format!("there is no image {other}")),
        },
        OfImage::Layers(count) => counted(*count, record.diff_ids.len(), &format!("layers are in {name}")),
        OfImage::On(base) => match there(engine.image(base))? {
            Some(base_record) => {
                let holds = record.diff_ids.len() > base_record.diff_ids.len() && record.diff_ids.starts_with(&base_record.diff_ids);
                let (mine, of_base) = (record.diff_ids.len(), base_record.diff_ids.len());
                verdict(holds, format!("{name} has {mine} layers, {base} has {of_base}"))
            }
            None => verdict(false, format!("there is no image {base}")),
        },
        OfImage::Label(key, value) => label(name, record.defaults.labels.get(key), key, value),
    }
}

fn label(name: &str, is: Option<&String>, key: &str, value: &str) -> Result<Verdict> {
    match is {
        Some(is) => verdict(is == value, format!("the label {key} of {name} is {is}")),
        None => verdict(false, format!("{name} has no label {key}")),
    }
}

fn policy_in_words(policy: RestartPolicy) -> String {
    match policy {
        RestartPolicy::No => "no".to_owned(),
        RestartPolicy::OnFailure(None) => "on-failure".to_owned(),
        RestartPolicy::OnFailure(Some(times)) => format!("on-failure:{times}"),
        RestartPolicy::Always => "always".to_owned(),
        RestartPolicy::UnlessStopped => "unless-stopped".to_owned(),
    }
}

/// The text of the first entry of an archive, if that is a regular file.
fn first_file(archive: Box<dyn std::io::Read>) -> Result<Option<String>> {
    let mut reader = Reader::new(archive);
    match reader.next_entry()? {
        Some(entry) if matches!(entry.kind, Kind::File) => {
            let mut bytes = Vec::new();
            let read = reader.by_ref().take(LOOKED_AT).read_to_end(&mut bytes);
            read.map_err(|e| Error::new(ErrorKind::System, "read a file of a container").source(e))?;
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
        _ => Ok(None),
    }
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = text.trim_end().chars().take(SHOWN).collect();
    if short.len() < text.trim_end().len() {
        short.push('…');
    }
    short
}
