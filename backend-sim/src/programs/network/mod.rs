//! Utilities about links, addresses, routes and connections.

pub mod bridge;
pub mod client;
pub mod httpd;
pub mod ip;
pub mod legacy;
pub mod nc;
pub mod netstat;
pub mod ping;
pub mod resolve;
mod show;
