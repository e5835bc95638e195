//! The process of the service: started by the service manager, it runs the server until it receives a stop request.
#![allow(unsafe_code, reason = "the macro of the entry point reads the arguments that the service manager passes")]

use std::ffi::OsString;
use std::sync::OnceLock;

use tokio_util::sync::CancellationToken;
use windows_service::service::ServiceControl;
use windows_service::service_control_handler::{self, ServiceControlHandlerResult};
use windows_service::{define_windows_service, service_dispatcher};

use super::Run;
use super::event_log::{self, Level};
use super::status::{self, Reporter};
use crate::cli::{Failure, words};
use crate::i18n::message;
use crate::tasks::process::console;

/// The arguments, for the function that the service manager calls.
static RUN: OnceLock<Run> = OnceLock::new();

define_windows_service!(service_main, serve);

/// Runs until the service has stopped.
pub(super) fn run(run: Run) -> Result<(), Failure> {
    let name = run.name.clone();
    let _ = RUN.set(run); // one service a process
    service_dispatcher::start(name, service_main).map_err(|_| Failure::Usage(words(&message!("cli.not_service_manager"))))
}

fn serve(_arguments: Vec<OsString>) {
    let Some(run) = RUN.get() else { return };
    let shutdown = CancellationToken::new();
    match register(&run.name, &shutdown) {
        Ok(reporter) => {
            reporter.starting();
            reporter.stopped(served(run, shutdown).err());
        }
        Err(error) => event_log::write(&run.name, Level::Error, &error.to_string()),
    }
}

fn register(name: &str, shutdown: &CancellationToken) -> windows_service::Result<Reporter> {
    let shutdown = shutdown.clone();
    let handle = service_control_handler::register(name, move |control| match control {
        ServiceControl::Stop | ServiceControl::Preshutdown | ServiceControl::Shutdown => {
            shutdown.cancel();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    })?;
    Ok(status::register(handle))
}

/// Runs the server; returns the exit status of a failure. Start, end and failure are in the event log.
fn served(run: &Run, shutdown: CancellationToken) -> Result<(), u8> {
    console::ensure();
    let log = |level: Level, text: &str| event_log::write(&run.name, level, text);
    log(Level::Information, &words(&message!("cli.service_starts", version = env!("CARGO_PKG_VERSION"))));
    let entered = std::env::set_current_dir(&run.folder).map_err(Failure::failed);
    match entered.and_then(|()| run.serve.clone().run_until(shutdown)) {
        Ok(()) => {
            log(Level::Information, &words(&message!("cli.service_stopped")));
            Ok(())
        }
        Err(failure) => {
            log(Level::Error, &failure.to_string());
            Err(failure.status())
        }
    }
}
