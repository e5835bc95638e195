//! `belfry serve`: runs the server.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::supervisor::Supervisor;
use super::{Failure, answer, process_secrets, stop};
use crate::app::{App, Bootstrap};
use crate::cli::words;
use crate::clock::SystemClock;
use crate::config::{Flag, Settings};
use crate::i18n::message;
#[cfg(target_os = "linux")]
use crate::tasks::process::orphans;
use crate::telemetry::{self, Setup, TelemetryError};

/// How long blocking calls may take to end when the server has stopped.
const BLOCKING_GRACE: Duration = Duration::from_secs(2);

/// Run the server: pages, API, scheduler and workers (the default command).
#[derive(Debug, Default, Clone, PartialEq, Eq, Args)]
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
    let (name, value) = text.split_once('=').ok_or_else(|| words(&message!("cli.not_setting")))?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.run_until(CancellationToken::new())
    }

    /// Runs until a signal, or until `shutdown` is cancelled.
    pub(super) fn run_until(self, shutdown: CancellationToken) -> Result<(), Failure> {
        let settings = Settings::from_process(self.config.clone(), self.flags())?;
        process_secrets::protect();
        #[cfg(windows)]
        crate::inherited_handles::close_to_children();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::failed)?;
        #[cfg(target_os = "linux")]
        {
            orphans::adopt();
            runtime.spawn(orphans::collect());
        }
        let outcome = runtime.block_on(serve(settings, shutdown));
        // A blocking call cannot be cancelled; it must not keep the process from ending.
        runtime.shutdown_timeout(BLOCKING_GRACE);
        outcome
    }

    pub(super) fn flags(&self) -> Vec<Flag> {
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

async fn serve(settings: Settings, shutdown: CancellationToken) -> Result<(), Failure> {
    let ground = Bootstrap::prepare(&settings)?;
    let _logs = telemetry::start(Setup {
        log: &settings.log,
        folder: &settings.data_dir,
        rules: std::env::var("RUST_LOG").ok(),
        console: true,
        clock: Arc::new(SystemClock),
        zone: settings.server.zone,
    })
    .map_err(|error| match error {
        TelemetryError::Rules(rules) => Failure::Usage(words(&rules)),
        other => Failure::Failed(words(&other.message())),
    })?;
    let shutdown_grace = settings.workers.shutdown_timeout;
    let app = App::from_bootstrap(ground, settings).await?;
    let supervisor = Supervisor::new(&app.services().health, shutdown_grace, &shutdown);
    stop::on_signals(shutdown.clone()).map_err(Failure::failed)?;
    let ready = greeting(&app.urls(), app.setup_code(), std::io::stdout().is_terminal());
    app.run_with_ready(shutdown, |_address| {
        // A closed pipe does not stop the server.
        let _ = answer(&ready);
        supervisor.ready();
    })
    .await
    .map_err(Failure::from)
}

/// What a ready server prints: its addresses and, while there is no administrator, where to create one. The one-time code is shown as a
/// part of an address on a terminal only: what goes to a log is read by other eyes.
fn greeting(urls: &[String], setup_code: Option<&str>, is_terminal: bool) -> String {
    let mut lines = Vec::new();
    if let Some((first, others)) = urls.split_first() {
        lines.push(message!("start.ready", url = first));
        lines.extend(others.iter().map(|url| message!("start.network", url)));
    }
    match (setup_code, urls.last()) {
        (Some(code), Some(url)) if is_terminal => lines.push(message!("start.setup_at", url = format!("{url}setup?code={code}"))),
        (Some(code), _) => lines.push(message!("start.setup", code)),
        (None, _) => {}
    }
    lines.iter().map(|line| format!("{}\n", words(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greeting_names_the_addresses_and_the_setup() {
        let urls = ["http://127.0.0.1:8398/".to_owned(), "http://192.168.1.5:8398/".to_owned()];
        let lines = |code, terminal| greeting(&urls, code, terminal).lines().map(str::to_owned).collect::<Vec<_>>();
        let plain = lines(None, true);
        assert!(plain.len() == 2 && plain[0].contains(&urls[0]) && plain[1].contains(&urls[1]), "{plain:?}");
        assert!(lines(Some("AB2C"), true)[2].ends_with("http://192.168.1.5:8398/setup?code=AB2C"));
        let logged = &lines(Some("AB2C"), false)[2];
        assert!(logged.contains("AB2C") && !logged.contains("?code="), "{logged}");
    }
}
