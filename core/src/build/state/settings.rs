//! An image's configuration while it is being made: read from the base image's document, written into the new one's.

use crate::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The `config` of an image (image-spec config.md). What is not known here is kept as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// `user[:group]`
    pub user: String,
    /// `80/tcp`
    pub exposed: Vec<String>,
    /// `KEY=value` in the order of their first appearance.
    pub env: Vec<String>,
    /// ENTRYPOINT.
    pub entrypoint: Option<Vec<String>>,
    /// CMD.
    pub cmd: Option<Vec<String>>,
    /// CMD was set in this stage, and not by the base: an ENTRYPOINT leaves it alone.
    pub cmd_is_own: bool,
    /// VOLUME.
    pub volumes: Vec<String>,
    /// WORKDIR.
    pub workdir: String,
    /// LABEL.
    pub labels: BTreeMap<String, String>,
    /// STOPSIGNAL.
    pub stop_signal: String,
    /// SHELL; empty for the default.
    pub shell: Vec<String>,
    /// ONBUILD.
    pub triggers: Vec<String>,
    /// HEALTHCHECK, as the document has it.
    pub health: Option<Value>,
    /// MAINTAINER.
    pub author: String,
    /// Everything else of the base image's.
    pub other: Map<String, Value>,
}

impl Settings {
    /// Reads them from an image's configuration document.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`] for a document that is no object.
    pub fn read(document: &Value) -> Result<Self> {
        let mut all = Self { author: document["author"].as_str().unwrap_or_default().to_owned(), ..Self::default() };
        let Some(config) = document.get("config").filter(|c| !c.is_null()) else { return Ok(all) };
        let config = config.as_object().ok_or_else(|| Error::invalid("invalid image configuration: its config is no object"))?;
        let list = |value: &Value| -> Option<Vec<String>> {
            value.as_array().map(|a| a.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect())
        };
        let keys = |value: &Value| -> Vec<String> { value.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default() };
        for (key, value) in config {
            match key.as_str() {
                _ if value.is_null() => {}
                "User" => all.user = value.as_str().unwrap_or_default().to_owned(),
                "ExposedPorts" => all.exposed = keys(value),
                "Env" => all.env = list(value).unwrap_or_default(),
                "Entrypoint" => all.entrypoint = list(value),
                "Cmd" => all.cmd = list(value),
                "Volumes" => all.volumes = keys(value),
                "WorkingDir" => all.workdir = value.as_str().unwrap_or_default().to_owned(),
                "Labels" => {
                    all.labels = value
                        .as_object()
                        .map(|o| o.iter().filter_map(|(k, v)| v.as_str().map(|v| (k.clone(), v.to_owned()))).collect())
                        .unwrap_or_default();
                }
                "StopSignal" => all.stop_signal = value.as_str().unwrap_or_default().to_owned(),
                "Shell" => all.shell = list(value).unwrap_or_default(),
                "OnBuild" => all.triggers = list(value).unwrap_or_default(),
                "Healthcheck" => all.health = Some(value.clone()),
                // What Docker once wrote there says nothing about the image.
                "Hostname" | "Domainname" | "AttachStdin" | "AttachStdout" | "AttachStderr" | "Tty" | "OpenStdin" | "StdinOnce"
                | "Image" => {}
                _ => drop(all.other.insert(key.clone(), value.clone())),
            }
        }
        Ok(all)
    }

    /// The `config` of the document.
    pub fn write(&self) -> Value {
        let mut config = Map::new();
        let set = |keys: &[String]| Value::Object(keys.iter().map(|k| (k.clone(), json!({}))).collect());
        let mut sorted = |key: &str, keys: &[String]| {
            if !keys.is_empty() {
                let mut keys = keys.to_vec();
                keys.sort();
                config.insert(key.to_owned(), set(&keys));
            }
        };
        sorted("ExposedPorts", &self.exposed);
        sorted("Volumes", &self.volumes);
        let mut put = |key: &str, value: Value| drop(config.insert(key.to_owned(), value));
        if !self.user.is_empty() {
            put("User", json!(self.user));
        }
        if !self.env.is_empty() {
            put("Env", json!(self.env));
        }
        if let Some(entrypoint) = &self.entrypoint {
            put("Entrypoint", json!(entrypoint));
        }
        if let Some(cmd) = &self.cmd {
            put("Cmd", json!(cmd));
        }
        if let Some(health) = &self.health {
            put("Healthcheck", health.clone());
        }
        if !self.workdir.is_empty() {
            put("WorkingDir", json!(self.workdir));
        }
        if !self.labels.is_empty() {
            put("Labels", json!(self.labels));
        }
        if !self.stop_signal.is_empty() {
            put("StopSignal", json!(self.stop_signal));
        }
        if !self.shell.is_empty() {
            put("Shell", json!(self.shell));
        }
        if !self.triggers.is_empty() {
            put("OnBuild", json!(self.triggers));
        }
        for (key, value) in &self.other {
            put(key, value.clone());
        }
        Value::Object(config)
    }

    /// The value of a variable.
    pub fn env_value(&self, name: &str) -> Option<&str> {
        self.env.iter().find_map(|e| e.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')))
    }

    /// Sets a variable, in its place if it has one.
    pub fn set_env(&mut self, name: &str, value: &str) {
        let entry = format!("{name}={value}");
        match self.env.iter_mut().find(|e| e.split('=').next() == Some(name)) {
            Some(place) => *place = entry,
            None => self.env.push(entry),
        }
    }

    /// A command for the shell as a list.
    pub fn in_shell(&self, text: &str) -> Vec<String> {
        let mut all = if self.shell.is_empty() { vec!["/bin/sh".to_owned(), "-c".to_owned()] } else { self.shell.clone() };
        all.push(text.to_owned());
        all
    }

    /// A path below the working directory, without `.` and `..` parts.
    pub fn absolute(&self, path: &str) -> String {
        let whole = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.workdir) };
        crate::container::mounts::clean(&whole)
    }
}
