//! Tests of `send_sms` against fake gateways that verify signatures, and of those gateways against the providers' SDKs.

#[path = "../support/mod.rs"]
mod support;

#[path = "../worker/harness.rs"]
#[allow(dead_code, reason = "these tests use only a part of it")]
mod harness;

mod faults;
mod gateway;
mod providers;
mod rig;
mod sdk;
