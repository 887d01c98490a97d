//! Names of things: distinct types, so that one kind of id cannot stand where another belongs.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a full id that is already known to be well formed.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }
            /// The whole id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
            /// The first twelve hexadecimal digits, as lists show it.
            pub fn short(&self) -> &str {
                let hex = self.0.strip_prefix("sha256:").unwrap_or(&self.0);
                hex.get(..12).unwrap_or(hex)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id_type!(
    /// A container: 64 hexadecimal digits.
    ContainerId
);
id_type!(
    /// An image: the digest of its configuration, `sha256:` and 64 hexadecimal digits.
    ImageId
);
id_type!(
    /// A network: 64 hexadecimal digits.
    NetworkId
);
id_type!(
    /// One exec in a container: 64 hexadecimal digits.
    ExecId
);
id_type!(
    /// The chain id of a stack of layers (OCI image-spec, "Layer ChainID"), which names an unpacked layer.
    ChainId
);

/// A content digest: `sha256:` and 64 lower-case hexadecimal digits. No other algorithm is written; none other is accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// Reads a digest, refusing anything that could be mistaken for a path.
    pub fn parse(text: &str) -> Result<Self> {
        let hex = text.strip_prefix("sha256:").unwrap_or("");
        if hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(format!("invalid digest \"{}\"", text.escape_default()))
                .hint("write sha256: and 64 lower-case hexadecimal digits"))
        }
    }

    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(format!("sha256:{}", hex(&sha2::Sha256::digest(bytes))))
    }

    /// With its algorithm.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 64 digits alone, as blob files are named.
    pub fn hex(&self) -> &str {
        self.0.get(7..).unwrap_or("")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(d: Digest) -> String {
        d.0
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
        text.push(char::from_digit(u32::from(b >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(b & 15), 16).unwrap_or('0'));
        text
    })
}
