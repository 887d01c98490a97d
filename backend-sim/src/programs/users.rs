//! /etc/passwd and /etc/group.

use crate::sys::Sys;

/// A user (passwd(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

/// The users of this root file system.
#[derive(Clone, Debug, Default)]
pub struct Passwd(Vec<User>);

impl Passwd {
    /// Reads /etc/passwd; a missing file has no users.
    pub async fn read(sys: &Sys) -> Self {
        Self(lines(sys, "/etc/passwd").await.iter().filter_map(|line| parse_user(line)).collect())
    }

    /// A user by name.
    pub fn by_name(&self, name: &str) -> Option<&User> {
        self.0.iter().find(|user| user.name == name)
    }

    /// The name of a user, or its number.
    pub fn name(&self, uid: u32) -> String {
        self.find(uid).map_or_else(|| uid.to_string(), |user| user.name.clone())
    }

    /// A user by number.
    pub fn find(&self, uid: u32) -> Option<&User> {
        self.0.iter().find(|user| user.uid == uid)
    }

    /// The smallest free number from `least`.
    pub fn free(&self, least: u32) -> u32 {
        (least..).find(|uid| self.find(*uid).is_none()).unwrap_or(least)
    }
}

/// The groups of this root file system: name, number, members.
#[derive(Clone, Debug, Default)]
pub struct Groups(Vec<(String, u32, Vec<String>)>);

impl Groups {
    /// Reads /etc/group; a missing file has no groups.
    pub async fn read(sys: &Sys) -> Self {
        let parse = |line: &String| {
            let mut fields = line.split(':');
            let (name, _, gid) = (fields.next()?, fields.next()?, fields.next()?.parse().ok()?);
            let members = fields.next().unwrap_or_default().split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect();
            Some((name.to_owned(), gid, members))
        };
        Self(lines(sys, "/etc/group").await.iter().filter_map(parse).collect())
    }

    /// The name of a group, or its number.
    pub fn name(&self, gid: u32) -> String {
        self.find(gid).unwrap_or_else(|| gid.to_string())
    }

    /// The name of a group.
    pub fn find(&self, gid: u32) -> Option<String> {
        self.0.iter().find(|(_, id, _)| *id == gid).map(|(name, ..)| name.clone())
    }

    /// The number of a group.
    pub fn by_name(&self, name: &str) -> Option<u32> {
        self.0.iter().find(|(n, ..)| n == name).map(|(_, gid, _)| *gid)
    }

    /// Groups that list this user as a member.
    pub fn of(&self, user: &str) -> Vec<u32> {
        self.0.iter().filter(|(_, _, members)| members.iter().any(|m| m == user)).map(|(_, gid, _)| *gid).collect()
    }

    /// The smallest free number from `least`.
    pub fn free(&self, least: u32) -> u32 {
        (least..).find(|gid| self.find(*gid).is_none()).unwrap_or(least)
    }
}

async fn lines(sys: &Sys, path: &str) -> Vec<String> {
    let bytes = sys.read_file(path).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
}

fn parse_user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields.as_slice() else { return None };
    Some(User {
        name: (*name).to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home: (*home).to_owned(),
        shell: (*shell).to_owned(),
    })
}
