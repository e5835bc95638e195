//! The services: permission check, validation, change and audit of every operation, for the API, the pages and the
//! command line. Changes are logged and published to the event bus after the commit.

use std::sync::{Arc, RwLock};

use chrono_tz::Tz;

use crate::clock::SharedClock;
use crate::domain::event::{Event, TaskChange};
use crate::domain::fault::Fault;
use crate::domain::profile::Profiles;
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::oidc::Provider;
use crate::signals::{SchedulerHeartbeat, Signals};
use crate::storage::{self, Database};
use crate::tasks::registry::Registry;
use crate::tasks::sql::Datasources;
use crate::vault::Vault;
use crate::worker::cancel::CancelRegistry;

mod accounts;
mod audit;
mod audit_file;
mod bulk;
mod calendar;
mod datasources;
mod event_subscription;
mod executions;
mod history;
mod mail_sms_profiles;
mod nodes;
mod overview;
mod preview;
mod runs;
mod saved_views;
mod second_factor;
mod second_step;
mod secrets;
mod sessions;
mod setup_code;
mod single_sign_on;
mod stats;
mod streams;
mod tag_scope;
mod task_checks;
mod tasks;
mod throttle;
mod tokens;
mod transfer;
mod users;
mod vault;
mod versions;

pub use accounts::{AdminSetup, Credential, SignedIn};
pub use audit_file::AuditFormat;
pub use bulk::{BulkAction, BulkError, BulkOutcome, BulkTarget};
pub use calendar::CalendarRequest;
pub use datasources::ConnectionTest;
pub use event_subscription::EventSubscription;
pub use history::{HistoryImportOutcome, MAX_RUNS};
pub use mail_sms_profiles::SmsTest;
pub use nodes::Nodes;
pub use preview::Preview;
pub use second_factor::{Enrolment, SignInMethods, TwoFactorStatus};
pub use second_step::SignInOutcome;
pub use single_sign_on::{OidcCallback, OidcLogin, OidcRedirect, SignInError};
pub use streams::{MAX_STREAMS, OpenStream};
pub use tokens::NewToken;
pub use transfer::{FileStatus, Import, Outcome as ImportOutcome};
pub use users::{NewUser, UserChange};

use setup_code::SetupCode;
use streams::Streams;
use throttle::Throttle;

/// The error of a service call. The API and the pages each map it in one place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The resource does not exist; the message names it.
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Forbidden(String),
    #[error("the request is not valid")]
    Invalid(Vec<Fault>),
    /// The resource exists already, or its state does not allow the operation.
    #[error("{0}")]
    Conflict(String),
    /// The task was changed meanwhile: the given version is not the current one.
    #[error("the task is at version {current}, not {given}; reload it")]
    Stale { given: i64, current: i64 },
    /// Sign-in failed.
    #[error("{0}")]
    Unauthorized(String),
    #[error("{0}")]
    TooManyRequests(String),
    /// A failure of the server or its database; the cause is logged, not returned to the caller.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

pub type Result<T> = std::result::Result<T, Error>;

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        Error::Internal(Box::new(error))
    }
}

impl Error {
    /// A single validation fault.
    fn invalid(pointer: &str, message: impl Into<String>) -> Error {
        Error::Invalid(vec![Fault::new(pointer, message)])
    }

    fn no_task(id: &str) -> Error {
        Error::NotFound(format!("there is no task '{}'", crate::domain::input::truncate(id, 64)))
    }

    fn no_execution(id: &str) -> Error {
        Error::NotFound(format!("there is no execution '{}'", crate::domain::input::truncate(id, 64)))
    }
}

/// The services with their shared state. Built once at the start; clones are cheap.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    deps: ServiceDeps,
    throttle: Throttle,
    setup_code: SetupCode,
    streams: Streams,
    tasks_file: RwLock<Option<FileStatus>>,
}

/// The dependencies of a [`Service`].
pub struct ServiceDeps {
    pub database: Database,
    pub registry: Arc<Registry>,
    pub datasources: Arc<Datasources>,
    /// The mail servers and SMS providers of the settings.
    pub profiles: Arc<Profiles>,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    pub heartbeat: SchedulerHeartbeat,
    pub cancels: CancelRegistry,
    pub vault: Arc<Vault>,
    /// The server's time zone, for triggers without one.
    pub zone: Tz,
    /// The names of the queues, `default` first.
    pub queues: Vec<String>,
    /// The maximum lifetime of a session.
    pub session: chrono::Duration,
    /// The maximum idle time of a session.
    pub session_idle: chrono::Duration,
    /// True: accounts that sign in by password must set up a second factor.
    pub second_factor_required: bool,
    /// The identity provider of single sign-on.
    pub single_sign_on: Option<Arc<Provider>>,
}

impl Service {
    pub fn new(deps: ServiceDeps) -> Self {
        Self(Arc::new(Inner {
            deps,
            throttle: Throttle::default(),
            setup_code: SetupCode::default(),
            streams: Streams::default(),
            tasks_file: RwLock::default(),
        }))
    }

    /// The server's time zone.
    pub fn zone(&self) -> Tz {
        self.0.deps.zone
    }

    pub fn clock(&self) -> &SharedClock {
        &self.0.deps.clock
    }

    pub fn registry(&self) -> &Registry {
        &self.0.deps.registry
    }

    pub fn events(&self) -> &EventBus {
        &self.0.deps.events
    }

    /// The names of the queues that a policy may use.
    pub fn queues(&self) -> &[String] {
        &self.0.deps.queues
    }

    /// Checks whether an actor may perform an action, for pages that ask in advance.
    pub fn may(&self, actor: &Actor, action: Action) -> Result<()> {
        allow(actor, action)
    }

    fn vault(&self) -> &Vault {
        &self.0.deps.vault
    }

    fn database(&self) -> &Database {
        &self.0.deps.database
    }

    /// Publishes the change of a task.
    fn publish_task(&self, id: &str, change: TaskChange) {
        self.0.deps.events.publish(vec![Event::Task { id: id.to_owned(), change }]);
    }
}

/// Refuses actions that the permission table ([`crate::domain::permission::RULES`]) does not allow the actor.
fn allow(actor: &Actor, action: Action) -> Result<()> {
    let rule = action.rule();
    if !actor.role.allows(action) {
        return Err(Error::Forbidden(format!("the role {} may not {}", actor.role.as_str(), rule.says)));
    }
    if rule.whole && !actor.scope.is_all() {
        return Err(Error::Forbidden(format!("an account limited to tags may not {}", rule.says)));
    }
    Ok(())
}
