//! The workers, on both databases.

#[path = "../support/mod.rs"]
mod support;

mod burst;
mod cancellation;
mod chains;
mod database_errors;
mod hand_over;
mod harness;
mod http;
mod http_profiles;
mod limits;
mod lost_answer;
mod outcomes;
mod output;
mod run_inputs;
mod shutdown;
mod templates;
