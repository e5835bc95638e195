//! `send_sms` against gateways that compute each signature anew, and those gateways against the providers' own SDKs.

#[path = "../support/mod.rs"]
mod support;

#[path = "../worker/harness.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod harness;

mod faults;
mod gateway;
mod providers;
mod rig;
mod sdk;
