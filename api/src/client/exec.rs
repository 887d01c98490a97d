//! Further programs in containers.

use super::http::Body;
use super::json::{flag, signed, text, texts};
use super::streams::{Asides, Parted, pump};
use super::{DockerEngine, Parameters, failure, part};
use drydock_core::container::{ExecConfig, ExecRecord, ExecStage, ExecStart};
use drydock_core::id::ContainerId;
use drydock_core::io::{Attach, Ended, Input, Io, Size, Stream};
use drydock_core::kernel::Process;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::json;

/// How dockerd begins to say, in place of output, that a program could not be started.
const NOT_STARTED: [&[u8]; 3] = [b"OCI runtime exec failed: ", b"exec failed: ", b"unable to find "];

/// Output that may be an excuse: its beginning is kept back until it can be told.
struct Listening<'a> {
    io: &'a mut dyn Io,
    excuse: Vec<u8>,
    told: bool,
}

impl Io for Listening<'_> {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        if !self.told {
            self.told = true;
            if NOT_STARTED.iter().any(|start| bytes.starts_with(start)) {
                self.excuse.extend_from_slice(bytes);
                return Ok(());
            }
        }
        if self.excuse.is_empty() {
            return self.io.output(stream, bytes);
        }
        self.excuse.extend_from_slice(bytes);
        Ok(())
    }

    fn input(&mut self, block: bool) -> Result<Input> {
        self.io.input(block)
    }

    fn descriptors(&self) -> Vec<i32> {
        self.io.descriptors()
    }
}

impl DockerEngine {
    pub(super) fn create_exec(&self, name: &str, exec: &ExecConfig) -> Result<String> {
        let mut body = json!({
            "AttachStdin": exec.stdin,
            "AttachStdout": exec.attach_stdout,
            "AttachStderr": exec.attach_stderr,
            "DetachKeys": exec.detach_keys,
            "Tty": exec.tty,
            "Env": exec.env,
            "Cmd": exec.command,
            "Privileged": exec.privileged,
            "User": exec.user,
            "WorkingDir": exec.workdir,
        });
        if let (Some(size), true, Some(fields)) = (exec.console_size, self.version.since(42), body.as_object_mut()) {
            fields.insert("ConsoleSize".to_owned(), json!([size.rows, size.cols]));
        }
        let made = self.post_json(&format!("/containers/{}/exec", part(name)), Parameters::new(), &body)?;
        Ok(text(&made, "Id"))
    }

    pub(super) fn run_exec(&self, name: &str, exec: &ExecConfig, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let wanted = ExecConfig { stdin: attach.stdin, attach_stdout: attach.stdout, attach_stderr: attach.stderr, ..exec.clone() };
        let id = self.create_exec(name, &wanted)?;
        self.serve_exec(&id, exec.tty, &ExecStart { detach: exec.detach, console_size: exec.console_size }, attach, io)
    }

    pub(super) fn start_exec(&self, exec: &str, start: &ExecStart, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let tty = self.look_at_exec(exec)?.config.tty;
        self.serve_exec(exec, tty, start, attach, io)
    }

    fn serve_exec(&self, exec: &str, tty: bool, start: &ExecStart, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        let path = format!("/exec/{}/start", part(exec));
        let mut body = json!({ "Detach": start.detach, "Tty": tty });
        if let (Some(size), true, Some(fields)) = (start.console_size, self.version.since(42) && tty, body.as_object_mut()) {
            fields.insert("ConsoleSize".to_owned(), json!([size.rows, size.cols]));
        }
        if start.detach {
            self.post_json(&path, Parameters::new(), &body)?;
            return Ok(Ended::Exited(0));
        }
        let mut answer = self.ask("POST", &path, Parameters::new(), Vec::new(), Body::Upgrade(&body))?;
        if let (Some(size), false, true) = (start.console_size, self.version.since(42), tty) {
            // Older engines are told once it runs; one that ended at once has no terminal.
            let _ = self.resize_program(exec, size);
        }
        // Docker passes no signals on to such a program.
        let asides = Asides { resize: &|size| self.resize_program(exec, size).or(Ok(())), signal: &|_| Ok(()), ended: false };
        let mut listening = Listening { io, excuse: Vec::new(), told: false };
        let parted = pump(&mut answer, tty, attach, &mut listening, &asides)?;
        let excuse = String::from_utf8_lossy(&listening.excuse).trim().to_owned();
        if parted == Parted::Detached {
            return Ok(Ended::Detached);
        }
        let code = self.look_at_exec(exec)?.exit_code.unwrap_or(0);
        match (excuse.is_empty(), code) {
            (false, 126 | 127) => {
                // dockerd answers 126 for both; what it says tells which it was.
                let found = failure::said(&excuse).kind();
                let directory = excuse.contains("chdir to cwd");
                let kind = if found == ErrorKind::CommandNotFound && !directory { found } else { ErrorKind::CommandNotExecutable };
                Err(Error::new(kind, excuse))
            }
            (false, _) => {
                listening.io.output(Stream::Stdout, &listening.excuse)?;
                Ok(Ended::Exited(code))
            }
            (true, code) => Ok(Ended::Exited(code)),
        }
    }

    pub(super) fn look_at_exec(&self, exec: &str) -> Result<ExecRecord> {
        let object = self.get(&format!("/exec/{}/json", part(exec)), Parameters::new())?;
        let nothing = serde_json::Value::Null;
        let process = object.get("ProcessConfig").unwrap_or(&nothing);
        let command = std::iter::once(text(process, "entrypoint")).chain(texts(process, "arguments")).collect();
        let config = ExecConfig {
            command,
            user: text(process, "user"),
            tty: flag(process, "tty"),
            privileged: flag(process, "privileged"),
            stdin: flag(&object, "OpenStdin"),
            attach_stdout: flag(&object, "OpenStdout"),
            attach_stderr: flag(&object, "OpenStderr"),
            detach_keys: text(&object, "DetachKeys"),
            ..ExecConfig::default()
        };
        let exit_code = object.get("ExitCode").filter(|c| !c.is_null()).map(|_| i32::try_from(signed(&object, "ExitCode")).unwrap_or(-1));
        let pid = u32::try_from(signed(&object, "Pid")).ok().filter(|pid| *pid > 0);
        let mut record = ExecRecord::new(text(&object, "ID"), ContainerId::new(text(&object, "ContainerID")), config);
        record.stage = match (flag(&object, "Running"), exit_code) {
            (true, _) => ExecStage::Running,
            (false, Some(_)) => ExecStage::Ended,
            (false, None) => ExecStage::Created,
        };
        record.exit_code = exit_code.filter(|_| record.stage == ExecStage::Ended);
        record.process = pid.map(|pid| Process { pid, born: 0 });
        Ok(record)
    }

    pub(super) fn resize_program(&self, exec: &str, size: Size) -> Result<()> {
        let parameters = Parameters::new().with("h", size.rows.to_string()).with("w", size.cols.to_string());
        self.post(&format!("/exec/{}/resize", part(exec)), parameters).map(drop)
    }

    pub(super) fn programs_of(&self, name: &str) -> Result<Vec<String>> {
        Ok(texts(&self.inspect_container(name, false)?, "ExecIDs"))
    }
}
