//! Image references: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, read, normalised and printed.
//!
//! The grammar is that of the distribution project ("reference/reference.go" documents it; distribution-spec "Pulling manifests");
//! what a short name means is Docker's: no host is docker.io, one component of it is below `library/`.

use crate::error::{Error, Result};
use crate::id::Digest;
use std::fmt;

/// The registry that a reference without one means.
pub const DEFAULT_HOST: &str = "docker.io";
/// The tag that a reference without one means.
pub const DEFAULT_TAG: &str = "latest";
/// The longest name, host included (distribution-spec: "many clients impose a limit of 255 characters").
const LONGEST_NAME: usize = 255;

/// A reference, normalised: the host is there, and so is `library/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The registry.
    pub host: String,
    /// The repository in it.
    pub path: String,
    /// The tag. `None` only if there is a digest.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<Digest>,
}

impl Reference {
    /// Reads a reference as a person writes it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`] with Docker's words.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Error::invalid(format!(
                "invalid reference format: repository name ({text}) cannot be specified as 64-byte hexadecimal strings"
            )));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(Digest::parse(digest).map_err(|_| bad())?)),
            None => (text, None),
        };
        let after_slash = name.rfind('/').map_or(0, |i| i + 1);
        let (name, tag) = match name.get(after_slash..).and_then(|last| last.find(':')) {
            Some(colon) => (name.get(..after_slash + colon), name.get(after_slash + colon + 1..)),
            None => (Some(name), None),
        };
        let name = name.unwrap_or_default();
        if tag.is_some_and(|t| !is_tag(t)) {
            return Err(bad());
        }
        let (host, path) = split_host(name);
        if host.is_some_and(|h| !is_host(h)) || !path.split('/').all(is_component) {
            let named = path.chars().any(|c| c.is_ascii_uppercase());
            let lower = path.to_ascii_lowercase();
            if named && lower.split('/').all(is_component) {
                // Docker names the path on its default registry whole.
                let short = host.is_none() && !path.contains('/');
                let shown = if short { format!("library/{path}") } else { path.to_owned() };
                return Err(Error::invalid(format!("invalid reference format: repository name ({shown}) must be lowercase")));
            }
            return Err(bad());
        }
        let host = match host {
            None | Some("index.docker.io") => DEFAULT_HOST,
            Some(host) => host,
        };
        let path = if host == DEFAULT_HOST && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        if host.len() + 1 + path.len() > LONGEST_NAME {
            return Err(Error::invalid(format!(
                "invalid reference format: repository name must not be more than {LONGEST_NAME} characters"
            )));
        }
        let tag = match (tag, &digest) {
            (Some(tag), _) => Some(tag.to_owned()),
            (None, None) => Some(DEFAULT_TAG.to_owned()),
            (None, Some(_)) => None,
        };
        Ok(Self { host: host.to_owned(), path, tag, digest })
    }

    /// Host and repository: `docker.io/library/busybox`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    /// As people write it: without what is understood.
    pub fn familiar(&self) -> String {
        let mut text = self.familiar_repository();
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(digest.as_str());
        }
        text
    }

    /// The repository as people write it: `busybox`, `library` and docker.io left out, unless what is left would be read as another host
    /// (`docker.io/a.b/c`).
    pub fn familiar_repository(&self) -> String {
        if self.host != DEFAULT_HOST || split_host(&self.path).0.is_some() {
            return self.repository();
        }
        match self.path.strip_prefix("library/") {
            Some(rest) if !rest.contains('/') => rest.to_owned(),
            _ => self.path.clone(),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// A normalised reference as people write it.
pub fn familiar(normalised: &str) -> String {
    Reference::parse(normalised).map_or_else(|_| normalised.to_owned(), |r| r.familiar())
}

fn bad() -> Error {
    Error::invalid("invalid reference format")
}

/// The first component is a host if it could not be part of a path on the default one: a dot, a colon, `localhost`, an upper-case letter.
fn split_host(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" || first.chars().any(|c| c.is_ascii_uppercase()) => {
            (Some(first), rest)
        }
        _ => (None, name),
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, after)) => {
                if address.parse::<std::net::Ipv6Addr>().is_err() {
                    return false;
                }
                return after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
            }
            None => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let label =
        |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !l.starts_with('-') && !l.ends_with('-');
    name.split('.').all(label) && port.is_none_or(is_port)
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p != 0)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(component: &str) -> bool {
    let bytes = component.as_bytes();
    let alnum = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if !bytes.first().is_some_and(alnum) || !bytes.last().is_some_and(alnum) {
        return false;
    }
    bytes.split(alnum).all(|gap| matches!(gap, [] | b"." | b"_" | b"__") || gap.iter().all(|b| *b == b'-'))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn is_tag(tag: &str) -> bool {
    let mut bytes = tag.bytes();
    tag.len() <= 128
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_short_names_mean() {
        let full = |text: &str| Reference::parse(text).map(|r| r.to_string()).map_err(|e| e.message().to_owned());
        for (text, meaning) in [
            ("busybox", "docker.io/library/busybox:latest"),
            ("busybox:1.36", "docker.io/library/busybox:1.36"),
            ("user/app", "docker.io/user/app:latest"),
            ("docker.io/app", "docker.io/library/app:latest"),
            ("index.docker.io/app", "docker.io/library/app:latest"),
            ("localhost/a", "localhost/a:latest"),
            ("localhost:5000/a:b", "localhost:5000/a:b"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("example.org/a/b__c-d.e", "example.org/a/b__c-d.e:latest"),
            ("UPPER/b", "UPPER/b:latest"),
            ("xn--n3h.example/a", "xn--n3h.example/a:latest"),
            ("A/b", "A/b:latest"),
        ] {
            assert_eq!(full(text).as_deref(), Ok(meaning), "{text}");
        }
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(full(&format!("a@{digest}")), Ok(format!("docker.io/library/a@{digest}")));
        assert_eq!(full(&format!("a:b@{digest}")), Ok(format!("docker.io/library/a:b@{digest}")));
    }

    #[test]
    fn what_is_refused() {
        let upper = format!("a@sha256:{}", "A".repeat(64));
        let (short, long) = (format!("a@sha256:{}", "a".repeat(63)), format!("a@sha256:{}", "a".repeat(65)));
        let sha512 = format!("a@sha512:{}", "a".repeat(128));
        let (tag129, path256) = (format!("a:{}", "t".repeat(129)), "p".repeat(256));
        for bad in [
            "",
            ":",
            "@",
            "a:",
            "a//b",
            "../a",
            "a:b:c",
            "/a",
            "a/",
            "a b",
            "a\0",
            "ä",
            // Cyrillic letters that look like Latin ones.
            "bu\u{455}ybox",
            "example.org/\u{430}pp",
            "\u{435}xample.org/app",
            "a\u{200b}",
            "a:\u{ff11}",
            "a___b",
            "-a",
            "a-",
            ".a",
            "host:0/a",
            "host:65536/a",
            "host:x/a",
            "[::1/a",
            "[zz]/a",
            &upper,
            &short,
            &long,
            &sha512,
            &tag129,
            &path256,
            &"0".repeat(64),
        ] {
            assert!(Reference::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Reference::parse(&format!("a:{}", "t".repeat(128))).is_ok());
        assert!(Reference::parse(&format!("host.test/{}", "p".repeat(245))).is_ok());
        assert!(Reference::parse(&format!("host.test/{}", "p".repeat(246))).is_err());
        assert_eq!(
            Reference::parse("user/Name").unwrap_err().message(),
            "invalid reference format: repository name (user/Name) must be lowercase"
        );
    }

    #[test]
    fn people_see_the_short_form() {
        for text in ["busybox:latest", "user/app:1", "localhost:5000/a:b", "docker.io/a.b/c:1", "docker.io/localhost/c:1"] {
            assert_eq!(familiar(&Reference::parse(text).unwrap().to_string()), text);
        }
    }

    proptest! {
        #[test]
        fn printing_what_was_read_is_a_fixed_point(text in "[a-zA-Z0-9:/@._\\-\\[\\]]{0,40}") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(Reference::parse(&reference.to_string()).unwrap(), reference.clone());
                prop_assert_eq!(Reference::parse(&reference.familiar()).unwrap(), reference);
            }
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,60}") {
            let _ = Reference::parse(&text);
        }
    }
}
