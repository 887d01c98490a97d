//! What the engine says, asked once for all views.

use crate::world::World;
use drydock_core::Result;
use drydock_core::container::ContainerRecord;
use drydock_core::engine::VolumeSummary;
use drydock_core::image::ImageRecord;
use drydock_core::image::changeset::PathChange;
use drydock_core::network::NetworkRecord;
use drydock_core::store::{StoreExt as _, Table};

/// A container, with what it changed of its image.
pub(crate) struct Container {
    pub record: ContainerRecord,
    /// The image as it was asked for.
    pub image: String,
    pub changed: Vec<PathChange>,
}

/// An image, with its names as people write them.
pub(crate) struct Image {
    pub record: ImageRecord,
    pub tags: Vec<String>,
}

/// What there is, the oldest first.
pub(crate) struct Seen {
    pub containers: Vec<Container>,
    pub images: Vec<Image>,
    pub networks: Vec<NetworkRecord>,
    pub volumes: Vec<VolumeSummary>,
}

impl Seen {
    pub fn of(world: &World) -> Result<Self> {
        let engine = world.engine();
        let mut containers = Vec::new();
        for summary in engine.containers(true)?.into_iter().rev() {
            let id = summary.id.as_str();
            containers.push(Container { record: engine.container(id)?, image: summary.image, changed: engine.diff(id)? });
        }
        let mut images = Vec::new();
        for summary in engine.images()?.into_iter().rev() {
            images.push(Image { record: engine.image(summary.id.as_str())?, tags: summary.tags });
        }
        // From the records: whoever asks the engine for networks makes the first one, and looking is to change nothing.
        let mut networks: Vec<NetworkRecord> =
            world.host().store().load_all(Table::Networks)?.into_iter().map(|(_, record)| record).collect();
        networks.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
        Ok(Self { containers, images, networks, volumes: engine.volumes(&[])? })
    }

    /// The container of a control group's path: `/drydock/ID`, or a group below that.
    pub fn of_group(&self, path: &str) -> Option<&Container> {
        self.containers.iter().find(|c| path.split('/').any(|part| part == c.record.id.as_str()))
    }
}
