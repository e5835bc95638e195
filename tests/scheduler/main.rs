//! The scheduler with a manual clock: every occurrence gets exactly one execution.

#[path = "../support/mod.rs"]
mod support;

mod idle;
mod planning;
mod two_nodes;
