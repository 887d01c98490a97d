//! Docker's configuration file of this user, and credential helpers as processes.

use crate::environment::CLIENT;
use crate::keychain::Keychain;
use drydock_core::{Error, ErrorKind, Result};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// `config.json` in the directory of `--config` or `$DOCKER_CONFIG`, or in `~/.docker`.
#[derive(Debug)]
pub struct Files {
    path: PathBuf,
}

impl Files {
    /// This user's, or those of a directory.
    pub fn of_user(directory: Option<&str>) -> Self {
        let set = || std::env::var_os("DOCKER_CONFIG").filter(|d| !d.is_empty()).map(PathBuf::from);
        let named = directory.map(PathBuf::from).or_else(set);
        let home = || std::env::var_os("HOME").filter(|h| !h.is_empty()).map_or_else(|| PathBuf::from("/root"), PathBuf::from);
        Self { path: named.unwrap_or_else(|| home().join(".docker")).join("config.json") }
    }

    fn failed(&self, what: &str, error: std::io::Error) -> Error {
        Error::new(ErrorKind::System, format!("{what} {}", self.path.display())).op(CLIENT).source(error)
    }
}

impl Keychain for Files {
    fn read(&mut self) -> Result<Option<String>> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.failed("read", e)),
        }
    }

    fn write(&mut self, text: &str) -> Result<()> {
        // Through a link to where the file really is: people keep it in a repository of their own.
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let directory = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory).map_err(|e| self.failed("make the directory of", e))?;
        let scratch = directory.join(format!(".config.json.{}", std::process::id()));
        let _ = std::fs::remove_file(&scratch);
        let written = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&scratch).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&scratch, &path)
        });
        written.map_err(|e| {
            let _ = std::fs::remove_file(&scratch);
            self.failed("write", e)
        })
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn helper(&mut self, name: &str, action: &str, input: &str) -> Result<std::result::Result<String, String>> {
        let program = format!("docker-credential-{name}");
        let wrong = |why: String| Error::invalid(format!("error getting credentials - err: exec: \"{program}\": {why}")).op(CLIENT);
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            return Err(wrong("invalid name".to_owned()));
        }
        let mut child =
            Command::new(&program).arg(action).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().map_err(
                |e| match e.kind() {
                    std::io::ErrorKind::NotFound => wrong("executable file not found in $PATH".to_owned()),
                    _ => wrong(e.to_string()),
                },
            )?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not read has its reasons, and says so with its exit code.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|e| wrong(e.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(if output.status.success() { Ok(text) } else { Err(text) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_named_is_the_one() {
        assert_eq!(Files::of_user(Some("/of/another")).place(), "/of/another/config.json");
    }
}
