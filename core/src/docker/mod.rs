//! The objects of Docker's API, with Docker's names, types and order of fields: what `docker inspect` shows and what the Engine API
//! answers. The command line and the API write them here, so that they cannot differ.

pub mod body;
mod container;
pub mod duration;
mod event;
mod exec;
mod host_config;
mod image;
mod info;
mod list;
mod log;
mod network;
mod object;
mod request;
mod stats;
pub mod status;
pub mod time;
mod volume;

pub use container::container;
pub use event::{event, old_fields};
pub use exec::exec;
pub use image::{image, past};
pub use info::{PLUGINS, cgroup_version, info, machine};
pub use list::{command_line, listed_container, listed_image};
pub use log::details;
pub use network::network;
pub use object::{API, OLDEST_API, Object, shown, version};
pub use request::{create_body, update_body};
pub use stats::stats;
pub use volume::volume;
