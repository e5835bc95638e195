//! The workers, on both databases: what becomes of a job that is in the queue.

#[path = "../support/mod.rs"]
mod support;

mod burst;
mod cancelling;
mod chains;
mod faults;
mod harness;
mod http;
mod http_profiles;
mod limits;
mod outcomes;
mod output;
mod stopping;
mod templates;
