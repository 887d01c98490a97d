//! Where a student stands: one small file, and the labs that are done.

use drydock_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where a lab is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Where {
    /// On a simulated host.
    Sim,
    /// On this machine.
    Linux,
}

/// The lab that is being done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Current {
    pub lab: String,
    pub student: String,
    pub place: Where,
    /// Hints given for what is open.
    pub hints: usize,
    /// The predicate they were about.
    pub about: String,
}

/// The directory of everything that is kept: DRYDOCK_LEARN, or below the user's own state (XDG Base Directory Specification).
pub(super) fn directory() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let directory = variable("DRYDOCK_LEARN")
        .or_else(|| variable("XDG_STATE_HOME").map(|state| state.join("drydock/learn")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/drydock/learn")))
        .ok_or_else(|| Error::invalid("there is no home directory").hint("set DRYDOCK_LEARN to a directory"))?;
    std::fs::create_dir_all(&directory).map_err(|e| wrong("make", &directory, e))?;
    Ok(directory)
}

pub(super) fn wrong(what: &str, path: &std::path::Path, error: std::io::Error) -> Error {
    let kind = if error.kind() == std::io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::System };
    Error::new(kind, format!("{what} {}", path.display())).source(error)
}

impl Current {
    pub fn load() -> Result<Self> {
        let path = directory()?.join("current.json");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::not_found("no lab was begun").hint("drydock learn list, drydock learn start LAB"));
            }
            Err(e) => return Err(wrong("read", &path, e)),
        };
        serde_json::from_str(&text).map_err(|e| Error::new(ErrorKind::Corrupt, format!("{} cannot be read", path.display())).source(e))
    }

    pub fn save(&self) -> Result<()> {
        write("current.json", &serde_json::to_string(self)?)
    }
}

fn write(name: &str, text: &str) -> Result<()> {
    let (path, scratch) = (directory()?.join(name), directory()?.join(format!(".{name}-{}", std::process::id())));
    std::fs::write(&scratch, text).and_then(|()| std::fs::rename(&scratch, &path)).map_err(|e| wrong("write", &path, e))
}

/// The labs that were done, one a line.
pub(super) fn done() -> Result<Vec<String>> {
    let path = directory()?.join("done");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(wrong("read", &path, e)),
    }
}

/// One more.
pub(super) fn add_done(lab: &str) -> Result<()> {
    let mut all = done()?;
    if !all.iter().any(|done| done == lab) {
        all.push(lab.to_owned());
        write("done", &(all.join("\n") + "\n"))?;
    }
    Ok(())
}
