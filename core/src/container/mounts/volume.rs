//! `-v [SOURCE:]TARGET[:OPTIONS]` and `--tmpfs TARGET[:OPTIONS]`.

use super::{check_target, check_volume_name, clean, is_propagation};
use crate::container::{MountKind, MountRequest};
use crate::error::{Error, Result};
use crate::limits::units::parse_bytes;

/// Reads one `-v`. A source that begins with a dot is relative to `cwd`, the caller's working directory; one with a slash in
/// front is a path of the host, made if missing; anything else names a volume. Without a source the volume has no name yet.
///
/// # Errors
/// Docker's own words.
pub fn parse_volume(text: &str, cwd: &str) -> Result<MountRequest> {
    let invalid = || Error::invalid(format!("invalid volume specification: '{}'", text.escape_debug()));
    if text.is_empty() {
        return Err(Error::invalid("invalid empty volume spec"));
    }
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match parts[..] {
        [target] => ("", target, ""),
        // `-v /data:ro` is a target with a mode to nobody: Docker takes the second part for the target.
        [source, target] => (source, target, ""),
        [source, target, options] => (source, target, options),
        _ => return Err(invalid()),
    };
    if target.is_empty() || (parts.len() > 1 && source.is_empty()) || (parts.len() == 3 && options.is_empty()) {
        return Err(invalid());
    }
    let mut request = if source.starts_with('/') || source.starts_with('.') || source.starts_with('~') {
        let absolute = if source.starts_with('/') { source.to_owned() } else { format!("{cwd}/{source}") };
        MountRequest { source: clean(&absolute), create_source: true, ..MountRequest::of(MountKind::Bind) }
    } else {
        if !source.is_empty() {
            check_volume_name(source)?;
        }
        MountRequest { source: source.to_owned(), ..MountRequest::of(MountKind::Volume) }
    };
    request.target = check_target(request.kind.name(), target)?;
    apply_options(&mut request, options)?;
    Ok(request)
}

/// The words behind the second colon. Each kind of word may stand once.
fn apply_options(request: &mut MountRequest, options: &str) -> Result<()> {
    let mut seen_mode = false;
    let mut seen_label = false;
    for word in options.split(',').filter(|_| !options.is_empty()) {
        let invalid = || Error::invalid(format!("invalid mode: {}", options.escape_debug()));
        match word {
            "ro" | "rw" if !seen_mode => {
                seen_mode = true;
                request.read_only = word == "ro";
            }
            // Labels of SELinux, where there is none, and consistency of file sharing on macOS, where there is none either.
            "z" | "Z" if !seen_label => seen_label = true,
            "delegated" | "cached" | "consistent" => {}
            "nocopy" | "volume-nocopy" if request.kind == MountKind::Volume => request.options.push("nocopy".to_owned()),
            word if is_propagation(word) && request.kind == MountKind::Bind && request.propagation.is_empty() => {
                request.propagation = word.to_owned();
            }
            _ => return Err(invalid()),
        }
    }
    Ok(())
}

/// Reads one `--tmpfs`. Without options it is as Docker has it: no set-user-id bits, no devices, no programs.
pub fn parse_tmpfs(text: &str) -> Result<MountRequest> {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let mut request = MountRequest { target: check_target("tmpfs", target)?, ..MountRequest::of(MountKind::Tmpfs) };
    for option in options.split(',').filter(|o| !o.is_empty()) {
        let invalid = || Error::invalid(format!("invalid tmpfs option [\"{}\"]", option.escape_debug()));
        match option.split_once('=') {
            Some(("size", size)) => request.size = Some(parse_bytes(size)?),
            Some(("mode", mode)) => request.mode = Some(u32::from_str_radix(mode, 8).ok().filter(|m| *m <= 0o7777).ok_or_else(invalid)?),
            Some(("uid" | "gid" | "nr_inodes" | "nr_blocks", number)) if is_number(number) => request.options.push(option.to_owned()),
            None if option == "ro" || option == "rw" => request.read_only = option == "ro",
            None if is_tmpfs_flag(option) => request.options.push(option.to_owned()),
            _ => return Err(invalid()),
        }
    }
    Ok(request)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() < 16 && text.bytes().all(|b| b.is_ascii_digit())
}

/// mount(8)'s words that change how a tmpfs may be used.
fn is_tmpfs_flag(word: &str) -> bool {
    matches!(
        word,
        "exec"
            | "noexec"
            | "suid"
            | "nosuid"
            | "dev"
            | "nodev"
            | "relatime"
            | "norelatime"
            | "strictatime"
            | "nostrictatime"
            | "noatime"
            | "atime"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes() {
        let bind = parse_volume("/srv:/data:ro,rslave", "/home").unwrap();
        assert_eq!((bind.kind, bind.source.as_str(), bind.target.as_str()), (MountKind::Bind, "/srv", "/data"));
        assert!(bind.read_only && bind.create_source);
        assert_eq!(bind.propagation, "rslave");
        let relative = parse_volume("./site:/data", "/home/me").unwrap();
        assert_eq!(relative.source, "/home/me/site");
        assert_eq!(parse_volume("../x:/data", "/home/me").unwrap().source, "/home/x");
        let named = parse_volume("cache:/data:nocopy", "/").unwrap();
        assert_eq!((named.kind, named.source.as_str(), named.create_source), (MountKind::Volume, "cache", false));
        let anonymous = parse_volume("/data", "/").unwrap();
        assert_eq!((anonymous.kind, anonymous.source.as_str()), (MountKind::Volume, ""));
    }

    #[test]
    fn bad_volumes() {
        for text in [
            "",
            ":",
            "a:",
            ":/x",
            "a:b:c:d",
            "/a:b",
            "/a:/",
            "/a:/x/..",
            "/a:/proc/sys",
            "/a:/proc",
            "../x/../..:relative",
            "x/y:/data",
            "/a:/b:rw,ro",
            "/a:/b:foo",
            "/a:/b:",
            "/a:/b:nocopy",
            "vol:/b:rshared",
            "/a:/b:shared,slave",
        ] {
            assert!(parse_volume(text, "/home").is_err(), "{text}");
        }
        assert_eq!(parse_volume("a:b:c:d", "/").unwrap_err().message(), "invalid volume specification: 'a:b:c:d'");
    }

    #[test]
    fn tmpfs() {
        let request = parse_tmpfs("/run:size=64m,mode=1770,exec,uid=5").unwrap();
        assert_eq!((request.size, request.mode), (Some(64 << 20), Some(0o1770)));
        assert_eq!(request.options, ["exec", "uid=5"]);
        for text in ["", "run", "/", "/proc/x", "/run:size=x", "/run:mode=9", "/run:bogus", "/run:uid=x"] {
            assert!(parse_tmpfs(text).is_err(), "{text}");
        }
    }
}
