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

use belfry::service::Error;

/// The pointers of the faults.
fn pointers<T: std::fmt::Debug>(refused: Result<T, Error>) -> Vec<String> {
    match refused {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
        other => panic!("not refused as invalid: {other:?}"),
    }
}
