//! Planning by a clock that the test moves: every instant gets exactly one execution, whatever happens.

#[path = "../support/mod.rs"]
mod support;

mod idle;
mod planning;
mod prune;
mod rescue;
mod two_nodes;
