//! The program as a separate process: start, failed start, shutdown, crash and the commands.

#[path = "../support/mod.rs"]
mod support;

mod after_outage;
mod backfill;
mod bench;
mod calendar;
mod cli;
mod crash;
mod executables;
mod failed_start;
mod import;
mod import_sources;
mod installation;
#[cfg(target_os = "linux")]
mod leftovers;
mod mail_sms_profiles;
mod notify_channels;
mod numbers;
mod profiles;
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
mod verify;
#[cfg(unix)]
mod watch;
#[cfg(unix)]
mod zones;

use support::server;
