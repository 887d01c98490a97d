//! What clients of Docker's API send, read into what the engine takes: the inverse of [`super::container`].
//!
//! Fields that nobody knows are passed over, `null` stands for what is not there, and a value of the wrong type is refused.

mod create;
mod endpoint;
mod host;
mod limits;
mod mounts;
mod update;

#[cfg(test)]
mod tests;

pub use create::{CreateBody, container_config};
pub use endpoint::{endpoint_config, place};
pub use update::container_update;

use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads an object; `null` fields count as absent, however deep.
///
/// # Errors
/// A value of the wrong type.
pub fn read<T: DeserializeOwned>(mut value: Value) -> Result<T> {
    if !value.is_object() {
        return Err(Error::invalid("invalid JSON: an object is expected"));
    }
    without_nulls(&mut value);
    serde_json::from_value(value).map_err(|e| Error::invalid(format!("invalid JSON: {e}")))
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, v| !v.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
