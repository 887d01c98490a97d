//! The law: every clause, a module an area, a file a topic.

pub mod build;
pub mod container;
pub mod image;
pub mod limits;
pub mod network;
pub mod registry;
pub mod security;

use crate::clause::{Area, Clause};

pub(crate) use build::needs_buildkit;

/// Every clause, by area, topic and number.
pub fn all() -> Vec<&'static Clause> {
    let areas = [
        container::topics(),
        image::topics(),
        build::topics(),
        network::topics(),
        limits::topics(),
        registry::topics(),
        security::topics(),
    ];
    let mut all: Vec<&'static Clause> = areas.into_iter().flatten().flatten().collect();
    // A file may hold several topics, and a topic may be told in several files.
    all.sort_by_key(|clause| place(clause.id));
    all
}

/// Where a clause stands: its area, its topic, and its number as a number.
fn place(id: &str) -> (Option<Area>, &str, u32) {
    let (topic, number) = id.rsplit_once('-').unwrap_or((id, ""));
    (Area::ALL.into_iter().find(|area| id.starts_with(area.prefix())), topic, number.parse().unwrap_or(0))
}

/// The clause with this id.
pub fn find(id: &str) -> Option<&'static Clause> {
    all().into_iter().find(|c| c.id == id)
}

/// Where the law stands, for clauses that share a page.
pub(crate) mod cite {
    /// Docker's reference of `run`.
    pub const RUN: &str = "Docker CLI reference, docker container run";
    /// Docker's exit codes.
    pub const EXIT: &str = "Docker CLI reference, docker container run, Exit status";
    /// Docker's reference of `exec`.
    pub const EXEC: &str = "Docker CLI reference, docker container exec";
    /// Docker's reference of `logs`.
    pub const LOGS: &str = "Docker CLI reference, docker container logs";
    /// Docker's reference of `rm`.
    pub const RM: &str = "Docker CLI reference, docker container rm";
    /// Docker's reference of `stop`.
    pub const STOP: &str = "Docker CLI reference, docker container stop";
    /// Docker's reference of `rename`.
    pub const RENAME: &str = "Docker CLI reference, docker container rename";
    /// Docker's reference of `update`.
    pub const UPDATE: &str = "Docker CLI reference, docker container update";
    /// What people asked Docker for, and it has not.
    pub const ASKED: &str = "moby/moby#21282, docker/cli#5328";
    /// Docker's reference of `ps`.
    pub const PS: &str = "Docker CLI reference, docker container ls, Filtering";
    /// Docker's reference of `top`.
    pub const TOP: &str = "Docker CLI reference, docker container top";
    /// Docker's reference of `stats`.
    pub const STATS: &str = "Docker CLI reference, docker container stats";
    /// Docker's reference of `container prune`.
    pub const PRUNE: &str = "Docker CLI reference, docker container prune";
    /// Docker's reference of `events`.
    pub const EVENTS: &str = "Docker CLI reference, docker system events";
    /// Docker's reference of `pull`.
    pub const PULL: &str = "Docker CLI reference, docker image pull";
    /// Docker's reference of `push`.
    pub const PUSH: &str = "Docker CLI reference, docker image push";
    /// Docker's reference of `login`.
    pub const LOGIN: &str = "Docker CLI reference, docker login";
    /// Docker's reference of `search`.
    pub const SEARCH: &str = "Docker CLI reference, docker search";
    /// The distribution specification's half about pulling.
    pub const PULLING: &str = "distribution-spec 1.1, Pull";
    /// The distribution specification's half about pushing.
    pub const PUSHING: &str = "distribution-spec 1.1, Push";
    /// What names content.
    pub const DESCRIPTOR: &str = "image-spec descriptor.md, Verification";
    /// Tokens.
    pub const TOKEN: &str = "distribution project, Token Authentication Specification";
    /// Docker's reference of `import`.
    pub const IMPORT: &str = "Docker CLI reference, docker image import";
    /// Docker's reference of `load`.
    pub const LOAD: &str = "Docker CLI reference, docker image load";
    /// Docker's reference of `commit`.
    pub const COMMIT: &str = "Docker CLI reference, docker container commit";
    /// Docker's reference of `diff`.
    pub const DIFF: &str = "Docker CLI reference, docker container diff";
    /// Docker's reference of `cp`.
    pub const CP: &str = "Docker CLI reference, docker container cp; Engine API, ContainerArchive";
    /// Docker's reference of `export`.
    pub const EXPORT: &str = "Docker CLI reference, docker container export";
    /// Docker's reference of `save`.
    pub const SAVE: &str = "Docker CLI reference, docker image save";
    /// Docker's reference of `tag`.
    pub const TAG: &str = "Docker CLI reference, docker image tag";
    /// Docker's reference of `history`.
    pub const HISTORY: &str = "Docker CLI reference, docker image history";
    /// Docker's reference of `image prune`.
    pub const IMAGE_PRUNE: &str = "Docker CLI reference, docker image prune";
    /// Docker's reference of `rmi`.
    pub const RMI: &str = "Docker CLI reference, docker image rm";
    /// Pid namespaces.
    pub const PIDNS: &str = "pid_namespaces(7), The namespace init process";
    /// Layers of the image specification.
    pub const LAYER: &str = "image-spec layer.md";
    /// Docker's networking.
    pub const NET: &str = "Docker manual, Networking overview";
    /// Docker's ports.
    pub const PORT: &str = "Docker manual, Port publishing and mapping";
    /// Docker's limits.
    pub const LIMITS: &str = "Docker manual, Resource constraints";
}
