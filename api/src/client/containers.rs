//! Containers: made, started, stopped, waited for, listed, looked at, their logs read.

use super::http::{Answer, Body};
use super::json::{number, signed, text};
use super::streams::{Asides, Frames, Parted, pump};
use super::{DockerEngine, Parameters, failure, part, read};
use crate::error::SUPERVISOR_LOST;
use drydock_core::container::{ContainerConfig, ContainerRecord, Status};
use drydock_core::docker::time::moment;
use drydock_core::engine::{
    ContainerSummary, ContainerUpdate, ListRequest, LogLine, LogsRequest, ProcessTable, RemoveOptions, Sizes, WaitCondition,
};
use drydock_core::id::ContainerId;
use drydock_core::image::changeset::{ChangeKind, PathChange};
use drydock_core::io::{Attach, Ended, Io, Size, Stream};
use drydock_core::kernel::{Signal, Task};
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result, docker};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::time::Duration;

/// The most of a line of a log that is kept together.
const LINE: u64 = 16 << 20;

fn on(name: &str, what: &str) -> String {
    // Names stand with a slash in inspections, and people copy them.
    format!("/containers/{}/{what}", part(name.strip_prefix('/').unwrap_or(name)))
}

/// What `docker run` makes of an engine's refusal to start: the words say whether the program was missing or could not be run.
fn not_started(error: Error) -> Error {
    let says = |words: &[&str]| words.iter().any(|w| error.message().contains(w));
    let kind = match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::System | ErrorKind::NotFound if says(&["No such container"]) => return error,
        ErrorKind::InvalidInput | ErrorKind::System | ErrorKind::NotFound | ErrorKind::CommandNotFound
            if says(&["executable file not found", "no such file or directory", "system cannot find the file specified"]) =>
        {
            ErrorKind::CommandNotFound
        }
        ErrorKind::InvalidInput | ErrorKind::System if says(&["permission denied", "is a directory"]) => ErrorKind::CommandNotExecutable,
        _ => return error,
    };
    Error::new(kind, error.message().to_owned())
}

/// What an older engine would leave out without a word.
fn since_version(flag: &str, needed: u16, version: crate::version::ApiVersion) -> Error {
    Error::unsupported(format!("\"{flag}\" requires API version 1.{needed}, but the Docker daemon API version is {version}"))
        .code(failure::NO_OPERATION)
}

/// The bytes of detach keys in the words that the API takes.
pub(super) fn key_words(keys: &[u8]) -> String {
    let word = |byte: &u8| match byte {
        0 => "ctrl-@".to_owned(),
        1..=26 => format!("ctrl-{}", char::from(b'a' + byte - 1)),
        27..=31 => format!("ctrl-{}", char::from(b'@' + byte)),
        other => char::from(*other).to_string(),
    };
    keys.iter().map(word).collect::<Vec<_>>().join(",")
}

/// A moment as the API takes it.
pub(super) fn since(time: Timestamp) -> String {
    format!("{}.{:09}", time.0 / 1_000_000_000, time.0 % 1_000_000_000)
}

/// What Docker's client refuses by itself before it asks for a container: engines do not look at it again.
fn beforehand(config: &ContainerConfig) -> Result<()> {
    let id = config.image.strip_prefix("sha256:").unwrap_or(&config.image);
    if id.len() != 64 || id.bytes().any(|b| !b.is_ascii_hexdigit()) {
        drydock_core::image::reference::Reference::parse(&config.image)?;
    }
    for word in &config.security_opt {
        if !word.contains(['=', ':']) && word != "no-new-privileges" {
            return Err(Error::invalid(format!("Invalid --security-opt: \"{}\"", word.escape_debug())));
        }
    }
    for text in &config.ulimits {
        drydock_core::container::ulimit::parse(text)?;
    }
    drydock_core::container::oci::allowed_sysctls(config)?;
    for text in &config.extra_hosts {
        // The engine knows the host's address.
        if !text.ends_with(":host-gateway") {
            drydock_core::container::files::extra_host(text)?;
        }
    }
    let wrong = config.dns.iter().find(|text| text.parse::<std::net::IpAddr>().is_err());
    wrong.map_or(Ok(()), |text| Err(Error::invalid(format!("IP address is not correctly formatted: {}", text.escape_debug()))))
}

/// A wait whose request has been sent, so that nothing that happens from then on is missed.
pub(super) struct Waiting(Answer);

impl Waiting {
    /// The exit code, whatever else there is to tell.
    pub fn code(self) -> Result<i32> {
        self.0.json().map(|object| code(&object))
    }

    /// The end, for whoever saw the container run.
    pub fn end(self) -> Result<Ended> {
        let object = self.0.json()?;
        let told = |name: &str| object.pointer(name).and_then(Value::as_str).unwrap_or_default();
        match told("/Error/Message") {
            "" => Ok(Ended::Exited(code(&object))),
            _ if told("/Error/Code") == SUPERVISOR_LOST => Ok(Ended::Lost),
            // dockerd tells here what went wrong while it removed.
            message => Err(failure::said(message)),
        }
    }
}

/// The exit code in the answer to a wait.
fn code(answer: &Value) -> i32 {
    i32::try_from(signed(answer, "StatusCode")).unwrap_or(-1)
}

impl DockerEngine {
    pub(super) fn create_container(&self, config: &ContainerConfig) -> Result<ContainerId> {
        if config.user_range.is_some() {
            return Err(failure::no_operation("give one container ids of its own (--userns-remap)"));
        }
        if config.on_unhealthy != drydock_core::container::ContainerConfig::default().on_unhealthy {
            return Err(failure::no_operation("act on a container that is unhealthy (--on-unhealthy)"));
        }
        if config.pid_file.is_some() {
            return Err(failure::no_operation("have the engine write a pid file (--pidfile)"));
        }
        if !config.annotations.is_empty() && !self.version.since(43) {
            return Err(since_version("--annotation", 43, self.version));
        }
        if !self.version.since(45) && config.mounts.iter().any(|m| m.words("volume-subpath").next().is_some()) {
            return Err(since_version("volume-subpath", 45, self.version));
        }
        if config.mounts.iter().any(|m| m.kind == drydock_core::container::MountKind::Image) {
            return Err(failure::no_operation("mount an image (--mount type=image) the way this client asks"));
        }
        beforehand(config)?;
        let parameters = Parameters::new().with_some("name", config.name.as_deref());
        let made = self.post_json("/containers/create", parameters, &docker::create_body(config))?;
        let id = text(&made, "Id");
        if let (Some(size), true, false) = (config.console_size, config.tty, self.version.since(42)) {
            // Older engines take no size with the container: they are told once it runs.
            self.sizes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id.clone(), size);
        }
        Ok(ContainerId::new(id))
    }

    pub(super) fn start_container(&self, name: &str) -> Result<()> {
        self.post(&on(name, "start"), Parameters::new()).map(drop).map_err(not_started)
    }

    /// Sends a request to wait, and comes back once the engine has it.
    pub(super) fn begin_wait(&self, name: &str, condition: WaitCondition, patience: Option<Duration>) -> Result<Waiting> {
        let word = match condition {
            WaitCondition::NotRunning => "not-running",
            WaitCondition::NextExit => "next-exit",
            WaitCondition::Removed => "removed",
        };
        let parameters = if self.version.since(30) { Parameters::new().with("condition", word) } else { Parameters::new() };
        let answer = self.ask("POST", &on(name, "wait"), parameters, Vec::new(), Body::None)?;
        answer.stream().patience(patience).map_err(|e| failure::cut_off("wait", e))?;
        Ok(Waiting(answer))
    }

    pub(super) fn wait_container(&self, name: &str, condition: WaitCondition, timeout: Option<Duration>) -> Result<i32> {
        self.begin_wait(name, condition, timeout)?.code()
    }

    /// Takes over a connection to a container's streams.
    fn connect(&self, name: &str, attach: &Attach) -> Result<Answer> {
        let parameters = Parameters::new()
            .with("stream", "1")
            .with_flag("stdin", attach.stdin)
            .with_flag("stdout", attach.stdout)
            .with_flag("stderr", attach.stderr)
            .with_flag("logs", attach.logs)
            .with_some("detachKeys", (!attach.detach_keys.is_empty()).then(|| key_words(&attach.detach_keys)));
        self.ask("POST", &on(name, "attach"), parameters, Vec::new(), Body::Upgrade(&Value::Null))
    }

    fn serve(&self, id: &str, tty: bool, ended: bool, answer: &mut Answer, attach: &Attach, io: &mut dyn Io) -> Result<Parted> {
        let asides = Asides {
            // One that ends meanwhile has no terminal to be told about.
            resize: &|size| self.resize_container(id, size).or(Ok(())),
            signal: &|signal| self.kill_container(id, signal).or(Ok(())),
            ended,
        };
        pump(answer, tty, attach, io, &asides)
    }

    pub(super) fn start_and_serve(&self, name: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let record = self.container_record(name)?;
        let id = record.id.as_str();
        // Whoever is there before the start misses nothing. With `logs=1` a daemon that reads its logs a moment late, when the
        // container has written already, would send the same bytes as log and as stream.
        let mut answer = self.connect(id, &Attach { logs: false, ..attach.clone() })?;
        let condition = if record.config.auto_remove { WaitCondition::Removed } else { WaitCondition::NextExit };
        let waiting = self.begin_wait(id, condition, None)?;
        self.start_container(id)?;
        let size = self.sizes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(id);
        if let Some(size) = size {
            // One that ended at once has no terminal.
            let _ = self.resize_container(id, size);
        }
        match self.serve(id, record.config.tty, false, &mut answer, attach, io)? {
            Parted::Detached => Ok(Ended::Detached),
            Parted::Over => waiting.end(),
        }
    }

    pub(super) fn attach_to(&self, name: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let record = self.container_record(name)?;
        let id = record.id.as_str();
        let refused = match record.state.status {
            Status::Running => None,
            Status::Paused => Some((ErrorKind::Conflict, "You cannot attach to a paused container, unpause it first")),
            Status::Restarting => Some((ErrorKind::Conflict, "You cannot attach to a restarting container, wait until it is running")),
            _ => Some((ErrorKind::NotRunning, "You cannot attach to a stopped container, start it first")),
        };
        if let Some((kind, words)) = refused {
            return Err(Error::new(kind, words).subject(id));
        }
        let waiting = self.begin_wait(id, WaitCondition::NotRunning, None)?;
        let mut answer = self.connect(id, attach)?;
        // One that ended between the first look and the attachment leaves an engine waiting for the next start.
        let ended = !self.container_record(id).is_ok_and(|now| matches!(now.state.status, Status::Running | Status::Paused));
        match self.serve(id, record.config.tty, ended, &mut answer, attach, io)? {
            Parted::Detached => Ok(Ended::Detached),
            Parted::Over => waiting.end(),
        }
    }

    /// `stop` and `restart`.
    pub(super) fn end_container(&self, name: &str, how: &str, signal: Option<Signal>, grace: Option<i64>) -> Result<()> {
        if signal.is_some() && !self.version.since(42) {
            return Err(Error::unsupported(format!(
                "\"--signal\" requires API version 1.42, but the Docker daemon API version is {}",
                self.version
            ))
            .code(failure::NO_OPERATION));
        }
        let parameters =
            Parameters::new().with_some("signal", signal.map(|s| s.number().to_string())).with_some("t", grace.map(|g| g.to_string()));
        self.post(&on(name, how), parameters).map(drop)
    }

    pub(super) fn kill_container(&self, name: &str, signal: Signal) -> Result<()> {
        self.post(&on(name, "kill"), Parameters::new().with("signal", signal.number().to_string())).map(drop)
    }

    pub(super) fn pause_container(&self, name: &str, on_or_off: &str) -> Result<()> {
        self.post(&on(name, on_or_off), Parameters::new()).map(drop)
    }

    pub(super) fn resize_container(&self, name: &str, size: Size) -> Result<()> {
        let parameters = Parameters::new().with("h", size.rows.to_string()).with("w", size.cols.to_string());
        self.post(&on(name, "resize"), parameters).map(drop)
    }

    pub(super) fn remove_container(&self, name: &str, options: RemoveOptions) -> Result<()> {
        let parameters = Parameters::new().with_flag("force", options.force).with_flag("v", options.volumes);
        self.delete(on(name, "").trim_end_matches('/'), parameters).map(drop)
    }

    pub(super) fn rename_container(&self, name: &str, new: &str) -> Result<()> {
        if name.is_empty() || new.is_empty() {
            return Err(Error::invalid("Neither old nor new names may be empty"));
        }
        self.post(&on(name, "rename"), Parameters::new().with("name", new)).map(drop)
    }

    pub(super) fn update_container(&self, name: &str, change: &ContainerUpdate) -> Result<()> {
        if !change.publish_add.is_empty() || !change.publish_remove.is_empty() {
            return Err(failure::no_operation("change published ports"));
        }
        if !change.mount_add.is_empty() || !change.mount_remove.is_empty() {
            return Err(failure::no_operation("change the mounts of a container"));
        }
        self.post_json(&on(name, "update"), Parameters::new(), &docker::update_body(change)).map(drop)
    }

    pub(super) fn list_containers(&self, request: &ListRequest) -> Result<Vec<ContainerSummary>> {
        let parameters = Parameters::new()
            .with_flag("all", request.all)
            .with_flag("size", request.sizes)
            .with_some("limit", request.last.map(|n| n.to_string()))
            .with_filters(&request.filters);
        let list = self.get("/containers/json", parameters)?;
        let now = self.time();
        Ok(list.as_array().into_iter().flatten().map(|c| read::listed_container(c, now)).collect())
    }

    /// A container's inspection.
    pub(super) fn inspect_container(&self, name: &str, sizes: bool) -> Result<Value> {
        self.get(&on(name, "json"), Parameters::new().with_flag("size", sizes))
    }

    pub(super) fn container_record(&self, name: &str) -> Result<ContainerRecord> {
        read::container(&self.inspect_container(name, false)?)
    }

    pub(super) fn container_sizes(&self, name: &str) -> Result<Sizes> {
        let object = self.inspect_container(name, true)?;
        Ok(Sizes { writable: number(&object, "SizeRw"), root: number(&object, "SizeRootFs") })
    }

    pub(super) fn changes(&self, name: &str) -> Result<Vec<PathChange>> {
        let list = self.get(&on(name, "changes"), Parameters::new())?;
        let kind = |n: u64| match n {
            0 => ChangeKind::Changed,
            1 => ChangeKind::Added,
            _ => ChangeKind::Deleted,
        };
        let mut all: Vec<PathChange> =
            list.as_array().into_iter().flatten().map(|c| PathChange { kind: kind(number(c, "Kind")), path: text(c, "Path") }).collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(all)
    }

    pub(super) fn table(&self, name: &str, options: &[String]) -> Result<ProcessTable> {
        let parameters = Parameters::new().with_some("ps_args", (!options.is_empty()).then(|| options.join(" ")));
        let object = self.get(&on(name, "top"), parameters)?;
        let row = |r: &Value| r.as_array().into_iter().flatten().map(|c| c.as_str().unwrap_or_default().to_owned()).collect();
        Ok(ProcessTable {
            titles: super::json::texts(&object, "Titles"),
            processes: super::json::list(&object, "Processes").iter().map(row).collect(),
        })
    }

    pub(super) fn tasks(&self, name: &str) -> Result<Vec<Task>> {
        let table = self.table(name, &["-eo".to_owned(), "pid,ppid,uid,args".to_owned()])?;
        let task = |row: &Vec<String>| {
            let [pid, parent, uid, command] = row.as_slice() else { return None };
            Some(Task {
                pid: pid.parse().ok()?,
                // ps(1) of the host does not know it.
                inner_pid: 0,
                parent: parent.parse().ok()?,
                uid: uid.parse().ok()?,
                command: command.split(' ').map(str::to_owned).collect(),
            })
        };
        Ok(table.processes.iter().filter_map(task).collect())
    }

    pub(super) fn read_logs(&self, name: &str, request: &LogsRequest, each: &mut dyn FnMut(LogLine) -> bool) -> Result<()> {
        let record = self.container_record(name)?;
        let parameters = Parameters::new()
            .with("stdout", "1")
            .with("stderr", "1")
            .with("timestamps", "1")
            .with("details", "1")
            .with_flag("follow", request.follow)
            .with_some("tail", request.tail.map(|n| n.to_string()))
            .with_some("since", request.since.map(since))
            .with_some("until", request.until.map(since));
        let mut answer = self.ask("GET", &on(record.id.as_str(), "logs"), parameters, Vec::new(), Body::None)?;
        if record.config.tty {
            let mut reader = BufReader::new(answer);
            let mut bytes = Vec::new();
            while reader.by_ref().take(LINE).read_until(b'\n', &mut bytes).map_err(|e| failure::cut_off("logs", e))? > 0 {
                if !each(line(Stream::Stdout, std::mem::take(&mut bytes))) {
                    return Ok(());
                }
            }
            return Ok(());
        }
        // A frame is an entry of the log, whole; it may come in pieces.
        let (mut frames, mut entry, mut buffer) = (Frames::default(), (Stream::Stdout, Vec::new()), vec![0; 64 << 10]);
        loop {
            let n = answer.read(&mut buffer).map_err(|e| failure::cut_off("logs", e))?;
            if n == 0 {
                return Ok(());
            }
            let mut rest = buffer.get(..n).unwrap_or_default();
            while let Some((first, others)) = rest.split_at_checked(frames.want().min(rest.len())) {
                if first.is_empty() {
                    break;
                }
                frames.take(first, &mut |stream, bytes| {
                    entry.0 = stream;
                    entry.1.extend_from_slice(bytes);
                    Ok(())
                })?;
                rest = others;
                if frames.is_between() && !entry.1.is_empty() && !each(line(entry.0, std::mem::take(&mut entry.1))) {
                    return Ok(());
                }
            }
        }
    }
}

/// An entry of a log: its time, what stands beside it, its bytes.
fn line(stream: Stream, bytes: Vec<u8>) -> LogLine {
    let cut = |bytes: &[u8]| {
        let end = bytes.iter().position(|b| *b == b' ')?;
        Some((String::from_utf8_lossy(bytes.get(..end)?).into_owned(), bytes.get(end + 1..)?.to_vec()))
    };
    let parsed = cut(&bytes).and_then(|(time, rest)| Some((moment(&time, Timestamp::NEVER).ok()?, rest)));
    let Some((time, rest)) = parsed else { return LogLine { time: Timestamp::NEVER, stream, bytes, attributes: BTreeMap::new() } };
    let (attributes, bytes) = match cut(&rest) {
        Some((details, rest)) => (form_pairs(&details), rest),
        None => (BTreeMap::new(), rest),
    };
    LogLine { time, stream, bytes, attributes }
}

/// `key=value` with commas between, escaped as in a URL's query.
fn form_pairs(text: &str) -> BTreeMap<String, String> {
    let decoded = |t: &str| form_urlencoded::parse(t.as_bytes()).next().map(|(k, _)| k.into_owned()).unwrap_or_default();
    text.split(',').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decoded(k), decoded(v))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_core::io::parse_detach_keys;

    #[test]
    fn detach_keys_are_words_again() {
        for words in ["ctrl-p,ctrl-q", "a,b", "ctrl-@,ctrl-[,ctrl-_"] {
            assert_eq!(key_words(&parse_detach_keys(words).unwrap()), words);
        }
    }

    #[test]
    fn lines_of_logs_are_taken_apart() {
        let entry = line(Stream::Stdout, b"2023-11-14T22:13:20.000000042Z a=b,c=d+e hello there\n".to_vec());
        assert_eq!(entry.time, Timestamp(1_700_000_000_000_000_042));
        assert_eq!(entry.bytes, b"hello there\n");
        assert_eq!(entry.attributes.get("c").map(String::as_str), Some("d e"));
        assert_eq!(line(Stream::Stdout, b"2023-11-14T22:13:20Z  x\n".to_vec()).bytes, b"x\n");
    }
}
