//! The real program in processes of its own: how it starts, what it says when it cannot, how it ends, and what stays when it
//! is killed.

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod crash;
mod executables;
mod measuring;
mod refused;

mod server;
mod serving;
#[cfg(unix)]
mod stopping;
