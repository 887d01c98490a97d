//! Copies into containers and out of them, and what must not happen on the way.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Entry, tar};
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::container::{ContainerConfig, MountKind, MountRequest};

/// What is at a path of a container, as an archive's entries: name and content.
fn out(w: &World<'_>, id: &str, path: &str, follow: bool) -> Checked<Vec<(String, Vec<u8>)>> {
    let mut archive = w.engine().copy_out(id, path, follow, None)?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut archive, &mut bytes).map_err(|e| crate::Failed(e.to_string()))?;
    let mut reader = drydock_core::image::tar::Reader::new(bytes.as_slice());
    let mut all = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut content).map_err(|e| crate::Failed(e.to_string()))?;
        all.push((entry.shown(), content));
    }
    Ok(all)
}

fn names(w: &World<'_>, id: &str, path: &str) -> Checked<Vec<String>> {
    Ok(out(w, id, path, false)?.into_iter().map(|(name, _)| name).collect())
}

fn into(w: &World<'_>, id: &str, directory: &str, entries: &[Entry]) -> Result<(), drydock_core::Error> {
    w.engine().copy_in(id, directory, &mut tar(entries).as_slice(), false)
}

/// A directory of the host that nothing may change or read, its path, and what must be in it afterwards.
fn canary(w: &World<'_>) -> Checked<String> {
    let dir = format!("{}/canary", w.scratch());
    w.host(&format!("mkdir -p {dir} && echo HOSTSECRET >{dir}/secret && echo host >{dir}/victim && chmod 644 {dir}/*"))?.exits(0)?;
    Ok(dir)
}

fn untouched(w: &World<'_>, dir: &str) -> Checked {
    w.host(&format!("cd {dir} && cat secret victim && ls -A"))?.prints("HOSTSECRET\nhost\nsecret\nvictim")?.done()
}

fn volume(target: &str) -> MountRequest {
    MountRequest { kind: MountKind::Volume, target: target.to_owned(), ..super::plain_mount() }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("IMG-CP-1", "What is copied into a container that does not run is there when it does.", cite::CP, |w| {
        let id = w.create(&["cat", "/tmp/in"], |_| {})?;
        into(w, &id, "/tmp", &[Entry::file("in", "brought\n")])?;
        w.engine().start(&id)?;
        equal("exit code", w.wait(&id)?, 0)?;
        equal("log", w.log_text(&id)?, "brought\n")
    }),
    Clause::docker("IMG-CP-2", "A running container sees at once what is copied into it, and gives out what it wrote.", cite::CP, |w| {
        let id = w.ready("echo mine >/tmp/own; echo ready; sleep 1000", |_| {})?;
        into(w, &id, "/tmp", &[Entry::file("in", "brought")])?;
        w.exec(&id, &["cat", "/tmp/in"])?.prints("brought")?;
        equal("content", out(w, &id, "/tmp/own", false)?, vec![("own".to_owned(), b"mine\n".to_vec())])
    }),
    Clause::docker("IMG-CP-3", "A directory comes out under its name with everything in it; with /. only what is in it.", cite::CP, |w| {
        let id = w.create(&["true"], |_| {})?;
        into(
            w,
            &id,
            "/tmp",
            &[Entry::dir("d"), Entry::file("d/a", "a"), Entry::dir("d/s"), Entry::file("d/s/b", "b"), Entry::symlink("d/l", "a")],
        )?;
        equal("names", names(w, &id, "/tmp/d")?, vec!["d/", "d/a", "d/l", "d/s/", "d/s/b"])?;
        equal("what is in it", names(w, &id, "/tmp/d/.")?, vec!["./", "./a", "./l", "./s/", "./s/b"])
    }),
    Clause::docker("IMG-CP-4", "A symbolic link comes out as the link it is, unless it is to be followed.", cite::CP, |w| {
        let id = w.create(&["true"], |_| {})?;
        into(w, &id, "/tmp", &[Entry::file("f", "there"), Entry::symlink("l", "f")])?;
        // Docker's API says where it leads, not what is in it.
        let link = w.engine().stat_path(&id, "/tmp/l", false)?.link;
        holds(format_args!("link {link}"), link == "f" || link == "/tmp/f")?;
        equal("content", out(w, &id, "/tmp/l", true)?, vec![("l".to_owned(), b"there".to_vec())])
    }),
    Clause::docker("IMG-CP-5", "What is not there is said not to be there, out and in.", cite::CP, |w| {
        let id = w.create(&["true"], |_| {})?;
        super::refusal(
            w.engine().copy_out(&id, "/nope", false, None).map(drop),
            ErrorKind::NotFound,
            "Could not find the file /nope in container",
        )?;
        super::refusal(
            into(w, &id, "/no/such", &[Entry::file("f", "x")]),
            ErrorKind::NotFound,
            "Could not find the file /no/such in container",
        )?;
        super::refusal(w.engine().stat_path("nope", "/", false), ErrorKind::NotFound, "No such container: nope")
    }),
    Clause::docker("IMG-CP-6", "Files keep the owner and mode that the archive says.", cite::CP, |w| {
        let id = w.sleeper(|_| {})?;
        into(w, &id, "/tmp", &[Entry::file("f", "x").owner(1234, 5678).mode(0o640), Entry::dir("d").owner(7, 8).mode(0o1770)])?;
        w.exec(&id, &["stat", "-c", "%u %g %a", "/tmp/f", "/tmp/d"])?.prints("1234 5678 640\n7 8 1770")?.done()
    }),
    Clause::docker("IMG-CP-7", "With archive mode everything belongs to the container's user.", cite::CP, |w| {
        let id = w.sleeper(|c| c.user = "app".to_owned())?;
        w.engine().copy_in(&id, "/tmp", &mut tar(&[Entry::file("f", "x").owner(1234, 5678)]).as_slice(), true)?;
        w.exec(&id, &["stat", "-c", "%u %g", "/tmp/f"])?.prints("1000 1000")?.done()
    }),
    Clause::docker("IMG-CP-8", "A file in a directory's place, and a directory in a file's, are refused.", cite::CP, |w| {
        let id = w.create(&["true"], |_| {})?;
        into(w, &id, "/tmp", &[Entry::dir("d"), Entry::file("f", "x")])?;
        super::refusal(into(w, &id, "/tmp", &[Entry::file("d", "x")]), ErrorKind::InvalidInput, "cannot overwrite directory")?;
        super::refusal(into(w, &id, "/tmp", &[Entry::dir("f")]), ErrorKind::InvalidInput, "cannot overwrite non-directory")
    }),
    Clause::docker("IMG-CP-9", "A volume of a running container is written and read like the rest of it.", cite::CP, |w| {
        let id = w.sleeper(|c| c.mounts.push(volume("/vol")))?;
        into(w, &id, "/vol", &[Entry::file("f", "in the volume")])?;
        w.exec(&id, &["cat", "/vol/f"])?.prints("in the volume")?;
        equal("content", out(w, &id, "/vol/f", false)?.pop().map(|(_, c)| c), Some(b"in the volume".to_vec()))
    }),
    Clause::docker("IMG-CP-10", "A volume of a container that does not run is written and read too.", cite::CP, |w| {
        let id = w.create(&["cat", "/vol/f"], |c| c.mounts.push(volume("/vol")))?;
        into(w, &id, "/vol", &[Entry::file("f", "early\n")])?;
        equal("content", out(w, &id, "/vol/f", false)?.pop().map(|(_, c)| c), Some(b"early\n".to_vec()))?;
        w.engine().start(&id)?;
        equal("exit code", w.wait(&id)?, 0)?;
        equal("log", w.log_text(&id)?, "early\n")
    }),
    Clause::docker(
        "IMG-CP-19",
        "A volume is there in a container that never started, also where its image has no such place.",
        cite::CP,
        |w| {
            let id = w.create(&["true"], |c| c.mounts.push(volume("/deep/vol")))?;
            equal("what comes out", names(w, &id, "/deep/vol")?.len(), 1)
        },
    ),
    // dockerd 20.10.24 writes below the mount, where the container does not see it.
    Clause::law("IMG-CP-11", "A tmpfs of a running container is written and read like the rest of it.", "Drydock, Engine::copy_in", |w| {
        let memory = MountRequest { target: "/mem".to_owned(), ..super::plain_mount() };
        let id = w.sleeper(|c| c.mounts.push(memory))?;
        into(w, &id, "/mem", &[Entry::file("f", "in memory")])?;
        w.exec(&id, &["cat", "/mem/f"])?.prints("in memory")?;
        equal("content", out(w, &id, "/mem/f", false)?.pop().map(|(_, c)| c), Some(b"in memory".to_vec()))
    }),
    Clause::docker("IMG-CP-12", "A read-only root is not written, and a volume in it is.", cite::CP, |w| {
        let set = |c: &mut ContainerConfig| {
            c.read_only = true;
            c.mounts.push(volume("/vol"));
        };
        let id = w.sleeper(set)?;
        super::refusal(into(w, &id, "/tmp", &[Entry::file("f", "x")]), ErrorKind::Denied, "container rootfs is marked read-only")?;
        into(w, &id, "/vol", &[Entry::file("f", "x")])?;
        w.exec(&id, &["cat", "/vol/f"])?.prints("x")?.done()
    }),
    Clause::docker(
        "IMG-CP-13",
        "A link on the way leads where it leads in the container: never to the host (CVE-2018-15664).",
        "CVE-2018-15664; CVE-2019-10152",
        |w| {
            let dir = canary(w)?;
            let id = w.ready(
                &format!("mkdir -p /a; ln -s {dir} /a/out; ln -s / /a/root; ln -s ../../../../../../.. /a/up; echo ready; sleep 1000"),
                |_| {},
            )?;
            for path in ["/a/out/secret", &format!("/a/root{dir}/secret"), &format!("/a/up{dir}/secret"), &format!("/../../..{dir}/secret")]
            {
                if let Ok(files) = out(w, &id, path, true) {
                    return fail(format_args!("{path} came out: {files:?}"));
                }
            }
            for directory in ["/a/out", &format!("/a/root{dir}"), &format!("/a/up{dir}")] {
                holds(format_args!("{directory} is refused"), into(w, &id, directory, &[Entry::file("victim", "gone")]).is_err())?;
            }
            untouched(w, &dir)
        },
    ),
    Clause::docker(
        "IMG-CP-14",
        "An archive cannot lead out of its directory by names or links (CVE-2018-20990, CVE-2026-17106).",
        "CVE-2018-20990; CVE-2026-17106",
        |w| {
            let dir = canary(w)?;
            let id = w.sleeper(|_| {})?;
            let up = "../".repeat(12);
            let tries: [&[Entry]; 6] = [
                &[Entry::file(&format!("{up}{dir}/victim"), "gone")],
                &[Entry::file(&format!("{dir}/victim"), "gone")],
                &[Entry::symlink("l", &dir), Entry::file("l/victim", "gone")],
                &[Entry::symlink("m", &format!("{up}{dir}")), Entry::file("m/new", "new")],
                &[Entry::hard_link("h", &format!("{up}{dir}/victim")), Entry::file("h", "gone")],
                &[Entry::symlink("t", &format!("{dir}/victim")), Entry::file("t", "gone"), Entry::dir("t").mode(0o777)],
            ];
            for entries in tries {
                // Taken or refused: what is outside stays as it is.
                let _ = into(w, &id, "/tmp", entries);
                untouched(w, &dir)?;
            }
            Ok(())
        },
    ),
    Clause::law("IMG-CP-15", "Nothing of the container is executed or loaded for a copy (CVE-2019-14271).", "CVE-2019-14271", |w| {
        let script = "mkdir -p /lib /usr/lib; for l in /lib/libnss_files.so.2 /usr/lib/libnss_files.so.2 /bin/tar; do echo x >$l; chmod 755 $l; done; echo ready; sleep 1000";
        let id = w.ready(script, |_| {})?;
        into(w, &id, "/tmp", &[Entry::file("f", "x").owner(1000, 1000)])?;
        equal("content", out(w, &id, "/tmp/f", false)?.pop().map(|(_, c)| c), Some(b"x".to_vec()))
    }),
    Clause::docker(
        "IMG-CP-16",
        "An absolute link such as /var/run leads to where it says inside (moby's first mending of CVE-2018-15664 broke that).",
        "CVE-2018-15664",
        |w| {
            let id = w.ready("mkdir -p /run /var; ln -s /run /var/run; echo ready; sleep 1000", |_| {})?;
            into(w, &id, "/var/run", &[Entry::file("f", "x")])?;
            w.exec(&id, &["cat", "/run/f"])?.prints("x")?;
            equal("content", out(w, &id, "/var/run/f", false)?.pop().map(|(_, c)| c), Some(b"x".to_vec()))
        },
    ),
    Clause::law("IMG-CP-17", "Links of procfs that lead out are not followed.", "openat2(2), RESOLVE_NO_MAGICLINKS", |w| {
        let dir = canary(w)?;
        let id = w.sleeper(|c| c.pid = drydock_core::container::NamespaceMode::Host)?;
        for path in [format!("/proc/1/root{dir}/secret"), format!("/proc/self/root{dir}/secret"), format!("/proc/self/cwd{dir}/secret")] {
            if let Ok(files) = out(w, &id, &path, true) {
                return fail(format_args!("{path} came out: {files:?}"));
            }
        }
        holds("writing is refused", into(w, &id, &format!("/proc/1/root{dir}"), &[Entry::file("victim", "gone")]).is_err())?;
        untouched(w, &dir)
    }),
    Clause::docker("IMG-CP-18", "What is no archive is refused, and what is no directory takes none.", cite::CP, |w| {
        let id = w.create(&["true"], |_| {})?;
        super::refusal(
            w.engine().copy_in(&id, "/tmp", &mut &b"junk that is no archive"[..], false),
            ErrorKind::InvalidInput,
            "Error processing tar file",
        )?;
        super::refusal(into(w, &id, "/etc/passwd", &[Entry::file("f", "x")]), ErrorKind::InvalidInput, "is not a directory")
    }),
    Clause::docker("IMG-EXPORT-1", "An export is the container's whole file system in one archive.", cite::EXPORT, |w| {
        let id = w.create(&["sh", "-c", "echo x >/new; rm /etc/group"], |_| {})?;
        w.engine().start(&id)?;
        equal("exit code", w.wait(&id)?, 0)?;
        let mut archive = Vec::new();
        w.engine().export(&id, &mut archive)?;
        let made = w.import(&archive, "exported:1", &[])?;
        equal("layers", w.engine().image(&made)?.diff_ids.len(), 1)?;
        w.run_with(&["sh", "-c", "cat /new; ls /etc/group"], |c| c.image = "exported:1".to_owned())?.exits(1)?.says("x")?.done()
    }),
    Clause::docker("IMG-EXPORT-2", "What is in volumes is not in an export, and what an image starts with neither.", cite::EXPORT, |w| {
        let id = w.create(&["sh", "-c", "echo x >/vol/f"], |c| c.mounts.push(volume("/vol")))?;
        w.engine().start(&id)?;
        equal("exit code", w.wait(&id)?, 0)?;
        let mut archive = Vec::new();
        w.engine().export(&id, &mut archive)?;
        let made = w.import(&archive, "apart:1", &[])?;
        equal("command", w.engine().image(&made)?.defaults.cmd, None)?;
        w.run_with(&["ls", "-A", "/vol"], |c| c.image = "apart:1".to_owned())?.prints("")?.done()
    }),
    Clause::docker("IMG-EXPORT-3", "A running container is exported as it is, and goes on.", cite::EXPORT, |w| {
        let id = w.ready("echo now >/state; echo ready; sleep 1000", |_| {})?;
        let mut archive = Vec::new();
        w.engine().export(&id, &mut archive)?;
        equal("status", w.status(&id)?, drydock_core::container::Status::Running)?;
        contains("archive", &String::from_utf8_lossy(&archive), "now\n")
    }),
    Clause::docker("IMG-EXPORT-4", "Exporting a container that is not there says so.", cite::EXPORT, |w| {
        super::refusal(w.engine().export("nope", &mut Vec::new()), ErrorKind::NotFound, "No such container: nope")
    }),
];
