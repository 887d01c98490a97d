//! The supervisor's half of a health check: a probe in the container, and what came of it in the record and the events.

use super::LocalEngine;
use super::events::Happening;
use crate::container::health::{Health, Healthcheck, Probe, Status as HealthStatus, judge};
use crate::container::{ContainerRecord, ExecConfig, Status};
use crate::error::Result;
use crate::id::ContainerId;
use crate::kernel::{Process, Streams};
use crate::time::Timestamp;

impl LocalEngine {
    /// Starts a probe in a container. Answers its process and its number; `None` if the container is frozen or ends.
    pub(crate) fn begin_probe(&self, id: &ContainerId, check: &Healthcheck) -> Result<Option<(Process, String)>> {
        let record = self.record(id)?;
        let (Status::Running, Some(process)) = (record.state.status, record.state.process.clone()) else { return Ok(None) };
        let shell = self.image_record(&record.image)?.map(|image| image.defaults.shell).unwrap_or_default();
        let Some(command) = check.command(&shell) else { return Ok(None) };
        let name = self.new_id();
        let text = command.join(" ");
        let (create, start) = (format!("exec_create: {text}"), format!("exec_start: {text}"));
        let own = |action| Happening::Own(action, vec![("execID", name.clone())]);
        self.tell_of(&record, &[own(&create), own(&start)])?;
        let spec = self.specification(&self.told_of_running_links(&record)?)?;
        let exec = ExecConfig { command, ..ExecConfig::default() };
        let probe = self.host.containers.exec(id, &process, &spec, &exec, Streams::Pipes { stdin: false });
        let probe = probe.map_err(|e| super::exec::cannot_exec(&e).unwrap_or(e))?;
        Ok(Some((probe, name)))
    }

    /// Records a probe's result. Answers the status from now on, and whether it is another.
    pub(crate) fn note_health(
        &self,
        id: &ContainerId,
        check: &Healthcheck,
        began: Timestamp,
        probe: Probe,
        name: Option<String>,
    ) -> Result<(HealthStatus, bool)> {
        let judged = |record: &ContainerRecord| {
            let mut health = record.state.health.clone().unwrap_or_else(|| Health::fresh(None));
            let changed = judge(&mut health, check, began, probe.clone());
            (health, changed)
        };
        // What will be said depends on the record, which nobody but this supervisor, a pause and an unpause change meanwhile.
        let (_, changed) = judged(&self.record(id)?);
        let text = changed.map(|status| format!("health_status: {}", status.word()));
        let mut happenings = Vec::new();
        if let Some(name) = name {
            happenings.push(Happening::Own("exec_die", vec![("execID", name), ("exitCode", probe.exit_code.to_string())]));
        }
        happenings.extend(text.as_deref().map(Happening::plain));
        let record = self.change(id, &happenings, &[], &mut |record| {
            record.state.health = Some(judged(record).0);
            Ok(())
        })?;
        let status = record.state.health.map_or(HealthStatus::Starting, |h| h.status);
        Ok((status, changed.is_some()))
    }
}

/// Nobody probes a container that is frozen or has ended; Docker then calls it unhealthy.
pub(super) fn unwatched(record: &mut ContainerRecord) {
    if let Some(health) = &mut record.state.health {
        health.status = HealthStatus::Unhealthy;
    }
}
