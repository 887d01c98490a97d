//! Which object of Docker's API is meant, and how an engine of ours shows it. A client of another engine shows what that one says.

use crate::engine::Engine;
use crate::error::Result;
use crate::kernel::Facts;
use serde_json::{Value, json};

/// The version of Docker's Engine API whose words and objects are spoken here.
pub const API: &str = "1.50";
/// The oldest that clients may speak.
pub const OLDEST_API: &str = "1.24";

/// One kind of object, as `inspect` shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A container, with what it takes on disk or without.
    Container {
        /// With it.
        sizes: bool,
    },
    /// An image.
    Image,
    /// A volume.
    Volume,
    /// A network, with those who are on it.
    Network,
    /// The engine and its host (`info`); it has no name.
    Info,
    /// What the engine is (`version`); it has no name.
    Version,
}

/// The object that an engine's own answers come to.
///
/// # Errors
/// Nothing of this kind has the name.
pub fn shown(engine: &dyn Engine, what: Object, name: &str) -> Result<Value> {
    Ok(match what {
        Object::Container { sizes } => {
            let record = engine.container(name)?;
            let sizes = sizes.then(|| engine.sizes(record.id.as_str())).transpose()?;
            super::container(&record, engine, sizes)
        }
        Object::Image => super::image(&engine.image(name)?),
        Object::Volume => super::volume(&engine.volume(name)?),
        Object::Network => super::network(&engine.network(name)?, &engine.containers(false)?),
        Object::Info => super::info(&engine.info()?, engine.now(), false),
        Object::Version => version(&engine.facts()),
    })
}

/// The object of `GET /version`.
pub fn version(facts: &Facts) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    json!({
        "Platform": { "Name": "Drydock" },
        "Components": [{
            "Name": "Engine",
            "Version": version,
            "Details": {
                "ApiVersion": API, "Arch": facts.architecture, "Host": facts.host, "KernelVersion": facts.release,
                "MinAPIVersion": OLDEST_API, "Os": "linux",
            },
        }],
        "Version": version,
        "ApiVersion": API,
        "MinAPIVersion": OLDEST_API,
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": facts.architecture,
        "KernelVersion": facts.release,
        "Experimental": false,
        "BuildTime": "",
        "Host": facts.host,
    })
}
