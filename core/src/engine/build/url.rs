//! ADD of a URL: fetched through the transport, again only if the server says that it has changed, or never where a checksum says
//! what it is and the cache has what came of it.

use super::{At, Build};
use crate::build::context::{Bytes, Files, View};
use crate::build::key::Hashing;
use crate::build::select::{Item, Selected};
use crate::error::{Error, Result};
use crate::id::Digest;
use crate::kernel::OpenTree;
use crate::registry::url::Url;
use crate::store::{StoreExt as _, Table, put};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::sync::Arc;

/// The mode of a file that was fetched (Dockerfile reference, ADD: "will have permissions of 600").
const MODE: u32 = 0o600;

/// What is remembered of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Memo {
    /// The server's own name for the content.
    tag: String,
    digest: Digest,
}

/// A source that is a URL.
pub(super) struct Remote {
    url: Url,
    name: String,
    /// What its content is.
    pub(super) digest: Digest,
    content: Option<Fetched>,
}

/// A file as it came.
struct Fetched {
    bytes: Arc<dyn Bytes>,
    size: u64,
    digest: Digest,
    /// Seconds since 1970: `Last-Modified`, or nothing.
    mtime: i64,
}

/// A stream whose digest is made as it goes by, and which ends when the build does.
struct Watched<'a> {
    from: Box<dyn Read + Send>,
    hashing: Hashing,
    at: At<'a>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.at.plan.stages.check_going().map_err(std::io::Error::other)?;
        let n = self.from.read(buffer)?;
        self.hashing.feed(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

fn memo_key(url: &Url) -> String {
    format!("build/url/{}", Digest::of(format!("{}{}", url.authority(), url.target()).as_bytes()).hex())
}

/// `Wed, 21 Oct 2015 07:28:00 GMT` in seconds since 1970 (RFC 9110 section 5.6.7).
fn date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(jiff::Timestamp::as_second)
}

impl Build<'_> {
    /// Finds out what a URL's content is: from its checksum, or from the server.
    pub(super) fn remote(&self, at: At<'_>, source: &str, checksum: Option<&str>, into_directory: bool) -> Result<Remote> {
        let url = Url::parse(source)?;
        let name = url.path().rsplit('/').next().unwrap_or_default().to_owned();
        if name.is_empty() && into_directory {
            return Err(Error::invalid(format!("cannot determine filename for source {source}"))
                .hint("the URL ends with a slash: write the file's whole name as the destination"));
        }
        let name = if name.is_empty() { "download".to_owned() } else { name };
        if let Some(checksum) = checksum {
            let digest = Digest::parse(checksum)
                .map_err(|_| Error::invalid(format!("invalid checksum {checksum}")).hint("write --checksum=sha256:, and 64 digits"))?;
            return Ok(Remote { url, name, digest, content: None });
        }
        let memo: Option<Memo> = self.engine.store().load(Table::Meta, &memo_key(&url))?;
        let known = memo.as_ref().filter(|_| self.may_use_cache(at));
        match self.fetch(at, &url, known.map(|m| m.tag.as_str()))? {
            Some(fetched) => Ok(Remote { url, name, digest: fetched.digest.clone(), content: Some(fetched) }),
            None => match memo {
                Some(memo) => Ok(Remote { url, name, digest: memo.digest, content: None }),
                None => Err(Error::invalid(format!("{source} is said not to have changed, and was never fetched"))),
            },
        }
    }

    /// The file, as a tree with one file in it.
    pub(super) fn arrived(&self, at: At<'_>, remote: Remote) -> Result<(Box<dyn OpenTree>, Selected)> {
        let fetched = match remote.content {
            Some(fetched) => fetched,
            None => self.fetch(at, &remote.url, None)?.ok_or_else(|| Error::invalid("the server sends nothing"))?,
        };
        if fetched.digest != remote.digest {
            return Err(Error::invalid(format!("digest mismatch {}: {}", fetched.digest, remote.digest))
                .hint("what is there now is not what the checksum is of: look at the source before the checksum is changed"));
        }
        let files = Files::single(remote.name.as_bytes(), fetched.bytes, fetched.size, MODE, fetched.mtime);
        let mut view = View(Arc::new(files));
        let found = view.look(remote.name.as_bytes())?.ok_or_else(|| Error::invalid("the file that was fetched has no name"))?;
        let item = Item { to: remote.name.clone().into_bytes(), path: remote.name.into_bytes(), found };
        Ok((Box::new(view), Selected { items: vec![item], named: 1, directories: false }))
    }

    /// Fetches a URL, unless it still is what the server called by this tag.
    fn fetch(&self, at: At<'_>, url: &Url, tag: Option<&str>) -> Result<Option<Fetched>> {
        self.note(at.step, format!("downloading {}", url.shown()));
        let response = self.engine.get(url, tag, &|| at.plan.stages.check_going())?;
        if response.status == 304 {
            return Ok(None);
        }
        if response.status != 200 {
            return Err(Error::not_found(format!("{}: invalid response status {}", url.shown(), response.status)).subject(url.shown()));
        }
        let mtime = response.header("last-modified").and_then(date).unwrap_or(0);
        let tag = response.header("etag").map(str::to_owned);
        let mut watched = Watched { from: response.body, hashing: Hashing::default(), at };
        let (bytes, size) = self.held.keep(&mut watched)?;
        let digest = watched.hashing.finish();
        if let Some(tag) = tag {
            self.engine.store().commit(&[put(Table::Meta, &memo_key(url), &Memo { tag, digest: digest.clone() })?])?;
        }
        Ok(Some(Fetched { bytes, size, digest, mtime }))
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(date("Wed, 21 Oct 2015 07:28:00 GMT"), Some(1_445_412_480));
        assert_eq!(date("yesterday"), None);
    }
}
