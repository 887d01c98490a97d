//! `RUN --mount`: what is mounted is made from trees that were selected in memory, so that no link of a stage or of the context
//! leads out of it (CVE-2024-23651, CVE-2024-1753); and places to mount on are taken out of the layer, never off the host
//! (CVE-2024-23652).

use super::cache::MountEntry;
use super::{At, Build};
use crate::build::ignore::Ignore;
use crate::build::key::Key;
use crate::build::mount::{Kind, Mount, Sharing};
use crate::build::place::{self, Content, How, Layer, Packed};
use crate::build::select::{Item, select};
use crate::build::state::RunStep;
use crate::build::walk::resolve;
use crate::container::{MountKind, MountRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Digest;
use crate::image::tar::{self, Entry};
use crate::kernel::{Guard, Hidden, OpenTree, Step};
use crate::store::{Change, Table, put};

/// The lock of a cache mount.
pub(super) fn lock_name(id: &str) -> String {
    format!("build-mount-{id}")
}

/// A mount whose sources are known.
pub(super) struct Prepared {
    /// What it is to the step's key.
    pub(super) key: String,
    pub(super) target: String,
    mount: Mount,
    /// What it begins with: items of a tree.
    content: Option<(Vec<Item>, Box<dyn OpenTree>)>,
}

/// A mount that can be made.
#[derive(Default)]
pub(super) struct Ready {
    pub(super) mounts: Vec<MountRequest>,
    pub(super) guard: Option<Box<dyn Guard>>,
    pub(super) env: Vec<String>,
}

fn request(kind: MountKind, source: String, target: &str, read_only: bool) -> MountRequest {
    MountRequest { source, target: target.to_owned(), read_only, ..MountRequest::of(kind) }
}

impl Build<'_> {
    /// Reads what the mounts of a step take from, and what of it its key depends on.
    pub(super) fn mounts(&self, at: At<'_>, run: &RunStep) -> Result<Vec<Prepared>> {
        run.mounts.iter().map(|(mount, span)| self.prepared(at, mount).map_err(|e| at.located(*span, e))).collect()
    }

    fn prepared(&self, at: At<'_>, mount: &Mount) -> Result<Prepared> {
        let (mut content, mut digest) = (None, String::new());
        let mut take = |from: Option<&str>, source: &str, must: bool| -> Result<()> {
            let (mut tree, identity) = self.source_tree(at, from)?;
            let source = if source.is_empty() { "." } else { source };
            let selected = match select(&mut *tree, source, false, &Ignore::default()) {
                Err(e) if e.kind() == ErrorKind::NotFound && !must => return Ok(()),
                other => other?,
            };
            let of_context = identity.is_empty();
            let found = place::digest(&selected.items, &mut |item| {
                // Of a stack that never changes its name says enough.
                if !of_context {
                    return Ok(Digest::of(format!("{identity} {}", String::from_utf8_lossy(&item.path)).as_bytes()));
                }
                at.plan.context.digest(&item.path).cloned().ok_or_else(|| Error::not_found("a file of the context has no digest"))
            })?;
            digest = found.to_string();
            content = Some((selected.items, tree));
            Ok(())
        };
        let key = Key::new("mount").text("target", &mount.target);
        let key = match &mount.kind {
            Kind::Bind { source, from, writable } => {
                take(from.as_deref(), source, true)?;
                key.text("bind", &digest).text("writable", &writable.to_string())
            }
            Kind::Cache { id, source, from, read_only, mode, uid, gid, .. } => {
                if let Some(from) = from {
                    take(Some(from), source, true)?;
                }
                // What is in it changes nothing: a cache is what a step does as well without.
                key.text("cache", id).text("begins with", &digest).text("as", &format!("{read_only} {mode:o} {uid} {gid}"))
            }
            Kind::Tmpfs { size } => key.text("tmpfs", &format!("{size:?}")),
            Kind::Secret { id, env, required, mode, uid, gid, .. } => {
                if *required && !self.request.secrets.contains_key(id) {
                    return Err(Error::not_found(format!("secret {id}: not found")).hint(format!("give it with --secret id={id},src=FILE")));
                }
                // Neither its bytes nor whether it was given.
                key.text("secret", id).text("as", &format!("{env:?} {mode:o} {uid} {gid}"))
            }
            Kind::Ssh { id, required, .. } => {
                if *required && !self.request.ssh.contains_key(id) {
                    return Err(
                        Error::not_found(format!("no SSH key {id:?} forwarded from the client")).hint(format!("give it with --ssh {id}"))
                    );
                }
                key.text("ssh", id)
            }
        };
        Ok(Prepared { key: key.finish(), target: mount.target.clone(), mount: mount.clone(), content })
    }

    /// A directory of this build with these files in it. `root` is what the directory itself is: mode, user, group.
    fn directory(&self, content: Option<(Vec<Item>, Box<dyn OpenTree>)>, into: &str, root: (u32, u32, u32)) -> Result<()> {
        let mut top = Entry { mode: root.0, uid: root.1, gid: root.2, ..Entry::new("./", tar::Kind::Directory) };
        let (mut entries, mut trees): super::copy::Parts = (Vec::new(), Vec::new());
        if let Some((items, tree)) = content {
            if let Some(first) = items.first().filter(|i| i.to.is_empty()) {
                top = Entry { mode: first.found.mode, uid: first.found.uid, gid: first.found.gid, ..top };
            }
            let mut nothing = self.tree(&[])?;
            let mut layer = Layer::over(&mut *nothing, How { now: self.now, ..How::default() });
            layer.put(0, &items, b"")?;
            entries = layer.finish();
            trees.push(tree);
        }
        entries.insert(0, (top, Content::None));
        let taken = self.intake.blob(&mut Packed::new(entries, trees), u64::MAX, &mut |_| Ok(()))?;
        let archive = self.engine.layout().blob(&taken.digest);
        let parent = into.rsplit_once('/').map_or("/", |(parent, _)| parent).to_owned();
        self.engine.kernel().perform(&Step::MakeDir { path: parent, mode: 0o700 }, None)?;
        let step = Step::UnpackLayer { archive, diff_id: taken.diff_id.as_str().to_owned(), into: into.to_owned(), ahead: None };
        self.engine.kernel().perform(&step, None)
    }

    /// The file of a script, where it is executed.
    pub(super) fn script(&self, text: &str, target: &str) -> Result<MountRequest> {
        let path = format!("{}/script", self.held.secrets()?);
        self.hidden(&path, text.as_bytes(), 0o755, (0, 0))?;
        Ok(request(MountKind::Bind, path, target, true))
    }

    /// Writes a file in memory that no plan and no record has a copy of.
    fn hidden(&self, path: &str, content: &[u8], mode: u32, owner: (u32, u32)) -> Result<()> {
        let parent = path.rsplit_once('/').map_or("/", |(parent, _)| parent).to_owned();
        self.engine.kernel().perform(&Step::MakeDir { path: parent, mode: 0o700 }, None)?;
        let content = Hidden(content.to_vec());
        self.engine.kernel().perform(&Step::WriteHidden { path: path.to_owned(), mode, uid: owner.0, gid: owner.1, content }, None)
    }
}

impl Prepared {
    /// Makes what is mounted.
    pub(super) fn prepare(self, build: &Build<'_>) -> Result<Ready> {
        let Mount { kind, target } = self.mount;
        let mut ready = Ready::default();
        match kind {
            Kind::Tmpfs { size } => ready.mounts.push(MountRequest { size, ..request(MountKind::Tmpfs, String::new(), &target, false) }),
            Kind::Bind { writable, .. } => {
                let single = self.content.as_ref().and_then(|(items, _)| match items.as_slice() {
                    [one] if !one.found.is_dir() => Some(String::from_utf8_lossy(&one.to).into_owned()),
                    _ => None,
                });
                let into = build.held.tree()?;
                build.directory(self.content, &into, (0o755, 0, 0))?;
                let source = single.map_or_else(|| into.clone(), |name| format!("{into}/{name}"));
                ready.mounts.push(request(MountKind::Bind, source, &target, !writable));
            }
            Kind::Cache { id, read_only, sharing, mode, uid, gid, .. } => {
                let (path, guard) = cache_directory(build, &id, sharing, self.content, (mode, uid, gid))?;
                ready.guard = guard;
                ready.mounts.push(request(MountKind::Bind, path, &target, read_only));
            }
            Kind::Secret { id, env, file, mode, uid, gid, .. } => {
                let Some(secret) = build.request.secrets.get(&id) else { return Ok(ready) };
                if let Some(name) = env {
                    ready.env.push(format!("{name}={}", String::from_utf8_lossy(&secret.content)));
                }
                if file {
                    let path = format!("{}/secret-{}", build.held.secrets()?, &Digest::of(target.as_bytes()).hex()[..16]);
                    build.hidden(&path, &secret.content, mode, (uid, gid))?;
                    ready.mounts.push(request(MountKind::Bind, path, &target, true));
                }
            }
            Kind::Ssh { id, .. } => {
                let Some(socket) = build.request.ssh.get(&id) else { return Ok(ready) };
                ready.mounts.push(request(MountKind::Bind, socket.clone(), &target, false));
                ready.env.push(format!("SSH_AUTH_SOCK={target}"));
            }
        }
        Ok(ready)
    }
}

/// The directory of a cache mount, made if it is not there; locked if it is for one build at a time.
fn cache_directory(
    build: &Build<'_>,
    id: &str,
    sharing: Sharing,
    content: Option<(Vec<Item>, Box<dyn OpenTree>)>,
    root: (u32, u32, u32),
) -> Result<(String, Option<Box<dyn Guard>>)> {
    let engine = build.engine;
    // The id is a name of ours from here on: whatever it says, it leads nowhere (CVE-2024-23651, CVE-2024-9675).
    let base = Digest::of(id.as_bytes()).hex()[..32].to_owned();
    let mut name = base.clone();
    let guard = match sharing {
        Sharing::Shared => None,
        Sharing::Locked => Some(engine.lock(&lock_name(&name))?),
        Sharing::Private => {
            let mut number = 0;
            loop {
                if let Some(guard) = engine.kernel().lock(&lock_name(&name))? {
                    break Some(guard);
                }
                number += 1;
                name = format!("{base}-{number}");
            }
        }
    };
    let path = format!("{}/build-mounts/{name}", engine.layout().data_root());
    let key = format!("build/mount/{name}");
    let now = engine.time();
    let before = engine.store().get(Table::Meta, &key)?;
    let record = match before.as_deref() {
        Some(bytes) => MountEntry { used: now, ..crate::store::decode(Table::Meta, &key, bytes)? },
        None => MountEntry { id: id.to_owned(), created: now, used: now },
    };
    match engine.store().commit(&[Change::Expect(Table::Meta, key.clone(), before), put(Table::Meta, &key, &record)?]) {
        Err(e) if e.kind() == ErrorKind::Stale => {}
        other => other?,
    }
    let _making = engine.lock(&format!("build-making-{name}"))?;
    match engine.kernel().size(&path) {
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => build.directory(content, &path, root)?,
        Err(e) => return Err(e),
    }
    Ok((path, guard))
}

/// Takes out of a layer what is there only for mounts: places that were made to mount on, and directories that hold nothing else
/// and are as the image has them but for their time.
pub(super) fn without_places(entries: &mut Vec<(Entry, Content)>, base: &mut dyn OpenTree, targets: &[String]) -> Result<()> {
    let mut places: Vec<Vec<u8>> = Vec::new();
    for target in targets {
        let place = resolve(base, target.as_bytes(), true)?;
        // Every directory on the way, the deepest first.
        let mut path = place.path;
        while !path.is_empty() {
            if !places.contains(&path) {
                places.push(path.clone());
            }
            path.truncate(path.iter().rposition(|b| *b == b'/').unwrap_or(0));
        }
    }
    places.sort_by_key(|p| std::cmp::Reverse(p.len()));
    let bare = |entry: &Entry| entry.path.strip_suffix(b"/").unwrap_or(&entry.path).to_vec();
    for place in places {
        let below = [place.as_slice(), b"/"].concat();
        if entries.iter().any(|(e, _)| bare(e).starts_with(&below)) {
            continue;
        }
        let old = base.look(&place)?;
        entries.retain(|(entry, content)| {
            if bare(entry) != place {
                return true;
            }
            let empty = *content == Content::None && matches!(entry.kind, tar::Kind::Directory | tar::Kind::File);
            let unchanged = match &old {
                None => true,
                Some(old) => old.is_dir() && (old.mode, old.uid, old.gid, &old.xattrs) == (entry.mode, entry.uid, entry.gid, &entry.xattrs),
            };
            !(empty && unchanged)
        });
    }
    Ok(())
}
