//! Utilities about processes, users, memory, mounts and namespaces.

pub mod accounts;
pub mod environment;
pub mod expr;
pub mod identity;
pub mod info;
pub mod mount;
pub mod namespaces;
pub mod proc;
pub mod ps;
pub mod run;
pub mod stress;
pub mod terminal;
