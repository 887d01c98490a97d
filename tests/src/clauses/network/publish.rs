//! Published ports.

use super::SERVE;
use super::address::endpoint;
use crate::ask::{bridge, port};
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::residue;
use crate::world::World;
use drydock_core::container::{ContainerConfig, Status};
use drydock_core::host::Capability;
use drydock_core::network::PortRequest;

const NEEDS: &[Capability] = &[Capability::Bridge, Capability::Publish];

fn published(ports: Vec<PortRequest>) -> impl FnOnce(&mut ContainerConfig) {
    move |c| {
        bridge(c);
        c.ports = ports;
    }
}

fn fetch(w: &World<'_>, at: &str) -> Checked<crate::Output> {
    w.host(&format!("timeout 3 wget -q -O - http://{at}/"))
}

fn serves(w: &World<'_>, at: &str) -> Checked {
    fetch(w, at)?.prints("page")?.done()
}

fn refuses(w: &World<'_>, at: &str) -> Checked {
    holds(format_args!("nothing answers at {at}"), fetch(w, at)?.code != 0)
}

/// The bridge's address.
fn gateway(w: &World<'_>, id: &str) -> Checked<String> {
    match endpoint(w, id)?.address.trunc().hosts().next() {
        Some(address) => Ok(address.to_string()),
        None => fail("the subnet is empty"),
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("NET-PORT-1", "A published port answers on the host's addresses, on 127.0.0.1 too.", cite::PORT, |w| {
        let id = w.ready(SERVE, published(vec![port(None, 8080, 80)]))?;
        serves(w, "127.0.0.1:8080")?;
        serves(w, &format!("{}:8080", gateway(w, &id)?))
    })
    .needs(NEEDS),
    Clause::docker("NET-PORT-2", "A port that is not published does not answer on the host's addresses.", cite::PORT, |w| {
        let id = w.ready(SERVE, bridge)?;
        refuses(w, "127.0.0.1:80")?;
        refuses(w, &format!("{}:80", gateway(w, &id)?))
    })
    .needs(NEEDS),
    Clause::docker(
        "NET-PORT-3",
        "A host port belongs to one container; the second one's start is refused, and it stays as created, with the error.",
        cite::PORT,
        |w| {
            let first = w.ready(SERVE, published(vec![port(None, 8080, 80)]))?;
            let second = w.create(&["sleep", "1000"], published(vec![port(None, 8080, 80)]))?;
            let Err(error) = w.engine().start(&second) else { return fail("it was started") };
            contains("message", &error.to_string(), "Bind for 0.0.0.0:8080 failed: port is already allocated")?;
            equal("exit code of run", error.exit_code_of_run(), 125)?;
            let state = w.record(&second)?.state;
            equal("status", state.status, Status::Created)?;
            equal("exit code", state.exit_code, 128)?;
            contains("error", &state.error, "port is already allocated")?;
            equal("the first", w.status(&first)?, Status::Running)?;
            serves(w, "127.0.0.1:8080")
        },
    )
    .needs(NEEDS),
    Clause::docker("NET-PORT-4", "A port is free again when its container stops, and its own when it starts again.", cite::PORT, |w| {
        let first = w.ready(SERVE, published(vec![port(None, 8080, 80)]))?;
        w.engine().stop(&first, None, Some(0))?;
        refuses(w, "127.0.0.1:8080")?;
        let second = w.ready(SERVE, published(vec![port(None, 8080, 80)]))?;
        w.remove(&second)?;
        w.engine().start(&first)?;
        w.eventually("it serves again", || Ok(fetch(w, "127.0.0.1:8080")?.text() == "page"))
    })
    .needs(NEEDS),
    Clause::docker("NET-PORT-5", "A port published on one address answers on that one only.", cite::PORT, |w| {
        let id = w.ready(SERVE, published(vec![port(Some("127.0.0.1"), 8081, 80)]))?;
        serves(w, "127.0.0.1:8081")?;
        refuses(w, &format!("{}:8081", gateway(w, &id)?))
    })
    .needs(NEEDS),
    Clause::docker("NET-PORT-6", "Without a host port one is chosen, from 32768 on, and recorded.", cite::PORT, |w| {
        let request = PortRequest { host_ports: None, ..port(None, 1, 80) };
        let id = w.ready(SERVE, published(vec![request]))?;
        let published = w.record(&id)?.published;
        let Some(first) = published.iter().find(|p| p.host_ip.is_ipv4()) else { return fail(format_args!("published: {published:?}")) };
        holds(format_args!("{} is an ephemeral port", first.host_port), first.host_port >= 32768)?;
        equal("container port", first.container_port, 80)?;
        serves(w, &format!("127.0.0.1:{}", first.host_port))
    })
    .needs(NEEDS),
    Clause::docker(
        "NET-PORT-7",
        "-P publishes every exposed port of the person and of the image, each on a port of its own, and no others.",
        cite::PORT,
        |w| {
            w.import_busybox("exposing:1", &["EXPOSE 80 53/udp"])?;
            let id = w.sleeper(|c| {
                bridge(c);
                c.image = "exposing:1".to_owned();
                c.publish_all = true;
                c.expose = vec!["81/tcp".to_owned()];
            })?;
            let mut ports: Vec<String> = w
                .record(&id)?
                .published
                .iter()
                .filter(|p| p.host_ip.is_ipv4())
                .map(|p| format!("{}/{:?}", p.container_port, p.protocol))
                .collect();
            ports.sort();
            equal("container ports", ports, vec!["53/Udp", "80/Tcp", "81/Tcp"])
        },
    )
    .needs(NEEDS),
    Clause::docker("NET-PORT-8", "An exposed port is not published by being exposed.", cite::PORT, |w| {
        let id = w.sleeper(|c| {
            bridge(c);
            c.expose = vec!["81/tcp".to_owned()];
        })?;
        equal("published", w.record(&id)?.published.len(), 0)
    })
    .needs(NEEDS),
    Clause::docker("NET-PORT-9", "Two containers serve the same port of their own on different ports of the host.", cite::PORT, |w| {
        w.ready(SERVE, published(vec![port(None, 8082, 80)]))?;
        w.ready(SERVE, published(vec![port(None, 8083, 80)]))?;
        serves(w, "127.0.0.1:8082")?;
        serves(w, "127.0.0.1:8083")
    })
    .needs(NEEDS),
    Clause::docker("NET-PORT-10", "One port can be published on several ports of the host, and several ports at once.", cite::PORT, |w| {
        w.ready(SERVE, published(vec![port(None, 8084, 80), port(None, 8085, 80), port(None, 8086, 81)]))?;
        serves(w, "127.0.0.1:8084")?;
        serves(w, "127.0.0.1:8085")?;
        refuses(w, "127.0.0.1:8086")
    })
    .needs(NEEDS),
    Clause::law("NET-PORT-11", "A start that a taken port refuses leaves nothing of itself.", "Drydock, plans are undone", |w| {
        w.sleeper(published(vec![port(None, 8087, 80)]))?;
        let second = w.create(&["sleep", "1000"], published(vec![port(None, 8088, 80), port(None, 8087, 80)]))?;
        let before = w.engine().observe()?;
        holds("the start is refused", w.engine().start(&second).is_err())?;
        residue::unchanged_but_files(w, &before)?;
        // The port that was free is still free.
        w.sleeper(published(vec![port(None, 8088, 80)]))?;
        Ok(())
    })
    .needs(NEEDS),
    Clause::docker("NET-PORT-12", "A container reaches another's published port by the bridge's address.", cite::PORT, |w| {
        let id = w.ready(SERVE, published(vec![port(None, 8089, 80)]))?;
        let url = format!("http://{}:8089/", gateway(w, &id)?);
        w.run_with(&["wget", "-q", "-O", "-", &url], bridge)?.prints("page")?.done()
    })
    .needs(NEEDS),
];
