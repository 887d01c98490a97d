//! Volumes: what is in a new one, who else has it, and when it goes.

use crate::ask;
use crate::clause::Clause;
use crate::fixture::{Entry, append};
use crate::outcome::{Checked, contains, equal, holds};
use crate::world::World;
use drydock_core::container::{ContainerConfig, MountRequest};

const VOLUMES: &str = "Docker manual, Volumes";
const FROM: &str = "Docker CLI reference, docker container run --volumes-from";
const LOOK: &str = "cd /data && stat -c '%n %a %u:%g' . f sub/s && readlink l && cat f";

/// An image with files in /data, and that directory a volume if so asked.
fn image(w: &World<'_>, volume: bool) -> Checked {
    let entries = [
        Entry::dir("data").mode(0o1777).owner(5, 6),
        Entry::file("data/f", "hello").mode(0o640).owner(5, 6),
        Entry::symlink("data/l", "f"),
        Entry::dir("data/sub"),
        Entry::program("data/sub/s", "").mode(0o4755).owner(1000, 2000),
    ];
    let changes: &[&str] = if volume { &["VOLUME /data"] } else { &[] };
    w.import(&append(w.busybox().to_vec(), &entries), "vol:1", changes).map(drop)
}

fn with(c: &mut ContainerConfig, mount: MountRequest) {
    c.image = "vol:1".to_owned();
    c.mounts.push(mount);
}

/// Removes named volumes that a clause made: nothing else may stay behind.
fn forget(w: &World<'_>, names: &[&str]) -> Checked {
    for name in names {
        w.engine().volume_remove(name, true)?;
    }
    Ok(())
}

fn access(w: &World<'_>, tweak: impl FnOnce(&mut ContainerConfig)) -> Checked<Vec<String>> {
    let script = "grep -E ' /(d1|d2|d3|data) ' /proc/mounts | while read a b c d e; do echo $b ${d%%,*}; done | sort";
    Ok(w.sh_with(script, tweak)?.exits(0)?.lines())
}

/// The directories of volumes; dockerd keeps two files of its own beside them.
fn names_below(w: &World<'_>, volumes: &str) -> Checked<String> {
    let all = w.host(&format!("ls {volumes}"))?.text();
    Ok(all.lines().filter(|name| !matches!(*name, "metadata.db" | "backingFsBlockDev")).collect::<Vec<_>>().join("\n"))
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "CTR-VOL-1",
        "A new volume begins with what the image has there: files, links, owners, modes, and those of the directory itself.",
        VOLUMES,
        |w| {
            image(w, false)?;
            let wanted = ". 1777 5:6\nf 640 5:6\nsub/s 4755 1000:2000\nf\nhello";
            w.sh_with(LOOK, |c| with(c, ask::volume("vol1", "/data")))?.prints(wanted)?;
            w.clean()?;
            forget(w, &["vol1"])
        },
    ),
    Clause::docker("CTR-VOL-2", "A volume that holds something keeps that, whatever the image has there.", VOLUMES, |w| {
        image(w, false)?;
        w.sh_with("rm /data/f; echo own >/data/own", |c| with(c, ask::volume("vol2", "/data")))?.exits(0)?;
        w.sh_with("cat /data/own; ls /data", |c| with(c, ask::volume("vol2", "/data")))?.prints("own\nl\nown\nsub")?;
        w.clean()?;
        forget(w, &["vol2"])
    }),
    Clause::docker("CTR-VOL-3", "With nocopy a new volume is empty, and root's.", VOLUMES, |w| {
        image(w, false)?;
        let nocopy = || MountRequest { options: vec!["nocopy".to_owned()], ..ask::volume("vol3", "/data") };
        w.sh_with("ls /data; stat -c '%a %u:%g' /data", |c| with(c, nocopy()))?.prints("755 0:0")?;
        w.clean()?;
        forget(w, &["vol3"])
    }),
    Clause::docker("CTR-VOL-4", "A volume at a path that the image does not have is an empty directory there.", VOLUMES, |w| {
        w.sh_with("ls /new/dir; stat -c '%a %u:%g' /new/dir", |c| c.mounts.push(ask::volume("", "/new/dir")))?.prints("755 0:0")?.done()
    }),
    Clause::docker("CTR-VOL-5", "The content is copied when the container is made, and not again when it starts.", VOLUMES, |w| {
        image(w, false)?;
        let id = w.create(&["ls", "/data"], |c| with(c, ask::volume("vol5", "/data")))?;
        w.sh_with("ls /x; rm -r /x/*", |c| c.mounts.push(ask::volume("vol5", "/x")))?.prints("f\nl\nsub")?;
        w.engine().start(&id)?;
        equal("exit code", w.wait(&id)?, 0)?;
        equal("log", w.log_text(&id)?, "")?;
        w.clean()?;
        forget(w, &["vol5"])
    }),
    Clause::docker(
        "CTR-VOL-6",
        "A volume of the image has no name, holds the image's content, and goes with its container.",
        VOLUMES,
        |w| {
            image(w, true)?;
            let id = w.create(&["sh", "-c", LOOK], |c| c.image = "vol:1".to_owned())?;
            let volumes = format!("{}/volumes", w.engine().facts().data_root);
            let name = names_below(w, &volumes)?;
            equal("the length of its name", name.len(), 64)?;
            w.engine().start(&id)?;
            equal("exit code", w.wait(&id)?, 0)?;
            w.remove(&id)?;
            equal("what is left", names_below(w, &volumes)?, "")
        },
    ),
    Clause::docker(
        "CTR-VOL-7",
        "Removing without -v leaves volumes without a name.",
        "Docker CLI reference, docker container rm -v",
        |w| {
            image(w, true)?;
            let id = w.create(&["true"], |c| c.image = "vol:1".to_owned())?;
            w.engine().remove(&id, drydock_core::engine::RemoveOptions { force: false, volumes: false })?;
            let name = names_below(w, &format!("{}/volumes", w.engine().facts().data_root))?;
            equal("the length of its name", name.len(), 64)?;
            forget(w, &[&name])
        },
    ),
    Clause::docker("CTR-VOL-8", "What one container writes to a named volume the next one reads.", VOLUMES, |w| {
        w.sh_with("echo kept >/v/f", |c| c.mounts.push(ask::volume("vol8", "/v")))?.exits(0)?;
        w.run_with(&["cat", "/other/f"], |c| c.mounts.push(ask::volume("vol8", "/other")))?.prints("kept")?;
        w.clean()?;
        forget(w, &["vol8"])
    }),
    Clause::docker("CTR-VOL-9", "A volume can be read-only.", VOLUMES, |w| {
        let read_only = MountRequest { read_only: true, ..ask::volume("named", "/v") };
        w.run_with(&["touch", "/v/x"], |c| c.mounts.push(read_only))?.exits(1)?.complains("Read-only file system")?.done()
    }),
    Clause::docker("CTR-VOL-29", "A volume without a name cannot be read-only: nothing could ever be in it.", VOLUMES, |w| {
        let error = w.refused(&["true"], |c| c.mounts.push(MountRequest { read_only: true, ..ask::volume("", "/v") }))?;
        let words = "invalid mount config for type \"volume\": must not set ReadOnly mode when using anonymous volumes";
        contains("message", &error.to_string(), words)
    }),
    Clause::docker("CTR-VOL-10", "With --read-only a volume can still be written.", VOLUMES, |w| {
        w.sh_with("touch /v/x && echo ok", |c| {
            c.read_only = true;
            c.mounts.push(ask::volume("", "/v"));
        })?
        .prints("ok")?
        .done()
    }),
    Clause::docker(
        "CTR-VOL-11",
        "--volumes-from mounts another's binds and volumes where it has them, as it has them, and no tmpfs.",
        FROM,
        |w| {
            image(w, true)?;
            let dir = w.scratch();
            let id = w.create(&["true"], |c| {
                with(c, ask::volume("", "/d1"));
                c.mounts.extend([ask::bind_read_only(&dir, "/d2"), ask::tmpfs("/d3")]);
            })?;
            let wanted = vec!["/d1 rw".to_owned(), "/d2 ro".to_owned(), "/data rw".to_owned()];
            equal("mounts", access(w, |c| c.volumes_from = vec![id.clone()])?, wanted)
        },
    ),
    Clause::docker("CTR-VOL-12", "--volumes-from NAME:ro has them all read-only; :rw changes nothing.", FROM, |w| {
        let dir = w.scratch();
        let id = w.create(&["true"], |c| c.mounts.extend([ask::volume("", "/d1"), ask::bind_read_only(&dir, "/d2")]))?;
        let read_only = access(w, |c| c.volumes_from = vec![format!("{id}:ro")])?;
        equal("ro", read_only, vec!["/d1 ro".to_owned(), "/d2 ro".to_owned()])?;
        let as_they_are = access(w, |c| c.volumes_from = vec![format!("{id}:rw")])?;
        equal("rw", as_they_are, vec!["/d1 rw".to_owned(), "/d2 ro".to_owned()])
    }),
    Clause::docker("CTR-VOL-13", "A mount of its own goes before one of --volumes-from at the same place.", FROM, |w| {
        let id = w.create(&["true"], |c| c.mounts.push(ask::volume("", "/d1")))?;
        w.sh_with("echo x >/d1/f", |c| c.volumes_from = vec![id.clone()])?.exits(0)?;
        w.run_with(&["cat", "/d1/f"], |c| c.volumes_from = vec![id.clone()])?.prints("x")?;
        w.run_with(&["ls", "/d1"], |c| {
            c.volumes_from = vec![id.clone()];
            c.mounts.push(ask::tmpfs("/d1"));
        })?
        .prints("")?
        .done()
    }),
    Clause::docker("CTR-VOL-14", "--volumes-from wants a container that is there, and a mode that is one.", FROM, |w| {
        let error = w.refused(&["true"], |c| c.volumes_from = vec!["nope".to_owned()])?;
        contains("nobody", &error.to_string(), "No such container: nope")?;
        let id = w.create(&["true"], |_| {})?;
        let error = w.refused(&["true"], |c| c.volumes_from = vec![format!("{id}:foo")])?;
        contains("mode", &error.to_string(), "invalid mode: foo")?;
        let error = w.refused(&["true"], |c| c.volumes_from = vec![String::new()])?;
        contains("nothing", &error.to_string(), "volumes-from specification cannot be an empty string")
    }),
    Clause::docker("CTR-VOL-15", "A volume without a name stays as long as another container has it.", FROM, |w| {
        let first = w.create(&["true"], |c| c.mounts.push(ask::volume("", "/d1")))?;
        let second = w.create(&["cat", "/d1/f"], |c| c.volumes_from = vec![first.clone()])?;
        w.sh_with("echo kept >/d1/f", |c| c.volumes_from = vec![first.clone()])?.exits(0)?;
        w.remove(&first)?;
        w.engine().start(&second)?;
        equal("exit code", w.wait(&second)?, 0)?;
        equal("log", w.log_text(&second)?, "kept\n")?;
        w.clean()?;
        let left = names_below(w, &format!("{}/volumes", w.engine().facts().data_root))?;
        holds("it goes with the last one", left.is_empty())
    }),
    Clause::law(
        "CTR-VOL-16",
        "A link of the image at a volume's place does not lead out of the image.",
        "openat2(2), RESOLVE_IN_ROOT",
        |w| {
            let dir = w.scratch();
            w.host(&format!("echo secret >{dir}/marker"))?.exits(0)?;
            let archive = append(w.busybox().to_vec(), &[Entry::symlink("out", &dir)]);
            w.import(&archive, "out:1", &[])?;
            let out = w.run_with(&["ls", "/out"], |c| {
                c.image = "out:1".to_owned();
                c.mounts.push(ask::volume("", "/out"));
            })?;
            out.prints("")?;
            w.host(&format!("cat {dir}/marker"))?.prints("secret")?.done()
        },
    ),
];
