//! Connection arguments: the server or local database that a command uses, and the output flags.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::call::{ApiClient, Local, Remote};
use super::environment::variable;
use super::output_options::{OutputFlags, OutputOptions};
use crate::cli::input::unreadable;
use crate::cli::words;
use crate::config::{Flag, Settings};
use crate::domain::secret::Secret;
use crate::i18n::message;

const URL: &str = "BELFRY_SERVER_URL";
const TOKEN: &str = "BELFRY_TOKEN";
const TOKEN_FILE: &str = "BELFRY_TOKEN_FILE";

/// Without --server a command works on the local database, even while a server runs on it.
#[derive(Debug, Default, Args)]
pub(super) struct ConnectionArgs {
    /// Use this server instead of the local database [env: BELFRY_SERVER_URL].
    #[arg(long, value_name = "URL", global = true, help_heading = "Connection")]
    server: Option<String>,
    /// The server's access token; prefer the variable or a file, which process lists do not show [env: BELFRY_TOKEN].
    #[arg(long, value_name = "TOKEN", global = true, help_heading = "Connection", conflicts_with = "token_file")]
    token: Option<String>,
    /// Read the token from this file [env: BELFRY_TOKEN_FILE].
    #[arg(long, value_name = "FILE", global = true, help_heading = "Connection")]
    token_file: Option<PathBuf>,
    /// The settings file of the local database; by default belfry.toml, if it exists [env: BELFRY_CONFIG].
    #[arg(long, value_name = "FILE", global = true, help_heading = "Connection")]
    config: Option<PathBuf>,
    /// The folder of the local database and the log [env: BELFRY_DATA_DIR].
    #[arg(long, value_name = "FOLDER", global = true, help_heading = "Connection")]
    data_dir: Option<String>,
    #[command(flatten)]
    output: OutputFlags,
    /// The account to act as on the local database; `None`: the operating system's user.
    #[arg(skip)]
    actor: Option<String>,
}

impl ConnectionArgs {
    /// Runs `work` with a client and the output options.
    pub(super) fn run<T>(&self, work: impl AsyncFnOnce(&ApiClient, &OutputOptions) -> Result<T, Failure>) -> Result<T, Failure> {
        let output = self.output()?;
        let client = self.client()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        runtime.block_on(work(&client, &output))
    }

    /// The output options; [`Failure::Usage`] for an unsupported language.
    pub(super) fn output(&self) -> Result<OutputOptions, Failure> {
        self.output.output()
    }

    /// The settings of the local database.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let flag = |text: String| Flag { shown: "--data-dir".into(), setting: "data_dir".into(), text };
        Ok(Settings::from_process(self.config.clone(), self.data_dir.clone().map(flag).into_iter().collect())?)
    }

    /// The server's address, with the flag or variable that named it.
    pub(super) fn address(&self) -> Option<(&'static str, String)> {
        match &self.server {
            Some(server) => Some(("--server", server.clone())),
            // --data-dir and --config select the local database even where BELFRY_SERVER_URL is set.
            None if self.data_dir.is_some() || self.config.is_some() => None,
            None => variable(URL).map(|server| (URL, server)),
        }
    }

    /// The same arguments acting as another account, which the local database allows; a usage error with a server.
    pub(super) fn acting_as(self, account: &str) -> Result<ConnectionArgs, Failure> {
        match self.address() {
            Some((shown, _)) => Err(Failure::Usage(words(&message!("cli.token_selects", shown).of("--user")))),
            None => Ok(ConnectionArgs { actor: Some(account.to_owned()), ..self }),
        }
    }

    fn client(&self) -> Result<ApiClient, Failure> {
        let Some((shown, address)) = self.address() else {
            return Ok(ApiClient::Local(Box::new(Local::new(self.settings()?, self.actor.clone()))));
        };
        if self.data_dir.is_some() || self.config.is_some() {
            return Err(Failure::Usage(words(&message!("cli.two_databases"))));
        }
        Ok(ApiClient::Remote(Remote::new(shown, &address, self.token(shown)?)?))
    }

    fn token(&self, server: &str) -> Result<Secret, Failure> {
        let by_file = |shown: &str, path: PathBuf| match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) => Err(Failure::Usage(words(&unreadable(&path.display().to_string(), &error).of(shown)))),
        };
        let given = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(path)) => Some(by_file("--token-file", path.clone())?),
            (None, None) => match (variable(TOKEN), variable(TOKEN_FILE)) {
                (Some(token), _) => Some(token),
                (None, Some(path)) => Some(by_file(TOKEN_FILE, path.into())?),
                (None, None) => None,
            },
        };
        let usable = |token: &String| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        match given {
            Some(token) if usable(&token) => Ok(Secret::new(token)),
            Some(_) => Err(Failure::Usage(words(&message!("cli.token_characters")))),
            None => Err(Failure::Usage(words(&message!("cli.token_required", variable = TOKEN).of(server)))),
        }
    }
}
