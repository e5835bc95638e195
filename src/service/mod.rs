//! What a person or program may ask for: permission, rule and change in one place, for the API, the pages and the command
//! line alike. What is changed here is said in the log and on the event bus after it is committed.

use std::sync::Arc;

use chrono_tz::Tz;

use crate::clock::SharedClock;
use crate::domain::event::{Event, TaskChange};
use crate::domain::fault::Fault;
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::signals::{Pulse, Signals};
use crate::storage::{self, Database};
use crate::tasks::registry::Registry;
use crate::tasks::sql::Datasources;
use crate::vault::Vault;
use crate::worker::cancel::Cancels;

mod accounts;
mod audit;
mod bulk;
mod calendar;
mod datasources;
mod executions;
mod figures;
mod nodes;
mod overview;
mod preview;
mod runs;
mod secrets;
mod tasks;
mod throttle;
mod tokens;
mod users;
mod vault;
mod versions;

pub use accounts::AdminSetup;
pub use bulk::{BulkAction, BulkError, BulkOutcome, BulkTarget};
pub use calendar::CalendarRequest;
pub use datasources::Trial;
pub use nodes::Nodes;
pub use preview::Preview;
pub use tokens::NewToken;
pub use users::{NewUser, UserChange};

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
}

/// What a [`Service`] is made of.
pub struct Parts {
    pub database: Database,
    pub registry: Arc<Registry>,
    pub datasources: Arc<Datasources>,
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
}

impl Service {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, throttle: Throttle::default() }))
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

/// Refuses what the actor's role does not allow.
fn allow(actor: &Actor, action: Action) -> Result<()> {
    if actor.role.allows(action) {
        return Ok(());
    }
    let what = match action {
        Action::See => "see this",
        Action::Run => "run, pause or cancel tasks",
        Action::Edit => "create, change or delete tasks",
        Action::EditDangerous => "set up tasks that run commands",
        Action::Administer => "see or change this",
    };
    Err(Error::Forbidden(format!("the role {} may not {what}", actor.role.as_str())))
}
