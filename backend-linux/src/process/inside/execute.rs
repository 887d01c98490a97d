//! The program: found as a shell would find it, but in the container and with the container's PATH, and executed.

use super::{Inside, init};
use crate::process::channel;
use drydock_core::container::diagnose;
use drydock_core::error::{Error, ErrorKind, Result};
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, accessat, stat};
use rustix::io::Errno;
use rustix::process::{Signal, set_parent_process_death_signal};
use std::ffi::CString;

/// What execve(2) takes.
pub struct Program {
    path: CString,
    args: Vec<CString>,
    env: Vec<CString>,
}

impl Inside<'_> {
    /// Executes a program; what it returns is why that failed.
    pub(super) fn execute(&self, args: &[String], env: &[String], with_init: bool) -> Error {
        let program = match Program::find(args, env) {
            Ok(program) => program,
            Err(e) => return e,
        };
        // Asked for again: the kernel forgets it when a process changes its user (prctl(2), PR_SET_PDEATHSIG).
        if self.prepared.own_mounts {
            if let Err(e) = set_parent_process_death_signal(Some(Signal::KILL)) {
                return crate::error::step("prctl(PR_SET_PDEATHSIG)", "", e);
            }
            if !channel::parent_is_there(self.channel) {
                return Error::new(ErrorKind::Interrupted, "the supervisor is gone");
            }
        }
        if with_init { init::run(&program, self.channel, self.prepared.arguments.as_ref()) } else { program.execute() }
    }
}

impl Program {
    /// Finds the program of `args` by PATH of `env`, and says in Docker's words why there is none.
    pub fn find(args: &[String], env: &[String]) -> Result<Self> {
        let name = args.first().ok_or_else(|| Error::invalid("no command specified"))?;
        let path = lookup(name, env.iter().rev().find_map(|e| e.strip_prefix("PATH=")).unwrap_or(""))?;
        let text = |all: &[String], what: &str| -> Result<Vec<CString>> {
            all.iter().map(|s| CString::new(s.as_str()).map_err(|_| Error::invalid(format!("{what} holds a NUL")))).collect()
        };
        let path = CString::new(path).map_err(|_| Error::invalid("the command holds a NUL"))?;
        Ok(Self { path, args: text(args, "an argument")?, env: text(env, "the environment")? })
    }

    /// Its arguments, as a list of processes shows them.
    pub fn arguments(&self) -> &[CString] {
        &self.args
    }

    /// execve(2). Returns only if it fails.
    pub fn execute(&self) -> Error {
        let Err(e) = nix::unistd::execve(&self.path, &self.args, &self.env);
        let path = self.path.to_string_lossy();
        match e {
            // The file is there, as was just seen: it is its interpreter that is missing.
            nix::Error::ENOENT => explained(not_found(format!("exec {path}: no such file or directory")), &path),
            nix::Error::EACCES | nix::Error::EPERM => explained(not_executable(format!("exec {path}: permission denied")), &path),
            nix::Error::ENOEXEC => explained(not_executable(format!("exec {path}: exec format error")), &path),
            nix::Error::E2BIG => not_executable(format!("exec {path}: argument list too long")),
            e => crate::error::step("execve", path, e).with_kind(ErrorKind::CommandNotExecutable),
        }
    }
}

fn not_found(message: String) -> Error {
    Error::new(ErrorKind::CommandNotFound, message).op("execve")
}

fn not_executable(message: String) -> Error {
    Error::new(ErrorKind::CommandNotExecutable, message).op("execve")
}

/// Adds why the kernel would not execute a file, if what is in it tells. The user may not be allowed to read it: then nothing is said.
fn explained(error: Error, path: &str) -> Error {
    use std::io::Read as _;
    let mut head = Vec::new();
    // Without waiting: a named pipe in a program's place has nobody who writes to it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty()).map(std::fs::File::from).map_err(std::io::Error::from);
    let regular = opened.and_then(|file| match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(std::io::ErrorKind::InvalidInput.into()),
    });
    let read = regular.and_then(|file| file.take(diagnose::HEAD as u64).read_to_end(&mut head));
    let machine = rustix::system::uname();
    let machine = crate::facts::architecture(&machine.machine().to_string_lossy());
    let mut look = |path: &str| match stat(path) {
        Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => diagnose::Look::Directory,
        Ok(found) if found.st_mode & 0o111 == 0 => diagnose::Look::NotExecutable,
        Ok(_) => diagnose::Look::Fine,
        Err(_) => diagnose::Look::Missing,
    };
    match read.ok().and_then(|_| diagnose::why(&head, &machine, &mut look)) {
        Some(why) => error.hint(why),
        None => error,
    }
}

/// What is said of a file without an execute bit; of another that cannot be executed, nothing.
fn unmarked(error: Error, path: &str) -> Error {
    match stat(path) {
        Ok(found) if found.st_mode & 0o111 == 0 => error.hint(format!("{path} has no execute bit: chmod +x")),
        _ => error,
    }
}

/// The path to execute: the name itself if it holds a slash, else the first executable file of that name in PATH.
fn lookup(name: &str, search: &str) -> Result<String> {
    if name.contains('/') {
        return match executable(name) {
            Ok(()) => Ok(name.to_owned()),
            Err(Errno::NOENT | Errno::NOTDIR) => Err(not_found(format!("exec: {name:?}: stat {name}: no such file or directory"))),
            Err(Errno::ISDIR) => Err(not_executable(format!("exec: {name:?}: is a directory"))),
            Err(_) => Err(unmarked(not_executable(format!("exec: {name:?}: permission denied")), name)),
        };
    }
    // A relative entry would make the program depend on the working directory; like Go's exec.LookPath, those are not searched.
    let absolute = search.split(':').filter(|directory| directory.starts_with('/'));
    let mut places = absolute.map(|directory| format!("{}/{name}", directory.trim_end_matches('/'))).filter(|_| !name.is_empty());
    if let Some(path) = places.clone().find(|path| executable(path).is_ok()) {
        return Ok(path);
    }
    let error = not_found(format!("exec: {name:?}: executable file not found in $PATH"));
    Err(match places.find(|path| executable(path) == Err(Errno::ACCESS)) {
        Some(path) => unmarked(error, &path),
        None => error,
    })
}

fn executable(path: &str) -> Result<(), Errno> {
    if FileType::from_raw_mode(stat(path)?.st_mode) == FileType::Directory {
        return Err(Errno::ISDIR);
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_in_path_and_a_path_is_not() {
        assert_eq!(lookup("sh", "/nowhere::relative:/bin/").unwrap(), "/bin/sh");
        assert_eq!(lookup("/bin/sh", "").unwrap(), "/bin/sh");
    }

    #[test]
    fn what_cannot_be_executed_is_said_in_dockers_words() {
        let cases = [
            ("nope", "exec: \"nope\": executable file not found in $PATH", 127),
            ("", "exec: \"\": executable file not found in $PATH", 127),
            ("/nope", "exec: \"/nope\": stat /nope: no such file or directory", 127),
            ("/etc", "exec: \"/etc\": is a directory", 126),
            ("/etc/passwd", "exec: \"/etc/passwd\": permission denied", 126),
        ];
        for (name, message, code) in cases {
            let error = lookup(name, "/usr/bin:/bin").unwrap_err();
            assert_eq!((error.message(), error.exit_code_of_run()), (message, code));
        }
    }
}
