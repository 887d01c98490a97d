//! `RUN --mount=…`: the grammar.

use super::dockerfile::near;

/// How several builds share a cache mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// All at once.
    #[default]
    Shared,
    /// One of its own for whoever comes while it is in use.
    Private,
    /// One after another.
    Locked,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are named as the options of the Dockerfile reference")]
pub enum Kind {
    Bind { source: String, from: Option<String>, writable: bool },
    Cache { id: String, source: String, from: Option<String>, read_only: bool, sharing: Sharing, mode: u32, uid: u32, gid: u32 },
    Tmpfs { size: Option<u64> },
    Secret { id: String, env: Option<String>, file: bool, required: bool, mode: u32, uid: u32, gid: u32 },
    Ssh { id: String, required: bool, mode: u32, uid: u32, gid: u32 },
}

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What.
    pub kind: Kind,
    /// Where: absolute, or below the working directory.
    pub target: String,
}

impl Mount {
    /// What it takes from, if that is named.
    pub fn source(&self) -> Option<&str> {
        match &self.kind {
            Kind::Bind { from, .. } | Kind::Cache { from, .. } => from.as_deref(),
            _ => None,
        }
    }
}

const KEYS: [&str; 20] = [
    "type",
    "target",
    "dst",
    "destination",
    "source",
    "src",
    "from",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "id",
    "sharing",
    "required",
    "mode",
    "uid",
    "gid",
    "size",
    "env",
    "optional",
];

/// Reads one mount; variables are expanded already.
///
/// # Errors
/// What is wrong, and what to write.
pub fn parse(text: &str) -> Result<Mount, (String, String)> {
    let mut kind = "bind";
    let mut pairs: Vec<(&str, Option<&str>)> = Vec::new();
    for part in text.split(',') {
        let (key, value) = part.split_once('=').map_or((part, None), |(k, v)| (k, Some(v)));
        let key = key.trim();
        if !KEYS.contains(&key) {
            let help = KEYS
                .iter()
                .find(|k| near(k, key))
                .map_or_else(|| "see RUN --mount in the reference".to_owned(), |k| format!("did you mean {k}?"));
            return Err((format!("unexpected key '{key}' in '{part}'"), help));
        }
        if key == "type" {
            kind = value.unwrap_or_default();
        } else {
            pairs.push((key, value));
        }
    }
    let get = |names: &[&str]| pairs.iter().find(|(k, _)| names.contains(k)).map(|(_, v)| *v);
    let text_of = |names: &[&str]| get(names).flatten().filter(|v| !v.is_empty()).map(str::to_owned);
    let flag = |names: &[&str]| -> Result<Option<bool>, (String, String)> {
        match get(names) {
            None => Ok(None),
            Some(None | Some("true" | "1")) => Ok(Some(true)),
            Some(Some("false" | "0")) => Ok(Some(false)),
            Some(Some(other)) => Err((format!("invalid value for {}: {other}", names[0]), "write true or false".to_owned())),
        }
    };
    let number = |name: &str, default: u32, radix: u32| -> Result<u32, (String, String)> {
        text_of(&[name]).map_or(Ok(default), |v| {
            u32::from_str_radix(v.trim_start_matches("0o"), radix)
                .map_err(|_| (format!("invalid value {v} for {name}"), format!("write a number: {name}={default}")))
        })
    };
    let target = text_of(&["target", "dst", "destination"]);
    let source = text_of(&["source", "src"]).unwrap_or_default();
    let from = text_of(&["from"]);
    let need = |target: Option<String>| {
        target.ok_or_else(|| ("mount target is required".to_owned(), format!("write --mount=type={kind},target=/path")))
    };
    let (uid, gid) = (number("uid", 0, 10)?, number("gid", 0, 10)?);
    Ok(match kind {
        "bind" => {
            let writable = flag(&["rw", "readwrite"])?.unwrap_or(false) || flag(&["ro", "readonly"])? == Some(false);
            Mount { kind: Kind::Bind { source, from, writable }, target: need(target)? }
        }
        "cache" => {
            let target = need(target)?;
            let sharing = match text_of(&["sharing"]).as_deref() {
                None | Some("shared") => Sharing::Shared,
                Some("private") => Sharing::Private,
                Some("locked") => Sharing::Locked,
                Some(other) => return Err((format!("unsupported sharing value {other:?}"), "write shared, private or locked".to_owned())),
            };
            let id = text_of(&["id"]).unwrap_or_else(|| target.clone());
            let read_only = flag(&["ro", "readonly"])?.unwrap_or(false);
            Mount { kind: Kind::Cache { id, source, from, read_only, sharing, mode: number("mode", 0o755, 8)?, uid, gid }, target }
        }
        "tmpfs" => {
            let size = text_of(&["size"])
                .map(|v| {
                    crate::limits::units::parse_bytes(&v).map_err(|_| (format!("invalid value for size: {v}"), "write size=64m".to_owned()))
                })
                .transpose()?;
            Mount { kind: Kind::Tmpfs { size }, target: need(target)? }
        }
        "secret" => {
            let named = text_of(&["id"]);
            let Some(id) = named.or_else(|| target.as_ref().and_then(|t| t.rsplit('/').next()).map(str::to_owned)) else {
                return Err(("invalid secret mount: neither id nor target".to_owned(), "write --mount=type=secret,id=NAME".to_owned()));
            };
            let env = text_of(&["env"]);
            let file = env.is_none() || target.is_some();
            let required = flag(&["required"])?.unwrap_or(false);
            let target = target.unwrap_or_else(|| format!("/run/secrets/{id}"));
            Mount { kind: Kind::Secret { id, env, file, required, mode: number("mode", 0o400, 8)?, uid, gid }, target }
        }
        "ssh" => {
            let id = text_of(&["id"]).unwrap_or_else(|| "default".to_owned());
            let required = flag(&["required"])?.unwrap_or(false);
            let target = target.unwrap_or_else(|| "/run/buildkit/ssh_agent.0".to_owned());
            Mount { kind: Kind::Ssh { id, required, mode: number("mode", 0o600, 8)?, uid, gid }, target }
        }
        other => {
            return Err((format!("unsupported mount type {other:?}"), "the types are bind, cache, tmpfs, secret and ssh".to_owned()));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type() {
        let of = |text: &str| parse(text).unwrap();
        assert_eq!(of("target=/a,source=b").kind, Kind::Bind { source: "b".to_owned(), from: None, writable: false });
        assert!(matches!(of("type=bind,from=x,dst=/a,rw").kind, Kind::Bind { writable: true, .. }));
        let Kind::Cache { id, sharing, .. } = of("type=cache,target=/c,sharing=locked").kind else { panic!() };
        assert_eq!((id.as_str(), sharing), ("/c", Sharing::Locked));
        assert_eq!(of("type=tmpfs,target=/t,size=64m").kind, Kind::Tmpfs { size: Some(64 << 20) });
        let secret = of("type=secret,id=token");
        assert_eq!(secret.target, "/run/secrets/token");
        let Kind::Secret { env, file, .. } = of("type=secret,id=token,env=TOKEN").kind else { panic!() };
        assert_eq!((env.as_deref(), file), (Some("TOKEN"), false));
        assert!(matches!(of("type=ssh").kind, Kind::Ssh { .. }));
    }

    #[test]
    fn mistakes_are_named() {
        let of = |text: &str| parse(text).unwrap_err();
        assert_eq!(of("type=cache,taget=/x").1, "did you mean target?");
        assert_eq!(of("type=cash,target=/x").0, "unsupported mount type \"cash\"");
        assert_eq!(of("type=cache").0, "mount target is required");
        assert_eq!(of("type=cache,target=/x,sharing=all").0, "unsupported sharing value \"all\"");
        assert_eq!(of("type=bind,target=/x,rw=maybe").0, "invalid value for rw: maybe");
    }
}
