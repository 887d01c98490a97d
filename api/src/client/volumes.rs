//! Volumes.

use super::json::{list, text};
use super::{DockerEngine, Parameters, part, read};
use drydock_core::Result;
use drydock_core::container::volume::VolumeRequest;
use drydock_core::engine::{ListRequest, VolumeSummary};
use serde_json::{Value, json};

impl DockerEngine {
    pub(super) fn create_volume(&self, request: &VolumeRequest) -> Result<VolumeSummary> {
        let driver = if request.driver.is_empty() { "local" } else { &request.driver };
        let body = json!({ "Name": request.name, "Driver": driver, "DriverOpts": request.options, "Labels": request.labels });
        let made = self.post_json("/volumes/create", Parameters::new(), &body)?;
        Ok(read::volume(&made, Vec::new()))
    }

    pub(super) fn list_volumes(&self, filters: &[(String, String)]) -> Result<Vec<VolumeSummary>> {
        let object = self.get("/volumes", Parameters::new().with_filters(filters))?;
        let mut all: Vec<VolumeSummary> = list(&object, "Volumes").iter().map(|v| read::volume(v, Vec::new())).collect();
        all.sort_by(|a, b| a.record.name.cmp(&b.record.name));
        Ok(all)
    }

    pub(super) fn inspect_volume(&self, name: &str) -> Result<Value> {
        self.get(&format!("/volumes/{}", part(name)), Parameters::new())
    }

    pub(super) fn volume_named(&self, name: &str) -> Result<VolumeSummary> {
        let object = self.inspect_volume(name)?;
        let filters = vec![("volume".to_owned(), text(&object, "Name"))];
        let users = self.list_containers(&ListRequest { all: true, filters, ..ListRequest::default() })?;
        Ok(read::volume(&object, users.into_iter().map(|c| c.id.to_string()).collect()))
    }

    pub(super) fn remove_volume(&self, name: &str, force: bool) -> Result<()> {
        self.delete(&format!("/volumes/{}", part(name)), Parameters::new().with_flag("force", force)).map(drop)
    }
}
