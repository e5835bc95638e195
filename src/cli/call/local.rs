//! The API in this process, on the database of the settings, asked by the person at the machine. A server that runs on the same
//! database notices what is changed within a moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::{Answer, Call, Failure};
use crate::api;
use crate::app::{self, DATABASE_FILE, Opened};
use crate::clock::SystemClock;
use crate::config::{Log, Settings};
use crate::domain::user::{Actor, Via};
use crate::service::{self, Service};
use crate::telemetry::{self, Logs, Setup};

/// Nobody else is kept waiting by what a person at the machine asks for.
const LIMIT: Duration = Duration::from_secs(3600);
/// The largest body, in bytes: what is imported here is not sent by a stranger.
const BODY_LIMIT: usize = 256 << 20;

/// The API on the database of some settings, opened with the first call.
pub(in crate::cli) struct Local {
    settings: Settings,
    /// In whose name; `None`: the person at the machine.
    account: Option<String>,
    open: Mutex<Option<Open>>,
}

struct Open {
    opened: Opened,
    api: api::Local,
    _logs: Logs,
}

impl Local {
    /// `account`: in whose name; `None`: the person at the machine.
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
        let open = open.as_mut().ok_or_else(|| Failure::Failed("the database is not open".to_owned()))?;
        if call.needs_types() {
            open.opened.find_executables().await;
        }
        let answer = open.api.call(call.method, &call.target(), &call.headers, call.body.clone()).await;
        let answer = answer.ok_or_else(|| Failure::Usage(format!("{} cannot be asked for", call.target())))?;
        Ok(Answer { status: answer.status, headers: answer.headers, body: answer.body })
    }

    /// A question to a database that is not there is a mistake in the folder, and makes none.
    fn check_there(&self, call: &Call) -> Result<(), Failure> {
        let file = self.settings.data_dir.join(DATABASE_FILE);
        if self.settings.database.url.is_some() || file.exists() || call.creates() {
            return Ok(());
        }
        Err(Failure::NotFound(format!(
            "there is no database {}; give the folder with --data-dir or the settings with --config, ask a server with --server, \
             or begin with `belfry init`",
            file.display()
        )))
    }

    async fn open(&self) -> Result<Open, Failure> {
        let opened = app::open(&self.settings).await.map_err(|error| Failure::Unreachable(error.to_string()))?;
        let logs = log(&self.settings)?;
        let options = api::Options { request_timeout: LIMIT, body_limit: BODY_LIMIT, ..api::Options::default() };
        let actor = self.actor(&opened.service).await?;
        let api = api::Local::new(opened.service.clone(), actor, options);
        Ok(Open { opened, api, _logs: logs })
    }
}

impl Local {
    /// Who asks. In the name of an account, no more than it may is allowed.
    async fn actor(&self, service: &Service) -> Result<Actor, Failure> {
        let person = Actor::local(person());
        let Some(name) = &self.account else { return Ok(person) };
        match service.user(&person, name).await {
            Ok(user) => Ok(Actor { grants: user.grants, ..Actor::new(user.name, user.role, Via::CommandLine) }),
            Err(service::Error::NotFound(message)) => Err(Failure::NotFound(message)),
            Err(service::Error::Internal(cause)) => Err(Failure::failed(cause)),
            Err(other) => Err(Failure::failed(other)),
        }
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
