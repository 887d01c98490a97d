//! Devices of the host: given one by one, all at once, and refused.

use crate::ask;
use crate::clause::Clause;
use crate::outcome::{Checked, contains, equal, holds};
use crate::world::World;
use drydock_core::container::ContainerConfig;
use drydock_core::limits::{Throttle, ThrottleKind};

const DEVICE: &str = "Docker CLI reference, docker container run --device";
const RULE: &str = "Docker CLI reference, docker container run --device-cgroup-rule; cgroups v1, devices.rst";
const PRIVILEGED: &str = "Docker CLI reference, docker container run --privileged";

/// The device nodes of the host's /dev itself that a privileged container should have.
fn nodes(w: &World<'_>) -> Checked<Vec<String>> {
    let script = "cd /dev; for f in *; do [ -c $f ] || [ -b $f ] && echo $f; done; true";
    Ok(w.host(script)?.exits(0)?.lines().into_iter().filter(|n| n != "console" && n != "ptmx").collect())
}

fn block(c: &mut ContainerConfig, device: &str) {
    c.resources.throttles.push(Throttle { kind: ThrottleKind::ReadBps, device: device.to_owned(), rate: 1 << 20 });
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-DEV-1", "--device gives a node of the host under another path, with its numbers.", DEVICE, |w| {
        let script = "test -c /dev/mynull && echo lost >/dev/mynull && cat /dev/mynull && stat -c '%t:%T' /dev/mynull";
        w.sh_with(script, |c| c.devices = vec![ask::device("/dev/null", "/dev/mynull", "rwm")])?.prints("1:3")?.done()
    }),
    Clause::docker("CTR-DEV-2", "--device gives every node below a directory of the host.", DEVICE, |w| {
        let dir = w.scratch();
        w.host(&format!("mkdir -p {dir}/d/sub && mknod {dir}/d/a c 1 3 && mknod {dir}/d/sub/b c 1 5 && touch {dir}/d/file"))?.exits(0)?;
        let script = "cd /dev/all && find . -type c | sort; test ! -e file";
        w.sh_with(script, |c| c.devices = vec![ask::device(&format!("{dir}/d"), "/dev/all", "rwm")])?.prints("./a\n./sub/b")?.done()
    }),
    Clause::docker("CTR-DEV-3", "A device that the host does not have is refused when the container starts, with 127.", DEVICE, |w| {
        let error = w.refused(&["true"], |c| c.devices = vec![ask::device("/dev/nope", "/dev/nope", "rwm")])?;
        let words = "error gathering device information while adding custom device \"/dev/nope\": no such file or directory";
        contains("message", &error.to_string(), words)?;
        equal("exit code", error.exit_code_of_run(), 127)
    }),
    Clause::docker("CTR-DEV-4", "A file that is no device is refused as one.", DEVICE, |w| {
        let error = w.refused(&["true"], |c| c.devices = vec![ask::device("/etc/passwd", "/dev/x", "rwm")])?;
        contains("message", &error.to_string(), "\"/etc/passwd\": not a device node")?;
        equal("exit code", error.exit_code_of_run(), 125)
    }),
    Clause::docker("CTR-DEV-5", "--device-cgroup-rule lets a device be opened that the container makes itself.", RULE, |w| {
        let script = "mknod /l b 7 0; head -c 1 /l >/dev/null";
        w.sh(script)?.exits(1)?.complains("Operation not permitted")?;
        let out = w.sh_with(script, |c| c.device_rules = vec!["b 7:0 r".to_owned()])?;
        // Whether there is anything behind the number is the machine's affair.
        holds("the rule does not forbid it", !out.error_text().contains("not permitted"))
    }),
    Clause::docker("CTR-DEV-6", "A rule for reading does not let the device be written.", RULE, |w| {
        w.sh_with("mknod /l b 7 0; echo x >/l", |c| c.device_rules = vec!["b 7:0 r".to_owned()])?
            .exits(1)?
            .complains("Operation not permitted")?
            .done()
    }),
    Clause::docker("CTR-DEV-7", "A rule that is none is refused by its text.", RULE, |w| {
        for text in ["x 10:* rwm", "c 10 rwm", "c 10:*", ""] {
            let error = w.refused(&["true"], |c| c.device_rules = vec![text.to_owned()])?;
            contains("message", &error.to_string(), &format!("invalid device cgroup format '{text}'"))?;
        }
        Ok(())
    }),
    // Seen on a machine where dockerd may give every capability; elsewhere it refuses to start privileged containers at all.
    Clause::law("CTR-DEV-8", "A privileged container has every device node of the host, and may open them.", PRIVILEGED, |w| {
        let wanted = nodes(w)?;
        let own = w.sh_with("cd /dev; for f in *; do [ -c $f ] || [ -b $f ] && echo $f; done; true", |c| c.privileged = true)?;
        let own = own.exits(0)?.lines();
        for name in &wanted {
            holds(format_args!("/dev/{name} is there"), own.contains(name))?;
        }
        let out = w.sh_with("mknod /l b 7 0; head -c 1 /l >/dev/null", |c| c.privileged = true)?;
        holds("no rule forbids it", !out.error_text().contains("not permitted"))
    }),
    Clause::docker("CTR-DEV-9", "Without being asked for, no device of the host is there.", DEVICE, |w| {
        w.sh("find /dev -type b; ls /dev/kmsg /dev/mem /dev/loop0 /dev/sda 2>/dev/null; true")?.prints("")?.done()
    }),
    Clause::docker("CTR-DEV-10", "--device-read-bps of a device that is not there is refused, with 127.", DEVICE, |w| {
        if !w.engine().facts().controllers.iter().any(|c| c == "blkio" || c == "io") {
            let error = w.refused(&["true"], |c| block(c, "/dev/nope"))?;
            return equal("kind", error.kind(), drydock_core::ErrorKind::Unsupported);
        }
        let error = w.refused(&["true"], |c| block(c, "/dev/nope"))?;
        contains("message", &error.to_string(), "stat /dev/nope: no such file or directory")?;
        equal("exit code", error.exit_code_of_run(), 127)
    }),
];
