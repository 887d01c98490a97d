//! Records that contradict each other, or what is.

use super::{Ailment, Case, Chart, Cure};
use crate::container::{ContainerRecord, Status};
use crate::engine::LocalEngine;
use crate::engine::build::CACHE;
use crate::error::Result;
use crate::id::ContainerId;
use crate::image::ImageRecord;
use crate::store::{Change, Table, put};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// Every table whose records have a shape.
const SHAPED: [Table; 8] =
    [Table::Containers, Table::Names, Table::Images, Table::Tags, Table::Layers, Table::Networks, Table::Addresses, Table::Plans];

impl LocalEngine {
    fn table<T: DeserializeOwned>(&self, table: Table, unreadable: &mut Vec<(Table, String)>) -> Result<BTreeMap<String, T>> {
        let mut read = BTreeMap::new();
        for (key, bytes) in self.store().scan(table, "", "", usize::MAX)? {
            match serde_json::from_slice(&bytes) {
                Ok(record) => drop(read.insert(key, record)),
                Err(_) => unreadable.push((table, key)),
            }
        }
        Ok(read)
    }

    /// Reads all records, those that cannot be read as far as being named.
    pub(super) fn chart(&self) -> Result<Chart> {
        let mut unreadable = Vec::new();
        let mut chart = Chart {
            containers: self.table(Table::Containers, &mut unreadable)?,
            images: self.table(Table::Images, &mut unreadable)?,
            layers: self.table(Table::Layers, &mut unreadable)?,
            networks: self.table(Table::Networks, &mut unreadable)?,
            ..Chart::default()
        };
        for plan in self.table::<Value>(Table::Plans, &mut unreadable)?.values() {
            chart.plans.extend(plan.pointer("/plan/subject").and_then(Value::as_str).map(str::to_owned));
        }
        for table in [Table::Names, Table::Tags, Table::Addresses] {
            self.table::<String>(table, &mut unreadable)?;
        }
        for (key, _) in self.store().scan(Table::Meta, "pending/", "", usize::MAX)? {
            let named = key.strip_prefix("pending/").and_then(|k| k.rsplit_once('/')).map(|(named, _)| named.to_owned());
            chart.pending.extend(named);
        }
        for (key, _) in self.store().scan(Table::Meta, "building/", "", usize::MAX)? {
            chart.building.extend(key.split_once("/image/").map(|(_, id)| id.to_owned()));
        }
        chart.cached = self.cached_layers(&mut unreadable)?;
        chart.unreadable = unreadable;
        Ok(chart)
    }

    /// Everything that records say and that is not so.
    pub(super) fn untrue(&self, chart: &Chart) -> Result<Vec<Case>> {
        let mut cases: Vec<Case> = chart.unreadable.iter().map(|(table, key)| unreadable(*table, key)).collect();
        self.names(chart, &mut cases)?;
        self.tags(chart, &mut cases)?;
        self.layers(chart, &mut cases)?;
        self.leases(chart, &mut cases)?;
        self.marks(chart, &mut cases)?;
        for record in chart.containers.values() {
            self.life(record, &mut cases)?;
        }
        Ok(cases)
    }

    fn names(&self, chart: &Chart, cases: &mut Vec<Case>) -> Result<()> {
        for (name, bytes) in self.store().scan(Table::Names, "", "", usize::MAX)? {
            let id: String = serde_json::from_slice(&bytes).unwrap_or_default();
            if chart.containers.get(&id).is_none_or(|c| c.name != name) && !chart.unreadable.contains(&(Table::Containers, id.clone())) {
                cases.push(untrue(
                    "name",
                    name.clone(),
                    "the name of no container",
                    vec![Change::Expect(Table::Names, name.clone(), Some(bytes)), Change::Delete(Table::Names, name)],
                ));
            }
        }
        for record in chart.containers.values() {
            if self.store().get(Table::Names, &record.name)?.is_none() {
                let changes = vec![Change::Expect(Table::Names, record.name.clone(), None), put(Table::Names, &record.name, &record.id)?];
                cases.push(untrue("name", record.name.clone(), "a container's name does not lead to it", changes));
            }
        }
        Ok(())
    }

    fn tags(&self, chart: &Chart, cases: &mut Vec<Case>) -> Result<()> {
        for (tag, bytes) in self.store().scan(Table::Tags, "", "", usize::MAX)? {
            let id: String = serde_json::from_slice(&bytes).unwrap_or_default();
            if !chart.images.contains_key(&id) && !chart.unreadable.contains(&(Table::Images, id)) {
                let changes = vec![Change::Expect(Table::Tags, tag.clone(), Some(bytes)), Change::Delete(Table::Tags, tag.clone())];
                cases.push(untrue("tag", tag, "the tag of no image", changes));
            }
        }
        for image in chart.images.values() {
            for tag in &image.tags {
                if self.store().get(Table::Tags, tag)?.is_none() {
                    let changes = vec![Change::Expect(Table::Tags, tag.clone(), None), put(Table::Tags, tag, &image.id)?];
                    cases.push(untrue("tag", tag.clone(), "an image's tag does not lead to it", changes));
                }
            }
        }
        Ok(())
    }

    /// How many images and entries of the build cache use each layer.
    fn layers(&self, chart: &Chart, cases: &mut Vec<Case>) -> Result<()> {
        let cached = |chain: &str| chart.cached.iter().filter(|c| c.as_str() == chain).count() as u64;
        let uses = |chain: &str| chart.images.values().map(|i| times(i, chain)).sum::<u64>() + cached(chain);
        let lost = |(table, key): &(Table, String)| *table == Table::Images || (*table == Table::Meta && key.starts_with(CACHE));
        for (chain, layer) in &chart.layers {
            let counted = uses(chain);
            if layer.uses != counted && !chart.unreadable.iter().any(lost) {
                let before = self.store().get(Table::Layers, chain)?;
                let change = if counted == 0 {
                    Change::Delete(Table::Layers, chain.clone())
                } else {
                    put(Table::Layers, chain, &crate::image::LayerRecord { uses: counted, ..layer.clone() })?
                };
                let problem = format!("the layer is said to have {} users and has {counted}", layer.uses);
                cases.push(untrue("layer", chain.clone(), problem, vec![Change::Expect(Table::Layers, chain.clone(), before), change]));
            }
        }
        for image in chart.images.values() {
            for chain in image.layers.iter().filter(|c| !chart.layers.contains_key(c.as_str())) {
                cases.push(Case::new(
                    Ailment::Missing,
                    "layer",
                    chain.as_str(),
                    format!("image {} has a layer that no record knows", image.id.short()),
                    "remove the image with drydock rmi -f, and take it in again",
                    Cure::ByHand,
                ));
            }
        }
        Ok(())
    }

    /// Addresses and ports that are leased to nobody.
    fn leases(&self, chart: &Chart, cases: &mut Vec<Case>) -> Result<()> {
        for (key, bytes) in self.store().scan(Table::Addresses, "", "", usize::MAX)? {
            let id: String = serde_json::from_slice(&bytes).unwrap_or_default();
            let held = |c: &ContainerRecord| c.endpoints.iter().any(|e| e.addresses().any(|a| key == format!("{}/{a}", e.network)));
            let network = key.split('/').next().unwrap_or_default();
            if !chart.containers.get(&id).is_some_and(|c| held(c) || c.state.under_way) && self.is_container_lease(&id, network, chart) {
                let changes =
                    vec![Change::Expect(Table::Addresses, key.clone(), Some(bytes)), Change::Delete(Table::Addresses, key.clone())];
                cases.push(Case::unowned("address", key, "end the lease", Cure::Records(changes)));
            }
        }
        for (key, bytes) in self.store().scan(Table::Ports, "", "", usize::MAX)? {
            let leases: Vec<Value> = serde_json::from_slice(&bytes).unwrap_or_default();
            let owner = |lease: &Value| lease.get("container").and_then(Value::as_str).unwrap_or_default().to_owned();
            let owned = |lease: &&Value| chart.containers.get(&owner(lease)).is_some_and(|c| !c.published.is_empty() || c.state.under_way);
            let rest: Vec<&Value> = leases.iter().filter(owned).collect();
            if rest.len() < leases.len() || leases.is_empty() {
                let change = if rest.is_empty() { Change::Delete(Table::Ports, key.clone()) } else { put(Table::Ports, &key, &rest)? };
                let changes = vec![Change::Expect(Table::Ports, key.clone(), Some(bytes)), change];
                cases.push(Case::unowned("port", key, "end the lease", Cure::Records(changes)));
            }
        }
        Ok(())
    }

    /// A lease whose holder is a container's id, and not a reservation of the network's own.
    fn is_container_lease(&self, holder: &str, network: &str, chart: &Chart) -> bool {
        holder.len() == 64 || !chart.networks.contains_key(network)
    }

    /// Marks of containers that are not there.
    fn marks(&self, chart: &Chart, cases: &mut Vec<Case>) -> Result<()> {
        let lost = |id: &str| chart.unreadable.iter().any(|(table, key)| *table == Table::Containers && key == id);
        for prefix in ["active/", "uses/"] {
            for (key, bytes) in self.store().scan(Table::Meta, prefix, "", usize::MAX)? {
                let id = key.rsplit('/').next().unwrap_or_default();
                if !chart.containers.contains_key(id) && !lost(id) {
                    let changes = vec![Change::Expect(Table::Meta, key.clone(), Some(bytes)), Change::Delete(Table::Meta, key.clone())];
                    cases.push(Case::unowned("mark", key, "remove the mark", Cure::Records(changes)));
                }
            }
        }
        Ok(())
    }

    /// Whether a container is as its record says.
    fn life(&self, record: &ContainerRecord, cases: &mut Vec<Case>) -> Result<()> {
        let state = &record.state;
        let supervised = self.supervised(&record.id)?;
        let lives = match &state.process {
            Some(process) if state.boot_id == self.kernel().facts().boot_id => self.kernel().alive(process)?,
            _ => false,
        };
        let said = matches!(state.status, Status::Running | Status::Paused);
        let problem = match (said, lives, supervised) {
            (true, false, false) => "the record says that it runs, and it does not",
            (false, true, false) => "its process runs, and the record says that it does not",
            _ if state.under_way && !supervised && self.is_free(&record.id)? => "an operation on it was cut off",
            _ => return Ok(()),
        };
        let cure = Cure::Settle(record.id.clone());
        cases.push(Case::new(Ailment::Untrue, "container", record.id.as_str(), problem, "make the record true", cure));
        Ok(())
    }

    fn is_free(&self, id: &ContainerId) -> Result<bool> {
        Ok(self.kernel().lock(&format!("container-{id}"))?.is_some())
    }
}

fn times(image: &ImageRecord, chain: &str) -> u64 {
    image.layers.iter().filter(|c| c.as_str() == chain).count() as u64
}

fn untrue(thing: &str, subject: String, problem: impl Into<String>, changes: Vec<Change>) -> Case {
    Case::new(Ailment::Untrue, thing, subject, problem, "correct the record", Cure::Records(changes))
}

fn unreadable(table: Table, key: &str) -> Case {
    let remedy = match table {
        Table::Plans => "forget the plan; what it left shows as unowned after that",
        _ => "remove the record; what it owned shows as unowned after that",
    };
    let known = SHAPED.contains(&table);
    let cure = if known { Cure::Records(vec![Change::Delete(table, key.to_owned())]) } else { Cure::ByHand };
    Case::new(Ailment::Damaged, "record", format!("{table:?}/{key}"), "the record cannot be read", remedy, cure)
}
