//! The real program in processes of its own: how it starts, what it says when it cannot, how it ends, and what stays when it
//! is killed.

#[path = "../support/mod.rs"]
mod support;

mod caller;
mod care;
mod commands;
mod crash;
mod editing;
mod executables;
mod measuring;
mod messengers;
mod moving;
mod refused;

mod server;
mod serving;
#[cfg(unix)]
mod stopping;
#[cfg(unix)]
mod supervised;
mod task_commands;
#[cfg(target_os = "linux")]
mod terminal;
