//! Files of containers, in and out as tar archives.

use super::http::Body;
use super::{DockerEngine, Parameters, failure, part};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drydock_core::docker::time::moment;
use drydock_core::engine::PathStat;
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// How many links are followed.
const LINKS: usize = 40;
/// Go's bits of a file's kind and mode (`io/fs`, FileMode).
const DIRECTORY: u64 = 1 << 31;
const SYMLINK: u64 = 1 << 27;
const DEVICE: u64 = 1 << 26;
const PIPE: u64 = 1 << 25;
const SOCKET: u64 = 1 << 24;
const SET_UID: u64 = 1 << 23;
const SET_GID: u64 = 1 << 22;
const CHARACTERS: u64 = 1 << 21;
const STICKY: u64 = 1 << 20;

/// What is at a path, from the field of an answer's head.
fn stat(field: &str) -> Option<PathStat> {
    let object: Value = serde_json::from_slice(&STANDARD.decode(field).ok()?).ok()?;
    let mode = super::json::number(&object, "mode");
    let kind = match mode {
        m if m & DIRECTORY != 0 => 'd',
        m if m & SYMLINK != 0 => 'l',
        m if m & PIPE != 0 => 'p',
        m if m & SOCKET != 0 => 's',
        m if m & DEVICE != 0 && m & CHARACTERS != 0 => 'c',
        m if m & DEVICE != 0 => 'b',
        _ => '-',
    };
    let special = [(SET_UID, 0o4000), (SET_GID, 0o2000), (STICKY, 0o1000)];
    let bits: u32 = special.iter().filter(|(go, _)| mode & go != 0).map(|(_, unix)| unix).sum();
    let time = moment(&super::json::text(&object, "mtime"), Timestamp::NEVER).unwrap_or(Timestamp::NEVER);
    Some(PathStat {
        name: super::json::text(&object, "name"),
        kind,
        size: super::json::number(&object, "size"),
        mode: u32::try_from(mode & 0o777).unwrap_or(0) | bits,
        owner: (0, 0),
        mtime: (i64::try_from(time.0 / 1_000_000_000).unwrap_or(0), u32::try_from(time.0 % 1_000_000_000).unwrap_or(0)),
        link: super::json::text(&object, "linkTarget"),
    })
}

/// An archive that is written by a thread while it is read here.
struct Renamed(UnixStream);

impl Read for Renamed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

/// Writes an archive again with another name in the place of its first one.
fn rename(from: impl Read, into: impl Write, old: &str, new: &str) -> std::io::Result<()> {
    let mut archive = tar::Archive::new(from);
    let mut written = tar::Builder::new(into);
    let renamed = |path: &[u8]| -> Option<Vec<u8>> {
        let rest = path.strip_prefix(old.as_bytes())?;
        (rest.is_empty() || rest.starts_with(b"/")).then(|| [new.as_bytes(), rest].concat())
    };
    let path_of = |bytes: Vec<u8>| std::path::PathBuf::from(String::from_utf8_lossy(&bytes).into_owned());
    for entry in archive.entries()? {
        let mut entry = entry?;
        let mut header = entry.header().clone();
        let path = entry.path_bytes().into_owned();
        let path = renamed(&path).unwrap_or(path);
        match entry.link_name_bytes().map(|link| link.into_owned()) {
            // Hard links name entries of the same archive; what symbolic links say is theirs.
            Some(link) => {
                let hard = header.entry_type().is_hard_link();
                let link = if hard { renamed(&link).unwrap_or(link) } else { link };
                written.append_link(&mut header, path_of(path), path_of(link))?;
            }
            None => written.append_data(&mut header, path_of(path), &mut entry)?,
        }
    }
    written.into_inner()?.flush()
}

impl DockerEngine {
    fn archive_of(name: &str) -> String {
        format!("/containers/{}/archive", part(name))
    }

    pub(super) fn path_stat(&self, name: &str, path: &str, follow: bool) -> Result<PathStat> {
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let answer = self.send("HEAD", &Self::archive_of(name), Parameters::new().with("path", &path), Vec::new(), Body::None)?;
            if answer.status >= 400 {
                // The answer to HEAD has no words; those of GET do.
                let again = self.ask("GET", &Self::archive_of(name), Parameters::new().with("path", &path), Vec::new(), Body::None);
                return Err(again.err().unwrap_or_else(|| failure::refused(answer.status, b"")));
            }
            let found = answer.field("x-docker-container-path-stat").and_then(stat);
            let found = found.ok_or_else(|| Error::new(ErrorKind::System, "the engine does not say what is at the path"))?;
            if !follow || found.kind != 'l' || found.link.is_empty() {
                return Ok(found);
            }
            path = if found.link.starts_with('/') {
                found.link
            } else {
                let parent = path.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent);
                format!("{parent}/{}", found.link)
            };
        }
        Err(Error::invalid(format!("too many symbolic links: {}", path.escape_debug())))
    }

    pub(super) fn archive_out(&self, name: &str, path: &str, follow: bool, called: Option<&str>) -> Result<Box<dyn Read>> {
        let mut place = path.to_owned();
        if follow {
            let found = self.path_stat(name, path, false)?;
            if found.kind == 'l' && found.link.starts_with('/') {
                place = found.link;
            } else if found.kind == 'l' {
                let parent = path.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent);
                place = format!("{parent}/{}", found.link);
            }
        }
        let answer = self.ask("GET", &Self::archive_of(name), Parameters::new().with("path", &place), Vec::new(), Body::None)?;
        let own = answer.field("x-docker-container-path-stat").and_then(stat).map(|s| s.name).unwrap_or_default();
        let wanted = called.map(str::to_owned).or_else(|| (place != path).then(|| last(path).to_owned()));
        let Some(new) = wanted.filter(|new| *new != own && own != "/") else { return Ok(Box::new(answer)) };
        let pair = UnixStream::pair();
        let (near, far) = pair.map_err(|e| Error::new(ErrorKind::System, "a pair of sockets cannot be made").source(e))?;
        // Whoever reads to an end that is too early sees an archive that is cut off, which is what it is.
        std::thread::spawn(move || drop(rename(answer, far, &own, &new)));
        Ok(Box::new(Renamed(near)))
    }

    pub(super) fn archive_in(&self, name: &str, directory: &str, archive: &mut dyn Read, as_user: bool) -> Result<()> {
        let parameters = Parameters::new().with("path", directory).with("noOverwriteDirNonDir", "true").with_flag("copyUIDGID", as_user);
        self.ask("PUT", &Self::archive_of(name), parameters, Vec::new(), Body::Bytes("application/x-tar", archive)).map(drop)
    }

    pub(super) fn export_container(&self, name: &str, into: &mut dyn Write) -> Result<()> {
        let path = format!("/containers/{}/export", part(name));
        let mut answer = self.ask("GET", &path, Parameters::new(), Vec::new(), Body::None)?;
        copy(&mut answer, into)
    }
}

/// The last name of a path.
fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// Carries an archive over.
pub(super) fn copy(from: &mut dyn Read, into: &mut dyn Write) -> Result<()> {
    std::io::copy(from, into).map(drop).map_err(|e| failure::cut_off("an archive", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_gos() {
        let field = STANDARD.encode(r#"{"name":"tmp","size":4096,"mode":2148532735,"mtime":"2023-11-14T22:13:20Z","linkTarget":""}"#);
        let found = stat(&field).unwrap();
        assert_eq!((found.kind, found.mode, found.name.as_str()), ('d', 0o1777, "tmp"));
    }

    #[test]
    fn an_archive_gets_another_name() {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in [("old/a", "1"), ("older", "2")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, content.as_bytes()).unwrap();
        }
        let bytes = archive.into_inner().unwrap();
        let mut out = Vec::new();
        rename(&*bytes, &mut out, "old", "new").unwrap();
        let mut read = tar::Archive::new(&*out);
        let paths: Vec<String> = read.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect();
        assert_eq!(paths, ["new/a", "older"]);
    }
}
