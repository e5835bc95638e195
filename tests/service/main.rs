//! Tests of the services, on both databases.

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod overview;
mod people;
mod runs;
mod second_factor;
mod tag_scope_import;
mod tasks;
mod timing;
mod transfer;
