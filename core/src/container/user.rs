//! Users by name or number, looked up in the image's /etc/passwd and /etc/group.
//!
//! A number is a number, also where a line of the file has it for a name (CVE-2016-3697), and a number out of range is refused
//! rather than wrapped around to root (CVE-2024-40635). Lines that do not parse are nobody's, never root's.

use crate::error::{Error, ErrorKind, Result};

/// Who a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// All groups, the primary one first: without it a directory closed to that group would be open (CVE-2022-36109).
    pub groups: Vec<u32>,
    /// Home directory; `/` for a user who has none.
    pub home: String,
}

/// The largest id that is accepted.
const MAX_ID: u32 = i32::MAX as u32;

struct User<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

/// Resolves `user[:group]` and further groups. The empty text is user 0.
///
/// # Errors
/// [`ErrorKind::CommandNotExecutable`] with Docker's words, since Docker exits with 126 over it: `unable to find user …: no matching entries in
/// passwd file`, `unable to find group …: no matching entries in group file`, `uids and gids must be in range 0-2147483647`.
pub fn resolve(spec: &str, further: &[String], passwd: &str, group: &str) -> Result<Identity> {
    let (user, own_group) = spec.split_once(':').map_or((spec, None), |(user, group)| (user, Some(group).filter(|g| !g.is_empty())));
    let entry = match number(user)? {
        _ if user.is_empty() => users(passwd).find(|u| u.uid == 0),
        Some(uid) => Some(users(passwd).find(|u| u.uid == uid).unwrap_or(User { name: "", uid, gid: 0, home: "" })),
        None => {
            let found = users(passwd).find(|u| u.name == user);
            Some(found.ok_or_else(|| refused(format!("unable to find user {}: no matching entries in passwd file", user.escape_debug())))?)
        }
    };
    let entry = entry.unwrap_or(User { name: "", uid: 0, gid: 0, home: "" });
    let mut gid = entry.gid;
    let mut memberships = Vec::new();
    match own_group {
        Some(name) => gid = group_id(name, group)?,
        None if !entry.name.is_empty() => {
            memberships.extend(groups(group).filter(|g| g.members.split(',').any(|m| m == entry.name)).map(|g| g.gid));
        }
        None => {}
    }
    let mut all = vec![gid];
    let named = further.iter().map(|name| group_id(name, group)).collect::<Result<Vec<_>>>()?;
    for id in memberships.into_iter().chain(named) {
        if !all.contains(&id) {
            all.push(id);
        }
    }
    let home = if entry.home.starts_with('/') { entry.home.to_owned() } else { "/".to_owned() };
    Ok(Identity { uid: entry.uid, gid, groups: all, home })
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::CommandNotExecutable, message)
}

fn group_id(name: &str, group: &str) -> Result<u32> {
    match number(name)? {
        Some(gid) => Ok(gid),
        None => groups(group)
            .find(|g| g.name == name)
            .map(|g| g.gid)
            .ok_or_else(|| refused(format!("unable to find group {}: no matching entries in group file", name.escape_debug()))),
    }
}

/// A decimal number in range; `None` for what is a name.
fn number(text: &str) -> Result<Option<u32>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    // A sign or a leading zero is no way to write an id; `-1` must not become the largest one.
    let plain = digits.len() == text.len() && (digits == "0" || !digits.starts_with('0'));
    match digits.parse::<u32>().ok().filter(|n| plain && *n <= MAX_ID) {
        Some(id) => Ok(Some(id)),
        None => Err(refused(format!("uids and gids must be in range 0-{MAX_ID}")).subject(text)),
    }
}

/// A number of a file: plain digits in range, or the line is not taken.
fn id(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten().filter(|n| *n <= MAX_ID)
}

/// passwd(5): `name:password:uid:gid:gecos:home:shell`.
fn users(passwd: &str) -> impl Iterator<Item = User<'_>> {
    passwd.lines().filter_map(|line| {
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        match fields[..] {
            [name, _, uid, gid, _, home, ..] if !name.is_empty() => Some(User { name, uid: id(uid)?, gid: id(gid)?, home }),
            _ => None,
        }
    })
}

/// group(5): `name:password:gid:members`.
fn groups(group: &str) -> impl Iterator<Item = Group<'_>> {
    group.lines().filter_map(|line| {
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        match fields[..] {
            [name, _, gid, members] if !name.is_empty() => Some(Group { name, gid: id(gid)?, members }),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:/bin/false\n1000:x:0:0:trap:/root:/bin/sh\nbroken:x:abc:0::/:\nbig:x:4294967296:0::/:\n";
    const GROUP: &str = "root:x:0:\nwheel:x:10:root,www\nwww:x:33:\n2000:x:0:\nadm:x:4:www\n";

    fn ids(spec: &str) -> Option<(u32, u32, Vec<u32>)> {
        resolve(spec, &[], PASSWD, GROUP).ok().map(|i| (i.uid, i.gid, i.groups))
    }

    #[test]
    fn good_ones() {
        for (spec, uid, gid, groups) in [
            ("", 0, 0, vec![0, 10]),
            ("root", 0, 0, vec![0, 10]),
            ("0", 0, 0, vec![0, 10]),
            ("www", 33, 33, vec![33, 10, 4]),
            ("33", 33, 33, vec![33, 10, 4]),
            ("www:wheel", 33, 10, vec![10]),
            ("www:", 33, 33, vec![33, 10, 4]),
            ("1000", 1000, 0, vec![0]),
            ("1000:2000", 1000, 2000, vec![2000]),
            ("2147483647", 2_147_483_647, 0, vec![0]),
            (":wheel", 0, 10, vec![10]),
        ] {
            assert_eq!(ids(spec), Some((uid, gid, groups)), "{spec:?}");
        }
        assert_eq!(resolve("www", &[], PASSWD, GROUP).unwrap().home, "/var/www");
        assert_eq!(resolve("1000", &[], PASSWD, GROUP).unwrap().home, "/");
    }

    #[test]
    fn bad_ones_are_refused_and_never_root() {
        for spec in [
            "nobody",
            "-1",
            "2147483648",
            "4294967295",
            "4294967296",
            "0x0",
            "00",
            "+0",
            "1.0",
            " 0",
            "0 ",
            "۰",
            "broken",
            "big",
            "root:nope",
            "0:4294967296",
            "0:-1",
            "www:00",
            "Root",
            "root\n",
        ] {
            let error = resolve(spec, &[], PASSWD, GROUP).expect_err(spec);
            assert_eq!(error.exit_code_of_run(), 126, "{spec}");
        }
        assert_eq!(resolve("bob", &[], "", "").unwrap_err().message(), "unable to find user bob: no matching entries in passwd file");
        assert_eq!(resolve("0:x", &[], "", "").unwrap_err().message(), "unable to find group x: no matching entries in group file");
    }

    #[test]
    fn further_groups_come_behind_and_once() {
        let further = ["wheel".to_owned(), "4".to_owned(), "77".to_owned()];
        assert_eq!(resolve("www", &further, PASSWD, GROUP).unwrap().groups, [33, 10, 4, 77]);
        assert!(resolve("www", &["nope".to_owned()], PASSWD, GROUP).is_err());
    }

    #[test]
    fn an_image_without_files_has_root_and_numbers() {
        assert_eq!(resolve("", &[], "", "").unwrap(), Identity { uid: 0, gid: 0, groups: vec![0], home: "/".to_owned() });
        assert_eq!(resolve("5:6", &[], "", "").unwrap().groups, [6]);
    }

    proptest! {
        #[test]
        fn only_root_is_root(spec in ".*", passwd in "([a-z0-9]{1,4}:x:[0-9a-z-]{0,3}:[0-9]{0,3}::/:\n){0,5}") {
            if let Ok(identity) = resolve(&spec, &[], &passwd, "")
                && identity.uid == 0
            {
                let user = spec.split(':').next().unwrap_or("");
                let named = passwd.lines().any(|l| l.split(':').next() == Some(user) && l.split(':').nth(2).is_some_and(|u| u.bytes().all(|b| b == b'0')));
                prop_assert!(user.is_empty() || user == "0" || named);
            }
        }
    }
}
