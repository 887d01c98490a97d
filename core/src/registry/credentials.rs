//! Who somebody is to a registry. Secrets are never printed.

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A password or token. It has no way to be printed by accident.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself: for the request that needs it, and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// What is shown to a registry that asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credentials {
    /// Nothing.
    #[default]
    None,
    /// A name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A token that access tokens are bought with (OAuth 2 refresh token).
    Identity(Secret),
}

impl Credentials {
    /// The value of the `Authorization` header for basic authentication (RFC 7617).
    pub(super) fn basic(&self) -> Option<String> {
        match self {
            Self::Basic { username, password } => {
                let pair = format!("{username}:{}", password.reveal());
                Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let credentials = Credentials::Basic { username: "alice".to_owned(), password: Secret::new("open sesame") };
        let shown = format!("{credentials:?} {:?}", Credentials::Identity(Secret::new("open sesame")));
        assert!(shown.contains("alice") && !shown.contains("sesame"), "{shown}");
        assert_eq!(credentials.basic().as_deref(), Some("Basic YWxpY2U6b3BlbiBzZXNhbWU="));
    }
}
