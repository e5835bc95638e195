//! Every storage function, on both databases; and the plans that SQLite's planner chooses.

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod executions;
mod lists;
mod nodes;
mod opening;
mod planning;
mod queue;
mod samples;
mod tasks;
