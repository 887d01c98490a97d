//! Containers: their life, their streams, their surroundings.

mod command;
mod device;
mod environment;
mod event;
mod exec;
mod exit;
mod files;
mod health;
mod image_mount;
mod instance;
mod isolation;
mod life;
mod list;
mod log;
mod mount;
mod name;
mod pause;
mod program;
mod prune;
mod rename;
mod restart;
mod security;
mod share;
mod signal;
mod stats;
mod stream;
mod surroundings;
mod terminal;
mod top;
mod update;
mod user;
mod userns;
mod volume;
mod volumes;
mod wait;

use crate::clause::Clause;

/// Every topic, by name.
pub(super) fn topics() -> Vec<&'static [Clause]> {
    vec![
        command::CLAUSES,
        device::CLAUSES,
        environment::CLAUSES,
        event::CLAUSES,
        exec::CLAUSES,
        exit::CLAUSES,
        files::CLAUSES,
        health::CLAUSES,
        instance::CLAUSES,
        isolation::CLAUSES,
        life::CLAUSES,
        list::CLAUSES,
        log::CLAUSES,
        mount::CLAUSES,
        image_mount::CLAUSES,
        name::CLAUSES,
        pause::CLAUSES,
        program::CLAUSES,
        prune::CLAUSES,
        rename::CLAUSES,
        restart::CLAUSES,
        security::CLAUSES,
        share::CLAUSES,
        signal::CLAUSES,
        stats::CLAUSES,
        stream::CLAUSES,
        surroundings::CLAUSES,
        top::CLAUSES,
        terminal::CLAUSES,
        update::CLAUSES,
        user::CLAUSES,
        userns::CLAUSES,
        volume::CLAUSES,
        volumes::CLAUSES,
        wait::CLAUSES,
    ]
}
