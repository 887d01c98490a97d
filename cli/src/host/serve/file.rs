//! `daemon.json`: the settings of `drydock serve` in a file, with dockerd's keys. A key is a setting here, or one of dockerd's that
//! changes nothing here, or one of dockerd's that would be missed; what is none of these is refused in dockerd's words.

use super::{Serve, mirror_is_one};
use drydock::HostOptions;
use drydock_core::{Error, Result};
use serde_json::{Map, Value};

/// dockerd's keys that say what is so here anyway, or how fast: taking no notice of them takes nothing from anybody.
const CHANGE_NOTHING: &[&str] = &[
    "containerd",
    "experimental",
    "features",
    "ip-forward",
    "live-restore",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "no-new-privileges-default",
    "pidfile",
    "raw-logs",
    "shutdown-timeout",
    "storage-driver",
    "userland-proxy",
];

/// dockerd's keys for which there is nothing here: whoever wrote one relies on it.
const WOULD_BE_MISSED: &[&str] = &[
    "add-runtime",
    "allow-nondistributable-artifacts",
    "api-cors-header",
    "authorization-plugins",
    "bip",
    "bridge",
    "builder",
    "cgroup-parent",
    "cluster-advertise",
    "cluster-store",
    "cluster-store-opts",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "data-root-propagation",
    "default-address-pools",
    "default-cgroupns-mode",
    "default-gateway",
    "default-gateway-v6",
    "default-ipc-mode",
    "default-runtime",
    "default-shm-size",
    "default-ulimits",
    "dns",
    "dns-opts",
    "dns-search",
    "exec-opts",
    "fixed-cidr",
    "fixed-cidr-v6",
    "host-gateway-ip",
    "http-proxy",
    "https-proxy",
    "icc",
    "init",
    "init-path",
    "ip",
    "ip-masq",
    "ip6tables",
    "iptables",
    "ipv6",
    "log-driver",
    "log-opts",
    "metrics-addr",
    "mtu",
    "network-control-plane-mtu",
    "no-new-privileges",
    "no-proxy",
    "node-generic-resources",
    "oom-score-adjust",
    "proxies",
    "runtimes",
    "seccomp-profile",
    "selinux-enabled",
    "storage-opts",
    "swarm-default-advertise-addr",
    "userland-proxy-path",
    "userns-remap",
];

/// Adds what the file says to what the command line says, and answers the keys that change nothing. A file that nobody named need
/// not be there.
///
/// # Errors
/// The file cannot be read, or says what the command line says too, or what nobody knows.
pub(super) fn merge(serve: &mut Serve, options: &mut HostOptions, named: bool) -> Result<Vec<String>> {
    let name = serve.config_file.clone();
    let bytes = match std::fs::read(&name) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && !named => return Ok(Vec::new()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(wrong(&name, &format!("open {name}: no such file or directory"))),
        Err(e) => return Err(wrong(&name, &e.to_string())),
    };
    apply(&bytes, serve, options).map_err(|why| wrong(&name, &why))
}

fn wrong(name: &str, why: &str) -> Error {
    Error::invalid(format!("unable to configure the Docker daemon with file {name}: {why}"))
}

fn apply(bytes: &[u8], serve: &mut Serve, options: &mut HostOptions) -> std::result::Result<Vec<String>, String> {
    // An empty file says nothing.
    if bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let object: Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|e| if e.is_eof() { "unexpected EOF".to_owned() } else { e.to_string() })?;
    let mut taking = Taking { conflicts: Vec::new() };
    let (mut unknown, mut missed, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in object {
        match key.as_str() {
            "hosts" => taking.list(&key, &value, &mut serve.hosts)?,
            "labels" => taking.list(&key, &value, &mut serve.labels)?,
            "insecure-registries" => taking.list(&key, &value, &mut serve.insecure_registries)?,
            "registry-mirrors" => taking.list(&key, &value, &mut serve.registry_mirrors)?,
            // The engine reads it itself.
            "trusted-realms" => {}
            "group" => taking.text(&key, &value, &mut serve.group)?,
            "log-level" => taking.text(&key, &value, &mut serve.log_level)?,
            "log-format" => taking.text(&key, &value, &mut serve.log_format)?,
            "tlscacert" => taking.text(&key, &value, &mut serve.tlscacert)?,
            "tlscert" => taking.text(&key, &value, &mut serve.tlscert)?,
            "tlskey" => taking.text(&key, &value, &mut serve.tlskey)?,
            "data-root" => taking.text(&key, &value, &mut options.data_root)?,
            "exec-root" => taking.text(&key, &value, &mut options.run_root)?,
            "debug" => taking.truth(&key, &value, &mut options.debug)?,
            "tls" => taking.truth(&key, &value, &mut serve.tls)?,
            "tlsverify" => taking.truth(&key, &value, &mut serve.tlsverify)?,
            other if CHANGE_NOTHING.contains(&other) => ignored.push(key),
            other if WOULD_BE_MISSED.contains(&other) => missed.push(key),
            _ => unknown.push(key),
        }
    }
    if !unknown.is_empty() {
        return Err(format!("the following directives don't match any configuration option: {}", unknown.join(", ")));
    }
    if !taking.conflicts.is_empty() {
        let all = taking.conflicts.join(", ");
        return Err(format!("the following directives are specified both as a flag and in the configuration file: {all}"));
    }
    if !missed.is_empty() {
        return Err(format!("the following directives are dockerd's and not Drydock's: {}", missed.join(", ")));
    }
    serve.registry_mirrors.iter().try_for_each(|mirror| mirror_is_one(mirror))?;
    if let Some(label) = serve.labels.iter().find(|label| !label.contains('=')) {
        return Err(format!("configuration validation from file failed: bad attribute format: {label}"));
    }
    Ok(ignored)
}

/// Values on their way from the file to the settings.
struct Taking {
    conflicts: Vec<String>,
}

impl Taking {
    fn list(&mut self, key: &str, value: &Value, into: &mut Vec<String>) -> std::result::Result<(), String> {
        let texts = value.as_array().and_then(|all| all.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>());
        let texts = texts.ok_or_else(|| mismatch(key, value, "[]string"))?;
        if into.is_empty() {
            *into = texts;
        } else {
            self.conflict(key, &format!("[{}]", into.join(" ")), &format!("[{}]", texts.join(" ")));
        }
        Ok(())
    }

    fn text(&mut self, key: &str, value: &Value, into: &mut Option<String>) -> std::result::Result<(), String> {
        let text = value.as_str().ok_or_else(|| mismatch(key, value, "string"))?;
        match into {
            None => *into = Some(text.to_owned()),
            Some(given) => self.conflict(key, given, text),
        }
        Ok(())
    }

    fn truth(&mut self, key: &str, value: &Value, into: &mut bool) -> std::result::Result<(), String> {
        let truth = value.as_bool().ok_or_else(|| mismatch(key, value, "bool"))?;
        if *into {
            self.conflict(key, "true", &truth.to_string());
        }
        *into |= truth;
        Ok(())
    }

    fn conflict(&mut self, key: &str, flag: &str, file: &str) {
        self.conflicts.push(format!("{key}: (from flag: {flag}, from file: {file})"));
    }
}

/// Go's sentence for a value of the wrong kind.
fn mismatch(key: &str, value: &Value, wanted: &str) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {kind} into Go struct field Config.{key} of type {wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, serve: &Serve) -> std::result::Result<(Serve, HostOptions, Vec<String>), String> {
        let (mut serve, mut options) = (serve.clone(), HostOptions::default());
        apply(text.as_bytes(), &mut serve, &mut options).map(|ignored| (serve, options, ignored))
    }

    #[test]
    fn the_file_says_what_flags_say() {
        let text = r#"{"hosts":["unix:///s"],"registry-mirrors":["http://127.0.0.1:5000"],"insecure-registries":["r:1"],
            "labels":["a=b"],"log-level":"warn","log-format":"json","debug":true,"tlsverify":true,"tlscert":"/c","data-root":"/d",
            "live-restore":true}"#;
        let (serve, options, ignored) = told(text, &Serve::default()).unwrap();
        assert_eq!((serve.hosts, serve.labels), (vec!["unix:///s".to_owned()], vec!["a=b".to_owned()]));
        assert_eq!(serve.registry_mirrors, ["http://127.0.0.1:5000"]);
        assert_eq!(serve.insecure_registries, ["r:1"]);
        assert_eq!((serve.log_level.as_deref(), serve.log_format.as_deref()), (Some("warn"), Some("json")));
        assert!(serve.tlsverify && options.debug && !serve.tls);
        assert_eq!((serve.tlscert.as_deref(), options.data_root.as_deref()), (Some("/c"), Some("/d")));
        assert_eq!(ignored, ["live-restore"]);
        assert!(told(" \n", &Serve::default()).is_ok());
    }

    #[test]
    fn mistakes_are_told_in_dockerds_words() {
        let flags = Serve { labels: vec!["c=d".into()], log_level: Some("info".into()), ..Serve::default() };
        for (text, want) in [
            (r#"{"foo":1,"bar":2}"#, "the following directives don't match any configuration option: foo, bar"),
            (
                r#"{"labels":["a=b"],"log-level":"warn"}"#,
                "the following directives are specified both as a flag and in the configuration file: \
                 labels: (from flag: [c=d], from file: [a=b]), log-level: (from flag: info, from file: warn)",
            ),
            (r#"{"debug":"x"}"#, "json: cannot unmarshal string into Go struct field Config.debug of type bool"),
            ("{", "unexpected EOF"),
            (r#"{"userns-remap":"default"}"#, "the following directives are dockerd's and not Drydock's: userns-remap"),
            (r#"{"registry-mirrors":["ftp://x"]}"#, "invalid mirror: unsupported scheme \"ftp\" in \"ftp://x\""),
        ] {
            assert_eq!(told(text, &flags).unwrap_err(), want, "{text}");
        }
        let label = told(r#"{"labels":["nolabel"]}"#, &Serve::default()).unwrap_err();
        assert_eq!(label, "configuration validation from file failed: bad attribute format: nolabel");
    }
}
