//! `tag` and `history`: names of images, and how they were made.

use super::LocalEngine;
use crate::error::{Error, Result};
use crate::id::{Digest, ImageId};
use crate::image::LayerRecord;
use crate::image::config::{self, Made};
use crate::image::reference::{Reference, familiar};
use crate::store::{StoreExt as _, Table};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One step of how an image was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The image that the step made, where that is here.
    pub id: Option<ImageId>,
    /// Its references.
    pub tags: Vec<String>,
    /// When.
    pub created: Timestamp,
    /// By what.
    pub created_by: String,
    /// What was said.
    pub comment: String,
    /// Bytes of the layer that came of it.
    pub size: u64,
}

/// A moment in a configuration; the beginning of time where it says none.
pub(crate) fn moment(made: &Made) -> Timestamp {
    let parsed = made.created.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    Timestamp(parsed.and_then(|t| u64::try_from(t.as_nanosecond()).ok()).unwrap_or(0))
}

impl LocalEngine {
    /// Gives an image one more reference.
    pub(super) fn tag_image(&self, source: &str, target: &str) -> Result<()> {
        let wrong = |e: Error| {
            Error::invalid(format!("Error parsing reference: \"{}\" is not a valid repository/tag: {}", target.escape_debug(), e.message()))
        };
        let reference = Reference::parse(target).map_err(wrong)?;
        if reference.digest.is_some() {
            return Err(Error::invalid("refusing to create a tag with a digest reference"));
        }
        if reference.familiar_repository() == "sha256" {
            return Err(Error::invalid("refusing to create an ambiguous tag using digest algorithm as name"));
        }
        let _guard = self.lock(super::images::LOCK)?;
        let image = self.find_image(source)?;
        self.enter_image(&image, Some(&reference), &[], "tag", &[])
    }

    /// How an image was made, newest step first.
    pub(super) fn history_of(&self, name: &str) -> Result<Vec<HistoryEntry>> {
        let image = self.find_image(name)?;
        let steps = config::history(&self.read_blob(&Digest::parse(image.id.as_str())?, config::LARGEST)?)?;
        let mut layers = image.layers.iter();
        let mut all = Vec::with_capacity(steps.len());
        for step in steps {
            let layer = if step.empty_layer { None } else { layers.next() };
            let record = layer.map(|chain| self.store().load::<LayerRecord>(Table::Layers, chain.as_str())).transpose()?.flatten();
            let (created, size) = (moment(&step), record.map_or(0, |l| l.size));
            all.push(HistoryEntry { id: None, tags: Vec::new(), created, created_by: step.created_by, comment: step.comment, size });
        }
        all.reverse();
        let mut next = Some(image);
        for entry in &mut all {
            let Some(image) = next else { break };
            entry.id = Some(image.id.clone());
            entry.tags = image.tags.iter().map(|t| familiar(t)).collect();
            next = image.parent.as_ref().map(|parent| self.image_record(parent)).transpose()?.flatten().filter(|i| !i.hidden);
        }
        Ok(all)
    }
}
