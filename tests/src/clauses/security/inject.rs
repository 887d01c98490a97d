//! Values that are to become something else: further lines, further variables, orders to the host.

use crate::clause::Clause;
use crate::fixture::Archive;
use crate::outcome::{contains, equal, holds};
use drydock_core::ErrorKind;
use drydock_core::container::ContainerConfig;
use serde_json::json;

const FILES: &str = "hosts(5), resolv.conf(5), hostname(5)";

/// What ends a line, a word or a string, or begins a remark, in the files that the engine writes.
const BREAKS: [&str; 6] = ["\n", "\r", "\0", "\t", " ", "#"];

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law(
        "SEC-INJECT-1",
        "No name has a line end, a blank, a NUL or a remark in it: host, domain, search, option, extra host.",
        FILES,
        |w| {
            type Put = fn(&mut ContainerConfig, String);
            let fields: [(&str, Put); 5] = [
                ("--hostname", |c, v| c.hostname = v),
                ("--domainname", |c, v| c.domainname = v),
                ("--dns-search", |c, v| c.dns_search = vec![v]),
                ("--dns-option", |c, v| c.dns_options = vec![v]),
                ("--add-host", |c, v| c.extra_hosts = vec![format!("{v}:1.2.3.4")]),
            ];
            for (flag, put) in fields {
                for br in BREAKS {
                    let error = w.refused(&["true"], |c| put(c, format!("a{br}6.6.6.6")))?;
                    equal(format_args!("{flag} with {br:?}"), error.kind(), ErrorKind::InvalidInput)?;
                }
            }
            Ok(())
        },
    ),
    Clause::law("SEC-INJECT-2", "The address of an extra host is an address and nothing more.", FILES, |w| {
        for address in ["1.2.3.4\n6.6.6.6 evil", "1.2.3.4 evil", "1.2.3.4#", "1.2.3.4\0", "", "1.2.3", "::1\n"] {
            let error = w.refused(&["true"], |c| c.extra_hosts = vec![format!("h:{address}")])?;
            equal(format_args!("{address:?}"), error.kind(), ErrorKind::InvalidInput)?;
        }
        Ok(())
    }),
    Clause::law("SEC-INJECT-3", "The value of a variable is kept to the byte, and makes no second one.", "environ(7)", |w| {
        let out = w.run_with(&["cat", "/proc/1/environ"], |c| c.env = vec!["A=x\nB=y\tz #".to_owned()])?.exits(0)?;
        let text = out.text();
        let variables: Vec<&str> = text.split('\0').collect();
        holds(format_args!("{variables:?} has A whole"), variables.contains(&"A=x\nB=y\tz #"))?;
        holds("there is no B", !variables.iter().any(|v| v.starts_with("B=")))
    }),
    Clause::law("SEC-INJECT-4", "A NUL in an argument or a variable is refused: it would cut the rest off.", "execve(2)", |w| {
        let error = w.refused(&["echo", "a\0b"], |_| {})?;
        holds(format_args!("{error}"), error.kind() != ErrorKind::System)?;
        let error = w.refused(&["true"], |c| c.env = vec!["A=x\0B=y".to_owned()])?;
        holds(format_args!("{error}"), error.kind() != ErrorKind::System)
    }),
    Clause::law("SEC-INJECT-5", "An image's variable without a value takes none from the host.", "CVE-2026-57231", |w| {
        for env in [vec!["PATH"], vec!["*"], vec!["HOME", "PATH=/bin"], vec!["P*"]] {
            let config = json!({"Cmd": ["/bin/env"], "Env": env});
            match w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec()], &["import:1"]).config(config).docker()) {
                Err(error) => equal("kind", error.kind(), ErrorKind::InvalidInput)?,
                Ok(_) => {
                    if let Ok(out) = w.run_with(&[], |c| c.image = "import:1".to_owned()) {
                        let known = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PATH=/bin", "HOME=/root"];
                        let odd: Vec<String> = out
                            .lines()
                            .into_iter()
                            .filter(|l| l.contains('=') && !known.contains(&l.as_str()) && !l.starts_with("HOSTNAME="))
                            .collect();
                        holds(format_args!("{env:?} took {odd:?} from the host"), odd.is_empty())?;
                    }
                }
            }
        }
        Ok(())
    }),
    Clause::law("SEC-INJECT-6", "Labels and annotations of an image are words: nothing is done for them.", "CVE-2026-53488", |w| {
        let dir = w.scratch();
        let order = format!("touch {dir}/done");
        let labels = json!({
            "drydock.command": order, "io.containers.capabilities": "SYS_ADMIN", "io.podman.annotations.privileged": "TRUE",
            "org.opencontainers.image.hooks": order, "run": order, "RUN": order, "io.kubernetes.cri-o.Devices": "/dev/sda",
        });
        let config = json!({"Cmd": ["grep", "CapEff", "/proc/self/status"], "Env": ["PATH=/bin"], "Labels": labels});
        w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec()], &["orders:1"]).config(config).docker())?;
        w.run_with(&[], |c| c.image = "orders:1".to_owned())?.prints("CapEff:\t00000000a80425fb")?;
        w.host(&format!("test ! -e {dir}/done"))?.exits(0)?.done()
    }),
    Clause::law(
        "SEC-INJECT-7",
        "A stop signal, a health check, a port or a user of an image that makes no sense has no effect on the host, and is said.",
        "CVE-2024-9341; image-spec config.md",
        |w| {
            let cases = [
                ("StopSignal", json!("SIGNOPE")),
                ("User", json!("ghost\nroot")),
                ("WorkingDir", json!("relative")),
                ("WorkingDir", json!("/proc/self/fd/7")),
            ];
            for (number, (field, value)) in cases.iter().enumerate() {
                let mut config = json!({"Cmd": ["true"], "Env": ["PATH=/bin"]});
                config[*field] = value.clone();
                let name = format!("senseless:{number}");
                match w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec()], &[&name]).config(config).docker()) {
                    // A daemon tells of a load that fails in its stream, which has words and no status.
                    Err(error) => holds(
                        format_args!("{field}: {error}"),
                        error.kind() != ErrorKind::System || error.to_string().contains("invalid image configuration"),
                    )?,
                    Ok(_) => match w.run_with(&[], |c| c.image = name) {
                        Ok(out) => holds(format_args!("{field} {value} ran"), *field == "StopSignal" || out.code != 0)?,
                        Err(failed) => contains(field, &failed.0, "error")?,
                    },
                }
            }
            Ok(())
        },
    ),
    Clause::docker(
        "SEC-INJECT-8",
        "No name of a container, volume or network is a path or has a line end in it.",
        "Docker Engine API, ContainerCreate",
        |w| {
            for name in ["../x", "a/b", "a\nb", "-a", ".a", "/", "x/", "a\0b", "a b", "é"] {
                let error = w.refused(&["true"], |c| c.name = Some(name.to_owned()))?;
                equal(format_args!("{name:?}"), error.kind(), ErrorKind::InvalidInput)?;
            }
            Ok(())
        },
    ),
];
