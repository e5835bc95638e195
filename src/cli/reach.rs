//! Whom a command asks, and how it answers: the flags that all commands on tasks, runs and accounts share.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::call::{Caller, Local, Remote};
use super::look::{Look, LookFlags};
use crate::config::{Flag, Settings, reason};
use crate::domain::secret::Secret;

const URL: &str = "BELFRY_SERVER_URL";
const TOKEN: &str = "BELFRY_TOKEN";
const TOKEN_FILE: &str = "BELFRY_TOKEN_FILE";

/// Without --server a command works on the local database, also while a server runs on it.
#[derive(Debug, Default, Args)]
pub(super) struct Reach {
    /// Ask this server instead of the local database [env: BELFRY_SERVER_URL].
    #[arg(long, value_name = "URL", global = true, help_heading = "Where")]
    server: Option<String>,
    /// The token to show the server; better given by the variable or a file, which no list of processes shows [env:
    /// BELFRY_TOKEN].
    #[arg(long, value_name = "TOKEN", global = true, help_heading = "Where", conflicts_with = "token_file")]
    token: Option<String>,
    /// Read the token from this file [env: BELFRY_TOKEN_FILE].
    #[arg(long, value_name = "FILE", global = true, help_heading = "Where")]
    token_file: Option<PathBuf>,
    /// The settings file of the local database; by default belfry.toml, if there is one [env: BELFRY_CONFIG].
    #[arg(long, value_name = "FILE", global = true, help_heading = "Where")]
    config: Option<PathBuf>,
    /// The folder of the local database and the log [env: BELFRY_DATA_DIR].
    #[arg(long, value_name = "FOLDER", global = true, help_heading = "Where")]
    data_dir: Option<String>,
    #[command(flatten)]
    look: LookFlags,
    /// In whose name to work on the local database; nobody: the person at the machine.
    #[arg(skip)]
    actor: Option<String>,
}

impl Reach {
    /// Does the work of a command: `work` is given whom to ask, and how to answer.
    ///
    /// # Errors
    /// What `work` fails with, and whatever keeps it from beginning.
    pub(super) fn run<T>(&self, work: impl AsyncFnOnce(&Caller, &Look) -> Result<T, Failure>) -> Result<T, Failure> {
        let look = self.look()?;
        let caller = self.caller()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        runtime.block_on(work(&caller, &look))
    }

    /// How the answer is to look.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a language there is not.
    pub(super) fn look(&self) -> Result<Look, Failure> {
        self.look.look()
    }

    /// The settings of the local database.
    ///
    /// # Errors
    /// [`Failure::Usage`] with the first thing that is not right.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let flag = |text: String| Flag { shown: "--data-dir".into(), setting: "data_dir".into(), text };
        Ok(Settings::of_process(self.config.clone(), self.data_dir.clone().map(flag).into_iter().collect())?)
    }

    /// The address that was given, with the name under which it was given.
    pub(super) fn address(&self) -> Option<(&'static str, String)> {
        match &self.server {
            Some(server) => Some(("--server", server.clone())),
            // Whoever names a local database means that one.
            None if self.data_dir.is_some() || self.config.is_some() => None,
            None => variable(URL).map(|server| (URL, server)),
        }
    }

    /// The same, asking in the name of an account: whoever sits at the machine may.
    ///
    /// # Errors
    /// [`Failure::Usage`] where a server is asked, which goes by the token alone.
    pub(super) fn in_the_name_of(self, account: &str) -> Result<Reach, Failure> {
        match self.address() {
            Some((shown, _)) => Err(Failure::Usage(format!("--user: with {shown} the account is that of the token"))),
            None => Ok(Reach { actor: Some(account.to_owned()), ..self }),
        }
    }

    fn caller(&self) -> Result<Caller, Failure> {
        let Some((shown, address)) = self.address() else {
            return Ok(Caller::Local(Box::new(Local::new(self.settings()?, self.actor.clone()))));
        };
        if self.data_dir.is_some() || self.config.is_some() {
            return Err(Failure::Usage(
                "--server and --data-dir or --config: give one of them; they name different databases".into(),
            ));
        }
        Ok(Caller::Remote(Remote::new(shown, &address, self.token(shown)?)?))
    }

    fn token(&self, server: &str) -> Result<Secret, Failure> {
        let by_file = |shown: &str, path: PathBuf| match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) => Err(Failure::Usage(format!("{shown}: cannot read {}: {}", path.display(), reason(&error)))),
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
            Some(_) => Err(Failure::Usage("the token has characters that no token has: copy it again, as one line".into())),
            None => Err(Failure::Usage(format!(
                "{server}: a server asks for a token; put it into {TOKEN}, or into a file named by --token-file. \
                 `belfry token add NAME` or the page of your account makes one"
            ))),
        }
    }
}

/// A variable that is set to something.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
