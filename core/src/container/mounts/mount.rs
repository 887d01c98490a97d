//! `--mount KEY=VALUE,…`: one line of comma-separated values (RFC 4180), each a key with a value.

use super::{check_target, check_volume_name, clean, is_propagation};
use crate::container::{MountKind, MountRequest};
use crate::error::{Error, Result};
use crate::limits::units::parse_bytes;

/// Reads one `--mount`. Without a `type` it is a volume. A bind's source must exist when the container is made.
///
/// # Errors
/// Docker's own words.
pub fn parse_mount(text: &str) -> Result<MountRequest> {
    let mut request = MountRequest::of(MountKind::Volume);
    let mut target = String::new();
    for field in fields(text)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_ascii_lowercase(), Some(value)),
            None => (field.to_ascii_lowercase(), None),
        };
        let invalid = || Error::invalid(format!("invalid value for {key}: {}", value.unwrap_or_default().escape_debug()));
        let text = || value.ok_or_else(|| Error::invalid(format!("invalid field '{}' must be a key=value pair", field.escape_debug())));
        match key.as_str() {
            "type" => request.kind = kind(text()?)?,
            "source" | "src" => request.source = text()?.to_owned(),
            "target" | "dst" | "destination" => target = text()?.to_owned(),
            "readonly" | "ro" => request.read_only = boolean(value).ok_or_else(invalid)?,
            "bind-propagation" => {
                let word = text()?;
                if !is_propagation(word) {
                    let shown = word.escape_debug();
                    return Err(Error::invalid(format!("invalid mount config for type \"bind\": invalid propagation mode: {shown}")));
                }
                request.propagation = word.to_owned();
            }
            "bind-create-src" => request.create_source = boolean(value).ok_or_else(invalid)?,
            "bind-recursive" => match text()? {
                "enabled" => {}
                word @ ("disabled" | "writable" | "readonly") => request.options.push(format!("bind-recursive={word}")),
                word => {
                    let shown = word.escape_debug();
                    let words = "must be \"enabled\", \"disabled\", \"writable\", or \"readonly\"";
                    return Err(Error::invalid(format!("invalid value for bind-recursive: {shown} ({words})")));
                }
            },
            "bind-nonrecursive" => {
                if boolean(value).ok_or_else(invalid)? {
                    request.options.push("bind-recursive=disabled".to_owned());
                }
            }
            "consistency" => {}
            "volume-nocopy" => {
                if boolean(value).ok_or_else(invalid)? {
                    request.options.push("nocopy".to_owned());
                }
            }
            "tmpfs-size" => request.size = Some(parse_bytes(text()?).map_err(|_| invalid())?),
            "tmpfs-mode" => request.mode = Some(u32::from_str_radix(text()?, 8).ok().filter(|m| *m <= 0o7777).ok_or_else(invalid)?),
            "volume-label" | "volume-opt" | "volume-driver" => request.options.push(format!("{key}={}", text()?)),
            "volume-subpath" | "image-subpath" => {
                let path = text()?;
                let out = path.starts_with('/') || path.split('/').any(|part| part == "..");
                if path.is_empty() || out {
                    return Err(Error::invalid(format!(
                        "invalid value for '{key}': must be a relative path inside the {}",
                        key.trim_end_matches("-subpath")
                    )));
                }
                request.options.push(format!("{key}={}", clean(path).trim_start_matches('/')));
            }
            _ => {
                text()?;
                return Err(Error::invalid(format!("unexpected key '{key}' in '{}'", field.escape_debug())));
            }
        }
    }
    finish(request, &target)
}

/// What must hold between the keys.
fn finish(mut request: MountRequest, target: &str) -> Result<MountRequest> {
    if target.is_empty() {
        return Err(Error::invalid("target is required"));
    }
    let mixed = |kind: &str, options: &str| Error::invalid(format!("cannot mix '{options}' options with mount type '{kind}'"));
    let (is_tmpfs, is_bind) = (request.kind == MountKind::Tmpfs, request.kind == MountKind::Bind);
    let name = request.kind.name();
    if (request.size.is_some() || request.mode.is_some()) && !is_tmpfs {
        return Err(mixed(name, "tmpfs-*"));
    }
    let bind_only = request.create_source || !request.propagation.is_empty() || request.options.iter().any(|o| o.starts_with("bind-"));
    if bind_only && !is_bind {
        return Err(mixed(name, "bind-*"));
    }
    if request.options.iter().any(|o| o == "nocopy" || o.starts_with("volume-")) && request.kind != MountKind::Volume {
        return Err(mixed(name, "volume-*"));
    }
    if request.words("image-subpath").next().is_some() && request.kind != MountKind::Image {
        return Err(mixed(name, "image-*"));
    }
    request.target = check_target(name, target)?;
    match request.kind {
        MountKind::Bind if request.source.is_empty() => {
            return Err(Error::invalid("invalid mount config for type \"bind\": field Source must not be empty"));
        }
        MountKind::Bind if !request.source.starts_with('/') => {
            let path = request.source.escape_debug();
            return Err(Error::invalid(format!(
                "invalid mount config for type \"bind\": invalid mount path: '{path}' mount path must be absolute"
            )));
        }
        MountKind::Bind => request.source = clean(&request.source),
        MountKind::Volume if !request.source.is_empty() => check_volume_name(&request.source)?,
        MountKind::Volume => {}
        MountKind::Tmpfs if !request.source.is_empty() => {
            return Err(Error::invalid("invalid mount config for type \"tmpfs\": field Source must not be specified"));
        }
        MountKind::Tmpfs => {}
        MountKind::Image if request.source.is_empty() => {
            return Err(Error::invalid("invalid mount config for type \"image\": field Source must not be empty"));
        }
        MountKind::Image => request.read_only = true,
    }
    Ok(request)
}

fn kind(text: &str) -> Result<MountKind> {
    match text.to_ascii_lowercase().as_str() {
        "bind" => Ok(MountKind::Bind),
        "volume" => Ok(MountKind::Volume),
        "tmpfs" => Ok(MountKind::Tmpfs),
        "image" => Ok(MountKind::Image),
        "cluster" | "npipe" => Err(Error::unsupported(format!("mounts of type {text}"))),
        _ => Err(Error::invalid(format!("invalid mount config for type \"{}\": mount type unknown", text.escape_debug()))),
    }
}

/// Go's `strconv.ParseBool`; a key alone is true.
fn boolean(value: Option<&str>) -> Option<bool> {
    match value {
        None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Some(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Some(false),
        _ => None,
    }
}

/// The fields of one line of comma-separated values: a field in double quotes may have commas, and two quotes for one.
fn fields(text: &str) -> Result<Vec<String>> {
    let wrong = || Error::invalid(format!("parse error on line 1: bare \" in '{}'", text.escape_debug()));
    if text.is_empty() {
        return Err(Error::invalid("value is empty"));
    }
    let (mut all, mut field, mut chars) = (Vec::new(), String::new(), text.chars().peekable());
    loop {
        if field.is_empty() && chars.peek() == Some(&'"') {
            chars.next();
            loop {
                match chars.next().ok_or_else(wrong)? {
                    '"' if chars.peek() == Some(&'"') => field.extend(chars.next()),
                    '"' => break,
                    c => field.push(c),
                }
            }
            if !matches!(chars.peek(), None | Some(',')) {
                return Err(wrong());
            }
        }
        match chars.next() {
            Some('"') => return Err(wrong()),
            Some(',') => all.push(std::mem::take(&mut field)),
            Some(c) => field.push(c),
            None => break,
        }
    }
    all.push(field);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones() {
        let bind = parse_mount("type=bind,source=/srv/a,target=/data,readonly,bind-propagation=rshared").unwrap();
        assert_eq!((bind.kind, bind.source.as_str(), bind.target.as_str(), bind.read_only), (MountKind::Bind, "/srv/a", "/data", true));
        assert!(!bind.create_source);
        let quoted = parse_mount("type=bind,\"src=/a,b\",dst=/d").unwrap();
        assert_eq!(quoted.source, "/a,b");
        let tmpfs = parse_mount("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1777").unwrap();
        assert_eq!((tmpfs.size, tmpfs.mode), (Some(1 << 20), Some(0o1777)));
        let volume = parse_mount("src=cache,dst=/c,volume-nocopy=true").unwrap();
        assert_eq!((volume.kind, volume.options.as_slice()), (MountKind::Volume, ["nocopy".to_owned()].as_slice()));
        assert!(!parse_mount("dst=/c,ro=false").unwrap().read_only);
    }

    #[test]
    fn bad_ones() {
        for (text, message) in [
            ("", "value is empty"),
            ("type=bind,src=/a", "target is required"),
            ("type=foo,dst=/a", "invalid mount config for type \"foo\": mount type unknown"),
            ("type=bind,dst=/a", "invalid mount config for type \"bind\": field Source must not be empty"),
            ("type=bind,src=a,dst=/a", "invalid mount config for type \"bind\": invalid mount path: 'a' mount path must be absolute"),
            ("type=tmpfs,src=a,dst=/a", "invalid mount config for type \"tmpfs\": field Source must not be specified"),
            ("dst=/", "invalid mount config for type \"volume\": invalid specification: destination can't be '/'"),
            ("dst=/a,foo=1", "unexpected key 'foo' in 'foo=1'"),
            ("foo", "invalid field 'foo' must be a key=value pair"),
            ("dst=/a,src", "invalid field 'src' must be a key=value pair"),
            ("dst=/a,readonly=maybe", "invalid value for readonly: maybe"),
            ("dst=/a,tmpfs-size=1m", "cannot mix 'tmpfs-*' options with mount type 'volume'"),
        ] {
            assert_eq!(parse_mount(text).unwrap_err().message(), message, "{text}");
        }
        assert!(parse_mount("\"dst=/a").is_err());
    }
}
