//! The filters of lists of containers, as `ps --filter` takes them: values of one key are alternatives, keys must all hold.

use super::stats::Sizes;
use super::view::ContainerSummary;
use crate::container::{Status, health};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::kernel::Protocol;
use crate::time::Timestamp;
use regex_lite::Regex;
use serde::{Deserialize, Serialize};

/// Which containers to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListRequest {
    /// Those that do not run, too.
    pub all: bool,
    /// Only so many, the newest, whatever state they are in.
    pub last: Option<usize>,
    /// Only those that these keys and values let through.
    pub filters: Vec<(String, String)>,
    /// Say what each takes on disk; that takes time.
    pub sizes: bool,
}

/// What a filter asks the engine for: other containers and images that it names.
pub trait Lookup {
    /// When a container was made.
    fn created(&self, container: &str) -> Result<Timestamp>;
    /// The image that a name means, if it means one.
    fn image(&self, name: &str) -> Option<ImageId>;
    /// What a container takes on disk.
    fn sizes(&self, container: &ContainerSummary) -> Result<Sizes>;
}

const STATUSES: [(&str, Status); 7] = [
    ("created", Status::Created),
    ("running", Status::Running),
    ("paused", Status::Paused),
    ("restarting", Status::Restarting),
    ("removing", Status::Removing),
    ("exited", Status::Exited),
    ("dead", Status::Dead),
];

/// One value of a key, read.
enum Condition {
    Id(String),
    Name(Option<Regex>),
    Label(String, Option<String>),
    Exited(i32),
    Status(Status),
    Ancestor(String, Option<ImageId>),
    Before(Timestamp),
    Since(Timestamp),
    Volume(String),
    Network(String),
    Publish(Ports),
    Expose(Ports),
    Health(Option<health::Status>),
    Task(bool),
    Isolation,
}

/// `80`, `80/udp`, `8000-8010/tcp`
struct Ports {
    first: u16,
    last: u16,
    protocol: Protocol,
}

fn invalid(key: &str, value: &str) -> Error {
    Error::invalid(format!("Invalid filter '{}={}'", key.escape_debug(), value.escape_debug())).code("invalid-filter")
}

fn ports(key: &str, text: &str) -> Result<Ports> {
    let wrong = |part: &str| {
        Error::invalid(format!(
            "error while looking up for {key} {0}: strconv.ParseUint: parsing \"{1}\": invalid syntax",
            text.escape_debug(),
            part.escape_debug()
        ))
        .code("invalid-filter")
    };
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        _ => return Err(invalid(key, text)),
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last) = (first.parse().map_err(|_| wrong(first))?, last.parse().map_err(|_| wrong(last))?);
    Ok(Ports { first, last, protocol })
}

impl Ports {
    fn hold(&self, port: u16, protocol: Protocol) -> bool {
        self.protocol == protocol && (self.first..=self.last).contains(&port)
    }
}

fn read(key: &str, value: &str, lookup: &dyn Lookup) -> Result<Condition> {
    // A pattern that is none matches nothing, as in dockerd.
    let pattern = || Regex::new(value).ok();
    Ok(match key {
        "id" => Condition::Id(value.to_owned()),
        "name" => Condition::Name(pattern()),
        "label" => match value.split_once('=') {
            Some((name, value)) => Condition::Label(name.to_owned(), Some(value.to_owned())),
            None => Condition::Label(value.to_owned(), None),
        },
        "exited" => Condition::Exited(value.parse().map_err(|_| {
            Error::invalid(format!("strconv.Atoi: parsing \"{}\": invalid syntax", value.escape_debug())).code("invalid-filter")
        })?),
        "status" => {
            let found = STATUSES.iter().find(|(name, _)| *name == value);
            Condition::Status(found.map(|(_, status)| *status).ok_or_else(|| invalid(key, value))?)
        }
        "ancestor" => Condition::Ancestor(value.to_owned(), lookup.image(value)),
        "before" => Condition::Before(lookup.created(value).map_err(|e| unknown(&e, value))?),
        "since" => Condition::Since(lookup.created(value).map_err(|e| unknown(&e, value))?),
        "volume" => Condition::Volume(value.to_owned()),
        "network" => Condition::Network(value.to_owned()),
        "publish" => Condition::Publish(ports(key, value)?),
        "expose" => Condition::Expose(ports(key, value)?),
        "health" => Condition::Health(match value {
            "none" => None,
            "starting" => Some(health::Status::Starting),
            "healthy" => Some(health::Status::Healthy),
            "unhealthy" => Some(health::Status::Unhealthy),
            other => {
                let words = format!("Unrecognised filter value for health: {}", other.escape_debug());
                return Err(Error::invalid(words).code("invalid-filter"));
            }
        }),
        "is-task" => match value {
            "true" | "1" => Condition::Task(true),
            "false" | "0" => Condition::Task(false),
            other => return Err(Error::invalid(format!("Invalid filter 'is-task=[{}]'", other.escape_debug())).code("invalid-filter")),
        },
        // There is one isolation on Linux, and every container has it.
        "isolation" => Condition::Isolation,
        other => return Err(Error::invalid(format!("Invalid filter '{}'", other.escape_debug())).code("invalid-filter")),
    })
}

fn unknown(error: &Error, asked: &str) -> Error {
    if error.kind() != crate::ErrorKind::NotFound {
        return Error::new(error.kind(), error.message());
    }
    Error::not_found(format!("no such container {}", asked.escape_debug())).subject(asked).code("no-such-container")
}

impl Condition {
    fn holds(&self, c: &ContainerSummary) -> bool {
        match self {
            Self::Id(prefix) => c.id.as_str().starts_with(prefix.as_str()),
            Self::Name(pattern) => pattern.as_ref().is_some_and(|p| p.is_match(&c.name) || p.is_match(&format!("/{}", c.name))),
            Self::Label(name, None) => c.labels.contains_key(name),
            Self::Label(name, Some(value)) => c.labels.get(name) == Some(value),
            Self::Exited(code) => c.exit_code == *code && c.finished != Timestamp::NEVER && !runs(c.status),
            Self::Status(status) => c.status == *status,
            Self::Ancestor(name, id) => c.image == *name || id.as_ref() == Some(&c.image_id),
            Self::Before(moment) => c.created < *moment,
            Self::Since(moment) => c.created > *moment,
            Self::Volume(name) => c.mounts.iter().chain(&c.mount_targets).any(|m| m == name),
            Self::Network(name) => c.networks.iter().chain(&c.network_ids).any(|n| n == name),
            Self::Publish(ports) => c.published.iter().any(|p| ports.hold(p.host_port, p.protocol)),
            Self::Expose(ports) => {
                c.published.iter().any(|p| ports.hold(p.container_port, p.protocol))
                    || c.exposed.iter().any(|text| {
                        let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
                        let protocol = match protocol {
                            "udp" => Protocol::Udp,
                            "sctp" => Protocol::Sctp,
                            _ => Protocol::Tcp,
                        };
                        number.parse().is_ok_and(|port| ports.hold(port, protocol))
                    })
            }
            Self::Health(wanted) => c.health == *wanted,
            Self::Task(wanted) => !wanted,
            Self::Isolation => true,
        }
    }
}

fn runs(status: Status) -> bool {
    matches!(status, Status::Running | Status::Paused | Status::Restarting)
}

/// Answers a request: `every` gives all containers or the running ones, newest first.
///
/// # Errors
/// Docker's words for a filter that there is not, or a value that is none.
pub fn select(
    request: &ListRequest,
    every: &mut dyn FnMut(bool) -> Result<Vec<ContainerSummary>>,
    lookup: &dyn Lookup,
) -> Result<Vec<ContainerSummary>> {
    let mut keys: Vec<(&str, Vec<Condition>)> = Vec::new();
    for (key, value) in &request.filters {
        let condition = read(key, value, lookup)?;
        // dockerd takes a port that is published or exposed for one question.
        let group = if key == "expose" { "publish" } else { key.as_str() };
        // Every label must be there; for all else one of the values is enough.
        match keys.iter_mut().find(|(k, _)| *k == group && key != "label") {
            Some((_, conditions)) => conditions.push(condition),
            None => keys.push((group, vec![condition])),
        }
    }
    let has = |key: &str| keys.iter().any(|(k, _)| *k == key);
    let all = request.all || request.last.is_some() || has("status") || has("exited");
    let mut containers = every(all)?;
    containers.retain(|c| keys.iter().all(|(_, conditions)| conditions.iter().any(|condition| condition.holds(c))));
    containers.truncate(request.last.unwrap_or(usize::MAX));
    if request.sizes {
        for container in &mut containers {
            container.sizes = Some(lookup.sizes(container)?);
        }
    }
    Ok(containers)
}
