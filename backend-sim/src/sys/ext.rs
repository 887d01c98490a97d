//! Comfort over the system calls, as the C library has it.

use super::*;

impl Sys {
    /// Writes everything.
    pub async fn write_all(&self, fd: Fd, mut bytes: &[u8]) -> Res<()> {
        while !bytes.is_empty() {
            match self.write(fd, bytes).await {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads until the end.
    pub async fn read_to_end(&self, fd: Fd) -> Res<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            match self.read(fd, 65536).await {
                Ok(bytes) if bytes.is_empty() => return Ok(all),
                Ok(bytes) => all.extend_from_slice(&bytes),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The content of a file.
    pub async fn read_file(&self, path: &str) -> Res<Vec<u8>> {
        let fd = self.open(path, OpenFlags::READ, 0).await?;
        let content = self.read_to_end(fd).await;
        self.close(fd)?;
        content
    }

    /// Replaces the content of a file, made if missing.
    pub async fn write_file(&self, path: &str, content: &[u8]) -> Res<()> {
        let fd = self.open(path, OpenFlags::REPLACE, 0o666).await?;
        let written = self.write_all(fd, content).await;
        self.close(fd)?;
        written
    }

    /// Writes text to standard output. A broken pipe has raised SIGPIPE already; other errors are the caller's to see.
    pub async fn print(&self, text: &str) -> Res<()> {
        self.write_all(STDOUT, text.as_bytes()).await
    }

    /// Writes text to standard error, and lets errors pass: there is nowhere to report them.
    pub async fn eprint(&self, text: &str) {
        let _ = self.write_all(STDERR, text.as_bytes()).await;
    }

    /// A variable of the environment.
    pub fn getenv(&self, name: &str) -> Option<String> {
        self.environ().into_iter().find_map(|entry| Some(entry.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
    }
}
