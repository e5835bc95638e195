//! The dependencies of the services, and the parts that several of them share.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;

use super::attempt_guard::AttemptGuard;
use super::audit_log::AuditLog;
use super::recent_values::LastChange;
use super::second_factor_codes::CodeVerifier;
use super::task_change::TaskChanges;
use super::task_rules::TaskRules;
use super::throttle::Throttle;
use crate::clock::SharedClock;
use crate::domain::retention::DefaultRetention;
use crate::events::EventBus;
use crate::notify::courier::Courier;
use crate::oidc::Provider;
use crate::profiles::ProfileDirectory;
use crate::queue::QueueConfig;
use crate::scheduler::Settlement;
use crate::scheduler::calendars::CalendarCache;
use crate::signals::{SchedulerHeartbeat, Signals};
use crate::storage::Database;
use crate::tasks::Limits;
use crate::tasks::registry::Registry;
use crate::tasks::sql::Datasources;
use crate::vault::Vault;
use crate::worker::cancel::CancelRegistry;

/// What the services are built from.
pub struct ServiceDeps {
    pub database: Database,
    pub registry: Arc<Registry>,
    pub datasources: Arc<Datasources>,
    /// Mail servers, SMS providers, datasources and HTTP services.
    pub profiles: Arc<ProfileDirectory>,
    /// What tasks may do on this machine.
    pub limits: Arc<Limits>,
    /// Sends notifications.
    pub courier: Arc<Courier>,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    pub heartbeat: SchedulerHeartbeat,
    pub cancels: CancelRegistry,
    pub vault: Arc<Vault>,
    /// The environment variables that templates in parameters may read.
    pub environment: Arc<BTreeMap<String, String>>,
    /// The server's time zone, for triggers without one.
    pub zone: Tz,
    /// The queues of this node, `default` first.
    pub queues: Arc<[QueueConfig]>,
    /// Tags that open folders to tasks.
    pub reserved_tags: Arc<[String]>,
    /// The maximum lifetime of a session.
    pub session: chrono::Duration,
    /// The maximum idle time of a session.
    pub session_idle: chrono::Duration,
    /// True: accounts that sign in by password must set up a second factor.
    pub second_factor_required: bool,
    /// The retention of tasks whose policy has none.
    pub retention: DefaultRetention,
    /// The identity provider of single sign-on.
    pub single_sign_on: Option<Arc<Provider>>,
}

/// Builds a service: the fields named after a dependency and those named after a shared part are clones of it, the others are given.
macro_rules! from_deps {
    ($deps:ident { $($dep:ident),* $(,)? } $(, $shared:ident { $($part:ident),* $(,)? })? $(, { $($rest:tt)* })?) => {
        Self { $($dep: Clone::clone(&$deps.$dep),)* $($($part: Clone::clone(&$shared.$part),)*)? $($($rest)*)? }
    };
}
pub(super) use from_deps;

impl ServiceDeps {
    /// The names of the queues, `default` first.
    pub(super) fn queue_names(&self) -> Arc<[String]> {
        self.queues.iter().map(|queue| queue.name.clone()).collect()
    }
}

/// The parts that several services share.
pub(super) struct Shared {
    pub audit_log: AuditLog,
    /// The last change by a person, which ends what services keep of earlier reads.
    pub last_change: LastChange,
    pub rules: TaskRules,
    pub changes: TaskChanges,
    pub throttle: Throttle,
    pub attempts: AttemptGuard,
    pub codes: CodeVerifier,
}

impl Shared {
    pub fn new(deps: &ServiceDeps) -> Self {
        let last_change = LastChange::default();
        let audit_log = AuditLog::new(deps.clock.clone(), deps.vault.clone(), last_change.clone());
        let throttle = Throttle::default();
        Self {
            rules: TaskRules {
                registry: deps.registry.clone(),
                zone: deps.zone,
                queues: deps.queue_names(),
                reserved_tags: deps.reserved_tags.clone(),
            },
            attempts: AttemptGuard {
                database: deps.database.clone(),
                clock: deps.clock.clone(),
                throttle: throttle.clone(),
                audit_log: audit_log.clone(),
            },
            changes: TaskChanges {
                database: deps.database.clone(),
                clock: deps.clock.clone(),
                settlement: Settlement {
                    zone: deps.zone,
                    since: deps.clock.now(),
                    calendars: CalendarCache::default(),
                    signals: deps.signals.clone(),
                    events: deps.events.clone(),
                },
            },
            throttle,
            codes: CodeVerifier::new(deps.clock.clone(), deps.vault.clone(), audit_log.clone()),
            audit_log,
            last_change,
        }
    }
}
