//! The Docker Engine HTTP API (1.24 to 1.50) over any [`drydock_core::engine::Engine`]: the same engine and state as the command
//! line's, on Linux and simulated.
//!
//! - [`Server`] is what handlers share; the engine's calls block, so each runs on a thread of its own ([`Server::ask`]).
//! - [`router`] finds the handler for a request, whatever version its path names; [`routes`] has one file an area.
//! - [`body`], [`query`], [`stream`] and [`error`] are how requests are read and answers written, each in one place.
//! - [`listen`] accepts connections.
//! - [`client`] is the other end: the engine's trait over this API, whoever offers it.

#![forbid(unsafe_code)]

pub mod auth;
pub mod body;
pub mod carried;
pub mod client;
pub mod drain;
pub mod error;
pub mod guard;
pub mod hijack;
pub mod listen;
pub mod log;
pub mod pending;
pub mod progress;
pub mod query;
pub mod router;
pub mod routes;
pub mod server;
pub mod stream;
pub mod version;
pub mod websocket;

pub use error::ApiError;
pub use server::{Server, Settings, Shared};
pub use version::ApiVersion;
