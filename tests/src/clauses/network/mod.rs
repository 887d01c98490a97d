//! Networks: addresses, names, modes, published ports.

mod address;
mod bridge;
mod config;
mod dns;
mod ipv6;
mod link;
mod many;
mod mode;
mod names;
mod publish;

use crate::clause::Clause;

/// Every topic, by name.
pub(super) fn topics() -> Vec<&'static [Clause]> {
    vec![
        address::CLAUSES,
        bridge::CLAUSES,
        config::CLAUSES,
        dns::CLAUSES,
        ipv6::CLAUSES,
        link::CLAUSES,
        many::CLAUSES,
        mode::CLAUSES,
        names::CLAUSES,
        publish::CLAUSES,
    ]
}

/// A web server with one page, as a script that says `ready`.
pub(super) const SERVE: &str = "mkdir /www; echo page >/www/index.html; httpd -p 80 -h /www; echo ready; exec sleep 1000";
