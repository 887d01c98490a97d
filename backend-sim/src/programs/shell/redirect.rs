//! Redirections, done on the shell's own descriptors and undone after the command.

use super::command::OWN;
use super::syntax::{Redirect, Target};
use super::{Flow, Shell};
use crate::sys::{Errno, Fd, OpenFlags};
use futures_util::future::{BoxFuture, FutureExt};

/// Descriptors as they were before redirections: the descriptor, and where its old file is kept (`None`: it was closed).
#[derive(Debug, Default)]
pub(super) struct Saved(Vec<(Fd, Option<Fd>)>);

impl Shell {
    /// Carries out redirections in order. What went wrong has been printed, and nothing has changed.
    pub(super) fn redirect<'a>(&'a mut self, redirects: &'a [Redirect]) -> BoxFuture<'a, Result<Saved, Flow>> {
        async move {
            let mut saved = Saved::default();
            for redirect in redirects {
                if let Err(flow) = self.redirect_one(redirect, &mut saved).await {
                    self.restore(saved);
                    return Err(flow);
                }
            }
            Ok(saved)
        }
        .boxed()
    }

    async fn redirect_one(&mut self, redirect: &Redirect, saved: &mut Saved) -> Result<(), Flow> {
        let (word, flags) = match &redirect.to {
            Target::Read(word) => (word, OpenFlags::READ),
            Target::Write(word) | Target::Clobber(word) => (word, OpenFlags::REPLACE),
            Target::Append(word) => (word, OpenFlags::APPEND),
            Target::ReadWrite(word) => (word, OpenFlags::READ_WRITE),
            Target::Duplicate(word) => {
                let target = self.text(word).await?;
                return self.duplicate(redirect.fd, &target, saved).await;
            }
            Target::Here(body) => {
                let body = self.text(body).await?;
                return self.here(redirect.fd, body, saved).await;
            }
        };
        let path = self.text(word).await?;
        let flags = if self.options.noclobber && matches!(redirect.to, Target::Write(_)) && self.is_regular(&path) {
            OpenFlags { exclusive: true, ..flags }
        } else {
            flags
        };
        self.save(redirect.fd, saved);
        match self.sys.open(&path, flags, 0o666).await {
            Ok(fd) => {
                self.put(fd, redirect.fd);
                Ok(())
            }
            Err(error) => {
                let verb = if flags.create { "create" } else { "open" };
                let reason = match (error, flags.create) {
                    (Errno::ENOENT, true) => "nonexistent directory".to_owned(),
                    (Errno::ENOENT, false) => "no such file".to_owned(),
                    (error, _) => error.to_string(),
                };
                self.complain(&format!("can't {verb} {path}: {reason}")).await;
                Err(Flow::Error(1))
            }
        }
    }

    fn is_regular(&self, path: &str) -> bool {
        self.sys.stat(path).is_ok_and(|stat| stat.kind == crate::sys::FileType::Regular)
    }

    async fn duplicate(&mut self, fd: Fd, target: &str, saved: &mut Saved) -> Result<(), Flow> {
        if target == "-" {
            self.save(fd, saved);
            self.sys.close(fd).ok();
            return Ok(());
        }
        let Ok(from) = target.parse::<Fd>() else {
            return Err(self.error(&format!("syntax error: bad fd number: {target}")).await);
        };
        if from == fd {
            return Ok(());
        }
        if !self.sys.descriptors().contains(&from) {
            self.complain(&format!("dup2({from},{fd}): {}", Errno::EBADF)).await;
            return Err(Flow::Error(1));
        }
        self.save(fd, saved);
        self.sys.dup2(from, fd).ok();
        Ok(())
    }

    /// A here-document: a pipe that a child fills, so that a long one cannot block the shell.
    async fn here(&mut self, fd: Fd, body: String, saved: &mut Saved) -> Result<(), Flow> {
        const PIPE: usize = 4096;
        self.save(fd, saved);
        let Ok((read, write)) = self.sys.pipe() else { return Err(self.error("pipe call failed").await) };
        if body.len() <= PIPE {
            self.sys.write_all(write, body.as_bytes()).await.ok();
        } else {
            let filler = move |sys: crate::sys::Sys| -> super::Running {
                Box::pin(async move {
                    sys.close(read).ok();
                    i32::from(sys.write_all(write, body.as_bytes()).await.is_err())
                })
            };
            if self.sys.fork_with(Box::new(filler)).is_err() {
                return Err(self.error("can't fork").await);
            }
        }
        self.sys.close(write).ok();
        self.put(read, fd);
        Ok(())
    }

    fn put(&self, from: Fd, to: Fd) {
        if from != to {
            self.sys.dup2(from, to).ok();
            self.sys.close(from).ok();
        }
    }

    /// Keeps a descriptor for later. It stays open until another takes its place: `>/dev/stdout` opens what is open at 1.
    fn save(&self, fd: Fd, saved: &mut Saved) {
        saved.0.push((fd, self.sys.dup(fd, OWN).ok()));
    }

    /// Undoes redirections.
    pub(super) fn restore(&self, saved: Saved) {
        for (fd, kept) in saved.0.into_iter().rev() {
            match kept {
                Some(kept) => self.put(kept, fd),
                None => {
                    self.sys.close(fd).ok();
                }
            }
        }
    }

    /// Makes redirections permanent.
    pub(super) fn forget(&self, saved: Saved) {
        for kept in saved.0.into_iter().filter_map(|(_, kept)| kept) {
            self.sys.close(kept).ok();
        }
    }
}
