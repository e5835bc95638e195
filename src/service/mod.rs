//! What a person or program may ask for: permission, rule and change in one place, for the API, the pages and the command
//! line alike. What is changed here is said in the log and on the event bus after it is committed.

use std::sync::{Arc, RwLock};

use chrono_tz::Tz;

use crate::clock::SharedClock;
use crate::domain::event::{Event, TaskChange};
use crate::domain::fault::Fault;
use crate::domain::profile::Profiles;
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::oidc::Provider;
use crate::signals::{Pulse, Signals};
use crate::storage::{self, Database};
use crate::tasks::registry::Registry;
use crate::tasks::sql::Datasources;
use crate::vault::Vault;
use crate::worker::cancel::Cancels;

mod accounts;
mod audit;
mod audit_file;
mod bulk;
mod calendar;
mod datasources;
mod ear;
mod executions;
mod figures;
mod history;
mod messengers;
mod nodes;
mod overview;
mod preview;
mod reach;
mod runs;
mod saved_views;
mod second_factor;
mod second_step;
mod secrets;
mod sessions;
mod setup_code;
mod single_sign_on;
mod streams;
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
pub use datasources::Trial;
pub use ear::Ear;
pub use history::{Brought, MAX_RUNS};
pub use messengers::SmsTrial;
pub use nodes::Nodes;
pub use preview::Preview;
pub use second_factor::{Enrolment, Standing, WaysIn};
pub use second_step::Entered;
pub use single_sign_on::{Arrival, Departure, NotIn, Returned};
pub use streams::{MOST_STREAMS, OpenStream};
pub use tokens::NewToken;
pub use transfer::{FileStatus, Import, Outcome as ImportOutcome};
pub use users::{NewUser, UserChange};

use setup_code::SetupCode;
use streams::Streams;
use throttle::Throttle;

/// Why a request was not done. Mapped once for the API and once for the pages.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing; names it.
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Forbidden(String),
    #[error("the request is not valid")]
    Invalid(Vec<Fault>),
    /// It exists already, or its state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// Somebody else changed it: the version asked for is not the present one.
    #[error("the task is at version {current}, not {given}; read it anew")]
    Stale { given: i64, current: i64 },
    /// Sign-in failed.
    #[error("{0}")]
    Unauthorized(String),
    #[error("{0}")]
    TooManyRequests(String),
    /// A fault of the server or its database; the cause goes to the log, not to the caller.
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
    /// One fault of the input.
    fn invalid(pointer: &str, message: impl Into<String>) -> Error {
        Error::Invalid(vec![Fault::new(pointer, message)])
    }

    fn no_task(id: &str) -> Error {
        Error::NotFound(format!("there is no task '{}'", crate::domain::input::cut(id, 64)))
    }

    fn no_execution(id: &str) -> Error {
        Error::NotFound(format!("there is no execution '{}'", crate::domain::input::cut(id, 64)))
    }
}

/// All that the services need. Built once at the start; clones share it.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    parts: Parts,
    throttle: Throttle,
    setup_code: SetupCode,
    streams: Streams,
    tasks_file: RwLock<Option<FileStatus>>,
}

/// What a [`Service`] is made of.
pub struct Parts {
    pub database: Database,
    pub registry: Arc<Registry>,
    pub datasources: Arc<Datasources>,
    /// The mail servers and SMS providers of the settings.
    pub profiles: Arc<Profiles>,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    pub pulse: Pulse,
    pub cancels: Cancels,
    pub vault: Arc<Vault>,
    /// The server's zone, for triggers that name none.
    pub zone: Tz,
    /// Names of the queues there are, `default` first.
    pub queues: Vec<String>,
    /// How long a sign-in lasts.
    pub session: chrono::Duration,
    /// How long it lasts without being used.
    pub session_idle: chrono::Duration,
    /// Whoever signs in by password must set up a second factor.
    pub second_factor_required: bool,
    /// The identity provider of single sign-on.
    pub single_sign_on: Option<Arc<Provider>>,
}

impl Service {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            throttle: Throttle::default(),
            setup_code: SetupCode::default(),
            streams: Streams::default(),
            tasks_file: RwLock::default(),
        }))
    }

    /// The server's zone.
    pub fn zone(&self) -> Tz {
        self.0.parts.zone
    }

    pub fn clock(&self) -> &SharedClock {
        &self.0.parts.clock
    }

    pub fn registry(&self) -> &Registry {
        &self.0.parts.registry
    }

    pub fn events(&self) -> &EventBus {
        &self.0.parts.events
    }

    /// Names of the queues that a policy may name.
    pub fn queues(&self) -> &[String] {
        &self.0.parts.queues
    }

    /// Whether somebody may do a thing at all, for a page that asks before it is done.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn may(&self, actor: &Actor, action: Action) -> Result<()> {
        allow(actor, action)
    }

    fn vault(&self) -> &Vault {
        &self.0.parts.vault
    }

    fn database(&self) -> &Database {
        &self.0.parts.database
    }

    /// Tells the pages that a task changed.
    fn publish_task(&self, id: &str, change: TaskChange) {
        self.0.parts.events.publish(vec![Event::Task { id: id.to_owned(), change }]);
    }
}

/// Refuses what the table of permissions ([`crate::domain::permission::RULES`]) does not allow the actor.
fn allow(actor: &Actor, action: Action) -> Result<()> {
    let rule = action.rule();
    if !actor.role.allows(action) {
        return Err(Error::Forbidden(format!("the role {} may not {}", actor.role.as_str(), rule.says)));
    }
    if rule.whole && !actor.reach.is_all() {
        return Err(Error::Forbidden(format!("who is limited to tags may not {}", rule.says)));
    }
    Ok(())
}
