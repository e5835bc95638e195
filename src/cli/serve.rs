//! `belfry serve`: runs the server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::supervisor::Supervisor;
use super::{Failure, answer, process_secrets, stop};
use crate::app::{App, Bootstrap};
use crate::clock::SystemClock;
use crate::config::{Flag, Settings};
use crate::telemetry::{self, Setup, TelemetryError};

/// How long blocking calls may take to end when the server has stopped.
const BLOCKING_GRACE: Duration = Duration::from_secs(2);

/// Run the server: pages, API, scheduler and workers (the default command).
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(super) struct Serve {
    /// The settings file; by default belfry.toml, if it exists [env: BELFRY_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The folder for the database and the log [env: BELFRY_DATA_DIR].
    #[arg(long, value_name = "FOLDER")]
    pub(super) data_dir: Option<String>,
    /// Address and port [env: BELFRY_SERVER_LISTEN].
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) listen: Option<String>,
    /// Synchronise the tasks with this YAML or JSON file [env: BELFRY_TASKS_FILE].
    #[arg(long, value_name = "FILE")]
    pub(super) tasks: Option<String>,
    /// Any setting by its name, such as workers.limit=8; may be given more than once.
    #[arg(long, value_name = "SECTION.KEY=VALUE", value_parser = read_pair)]
    pub(super) set: Vec<(String, String)>,
}

fn read_pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("use section.key=value, such as workers.limit=8")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        let settings = Settings::from_process(self.config.clone(), self.flags())?;
        process_secrets::protect();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::failed)?;
        let outcome = runtime.block_on(serve(settings));
        // A blocking call cannot be cancelled; it must not keep the process from ending.
        runtime.shutdown_timeout(BLOCKING_GRACE);
        outcome
    }

    fn flags(&self) -> Vec<Flag> {
        let own = [
            ("--data-dir", "data_dir", &self.data_dir),
            ("--listen", "server.listen", &self.listen),
            ("--tasks", "tasks.file", &self.tasks),
        ];
        let own = own.into_iter().filter_map(|(shown, setting, text)| {
            Some(Flag { shown: shown.into(), setting: setting.into(), text: text.clone()? })
        });
        let set = self.set.iter().map(|(setting, text)| Flag {
            shown: format!("--set {setting}"),
            setting: setting.clone(),
            text: text.clone(),
        });
        set.chain(own).collect()
    }
}

async fn serve(settings: Settings) -> Result<(), Failure> {
    let ground = Bootstrap::prepare(&settings).map_err(Failure::failed)?;
    let _logs = telemetry::start(Setup {
        log: &settings.log,
        folder: &settings.data_dir,
        rules: std::env::var("RUST_LOG").ok(),
        console: true,
        clock: Arc::new(SystemClock),
        zone: settings.server.zone,
    })
    .map_err(|error| match error {
        TelemetryError::Rules(_) => Failure::Usage(error.to_string()),
        _ => Failure::failed(error),
    })?;
    let shutdown = CancellationToken::new();
    let shutdown_grace = settings.workers.shutdown_timeout;
    let app = App::from_bootstrap(ground, settings).await.map_err(Failure::failed)?;
    let supervisor = Supervisor::new(&app.services().health, shutdown_grace, &shutdown);
    stop::on_signals(shutdown.clone()).map_err(Failure::failed)?;
    let mut ready = format!("Belfry is ready at {} (Ctrl+C stops it)\n", app.url());
    if let Some(code) = app.setup_code() {
        ready
            .push_str(&format!("There is no administrator yet: open /setup; from another machine it asks for the code {code}\n"));
    }
    app.run_with_ready(shutdown, |_address| {
        // A closed pipe does not stop the server.
        let _ = answer(&ready);
        supervisor.ready();
    })
    .await
    .map_err(Failure::failed)
}
