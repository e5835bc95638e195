//! Commands that work on the local database, through the same services as the server.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::Failure;
use crate::app;
use crate::clock::SystemClock;
use crate::config::{Flag, Log, Settings};
use crate::domain::user::Actor;
use crate::service::{self, Service};
use crate::telemetry::{self, Logs, Setup};

/// Which database to work on.
#[derive(Debug, Default, Args)]
pub(super) struct Local {
    /// The settings file; by default belfry.toml, if there is one [env: BELFRY_CONFIG].
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The folder for the database and the log [env: BELFRY_DATA_DIR].
    #[arg(long, value_name = "FOLDER", global = true)]
    data_dir: Option<String>,
}

impl Local {
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let flag = |text: String| Flag { shown: "--data-dir".into(), setting: "data_dir".into(), text };
        Ok(Settings::of_process(self.config.clone(), self.data_dir.clone().map(flag).into_iter().collect())?)
    }

    /// Asks the services one thing, as the person at the machine.
    pub(super) fn ask<T>(&self, question: impl AsyncFnOnce(Service, Actor) -> service::Result<T>) -> Result<T, Failure> {
        let settings = self.settings()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        runtime.block_on(async {
            let service = app::open(&settings).await.map_err(Failure::failed)?;
            let _logs = log(&settings)?;
            question(service, Actor::local(person())).await.map_err(told)
        })
    }
}

/// What is changed stands in the server's log. Setting it aside is left to the server, which holds it open.
fn log(settings: &Settings) -> Result<Logs, Failure> {
    let log = Log { file_max_bytes: u64::MAX, ..settings.log.clone() };
    let clock = Arc::new(SystemClock);
    let setup = Setup { log: &log, folder: &settings.data_dir, rules: None, console: false, clock, zone: settings.server.zone };
    telemetry::start(setup).map_err(Failure::failed)
}

/// Who is at the machine, by the system's account.
fn person() -> String {
    let named = ["USER", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    named.unwrap_or_else(|| "command line".to_owned())
}

fn told(error: service::Error) -> Failure {
    match error {
        service::Error::Invalid(faults) => {
            Failure::Usage(faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; "))
        }
        service::Error::Internal(cause) => Failure::failed(cause),
        other => Failure::failed(other),
    }
}

/// A secret from a file or the input, without one line break at its end. `what` it is, for the question at a terminal.
pub(super) fn read_value(what: &str, file: Option<PathBuf>) -> Result<String, Failure> {
    let text = match file {
        Some(path) => std::fs::read_to_string(&path)
            .map_err(|error| Failure::Usage(format!("--from-file: cannot read {}: {error}", path.display())))?,
        None => {
            let mut input = std::io::stdin();
            if input.is_terminal() {
                eprintln!("Type the {what}, then end the input (Ctrl+D; on Windows Ctrl+Z and Enter):");
            }
            let mut text = String::new();
            input.read_to_string(&mut text).map_err(|error| Failure::Usage(format!("the input cannot be read: {error}")))?;
            text
        }
    };
    let value = text.strip_suffix('\n').map_or(text.as_str(), |rest| rest.strip_suffix('\r').unwrap_or(rest));
    Ok(value.to_owned())
}
