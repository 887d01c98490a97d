//! User namespaces: root in a container that is nobody on the host.

use crate::ask;
use crate::clause::Clause;
use crate::outcome::{Checked, contains, equal};
use crate::script::Script;
use crate::world::World;
use drydock_core::container::{ContainerConfig, NamespaceMode, NetworkMode, UserRange};
use drydock_core::host::Capability;

const REMAP: &str = "Docker manual, Isolate containers with a user namespace; user_namespaces(7)";
const NEEDS: &[Capability] = &[Capability::UserNamespaces];
const RANGE: UserRange = UserRange { start: 100_000, size: 65_536 };

/// A change of what is asked for.
type Tweak = fn(&mut ContainerConfig);

fn remap(c: &mut ContainerConfig) {
    c.user_range = Some(RANGE);
}

/// The users of a process as the host sees them.
fn ids(w: &World<'_>, name: &str) -> Checked<String> {
    let pid = w.record(name)?.state.process.map_or(0, |p| p.pid);
    let line = w.host(&format!("grep ^Uid /proc/{pid}/status"))?.exits(0)?.text();
    Ok(line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-USERNS-1", "Ids of the container stand for those of the range, and root is its first.", REMAP, |w| {
        let out = w.sh_with("cat /proc/self/uid_map /proc/self/gid_map; id -u", remap)?.exits(0)?.text();
        let words: Vec<&str> = out.split_whitespace().collect();
        equal("maps and user", words, vec!["0", "100000", "65536", "0", "100000", "65536", "0"])?;
        let id = w.sleeper(remap)?;
        equal("on the host", ids(w, &id)?.as_str(), "100000 100000 100000 100000")
    })
    .needs(NEEDS),
    Clause::docker("CTR-USERNS-2", "A user of the container is that many after the first on the host.", REMAP, |w| {
        let id = w.sleeper(|c| {
            remap(c);
            c.user = "1000".to_owned();
        })?;
        equal("on the host", ids(w, &id)?.as_str(), "101000 101000 101000 101000")
    })
    .needs(NEEDS),
    Clause::docker(
        "CTR-USERNS-3",
        "The image's files belong to whom they belong to without a namespace, and can be changed.",
        REMAP,
        |w| {
            let script =
                "stat -c '%u:%g' / /etc/passwd && echo x >>/etc/passwd && touch /new && chown 1000:2000 /new && stat -c '%u:%g' /new";
            w.sh_with(script, remap)?.prints("0:0\n0:0\n1000:2000")?.done()
        },
    )
    .needs(NEEDS),
    Clause::law(
        "CTR-USERNS-4",
        "On the host's disk layers and what the container writes have the owners they have in the container.",
        REMAP,
        |w| {
            let id = w.create(&["sh", "-c", "touch /new && chown 1000:2000 /new"], remap)?;
            w.engine().start(&id)?;
            equal("exit code", w.wait(&id)?, 0)?;
            let upper = format!("{}/containers/{id}/upper", w.engine().facts().data_root);
            w.host(&format!("stat -c '%u:%g' {upper}/new"))?.prints("1000:2000")?.done()
        },
    )
    .needs(NEEDS),
    Clause::docker("CTR-USERNS-5", "A file of the host that is bound is nobody's in the container, and its rights hold.", REMAP, |w| {
        let dir = w.scratch();
        w.host(&format!("chmod 755 {dir}; echo open >{dir}/open; echo shut >{dir}/shut; chmod 600 {dir}/shut"))?.exits(0)?;
        let out = w.sh_with("stat -c '%u:%g' /b/open; cat /b/open; cat /b/shut; touch /b/new", |c| {
            remap(c);
            c.mounts.push(ask::bind(&dir, "/b"));
        })?;
        out.exits(1)?.says("65534:65534\nopen")?.complains("ermission denied")?;
        w.host(&format!("ls {dir}"))?.prints("open\nshut")?.done()
    })
    .needs(NEEDS),
    Clause::docker("CTR-USERNS-6", "A volume belongs to the container's root, and can be written.", REMAP, |w| {
        let script = "stat -c '%u:%g' /v && touch /v/x && stat -c '%u:%g' /v/x";
        w.sh_with(script, |c| {
            remap(c);
            c.mounts.push(ask::volume("", "/v"));
        })?
        .prints("0:0\n0:0")?
        .done()
    })
    .needs(NEEDS),
    Clause::docker("CTR-USERNS-7", "Exec joins the user namespace.", REMAP, |w| {
        let id = w.sleeper(remap)?;
        let out = w.exec(&id, &["sh", "-c", "cat /proc/self/uid_map; id -u; touch /x && stat -c %u /x"])?.exits(0)?.text();
        equal("words", out.split_whitespace().collect::<Vec<_>>(), vec!["0", "100000", "65536", "0", "0"])?;
        w.exec_with(&id, &["id", "-u"], |e| e.user = "1000".to_owned(), &mut Script::silent())?.prints("1000")?.done()
    })
    .needs(&[Capability::UserNamespaces, Capability::Exec]),
    Clause::docker(
        "CTR-USERNS-8",
        "Capabilities are those of every container, and are worth nothing outside its namespaces.",
        REMAP,
        |w| {
            let field = |name: &str| -> Checked<String> {
                let out = w.run_with(&["grep", &format!("^{name}:"), "/proc/self/status"], remap)?.exits(0)?;
                Ok(out.text().split_whitespace().nth(1).unwrap_or_default().to_owned())
            };
            for name in ["CapPrm", "CapEff", "CapBnd"] {
                equal(name, field(name)?.as_str(), "00000000a80425fb")?;
            }
            let before = w.host("hostname")?.text();
            let out = w.sh_with("hostname other && hostname && mkdir /m && mount -t tmpfs x /m && echo mounted", |c| {
                remap(c);
                c.cap_add = vec!["SYS_ADMIN".to_owned()];
            })?;
            out.prints("other\nmounted")?;
            equal("the host's name", w.host("hostname")?.text(), before)
        },
    )
    .needs(NEEDS),
    Clause::docker(
        "CTR-USERNS-9",
        "What needs the host's own rights is refused by name, unless the host's namespace is asked for.",
        REMAP,
        |w| {
            let cases: [(Tweak, &str); 3] = [
                (|c| c.privileged = true, "privileged mode is incompatible with user namespaces."),
                (|c| c.network = NetworkMode::Host, "cannot share the host's network namespace when user namespaces are enabled"),
                (|c| c.pid = NamespaceMode::Host, "cannot share the host PID namespace when user namespaces are enabled"),
            ];
            for (tweak, words) in cases {
                let error = w.refused(&["true"], |c| {
                    remap(c);
                    tweak(c);
                })?;
                contains("message", &error.to_string(), words)?;
            }
            let map = w.run_with(&["cat", "/proc/self/uid_map"], |c| {
                remap(c);
                c.userns = NamespaceMode::Host;
            })?;
            contains("map", &map.exits(0)?.text(), "4294967295")
        },
    )
    .needs(NEEDS),
    Clause::docker("CTR-USERNS-10", "Its standard streams can be opened again by their names.", REMAP, |w| {
        let out = w.sh_with("echo o >/dev/stdout; echo e >/dev/stderr", remap)?.exits(0)?;
        equal("streams", (out.text().as_str(), out.error_text().as_str()), ("o", "e"))
    })
    .needs(NEEDS),
    Clause::docker("CTR-USERNS-11", "The standard devices are there and work; others cannot be made.", REMAP, |w| {
        let script = "echo x >/dev/null && head -c 3 /dev/zero | wc -c && stat -c '%u:%g %a' /dev/null; mknod /n c 1 3";
        w.sh_with(script, remap)?.exits(1)?.says("3\n0:0 666")?.complains("Operation not permitted")?.done()
    })
    .needs(NEEDS),
    Clause::docker("CTR-USERNS-12", "It has a network, addresses and sysctls of its own.", REMAP, |w| {
        let id = w.sleeper(|c| {
            remap(c);
            ask::bridge(c);
            // Not one of net.core: older kernels show a new user namespace none of those.
            c.sysctls.insert("net.ipv4.ip_unprivileged_port_start".to_owned(), "9".to_owned());
        })?;
        w.exec(&id, &["cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"])?.prints("9")?;
        w.exec(&id, &["sh", "-c", "ping -c 1 -W 2 $(ip route | grep default | cut -d' ' -f3)"])?.exits(0)?.done()
    })
    .needs(&[Capability::UserNamespaces, Capability::Bridge, Capability::Exec]),
];
