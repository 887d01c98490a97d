//! A further program in a container, as `GET /exec/ID/json` shows it.

use crate::container::{ExecRecord, ExecStage};
use serde_json::{Value, json};

/// One program.
pub fn exec(record: &ExecRecord) -> Value {
    let config = &record.config;
    let (program, arguments) = config.command.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
    json!({
        "ID": record.id,
        "Running": record.stage == ExecStage::Running,
        "ExitCode": record.exit_code,
        "ProcessConfig": {
            "tty": config.tty,
            "entrypoint": program,
            "arguments": arguments,
            "privileged": config.privileged,
            "user": config.user,
        },
        "OpenStdin": config.stdin,
        "OpenStderr": config.attach_stderr,
        "OpenStdout": config.attach_stdout,
        "CanRemove": false,
        "ContainerID": record.container.as_str(),
        "DetachKeys": config.detach_keys,
        "Pid": record.process.as_ref().map_or(0, |p| p.pid),
    })
}
