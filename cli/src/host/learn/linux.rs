//! Labs on this machine: real containers, under roots of their own, so that nothing of the user's is touched.

use super::state::{directory, wrong};
use crate::host::Hosts;
use crate::host::scratch::Scratch;
use drydock::HostOptions;
use drydock::native::Opener as _;
use drydock_core::engine::{Engine, ImportRequest, RemoveOptions};
use drydock_core::{Error, ErrorKind, Result};
use drydock_lessons::lab::Lab;
use drydock_lessons::predicate::Verdict;
use drydock_lessons::verify::Stage;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// How long is waited for what is on its way: a round, how many of them, and how many in which nothing happens are enough.
const ROUND: Duration = Duration::from_millis(100);
const ROUNDS: u32 = 300;
const QUIET: u32 = 30;

fn options(root: &Path) -> HostOptions {
    let below = |name: &str| Some(root.join(name).display().to_string());
    HostOptions { host: Some("linux".to_owned()), data_root: below("data"), run_root: below("run"), ..HostOptions::default() }
}

/// The engine over a lab's own roots.
pub(in crate::host) fn open(root: &Path) -> Result<Arc<dyn Engine>> {
    Hosts.open(&options(root))
}

/// Where a lab's containers and images are.
pub(super) fn root_of(lab: &Lab) -> Result<PathBuf> {
    Ok(directory()?.join(format!("{}.linux", lab.id)))
}

/// Makes roots anew, with the image that every lab begins with.
pub(in crate::host) fn make(root: &Path) -> Result<()> {
    remove(root)?;
    std::fs::create_dir_all(root).map_err(|e| wrong("make", root, e))?;
    let program = ["/bin/busybox", "/usr/bin/busybox"].iter().find_map(|path| std::fs::read(path).ok());
    let program = program.ok_or_else(|| Error::not_found("there is no busybox on this machine").hint("apt-get install busybox-static"))?;
    let listed = Command::new("busybox").arg("--list").output().map_err(|e| Error::new(ErrorKind::System, "busybox --list").source(e))?;
    let applets: Vec<String> = String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect();
    let archive = drydock_conformance::fixture::busybox(&program, &applets);
    let request = ImportRequest::of("busybox", &["CMD [\"sh\"]".to_owned()], "this machine's busybox");
    open(root)?.import(&mut archive.as_slice(), &request).map(drop)
}

/// Removes every container under these roots, and the roots.
pub(in crate::host) fn remove(root: &Path) -> Result<()> {
    if !root.exists() {
        return Ok(());
    }
    let engine = open(root)?;
    for container in engine.containers(true)? {
        engine.remove(container.id.as_str(), RemoveOptions { force: true, volumes: true })?;
    }
    drop(engine);
    std::fs::remove_dir_all(root).map_err(|e| wrong("remove", root, e))
}

/// A directory in which this program is called drydock.
fn named(root: &Path) -> Result<PathBuf> {
    let (bin, program) = (root.join("bin"), std::env::current_exe().map_err(|e| wrong("find", Path::new("this program"), e))?);
    std::fs::create_dir_all(&bin).map_err(|e| wrong("make", &bin, e))?;
    let link = bin.join("drydock");
    match std::os::unix::fs::symlink(&program, &link) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(wrong("link", &link, e)),
        _ => Ok(bin),
    }
}

/// How long a line may take, in seconds: one that waits for ever is a mistake and nothing that hangs.
const PATIENCE: &str = "300";

/// A line for the shell of this machine, with this program as `drydock` over a lab's own roots.
fn command(root: &Path, line: &str, limited: bool) -> Result<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(named(root)?).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(paths).map_err(|_| Error::invalid("PATH cannot be put together"))?;
    let mut command = Command::new(if limited { "timeout" } else { "sh" });
    command.args(if limited { ["--kill-after=5", PATIENCE, "sh"].as_slice() } else { &[] }).args(["-c", line]);
    command
        .env("PATH", path)
        .env("DRYDOCK_HOST", "linux")
        .env("DRYDOCK_DATA_ROOT", root.join("data"))
        .env("DRYDOCK_RUN_ROOT", root.join("run"));
    Ok(command)
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::System, "run sh").source(error)
}

/// Runs a line with the terminal's own streams. Answers its exit code.
pub(super) fn show(root: &Path, line: &str) -> Result<i32> {
    let status = command(root, line, false)?.status().map_err(failed)?;
    Ok(status.code().unwrap_or(-1))
}

fn enter(root: &Path, line: &str) -> Result<(i32, String)> {
    let ran = command(root, line, true)?.stdin(std::process::Stdio::null()).output().map_err(failed)?;
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    Ok((ran.status.code().unwrap_or(-1), said))
}

/// Begins a lab. Answers how to get to it.
pub(super) fn begin(lab: &Lab, student: &str) -> Result<String> {
    let root = root_of(lab)?;
    make(&root)?;
    for line in &lab.start {
        let (code, said) = enter(&root, line)?;
        if code != 0 {
            return Err(Error::invalid(format!("the lab {} cannot begin: `{line}` ends with {code}: {said}", lab.id)));
        }
    }
    let (bin, shown) = (named(&root)?, root.display());
    let record = super::shell::begin(lab, student)?;
    Ok(format!(
        "type into a terminal whose lines are recorded, to be handed in as {}:  drydock learn shell\nor into your own shell, after:\nexport DRYDOCK_HOST=linux DRYDOCK_DATA_ROOT={shown}/data DRYDOCK_RUN_ROOT={shown}/run PATH={}:$PATH",
        record.display(),
        bin.display()
    ))
}

/// This machine, to verify labs on.
pub(super) struct LinuxStage {
    top: Scratch,
    number: u32,
    /// The last event that was seen, and since which round.
    seen: (u64, u32),
}

impl LinuxStage {
    /// In a directory of its own.
    pub fn new() -> Result<Self> {
        Ok(Self { top: Scratch::new("verify")?.passable()?, number: 0, seen: (0, 0) })
    }

    fn root(&self) -> PathBuf {
        self.top.path().join(self.number.to_string())
    }
}

impl Stage for LinuxStage {
    fn fresh(&mut self, _: &Lab) -> Result<()> {
        remove(&self.root())?;
        // What happened is remembered, so a host is new only under other roots.
        self.number += 1;
        make(&self.root())
    }

    fn enter(&mut self, line: &str) -> Result<(i32, String)> {
        enter(&self.root(), line)
    }

    fn engine(&self) -> Result<Arc<dyn Engine>> {
        open(&self.root())
    }

    fn wait(&mut self, round: u32) -> bool {
        std::thread::sleep(ROUND);
        let last = self.engine().and_then(|engine| engine.last_event()).unwrap_or_default();
        if round == 0 || last != self.seen.0 {
            self.seen = (last, round);
        }
        round < ROUNDS && round - self.seen.1 < QUIET
    }
}

impl Drop for LinuxStage {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.root()) {
            eprintln!("drydock: {error}");
        }
    }
}

/// A lab with these lines typed after its start, on this machine, under roots of its own; what holds of it once nothing more is on its way.
pub(super) fn typed(lab: &Lab, lines: &[&str]) -> Result<Vec<(String, Verdict)>> {
    let mut stage = LinuxStage::new()?;
    stage.fresh(lab)?;
    for line in &lab.start {
        let (code, said) = stage.enter(line)?;
        if code != 0 {
            return Err(Error::invalid(format!("the lab {} cannot begin: `{line}` ends with {code}: {said}", lab.id)));
        }
    }
    for line in lines {
        // Whoever is wrong is refused, and goes on.
        stage.enter(line)?;
    }
    let mut round = 0;
    loop {
        let outcomes = lab.check(&*stage.engine()?)?;
        if outcomes.iter().all(|outcome| outcome.verdict.holds) || !stage.wait(round) {
            return Ok(outcomes.into_iter().map(|outcome| (outcome.check.predicate.to_string(), outcome.verdict)).collect());
        }
        round += 1;
    }
}
