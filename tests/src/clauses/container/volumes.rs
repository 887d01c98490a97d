//! Volumes as people handle them: made, listed, looked at, removed, pruned, and the options of the `local` driver.

use crate::ask;
use crate::clause::Clause;
use crate::outcome::{Checked, contains, equal, holds};
use crate::world::World;
use drydock_core::Error;
use drydock_core::container::mounts::parse_mount;
use drydock_core::container::volume::VolumeRequest;
use drydock_core::engine::{PruneFilters, RemoveOptions};

const CREATE: &str = "Docker CLI reference, docker volume create";
const LIST: &str = "Docker CLI reference, docker volume ls";
const REMOVE: &str = "Docker CLI reference, docker volume rm";
const PRUNE: &str = "Docker CLI reference, docker volume prune";
const MOUNT: &str = "Docker CLI reference, docker container run --mount";

fn request(name: &str, options: &[(&str, &str)], labels: &[(&str, &str)]) -> VolumeRequest {
    let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    VolumeRequest { name: name.to_owned(), driver: String::new(), options: map(options), labels: map(labels) }
}

fn make(w: &World<'_>, name: &str) -> Checked {
    w.engine().volume_create(&request(name, &[], &[]))?;
    Ok(())
}

fn names(w: &World<'_>, filters: &[(&str, &str)]) -> Checked<Vec<String>> {
    let filters: Vec<_> = filters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Ok(w.engine().volumes(&filters)?.into_iter().map(|v| v.record.name).collect())
}

fn refused<T>(answer: Result<T, Error>, words: &str) -> Checked {
    match answer {
        Err(error) => contains("message", &error.to_string(), words),
        Ok(_) => holds(format!("it is refused with {words}"), false),
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-VOL-17", "A volume that was made is there with its labels, and a container gets it as it is.", CREATE, |w| {
        w.engine().volume_create(&request("made", &[], &[("a", "1")]))?;
        equal("labels", w.engine().volume("made")?.record.labels.get("a").map(String::as_str), Some("1"))?;
        w.sh_with("echo x >/v/f", |c| c.mounts.push(ask::volume("made", "/v")))?.exits(0)?;
        w.sh_with("cat /v/f", |c| c.mounts.push(ask::volume("made", "/v")))?.prints("x")?.done()
    }),
    Clause::docker("CTR-VOL-18", "Making a volume that is there changes nothing of it.", CREATE, |w| {
        w.engine().volume_create(&request("twice", &[], &[("a", "1")]))?;
        let before = w.engine().volume("twice")?;
        equal("answer", w.engine().volume_create(&request("twice", &[], &[("b", "2")]))?, before.clone())?;
        equal("volume", w.engine().volume("twice")?, before)
    }),
    Clause::docker("CTR-VOL-19", "A volume made without a name gets 64 hexadecimal digits.", CREATE, |w| {
        let name = w.engine().volume_create(&request("", &[], &[]))?.record.name;
        holds(&name, name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()))
    }),
    Clause::docker("CTR-VOL-20", "Names, options and drivers that are none are refused.", CREATE, |w| {
        let try_it = |name: &str, options: &[(&str, &str)]| w.engine().volume_create(&request(name, options, &[]));
        refused(try_it("bad name", &[]), "create bad name: \"bad name\" includes invalid characters for a local volume name")?;
        refused(try_it("a", &[]), "create a: volume name is too short, names should be at least two alphanumeric characters")?;
        refused(try_it("x1", &[("foo", "bar")]), "create x1: invalid option: \"foo\"")?;
        refused(try_it("x2", &[("type", "tmpfs")]), "create x2: missing required option: \"device\"")?;
        let other = VolumeRequest { driver: "nosuch".to_owned(), ..request("x3", &[], &[]) };
        refused(w.engine().volume_create(&other), "create x3: error looking up volume plugin nosuch: plugin \"nosuch\" not found")?;
        equal("volumes", names(w, &[])?, Vec::<String>::new())
    }),
    Clause::docker("CTR-VOL-21", "Volumes are listed by name, and filters choose among them.", LIST, |w| {
        make(w, "bb")?;
        w.engine().volume_create(&request("aa", &[], &[("k", "v")]))?;
        w.sleeper(|c| c.mounts.push(ask::volume("bb", "/b")))?;
        equal("all", names(w, &[])?, vec!["aa".to_owned(), "bb".to_owned()])?;
        for (key, value, wanted) in [
            ("label", "k", "aa"),
            ("label", "k=v", "aa"),
            ("label", "k=w", ""),
            ("name", "a", "aa"),
            ("dangling", "true", "aa"),
            ("dangling", "false", "bb"),
            ("driver", "local", "aa bb"),
            ("driver", "other", ""),
        ] {
            equal(format!("{key}={value}"), names(w, &[(key, value)])?.join(" "), wanted.to_owned())?;
        }
        refused(names(w, &[("bad", "x")]).map_err(|e| Error::invalid(e.0)), "nvalid filter 'bad'")?;
        refused(names(w, &[("dangling", "x")]).map_err(|e| Error::invalid(e.0)), "Invalid filter 'dangling=[x]'")
    }),
    Clause::docker("CTR-VOL-22", "A volume that a container has is not removed, whether it runs or not.", REMOVE, |w| {
        make(w, "held")?;
        let id = w.sleeper(|c| c.mounts.push(ask::volume("held", "/v")))?;
        let words = format!("remove held: volume is in use - [{id}]");
        refused(w.engine().volume_remove("held", false), &words)?;
        w.kill(&id, "KILL")?;
        w.wait(&id)?;
        refused(w.engine().volume_remove("held", true), &words)?;
        w.remove(&id)?;
        w.engine().volume_remove("held", false)?;
        equal("volumes", names(w, &[])?, Vec::<String>::new())
    }),
    Clause::docker("CTR-VOL-23", "A volume that is not there is an error, and with force none.", REMOVE, |w| {
        refused(w.engine().volume_remove("nosuch", false), "get nosuch: no such volume")?;
        refused(w.engine().volume("nosuch"), "get nosuch: no such volume")?;
        Ok(w.engine().volume_remove("nosuch", true)?)
    }),
    Clause::law("CTR-VOL-24", "Pruning removes volumes that nobody named and no container has; with all, named ones too.", PRUNE, |w| {
        make(w, "named")?;
        w.engine().volume_create(&request("kept", &[], &[("keep", "")]))?;
        let id = w.sleeper(|c| c.mounts.push(ask::volume("", "/anon")))?;
        let anonymous = w.record(&id)?.config.mounts[0].source.clone();
        let prune = |all: bool, filters: PruneFilters| w.engine().prune_volumes(all, &filters);
        equal("while it is used", prune(false, PruneFilters::default())?.removed, Vec::<String>::new())?;
        w.kill(&id, "KILL")?;
        w.wait(&id)?;
        w.engine().remove(&id, RemoveOptions::default())?;
        equal("then", prune(false, PruneFilters::default())?.removed, vec![anonymous])?;
        let unkept = PruneFilters { without_labels: vec!["keep".to_owned()], ..PruneFilters::default() };
        equal("dry", prune(true, PruneFilters { dry_run: true, ..unkept.clone() })?.removed, vec!["named".to_owned()])?;
        equal("all without the label", prune(true, unkept)?.removed, vec!["named".to_owned()])?;
        equal("left", names(w, &[])?, vec!["kept".to_owned()])
    }),
    Clause::docker(
        "CTR-VOL-25",
        "A volume can be a file system in memory: containers that run share it, and it goes with the last.",
        CREATE,
        |w| {
            w.engine().volume_create(&request("mem", &[("type", "tmpfs"), ("device", "tmpfs"), ("o", "size=1m,uid=1000")], &[]))?;
            let one = w.sleeper(|c| c.mounts.push(ask::volume("mem", "/m")))?;
            w.exec(&one, &["sh", "-c", "grep -c ' /m tmpfs ' /proc/mounts; stat -c %u /m; echo x >/m/f"])?.prints("1\n1000")?;
            w.sh_with("cat /m/f", |c| c.mounts.push(ask::volume("mem", "/m")))?.prints("x")?;
            w.exec(&one, &["cat", "/m/f"])?.prints("x")?;
            w.kill(&one, "KILL")?;
            w.wait(&one)?;
            w.sh_with("ls /m", |c| c.mounts.push(ask::volume("mem", "/m")))?.prints("")?.done()
        },
    ),
    Clause::docker("CTR-VOL-26", "A volume can be a directory of the host; one that is not there is refused at the start.", CREATE, |w| {
        let dir = format!("{}/bound", w.scratch());
        w.host(&format!("mkdir -p {dir} && echo hers >{dir}/f"))?.exits(0)?;
        w.engine().volume_create(&request("bound", &[("type", "none"), ("device", &dir), ("o", "bind")], &[]))?;
        w.sh_with("cat /b/f; echo x >/b/g", |c| c.mounts.push(ask::volume("bound", "/b")))?.prints("hers")?;
        w.host(&format!("cat {dir}/g; rm -r {dir}"))?.prints("x")?;
        let error = w.refused(&["true"], |c| c.mounts.push(ask::volume("bound", "/b")))?;
        contains("message", &error.to_string(), "error while mounting volume '")?;
        contains("message", &error.to_string(), "failed to mount local volume: mount")
    }),
    Clause::docker("CTR-VOL-27", "--mount makes a volume with options and labels, and one that is there keeps its own.", MOUNT, |w| {
        let mount = |text: &str| parse_mount(text).map_err(|e| Error::invalid(e.to_string()));
        let text = "type=volume,src=mm,dst=/m,volume-label=z=1,volume-opt=type=tmpfs,volume-opt=device=tmpfs";
        let first = mount(text)?;
        w.sh_with("grep -c ' /m tmpfs ' /proc/mounts", |c| c.mounts.push(first))?.prints("1")?;
        let record = w.engine().volume("mm")?.record;
        equal("label", record.labels.get("z").map(String::as_str), Some("1"))?;
        let second = mount("type=volume,src=mm,dst=/m,volume-opt=foo=bar")?;
        w.sh_with("true", |c| c.mounts.push(second))?.exits(0)?;
        equal("record", w.engine().volume("mm")?.record, record)?;
        let third = mount("type=volume,src=m2,dst=/m,volume-opt=foo=bar")?;
        contains("message", &w.refused(&["true"], |c| c.mounts.push(third))?.to_string(), "create m2: invalid option: \"foo\"")
    }),
    Clause::law("CTR-VOL-28", "Part of a volume can be mounted; a link in it leads nowhere else.", MOUNT, |w| {
        let script = "mkdir -p /v/a/b; echo x >/v/a/b/f; ln -s /etc /v/out; ln -s a /v/in";
        w.sh_with(script, |c| c.mounts.push(ask::volume("whole", "/v")))?.exits(0)?;
        let part = |sub: &str| parse_mount(&format!("type=volume,src=whole,dst=/p,volume-subpath={sub}"));
        let good = part("a/b")?;
        w.sh_with("cat /p/f", |c| c.mounts.push(good))?.prints("x")?;
        for sub in ["nosuch", "out"] {
            let bad = part(sub)?;
            contains(sub, &w.refused(&["true"], |c| c.mounts.push(bad))?.to_string(), "cannot access path")?;
        }
        refused(part("../x"), "must be a relative path inside the volume")
    }),
];
