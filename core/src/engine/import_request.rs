//! What `import` may be told.

use serde::{Deserialize, Serialize};

/// What `import` may be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportRequest {
    /// The reference it gets; empty for none.
    pub reference: String,
    /// Dockerfile instructions that only change the configuration.
    pub changes: Vec<String>,
    /// Why.
    pub message: String,
    /// `os[/arch[/variant]]`, for an archive of another machine's files.
    pub platform: Option<String>,
    /// Where the archive is fetched from; empty for the stream that comes with the request.
    pub address: String,
}

impl ImportRequest {
    /// One that gives these three and nothing else.
    pub fn of(reference: &str, changes: &[String], message: &str) -> Self {
        Self { reference: reference.to_owned(), changes: changes.to_vec(), message: message.to_owned(), ..Self::default() }
    }
}
