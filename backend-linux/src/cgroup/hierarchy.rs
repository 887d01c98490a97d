//! Which hierarchies this host has, and where.

use cgroups_rs::fs::hierarchies::{is_cgroup2_unified_mode, mountinfo_self};
use drydock_core::limits::CgroupMode;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where systemd and all who follow it mount the unified hierarchy: alone, or beside v1.
const UNIFIED: &str = "/sys/fs/cgroup";
const BESIDE_V1: &str = "/sys/fs/cgroup/unified";

/// CGROUP2_SUPER_MAGIC of linux/magic.h.
const CGROUP2_MAGIC: rustix::fs::FsWord = 0x6367_7270;

/// v1 controllers that Drydock makes groups for. `name=systemd` and others that limit nothing are left alone.
const CONTROLLERS: [&str; 12] =
    ["blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "net_cls", "net_prio", "perf_event", "pids"];

/// The hierarchies of this host that Drydock uses.
#[derive(Clone, Debug)]
pub struct Hierarchies {
    mode: CgroupMode,
    /// Root directory of each controller.
    roots: BTreeMap<String, PathBuf>,
    /// v1 roots, each once though several controllers may share one; or the v2 root.
    distinct: Vec<PathBuf>,
    /// Root of the v2 tree, if there is one.
    unified: Option<PathBuf>,
}

impl Hierarchies {
    /// Looks where they are mounted. A host without any is one with no controllers.
    pub fn detect() -> Self {
        if is_cgroup2_unified_mode() {
            return Self::unified_at(PathBuf::from(UNIFIED));
        }
        let mut roots = BTreeMap::new();
        for mount in mountinfo_self() {
            // Something else may be mounted over it, or the mount may be one made for a container.
            if mount.fs_type.0 == "cgroup" && mount.mount_point.is_dir() {
                for option in mount.super_opts.iter().filter(|o| CONTROLLERS.contains(&o.as_str())) {
                    roots.entry(option.clone()).or_insert_with(|| mount.mount_point.clone());
                }
            }
        }
        let mut distinct: Vec<PathBuf> = roots.values().cloned().collect();
        distinct.sort();
        distinct.dedup();
        let unified = is_cgroup2(Path::new(BESIDE_V1)).then(|| PathBuf::from(BESIDE_V1));
        let mode = if unified.is_some() { CgroupMode::Hybrid } else { CgroupMode::V1 };
        Self { mode, roots, distinct, unified }
    }

    /// A host whose only hierarchy is the unified one, mounted here.
    pub fn unified_at(root: PathBuf) -> Self {
        let controllers = std::fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
        // Freezing and device programs belong to the tree itself in v2.
        let names = controllers.split_ascii_whitespace().chain(["devices", "freezer"]);
        Self {
            mode: CgroupMode::V2,
            roots: names.map(|name| (name.to_owned(), root.clone())).collect(),
            distinct: vec![root.clone()],
            unified: Some(root),
        }
    }

    /// How control groups are mounted.
    pub fn mode(&self) -> CgroupMode {
        self.mode
    }

    /// Controllers that can be used, sorted.
    pub fn controllers(&self) -> Vec<String> {
        self.roots.keys().cloned().collect()
    }

    /// Root of a controller's hierarchy.
    pub fn root_of(&self, controller: &str) -> Option<&Path> {
        self.roots.get(controller).map(PathBuf::as_path)
    }

    /// Roots of the hierarchies in which groups are made, each once.
    pub fn roots(&self) -> impl Iterator<Item = &Path> {
        self.distinct.iter().map(PathBuf::as_path)
    }

    /// The unified hierarchy where groups are made in it: not beside v1, whose controllers it lacks.
    pub(super) fn unified(&self) -> Option<&Path> {
        self.unified.as_deref().filter(|_| self.mode == CgroupMode::V2)
    }

    pub(super) fn is_unified(&self, root: &Path) -> bool {
        self.unified() == Some(root)
    }

    pub(super) fn is_cpuset(&self, root: &Path) -> bool {
        !self.is_unified(root) && self.root_of("cpuset") == Some(root)
    }
}

fn is_cgroup2(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|s| s.f_type == CGROUP2_MAGIC)
}
