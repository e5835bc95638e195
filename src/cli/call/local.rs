//! The API in this process, on the local database, for the operating system's user. A server that runs on the same database
//! notices changes within a time_argument.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::{Answer, Call, Failure};
use crate::api;
use crate::app::{self, DATABASE_FILE, LocalApp};
use crate::cli::words;
use crate::clock::SystemClock;
use crate::config::{Log, Settings};
use crate::domain::user::{Actor, Via};
use crate::i18n::message;
use crate::service::UserService;
use crate::telemetry::{self, Logs, Setup};

/// The time limit of a request; long, as nobody else waits for it.
const LIMIT: Duration = Duration::from_secs(3600);
/// The largest request body, in bytes: imports come from the local user.
const BODY_LIMIT: usize = 256 << 20;

/// The API on the local database, opened with the first request.
pub(in crate::cli) struct Local {
    settings: Settings,
    /// The account to act as; `None`: the operating system's user.
    account: Option<String>,
    open: Mutex<Option<OpenDatabase>>,
}

struct OpenDatabase {
    opened: LocalApp,
    api: api::Local,
    _logs: Logs,
}

impl Local {
    /// `account`: the account to act as; `None`: the operating system's user.
    pub(in crate::cli) fn new(settings: Settings, account: Option<String>) -> Self {
        Self { settings, account, open: Mutex::new(None) }
    }

    pub(in crate::cli) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) async fn send(&self, call: &Call) -> Result<Answer, Failure> {
        let mut open = self.open.lock().await;
        if open.is_none() {
            self.check_there(call)?;
            *open = Some(self.open().await?);
        }
        let open = open.as_mut().ok_or_else(|| Failure::Failed(words(&message!("cli.database_closed"))))?;
        if call.needs_types() {
            open.opened.find_executables().await;
        }
        let answer = open.api.call(call.method, &call.target(), &call.headers, call.body.clone()).await;
        let answer = answer.ok_or_else(|| Failure::Usage(words(&message!("cli.path", path = call.target()))))?;
        Ok(Answer { status: answer.status, headers: answer.headers, body: answer.body })
    }

    /// Fails for a missing database unless the request may create one: a wrong folder must not create an empty database.
    fn check_there(&self, call: &Call) -> Result<(), Failure> {
        let file = self.settings.data_dir.join(DATABASE_FILE);
        if self.settings.database.url.is_some() || file.exists() || app::restore_is_pending(&file) || call.creates() {
            return Ok(());
        }
        Err(Failure::NotFound(words(&message!("cli.no_database", path = file.display().to_string()))))
    }

    async fn open(&self) -> Result<OpenDatabase, Failure> {
        let opened = app::open(&self.settings).await.map_err(|error| Failure::Unreachable(words(&error.message())))?;
        let logs = log(&self.settings)?;
        let options = api::Options { request_timeout: LIMIT, body_limit: BODY_LIMIT, ..api::Options::default() };
        let actor = self.actor(&opened.services.users).await?;
        let api = api::Local::new(opened.services.clone(), actor, options);
        Ok(OpenDatabase { opened, api, _logs: logs })
    }
}

impl Local {
    /// The actor of the requests. Acting as an account, it has only that account's permissions.
    async fn actor(&self, users: &UserService) -> Result<Actor, Failure> {
        let person = Actor::local(os_user());
        let Some(name) = &self.account else { return Ok(person) };
        match users.get(&person, name).await {
            Ok(user) => Ok(Actor { grants: user.grants, ..Actor::new(user.name, user.role, Via::CommandLine) }),
            Err(error) => Err(error.into()),
        }
    }
}

/// Writes to the server's log file. Rotation is left to the server, which holds the file open.
fn log(settings: &Settings) -> Result<Logs, Failure> {
    let log = Log { file_max_bytes: u64::MAX, ..settings.log.clone() };
    let clock = Arc::new(SystemClock);
    let setup = Setup { log: &log, folder: &settings.data_dir, rules: None, console: false, clock, zone: settings.server.zone };
    telemetry::start(setup).map_err(Failure::failed)
}

/// The name of the operating system's user.
fn os_user() -> String {
    let named = ["USER", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    named.unwrap_or_else(|| "command line".to_owned())
}
