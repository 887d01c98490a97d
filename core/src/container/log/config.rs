//! `--log-driver` and `--log-opt`: where a container's output is kept, how much of it, and what is written beside it.

use super::forward::{self, Forward};
use crate::container::ContainerRecord;
use crate::error::{Error, Result};
use crate::limits::units;
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    /// `json-file`, `local`, `syslog`, `journald` or `none`; empty for `json-file`.
    pub driver: String,
    /// `max-size`, `max-file`, `compress`, `labels`, `env`, `tag`…
    pub options: BTreeMap<String, String>,
}

/// The drivers that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    /// Docker's `json-file`: a file of JSON lines.
    #[default]
    JsonFile,
    /// Docker's `local`: the same file here, smaller, and compressed once it is full.
    Local,
    /// Lines go to a syslog as well.
    Syslog,
    /// Lines go to systemd's journal as well.
    Journald,
    /// Nothing is kept.
    None,
}

/// How much of a log is kept: a file that is full makes room for the next, and the oldest goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// A file that has so many bytes is full; `None` without bound.
    pub size: Option<u64>,
    /// How many files there are at most, the one being written included.
    pub files: u32,
    /// Full files are compressed.
    pub compress: bool,
}

/// Where a container's output goes, as its supervisor needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sink {
    /// How much is kept; `None` if nothing is.
    pub bounds: Option<Bounds>,
    /// What is written beside every line.
    pub attributes: BTreeMap<String, String>,
    /// Where lines go besides.
    pub forward: Option<Forward>,
}

/// How large a file becomes where nobody says (Docker: without bound). One container's log takes 512 MiB at most.
const DEFAULT_SIZE: u64 = 128 << 20;
/// How many files there are where nobody says.
const DEFAULT_FILES: u32 = 4;
/// The same for `local`: Docker's 20 MiB and 5 files.
const LOCAL: Bounds = Bounds { size: Some(20 << 20), files: 5, compress: true };
/// No log has more files: they are found by counting.
const MOST_FILES: u32 = 10_000;

/// The options of each driver (Docker manual, "JSON File logging driver" and "Local file logging driver").
const JSON_FILE: &[&str] =
    &["max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size"];
const LOCAL_OPTIONS: &[&str] = &["max-size", "max-file", "compress", "mode", "max-buffer-size"];
/// What Docker has and Drydock has not.
const SYSLOG: &[&str] =
    &["syslog-address", "syslog-facility", "syslog-format", "tag", "labels", "labels-regex", "env", "env-regex", "mode"];
const JOURNALD: &[&str] = &["tag", "labels", "labels-regex", "env", "env-regex", "mode"];
const ELSEWHERE: &[&str] = &["gelf", "fluentd", "awslogs", "splunk", "gcplogs", "etwlogs", "logentries"];

impl LogConfig {
    /// Its driver's name.
    pub fn name(&self) -> &str {
        if self.driver.is_empty() { "json-file" } else { &self.driver }
    }

    /// Its driver.
    ///
    /// # Errors
    /// Docker's words for a name that nobody has; [`crate::ErrorKind::Unsupported`] for one that only Docker has.
    pub fn driver(&self) -> Result<Driver> {
        match self.name() {
            "json-file" => Ok(Driver::JsonFile),
            "local" => Ok(Driver::Local),
            "syslog" => Ok(Driver::Syslog),
            "journald" => Ok(Driver::Journald),
            "none" => Ok(Driver::None),
            other if ELSEWHERE.contains(&other) => {
                Err(Error::unsupported(format!("the logging driver {other}"))
                    .hint("Drydock has json-file, local, syslog, journald and none"))
            }
            other => {
                let name = other.escape_debug();
                Err(Error::invalid(format!("error looking up logging plugin {name}: plugin \"{name}\" not found")))
            }
        }
    }

    /// Refuses what cannot be done, in Docker's words.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`].
    pub fn check(&self) -> Result<()> {
        let (known, name) = match self.driver()? {
            Driver::JsonFile => (JSON_FILE, "json-file"),
            Driver::Local => (LOCAL_OPTIONS, "local"),
            Driver::Syslog => (SYSLOG, "syslog"),
            Driver::Journald => (JOURNALD, "journald"),
            Driver::None if self.options.is_empty() => return Ok(()),
            Driver::None => return Err(Error::invalid("invalid logging opts for driver none")),
        };
        if let Some(bad) = self.options.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(Error::invalid(format!("unknown log opt '{}' for {name} log driver", bad.escape_debug())));
        }
        for key in ["labels-regex", "env-regex"] {
            self.pattern(key)?;
        }
        if self.options.get("mode").is_some_and(|mode| mode != "blocking") {
            return Err(Error::unsupported("the log mode non-blocking").hint("no line is ever dropped: the container waits instead"));
        }
        self.tag_words().map(drop)?;
        self.syslog("").map(drop)?;
        self.bounds().map(drop)
    }

    /// How much is kept.
    ///
    /// # Errors
    /// Docker's words for values that are none.
    pub fn bounds(&self) -> Result<Bounds> {
        let mut bounds = match self.driver()? {
            // The cache that `logs` reads is as Docker's for drivers that keep nothing themselves.
            Driver::Local | Driver::Syslog | Driver::Journald => LOCAL,
            Driver::JsonFile | Driver::None => Bounds { size: Some(DEFAULT_SIZE), files: DEFAULT_FILES, compress: false },
        };
        let size = self.options.get("max-size");
        match size.map(String::as_str) {
            None => {}
            Some("-1") => bounds.size = None,
            Some(text) => {
                let bytes = units::parse_decimal(text).ok().filter(|n| *n > 0);
                bounds.size = Some(bytes.ok_or_else(|| unusable(format!("invalid size: '{}'", text.escape_debug())))?);
            }
        }
        if let Some(text) = self.options.get("max-file") {
            let wrong = || unusable(format!("strconv.Atoi: parsing \"{}\": invalid syntax", text.escape_debug()));
            let files: i64 = text.parse().map_err(|_| wrong())?;
            let files = u32::try_from(files).ok().filter(|n| *n > 0).ok_or_else(|| unusable("max-file cannot be less than 1"))?;
            bounds.files = files.min(MOST_FILES);
        } else if size.is_some() && self.driver()? == Driver::JsonFile {
            // Whoever only bounds a file has one (Docker's default for max-file).
            bounds.files = 1;
        }
        if let Some(text) = self.options.get("compress") {
            let wrong = || unusable(format!("strconv.ParseBool: parsing \"{}\": invalid syntax", text.escape_debug()));
            bounds.compress = match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
                "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
                _ => return Err(wrong()),
            };
            if bounds.compress && (bounds.files == 1 || bounds.size.is_none()) {
                return Err(unusable("compress cannot be true when max-file is less than 2 or max-size is not set"));
            }
        }
        Ok(bounds)
    }

    /// Where a container's output goes.
    ///
    /// # Errors
    /// As [`LogConfig::check`].
    pub fn sink(&self, record: &ContainerRecord) -> Result<Sink> {
        let kept = self.driver()? != Driver::None;
        let bounds = kept.then(|| self.bounds()).transpose()?;
        // Only json-file writes anything beside a line.
        let attributes = if self.driver()? == Driver::JsonFile { self.attributes(record) } else { BTreeMap::new() };
        let forward = match self.driver()? {
            Driver::Syslog => Some(self.syslog(&self.tag(record))?),
            Driver::Journald => Some(Forward::Journald { fields: self.fields(record) }),
            Driver::JsonFile | Driver::Local | Driver::None => None,
        };
        Ok(Sink { bounds, attributes, forward })
    }

    /// What the options of syslog come to.
    fn syslog(&self, tag: &str) -> Result<Forward> {
        let option = |key: &str| self.options.get(key).map(String::as_str).unwrap_or_default();
        let address = forward::address(option("syslog-address")).map_err(Error::invalid)?;
        let facility = forward::facility(option("syslog-facility")).ok_or_else(|| Error::invalid("invalid syslog facility"))?;
        let format = forward::format(option("syslog-format")).ok_or_else(|| Error::invalid("Invalid syslog format"))?;
        Ok(Forward::Syslog { address, facility, format, tag: tag.to_owned() })
    }

    /// Who writes: the short id, unless another tag was asked for.
    fn tag(&self, record: &ContainerRecord) -> String {
        match self.tag_words() {
            Ok(Some(words)) => words.iter().map(|word| word.text(record)).collect(),
            _ => record.id.short().to_owned(),
        }
    }

    /// What every message of the journal has (Docker manual, "Journald logging driver").
    fn fields(&self, record: &ContainerRecord) -> BTreeMap<String, String> {
        let mut attributes = self.attributes(record);
        attributes.remove("tag");
        let named = attributes.into_iter().map(|(key, value)| (forward::field_name(&key), value)).filter(|(key, _)| !key.is_empty());
        let tag = self.tag(record);
        let own = [
            ("CONTAINER_ID", record.id.short()),
            ("CONTAINER_ID_FULL", record.id.as_str()),
            ("CONTAINER_NAME", &record.name),
            ("CONTAINER_TAG", &tag),
            ("IMAGE_NAME", &record.config.image),
            ("SYSLOG_IDENTIFIER", &tag),
        ];
        named.chain(own.map(|(key, value)| (key.to_owned(), value.to_owned()))).collect()
    }

    /// A pattern among the options.
    fn pattern(&self, key: &str) -> Result<Option<Regex>> {
        let read = |text: &String| Regex::new(text).map_err(|e| unusable(format!("error parsing regexp: {e}")));
        self.options.get(key).filter(|text| !text.is_empty()).map(read).transpose()
    }

    /// What is written beside every line: the labels and variables that were named, and the tag.
    pub fn attributes(&self, record: &ContainerRecord) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        let named = |key: &str| self.options.get(key).map(|v| v.split(',').map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default();
        for label in named("labels") {
            if let Some(value) = record.config.labels.get(&label) {
                all.insert(label, value.clone());
            }
        }
        for name in named("env") {
            if let Some((key, value)) = record.env.iter().filter_map(|e| e.split_once('=')).rfind(|(key, _)| *key == name) {
                all.insert(key.to_owned(), value.to_owned());
            }
        }
        if let Ok(Some(pattern)) = self.pattern("labels-regex") {
            let fit = record.config.labels.iter().filter(|(label, _)| pattern.is_match(label));
            all.extend(fit.map(|(label, value)| (label.clone(), value.clone())));
        }
        if let Ok(Some(pattern)) = self.pattern("env-regex") {
            let fit = record.env.iter().filter_map(|e| e.split_once('=')).filter(|(key, _)| pattern.is_match(key));
            all.extend(fit.map(|(key, value)| (key.to_owned(), value.to_owned())));
        }
        if let Ok(Some(words)) = self.tag_words() {
            let text: String = words.iter().map(|word| word.text(record)).collect();
            all.insert("tag".to_owned(), text);
        }
        all
    }

    /// The tag in its parts; `None` where none is asked for.
    fn tag_words(&self) -> Result<Option<Vec<TagWord<'_>>>> {
        let Some(mut rest) = self.options.get("tag").map(String::as_str).filter(|t| !t.is_empty()) else { return Ok(None) };
        let mut words = Vec::new();
        while let Some((before, after)) = rest.split_once("{{") {
            let wrong = || Error::invalid(format!("invalid log tag: {}", rest.escape_debug()));
            let (field, after) = after.split_once("}}").ok_or_else(wrong)?;
            words.push(TagWord::Text(before));
            words.push(TagWord::field(field.trim()).ok_or_else(|| {
                wrong().hint("a tag may hold {{.ID}}, {{.FullID}}, {{.Name}}, {{.FullName}}, {{.ImageID}}, {{.ImageFullID}}, {{.ImageName}} and {{.DaemonName}}")
            })?);
            rest = after;
        }
        words.push(TagWord::Text(rest));
        Ok(Some(words))
    }
}

/// A value that an option cannot have.
fn unusable(what: impl std::fmt::Display) -> Error {
    Error::invalid(format!("failed to initialize logging driver: {what}"))
}

/// A part of a tag (Docker manual, "Log tags").
enum TagWord<'a> {
    Text(&'a str),
    Id,
    FullId,
    Name,
    ImageId,
    ImageFullId,
    ImageName,
    DaemonName,
}

impl TagWord<'_> {
    fn field(name: &str) -> Option<Self> {
        Some(match name {
            ".ID" => Self::Id,
            ".FullID" => Self::FullId,
            ".Name" | ".FullName" => Self::Name,
            ".ImageID" => Self::ImageId,
            ".ImageFullID" => Self::ImageFullId,
            ".ImageName" => Self::ImageName,
            ".DaemonName" => Self::DaemonName,
            _ => return None,
        })
    }

    fn text(&self, record: &ContainerRecord) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Id => record.id.short().to_owned(),
            Self::FullId => record.id.as_str().to_owned(),
            Self::Name => record.name.clone(),
            Self::ImageId => record.image.short().to_owned(),
            Self::ImageFullId => record.image.as_str().to_owned(),
            Self::ImageName => record.config.image.clone(),
            Self::DaemonName => "drydock".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(driver: &str, options: &[(&str, &str)]) -> LogConfig {
        LogConfig { driver: driver.to_owned(), options: options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect() }
    }

    #[test]
    fn every_log_is_bounded_unless_somebody_says_otherwise() {
        let bounds = |driver, options: &[(&str, &str)]| config(driver, options).bounds().unwrap();
        assert_eq!(bounds("", &[]), Bounds { size: Some(128 << 20), files: 4, compress: false });
        assert_eq!(bounds("local", &[]), Bounds { size: Some(20 << 20), files: 5, compress: true });
        assert_eq!(bounds("json-file", &[("max-size", "10k")]), Bounds { size: Some(10_000), files: 1, compress: false });
        assert_eq!(bounds("", &[("max-size", "-1")]).size, None);
        let all = [("max-size", "1m"), ("max-file", "3"), ("compress", "true")];
        assert_eq!(bounds("", &all), Bounds { size: Some(1_000_000), files: 3, compress: true });
    }

    #[test]
    fn mistakes_are_told_in_dockers_words() {
        for (driver, options, message) in [
            ("nope", &[][..], "error looking up logging plugin nope: plugin \"nope\" not found"),
            ("none", &[("a", "b")], "invalid logging opts for driver none"),
            ("json-file", &[("nope", "1")], "unknown log opt 'nope' for json-file log driver"),
            ("", &[("max-file", "0")], "failed to initialize logging driver: max-file cannot be less than 1"),
            ("", &[("max-size", "lots")], "failed to initialize logging driver: invalid size: 'lots'"),
            (
                "",
                &[("max-size", "1m"), ("compress", "yes")],
                "failed to initialize logging driver: strconv.ParseBool: parsing \"yes\": invalid syntax",
            ),
            (
                "",
                &[("max-size", "1m"), ("compress", "1")],
                "failed to initialize logging driver: compress cannot be true when max-file is less than 2 or max-size is not set",
            ),
        ] {
            assert_eq!(config(driver, options).check().unwrap_err().message(), message);
        }
        let words = |options: &[(&str, &str)]| config("syslog", options).check().unwrap_err().message().to_owned();
        assert_eq!(words(&[("syslog-address", "x")]), "syslog-address should be in form proto://address, got x");
        assert_eq!(words(&[("syslog-facility", "x")]), "invalid syslog facility");
        assert_eq!(words(&[("max-size", "1m")]), "unknown log opt 'max-size' for syslog log driver");
        assert_eq!(config("gelf", &[]).check().unwrap_err().kind(), crate::ErrorKind::Unsupported);
        assert!(config("", &[("tag", "{{.Name}}/{{.ID}}")]).check().is_ok());
        assert!(config("", &[("tag", "{{.Nope}}")]).check().is_err());
    }
}
