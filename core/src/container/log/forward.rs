//! The drivers `syslog` and `journald`: what a container writes goes to a system's log as well, a message a line. The log that
//! `drydock logs` reads is kept beside it, as Docker's cache for such drivers.

use super::LONGEST_ENTRY;
use crate::io::Stream;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The first of /dev/log, /var/run/syslog and /var/run/log that is a socket.
    Local,
    /// A stream socket at a path.
    Unix(String),
    /// A datagram socket at a path.
    UnixGram(String),
    /// `host:port`
    Udp(String),
    /// `host:port`
    Tcp(String),
}

/// How a message of syslog looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Without the host's name, for a log on this host.
    #[default]
    Unix,
    /// RFC 3164.
    Rfc3164,
    /// RFC 5424, times to the second.
    Rfc5424,
    /// RFC 5424, times to the microsecond.
    Rfc5424Micro,
}

/// A system's log that a container's output is passed on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forward {
    /// syslog(3), or a server of that protocol.
    Syslog {
        /// Where.
        address: Address,
        /// The facility's number.
        facility: u8,
        /// How.
        format: Format,
        /// Who writes.
        tag: String,
    },
    /// systemd's journal.
    Journald {
        /// What every message has besides its text and priority: `CONTAINER_ID`…
        fields: BTreeMap<String, String>,
    },
}

/// The names of facilities, by number (RFC 5424, 6.2.1).
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "", "", "", "", "local0",
    "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];
const DAEMON: u8 = 3;

/// A facility by name or number.
pub(super) fn facility(text: &str) -> Option<u8> {
    if text.is_empty() {
        return Some(DAEMON);
    }
    let named = FACILITIES.iter().position(|name| *name == text);
    named.or_else(|| text.parse().ok()).and_then(|n| u8::try_from(n).ok()).filter(|n| *n < 24)
}

/// Reads `--log-opt syslog-address`. The error is Docker's.
pub(super) fn address(text: &str) -> Result<Address, String> {
    if text.is_empty() {
        return Ok(Address::Local);
    }
    let (kind, rest) = text.split_once("://").ok_or_else(|| format!("syslog-address should be in form proto://address, got {text}"))?;
    let host = || match rest.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|b| b.is_ascii_digit()) => rest.to_owned(),
        _ => format!("{rest}:514"),
    };
    Ok(match kind {
        "unix" => Address::Unix(rest.to_owned()),
        "unixgram" => Address::UnixGram(rest.to_owned()),
        "udp" => Address::Udp(host()),
        "tcp" => Address::Tcp(host()),
        other => return Err(format!("unsupported scheme: '{other}'")),
    })
}

/// Reads `--log-opt syslog-format`.
pub(super) fn format(text: &str) -> Option<Format> {
    Some(match text {
        "" => Format::Unix,
        "rfc3164" => Format::Rfc3164,
        "rfc5424" => Format::Rfc5424,
        "rfc5424micro" => Format::Rfc5424Micro,
        _ => return None,
    })
}

impl Forward {
    /// The message of one line. `host` is this host's name, `pid` who sends it.
    pub fn message(&self, stream: Stream, line: &[u8], now: Timestamp, host: &str, pid: u32) -> Vec<u8> {
        // Informational, and error (RFC 5424, 6.2.1; journald's PRIORITY is the same).
        let severity = if stream == Stream::Stdout { 6 } else { 3 };
        match self {
            Self::Syslog { facility, format, tag, .. } => {
                let priority = u32::from(*facility) * 8 + severity;
                let full = now.rfc3339();
                let head = match format {
                    Format::Unix => format!("<{priority}>{} {tag}[{pid}]: ", stamp(&full)),
                    Format::Rfc3164 => format!("<{priority}>{} {host} {tag}[{pid}]: ", stamp(&full)),
                    Format::Rfc5424 => format!("<{priority}>1 {} {host} {tag} {pid} {tag} - ", cut(&full, 0)),
                    Format::Rfc5424Micro => format!("<{priority}>1 {} {host} {tag} {pid} {tag} - ", cut(&full, 6)),
                };
                [head.as_bytes(), line, b"\n"].concat()
            }
            Self::Journald { fields } => {
                let mut message = Vec::new();
                field(&mut message, "PRIORITY", severity.to_string().as_bytes());
                for (key, value) in fields {
                    field(&mut message, key, value.as_bytes());
                }
                field(&mut message, "MESSAGE", line);
                message
            }
        }
    }
}

/// One field of the journal's own protocol (systemd.io, "Native Journal Protocol"): in one line, or with its length where that is
/// not possible.
fn field(message: &mut Vec<u8>, key: &str, value: &[u8]) {
    message.extend_from_slice(key.as_bytes());
    if value.contains(&b'\n') {
        message.push(b'\n');
        message.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        message.push(b'=');
    }
    message.extend_from_slice(value);
    message.push(b'\n');
}

/// A name as the journal takes one: capitals, digits and underscores, none of them first.
pub(super) fn field_name(text: &str) -> String {
    let fine = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    text.chars().map(fine).collect::<String>().trim_start_matches(|c: char| c == '_' || c.is_ascii_digit()).to_owned()
}

/// `2026-11-21T20:44:56.5Z` as RFC 3164 has it: `Nov 21 20:44:56`.
fn stamp(full: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let part = |from: usize, to: usize| full.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().ok().and_then(|m| MONTHS.get(m.checked_sub(1)?)).unwrap_or(&"Jan");
    let day: u32 = part(8, 10).parse().unwrap_or(1);
    format!("{month} {day:>2} {}", part(11, 19))
}

/// A time with so many digits below the second.
fn cut(full: &str, digits: usize) -> String {
    let (seconds, below) = full.trim_end_matches('Z').split_once('.').unwrap_or((full.trim_end_matches('Z'), ""));
    if digits == 0 { format!("{seconds}Z") } else { format!("{seconds}.{:0<digits$.digits$}Z", below) }
}

/// Cuts what a container writes into lines, at most [`LONGEST_ENTRY`] bytes each, and keeps what has no end yet.
#[derive(Clone, Debug, Default)]
pub struct Lines([Vec<u8>; 2]);

impl Lines {
    /// Takes what was written, and answers the lines that are whole now, without their ends.
    pub fn push(&mut self, stream: Stream, bytes: &[u8]) -> Vec<Vec<u8>> {
        let [stdout, stderr] = &mut self.0;
        let waiting = if stream == Stream::Stdout { stdout } else { stderr };
        let mut whole = Vec::new();
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let (text, ended) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            for part in text.chunks(LONGEST_ENTRY) {
                let room = LONGEST_ENTRY - waiting.len();
                let (now, later) = part.split_at(room.min(part.len()));
                waiting.extend_from_slice(now);
                if waiting.len() == LONGEST_ENTRY {
                    whole.push(std::mem::take(waiting));
                }
                waiting.extend_from_slice(later);
            }
            if ended {
                whole.push(std::mem::take(waiting));
            }
        }
        // Docker sends no empty messages.
        whole.retain(|line| !line.is_empty());
        whole
    }

    /// What has no line end: the program has ended.
    pub fn finish(&mut self) -> Vec<(Stream, Vec<u8>)> {
        let [stdout, stderr] = std::mem::take(&mut self.0);
        [(Stream::Stdout, stdout), (Stream::Stderr, stderr)].into_iter().filter(|(_, line)| !line.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T20:44:56.5Z
    const NOW: Timestamp = Timestamp(1_795_293_896_500_000_000);

    fn syslog(format: Format) -> Forward {
        Forward::Syslog { address: Address::Local, facility: 3, format, tag: "web".to_owned() }
    }

    #[test]
    fn messages_of_syslog_look_as_docker_writes_them() {
        let text = |format, stream| String::from_utf8(syslog(format).message(stream, b"hello", NOW, "dock", 7)).unwrap();
        assert_eq!(text(Format::Unix, Stream::Stdout), "<30>Nov 21 20:44:56 web[7]: hello\n");
        assert_eq!(text(Format::Rfc3164, Stream::Stderr), "<27>Nov 21 20:44:56 dock web[7]: hello\n");
        assert_eq!(text(Format::Rfc5424, Stream::Stdout), "<30>1 2026-11-21T20:44:56Z dock web 7 web - hello\n");
        assert_eq!(text(Format::Rfc5424Micro, Stream::Stdout), "<30>1 2026-11-21T20:44:56.500000Z dock web 7 web - hello\n");
    }

    #[test]
    fn messages_of_the_journal_say_lengths_where_lines_would_not_do() {
        let fields = [("CONTAINER_NAME", "web"), ("NOTE", "a\nb")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let message = Forward::Journald { fields }.message(Stream::Stderr, b"bad", NOW, "dock", 7);
        assert_eq!(message, b"PRIORITY=3\nCONTAINER_NAME=web\nNOTE\n\x03\0\0\0\0\0\0\0a\nb\nMESSAGE=bad\n");
        assert_eq!(field_name("com.example-1"), "COM_EXAMPLE_1");
        assert_eq!(field_name("_9x"), "X");
    }

    #[test]
    fn options_are_read_as_docker_reads_them() {
        assert_eq!(address("udp://[::1]"), Ok(Address::Udp("[::1]:514".to_owned())));
        assert_eq!(address("tcp://logs:1514"), Ok(Address::Tcp("logs:1514".to_owned())));
        assert_eq!(address("unixgram:///dev/log"), Ok(Address::UnixGram("/dev/log".to_owned())));
        assert_eq!(address("logs"), Err("syslog-address should be in form proto://address, got logs".to_owned()));
        assert_eq!(address("ftp://x"), Err("unsupported scheme: 'ftp'".to_owned()));
        assert_eq!(
            (facility(""), facility("local7"), facility("5"), facility("x"), facility("24")),
            (Some(3), Some(23), Some(5), None, None)
        );
        assert_eq!((format("rfc5424micro"), format("x")), (Some(Format::Rfc5424Micro), None));
    }

    #[test]
    fn lines_are_whole_or_as_long_as_they_may_be() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(Stream::Stdout, b"a\nb"), vec![b"a".to_vec()]);
        assert_eq!(lines.push(Stream::Stderr, b"e\n\n"), vec![b"e".to_vec()]);
        assert_eq!(lines.push(Stream::Stdout, b"c\n"), vec![b"bc".to_vec()]);
        let long = vec![b'x'; LONGEST_ENTRY + 5];
        assert_eq!(lines.push(Stream::Stdout, &long), vec![vec![b'x'; LONGEST_ENTRY]]);
        assert_eq!(lines.finish(), vec![(Stream::Stdout, vec![b'x'; 5])]);
        assert_eq!(lines.finish(), vec![]);
    }
}
