//! The API as its callers see it: through the whole stack, on a database of its own for each test.

mod app;
mod bodies;
mod bulk;
mod compatible;
mod datasources;
mod docs;
mod document;
mod events;
mod executions;
mod failing;
mod health;
mod lists;
mod others;
mod people;
mod second_factor;
mod secrets;
mod signing_in;
#[path = "../support/mod.rs"]
mod support;
mod tasks;
mod transfer;
mod triggers;
