//! Names in a layer: what they may be, and which of them are whiteouts (OCI image-spec layer.md, "Whiteouts"). Both hosts unpack
//! by these rules.

/// What an entry's name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// The root directory of the layer itself.
    Root,
    /// A path below it, as parts.
    Path(Vec<&'a [u8]>),
    /// `.wh.NAME`: what the layers below have at this path is gone.
    Whiteout(Vec<&'a [u8]>),
    /// `.wh..wh..opq`: what the layers below have in this directory is gone.
    Opaque(Vec<&'a [u8]>),
    /// A file of AUFS's own bookkeeping, which means nothing to anyone else.
    Ignored,
}

/// Reads a name.
///
/// # Errors
/// What is wrong with it, to be put after "the entry …:".
pub fn parse(path: &[u8]) -> Result<Name<'_>, &'static str> {
    let mut parts = parts(path)?;
    let Some(last) = parts.last().copied() else { return Ok(Name::Root) };
    if parts.iter().rev().skip(1).any(|part| part.starts_with(b".wh.")) {
        // `.wh..wh.plnk/…` is AUFS's; no other directory may be named like a whiteout, since overlayfs could not show it.
        return if parts.first() == Some(&b".wh..wh.plnk".as_slice()) {
            Ok(Name::Ignored)
        } else {
            Err("a directory of it is named like a whiteout")
        };
    }
    let Some(hidden) = last.strip_prefix(b".wh.") else { return Ok(Name::Path(parts)) };
    parts.pop();
    match hidden {
        b".wh..opq" => return Ok(Name::Opaque(parts)),
        b".wh.plnk" | b".wh.aufs" | b".wh.orph" => return Ok(Name::Ignored),
        b"" | b"." | b".." => return Err("it is a whiteout of no name"),
        _ if hidden.starts_with(b".wh.") => return Err("it is a whiteout of a whiteout"),
        _ => {}
    }
    parts.push(hidden);
    Ok(Name::Whiteout(parts))
}

/// The parts of a relative path, or of an absolute one taken as relative; `.` and empty ones are left out.
///
/// # Errors
/// What is wrong with it, as [`parse`] says it.
pub fn parts(path: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
    if path.len() > 4096 {
        return Err("it is longer than 4096 bytes");
    }
    if path.contains(&0) {
        return Err("it contains a NUL");
    }
    let parts: Vec<&[u8]> = path.split(|b| *b == b'/').filter(|p| !p.is_empty() && *p != b".").collect();
    if parts.contains(&b"..".as_slice()) { Err("it contains \"..\"") } else { Ok(parts) }
}

/// Whether an extended attribute of a layer is set: content and file capabilities are, what steers overlayfs or a security module is not.
pub fn keeps_xattr(name: &[u8]) -> bool {
    (name.starts_with(b"user.") && !name.starts_with(b"user.overlay.") && !name.contains(&0)) || name == b"security.capability"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_the_image_specification_says() {
        let path = |name: &'static str| parse(name.as_bytes());
        assert_eq!(path("./"), Ok(Name::Root));
        assert_eq!(path("/etc//./passwd"), Ok(Name::Path(vec![b"etc", b"passwd"])));
        assert_eq!(path("a/.wh.b"), Ok(Name::Whiteout(vec![b"a", b"b"])));
        assert_eq!(path("a/.wh..wh..opq"), Ok(Name::Opaque(vec![b"a"])));
        assert_eq!(path(".wh..wh..opq"), Ok(Name::Opaque(vec![])));
        assert_eq!(path(".wh..wh.plnk/1.2"), Ok(Name::Ignored));
        for bad in ["../a", "a/..", "a/../../b", ".wh.", ".wh..", ".wh...", "x/.wh.", "a\0b", ".wh.d/x", ".wh..wh.x"] {
            assert!(path(bad).is_err(), "{bad:?}");
        }
        assert_eq!(path("..."), Ok(Name::Path(vec![b"..."])));
    }

    #[test]
    fn attributes_that_steer_the_kernel_are_dropped() {
        for kept in ["user.a", "security.capability"] {
            assert!(keeps_xattr(kept.as_bytes()), "{kept}");
        }
        for dropped in
            ["trusted.overlay.redirect", "trusted.x", "user.overlay.opaque", "security.selinux", "security.ima", "system.posix_acl_access"]
        {
            assert!(!keeps_xattr(dropped.as_bytes()), "{dropped}");
        }
    }
}
