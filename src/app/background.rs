//! The background tasks: scheduler, workers, maintenance and cluster, built from the application's state.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::data_dir::WAL_FILE;
use super::error::StartError;
use super::state::{default_retention, queue_configs, queue_names, template_environment};
use super::{App, DATABASE_FILE, database_file};
use crate::clock::tick;
use crate::cluster::external_changes::ExternalChangeWatcher;
use crate::cluster::notifier::ClusterNotifier;
use crate::cluster::process_lock::ProcessLock;
use crate::cluster::registry::NodeRegistry;
use crate::config::Settings;
use crate::file_watch::FileWatch;
use crate::maintenance::checkpoint::Checkpoint;
use crate::maintenance::orphan_recovery::OrphanRecovery;
use crate::maintenance::retention::Prune;
use crate::notify::alarms::AlarmWatch;
use crate::notify::calendar_watch::CalendarWatch;
use crate::notify::delivery::Delivery;
use crate::notify::heartbeats::HeartbeatWatch;
use crate::notify::storage_alarm::StorageAlarm;
use crate::scheduler::idle::IdleWatch;
use crate::scheduler::{PlanAhead, Planner, PlannerState, Scheduler};
use crate::tasks::{executables, process};
use crate::worker::{self, WorkerConfig, Workers};

/// How often dead servers on this machine are looked for: more often than their runs are recovered.
const LEFTOVERS_INTERVAL: Duration = Duration::from_secs(1);

/// A task that runs until the shutdown; an error ends the server.
type BackgroundTask = Pin<Box<dyn Future<Output = Result<(), StartError>> + Send>>;

/// Starts all background tasks; each ends at the shutdown.
pub(super) fn spawn_background_tasks(
    app: &App,
    executables: Option<executables::ExecutableWatcher>,
    shutdown: &CancellationToken,
) -> JoinSet<Result<(), StartError>> {
    let mut tasks = JoinSet::new();
    let planner = planner(app);
    tasks.spawn(together(frequent_tasks(app, planner.clone(), shutdown), shutdown.clone()));
    tasks.spawn(together(watches(app, planner, shutdown), shutdown.clone()));
    let token = || shutdown.clone();
    // While running executions finish, other nodes must still see this one alive.
    let (workers, registry, stop, drained) = (workers(app), node_registry(app), token(), CancellationToken::new());
    let workers_drained = drained.clone();
    tasks.spawn(unfailing(async move {
        workers.run(stop).await;
        drained.cancel();
    }));
    let writes = app.state.signals.writes.clone();
    tasks.spawn(unfailing(async move { registry.run(workers_drained, writes).await }));
    let (orphan_recovery, stop) = (orphan_recovery(app), token());
    tasks.spawn(unfailing(async move { orphan_recovery.run(stop).await }));
    let (cluster_notifier, stop) = (cluster_notifier(app), token());
    tasks.spawn(unfailing(async move { cluster_notifier.run(stop).await }));
    // PostgreSQL runs its own checkpoints, and its nodes notify each other.
    if app.state.database.kind() == "sqlite" {
        tasks.spawn(unfailing(Checkpoint::new(app.state.database.clone()).run(token())));
    }
    tasks.spawn(unfailing(delivery(app).run(token())));
    let (bulk, stop) = (app.services.bulk.clone(), token());
    tasks.spawn(unfailing(async move { bulk.run(stop).await }));
    let (prune, stop) = (prune(app), token());
    tasks.spawn(unfailing(async move { prune.run(stop).await }));
    if let Some(executables) = executables {
        tasks.spawn(unfailing(executables.run(token())));
    }
    tasks
}

fn unfailing(task: impl Future<Output = ()> + Send + 'static) -> BackgroundTask {
    Box::pin(task.map(Ok))
}

/// What is done at any time, and takes little.
fn frequent_tasks(app: &App, planner: Planner, shutdown: &CancellationToken) -> Vec<BackgroundTask> {
    let (scheduler, stop) = (Scheduler::new(planner, app.state.heartbeat.clone()), shutdown.clone());
    let mut tasks: Vec<BackgroundTask> = vec![unfailing(async move { scheduler.run(stop).await })];
    if app.state.database.kind() == "sqlite" {
        let file = app.settings.data_dir.join(DATABASE_FILE);
        let log = FileWatch::new(&app.settings.data_dir.join(WAL_FILE));
        tasks.push(unfailing(external_change_watcher(app).run(log, shutdown.clone())));
        tasks.push(Box::pin(database_file::watch(file, shutdown.clone())));
    }
    tasks
}

/// What is looked at each second or two.
fn watches(app: &App, planner: Planner, shutdown: &CancellationToken) -> Vec<BackgroundTask> {
    let token = || shutdown.clone();
    let (alarms, storage, stop) = (alarm_watch(app), storage_alarm(app), token());
    let (heartbeats, heartbeats_stop) = (heartbeat_watch(app), token());
    vec![
        unfailing(IdleWatch::new(planner, app.node.id.clone()).run(token())),
        unfailing(watch_leftovers(app.process_lock.clone(), token())),
        unfailing(async move { alarms.run(storage, stop).await }),
        unfailing(async move { heartbeats.run(heartbeats_stop).await }),
    ]
}

/// Runs tasks that do little at a time as one: what falls due together then wakes one thread. Ends with the first that fails or ends
/// before the shutdown.
async fn together(tasks: Vec<BackgroundTask>, shutdown: CancellationToken) -> Result<(), StartError> {
    let mut tasks: FuturesUnordered<BackgroundTask> = tasks.into_iter().collect();
    while let Some(ended) = tasks.next().await {
        ended?;
        if !shutdown.is_cancelled() {
            break;
        }
    }
    Ok(())
}

fn external_change_watcher(app: &App) -> ExternalChangeWatcher {
    let state = &app.state;
    ExternalChangeWatcher::new(state.database.clone(), state.events.clone(), state.signals.clone(), queue_names(&app.settings))
}

fn planner(app: &App) -> Planner {
    Planner {
        database: app.state.database.clone(),
        clock: app.state.clock.clone(),
        events: app.state.events.clone(),
        signals: app.state.signals.clone(),
        zone: app.settings.server.zone,
        since: app.started_at,
        ahead: PlanAhead::STANDARD,
        state: PlannerState::default(),
    }
}

/// This node's entry in the registry. Its first heartbeat is recorded before the workers start.
pub(super) fn node_registry(app: &App) -> NodeRegistry {
    NodeRegistry {
        database: app.state.database.clone(),
        clock: app.state.clock.clone(),
        node: app.node.clone(),
        process_lock: app.process_lock.clone(),
        started_at: app.started_at,
        workers: i64::try_from(app.settings.workers.limit).unwrap_or(i64::MAX),
    }
}

/// The recovery of orphaned runs. It runs once before the workers start, so that the runs of a crash are recovered at once.
pub(super) fn orphan_recovery(app: &App) -> OrphanRecovery {
    OrphanRecovery { registry: node_registry(app), signals: app.state.signals.clone(), zone: app.settings.server.zone }
}

/// Ends the processes that the runs of dead servers have left on this machine. It runs before the recovery of these runs, so that no
/// command runs twice.
pub(super) async fn end_leftovers(process_lock: &ProcessLock) {
    let dead = process_lock.dead_here();
    if dead.is_empty() {
        return;
    }
    let ended = tokio::task::spawn_blocking(move || dead.iter().for_each(|id| process::end_leftovers(id)));
    if let Err(error) = ended.await {
        tracing::warn!(%error, "failed to end the processes of a dead server");
    }
}

async fn watch_leftovers(process_lock: Arc<ProcessLock>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tick(LEFTOVERS_INTERVAL)).await.is_some() {
        end_leftovers(&process_lock).await;
    }
}

fn cluster_notifier(app: &App) -> ClusterNotifier {
    ClusterNotifier {
        database: app.state.database.clone(),
        node: app.node.clone(),
        clock: app.state.clock.clone(),
        events: app.state.events.clone(),
        signals: app.state.signals.clone(),
        queues: queue_names(&app.settings),
    }
}

fn alarm_watch(app: &App) -> AlarmWatch {
    AlarmWatch {
        database: app.state.database.clone(),
        clock: app.state.clock.clone(),
        node_id: app.node.id.clone(),
        zone: app.settings.server.zone,
        signals: app.state.signals.clone(),
        calendar: CalendarWatch::default(),
    }
}

fn storage_alarm(app: &App) -> StorageAlarm {
    let state = &app.state;
    StorageAlarm::new(state.database.clone(), state.courier.clone(), app.node.name.clone(), app.settings.server.zone)
}

fn heartbeat_watch(app: &App) -> HeartbeatWatch {
    HeartbeatWatch {
        database: app.state.database.clone(),
        clock: app.state.clock.clone(),
        zone: app.settings.server.zone,
        signals: app.state.signals.clone(),
    }
}

fn delivery(app: &App) -> Delivery {
    Delivery {
        database: app.state.database.clone(),
        clock: app.state.clock.clone(),
        signals: app.state.signals.clone(),
        courier: app.state.courier.clone(),
        node_id: app.node.id.as_str().into(),
        zone: app.settings.server.zone,
    }
}

fn prune(app: &App) -> Prune {
    let retention = default_retention(&app.settings);
    Prune { database: app.state.database.clone(), clock: app.state.clock.clone(), retention }
}

fn workers(app: &App) -> Workers {
    Workers::new(worker::WorkerDeps {
        database: app.state.database.clone(),
        registry: app.state.registry.clone(),
        clock: app.state.clock.clone(),
        events: app.state.events.clone(),
        signals: app.state.signals.clone(),
        cancels: app.state.cancels.clone(),
        node: app.node.clone(),
        vault: app.state.vault.clone(),
        zone: app.settings.server.zone,
        environment: Arc::new(template_environment(&app.settings)),
        config: worker_config(&app.settings),
    })
}

fn worker_config(settings: &Settings) -> WorkerConfig {
    let workers = &settings.workers;
    WorkerConfig {
        limit: workers.limit,
        queues: queue_configs(settings),
        output_limit: workers.output_limit,
        shutdown_timeout: workers.shutdown_timeout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_config_has_the_default_queue_first() {
        let mut settings = Settings::default();
        settings.workers.limit = 8;
        let limits =
            |settings: &Settings| worker_config(settings).queues.into_iter().map(|q| (q.name, q.limit)).collect::<Vec<_>>();
        assert_eq!(limits(&settings), [("default".to_owned(), 8), ("slow".to_owned(), 16)]);
        settings.workers.queues.insert("default".to_owned(), 3);
        assert_eq!(limits(&settings), [("default".to_owned(), 3), ("slow".to_owned(), 16)]);
    }
}
