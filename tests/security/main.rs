//! Belfry as an attacker meets it: the real server over real sockets, one kind of attack a file.

#[path = "../process/server.rs"]
#[allow(dead_code, reason = "the tests of processes use the rest")]
mod server;

mod canary;
mod headers;
mod injection;
mod limits;
mod logs;
mod paths;
mod proxies;
mod rig;
mod sessions;
mod setup;
mod slow;
mod smuggling;
mod tls;
