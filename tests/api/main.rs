//! Tests of the HTTP API through the complete stack, each on its own database.

mod accounts;
mod app;
mod authentication;
mod bodies;
mod bulk;
mod compatible;
mod datasources;
mod docs;
mod document;
mod events;
mod executions;
mod health;
mod heartbeats;
mod hooks;
mod lists;
mod notify_channels;
mod pauses;
mod profiles;
mod second_factor;
mod secrets;
mod server_errors;
#[path = "../support/mod.rs"]
mod support;
mod task_types_and_stats;
mod tasks;
mod transfer;
mod triggers;
