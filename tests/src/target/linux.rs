//! This machine as a target.

use super::{Subject, Target};
use crate::outcome::Output;
use crate::{fixture, registry};
use drydock_core::engine::Engine;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_sim::registry::Shared;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A statically linked busybox: the image is made from it, and the host's shell.
const BUSYBOX: &str = "/bin/busybox";

/// How long a registry may say nothing. Some clauses are about ones that say nothing more.
const PATIENCE: Duration = Duration::from_millis(400);

pub(super) fn failed(what: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::System, format!("the suite cannot {what}")).op(what).source(error)
}

/// One engine over roots of its own, in network and mount namespaces of its own, cleaned after every clause.
pub struct LinuxTarget {
    subject: Arc<LinuxSubject>,
}

pub(super) struct LinuxSubject {
    engine: Arc<dyn Engine>,
    /// Open all the time: SQLite keeps descriptors of a closed connection while another one of the process has locks.
    other: Arc<dyn Engine>,
    /// With a name by chance and made for root alone: anybody may write to the directory for temporary files that it is in.
    top: TempDir,
    busybox: Vec<u8>,
    remotes: Shared,
    registries: Vec<String>,
}

impl LinuxTarget {
    /// Moves the calling thread to new network and mount namespaces, for good, and opens an engine there. Needs root.
    pub fn enter() -> Result<Self> {
        if !nix::unistd::geteuid().is_root() {
            return Err(Error::new(ErrorKind::Denied, "the suite makes namespaces on this machine").hint("run it as root"));
        }
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).map_err(|e| failed("make namespaces of its own", e))?;
        // Nothing that is mounted from here on is seen by the machine.
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).map_err(|e| failed("make its mounts private", e))?;
        Ok(Self { subject: Arc::new(LinuxSubject::make()?) })
    }
}

impl LinuxSubject {
    fn make() -> Result<Self> {
        let mut subject = Self::furnish(|top| Ok((open(top)?, open(top)?)))?;
        subject.listen()?;
        Ok(subject)
    }

    /// What a clause needs of this machine beside an engine that is not ours.
    pub(super) fn beside(engine: Arc<dyn Engine>) -> Result<Self> {
        let mut subject = Self::furnish(|_| Ok((Arc::clone(&engine), engine)))?;
        subject.listen()?;
        Ok(subject)
    }

    fn listen(&mut self) -> Result<()> {
        let up = self.host("ip link set lo up")?;
        if up.code != 0 {
            return Err(Error::new(ErrorKind::System, format!("loopback cannot be brought up: {}", up.error_text())));
        }
        self.registries = registry::listen(&self.remotes).map_err(|e| failed("listen as registries", e))?;
        Ok(())
    }

    fn furnish(engines: impl FnOnce(&Path) -> Result<(Arc<dyn Engine>, Arc<dyn Engine>)>) -> Result<Self> {
        let made = tempfile::Builder::new().prefix("drydock-conform-").tempdir().map_err(|e| failed("make its directory", e))?;
        let top = made.path();
        let bin = top.join("bin");
        fs::create_dir(&bin).map_err(|e| failed("make its directory", e))?;
        fs::set_permissions(top, fs::Permissions::from_mode(0o711)).map_err(|e| failed("make its directory", e))?;
        let program = fs::read(BUSYBOX).map_err(|e| failed("read /bin/busybox", e).hint("apt-get install busybox-static"))?;
        let list = Command::new(BUSYBOX).arg("--list").output().map_err(|e| failed("list busybox's applets", e))?;
        let applets: Vec<String> = String::from_utf8_lossy(&list.stdout).lines().map(str::to_owned).collect();
        for applet in &applets {
            symlink(BUSYBOX, bin.join(applet)).map_err(|e| failed("make the host's shell", e))?;
        }
        let busybox = fixture::busybox(&program, &applets);
        let (engine, other) = engines(top)?;
        engine.import(&mut &*busybox, &drydock_core::engine::ImportRequest::of(fixture::BUSYBOX, &[], ""))?;
        Ok(Self { engine, other, top: made, busybox, remotes: Shared::default(), registries: Vec::new() })
    }

    fn scratch_dir(&self) -> PathBuf {
        self.top.path().join("scratch")
    }
}

/// Makes a directory, or makes it empty again: a clause that failed half way may have left a mount there.
pub(super) fn empty(directory: &Path) -> Result<()> {
    // By its real name, as the table has it.
    let real = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let table = fs::read_to_string("/proc/self/mounts").map_err(|e| failed("read its mounts", e))?;
    // Blanks and the like are written as octal numbers there, and the suite's directories have none.
    let below = table.lines().filter_map(|line| line.split(' ').nth(1)).filter(|at| Path::new(at).starts_with(&real));
    for at in below.collect::<Vec<_>>().into_iter().rev() {
        umount2(at, MntFlags::MNT_DETACH).map_err(|e| failed("take a mount out of its scratch directory", e))?;
    }
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(|e| failed("empty its scratch directory", e))?;
    }
    fs::create_dir_all(directory).map_err(|e| failed("make its scratch directory", e))
}

fn open(top: &Path) -> Result<Arc<dyn Engine>> {
    let root = |name: &str| top.join(name).to_string_lossy().into_owned();
    Ok(Arc::new(drydock_linux::open_reaching(&root("data"), &root("run"), Arc::new(drydock_linux::Network::waiting(PATIENCE)))?))
}

impl Subject for LinuxSubject {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine)
    }

    fn reopened(&self) -> Result<Arc<dyn Engine>> {
        Ok(Arc::clone(&self.other))
    }

    fn scratch(&self) -> String {
        self.scratch_dir().to_string_lossy().into_owned()
    }

    fn host(&self, script: &str) -> Result<Output> {
        let ran = Command::new(BUSYBOX)
            .args(["sh", "-c", script])
            .env_clear()
            .env("PATH", self.top.path().join("bin"))
            .stdin(Stdio::null())
            .output()
            .map_err(|e| failed("run the host's shell", e))?;
        let signal = std::os::unix::process::ExitStatusExt::signal(&ran.status);
        let code = ran.status.code().or(signal.map(|s| 128 + s)).unwrap_or(-1);
        Ok(Output { code, stdout: ran.stdout, stderr: ran.stderr })
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn remotes(&self) -> Shared {
        Arc::clone(&self.remotes)
    }

    fn is_elsewhere(&self) -> bool {
        false
    }

    fn registries(&self) -> Vec<String> {
        self.registries.clone()
    }

    fn busybox(&self) -> &[u8] {
        &self.busybox
    }
}

impl Drop for LinuxSubject {
    fn drop(&mut self) {
        // Containers that a hanging clause left; the directory of one that runs cannot be taken away.
        if let Ok(containers) = self.engine.containers(true) {
            for container in containers {
                let options = drydock_core::engine::RemoveOptions { force: true, volumes: true };
                let _ = self.engine.remove(container.id.as_str(), options);
            }
        }
    }
}

impl Target for LinuxTarget {
    fn name(&self) -> &'static str {
        "linux"
    }

    fn subject(&mut self) -> Result<Arc<dyn Subject>> {
        empty(&self.subject.scratch_dir())?;
        Ok(Arc::clone(&self.subject) as Arc<dyn Subject>)
    }

    fn patience(&self) -> Option<Duration> {
        Some(Duration::from_secs(30))
    }

    fn twin(&self) -> Option<Box<dyn Target + Send>> {
        None
    }
}
