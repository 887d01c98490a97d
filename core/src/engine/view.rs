//! What the engine answers with where it is not the record itself.

use crate::container::{MountRequest, NetworkMode, Status};
use crate::id::{ContainerId, ImageId};
use crate::io::Stream;
use crate::kernel::Facts;
use crate::network::{Endpoint, Place, Publish};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line of `ps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSummary {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// The image as it was asked for, or the short id once that name means another.
    pub image: String,
    /// The image it is made from.
    pub image_id: ImageId,
    /// Program and arguments.
    pub args: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Where it is.
    pub status: Status,
    /// What its probes say; `None` where nobody probes.
    pub health: Option<crate::container::health::Status>,
    /// How its program ended last.
    pub exit_code: i32,
    /// When it was started last.
    pub started: Timestamp,
    /// When it ended last.
    pub finished: Timestamp,
    /// Its published ports.
    pub published: Vec<Publish>,
    /// Its exposed ports, whether anything can reach them or not: `80/tcp`.
    pub exposed: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The names of its networks.
    pub networks: Vec<String>,
    /// The ids of its networks, while it runs.
    pub network_ids: Vec<String>,
    /// Its mounts: source or volume name.
    pub mounts: Vec<String>,
    /// Where they are in it.
    pub mount_targets: Vec<String>,
    /// What it asked for as its network.
    pub network: NetworkMode,
    /// Its places in networks, while it runs.
    pub endpoints: Vec<Endpoint>,
    /// What was asked of them, whether it runs or not.
    #[serde(default)]
    pub places: Vec<Place>,
    /// Its mounts as they were asked for.
    pub points: Vec<MountRequest>,
    /// What it takes on disk, where that was asked for.
    pub sizes: Option<super::stats::Sizes>,
    /// Whether what it exposes can be reached: it runs, and its default route is on a network with a way out.
    #[serde(default)]
    pub reachable: bool,
}

impl ContainerSummary {
    /// The exposed ports that a list shows.
    pub fn open(&self) -> &[String] {
        if self.reachable { &self.exposed } else { &[] }
    }
}

/// A line of `images`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSummary {
    /// Its id.
    pub id: ImageId,
    /// References as people write them: `busybox:latest`; empty for a dangling image.
    pub tags: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Bytes unpacked.
    pub size: u64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// What registries call it: `busybox@sha256:…`.
    #[serde(default)]
    pub digests: Vec<String>,
    /// The image that it was made from, if it was made here.
    #[serde(default)]
    pub parent: Option<ImageId>,
}

impl ImageSummary {
    /// Images in an order in which each can be removed: after all that were made from it.
    pub fn children_first(mut images: Vec<Self>) -> Vec<Self> {
        let parents: BTreeMap<ImageId, ImageId> = images.iter().filter_map(|i| Some((i.id.clone(), i.parent.clone()?))).collect();
        let depth = |image: &Self| std::iter::successors(parents.get(&image.id), |id| parents.get(*id)).count();
        images.sort_by_key(|image| std::cmp::Reverse(depth(image)));
        images
    }
}

/// Which lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsRequest {
    /// Go on until the container ends.
    pub follow: bool,
    /// Only the last so many; `None` for all.
    pub tail: Option<usize>,
    /// Only from this moment on.
    pub since: Option<Timestamp>,
    /// Only up to this moment.
    pub until: Option<Timestamp>,
    /// While following: an empty line now and then where there is no news, so that whoever follows can leave.
    #[serde(default)]
    pub pulse: bool,
}

/// One line of a log, with its line end if it had one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written.
    pub time: Timestamp,
    /// Where to.
    pub stream: Stream,
    /// What.
    pub bytes: Vec<u8>,
    /// What its log's options put beside it: labels, variables, a tag.
    pub attributes: BTreeMap<String, String>,
}

/// How to remove a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveOptions {
    /// Kill it if it runs.
    pub force: bool,
    /// Its anonymous volumes too.
    pub volumes: bool,
}

/// What `info` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// Containers by state.
    pub containers: u64,
    /// Of these running.
    pub running: u64,
    /// Of these paused.
    pub paused: u64,
    /// Of these not running.
    pub stopped: u64,
    /// Images.
    pub images: u64,
    /// The host.
    pub facts: Facts,
    /// What is odd about this host.
    pub warnings: Vec<String>,
}
