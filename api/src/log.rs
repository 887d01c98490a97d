//! What the server writes on standard error about itself: lines in the forms that dockerd's log has, so that what reads those reads
//! these.

use drydock_core::time::Timestamp;
use std::io::Write as _;
use std::str::FromStr;

/// How grave a line is. Lines below the level that was asked for are not written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Each request.
    Debug,
    /// What a person who started the server wants to know.
    #[default]
    Info,
    /// What is taken otherwise than it was said.
    Warn,
    /// A request that failed for no mistake of the client's.
    Error,
    /// The server ends for it.
    Fatal,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

impl FromStr for Level {
    type Err = String;

    /// # Errors
    /// Docker's sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" | "warning" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            "fatal" => Ok(Self::Fatal),
            _ => Err(format!("unable to parse logging level: {}", text.escape_debug())),
        }
    }
}

/// The form of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `time="…" level=info msg="…"`
    #[default]
    Text,
    /// An object a line, with `level`, `msg` and `time`.
    Json,
}

impl FromStr for Format {
    type Err = String;

    /// # Errors
    /// Docker's sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" | "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("invalid log format: {}", text.escape_debug())),
        }
    }
}

/// Where lines go: standard error, in one form, from one level on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Log {
    /// The least grave that is written.
    pub level: Level,
    /// How.
    pub format: Format,
}

impl Log {
    /// Whether a line of this level is written.
    pub fn wants(&self, level: Level) -> bool {
        level >= self.level
    }

    /// Writes a line. A standard error that is gone is nobody's loss.
    pub fn say(&self, level: Level, message: &str) {
        if !self.wants(level) {
            return;
        }
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)).rfc3339();
        // In one piece: several processes may share the file.
        let _ = std::io::stderr().write_all(line(self.format, level, message, &now).as_bytes());
    }
}

fn line(format: Format, level: Level, message: &str, now: &str) -> String {
    match format {
        Format::Json => serde_json::json!({ "level": level.name(), "msg": message, "time": now }).to_string() + "\n",
        // Nothing of a request ends a line or moves a terminal's cursor.
        Format::Text => format!("time=\"{now}\" level={} msg=\"{}\"\n", level.name(), message.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_dockerds_forms() {
        let now = "2026-01-01T00:00:00Z";
        assert_eq!(
            line(Format::Text, Level::Warn, "say \"no\"\n\u{1b}[2J", now),
            "time=\"2026-01-01T00:00:00Z\" level=warning msg=\"say \\\"no\\\"\\n\\u{1b}[2J\"\n"
        );
        assert_eq!(
            line(Format::Json, Level::Info, "a\nb", now),
            "{\"level\":\"info\",\"msg\":\"a\\nb\",\"time\":\"2026-01-01T00:00:00Z\"}\n"
        );
    }

    #[test]
    fn levels_are_ordered_and_refused_in_dockers_words() {
        let quiet = Log { level: "error".parse().unwrap(), format: Format::Text };
        assert!(quiet.wants(Level::Fatal) && quiet.wants(Level::Error) && !quiet.wants(Level::Warn));
        assert_eq!("loud".parse::<Level>().unwrap_err(), "unable to parse logging level: loud");
        assert_eq!("xml".parse::<Format>().unwrap_err(), "invalid log format: xml");
    }
}
