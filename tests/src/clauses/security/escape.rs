//! Ways out by what a runtime holds open and by where it goes.

use super::{canary, untouched};
use crate::clause::Clause;
use crate::fixture::{Archive, Entry, append};
use crate::outcome::{Checked, equal, fail, holds, lacks};
use crate::script::Script;
use crate::world::World;
use drydock_core::host::Capability;
use serde_json::json;

const CWD: &str = "CVE-2024-21626; runc 1.1.12";

/// Paths that lead to descriptors of whoever enters the container.
fn descriptors() -> Vec<String> {
    let of = |process: &str| (0..24).map(|n| format!("/proc/{process}/fd/{n}")).collect::<Vec<_>>();
    ["self", "1", "thread-self"].iter().flat_map(|p| of(p)).collect()
}

/// A program that is there, but must not have run where it was told to.
fn outside(w: &World<'_>, path: &str) -> Checked {
    match w.run_with(&["pwd"], |c| c.workdir = path.to_owned()) {
        Err(_) => Ok(()),
        Ok(out) if out.code != 0 => Ok(()),
        Ok(out) => fail(format_args!("with -w {path} it ran in {}", out.text())),
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("SEC-CWD-1", "A descriptor is no working directory: not by -w.", CWD, |w| {
        descriptors().iter().step_by(3).try_for_each(|path| outside(w, path))
    }),
    Clause::docker("SEC-CWD-2", "A descriptor is no working directory: not by that of an image.", CWD, |w| {
        for number in [3, 7, 8, 9] {
            let config = json!({"Cmd": ["pwd"], "WorkingDir": format!("/proc/self/fd/{number}"), "Env": ["PATH=/bin"]});
            let name = format!("cwd:{number}");
            w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec()], &[&name]).config(config).docker())?;
            w.refused(&[], |c| c.image = name)?;
        }
        Ok(())
    }),
    Clause::docker("SEC-CWD-3", "A descriptor is no working directory: not by exec -w.", CWD, |w| {
        let id = w.sleeper(|_| {})?;
        descriptors().iter().try_for_each(|path| w.exec_refused(&id, &["pwd"], |e| e.workdir = path.clone()).map(drop))
    })
    .needs(&[Capability::Exec]),
    Clause::law("SEC-CWD-4", "A link of the image to a descriptor is none either, nor a directory below one.", CWD, |w| {
        let links = [Entry::symlink("out", "/proc/self/fd/7"), Entry::symlink("up", "/proc/self/fd/8/../../../..")];
        w.import(&append(w.busybox().to_vec(), &links), "cwdlink:1", &[])?;
        for path in ["/out", "/up", "/out/../../..", "/proc/self/fd/7/etc", "/proc/1/root/proc/self/fd/7"] {
            let out = w.run_with(&["sh", "-c", "pwd -P; ls -d $(pwd -P)/"], |c| (c.image, c.workdir) = ("cwdlink:1".to_owned(), path.to_owned()));
            if let Ok(out) = out {
                holds(format_args!("{path}: {:?} is inside", out.text()), out.code != 0 || out.text().starts_with('/'))?;
            }
        }
        Ok(())
    }),
    Clause::law("SEC-CWD-5", "A working directory behind a link of the image is made inside, and nothing on the host.", "CVE-2024-45310; CVE-2026-55686", |w| {
        let dir = canary(w)?;
        let up = "../".repeat(12);
        let links = [Entry::symlink("abs", &dir), Entry::symlink("rel", &format!("{up}{dir}"))];
        w.import(&append(w.busybox().to_vec(), &links), "far:1", &[])?;
        for path in ["/abs/made", "/rel/made"] {
            let _ = w.run_with(&["pwd"], |c| (c.image, c.workdir) = ("far:1".to_owned(), path.to_owned()));
            untouched(w, &dir)?;
        }
        Ok(())
    }),
    Clause::law("SEC-FD-1", "An exec has descriptors 0, 1 and 2, and no others.", "CVE-2016-9962; CVE-2024-21626", |w| {
        let id = w.sleeper(|_| {})?;
        w.exec(&id, &["sh", "-c", "ls /proc/$$/fd; true"])?.prints("0\n1\n2")?.done()
    })
    .needs(&[Capability::Exec]),
    Clause::law("SEC-EXE-1", "A program that names the runtime as its interpreter does not get it.", "CVE-2019-5736", |w| {
        w.import(&append(w.busybox().to_vec(), &[Entry::program("evil", "#!/proc/self/exe\n")]), "interpreter:1", &[])?;
        let before = w.host("sha256sum /bin/busybox")?.text();
        for script in ["/evil", "/proc/self/exe"] {
            // It may be refused, or fail; what it must not do is to be a program of the host with a way to write it.
            if let Ok(out) = w.run_with(&[script], |c| c.image = "interpreter:1".to_owned()) {
                lacks("its output", &out.text(), "HOSTSECRET")?;
            }
        }
        equal("the host's program", w.host("sha256sum /bin/busybox")?.text(), before)
    }),
    Clause::law("SEC-EXE-2", "While others come in by exec, a container can open none of their programs for writing.", "CVE-2019-5736; CVE-2016-9962", |w| {
        let script = "echo ready; while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] && continue; if (: >>$p/exe) 2>/dev/null; then echo $p >>/tmp/written; fi; for l in cwd root; do to=$(readlink $p/$l 2>/dev/null); case \"$to\" in '' | /) ;; *) echo $to >>/tmp/seen ;; esac; done; done; sleep 0.01; done";
        let id = w.ready(script, |c| c.read_only = false)?;
        for _ in 0..8 {
            w.exec_with(&id, &["true"], |e| e.tty = false, &mut Script::silent())?.exits(0)?;
        }
        // Busybox is the container's own file, which root in it may write; but it runs, and is busy.
        w.exec(&id, &["sh", "-c", "cat /tmp/written 2>/dev/null; cat /tmp/seen 2>/dev/null; true"])?.prints("")?.done()
    })
    .needs(&[Capability::Exec]),
    Clause::law("SEC-FIFO-1", "A named pipe in a program's place is refused at once, and nobody waits for it.", "fifo(7)", |w| {
        let id = w.ready("mkfifo -m 755 /pipe && echo ready; sleep 1000", |_| {})?;
        let error = w.exec_refused(&id, &["/pipe"], |_| {})?;
        equal("exit code", error.exit_code_of_run(), 126)
    })
    .needs(&[Capability::Exec]),
];
