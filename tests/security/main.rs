//! Security tests: attacks on the real server over real sockets, one kind of attack per file.

#[path = "../support/mod.rs"]
mod support;

mod guessing;
mod headers;
mod hostile_input;
mod injection;
mod limits;
mod logs;
mod many_faults;
mod markup;
mod paths;
mod proxies;
mod reading;
mod rig;
mod sessions;
mod setup;
mod slow;
mod smuggling;
mod threat_model;
mod tls;

use support::server;
