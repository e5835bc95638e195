//! The program as a separate process: start, failed start, shutdown, crash and the commands.

#[path = "../support/mod.rs"]
mod support;

mod bench;
mod cli;
mod crash;
mod executables;
mod failed_start;
mod import;
mod installation;
mod mail_sms_profiles;
mod secret_and_user;
mod task_edit;

mod serve;
#[cfg(unix)]
mod shutdown;
#[cfg(unix)]
mod systemd;
mod task_commands;
#[cfg(target_os = "linux")]
mod terminal;

use support::server;
