//! The service and the planner on a test database with a manual clock.

use std::sync::Arc;

use belfry::clock::{ManualClock, SharedClock};
use belfry::domain::execution::Execution;
use belfry::domain::operation::{BulkAction, BulkOutcome};
use belfry::domain::page::{ExecutionFilter, PageRequest};
use belfry::domain::profile::Profiles;
use belfry::domain::retention::DefaultRetention;
use belfry::domain::secret::Secret;
use belfry::domain::user::{Actor, Role, User, Via};
use belfry::events::EventBus;
use belfry::notify::courier::{Courier, CourierDeps};
use belfry::profiles::ProfileDirectory;
use belfry::queue::QueueConfig;
use belfry::scheduler::{PlanAhead, Planner, PlannerState};
use belfry::service::{BulkProgress, BulkTarget, ServiceDeps, Services};
use belfry::signals::{SchedulerHeartbeat, Signals};
use belfry::storage::{Database, execution_list};
use belfry::tasks::registry::Registry;
use belfry::tasks::sql::Datasources;
use belfry::tasks::{Limits, Toolbox};
use belfry::vault::{KeySource, Vault};
use belfry::worker::cancel::CancelRegistry;
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::at;

/// A service and a planner that share a database, a clock and the signals.
pub struct TestContext {
    pub services: Services,
    pub planner: Planner,
    pub clock: Arc<ManualClock>,
    pub signals: Signals,
    pub events: EventBus,
    pub cancels: CancelRegistry,
    pub database: Database,
}

/// An account.
pub fn user(id: &str, name: &str, role: Role) -> User {
    User {
        id: id.into(),
        name: name.into(),
        role,
        grants: Vec::new(),
        tags: Vec::new(),
        disabled: false,
        created_at: start(),
        last_seen_at: None,
    }
}

/// A vault with a fixed key.
pub fn vault(database: &Database) -> Arc<Vault> {
    let key = Secret::new("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    Arc::new(Vault::new(database.clone(), KeySource::Given(key), Vec::new()))
}

/// What notifications are sent with; links have no host of their own.
pub fn courier(database: &Database, clock: SharedClock, registry: Arc<Registry>, profiles: Arc<Profiles>) -> Arc<Courier> {
    Arc::new(Courier::new(CourierDeps {
        database: database.clone(),
        clock,
        vault: vault(database),
        registry,
        profiles,
        limits: Arc::new(Limits::within(std::env::temp_dir())),
        public_url: Some("https://belfry.example.com".to_owned()),
    }))
}

/// The initial time of a test: a Saturday.
pub fn start() -> DateTime<Utc> {
    at("2026-11-21T08:00:00Z")
}

impl TestContext {
    pub fn new(database: &Database) -> TestContext {
        Self::with_profiles(database, Profiles::default())
    }

    /// With mail servers, SMS providers, datasources and HTTP services of the settings.
    pub fn with_profiles(database: &Database, profiles: Profiles) -> TestContext {
        Self::build(database, profiles, |_| ())
    }

    /// With adjusted dependencies of the service.
    pub fn with_deps(database: &Database, adjust: impl FnOnce(&mut ServiceDeps)) -> TestContext {
        Self::build(database, Profiles::default(), adjust)
    }

    fn build(database: &Database, profiles: Profiles, adjust: impl FnOnce(&mut ServiceDeps)) -> TestContext {
        let clock = Arc::new(ManualClock::new(start()));
        let (signals, events, cancels) = (Signals::default(), EventBus::default(), CancelRegistry::default());
        let plain = Toolbox::plain(database.clone(), clock.clone(), &std::env::temp_dir());
        let (vault, from_settings) = (vault(database), Arc::new(profiles));
        let profiles = Arc::new(ProfileDirectory::new(from_settings.clone(), database.clone(), vault.clone()));
        let datasources = Arc::new(Datasources::new(profiles.clone(), Tz::Asia__Shanghai));
        let toolbox = Toolbox { profiles: profiles.clone(), datasources: datasources.clone(), ..plain };
        let registry = Arc::new(Registry::builtin(&toolbox));
        let courier = courier(database, clock.clone(), registry.clone(), from_settings);
        let mut deps = ServiceDeps {
            database: database.clone(),
            registry,
            datasources,
            profiles,
            limits: toolbox.limits.clone(),
            courier,
            clock: clock.clone(),
            events: events.clone(),
            signals: signals.clone(),
            heartbeat: SchedulerHeartbeat::default(),
            cancels: cancels.clone(),
            vault,
            environment: Arc::default(),
            zone: Tz::Asia__Shanghai,
            queues: [("default", 64), ("slow", 16)].map(|(name, limit)| QueueConfig { name: name.into(), limit }).into(),
            reserved_tags: Arc::default(),
            session: Duration::days(30),
            session_idle: Duration::days(7),
            retention: DefaultRetention::default(),
            second_factor_required: false,
            single_sign_on: None,
        };
        adjust(&mut deps);
        let services = Services::new(&deps);
        let planner = Planner {
            database: database.clone(),
            clock: clock.clone(),
            events: events.clone(),
            signals: signals.clone(),
            zone: Tz::Asia__Shanghai,
            since: start(),
            ahead: PlanAhead::NONE,
            state: PlannerState::default(),
        };
        TestContext { services, planner, clock, signals, events, cancels, database: database.clone() }
    }

    /// Advances the clock and plans until nothing is due.
    pub async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.plan().await;
    }

    /// Plans until nothing is due.
    pub async fn plan(&self) {
        use belfry::clock::Clock;
        while self.planner.run_once(self.clock.now()).await.expect("planning succeeds").tasks > 0 {}
    }

    /// All executions of a task, oldest first.
    pub async fn executions(&self, task_id: &str) -> Vec<Execution> {
        let filter = ExecutionFilter { task_id: Some(task_id.into()), ..ExecutionFilter::default() };
        let request = PageRequest { size: 500, cursor: None };
        let mut reader = self.database.read().await.expect("reads");
        let mut items = execution_list::page(&mut reader, &filter, &request).await.expect("lists").items;
        items.reverse();
        items
    }

    /// As [`TestContext::executions`], for any number.
    pub async fn all_executions(&self, task_id: &str) -> Vec<Execution> {
        let filter = ExecutionFilter { task_id: Some(task_id.into()), ..ExecutionFilter::default() };
        let mut reader = self.database.read().await.expect("reads");
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let request = PageRequest { size: 500, cursor };
            let page = execution_list::page(&mut reader, &filter, &request).await.expect("lists");
            items.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                items.reverse();
                return items;
            }
        }
    }

    /// Creates an `echo` task with the given trigger.
    pub async fn create(&self, id: &str, trigger: Value) -> belfry::domain::task::Task {
        self.services.tasks.create(&admin(), &echo(id, trigger)).await.expect("creates")
    }
}

/// Performs an action on many tasks to its end.
pub async fn bulk(services: &Services, actor: &Actor, action: BulkAction, target: &BulkTarget) -> BulkOutcome {
    let wait = std::time::Duration::from_secs(60);
    match services.bulk.start(actor, action, target, wait, None).await.expect("is allowed") {
        BulkProgress::Ended(outcome) => outcome,
        BulkProgress::Running(operation) => panic!("it takes too long: {operation:?}"),
    }
}

pub fn echo(id: &str, trigger: Value) -> Value {
    json!({"id": id, "type": "echo", "trigger": trigger, "params": {"message": "hello"}})
}

pub fn admin() -> Actor {
    actor("alice", Role::Admin)
}

pub fn actor(name: &str, role: Role) -> Actor {
    Actor::new(name, role, Via::Api)
}
