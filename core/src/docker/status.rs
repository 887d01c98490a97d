//! The STATUS column.

use super::duration::human;
use crate::container::Status;
use crate::container::health::Status as Health;
use crate::engine::ContainerSummary;
use crate::time::Timestamp;

/// A state's name in JSON and filters.
pub fn word(status: Status) -> &'static str {
    match status {
        Status::Created => "created",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Restarting => "restarting",
        Status::Removing => "removing",
        Status::Exited => "exited",
        Status::Dead => "dead",
    }
}

/// What probes say, as it follows the status.
fn health(health: Option<Health>) -> &'static str {
    match health {
        None => "",
        Some(Health::Starting) => " (health: starting)",
        Some(Health::Healthy) => " (healthy)",
        Some(Health::Unhealthy) => " (unhealthy)",
    }
}

/// `Up 7 minutes (Paused)`, `Exited (137) 3 seconds ago`.
pub fn sentence(container: &ContainerSummary, now: Timestamp) -> String {
    let ago = |since: Timestamp| human(now.since(since));
    match container.status {
        Status::Created => "Created".to_owned(),
        Status::Running => format!("Up {}{}", ago(container.started), health(container.health)),
        Status::Paused => format!("Up {} (Paused)", ago(container.started)),
        Status::Restarting => format!("Restarting ({}) {} ago", container.exit_code, ago(container.finished)),
        Status::Removing => "Removal In Progress".to_owned(),
        Status::Dead => "Dead".to_owned(),
        Status::Exited if container.finished == Timestamp::NEVER => String::new(),
        Status::Exited => format!("Exited ({}) {} ago", container.exit_code, ago(container.finished)),
    }
}
