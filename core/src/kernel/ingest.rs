//! Taking content in: a stream becomes a blob, named by its digest, whole or not at all.

use crate::id::Digest;
use serde::{Deserialize, Serialize};

/// How a blob is compressed, told from its first bytes and from nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952), one member or several.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Compression {
    /// How something that begins so is compressed. Four bytes are enough.
    pub fn detect(start: &[u8]) -> Self {
        if start.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) {
            // A frame, or one to be skipped that comes before it (RFC 8878 section 3.1.2).
            Self::Zstd
        } else {
            Self::None
        }
    }

    /// What an OCI media type for a layer ends with (image-spec layer.md).
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => "+gzip",
            Self::Zstd => "+zstd",
        }
    }
}

/// What was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingested {
    /// Digest of the bytes as they came: the blob's name.
    pub digest: Digest,
    /// How many they were.
    pub size: u64,
    /// Digest of the bytes after decompression; equals `digest` where there is none.
    pub diff_id: Digest,
    /// How many they were after decompression.
    pub unpacked: u64,
    /// Bytes of files in it, if it is a tar archive ([`crate::image::tar::Measure`]).
    pub content: u64,
    /// How they were compressed.
    pub compression: Compression,
    /// Where it is unpacked already, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<String>,
}
