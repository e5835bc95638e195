//! `belfry init`: a settings file with every setting explained, the data folder, and the first administrator.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::input::{ask, read_value};
use super::reach::Reach;
use super::{Failure, answer, look::Look};
use crate::app;
use crate::config::{Settings, reason};
use crate::service;

const EXAMPLE: &str = include_str!("../../belfry.example.toml");

/// Set Belfry up in this folder: belfry.toml with every setting explained, the data folder, the first administrator.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry init                                      asks for the administrator's name and password
  belfry init --admin alice < password.txt
  belfry init --data-dir /var/lib/belfry --admin alice --from-file password.txt
  belfry init --no-admin                           the first visit of the pages makes the administrator

What is there already stays as it is, so that it may be run again.")]
pub(super) struct Init {
    /// The administrator's name; without it, a terminal is asked.
    #[arg(long, value_name = "NAME")]
    admin: Option<String>,
    /// Read the password from this file instead of the input.
    #[arg(long, value_name = "FILE", requires = "admin")]
    from_file: Option<PathBuf>,
    /// Make no administrator.
    #[arg(long, conflicts_with = "admin")]
    no_admin: bool,
    /// Where to write the settings file.
    #[arg(long, value_name = "FILE", default_value = "belfry.toml")]
    settings: PathBuf,
    #[command(flatten)]
    reach: Reach,
}

impl Init {
    pub(super) fn run(self) -> Result<(), Failure> {
        let look = self.reach.look()?;
        if let Some((shown, _)) = self.reach.address() {
            return Err(Failure::Usage(look.fill("init.local", &[("shown", shown)])));
        }
        let settings = self.reach.settings()?;
        self.write_settings(&settings, &look)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        runtime.block_on(self.set_up(&settings, &look))?;
        answer(&look.line("init.next", &[("listen", &settings.server.listen)]))
    }

    /// Writes the settings file where there is none.
    fn write_settings(&self, settings: &Settings, look: &Look) -> Result<(), Failure> {
        let shown = self.settings.display().to_string();
        let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&self.settings);
        let written = written.and_then(|mut file| file.write_all(text(settings).as_bytes()));
        match written {
            Ok(()) => answer(&look.line("init.settings", &[("file", &shown)])),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                answer(&look.line("init.settings_stay", &[("file", &shown)]))
            }
            Err(error) => Err(Failure::Failed(format!("cannot write {shown}: {}", reason(&error)))),
        }
    }

    async fn set_up(&self, settings: &Settings, look: &Look) -> Result<(), Failure> {
        let opened = app::open(settings).await.map_err(Failure::failed)?;
        answer(&look.line("init.data", &[("folder", &shown(&settings.data_dir))]))?;
        if self.no_admin {
            return Ok(());
        }
        if !opened.service.needs_setup().await.map_err(told)? {
            return match &self.admin {
                None => answer(&look.line("init.admin_stays", &[])),
                Some(name) => Err(Failure::Conflict(look.fill("init.admin_there", &[("name", name)]))),
            };
        }
        let name = match &self.admin {
            Some(name) => name.clone(),
            None if std::io::stdin().is_terminal() => ask(&look.text("init.ask_name"))?,
            None => return answer(&look.line("init.no_admin", &[])),
        };
        let password = read_value("password", self.from_file.clone())?;
        let user = opened.service.set_up(&name, &password).await.map_err(told)?;
        answer(&look.line("init.admin", &[("name", &user.name)]))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The example with the data folder that was chosen.
fn text(settings: &Settings) -> String {
    if settings.data_dir == Settings::default().data_dir {
        return EXAMPLE.to_owned();
    }
    let folder = toml::Value::String(shown(&settings.data_dir));
    EXAMPLE.replacen("#data_dir = \"./data\"", &format!("data_dir = {folder}"), 1)
}

fn told(error: service::Error) -> Failure {
    match error {
        service::Error::Invalid(faults) => {
            Failure::Usage(faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("\n"))
        }
        service::Error::Internal(cause) => Failure::failed(cause),
        other => Failure::failed(other),
    }
}
