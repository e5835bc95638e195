//! The builders of the application's components: database, HTTP server options, routes and background tasks, from the
//! settings.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use poem::{Endpoint, EndpointExt, Response};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::data_dir::EXECUTABLES_FOLDER;
use super::error::StartError;
use super::state::AppState;
use super::tasks_file::TasksFile;
use super::{App, DataDir};
use crate::api;
use crate::config::{Admin, History, HttpLimits, ProxyHeader, Settings, Synchronous};
use crate::domain::policy::DEFAULT_QUEUE;
use crate::domain::user::Actor;
use crate::net;
use crate::scheduler::checkpoint::Checkpoint;
use crate::scheduler::cluster_notifier::ClusterNotifier;
use crate::scheduler::external_changes::ExternalChangeWatcher;
use crate::scheduler::idle::IdleWatch;
use crate::scheduler::orphan_recovery::OrphanRecovery;
use crate::scheduler::prune::{DefaultRetention, Prune};
use crate::scheduler::{Planner, Scheduler};
use crate::service::{AdminSetup, Service};
use crate::storage::{self, Database};
use crate::tasks::executables;
use crate::web;
use crate::worker::{self, QueueConfig, WorkerConfig, Workers};

/// Opens the database of the settings.
pub(super) async fn open_database(settings: &Settings, data: &DataDir) -> Result<Database, StartError> {
    let (what, opened) = match &settings.database.url {
        Some(url) => {
            let opened = Database::open_postgres(url.reveal(), settings.database.max_connections).await;
            (without_password(url.reveal()), opened)
        }
        None => {
            let file = data.database_file();
            let opened = Database::open_sqlite(&file, synchronous(settings.database.synchronous)).await;
            (file.display().to_string(), opened)
        }
    };
    opened.map_err(|error| StartError::Database { what, reason: error.to_string() })
}

fn synchronous(setting: Synchronous) -> storage::Synchronous {
    match setting {
        Synchronous::Normal => storage::Synchronous::Normal,
        Synchronous::Full => storage::Synchronous::Full,
    }
}

/// A database URL for display: host and name, without credentials.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
    format!("{scheme}://{}", address.split('?').next().unwrap_or_default())
}

/// Creates the administrator of the settings if there is no account yet.
pub(super) async fn set_up_admin(service: &Service, admin: Option<&Admin>) -> Result<(), StartError> {
    let Some(admin) = admin else { return Ok(()) };
    let setup = AdminSetup {
        user: Some(admin.user.clone()),
        password: admin.password.as_ref().map(|secret| secret.reveal().to_owned()),
        token: admin.token.as_ref().map(|secret| secret.reveal().to_owned()),
    };
    service.bootstrap(&setup).await.map_err(|error| StartError::Admin(describe(&error)))
}

/// The one-time code for setup from another machine; logged while there is no administrator.
pub(super) async fn create_setup_code(service: &Service) -> Result<Option<String>, StartError> {
    let code = service.create_setup_code().await.map_err(|error| StartError::Admin(describe(&error)))?;
    if let Some(code) = &code {
        tracing::warn!(code, "no administrator exists yet; the page /setup requires this one-time code from other machines");
    }
    Ok(code)
}

fn describe(error: &crate::service::Error) -> String {
    match error {
        crate::service::Error::Invalid(faults) => {
            faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ")
        }
        crate::service::Error::Internal(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

/// The watcher of the user's executables, which are task types. It runs once before the workers start, so that no run misses
/// its type.
pub(super) fn executables(settings: &Settings, state: &AppState) -> Option<executables::ExecutableWatcher> {
    let folder = settings.tasks.folder.clone().unwrap_or_else(|| settings.data_dir.join(EXECUTABLES_FOLDER));
    settings.commands.enabled.then(|| executables::ExecutableWatcher::new(state.registry.clone(), &folder))
}

/// The watcher of the tasks file, which is applied once before anything is planned. If there is no such file and no other node,
/// the tasks it managed are released and can be edited again.
pub(super) async fn tasks_file(app: &App) -> Result<Option<TasksFile>, StartError> {
    if let Some(path) = &app.settings.tasks.file {
        let mut file = TasksFile::new(app.service.clone(), path);
        file.run_once().await;
        return Ok(Some(file));
    }
    let actor = Actor::local("belfry");
    let failed = |error: crate::service::Error| StartError::Component(describe(&error));
    let nodes = app.service.nodes(&actor).await.map_err(failed)?.nodes;
    if nodes.iter().all(|node| node.identity.id == app.node.id) {
        let released = app.service.release_managed_tasks(&actor).await.map_err(failed)?;
        if released > 0 {
            tracing::info!(tasks = released, "no tasks file is set any more; its tasks can be edited again");
        }
    }
    Ok(None)
}

/// The names of the queues, `default` first.
pub(super) fn queues(settings: &Settings) -> Vec<String> {
    let named = settings.workers.queues.keys().filter(|name| *name != DEFAULT_QUEUE).cloned();
    std::iter::once(DEFAULT_QUEUE.to_owned()).chain(named).collect()
}

/// The limits, proxies and TLS of the HTTP server.
pub(super) fn server_options(settings: &Settings) -> Result<net::ServerOptions, StartError> {
    let http = &settings.server.http;
    let limits = net::Limits {
        connections: http.max_connections,
        connections_per_address: http.max_connections_per_address,
        requests_per_second: http.requests_per_second,
        head_bytes: http.header_bytes,
        head_timeout: http.header_timeout,
        keep_alive: http.keep_alive,
        stall_timeout: http.stall_timeout,
        ..net::Limits::default()
    };
    let forwarded_by = match http.proxy_header {
        ProxyHeader::XForwardedFor => net::ForwardedBy::XForwarded,
        ProxyHeader::Forwarded => net::ForwardedBy::Forwarded,
    };
    let proxies = net::Proxies { trusted: http.trusted_proxies.clone(), forwarded_by };
    let tls = match (&http.tls_certificate, &http.tls_key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            let tls = net::Tls::load(certificate, key).map_err(|error| StartError::Tls(error.to_string()))?;
            Some(Arc::new(tls))
        }
        (Some(_), None) => return Err(StartError::Tls("server.tls_certificate is set but server.tls_key is not".to_owned())),
        (None, Some(_)) => return Err(StartError::Tls("server.tls_key is set but server.tls_certificate is not".to_owned())),
    };
    Ok(net::ServerOptions { limits, proxies, tls })
}

/// Logs a warning if the server is reachable from other machines without TLS.
pub(super) fn warn_of_plain_http(app: &App) {
    let options = &app.server_options;
    if !app.address.ip().is_loopback() && options.tls.is_none() && options.proxies.trusted.is_empty() {
        tracing::warn!(
            "passwords are sent unencrypted: set server.tls_certificate and server.tls_key, or server.trusted_proxies for a proxy that terminates TLS"
        );
    }
}

/// The API, the pages and the event streams.
pub(super) fn routes(app: &App, shutdown: &CancellationToken) -> impl Endpoint<Output = Response> + 'static {
    let HttpLimits { request_timeout, body_bytes: body_limit, .. } = app.settings.server.http;
    let pages = web::Options { request_timeout, body_limit, shutdown: shutdown.clone() };
    let calls = api::Options { request_timeout, body_limit, shutdown: shutdown.clone() };
    api::routes(app.service.clone(), calls).nest_no_strip("/", web::routes(app.service.clone(), pages)).map_to_response()
}

/// Starts all background tasks; each ends at the shutdown.
pub(super) fn spawn_background_tasks(
    app: &App,
    executables: Option<executables::ExecutableWatcher>,
    shutdown: &CancellationToken,
) -> JoinSet<Result<(), StartError>> {
    let mut tasks = JoinSet::new();
    let mut spawn = |task: BackgroundTask| tasks.spawn(task.map(Ok));
    let planner = planner(app);
    let scheduler = Scheduler { planner: planner.clone(), heartbeat: app.state.heartbeat.clone() };
    let token = || shutdown.clone();
    let stop = token();
    spawn(Box::pin(async move { scheduler.run(stop).await }));
    spawn(Box::pin(IdleWatch::new(planner).run(token())));
    // While running executions finish, other nodes must still see this one alive.
    let (workers, orphan_recovery, stop, drained) = (workers(app), orphan_recovery(app), token(), CancellationToken::new());
    let workers_drained = drained.clone();
    spawn(Box::pin(async move {
        workers.run(stop).await;
        drained.cancel();
    }));
    spawn(Box::pin(async move { orphan_recovery.run(workers_drained).await }));
    let (cluster_notifier, stop) = (cluster_notifier(app), token());
    spawn(Box::pin(async move { cluster_notifier.run(stop).await }));
    // PostgreSQL runs its own checkpoints, and its nodes notify each other.
    if app.state.database.kind() == "sqlite" {
        spawn(Box::pin(Checkpoint::new(app.state.database.clone()).run(token())));
        spawn(Box::pin(external_change_watcher(app).run(token())));
    }
    let (prune, stop) = (prune(app), token());
    spawn(Box::pin(async move { prune.run(stop).await }));
    if let Some(executables) = executables {
        spawn(Box::pin(executables.run(token())));
    }
    tasks
}

fn external_change_watcher(app: &App) -> ExternalChangeWatcher {
    let state = &app.state;
    ExternalChangeWatcher::new(state.database.clone(), state.events.clone(), state.signals.clone(), queues(&app.settings))
}

/// A task that runs until the shutdown.
type BackgroundTask = Pin<Box<dyn Future<Output = ()> + Send>>;

fn planner(app: &App) -> Planner {
    Planner {
        database: app.state.database.clone(),
        clock: app.state.clock.clone(),
        events: app.state.events.clone(),
        signals: app.state.signals.clone(),
        zone: app.settings.server.zone,
        since: app.started_at,
    }
}

/// The recovery of orphaned runs. It runs once before the workers start, so that the runs of a crash are recovered at once.
pub(super) fn orphan_recovery(app: &App) -> OrphanRecovery {
    OrphanRecovery {
        database: app.state.database.clone(),
        clock: app.state.clock.clone(),
        signals: app.state.signals.clone(),
        node: app.node.clone(),
        process_lock: app.process_lock.clone(),
        started_at: app.started_at,
        workers: i64::try_from(app.settings.workers.limit).unwrap_or(i64::MAX),
    }
}

fn cluster_notifier(app: &App) -> ClusterNotifier {
    ClusterNotifier {
        database: app.state.database.clone(),
        node: app.node.clone(),
        clock: app.state.clock.clone(),
        events: app.state.events.clone(),
        signals: app.state.signals.clone(),
        queues: queues(&app.settings),
    }
}

fn prune(app: &App) -> Prune {
    let History { keep_days, keep_per_task } = app.settings.history;
    let retention = DefaultRetention {
        age: (keep_days > 0).then(|| chrono::Duration::days(i64::from(keep_days))),
        per_task: i64::try_from(keep_per_task).ok().filter(|keep| *keep > 0),
    };
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
        environment: Arc::new(environment(&app.settings)),
        config: worker_config(&app.settings),
    })
}

/// The environment variables that templates in parameters may read.
fn environment(settings: &Settings) -> BTreeMap<String, String> {
    let allowed = settings.commands.environment.iter();
    allowed.filter_map(|name| Some((name.clone(), std::env::var(name).ok()?))).collect()
}

fn worker_config(settings: &Settings) -> WorkerConfig {
    let workers = &settings.workers;
    let limit = |name: &str| workers.queues.get(name).copied().unwrap_or(workers.limit);
    WorkerConfig {
        limit: workers.limit,
        queues: queues(settings).into_iter().map(|name| QueueConfig { limit: limit(&name), name }).collect(),
        output_limit: workers.output_limit,
        shutdown_timeout: workers.shutdown_timeout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_password_removes_credentials_and_query() {
        let shown = without_password("postgres://me:p%40ss@word@db.example.com:5432/belfry?password=x");
        assert_eq!(shown, "postgres://db.example.com:5432/belfry");
    }

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
