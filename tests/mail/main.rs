//! `send_email` against a real mail server, which writes what it takes; a mail program's reader then tells what arrived.

#[path = "../support/mod.rs"]
mod support;

#[path = "../worker/harness.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod harness;

#[path = "../storage/samples.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod samples;

mod content;
mod faults;
mod rig;
mod security;
mod server;
mod sharing;
