//! What a network makes on the host, and takes away again.

use super::address::endpoint;
use crate::ask::bridge;
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal, fail, holds};
use crate::residue;
use drydock_core::host::Capability;

const NEEDS: &[Capability] = &[Capability::Bridge];

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law(
        "NET-BRIDGE-1",
        "The default network's bridge has the gateway's address while a container is on it, and is gone with the last.",
        "Drydock, network bridge",
        |w| {
            let before = w.engine().observe()?;
            let (one, two) = (w.sleeper(bridge)?, w.sleeper(bridge)?);
            let subnet = endpoint(w, &one)?.address.trunc();
            let Some(gateway) = subnet.hosts().next() else { return fail("the subnet is empty") };
            w.host("ip -4 addr show drydock0")?.says(&format!("inet {gateway}/{}", subnet.prefix_len()))?;
            w.remove(&one)?;
            w.host("ip link show drydock0")?.exits(0)?;
            w.remove(&two)?;
            holds("the bridge is gone", w.host("ip link show drydock0")?.code != 0)?;
            residue::unchanged(w, &before)
        },
    )
    .needs(NEEDS),
    Clause::docker("NET-BRIDGE-2", "Each container has one link on the host, on the bridge, which goes with it.", cite::NET, |w| {
        w.inside("the links of containers on the host")?;
        let id = w.sleeper(bridge)?;
        let link = endpoint(w, &id)?.host_link;
        let shown = w.host(&format!("ip link show {link}"))?.exits(0)?.text();
        contains("its link", &shown, "master drydock0")?;
        w.engine().stop(&id, None, Some(0))?;
        holds("it is gone", w.host(&format!("ip link show {link}"))?.code != 0)
    })
    .needs(NEEDS),
    Clause::docker("NET-BRIDGE-3", "A link goes too when its container dies by itself.", cite::NET, |w| {
        let before = w.engine().observe()?;
        let id = w.start(&["true"], bridge)?;
        w.wait(&id)?;
        w.remove(&id)?;
        residue::unchanged(w, &before)
    })
    .needs(NEEDS),
    Clause::docker("NET-BRIDGE-4", "A start that fails after the network was made takes it all back.", cite::NET, |w| {
        let id = w.create(&["nope"], bridge)?;
        let before = w.engine().observe()?;
        holds("the start fails", w.engine().start(&id).is_err())?;
        equal("endpoints", w.record(&id)?.endpoints.len(), 0)?;
        // What its own directory holds stays until it is removed.
        residue::unchanged_but_files(w, &before)
    })
    .needs(NEEDS),
];
