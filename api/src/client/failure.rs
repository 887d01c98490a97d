//! What an engine refuses, read back from statuses and sentences: they are all that the API has.

use drydock_core::{Error, ErrorKind};
use serde_json::Value;

/// The stable code of what Docker's API has no operation for.
pub const NO_OPERATION: &str = "not-in-docker-api";

/// An error for what no operation of Docker's API does.
pub fn no_operation(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("Docker's API cannot {what}"))
        .code(NO_OPERATION)
        .hint("run the command where the engine is, or with --host sim")
}

/// An answer that ended before it was whole.
pub fn cut_off(what: &str, error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            Error::new(ErrorKind::TimedOut, "the wait ended before what was waited for happened")
        }
        _ => Error::new(ErrorKind::Interrupted, format!("the connection to the engine ended: {what}")).source(error),
    }
}

/// The error that a status and a body tell.
pub fn refused(status: u16, body: &[u8]) -> Error {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let message = parsed.as_ref().and_then(|v| v.get("message")?.as_str()).map(str::to_owned);
    let message = message.unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned());
    let message = if message.is_empty() { format!("the engine answered with status {status} and no words") } else { message };
    Error::new(kind(status, &message), message)
}

/// An error that came in the middle of a stream, without a status.
pub fn said(message: &str) -> Error {
    Error::new(kind(500, message), message)
}

/// The kind: the status, and where one stands for several, the words that Docker's clients look for too.
fn kind(status: u16, message: &str) -> ErrorKind {
    let says = |words: &[&str]| words.iter().any(|w| message.contains(w));
    let not_there = ["executable file not found", "no such file or directory", "system cannot find the file specified"];
    let runtime = says(&["OCI runtime", "failed to create task", "starting container process", "exec failed", "unable to start"]);
    match status {
        400 | 500 if runtime && says(&not_there) => ErrorKind::CommandNotFound,
        400 | 500 if runtime && says(&["permission denied", "is a directory", "exec format error"]) => ErrorKind::CommandNotExecutable,
        _ if says(&["multiple IDs found", "Multiple IDs found", "is ambiguous"]) => ErrorKind::Ambiguous,
        400 => ErrorKind::InvalidInput,
        401 => ErrorKind::Denied,
        403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        409 if says(&["is not running", "not running"]) => ErrorKind::NotRunning,
        409 if says(&["is in use", "is being used", "is using", "must force", "must be forced", "volume in use"]) => ErrorKind::InUse,
        409 => ErrorKind::Conflict,
        501 if says(&["not modelled"]) => ErrorKind::NotModelled,
        501 => ErrorKind::Unsupported,
        503 => ErrorKind::Exhausted,
        _ if says(&["is not running"]) => ErrorKind::NotRunning,
        _ if says(&["rootfs is marked read-only"]) => ErrorKind::Denied,
        _ if says(&[
            "cannot overwrite ",
            "archive/tar: ",
            "Error processing tar file(unexpected EOF",
            "Error processing tar file(exit status 1): ",
            "extraction point is not a directory",
        ]) =>
        {
            ErrorKind::InvalidInput
        }
        _ if says(&["port is already allocated", "address already in use", "already in use"]) => ErrorKind::Conflict,
        _ if says(&["unauthorized", "denied: ", "authentication required", "401 Unauthorized", "incorrect username or password"]) => {
            ErrorKind::Denied
        }
        _ if says(&["manifest unknown", "does not provide the specified platform", "not found", "No such", "no such"]) => {
            ErrorKind::NotFound
        }
        _ => ErrorKind::System,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_refusals() {
        for (status, message, expected) in [
            (404, "No such container: x", ErrorKind::NotFound),
            (409, "Container 12 is not running", ErrorKind::NotRunning),
            (409, "Conflict. The container name \"/x\" is already in use by container \"12\".", ErrorKind::Conflict),
            (409, "remove v: volume is in use - [12]", ErrorKind::InUse),
            (400, "OCI runtime create failed: exec: \"nosuch\": executable file not found in $PATH: unknown", ErrorKind::CommandNotFound),
            (400, "failed to create task: exec: \"/etc\": permission denied", ErrorKind::CommandNotExecutable),
            (400, "invalid reference format", ErrorKind::InvalidInput),
            (500, "something broke", ErrorKind::System),
        ] {
            let body = serde_json::json!({ "message": message }).to_string();
            let error = refused(status, body.as_bytes());
            assert_eq!((error.kind(), error.message()), (expected, message), "{status}");
        }
        assert_eq!(refused(404, b"page not found\n").message(), "page not found");
    }
}
