//! `doctor`: what should not be there, what should be there and is not, and how each is put right.
//!
//! The host is asked what is (`observe`, files), the records what ought to be; whatever the two do not agree on is a [`Finding`] with
//! a remedy. Operations that are under way look like ailments for a moment, so a finding counts only if a second look a little later
//! finds it too. Nothing is decided from a name alone: what no record knows and no living operation owns is unowned.

mod content;
mod cure;
mod host;
mod records;

use super::LocalEngine;
use crate::container::ContainerRecord;
use crate::error::Result;
use crate::id::{ChainId, ContainerId};
use crate::image::{ImageRecord, LayerRecord};
use crate::kernel::Step;
use crate::network::NetworkRecord;
use crate::store::{Change, Table};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long something must last to be an ailment and not an operation.
const LASTING: Duration = Duration::from_millis(400);

/// What to look at, and whether to put it right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkup {
    /// Put right what can be.
    pub repair: bool,
    /// Do not read the content of blobs and layers, which takes as long as reading all images.
    pub quick: bool,
}

/// What is wrong with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ailment {
    /// It is there, and nothing owns it.
    Unowned,
    /// It should be there, and is not.
    Missing,
    /// Its content is not what it was.
    Damaged,
    /// A record says what is not so.
    Untrue,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong.
    pub ailment: Ailment,
    /// What kind of thing it is: `mount`, `cgroup`, `link`, `rule`, `process`, `file`, `blob`, `layer`, `lock`, `address`, `port`, `record`…
    pub thing: String,
    /// Which one: a path, a name, a key.
    pub subject: String,
    /// One sentence.
    pub problem: String,
    /// What puts it right; what to type where Drydock does not do it by itself.
    pub remedy: String,
    /// Whether it was put right.
    pub repaired: bool,
}

/// What puts a finding right.
enum Cure {
    /// Steps on the host.
    Steps(Vec<Step>),
    /// Changes of records.
    Records(Vec<Change>),
    /// The record of this container is made true.
    Settle(ContainerId),
    /// The container's directory and its list of layers are made again.
    Restack(Box<ContainerRecord>),
    /// A lock that nobody holds is taken and let go, which removes its file.
    Unlock(String),
    /// The two files of the image layout are written again.
    Index,
    /// A person has to.
    ByHand,
}

/// A finding and its cure.
struct Case {
    finding: Finding,
    cure: Cure,
}

impl Case {
    fn new(ailment: Ailment, thing: &str, subject: impl Into<String>, problem: impl Into<String>, remedy: &str, cure: Cure) -> Self {
        let finding = Finding {
            ailment,
            thing: thing.to_owned(),
            subject: subject.into(),
            problem: problem.into(),
            remedy: remedy.to_owned(),
            repaired: false,
        };
        Self { finding, cure }
    }

    /// Something that nothing owns.
    fn unowned(thing: &str, subject: impl Into<String>, remedy: &str, cure: Cure) -> Self {
        Self::new(Ailment::Unowned, thing, subject, format!("nothing owns this {thing}"), remedy, cure)
    }
}

/// What the records say, as far as they can be read.
#[derive(Default)]
struct Chart {
    containers: BTreeMap<String, ContainerRecord>,
    images: BTreeMap<String, ImageRecord>,
    layers: BTreeMap<String, LayerRecord>,
    networks: BTreeMap<String, NetworkRecord>,
    /// Subjects of plans under way.
    plans: BTreeSet<String>,
    /// `blob/HEX`, `layer/CHAIN`: taken in by operations that live.
    pending: BTreeSet<String>,
    /// Images that exist only for a container of a build; their configurations are nowhere but in their records.
    building: BTreeSet<String>,
    /// Layers that entries of the build cache hold, one for each entry.
    cached: Vec<ChainId>,
    /// Records that cannot be read: table and key.
    unreadable: Vec<(Table, String)>,
}

impl LocalEngine {
    /// Looks for everything that is wrong, and puts it right if asked to.
    pub(super) fn examine(&self, checkup: Checkup) -> Result<Vec<Finding>> {
        let mut cases = self.glance()?;
        if !cases.is_empty() {
            self.host.clock.sleep(LASTING);
            let again = self.glance()?;
            cases = again.into_iter().filter(|case| cases.iter().any(|first| first.finding == case.finding)).collect();
        }
        if !checkup.quick {
            cases.extend(self.contents()?);
        }
        let mut findings = Vec::new();
        for case in cases {
            let Case { mut finding, cure } = case;
            if checkup.repair {
                match self.cure(cure) {
                    Ok(done) => finding.repaired = done,
                    Err(error) => finding.remedy = format!("{} (tried: {error})", finding.remedy),
                }
            }
            findings.push(finding);
        }
        Ok(findings)
    }

    /// One look at records and host.
    fn glance(&self) -> Result<Vec<Case>> {
        // The records before and after: what they know at either moment has an owner.
        let before = self.chart()?;
        let seen = self.kernel().observe()?;
        let after = self.chart()?;
        let mut cases = self.untrue(&after)?;
        cases.extend(self.leftovers(&before, &after, &seen));
        Ok(cases)
    }
}
