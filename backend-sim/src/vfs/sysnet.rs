//! /sys/class/net: the links of the reader's network namespace (sysfs(5)).

use super::{Node, SbId};
use crate::sys::{DirEntry, Errno, FileType, Res, Stat};
use crate::world::World;

/// A link's directory, or one of its files. A deviation: on Linux the directory is a link into /sys/devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NetNode {
    /// The network namespace.
    pub ns: u32,
    /// The link.
    pub link: u32,
    /// Which file: an index into [`FILES`], or none for the directory.
    pub file: Option<u8>,
}

/// Files of a link.
const FILES: &[&str] = &["address", "carrier", "ifindex", "mtu", "operstate"];

impl World {
    fn own_net(&self, pid: u32) -> u32 {
        self.proc(pid).map_or(self.net.host, |p| p.ns.net)
    }

    /// Looks a link up by its name, for a process.
    pub fn sysnet_lookup(&self, pid: u32, name: &str) -> Res<NetNode> {
        let ns = self.own_net(pid);
        let link = self.net.spaces.get(&ns).and_then(|s| s.by_name(name)).ok_or(Errno::ENOENT)?;
        Ok(NetNode { ns, link, file: None })
    }

    /// Looks a file of a link up.
    pub fn sysnet_file(&self, node: NetNode, name: &str) -> Res<NetNode> {
        if node.file.is_some() {
            return Err(Errno::ENOTDIR);
        }
        let file = FILES.iter().position(|f| *f == name).and_then(|i| u8::try_from(i).ok()).ok_or(Errno::ENOENT)?;
        Ok(NetNode { file: Some(file), ..node })
    }

    /// The links that a process sees.
    pub fn sysnet_links(&self, pid: u32) -> Vec<DirEntry> {
        let links = self.net.spaces.get(&self.own_net(pid)).into_iter().flat_map(|s| &s.links);
        let entry = |(index, link): (&u32, &crate::net::Link)| DirEntry {
            name: link.name.clone(),
            ino: u64::from(*index),
            kind: FileType::Directory,
        };
        let mut all: Vec<DirEntry> = links.map(entry).collect();
        all.sort();
        all
    }

    /// Files of a link.
    pub fn sysnet_entries(&self, node: NetNode) -> Res<Vec<DirEntry>> {
        if node.file.is_some() {
            return Err(Errno::ENOTDIR);
        }
        Ok(FILES.iter().map(|f| DirEntry { name: (*f).to_owned(), ino: 1, kind: FileType::Regular }).collect())
    }

    /// The name of a node.
    pub fn sysnet_name(&self, node: NetNode) -> String {
        match node.file.and_then(|i| FILES.get(usize::from(i))) {
            Some(name) => (*name).to_owned(),
            None => self.net.link((node.ns, node.link)).map(|l| l.name.clone()).unwrap_or_default(),
        }
    }

    /// The directory that holds a node.
    pub fn sysnet_parent(&self, node: NetNode) -> Node {
        match node.file {
            Some(_) => Node::Net(NetNode { file: None, ..node }),
            None => Node::Plain(self.fs.class_net),
        }
    }

    /// stat(2)
    pub fn sysnet_stat(&self, sb: SbId, node: NetNode) -> Res<Stat> {
        self.net.link((node.ns, node.link)).ok_or(Errno::ENOENT)?;
        let now = self.timestamp();
        let (kind, mode) = if node.file.is_some() { (FileType::Regular, 0o444) } else { (FileType::Directory, 0o755) };
        let ino = u64::from(node.link) * 16 + u64::from(node.file.map_or(0, |f| f + 1)) + 4096;
        Ok(Stat {
            dev: u64::from(sb),
            ino,
            kind,
            mode,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: (0, 0),
            size: 4096,
            atime: now,
            mtime: now,
            ctime: now,
        })
    }

    /// The content of a file.
    pub fn sysnet_read(&self, node: NetNode) -> Res<String> {
        let link = self.show_links(node.ns).into_iter().find(|l| l.index == node.link).ok_or(Errno::ENODEV)?;
        let text = match FILES.get(usize::from(node.file.ok_or(Errno::EISDIR)?)).copied() {
            Some("address") => link.mac,
            // The carrier of a link that is down cannot be asked for.
            Some("carrier") if !link.up => return Err(Errno::EINVAL),
            Some("carrier") => u8::from(link.lower_up).to_string(),
            Some("ifindex") => link.index.to_string(),
            Some("mtu") => link.mtu.to_string(),
            _ if link.kind == "loopback" => "unknown".to_owned(),
            _ => if link.lower_up { "up" } else { "down" }.to_owned(),
        };
        Ok(format!("{text}\n"))
    }
}
