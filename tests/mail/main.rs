//! Tests of `send_email` against a real mail server, which stores the mails; a mail parser then reads them.

#[path = "../support/mod.rs"]
mod support;

#[path = "../worker/harness.rs"]
#[allow(dead_code, reason = "these tests use only a part of it")]
mod harness;

#[path = "../storage/samples.rs"]
#[allow(dead_code, reason = "these tests use only a part of it")]
mod samples;

mod connections;
mod content;
mod faults;
mod rig;
mod security;
mod server;
mod stored;
