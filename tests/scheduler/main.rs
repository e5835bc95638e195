//! The scheduler with a manual clock: every occurrence gets exactly one execution.

#[path = "../support/mod.rs"]
mod support;

mod ahead;
mod backfills;
mod calendars;
mod clock;
mod decisions;
mod idle;
mod overlap;
mod pauses;
mod planning;
mod settling;
mod simulation;
mod two_nodes;
mod why;
