//! `belfry init`: creates a commented settings file, the data folder and the first administrator.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::connection_args::ConnectionArgs;
use super::input::{ask, read_value};
use super::{Failure, answer, output_options::OutputOptions};
use crate::app;
use crate::cli::input::unwritable;
use crate::cli::words;
use crate::config::Settings;
use crate::domain::user::Actor;
use crate::service;

const EXAMPLE: &str = include_str!("../../belfry.example.toml");

/// Set up Belfry in this folder: a commented belfry.toml, the data folder, the first administrator.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry init                                      asks for the administrator's name and password
  belfry init --admin alice < password.txt
  belfry init --data-dir /var/lib/belfry --admin alice --from-file password.txt
  belfry init --no-admin                           the setup page creates the administrator
  belfry init --no-admin --demo                    with example tasks

Existing files and accounts are left unchanged, so it is safe to run again.")]
pub(super) struct Init {
    /// The administrator's name; by default asked for on a terminal.
    #[arg(long, value_name = "NAME")]
    admin: Option<String>,
    /// Read the password from this file instead of standard input.
    #[arg(long, value_name = "FILE", requires = "admin")]
    from_file: Option<PathBuf>,
    /// Create no administrator.
    #[arg(long, conflicts_with = "admin")]
    no_admin: bool,
    /// Add six example tasks, which need no other service; the overview page removes them again.
    #[arg(long)]
    demo: bool,
    /// Where to write the settings file.
    #[arg(long, value_name = "FILE", default_value = "belfry.toml")]
    settings: PathBuf,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Init {
    pub(super) fn run(self) -> Result<(), Failure> {
        let output = self.connection.output()?;
        if let Some((shown, _)) = self.connection.address() {
            return Err(Failure::Usage(output.fill("init.local_only", &[("shown", shown)])));
        }
        let settings = self.connection.settings()?;
        self.write_settings(&settings, &output)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        runtime.block_on(self.set_up(&settings, &output))?;
        answer(&output.line("init.next", &[("listen", &settings.server.listen)]))
    }

    /// Writes the settings file unless it exists.
    fn write_settings(&self, settings: &Settings, output: &OutputOptions) -> Result<(), Failure> {
        let shown = self.settings.display().to_string();
        let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&self.settings);
        let written = written.and_then(|mut file| file.write_all(text(settings).as_bytes()));
        match written {
            Ok(()) => answer(&output.line("init.settings", &[("file", &shown)])),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                answer(&output.line("init.settings_exist", &[("file", &shown)]))
            }
            Err(error) => Err(unwritable(&self.settings, &error)),
        }
    }

    async fn set_up(&self, settings: &Settings, output: &OutputOptions) -> Result<(), Failure> {
        let opened = app::open(settings).await.map_err(Failure::failed)?;
        answer(&output.line("init.data", &[("folder", &shown(&settings.data_dir))]))?;
        if self.demo {
            let added = opened.services.demo.add(&Actor::local("init"), output.language()).await?;
            answer(&output.line("init.demo", &[("count", &added.to_string())]))?;
        }
        if self.no_admin {
            return Ok(());
        }
        if !opened.services.setup.is_needed().await.map_err(setup_failure)? {
            return match &self.admin {
                None => answer(&output.line("init.accounts_unchanged", &[])),
                Some(name) => Err(Failure::Conflict(output.fill("init.accounts_exist", &[("name", name)]))),
            };
        }
        let name = match &self.admin {
            Some(name) => name.clone(),
            None if std::io::stdin().is_terminal() => ask(&output.text("init.ask_name"))?,
            None => return answer(&output.line("init.no_admin", &[])),
        };
        let password = read_value("password", self.from_file.clone())?;
        let user = opened.services.setup.create_admin(&name, &password).await.map_err(setup_failure)?;
        answer(&output.line("init.admin", &[("name", &user.name)]))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The example settings with the chosen data folder.
fn text(settings: &Settings) -> String {
    if settings.data_dir == Settings::default().data_dir {
        return EXAMPLE.to_owned();
    }
    let folder = toml::Value::String(shown(&settings.data_dir));
    EXAMPLE.replacen("#data_dir = \"./data\"", &format!("data_dir = {folder}"), 1)
}

fn setup_failure(error: service::Error) -> Failure {
    match error {
        service::Error::Invalid(faults) => {
            Failure::Usage(faults.iter().map(|fault| words(&fault.message)).collect::<Vec<_>>().join("\n"))
        }
        other => other.into(),
    }
}
