//! What a person mounts: binds and tmpfs.

use crate::ask;
use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Entry, append};
use crate::outcome::{contains, equal, holds};
use drydock_core::container::MountRequest;
use drydock_core::host::Capability;

const BIND: &str = "Docker manual, Bind mounts";
const PROPAGATION: &str = "Docker manual, Bind mounts, Configure bind propagation; mount_namespaces(7)";
const TMPFS: &str = "Docker manual, tmpfs mounts";

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-MOUNT-1", "A bound directory of the host is read and written from both sides.", BIND, |w| {
        let dir = w.scratch();
        w.host(&format!("echo fromhost >{dir}/f"))?.exits(0)?;
        w.sh_with("cat /b/f; echo back >/b/g", |c| c.mounts.push(ask::bind(&dir, "/b")))?.prints("fromhost")?;
        w.host(&format!("cat {dir}/g"))?.prints("back")?.done()
    }),
    Clause::docker("CTR-MOUNT-2", "A directory bound read-only cannot be written.", BIND, |w| {
        let dir = w.scratch();
        w.host(&format!("echo fromhost >{dir}/f"))?.exits(0)?;
        let out = w.sh_with("cat /b/f; echo back >/b/g", |c| c.mounts.push(ask::bind_read_only(&dir, "/b")))?;
        out.exits(1)?.says("fromhost")?.complains("Read-only file system")?;
        w.host(&format!("ls {dir}"))?.prints("f")?.done()
    }),
    Clause::docker("CTR-MOUNT-3", "A single file can be bound, and its target is made.", BIND, |w| {
        let dir = w.scratch();
        w.host(&format!("echo fromhost >{dir}/f"))?.exits(0)?;
        w.run_with(&["cat", "/made/for/it"], |c| c.mounts.push(ask::bind(&format!("{dir}/f"), "/made/for/it")))?.prints("fromhost")?.done()
    }),
    Clause::docker("CTR-MOUNT-4", "-v makes a missing directory of the host, root's and 0755; --mount refuses it by name.", BIND, |w| {
        let missing = format!("{}/missing", w.scratch());
        let strict = |c: &mut drydock_core::container::ContainerConfig| {
            c.mounts.push(MountRequest { create_source: false, ..ask::bind(&missing, "/b") });
        };
        let error = w.refused(&["true"], strict)?;
        contains("message", &error.to_string(), &format!("bind source path does not exist: {missing}"))?;
        w.run_with(&["stat", "-c", "%u:%g %a", "/b"], |c| c.mounts.push(ask::bind(&missing, "/b")))?.prints("0:0 755")?;
        w.host(&format!("test -d {missing}"))?.exits(0)?.done()
    }),
    Clause::docker("CTR-MOUNT-5", "A target must be absolute, not the root, and used once.", BIND, |w| {
        let dir = w.scratch();
        let error = w.refused(&["true"], |c| c.mounts.push(ask::bind(&dir, "b")))?;
        contains("relative", &error.to_string(), "mount path must be absolute")?;
        let error = w.refused(&["true"], |c| c.mounts.push(ask::bind(&dir, "/")))?;
        contains("root", &error.to_string(), "destination can't be '/'")?;
        let error = w.refused(&["true"], |c| c.mounts.extend([ask::bind(&dir, "/b"), ask::bind(&dir, "/b")]))?;
        contains("twice", &error.to_string(), "Duplicate mount point: /b")
    }),
    Clause::docker(
        "CTR-MOUNT-6",
        "A target behind a symbolic link of the image stays in the container.",
        "openat2(2), RESOLVE_IN_ROOT",
        |w| {
            let dir = w.scratch();
            w.host(&format!("mkdir {dir}/bound {dir}/outside && echo x >{dir}/bound/f"))?.exits(0)?;
            let image = append(w.busybox().to_vec(), &[Entry::symlink("out", &format!("{dir}/outside")), Entry::symlink("link", "/etc")]);
            w.import(&image, "links:1", &[])?;
            w.run_with(&["ls", "/etc/inner"], |c| {
                c.image = "links:1".to_owned();
                c.mounts.push(ask::bind(&format!("{dir}/bound"), "/link/inner"));
            })?
            .prints("f")?;
            w.run_with(&["cat", &format!("{dir}/outside/f")], |c| {
                c.image = "links:1".to_owned();
                c.mounts.push(ask::bind(&format!("{dir}/bound"), "/out"));
            })?
            .prints("x")?;
            equal("the host's directory", w.host(&format!("ls {dir}/outside"))?.text(), "")
        },
    ),
    Clause::docker(
        "CTR-MOUNT-7",
        "A tmpfs honours neither set-user-id nor devices nor programs, and everyone may write to it.",
        TMPFS,
        |w| {
            let out = w.sh_with("grep ' /t ' /proc/mounts; stat -c %a /t", |c| c.mounts.push(ask::tmpfs("/t")))?.exits(0)?;
            out.says("tmpfs /t tmpfs rw,nosuid,nodev,noexec")?.says("\n1777")?.done()
        },
    ),
    Clause::docker("CTR-MOUNT-8", "A tmpfs has the size and the mode asked for, and holds no more.", TMPFS, |w| {
        let script = "stat -c %a /t; dd if=/dev/zero of=/t/x bs=65536 count=32";
        let out = w.sh_with(script, |c| c.mounts.push(MountRequest { size: Some(1 << 20), mode: Some(0o700), ..ask::tmpfs("/t") }))?;
        out.exits(1)?.says("700")?.complains("No space left on device")?.done()
    }),
    Clause::docker("CTR-MOUNT-9", "What is in a tmpfs is gone when the container ends.", TMPFS, |w| {
        let id = w.create(&["sh", "-c", "ls /t; echo x >/t/f"], |c| c.mounts.push(ask::tmpfs("/t")))?;
        for _ in 0..2 {
            w.engine().start(&id)?;
            equal("exit code", w.wait(&id)?, 0)?;
        }
        equal("log", w.log_text(&id)?, "")
    }),
    Clause::docker("CTR-MOUNT-10", "A bind below another one is mounted in it, whichever was asked for first.", cite::RUN, |w| {
        let dir = w.scratch();
        w.host(&format!("mkdir -p {dir}/a/sub {dir}/b && echo x >{dir}/b/f"))?.exits(0)?;
        let binds = [ask::bind(&format!("{dir}/b"), "/m/sub"), ask::bind(&format!("{dir}/a"), "/m")];
        let out = w.run_with(&["cat", "/m/sub/f"], |c| c.mounts.extend(binds))?;
        holds("the inner one is seen", out.text() == "x")
    }),
    Clause::docker(
        "CTR-MOUNT-11",
        "With rslave or rshared a bind sees what the host mounts in it later; private ones do not.",
        PROPAGATION,
        |w| {
            let dir = w.scratch();
            w.host(&format!("mkdir -p {dir}/m && mount -t tmpfs t {dir}/m && mount --make-shared {dir}/m && mkdir {dir}/m/a"))?.exits(0)?;
            let source = format!("{dir}/m");
            let with = |propagation: &str| {
                let bind = MountRequest { propagation: propagation.to_owned(), ..ask::bind(&source, "/b") };
                w.sleeper(|c| c.mounts.push(bind))
            };
            let all: Vec<(&str, String)> = ["rslave", "slave", "rshared", "shared", "rprivate", ""]
                .into_iter()
                .map(|p| Ok((p, with(p)?)))
                .collect::<Result<_, crate::outcome::Failed>>()?;
            w.host(&format!("mount -t tmpfs t2 {dir}/m/a && echo x >{dir}/m/a/seen"))?.exits(0)?;
            let seen: Result<Vec<(String, bool)>, crate::outcome::Failed> =
                all.iter().map(|(p, id)| Ok(((*p).to_owned(), w.exec(id, &["ls", "/b/a"])?.text() == "seen"))).collect();
            for (_, id) in &all {
                w.remove(id)?;
            }
            w.host(&format!("umount {dir}/m/a && umount {dir}/m"))?.exits(0)?;
            for (propagation, seen) in seen? {
                let wanted = propagation.contains("slave") || propagation.contains("shared");
                equal(format_args!("{propagation:?}: it is seen"), seen, wanted)?;
            }
            Ok(())
        },
    )
    .needs(&[Capability::Exec]),
    Clause::docker("CTR-MOUNT-12", "A source that spreads nothing cannot be bound as if it did.", PROPAGATION, |w| {
        let dir = w.scratch();
        w.host(&format!("mkdir -p {dir}/m && mount -t tmpfs t {dir}/m && mount --make-private {dir}/m"))?.exits(0)?;
        let source = format!("{dir}/m");
        let mut messages = Vec::new();
        for (propagation, needed) in [("rshared", "a shared mount"), ("rslave", "a shared or slave mount")] {
            let bind = MountRequest { propagation: propagation.to_owned(), ..ask::bind(&source, "/b") };
            let error = w.refused(&["true"], |c| c.mounts.push(bind))?;
            messages.push((error.to_string(), format!("path {source} is mounted on {source} but it is not {needed}")));
        }
        w.host(&format!("umount {dir}/m"))?.exits(0)?;
        messages.iter().try_for_each(|(message, words)| contains("message", message, words))
    }),
    Clause::docker("CTR-MOUNT-13", "A bind brings the mounts below it, and bind-nonrecursive does not.", cite::RUN, |w| {
        let dir = w.scratch();
        w.host(&format!("mkdir -p {dir}/a/sub && mount -t tmpfs t {dir}/a/sub && echo x >{dir}/a/sub/f"))?.exits(0)?;
        let source = format!("{dir}/a");
        let all = w.run_with(&["ls", "/b/sub"], |c| c.mounts.push(ask::bind(&source, "/b")));
        let alone = MountRequest { options: vec!["bind-recursive=disabled".to_owned()], ..ask::bind(&source, "/b") };
        let one = w.run_with(&["ls", "/b/sub"], |c| c.mounts.push(alone));
        w.host(&format!("umount {dir}/a/sub"))?.exits(0)?;
        all?.prints("f")?;
        one?.prints("")?.done()
    }),
    Clause::docker(
        "CTR-MOUNT-14",
        "A tmpfs hides what the image has there, starts empty, and takes the directory's mode but not its owner; where nothing was it is \
         everybody's to write.",
        TMPFS,
        |w| {
            let entries = [Entry::dir("data").mode(0o2750).owner(12, 34), Entry::file("data/f", "hello")];
            w.import(&append(w.busybox().to_vec(), &entries), "data:1", &[])?;
            let shown = |mounts: &[MountRequest]| {
                w.sh_with("ls /data; stat -c '%a %u:%g' /data /new/deep", |c| {
                    c.image = "data:1".to_owned();
                    c.mounts.extend_from_slice(mounts);
                })
            };
            let (data, deep) = (ask::tmpfs("/data"), ask::tmpfs("/new/deep"));
            shown(&[data.clone(), deep.clone()])?.prints("2750 0:0\n1777 0:0")?;
            shown(&[MountRequest { read_only: true, ..data.clone() }, deep.clone()])?.prints("2750 0:0\n1777 0:0")?;
            let owned = MountRequest { options: ["uid=5", "gid=6"].map(str::to_owned).to_vec(), ..data };
            shown(&[owned, deep])?.prints("2750 5:6\n1777 0:0")?.done()
        },
    ),
    Clause::docker("CTR-MOUNT-15", "The options of a tmpfs are its own: programs, owner, read-only.", TMPFS, |w| {
        let request = MountRequest {
            options: ["exec", "uid=5", "gid=6"].map(str::to_owned).to_vec(),
            size: Some(1 << 20),
            mode: Some(0o700),
            ..ask::tmpfs("/t")
        };
        let out = w.sh_with("grep ' /t ' /proc/mounts; stat -c '%a %u %g' /t", |c| c.mounts.push(request))?.exits(0)?;
        out.says("rw,nosuid,nodev,relatime,size=1024k,mode=700,uid=5,gid=6")?.says("700 5 6")?;
        let read_only = MountRequest { read_only: true, ..ask::tmpfs("/t") };
        w.run_with(&["touch", "/t/x"], |c| c.mounts.push(read_only))?.exits(1)?.complains("Read-only file system")?.done()
    }),
    Clause::docker("CTR-MOUNT-16", "Two mounts at one place are refused, whatever their kinds.", cite::RUN, |w| {
        let error = w.refused(&["true"], |c| c.mounts.extend([ask::volume("two", "/c"), ask::tmpfs("/c")]))?;
        contains("message", &error.to_string(), "Duplicate mount point: /c")
    }),
    Clause::docker("CTR-MOUNT-17", "A mount over one of the engine's own files takes its place.", cite::RUN, |w| {
        let dir = w.scratch();
        w.host(&format!("echo 1.2.3.4 mine >{dir}/hosts"))?.exits(0)?;
        w.run_with(&["cat", "/etc/hosts"], |c| c.mounts.push(ask::bind(&format!("{dir}/hosts"), "/etc/hosts")))?
            .prints("1.2.3.4 mine")?
            .done()
    }),
];
