//! Security tests: attacks on the real server over real sockets, one kind of attack per file.

#[path = "../support/mod.rs"]
mod support;

#[path = "../process/server.rs"]
#[allow(dead_code, reason = "the process tests use the rest")]
mod server;

mod headers;
mod hostile_input;
mod injection;
mod limits;
mod logs;
mod markup;
mod paths;
mod proxies;
mod reading;
mod rig;
mod sessions;
mod setup;
mod slow;
mod smuggling;
mod tls;
