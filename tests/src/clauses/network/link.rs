//! `--link` on the default network: a name for another container, and what it says of itself.

use crate::clause::Clause;
use crate::outcome::{Checked, contains, equal, lacks};
use crate::world::World;
use drydock_core::container::{ContainerConfig, NetworkMode};
use drydock_core::host::Capability;
use drydock_core::kernel::Signal;
use drydock_core::network::Place;

const LINK: &str = "Docker manual, Legacy container links, Environment variables";
const BOOK: &str = "Drydock book, Networks";
const NEEDS: &[Capability] = &[Capability::Bridge];

fn linked(to: &str) -> impl Fn(&mut ContainerConfig) {
    let place = Place { links: vec![to.to_owned()], ..Place::on("bridge") };
    move |c| {
        c.network = NetworkMode::default();
        c.name = Some("asker".to_owned());
        c.places = vec![place.clone()];
    }
}

fn database(w: &World<'_>) -> Checked<String> {
    w.sleeper(|c| {
        c.network = NetworkMode::default();
        c.name = Some("data".to_owned());
        c.env = vec!["KEPT=in a table".to_owned()];
        c.expose = vec!["80".to_owned(), "81".to_owned(), "82".to_owned(), "53/udp".to_owned()];
    })
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("NET-LINK-1", "A link tells of the other's name, ports and environment in variables of its alias.", LINK, |w| {
        let other = database(w)?;
        let address = w.exec(&other, &["hostname", "-i"])?.exits(0)?.text();
        let env = w.run_with(&["env"], linked("data:my-db"))?.exits(0)?.lines();
        for (line, times) in [
            ("MY_DB_NAME=/asker/my-db".to_owned(), 1),
            (format!("MY_DB_PORT=udp://{address}:53"), 1),
            (format!("MY_DB_PORT_80_TCP=tcp://{address}:80"), 1),
            (format!("MY_DB_PORT_80_TCP_END=tcp://{address}:82"), 1),
            ("MY_DB_PORT_53_UDP_PROTO=udp".to_owned(), 1),
            ("MY_DB_ENV_KEPT=in a table".to_owned(), 1),
        ] {
            equal(format_args!("{line} in {env:?}"), env.iter().filter(|l| **l == line).count(), times)?;
        }
        lacks("environment", &env.join("\n"), "MY_DB_ENV_PATH")
    })
    .needs(NEEDS),
    Clause::docker("NET-LINK-2", "What the person sets stands before what a link tells.", LINK, |w| {
        database(w)?;
        let env = w.run_with(&["env"], |c| {
            linked("data")(c);
            c.env = vec!["DATA_ENV_KEPT=otherwise".to_owned()];
        })?;
        let env = env.exits(0)?.text();
        contains("environment", &env, "DATA_ENV_KEPT=otherwise")?;
        contains("environment", &env, "DATA_NAME=/asker/data")?;
        lacks("environment", &env, "in a table")
    })
    .needs(NEEDS),
    Clause::docker("NET-LINK-3", "A further program in a container is told of its links as the first one is.", LINK, |w| {
        database(w)?;
        let id = w.sleeper(|c| {
            linked("data:my-db")(c);
            c.env = vec!["MY_DB_ENV_KEPT=otherwise".to_owned()];
        })?;
        let env = w.exec(&id, &["env"])?.exits(0)?.text();
        contains("environment", &env, "MY_DB_NAME=/asker/my-db")?;
        contains("environment", &env, "MY_DB_PORT_80_TCP=tcp://")?;
        contains("environment", &env, "MY_DB_ENV_KEPT=otherwise")?;
        lacks("environment", &env, "in a table")
    })
    .needs(NEEDS),
    Clause::law("NET-LINK-4", "A further program is not refused because what its container is linked to has ended.", BOOK, |w| {
        let other = database(w)?;
        let id = w.sleeper(linked("data:my-db"))?;
        w.engine().kill(&other, Signal::KILL)?;
        w.engine().wait(&other, None)?;
        lacks("environment", &w.exec(&id, &["env"])?.exits(0)?.text(), "MY_DB_")
    })
    .needs(NEEDS),
];
