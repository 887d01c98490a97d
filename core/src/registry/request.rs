//! What is asked of an engine about registries, and what it answers.

use super::credentials::Credentials;
use crate::id::{Digest, ImageId};
use serde::{Deserialize, Serialize};

/// How a registry is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Who asks.
    pub credentials: Credentials,
    /// Registries that may be talked to without TLS, beside this machine's and those of the host's settings.
    pub insecure: Vec<String>,
    /// Where to look before Docker Hub, beside the mirrors of the host's settings: `https://mirror.example`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
}

/// `pull`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// What, as a person writes it.
    pub reference: String,
    /// Every tag of the repository.
    pub all_tags: bool,
    /// `os/arch[/variant]`; `None` for the host's own.
    pub platform: Option<String>,
    /// How.
    pub access: Access,
}

/// `push`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushRequest {
    /// What, as a person writes it.
    pub reference: String,
    /// Every tag of the repository.
    pub all_tags: bool,
    /// Only an image of this platform: `os/arch[/variant]`.
    #[serde(default)]
    pub platform: Option<String>,
    /// How.
    pub access: Access,
}

/// One image that is there now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulled {
    /// Its reference, normalised.
    pub reference: String,
    /// The digest of the manifest or index that the registry has under it.
    pub digest: Digest,
    /// The image.
    pub image: ImageId,
    /// Whether anything had to be fetched.
    pub fresh: bool,
}

/// What happens meanwhile, in Docker's words and fields (Engine API, "CreateImageInfo").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Which part: a short digest or a tag; empty for the whole.
    pub id: String,
    /// What happens to it: `Downloading`, `Pull complete`…
    pub status: String,
    /// Bytes done and bytes in all, while it goes on.
    pub bytes: Option<(u64, u64)>,
}

impl Progress {
    /// A line about the whole.
    pub fn line(status: impl Into<String>) -> Self {
        Self { id: String::new(), status: status.into(), bytes: None }
    }

    /// A line about a part.
    pub fn of(id: impl Into<String>, status: impl Into<String>) -> Self {
        Self { id: id.into(), status: status.into(), bytes: None }
    }
}

/// `search`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRequest {
    /// What to look for: `[HOST[:PORT]/]WORDS`.
    pub term: String,
    /// At most so many.
    pub limit: usize,
    /// How.
    pub access: Access,
}

/// One repository that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// Its name as people write it.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// How many like it.
    pub star_count: u64,
    /// Whether Docker looks after it.
    pub is_official: bool,
}

/// A manifest or index as a registry has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteManifest {
    /// What it says it is.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
}
