//! Tests of the services, on both databases.

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod demo;
mod heartbeats;
mod operations;
mod overview;
mod people;
mod run_inputs;
mod runs;
mod second_factor;
mod stored_profiles;
mod tag_scope_import;
mod task_state;
mod tasks;
mod timing;
mod transfer;
