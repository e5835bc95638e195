//! The harness: workers on a test database, with jobs queued as the scheduler does.

use std::sync::Arc;
use std::time::Duration;

use belfry::clock::{Clock, SystemClock};
use belfry::domain::execution::{Execution, OutputChunk, Status};
use belfry::domain::node::NodeIdentity;
use belfry::domain::policy::{Policy, Retry};
use belfry::domain::task::{Task, TaskInput};
use belfry::events::EventBus;
use belfry::signals::Signals;
use belfry::storage::execution::NewExecution;
use belfry::storage::{Database, execution, plan, task};
use belfry::tasks::registry::Registry;
use belfry::tasks::{Run, RunContext, Spec, TaskType, Text, echo, http_request, send_cmd};
use belfry::worker::cancel::CancelRegistry;
use belfry::worker::{WorkerConfig, WorkerDeps, Workers};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use crate::support::context::vault;
use crate::support::queued_execution;

/// How long a test waits for an event.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Running workers.
pub struct Harness {
    pub database: Database,
    pub signals: Signals,
    pub events: EventBus,
    pub cancels: CancelRegistry,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Harness {
    pub fn start(database: &Database, config: WorkerConfig) -> Harness {
        Harness::start_with(database, config, Vec::new())
    }

    /// With further task types.
    pub fn start_with(database: &Database, config: WorkerConfig, more: Vec<Arc<dyn TaskType>>) -> Harness {
        let mut types: Vec<Arc<dyn TaskType>> =
            vec![Arc::new(echo::Echo), Arc::new(http_request::HttpRequest::default()), Arc::new(send_cmd::SendCmd::default())];
        types.extend(more);
        let node = NodeIdentity { id: Ulid::generate().to_string(), name: "host-1".into() };
        let (signals, events, cancels) = (Signals::default(), EventBus::default(), CancelRegistry::default());
        let workers = Workers::new(WorkerDeps {
            database: database.clone(),
            registry: Arc::new(Registry::from_types(types)),
            clock: Arc::new(SystemClock),
            events: events.clone(),
            signals: signals.clone(),
            cancels: cancels.clone(),
            node,
            vault: vault(database),
            zone: chrono_tz::Asia::Shanghai,
            environment: Arc::new([("GREETING".to_owned(), "你好".to_owned())].into()),
            config,
        });
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(workers.run(shutdown.clone()));
        Harness { database: database.clone(), signals, events, cancels, shutdown, running }
    }

    /// Queues one execution. Returns its ID.
    pub async fn queue(&self, task_type: &str, params: Value) -> String {
        self.queue_with_policy(task_type, params, &Policy::default()).await
    }

    pub async fn queue_with_policy(&self, task_type: &str, params: Value, policy: &Policy) -> String {
        self.queue_many(task_type, vec![params], policy).await.remove(0)
    }

    /// Queues executions, a thousand per transaction.
    pub async fn queue_many(&self, task_type: &str, params: Vec<Value>, policy: &Policy) -> Vec<String> {
        let now = SystemClock.now();
        let task = self.insert_task(task_type, policy, now).await;
        let queued = |params| NewExecution {
            queue: policy.queue.clone(),
            priority: policy.priority,
            ..queued_execution(&task, task_type, params, now)
        };
        let new: Vec<_> = params.into_iter().map(queued).collect();
        for new in new.chunks(1000) {
            let mut tx = self.database.write().await.unwrap();
            execution::insert(&mut tx, new, now).await.unwrap();
            tx.commit().await.unwrap();
            self.signals.jobs.queued([policy.queue.as_str()]);
        }
        new.into_iter().map(|new| new.id).collect()
    }

    /// Inserts a task that is never due. Returns its id.
    async fn insert_task(&self, task_type: &str, policy: &Policy, now: DateTime<Utc>) -> String {
        let id = format!("task-{}", Ulid::generate().to_string().to_lowercase());
        let input = json!({"id": id, "type": task_type, "trigger": {"type": "date", "run_date": "2099-01-01"}});
        let input = TaskInput::parse(&input, chrono_tz::UTC, |_| Ok(policy.clone())).unwrap();
        let mut tx = self.database.write().await.unwrap();
        task::insert(&mut tx, &Task::new(&input, now)).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Queues the due retries, as the scheduler does when it is woken. Returns the number of their queues.
    pub async fn queue_retries(&self, policy: &Policy) -> usize {
        let now = SystemClock.now();
        let mut tx = self.database.write().await.unwrap();
        let due = plan::take_due_retries(&mut tx, now, 100).await.unwrap();
        tx.commit().await.unwrap();
        self.signals.jobs.queued([policy.queue.as_str()]);
        due.len()
    }

    pub async fn get(&self, id: &str) -> Execution {
        let mut session = self.database.read().await.unwrap();
        execution::get(&mut session, id).await.unwrap().expect("the execution exists")
    }

    pub async fn result(&self, id: &str) -> Option<Value> {
        let mut session = self.database.read().await.unwrap();
        execution::result(&mut session, id).await.unwrap()
    }

    pub async fn output(&self, id: &str) -> Vec<OutputChunk> {
        let mut session = self.database.read().await.unwrap();
        execution::output(&mut session, id, None).await.unwrap()
    }

    /// Waits until an execution has ended.
    pub async fn finished(&self, id: &str) -> Execution {
        let until = tokio::time::Instant::now() + TIMEOUT;
        loop {
            let found = self.get(id).await;
            if found.status.is_final() {
                return found;
            }
            assert!(tokio::time::Instant::now() < until, "{id} is still {}", found.status.as_str());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until an execution has the status.
    pub async fn wait_for(&self, id: &str, status: Status) -> Execution {
        let mut last = None;
        for _ in 0..TIMEOUT.as_millis() / 10 {
            let found = self.get(id).await;
            if found.status == status {
                return found;
            }
            assert!(!found.status.is_final(), "waiting for {status:?}, but it ended: {found:?}");
            last = Some(found);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never became {status:?}: {last:?}");
    }

    /// Waits until the output of an execution contains `part`. Returns its whole output.
    pub async fn wait_for_output(&self, id: &str, part: &str) -> String {
        for _ in 0..TIMEOUT.as_millis() / 10 {
            let text: String = self.output(id).await.into_iter().map(|chunk| chunk.text).collect();
            if text.contains(part) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never wrote {part:?}");
    }

    /// The same workers, accessed through other database connections.
    pub fn through(self, database: &Database) -> Harness {
        Harness { database: database.clone(), ..self }
    }

    /// Waits until exactly `count` executions run in this process.
    pub async fn wait_running(&self, count: usize) {
        for _ in 0..TIMEOUT.as_millis() / 10 {
            if self.cancels.running().len() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never {count} at once, but {:?}", self.cancels.running());
    }

    /// Stops the workers and cancels running executions.
    pub async fn stop_at_once(self) {
        self.shutdown.cancel();
        while !self.running.is_finished() {
            for id in self.cancels.running() {
                self.cancels.cancel(&id);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops the workers and waits until they have stopped.
    pub async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(TIMEOUT, self.running).await.expect("the workers stop in time").expect("no panic");
    }
}

/// A policy that retries without delay.
pub fn attempts(max_attempts: u32) -> Policy {
    Policy { retry: Retry { max_attempts, delay: Duration::ZERO, ..Retry::default() }, ..Policy::default() }
}

/// The description of a test's task type.
fn spec(name: &'static str) -> Spec {
    let text = Text::new("for a test", "仅供测试");
    Spec {
        name: name.into(),
        title: text.clone(),
        description: text,
        params_schema: json!({"type": "object"}),
        example: json!({}),
        default_policy: Policy::default(),
        dangerous: false,
    }
}

/// A task type from a function.
pub fn custom_type<F>(name: &'static str, work: F) -> Vec<Arc<dyn TaskType>>
where
    F: for<'a> Fn(Value, &'a RunContext) -> Run<'a> + Send + Sync + 'static,
{
    vec![Arc::new(CustomType { name, work })]
}

struct CustomType<F> {
    name: &'static str,
    work: F,
}

impl<F> TaskType for CustomType<F>
where
    F: for<'a> Fn(Value, &'a RunContext) -> Run<'a> + Send + Sync + 'static,
{
    fn spec(&self) -> Spec {
        spec(self.name)
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        (self.work)(params, context)
    }
}
