//! Lists, counts and single records, as they are at the time of asking.

use super::LocalEngine;
use super::filter::{self, ListRequest, Lookup};
use super::images::all_exposed;
use super::stats::Sizes;
use super::view::{ContainerSummary, EngineInfo};
use crate::container::{ContainerRecord, MountKind, NetworkMode, Status};
use crate::error::Result;
use crate::id::ImageId;
use crate::network::Endpoint;
use crate::store::{StoreExt as _, Table};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// What a list has found out about images, since a thousand containers may have one: by its id and the name the container was made
/// with, the ports it exposes, and whether it still has that name.
type Images = BTreeMap<(ImageId, String), (Vec<String>, bool)>;

impl LocalEngine {
    /// Containers, newest first; running ones only unless `all`. Only those that something is under way with can run, so a list of
    /// running ones does not look at the others.
    pub(super) fn container_list(&self, all: bool) -> Result<Vec<ContainerSummary>> {
        self.settle_all()?;
        let mut records: Vec<ContainerRecord> = if all {
            self.store().load_all::<ContainerRecord>(Table::Containers)?.into_iter().map(|(_, record)| record).collect()
        } else {
            let mut running = Vec::new();
            for (key, _) in self.store().scan(Table::Meta, "active/", "", usize::MAX)? {
                running.extend(self.store().load::<ContainerRecord>(Table::Containers, key.trim_start_matches("active/"))?);
            }
            running.retain(|r| matches!(r.state.status, Status::Running | Status::Paused | Status::Restarting));
            running
        };
        // What a build runs is the build's own.
        records.retain(|r| !r.config.labels.contains_key(super::build::LABEL));
        records.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        let mut images = Images::new();
        records.into_iter().map(|record| self.summary(record, &mut images)).collect()
    }

    /// The containers that a request means.
    pub(super) fn list_containers(&self, request: &ListRequest) -> Result<Vec<ContainerSummary>> {
        filter::select(request, &mut |all| self.container_list(all), self)
    }

    fn summary(&self, record: ContainerRecord, images: &mut Images) -> Result<ContainerSummary> {
        let key = (record.image.clone(), record.config.image.clone());
        let (ports, still_named) = match images.get(&key) {
            Some(known) => known,
            None => {
                let still_named = self.find_image(&record.config.image).is_ok_and(|image| image.id == record.image);
                &*images.entry(key).or_insert((self.exposed_by(&record.image)?, still_named))
            }
        };
        let exposed = all_exposed(ports, &record);
        let reachable = record.endpoints.iter().any(Endpoint::publishes);
        let image = if *still_named { record.config.image.clone() } else { record.image.short().to_owned() };
        let mut networks: Vec<String> = record.places.iter().map(|p| p.network.clone()).collect();
        networks.sort();
        match &record.config.network {
            NetworkMode::Host => networks.push("host".to_owned()),
            NetworkMode::Container(name) => networks.push(format!("container:{name}")),
            NetworkMode::Named(_) | NetworkMode::None => {}
        }
        let mount_targets = record.config.mounts.iter().map(|m| m.target.clone()).collect();
        let mounts = record.config.mounts.iter().filter(|m| m.kind != MountKind::Tmpfs).map(|m| m.source.clone()).collect();
        Ok(ContainerSummary {
            id: record.id,
            name: record.name,
            image,
            image_id: record.image,
            args: record.args,
            created: record.created,
            status: record.state.status,
            health: record.state.health.as_ref().map(|h| h.status),
            exit_code: record.state.exit_code,
            started: record.state.started,
            finished: record.state.finished,
            published: record.published,
            exposed,
            labels: record.config.labels,
            networks,
            network_ids: record.endpoints.iter().map(|e| e.network.to_string()).collect(),
            mounts,
            mount_targets,
            network: record.config.network,
            endpoints: record.endpoints,
            places: record.places,
            points: record.config.mounts,
            sizes: None,
            reachable,
        })
    }

    /// Counts and settings.
    pub(super) fn counts(&self) -> Result<EngineInfo> {
        self.settle_all()?;
        let records = self.store().load_all::<ContainerRecord>(Table::Containers)?;
        let of = |wanted: &[Status]| records.iter().filter(|(_, r)| wanted.contains(&r.state.status)).count() as u64;
        let (running, paused) = (of(&[Status::Running, Status::Restarting]), of(&[Status::Paused]));
        Ok(EngineInfo {
            containers: records.len() as u64,
            running,
            paused,
            stopped: records.len() as u64 - running - paused,
            images: self.image_list()?.len() as u64,
            facts: self.kernel().facts().clone(),
            warnings: self.warnings(),
        })
    }

    fn warnings(&self) -> Vec<String> {
        let controllers = &self.kernel().facts().controllers;
        [
            ("memory", "WARNING: No memory limit support"),
            ("cpu", "WARNING: No cpu cfs quota support"),
            ("pids", "WARNING: No pids limit support"),
        ]
        .iter()
        .filter(|(name, _)| !controllers.iter().any(|c| c == name))
        .map(|(_, text)| (*text).to_owned())
        .collect()
    }
}

impl Lookup for LocalEngine {
    fn created(&self, container: &str) -> Result<Timestamp> {
        self.settled(container).map(|record| record.created)
    }

    fn image(&self, name: &str) -> Option<ImageId> {
        self.find_image(name).ok().map(|image| image.id)
    }

    fn sizes(&self, container: &ContainerSummary) -> Result<Sizes> {
        self.find_record(&container.id)?.map_or(Ok(Sizes::default()), |record| self.sizes_of(&record))
    }
}
