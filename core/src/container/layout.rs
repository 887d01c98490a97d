//! Where everything of Drydock lies on a host: pure functions of the two roots and an id.
//!
//! Durable state is below the data root, state of this boot below the run root. No file of a container is named anywhere else,
//! so that removing is one [`Layout::container`] and one [`Layout::run`], and nothing can be forgotten.

use crate::id::{ChainId, ContainerId, Digest, hex};
use crate::kernel::Facts;
use sha2::Digest as _;

/// The two roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    data: String,
    run: String,
}

impl Layout {
    /// A layout below these roots. A slash at the end of a root makes no difference.
    pub fn new(data_root: &str, run_root: &str) -> Self {
        Self { data: data_root.trim_end_matches('/').to_owned(), run: run_root.trim_end_matches('/').to_owned() }
    }

    /// The layout of a host.
    pub fn of(facts: &Facts) -> Self {
        Self::new(&facts.data_root, &facts.run_root)
    }

    /// Everything durable of a container.
    pub fn container(&self, id: &ContainerId) -> String {
        format!("{}/containers/{}", self.data, component(id.as_str()))
    }

    /// Its writable layer: overlayfs's `upperdir`.
    pub fn upper(&self, id: &ContainerId) -> String {
        format!("{}/upper", self.container(id))
    }

    /// overlayfs's `workdir`, on the same file system as the upper one.
    pub fn work(&self, id: &ContainerId) -> String {
        format!("{}/work", self.container(id))
    }

    /// Where its root is mounted, in its own mount namespace only.
    pub fn merged(&self, id: &ContainerId) -> String {
        format!("{}/merged", self.container(id))
    }

    /// A record of its layers' chain ids, lowest first, a line each: what its root is stacked from.
    pub fn lower(&self, id: &ContainerId) -> String {
        format!("{}/lower", self.container(id))
    }

    /// The file bound on /etc/hosts.
    pub fn hosts(&self, id: &ContainerId) -> String {
        format!("{}/hosts", self.container(id))
    }

    /// The file bound on /etc/hostname.
    pub fn hostname(&self, id: &ContainerId) -> String {
        format!("{}/hostname", self.container(id))
    }

    /// The file bound on /etc/resolv.conf.
    pub fn resolv_conf(&self, id: &ContainerId) -> String {
        format!("{}/resolv.conf", self.container(id))
    }

    /// Its log in Docker's `json-file` format.
    pub fn log(&self, id: &ContainerId) -> String {
        format!("{}/{}-json.log", self.container(id), component(id.as_str()))
    }

    /// The system calls that its filter refused, where they are written down.
    pub fn refused_calls(&self, id: &ContainerId) -> String {
        format!("{}/refused-calls.json", self.container(id))
    }

    /// What was written to the file that a person wanted its first process's number in: by it Drydock's own is known.
    pub fn pid_written(&self, id: &ContainerId) -> String {
        format!("{}/pid-written", self.container(id))
    }

    /// Everything of a container that means nothing after a reboot.
    pub fn run(&self, id: &ContainerId) -> String {
        format!("{}/containers/{}", self.run, component(id.as_str()))
    }

    /// Its supervisor's socket. Short, since the address of a Unix socket has 107 bytes (unix(7)).
    pub fn socket(&self, id: &ContainerId) -> String {
        format!("{}/s/{}", self.run, component(id.as_str()).get(..24).unwrap_or("short"))
    }

    /// A lock file.
    pub fn lock(&self, name: &str) -> String {
        format!("{}/locks/{}", self.run, component(name))
    }

    /// Where a layer is unpacked while its archive is still taken in: beside the others, for rename(2) to work.
    pub fn ahead(&self, name: &str) -> String {
        format!("{}/layers/.ahead-{}", self.data, component(name))
    }

    /// An unpacked layer: its files, with overlayfs's whiteouts.
    pub fn layer(&self, chain: &ChainId) -> String {
        format!("{}/layers/{}", self.data, component(chain.as_str().trim_start_matches("sha256:")))
    }

    /// A blob, as the OCI image layout names it (image-spec image-layout.md "Blobs").
    pub fn blob(&self, digest: &Digest) -> String {
        format!("{}/blobs/sha256/{}", self.data, component(digest.hex()))
    }

    /// A volume's files.
    pub fn volume(&self, name: &str) -> String {
        format!("{}/volumes/{}/_data", self.data, component(name))
    }

    /// Where files wait until they are whole. On the file system of the data root, so that they can be renamed into it.
    pub fn scratch(&self) -> String {
        format!("{}/tmp", self.data)
    }

    /// The control group above those of all containers of this data root, relative to each hierarchy's root. Groups are one
    /// tree for the whole machine, whatever namespaces an engine is in: a data root of one's own has a group of one's own, so that
    /// no engine takes another's containers for its own leftovers.
    pub fn groups(&self) -> String {
        if self.data == DATA_ROOT {
            return "drydock".to_owned();
        }
        let name = hex(&sha2::Sha256::digest(self.data.as_bytes()));
        format!("drydock-{}", name.get(..8).unwrap_or("other"))
    }

    /// The control group of a container, relative to each hierarchy's root: `drydock/ID`.
    pub fn cgroup(&self, id: &ContainerId) -> String {
        format!("{}/{}", self.groups(), component(id.as_str()))
    }

    /// The same below another group than Drydock's own: `PARENT/ID`.
    pub fn cgroup_in(&self, parent: Option<&str>, id: &ContainerId) -> String {
        parent.map_or_else(|| self.cgroup(id), |parent| format!("{parent}/{}", component(id.as_str())))
    }

    /// Where it is written below which group a container's own is, if not below Drydock's.
    pub fn cgroup_parent(&self, id: &ContainerId) -> String {
        format!("{}/cgroup-parent", self.run(id))
    }

    /// The data root.
    pub fn data_root(&self) -> &str {
        &self.data
    }

    /// The run root.
    pub fn run_root(&self) -> &str {
        &self.run
    }
}

/// The data root of a host whose owner did not say where.
pub const DATA_ROOT: &str = "/var/lib/drydock";

/// A name as one path component. A well-formed one stays as it is; any other becomes its own digest, so that no name, however it
/// came into a record, leads out of its directory, and two names never share a path.
fn component(name: &str) -> String {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.bytes().all(fine) {
        name.to_owned()
    } else {
        format!("x-{}", hex(&sha2::Sha256::digest(name.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout() -> Layout {
        Layout::new("/var/lib/drydock/", "/run/drydock")
    }

    #[test]
    fn a_container_has_its_files_where_docker_users_look() {
        let id = ContainerId::new("ab".repeat(32));
        let id_text = id.as_str().to_owned();
        assert_eq!(layout().log(&id), format!("/var/lib/drydock/containers/{id_text}/{id_text}-json.log"));
        assert_eq!(layout().socket(&id), format!("/run/drydock/s/{}", "ab".repeat(12)));
        assert_eq!(layout().layer(&ChainId::new(format!("sha256:{id_text}"))), format!("/var/lib/drydock/layers/{id_text}"));
        assert_eq!(layout().cgroup(&id), format!("drydock/{id_text}"));
    }

    #[test]
    fn two_data_roots_have_two_groups() {
        let groups = |root: &str| Layout::new(root, "/run/drydock").groups();
        assert_eq!(groups("/srv/a/"), groups("/srv/a"));
        assert_ne!(groups("/srv/a"), groups("/srv/b"));
        assert_ne!(groups("/srv/a"), groups(DATA_ROOT));
    }

    proptest! {
        #[test]
        fn no_name_leads_out(name in ".*") {
            let id = ContainerId::new(name.clone());
            let l = layout();
            for path in [l.container(&id), l.log(&id), l.upper(&id), l.volume(&name), l.layer(&ChainId::new(name.clone()))] {
                prop_assert!(path.starts_with("/var/lib/drydock/"));
                prop_assert!(path.split('/').skip(1).all(|part| !part.is_empty() && part != "." && part != ".."));
                prop_assert!(!path.contains('\0'));
            }
            for path in [l.run(&id), l.socket(&id), l.lock(&name)] {
                prop_assert!(path.starts_with("/run/drydock/"));
                prop_assert!(path.split('/').skip(1).all(|part| !part.is_empty() && part != "." && part != ".."));
            }
        }

        #[test]
        fn two_names_never_share_a_path(a in "[a-zA-Z0-9_./-]{0,12}", b in "[a-zA-Z0-9_./-]{0,12}") {
            prop_assert_eq!(a == b, layout().lock(&a) == layout().lock(&b));
        }
    }
}
