//! Which of an index's images is for which machine (image-spec image-index.md, "platform").

use crate::error::{Error, Result};
use crate::image::manifest::Indexed;
use std::fmt;

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// `linux`
    pub os: String,
    /// `amd64`
    pub architecture: String,
    /// `v8`; empty for none.
    pub variant: String,
}

impl Platform {
    /// A Linux machine.
    pub fn of(architecture: &str) -> Self {
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: String::new() }
    }

    /// Reads `os[/arch[/variant]]` or an architecture alone, under the names that people use for it; `own` is the host's.
    pub fn parse(text: &str, own: &str) -> Result<Self> {
        let wrong = || Error::invalid(format!("\"{}\": unknown operating system or architecture: invalid argument", text.escape_debug()));
        let parts: Vec<&str> = text.split('/').collect();
        let word =
            |w: &&str| !w.is_empty() && w.len() <= 32 && w.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        if parts.len() > 3 || !parts.iter().all(word) {
            return Err(wrong());
        }
        let (os, architecture, variant) = match parts.as_slice() {
            [one] if *one == "linux" => ("linux", own, ""),
            [one] if is_machine(one) => ("linux", *one, ""),
            [_] => return Err(wrong()),
            [os, architecture] => (*os, *architecture, ""),
            [os, architecture, variant, ..] => (*os, *architecture, *variant),
            [] => return Err(wrong()),
        };
        let (architecture, understood) = match architecture.to_ascii_lowercase().as_str() {
            "x86_64" | "x86-64" | "amd64" => ("amd64".to_owned(), ""),
            "aarch64" | "arm64" => ("arm64".to_owned(), ""),
            "armhf" => ("arm".to_owned(), "v7"),
            "armel" => ("arm".to_owned(), "v6"),
            "i386" | "i686" => ("386".to_owned(), ""),
            other => (other.to_owned(), ""),
        };
        let variant = if variant.is_empty() { understood } else { variant };
        // The first 64-bit ARM is the one that everybody means.
        let variant = if architecture == "arm64" && variant == "v8" { "" } else { variant };
        Ok(Self { os: os.to_ascii_lowercase(), architecture, variant: variant.to_owned() })
    }

    /// How well an entry fits: the greater, the better; `None` if not at all.
    fn fit(&self, entry: &Indexed) -> Option<u32> {
        let (os, architecture) = entry.platform.as_ref()?;
        if *os != self.os || *architecture != self.architecture {
            return None;
        }
        let number = |v: &str| v.strip_prefix('v').and_then(|n| n.parse::<u32>().ok());
        let has = entry.variant.as_deref().unwrap_or_default();
        let has = if architecture == "arm64" && has == "v8" { "" } else { has };
        match (self.variant.as_str(), has) {
            (wanted, has) if wanted == has => Some(1000),
            // No variant was asked for: what every machine of the kind runs first, then the plainest.
            ("", has) => Some(900 - number(has).unwrap_or(800).min(800)),
            // A newer machine runs what an older one does.
            (wanted, "") if architecture == "arm" => number(wanted).map(|_| 1),
            (wanted, has) if architecture == "arm" => number(wanted).zip(number(has)).filter(|(w, h)| h <= w).map(|(_, h)| h + 1),
            _ => None,
        }
    }

    /// The entry of an index for this machine: the best, and of equal ones the first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] in Docker's words.
    pub fn choose<'a>(&self, entries: &'a [Indexed]) -> Result<&'a Indexed> {
        let mut best: Option<(u32, &Indexed)> = None;
        for entry in entries {
            if let Some(fit) = self.fit(entry).filter(|fit| best.is_none_or(|(known, _)| *fit > known)) {
                best = Some((fit, entry));
            }
        }
        best.map(|(_, entry)| entry).ok_or_else(|| {
            let mut has: Vec<String> = entries
                .iter()
                .filter_map(|e| e.platform.as_ref().filter(|(os, _)| os != "unknown").map(|(os, arch)| format!("{os}/{arch}")))
                .take(20)
                .collect();
            has.dedup();
            let error = Error::not_found(format!("no matching manifest for {self} in the manifest list entries"));
            if has.is_empty() { error } else { error.hint(format!("there is {}", has.join(", "))) }
        })
    }
}

fn is_machine(word: &str) -> bool {
    matches!(
        word,
        "amd64"
            | "x86_64"
            | "x86-64"
            | "arm64"
            | "aarch64"
            | "arm"
            | "armhf"
            | "armel"
            | "386"
            | "i386"
            | "i686"
            | "riscv64"
            | "s390x"
            | "ppc64le"
            | "loong64"
    )
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Digest;
    use crate::image::Blob;
    use std::collections::BTreeMap;

    fn entry(platform: &str) -> Indexed {
        let mut parts = platform.split('/').map(str::to_owned);
        let (os, arch) = (parts.next().unwrap(), parts.next().unwrap());
        Indexed {
            blob: Blob { digest: Digest::of(platform.as_bytes()), size: 1 },
            index: false,
            platform: Some((os, arch)),
            variant: parts.next(),
            annotations: BTreeMap::new(),
        }
    }

    #[test]
    fn the_best_fit_is_chosen() {
        let index: Vec<Indexed> =
            ["linux/arm/v5", "linux/arm/v7", "linux/amd64", "linux/amd64", "linux/arm64/v8", "unknown/unknown"].map(entry).into();
        let chosen = |text: &str| {
            let platform = Platform::parse(text, "amd64").map_err(|e| e.message().to_owned())?;
            let chosen = platform.choose(&index).map_err(|e| e.message().to_owned())?;
            Ok::<_, String>(index.iter().position(|e| std::ptr::eq(e, chosen)).unwrap())
        };
        for (text, which) in [
            ("linux/arm/v7", 1),
            ("linux/arm/v6", 0),
            ("linux/arm", 0),
            ("armhf", 1),
            ("linux/amd64", 2),
            ("x86_64", 2),
            ("linux/arm64", 4),
            ("aarch64", 4),
        ] {
            assert_eq!(chosen(text), Ok(which), "{text}");
        }
        assert_eq!(chosen("linux/s390x"), Err("no matching manifest for linux/s390x in the manifest list entries".to_owned()));
        assert_eq!(chosen("linux/arm/v4"), Err("no matching manifest for linux/arm/v4 in the manifest list entries".to_owned()));
        for bad in ["", "/", "linux/", "a/b/c/d", "pdp11", "linux/a b"] {
            assert!(Platform::parse(bad, "amd64").is_err(), "{bad}");
        }
    }
}
