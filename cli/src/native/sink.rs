//! A file that is there only once it is whole.

use crate::environment::Sink;
use drydock_core::{Error, ErrorKind, Result};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Bytes go to a file beside the one that is meant, which takes its name in the end.
pub(super) struct WholeFile {
    file: BufWriter<File>,
    scratch: PathBuf,
    target: PathBuf,
}

fn wrong(what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::System, what.to_owned()).source(error)
}

impl WholeFile {
    /// Begins a file.
    pub(super) fn create(path: &str) -> Result<Self> {
        let target = PathBuf::from(path);
        let special = match std::fs::metadata(&target) {
            Ok(there) if there.is_dir() => return Err(Error::invalid("cannot write to a directory")),
            Ok(there) => !there.is_file(),
            Err(_) => false,
        };
        let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !parent.is_dir() {
            return Err(Error::invalid(format!("invalid output path: stat {}: no such file or directory", parent.display())));
        }
        if special {
            // A device or pipe is written where it is.
            let file = OpenOptions::new().write(true).open(&target).map_err(|e| wrong(&format!("open {path}"), e))?;
            return Ok(Self { file: BufWriter::new(file), scratch: target.clone(), target });
        }
        let name = target.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let scratch = parent.join(format!(".tmp-{name}-{}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&scratch).map_err(|e| wrong(&format!("open {path}"), e))?;
        Ok(Self { file: BufWriter::with_capacity(1 << 17, file), scratch, target })
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Sink for WholeFile {
    fn finish(mut self: Box<Self>) -> Result<()> {
        let shown = self.target.display().to_string();
        self.file.flush().map_err(|e| wrong(&format!("write {shown}"), e))?;
        if self.scratch != self.target {
            std::fs::rename(&self.scratch, &self.target).map_err(|e| wrong(&format!("rename {shown}"), e))?;
        }
        Ok(())
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if self.scratch != self.target {
            // Gone already if it has its name.
            let _ = std::fs::remove_file(&self.scratch);
        }
    }
}
