//! Planning by a clock that the test moves: every instant gets exactly one execution, whatever happens.

#[path = "../support/mod.rs"]
mod support;

mod checkpoint;
mod idle;
mod outside;
mod planning;
mod prune;
mod relay;
mod rescue;
mod two_nodes;
