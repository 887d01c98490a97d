//! Other networks than the default one: none, host, another container's.

use super::SERVE;
use super::address::endpoint;
use crate::ask::{self, bridge};
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal};
use drydock_core::ErrorKind;
use drydock_core::container::NetworkMode;
use drydock_core::host::Capability;

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("NET-MODE-1", "With none there is loopback only, up, and no route.", "Docker manual, None network driver", |w| {
        w.sh("ls /sys/class/net; ip route")?.prints("lo")?;
        w.sh("ip -4 addr show lo; ping -c 1 -W 1 127.0.0.1")?.exits(0)?.says("inet 127.0.0.1/8")?.says("1 packets received")?.done()
    }),
    Clause::docker(
        "NET-MODE-2",
        "With host the container has the host's network and its host name.",
        "Docker manual, Host network driver",
        |w| {
            let script = "readlink /proc/self/ns/net; hostname";
            let host = w.host(script)?.exits(0)?.text();
            w.sh_with(script, |c| c.network = NetworkMode::Host)?.prints(&host)?.done()
        },
    ),
    Clause::docker(
        "NET-MODE-3",
        "With another container's network, links, addresses, host name and hosts file are that one's.",
        "Docker CLI reference, docker container run --network container",
        |w| {
            let server = w.ready(SERVE, bridge)?;
            let join = |c: &mut drydock_core::container::ContainerConfig| c.network = NetworkMode::Container(server.clone());
            w.run_with(&["wget", "-q", "-O", "-", "http://127.0.0.1/"], join)?.prints("page")?;
            let address = endpoint(w, &server)?.address;
            w.run_with(&["ip", "-4", "addr", "show", "eth0"], join)?.says(&format!("inet {address}"))?;
            let script = ["sh", "-c", "hostname; cat /etc/hosts"];
            let theirs = w.exec(&server, &script)?.exits(0)?.text();
            w.run_with(&script, join)?.prints(&theirs)?.done()
        },
    )
    .needs(&[Capability::Bridge]),
    Clause::docker(
        "NET-MODE-4",
        "The network of a container that is not there, or does not run, cannot be joined.",
        "Docker CLI reference, docker container run --network container",
        |w| {
            let error = w.refused(&["true"], |c| c.network = NetworkMode::Container("nope".to_owned()))?;
            contains("message", &error.to_string(), "No such container: nope")?;
            let id = w.create(&["true"], |_| {})?;
            let error = w.refused(&["true"], |c| c.network = NetworkMode::Container(id.clone()))?;
            contains("message", &error.to_string(), &format!("cannot join network of a non running container: {id}"))
        },
    ),
    Clause::docker("NET-MODE-5", "A network that does not exist is refused by name.", cite::RUN, |w| {
        let error = w.refused(&["true"], |c| c.network = NetworkMode::Named("nope".to_owned()))?;
        equal("kind", error.kind(), ErrorKind::NotFound)?;
        contains("message", &error.to_string(), "network nope not found")
    }),
    Clause::docker("NET-MODE-6", "With another container's network neither ports nor a host name can be asked for.", cite::RUN, |w| {
        let id = w.sleeper(|_| {})?;
        let error = w.refused(&["true"], |c| {
            c.network = NetworkMode::Container(id.clone());
            c.ports = vec![ask::port(None, 8099, 80)];
        })?;
        contains("ports", &error.to_string(), "conflicting options: port publishing and the container type network mode")?;
        let error = w.refused(&["true"], |c| {
            c.network = NetworkMode::Container(id.clone());
            c.hostname = "x".to_owned();
        })?;
        contains("host name", &error.to_string(), "conflicting options: hostname and the network mode")
    }),
    Clause::docker("NET-MODE-7", "With none or host a published port is passed over, and is no error.", cite::PORT, |w| {
        for mode in [NetworkMode::None, NetworkMode::Host] {
            w.run_with(&["true"], |c| {
                c.network = mode;
                c.ports = vec![ask::port(None, 8099, 80)];
            })?
            .exits(0)?;
        }
        Ok(())
    }),
    Clause::docker(
        "NET-MODE-8",
        "A container on the host's network serves on the host's addresses.",
        "Docker manual, Host network driver",
        |w| {
            let serve = "mkdir /www; echo page >/www/index.html; httpd -p 8097 -h /www; echo ready; exec sleep 1000";
            w.ready(serve, |c| c.network = NetworkMode::Host)?;
            w.host("wget -q -O - http://127.0.0.1:8097/")?.prints("page")?.done()
        },
    ),
];
