//! What a person mounts: binds and tmpfs.

use crate::ask;
use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Entry, append};
use crate::outcome::{contains, equal, holds};
use drydock_core::container::MountRequest;

const BIND: &str = "Docker manual, Bind mounts";
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
];
