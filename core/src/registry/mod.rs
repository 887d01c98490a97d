//! Registries: pull, push, log in and search (OCI distribution-spec, and the token authentication that Docker's registries use).
//!
//! - [`transport`] is the seam to the network; everything else here decides, and is the same on every host.
//! - [`client`] sends one request as it must be sent: with the right credentials to the right host only, along redirects that may be
//!   followed, and again where that may help.
//! - [`fetch`] reads manifests and blobs and believes nothing it can check; [`push`] sends them.
//!
//! What a registry says is bounded everywhere: see [`limits`].

pub mod auth;
pub mod blob;
pub mod challenge;
pub mod client;
pub mod credentials;
pub mod endpoint;
pub mod fetch;
pub mod limits;
pub mod platform;
pub mod problem;
pub mod push;
pub mod request;
pub mod retry;
pub mod search;
pub mod settings;
pub mod transport;
pub mod url;

pub use credentials::{Credentials, Secret};
pub use request::{Access, Found, Progress, PullRequest, Pulled, PushRequest, RemoteManifest, SearchRequest};
pub use transport::{NoNetwork, Transport};
