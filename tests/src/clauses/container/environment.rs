//! Environment, working directory, host name.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::Archive;
use crate::outcome::{contains, equal, holds};
use serde_json::json;

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-ENV-1", "Without options the environment is PATH, HOSTNAME and HOME.", cite::RUN, |w| {
        let id = w.create(&["env"], |_| {})?;
        w.engine().start(&id)?;
        w.wait(&id)?;
        let mut lines: Vec<String> = w.log_text(&id)?.lines().map(str::to_owned).collect();
        lines.sort();
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned();
        equal("environment", lines, vec!["HOME=/root".to_owned(), format!("HOSTNAME={}", &id[..12]), path])
    }),
    Clause::docker(
        "CTR-ENV-2",
        "-e adds to the environment; a later value of the same name goes before an earlier one and before the default.",
        cite::RUN,
        |w| {
            let out =
                w.run_with(&["env"], |c| c.env = ["A=1", "A=2", "PATH=/bin", "HOME=/x", "E="].map(str::to_owned).to_vec())?.exits(0)?;
            let lines = out.lines();
            for wanted in ["A=2", "PATH=/bin", "HOME=/x", "E="] {
                equal(wanted, lines.iter().filter(|l| *l == wanted).count(), 1)?;
            }
            holds("the earlier value is gone", !lines.iter().any(|l| l == "A=1" || l.starts_with("PATH=/usr")))
        },
    ),
    Clause::docker("CTR-ENV-3", "HOME is the home directory of the user.", cite::RUN, |w| {
        w.run_with(&["env"], |c| c.user = "app".to_owned())?.says("HOME=/home/app")?.done()
    }),
    Clause::docker("CTR-ENV-4", "The image's environment holds where the user says nothing else.", "image-spec config.md, Env", |w| {
        w.import_busybox("env:1", &["ENV FROM=image", "ENV BOTH=image"])?;
        let out = w.run_with(&["env"], |c| {
            c.image = "env:1".to_owned();
            c.env = vec!["BOTH=user".to_owned()];
        })?;
        out.says("FROM=image")?.says("BOTH=user")?.done()
    }),
    Clause::docker(
        "CTR-ENV-5",
        "The working directory is /, the image's or the user's, in this order, and is made if it is not there.",
        cite::RUN,
        |w| {
            w.run(&["pwd"])?.prints("/")?;
            w.import_busybox("dir:1", &["WORKDIR /etc"])?;
            w.run_with(&["pwd"], |c| c.image = "dir:1".to_owned())?.prints("/etc")?;
            w.run_with(&["pwd"], |c| {
                c.image = "dir:1".to_owned();
                c.workdir = "/made/here".to_owned();
            })?
            .prints("/made/here")?
            .done()
        },
    ),
    Clause::docker("CTR-ENV-6", "A working directory that is not absolute is refused.", cite::RUN, |w| {
        let error = w.refused(&["pwd"], |c| c.workdir = "relative".to_owned())?;
        contains("message", &error.to_string(), "the working directory 'relative' is invalid, it needs to be an absolute path")
    }),
    Clause::docker("CTR-ENV-7", "The host name is the short id, in the kernel, in HOSTNAME and in /etc/hostname.", cite::RUN, |w| {
        let id = w.start(&["sh", "-c", "hostname; echo $HOSTNAME; cat /etc/hostname"], |_| {})?;
        w.wait(&id)?;
        let short = &id[..12];
        equal("names", w.log_text(&id)?, format!("{short}\n{short}\n{short}\n"))
    }),
    Clause::docker("CTR-ENV-8", "--hostname and --domainname set the names the kernel gives.", cite::RUN, |w| {
        let script = "hostname; echo $HOSTNAME; cat /etc/hostname; cat /proc/sys/kernel/domainname";
        w.sh_with(script, |c| (c.hostname, c.domainname) = ("h1".to_owned(), "dom".to_owned()))?.prints("h1\nh1\nh1\ndom")?.done()
    }),
    Clause::law(
        "CTR-ENV-9",
        "The image's entry point, arguments, user and directory are what a container starts with.",
        "image-spec conversion.md",
        |w| {
            let config = json!({"Entrypoint": ["sh", "-c"], "Cmd": ["id -u; pwd; echo $K"], "User": "1000", "WorkingDir": "/tmp", "Env": ["K=v", "PATH=/bin"]});
            w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec()], &["whole:1"]).config(config).docker())?;
            w.run_with(&[], |c| c.image = "whole:1".to_owned())?.prints("1000\n/tmp\nv")?.done()
        },
    ),
    Clause::docker("CTR-ENV-10", "A host name may have 64 letters, dots and underscores; with 65 it is refused.", cite::RUN, |w| {
        for name in ["a_b", "a.b.c", &"a".repeat(64)] {
            w.run_with(&["hostname"], |c| c.hostname = (*name).to_owned())?.prints(name)?;
        }
        let error = w.refused(&["true"], |c| c.hostname = "a".repeat(65))?;
        equal("exit code", error.exit_code_of_run(), 125)
    }),
    Clause::docker("CTR-ENV-11", "The name of a variable may have blanks in it; an empty one is refused.", cite::RUN, |w| {
        w.run_with(&["env"], |c| c.env = vec!["A B=1".to_owned()])?.exits(0)?.says("A B=1")?;
        for text in ["", "=x"] {
            let error = w.refused(&["true"], |c| c.env = vec![text.to_owned()])?;
            contains("message", &error.to_string(), &format!("invalid environment variable: {text}"))?;
        }
        Ok(())
    }),
    Clause::docker("CTR-ENV-12", "A working directory that is a file is refused.", cite::RUN, |w| {
        let error = w.refused(&["true"], |c| c.workdir = "/bin/busybox".to_owned())?;
        contains("message", &error.to_string(), "Cannot mkdir: /bin/busybox is not a directory")?;
        equal("exit code", error.exit_code_of_run(), 125)
    }),
    Clause::docker(
        "CTR-ENV-13",
        "Exec in a working directory that is not there, or is none, is refused, with 126.",
        crate::clauses::cite::EXEC,
        |w| {
            let id = w.sleeper(|_| {})?;
            for (path, why) in [("/nope", "no such file or directory"), ("/bin/busybox", "not a directory")] {
                let error = w.exec_refused(&id, &["pwd"], |e| e.workdir = path.to_owned())?;
                contains("message", &error.to_string(), &format!("chdir to cwd (\"{path}\") set in config.json failed: {why}"))?;
                equal("exit code", error.exit_code_of_run(), 126)?;
            }
            w.exec(&id, &["test", "-e", "/nope"])?.exits(1)?.done()
        },
    )
    .needs(&[drydock_core::host::Capability::Exec]),
    Clause::law(
        "CTR-ENV-14",
        "--annotation is kept with the container and changes nothing in it.",
        "Docker CLI reference, docker container run --annotation",
        |w| {
            let id = w.create(&["true"], |c| drop(c.annotations.insert("a".to_owned(), "b".to_owned())))?;
            w.engine().start(&id)?;
            equal("exit code", w.wait(&id)?, 0)?;
            equal("annotations", w.record(&id)?.config.annotations.get("a").map(String::as_str), Some("b"))
        },
    ),
];
