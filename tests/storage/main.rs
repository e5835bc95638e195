//! Tests of the storage functions on SQLite and PostgreSQL.

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod connections;
mod executions;
mod job_store;
mod lists;
mod nodes;
mod opening;
mod planning;
mod queue;
mod samples;
mod saved_views;
mod tasks;
