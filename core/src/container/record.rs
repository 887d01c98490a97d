//! What the store keeps of a container.

use super::health::Health;
use super::{ContainerConfig, NetworkMode};
use crate::id::{ContainerId, ImageId};
use crate::kernel::Process;
use crate::network::{Endpoint, Place, Publish, choose_leader};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where in its life a container is, in Docker's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Made, never started.
    #[default]
    Created,
    /// Its program runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// Its program ended and will be started again.
    Restarting,
    /// It is being removed.
    Removing,
    /// Its program ended.
    Exited,
    /// It could not be removed whole.
    Dead,
}

/// A system call that a container's filter refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RefusedCall {
    /// Its name: `mount`.
    pub call: String,
    /// The program that made it, by the first 15 bytes of its name.
    pub program: String,
    /// What it was answered: `EPERM`.
    pub answer: String,
    /// The same as a number.
    pub errno: i32,
    /// How often; true to a factor of two.
    pub count: u64,
}

/// The part of a record that changes with the container's life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    /// Where it is.
    pub status: Status,
    /// Its first process while it runs.
    pub process: Option<Process>,
    /// How its program ended last.
    pub exit_code: i32,
    /// The kernel killed something in it for want of memory.
    pub oom_killed: bool,
    /// Why its program could not be started, or what it was lost by.
    pub error: String,
    /// Its program ended with whoever watched over it: its supervisor, or the whole machine. How is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// When it was started last.
    pub started: Timestamp,
    /// When it ended last.
    pub finished: Timestamp,
    /// How often its restart policy started it again.
    pub restarts: u32,
    /// A person stopped it.
    pub stopped_by_hand: bool,
    /// The boot in which `process` means anything.
    pub boot_id: String,
    /// It has a supervisor, or an operation on it takes several changes: what to tidy up if whoever does it is dead.
    #[serde(default)]
    pub under_way: bool,
    /// The system calls that its filter refused, by name: `--security-opt seccomp-report`. Only in what an engine shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedCall>,
    /// What its probes found; `None` where nobody probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
}

/// A container as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct ContainerRecord {
    /// Its id.
    pub id: ContainerId,
    /// Its name, without a slash.
    pub name: String,
    /// What was asked for.
    pub config: ContainerConfig,
    /// The image it is made from.
    pub image: ImageId,
    /// Program and arguments after the image's defaults are in.
    pub args: Vec<String>,
    /// Environment after the image's defaults are in.
    pub env: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Its life.
    pub state: ContainerState,
    /// The networks it is on whenever it runs, the first one first.
    pub places: Vec<Place>,
    /// Its places in networks, while it runs.
    pub endpoints: Vec<Endpoint>,
    /// Its published ports, while it runs.
    pub published: Vec<Publish>,
}

/// The same as it may have been written, by this version or one before.
#[derive(Deserialize)]
struct Stored {
    id: ContainerId,
    name: String,
    config: ContainerConfig,
    image: ImageId,
    args: Vec<String>,
    env: Vec<String>,
    created: Timestamp,
    state: ContainerState,
    /// Not there in what was written when a container was on one network, the one of its mode.
    places: Option<Vec<Place>>,
    endpoints: Vec<Endpoint>,
    published: Vec<Publish>,
}

impl From<Stored> for ContainerRecord {
    fn from(stored: Stored) -> Self {
        let Stored { id, name, config, image, args, env, created, state, places, mut endpoints, published } = stored;
        let places = places.unwrap_or_else(|| {
            let place = |network: &str| Place { id: endpoints.first().map(|e| e.network.clone()), ..Place::on(network) };
            let only = match &config.network {
                NetworkMode::Named(name) => place(if name == "default" { "bridge" } else { name }),
                NetworkMode::None => place("none"),
                NetworkMode::Host | NetworkMode::Container(_) => return Vec::new(),
            };
            // Of one that runs, its place there is the only one, and so the one that leads.
            for endpoint in endpoints.iter_mut().filter(|e| e.name.is_empty()) {
                endpoint.name.clone_from(&only.network);
            }
            choose_leader(&mut endpoints);
            vec![only]
        });
        Self { id, name, config, image, args, env, created, state, places, endpoints, published }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record as it was written when a container was on one network at most.
    fn before(network: serde_json::Value, runs: bool) -> ContainerRecord {
        let config = ContainerConfig { network: serde_json::from_value(network).unwrap(), ..ContainerConfig::default() };
        let record = ContainerRecord { config, ..crate::container::oci::tests::record(ContainerConfig::default()) };
        let mut written = serde_json::to_value(&record).unwrap();
        written.as_object_mut().unwrap().remove("places").expect("it is written today");
        if runs {
            written["endpoints"] = serde_json::json!([{
                "container": record.id, "network": "11".repeat(32), "address": "172.30.0.2/16",
                "mac": "02:42:ac:1e:00:02", "host_link": "veth0123456", "link": "eth0",
            }]);
        }
        serde_json::from_value(written).unwrap()
    }

    #[test]
    fn a_record_from_before_there_were_places_names_the_network_of_its_mode() {
        let on = |network, runs| before(network, runs).places.iter().map(|p| p.network.clone()).collect::<Vec<_>>();
        assert_eq!(on(serde_json::json!({"named": "mine"}), false), ["mine"]);
        assert_eq!(on(serde_json::json!({"named": "default"}), false), ["bridge"]);
        assert_eq!(on(serde_json::json!("none"), false), ["none"]);
        assert!(on(serde_json::json!("host"), false).is_empty());
        assert!(on(serde_json::json!({"container": "other"}), false).is_empty());
    }

    #[test]
    fn a_running_one_of_those_has_its_default_route_where_it_is() {
        let record = before(serde_json::json!({"named": "mine"}), true);
        assert_eq!(record.places[0].id.as_ref(), Some(&record.endpoints[0].network));
        assert!(record.endpoints[0].leads && record.endpoints[0].name == "mine");
    }

    #[test]
    fn what_is_written_today_is_read_as_it_was_written() {
        let mut record = crate::container::oci::tests::record(ContainerConfig::default());
        record.places.clear();
        let again: ContainerRecord = serde_json::from_slice(&serde_json::to_vec(&record).unwrap()).unwrap();
        assert_eq!(again, record);
    }
}
