//! The body of `POST /containers/ID/update`.

use super::host::Restart;
use super::limits::Limits;
use crate::engine::ContainerUpdate;
use crate::error::Result;
use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct UpdateBody {
    restart_policy: Restart,
    #[serde(flatten)]
    limits: Limits,
}

/// Reads what to change.
///
/// # Errors
/// Docker's words for what it refuses too.
pub fn container_update(body: Value) -> Result<ContainerUpdate> {
    let body: UpdateBody = super::read(body)?;
    Ok(ContainerUpdate {
        resources: body.limits.resources()?,
        restart: body.restart_policy.is_given().then(|| body.restart_policy.policy()).transpose()?,
        ..ContainerUpdate::default()
    })
}
