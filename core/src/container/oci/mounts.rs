//! What is mounted in a container, in order: Docker's own mounts, then the person's, a mount below another one after it.

use super::{Request, incomplete};
use crate::container::layout::Layout;
use crate::container::{MountKind, MountRequest, NamespaceMode, defaults};
use crate::error::{Error, Result};
use crate::id::ChainId;
use crate::kernel::NamespaceKind;
use oci_spec::runtime::{Mount, MountBuilder};

/// Every mount of a container.
pub(super) fn mounts(request: &Request<'_>) -> Result<Vec<Mount>> {
    let config = &request.record.config;
    let place = Layout::of(request.facts);
    let mut own: Vec<&MountRequest> = config.mounts.iter().collect();
    // Stable: of two on one depth the first asked for is mounted first.
    own.sort_by_key(|mount| mount.target.matches('/').count());
    let replaced = |target: &str| own.iter().any(|mount| mount.target == target);

    let mut all = Vec::new();
    for (target, kind, source, options) in standard(request)? {
        if !replaced(target) {
            all.push(mount(target, kind, &source, options)?);
        }
    }
    let files = [
        ("/etc/resolv.conf", place.resolv_conf(&request.record.id)),
        ("/etc/hostname", place.hostname(&request.record.id)),
        ("/etc/hosts", place.hosts(&request.record.id)),
    ];
    for (target, source) in files {
        if !replaced(target) {
            let access = if config.read_only { "ro" } else { "rw" };
            all.push(mount(target, "bind", &source, words(&["rbind", "rprivate", access]))?);
        }
    }
    for wanted in own {
        all.push(asked(wanted, &place)?);
    }
    Ok(all)
}

type Row = (&'static str, &'static str, String, Vec<String>);

/// What every container has (features DX-02 to DX-08; moby `oci/defaults.go`).
fn standard(request: &Request<'_>) -> Result<Vec<Row>> {
    let config = &request.record.config;
    let access = if config.privileged { "rw" } else { "ro" };
    let groups = if super::security::Options::parse(&config.security_opt)?.writable_cgroups { "rw" } else { access };
    let mut rows = vec![
        ("/proc", "proc", "proc".to_owned(), words(&["nosuid", "noexec", "nodev"])),
        ("/dev", "tmpfs", "tmpfs".to_owned(), words(&["nosuid", "strictatime", "mode=755", "size=65536k"])),
        ("/dev/pts", "devpts", "devpts".to_owned(), words(&["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"])),
        ("/sys", "sysfs", "sysfs".to_owned(), words(&["nosuid", "noexec", "nodev", access])),
        ("/sys/fs/cgroup", "cgroup", "cgroup".to_owned(), words(&["nosuid", "noexec", "nodev", "relatime", groups])),
    ];
    // Mounted anew it shows the queues of the namespace it is mounted in, the host's too, where the host may have it nowhere.
    rows.push(("/dev/mqueue", "mqueue", "mqueue".to_owned(), words(&["nosuid", "noexec", "nodev"])));
    let donor = request.joins.iter().find(|join| join.kind == NamespaceKind::Ipc);
    if let (NamespaceMode::Container(_), Some(donor)) = (&config.ipc, donor) {
        // With the namespace comes its memory, which is mounted in the other's mount namespace only.
        rows.push(("/dev/shm", "bind", format!("/proc/{}/root/dev/shm", donor.of.pid), words(&["rbind", "rprivate"])));
    } else if config.ipc == NamespaceMode::Host {
        rows.push(("/dev/shm", "bind", "/dev/shm".to_owned(), words(&["rbind", "rprivate"])));
    } else if config.ipc != NamespaceMode::None {
        let size = format!("size={}", config.shm_size.filter(|n| *n > 0).unwrap_or(defaults::SHM_SIZE));
        rows.push(("/dev/shm", "tmpfs", "shm".to_owned(), words(&["nosuid", "noexec", "nodev", "mode=1777", &size])));
    }
    Ok(rows)
}

/// The option of an image's mount that says where its files are: `CHAIN/PATH`, a directory or file of one layer. There is one for each
/// layer that has a part of them, from the top; nobody can ask for it.
pub(crate) const IMAGE_PLACE: &str = "image-place";
/// The option of an image's mount that says which image its name meant.
pub(crate) const IMAGE_ID: &str = "image-id";

/// The path of the host that a word of [`IMAGE_PLACE`] means.
fn image_place(word: &str, layout: &Layout) -> String {
    let (chain, path) = word.split_once('/').unwrap_or((word, ""));
    let layer = layout.layer(&ChainId::new(chain));
    if path.is_empty() { layer } else { format!("{layer}/{path}") }
}

/// One that a person asked for.
pub(crate) fn asked(wanted: &MountRequest, place: &Layout) -> Result<Mount> {
    let access = if wanted.read_only { "ro" } else { "rw" };
    match wanted.kind {
        MountKind::Tmpfs => {
            let mut options = words(&["nosuid", "nodev", "noexec", access]);
            for word in &wanted.options {
                // The person's word takes the place of its opposite.
                let opposite = word.strip_prefix("no").map_or_else(|| format!("no{word}"), str::to_owned);
                options.retain(|known| *known != opposite && known != word);
                options.push(word.clone());
            }
            options.extend(wanted.size.map(|size| format!("size={size}")));
            options.extend(wanted.mode.map(|mode| format!("mode={mode:o}")));
            mount(&wanted.target, "tmpfs", "tmpfs", options)
        }
        MountKind::Image => {
            let places: Vec<String> = wanted.words(IMAGE_PLACE).map(|p| image_place(p, place)).collect();
            match places.as_slice() {
                [] => Err(Error::invalid(format!("the image at {} is not looked up yet", wanted.target))),
                [only] => mount(&wanted.target, "bind", only, words(&["bind", "rprivate", "ro"])),
                many => {
                    let lower = format!("lowerdir={}", many.join(":"));
                    // One page is what mount(2) takes, and neither mark can stand in a name here.
                    if lower.len() >= 4096 || many.iter().any(|p| p.contains([':', ',', '\\'])) {
                        return Err(Error::unsupported(format!("a mount of {} at {}", wanted.source, wanted.target))
                            .hint("it has too many layers, or a path with a colon, comma or backslash"));
                    }
                    mount(&wanted.target, "overlay", "overlay", words(&["ro", &lower]))
                }
            }
        }
        MountKind::Bind | MountKind::Volume => {
            let recursive = if wanted.options.iter().any(|o| o == "bind-recursive=disabled") { "bind" } else { "rbind" };
            let propagation = if wanted.propagation.is_empty() { "rprivate" } else { &wanted.propagation };
            let source = match wanted.kind {
                MountKind::Volume if wanted.source.is_empty() => {
                    return Err(Error::invalid(format!("the volume at {} has no name yet", wanted.target)));
                }
                // The dot says from where on links are not followed: what is below it is the containers'.
                MountKind::Volume => match wanted.words("volume-subpath").last() {
                    Some(sub) => format!("{}/./{sub}", place.volume(&wanted.source)),
                    None => place.volume(&wanted.source),
                },
                _ => wanted.source.clone(),
            };
            mount(&wanted.target, "bind", &source, words(&[recursive, propagation, access]))
        }
    }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn mount(target: &str, kind: &str, source: &str, options: Vec<String>) -> Result<Mount> {
    MountBuilder::default().destination(target).typ(kind).source(source).options(options).build().map_err(incomplete)
}
