//! Containers: their life, their streams, their surroundings.

mod command;
mod device;
mod environment;
mod exec;
mod exit;
mod files;
mod health;
mod isolation;
mod life;
mod log;
mod mount;
mod name;
mod pause;
mod restart;
mod security;
mod share;
mod signal;
mod stream;
mod terminal;
mod user;
mod volume;

use crate::clause::Clause;

/// Every topic, by name.
pub(super) fn topics() -> Vec<&'static [Clause]> {
    vec![
        command::CLAUSES,
        device::CLAUSES,
        environment::CLAUSES,
        exec::CLAUSES,
        exit::CLAUSES,
        files::CLAUSES,
        health::CLAUSES,
        isolation::CLAUSES,
        life::CLAUSES,
        log::CLAUSES,
        mount::CLAUSES,
        name::CLAUSES,
        pause::CLAUSES,
        restart::CLAUSES,
        security::CLAUSES,
        share::CLAUSES,
        signal::CLAUSES,
        stream::CLAUSES,
        terminal::CLAUSES,
        user::CLAUSES,
        volume::CLAUSES,
    ]
}
