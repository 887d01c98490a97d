//! Names: /etc/hosts and /etc/resolv.conf.

use super::address::endpoint;
use crate::ask::bridge;
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal, holds};
use drydock_core::ErrorKind;
use drydock_core::host::Capability;

const HOSTS: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters";

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("NET-NAMES-1", "/etc/hosts names localhost, in IPv4 and IPv6.", cite::NET, |w| {
        w.run(&["cat", "/etc/hosts"])?.prints(HOSTS)?.done()
    }),
    Clause::docker("NET-NAMES-2", "On a network /etc/hosts names the container itself, whole and short.", cite::NET, |w| {
        let id = w.sleeper(bridge)?;
        let address = endpoint(w, &id)?.address.addr();
        w.exec(&id, &["cat", "/etc/hosts"])?.prints(&format!("{HOSTS}\n{address}\t{}", &id[..12]))?;
        let id = w.sleeper(|c| {
            bridge(c);
            c.hostname = "h1.d.e".to_owned();
        })?;
        let address = endpoint(w, &id)?.address.addr();
        w.exec(&id, &["cat", "/etc/hosts"])?.says(&format!("\n{address}\th1.d.e h1"))?.done()
    })
    .needs(&[Capability::Bridge]),
    Clause::docker("NET-NAMES-3", "--add-host adds a line.", cite::RUN, |w| {
        w.run_with(&["cat", "/etc/hosts"], |c| c.extra_hosts = vec!["foo:10.1.2.3".to_owned()])?
            .prints(&format!("{HOSTS}\n10.1.2.3\tfoo"))?
            .done()
    }),
    Clause::docker("NET-NAMES-4", "--dns and --dns-search are what /etc/resolv.conf says.", cite::RUN, |w| {
        let out = w.run_with(&["cat", "/etc/resolv.conf"], |c| {
            bridge(c);
            c.dns = vec!["9.9.9.9".to_owned(), "1.1.1.1".to_owned()];
            c.dns_search = vec!["ex.org".to_owned()];
        })?;
        let lines = out.exits(0)?.lines();
        for wanted in ["nameserver 9.9.9.9", "nameserver 1.1.1.1", "search ex.org"] {
            holds(format_args!("{wanted} is in {lines:?}"), lines.iter().any(|l| l == wanted))?;
        }
        equal("name servers", lines.iter().filter(|l| l.starts_with("nameserver")).count(), 2)
    })
    .needs(&[Capability::Bridge]),
    Clause::docker("NET-NAMES-5", "A container uses its hosts file: localhost and its own name are reached.", "hosts(5)", |w| {
        let id = w.sleeper(bridge)?;
        for name in ["localhost", &id[..12]] {
            w.exec(&id, &["ping", "-c", "1", "-W", "2", name])?.says("1 packets received")?;
        }
        Ok(())
    })
    .needs(&[Capability::Bridge]),
    Clause::law(
        "NET-NAMES-6",
        "Nothing a person gives can add a line of its own to the files the engine writes.",
        "Drydock security review, injection by line ends",
        |w| {
            let before = w.engine().containers(true)?.len();
            for (what, error) in [
                ("host name", w.refused(&["true"], |c| c.hostname = "a\n1.2.3.4 b".to_owned())?),
                ("extra host", w.refused(&["true"], |c| c.extra_hosts = vec!["foo:10.1.2.3\n1.2.3.4 b".to_owned()])?),
                ("name server", w.refused(&["true"], |c| c.dns = vec!["9.9.9.9\nnameserver 6.6.6.6".to_owned()])?),
                ("search domain", w.refused(&["true"], |c| c.dns_search = vec!["a\nnameserver 6.6.6.6".to_owned()])?),
            ] {
                equal(what, error.kind(), ErrorKind::InvalidInput)?;
                holds(format_args!("{what}: the message is one line"), !error.to_string().contains('\n'))?;
            }
            equal("containers", w.engine().containers(true)?.len(), before)
        },
    ),
    Clause::docker("NET-NAMES-7", "What cannot be read as a name and an address, or as an address, is refused.", cite::RUN, |w| {
        let error = w.refused(&["true"], |c| c.extra_hosts = vec!["foo".to_owned()])?;
        contains("message", &error.to_string(), "bad format for add-host: \"foo\"")?;
        let error = w.refused(&["true"], |c| c.dns = vec!["nope".to_owned()])?;
        contains("message", &error.to_string(), "IP address is not correctly formatted: nope")
    }),
];
