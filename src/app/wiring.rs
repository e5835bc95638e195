//! How the parts are put together: the database by its setting, the routes, and what works in the background.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use poem::{Endpoint, EndpointExt, Response};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::data_dir::EXECUTABLES_FOLDER;
use super::error::StartError;
use super::shared::Shared;
use super::tasks_file::TasksFile;
use super::{App, DataDir};
use crate::api;
use crate::config::{Admin, Gate, History, ProxyHeader, Settings, Synchronous};
use crate::domain::policy::DEFAULT_QUEUE;
use crate::domain::user::Actor;
use crate::net;
use crate::scheduler::checkpoint::Checkpoint;
use crate::scheduler::idle::IdleWatch;
use crate::scheduler::outside::Outside;
use crate::scheduler::prune::{Keep, Prune};
use crate::scheduler::relay::Relay;
use crate::scheduler::rescue::Rescue;
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

/// A database URL as it may be shown: host and name, never who signs in nor how.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{}", place.split('?').next().unwrap_or_default())
}

/// Makes the administrator of the settings where there is no account yet.
pub(super) async fn set_up_admin(service: &Service, admin: Option<&Admin>) -> Result<(), StartError> {
    let Some(admin) = admin else { return Ok(()) };
    let setup = AdminSetup {
        user: Some(admin.user.clone()),
        password: admin.password.as_ref().map(|secret| secret.reveal().to_owned()),
        token: admin.token.as_ref().map(|secret| secret.reveal().to_owned()),
    };
    service.bootstrap(&setup).await.map_err(|error| StartError::Admin(told(&error)))
}

/// The code for a first visit from elsewhere, said in the log while there is no administrator.
pub(super) async fn open_setup(service: &Service) -> Result<Option<String>, StartError> {
    let code = service.open_setup().await.map_err(|error| StartError::Admin(told(&error)))?;
    if let Some(code) = &code {
        tracing::warn!(code, "there is no administrator yet; the page /setup asks for this one-time code from another machine");
    }
    Ok(code)
}

fn told(error: &crate::service::Error) -> String {
    match error {
        crate::service::Error::Invalid(faults) => {
            faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ")
        }
        crate::service::Error::Internal(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

/// The watch over the executables of the user's own; looked at once before anything runs, so that no run misses its type.
pub(super) fn executables(settings: &Settings, shared: &Shared) -> Option<executables::Watch> {
    let folder = settings.tasks.folder.clone().unwrap_or_else(|| settings.data_dir.join(EXECUTABLES_FOLDER));
    settings.commands.enabled.then(|| executables::Watch::new(shared.registry.clone(), &folder))
}

/// The watch over the file that keeps tasks, done once before anything is planned. Where there is no such file, and no other
/// node that may have one, tasks that were kept are released: they are changed here again.
pub(super) async fn tasks_file(app: &App) -> Result<Option<TasksFile>, StartError> {
    if let Some(path) = &app.settings.tasks.file {
        let mut file = TasksFile::new(app.service.clone(), path);
        file.run_once().await;
        return Ok(Some(file));
    }
    let actor = Actor::local("belfry");
    let failed = |error: crate::service::Error| StartError::Part(told(&error));
    let nodes = app.service.nodes(&actor).await.map_err(failed)?.nodes;
    if nodes.iter().all(|node| node.identity.id == app.node.id) {
        let released = app.service.release_tasks(&actor).await.map_err(failed)?;
        if released > 0 {
            tracing::info!(tasks = released, "no file keeps tasks any more; they can be changed here again");
        }
    }
    Ok(None)
}

/// Names of the queues, `default` first.
pub(super) fn queues(settings: &Settings) -> Vec<String> {
    let named = settings.workers.queues.keys().filter(|name| *name != DEFAULT_QUEUE).cloned();
    std::iter::once(DEFAULT_QUEUE.to_owned()).chain(named).collect()
}

/// Limits, proxies and TLS by the settings.
pub(super) fn gate(settings: &Settings) -> Result<net::Setup, StartError> {
    let gate = &settings.server.gate;
    let limits = net::Limits {
        connections: gate.max_connections,
        connections_per_address: gate.max_connections_per_address,
        requests_per_second: gate.requests_per_second,
        head_bytes: gate.header_bytes,
        head_timeout: gate.header_timeout,
        keep_alive: gate.keep_alive,
        stall_timeout: gate.stall_timeout,
        ..net::Limits::default()
    };
    let forwarded_by = match gate.proxy_header {
        ProxyHeader::XForwardedFor => net::ForwardedBy::XForwarded,
        ProxyHeader::Forwarded => net::ForwardedBy::Forwarded,
    };
    let proxies = net::Proxies { trusted: gate.trusted_proxies.clone(), forwarded_by };
    let tls = match (&gate.tls_certificate, &gate.tls_key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            let tls = net::Tls::load(certificate, key).map_err(|error| StartError::Tls(error.to_string()))?;
            Some(Arc::new(tls))
        }
        (Some(_), None) => return Err(StartError::Tls("server.tls_certificate is given, server.tls_key is not".to_owned())),
        (None, Some(_)) => return Err(StartError::Tls("server.tls_key is given, server.tls_certificate is not".to_owned())),
    };
    Ok(net::Setup { limits, proxies, tls })
}

/// Says what an open port without TLS means.
pub(super) fn warn_of_plain_http(app: &App) {
    let gate = &app.gate;
    if !app.address.ip().is_loopback() && gate.tls.is_none() && gate.proxies.trusted.is_empty() {
        tracing::warn!(
            "passwords travel in the clear: set server.tls_certificate and server.tls_key, or server.trusted_proxies for a proxy that speaks TLS"
        );
    }
}

/// The API, the pages and the event streams.
pub(super) fn routes(app: &App, shutdown: &CancellationToken) -> impl Endpoint<Output = Response> + 'static {
    let Gate { request_timeout, body_bytes: body_limit, .. } = app.settings.server.gate;
    let pages = web::Options { request_timeout, body_limit, shutdown: shutdown.clone() };
    let calls = api::Options { request_timeout, body_limit, shutdown: shutdown.clone() };
    api::routes(app.service.clone(), calls).nest_no_strip("/", web::routes(app.service.clone(), pages)).map_to_response()
}

/// All that works in the background; each ends at the shutdown.
pub(super) fn spawn_work(
    app: &App,
    executables: Option<executables::Watch>,
    shutdown: &CancellationToken,
) -> JoinSet<Result<(), StartError>> {
    let mut work = JoinSet::new();
    let mut spawn = |part: Part| work.spawn(part.map(Ok));
    let planner = planner(app);
    let scheduler = Scheduler { planner: planner.clone(), pulse: app.shared.pulse.clone() };
    let token = || shutdown.clone();
    let stop = token();
    spawn(Box::pin(async move { scheduler.run(stop).await }));
    spawn(Box::pin(IdleWatch::new(planner).run(token())));
    // While running work is given its time to end, other nodes must still see this one alive.
    let (workers, rescue, stop, drained) = (workers(app), rescue(app), token(), CancellationToken::new());
    let at_rest = drained.clone();
    spawn(Box::pin(async move {
        workers.run(stop).await;
        drained.cancel();
    }));
    spawn(Box::pin(async move { rescue.run(at_rest).await }));
    let (relay, stop) = (relay(app), token());
    spawn(Box::pin(async move { relay.run(stop).await }));
    // PostgreSQL folds its own log, and its nodes tell each other what they changed.
    if app.shared.database.kind() == "sqlite" {
        spawn(Box::pin(Checkpoint::new(app.shared.database.clone()).run(token())));
        spawn(Box::pin(outside(app).run(token())));
    }
    let (prune, stop) = (prune(app), token());
    spawn(Box::pin(async move { prune.run(stop).await }));
    if let Some(executables) = executables {
        spawn(Box::pin(executables.run(token())));
    }
    work
}

fn outside(app: &App) -> Outside {
    let shared = &app.shared;
    Outside::new(shared.database.clone(), shared.events.clone(), shared.signals.clone(), queues(&app.settings))
}

/// A loop that goes on until the shutdown.
type Part = Pin<Box<dyn Future<Output = ()> + Send>>;

fn planner(app: &App) -> Planner {
    Planner {
        database: app.shared.database.clone(),
        clock: app.shared.clock.clone(),
        events: app.shared.events.clone(),
        signals: app.shared.signals.clone(),
        zone: app.settings.server.zone,
        since: app.started_at,
    }
}

/// The watch over the nodes; looked at once before anything runs, so that what a crash cut off is taken up at once.
pub(super) fn rescue(app: &App) -> Rescue {
    Rescue {
        database: app.shared.database.clone(),
        clock: app.shared.clock.clone(),
        signals: app.shared.signals.clone(),
        node: app.node.clone(),
        presence: app.presence.clone(),
        started_at: app.started_at,
        workers: i64::try_from(app.settings.workers.limit).unwrap_or(i64::MAX),
    }
}

fn relay(app: &App) -> Relay {
    Relay {
        database: app.shared.database.clone(),
        node: app.node.clone(),
        clock: app.shared.clock.clone(),
        events: app.shared.events.clone(),
        signals: app.shared.signals.clone(),
        queues: queues(&app.settings),
    }
}

fn prune(app: &App) -> Prune {
    let History { keep_days, keep_per_task } = app.settings.history;
    let keep = Keep {
        age: (keep_days > 0).then(|| chrono::Duration::days(i64::from(keep_days))),
        per_task: i64::try_from(keep_per_task).ok().filter(|keep| *keep > 0),
    };
    Prune { database: app.shared.database.clone(), clock: app.shared.clock.clone(), keep }
}

fn workers(app: &App) -> Workers {
    Workers::new(worker::Parts {
        database: app.shared.database.clone(),
        registry: app.shared.registry.clone(),
        clock: app.shared.clock.clone(),
        events: app.shared.events.clone(),
        signals: app.shared.signals.clone(),
        cancels: app.shared.cancels.clone(),
        node: app.node.clone(),
        vault: app.shared.vault.clone(),
        zone: app.settings.server.zone,
        environment: Arc::new(environment(&app.settings)),
        config: worker_config(&app.settings),
    })
}

/// What templates in parameters may read of the server's environment.
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
    fn a_shown_url_holds_no_password() {
        let shown = without_password("postgres://me:p%40ss@word@db.example.com:5432/belfry?password=x");
        assert_eq!(shown, "postgres://db.example.com:5432/belfry");
    }

    #[test]
    fn the_default_queue_is_always_there_and_first() {
        let mut settings = Settings::default();
        settings.workers.limit = 8;
        let of = |settings: &Settings| worker_config(settings).queues.into_iter().map(|q| (q.name, q.limit)).collect::<Vec<_>>();
        assert_eq!(of(&settings), [("default".to_owned(), 8), ("slow".to_owned(), 16)]);
        settings.workers.queues.insert("default".to_owned(), 3);
        assert_eq!(of(&settings), [("default".to_owned(), 3), ("slow".to_owned(), 16)]);
    }
}
