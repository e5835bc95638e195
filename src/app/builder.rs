//! The builders of the application's components: database, HTTP server options and routes, from the settings.

use std::sync::Arc;

use poem::{Endpoint, Response};
use tokio_util::sync::CancellationToken;

use super::data_dir::EXECUTABLES_FOLDER;
use super::error::StartError;
use super::state::AppState;
use super::tasks_file::TasksFile;
use super::{App, DataDir};
use crate::api;
use crate::config::{Admin, HttpLimits, ProxyHeader, Settings, Synchronous};
use crate::domain::user::Actor;
use crate::i18n::{Message, message};
use crate::net;
use crate::net::base_path::WithBasePath;
use crate::service::{AdminSetup, SetupService};
use crate::storage::{self, Database};
use crate::tasks::executables;
use crate::web;

/// Opens the database of the settings.
pub(super) async fn open_database(settings: &Settings, data: &DataDir) -> Result<Database, StartError> {
    let (what, opened) = match &settings.database.url {
        Some(url) => {
            let opened = Database::open_postgres(url.reveal(), settings.database.max_connections).await;
            (without_password(url.reveal()), opened)
        }
        None => {
            let file = data.create_database_file()?;
            let opened = Database::open_sqlite(&file, synchronous(settings.database.synchronous)).await;
            (file.display().to_string(), opened)
        }
    };
    let failed = |error: storage::Error| StartError::Database { what: what.clone(), reason: error.to_string() };
    opened.map_err(failed)
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
pub(super) async fn set_up_admin(service: &SetupService, admin: Option<&Admin>) -> Result<(), StartError> {
    let Some(admin) = admin else { return Ok(()) };
    let setup = AdminSetup {
        user: Some(admin.user.clone()),
        password: admin.password.as_ref().map(|secret| secret.reveal().to_owned()),
        token: admin.token.as_ref().map(|secret| secret.reveal().to_owned()),
    };
    service.bootstrap(&setup).await.map_err(|error| StartError::Admin(describe(&error)))
}

/// The one-time code for setup from another machine; logged while there is no administrator.
pub(super) async fn create_setup_code(service: &SetupService) -> Result<Option<String>, StartError> {
    let code = service.create_code().await.map_err(|error| StartError::Admin(describe(&error)))?;
    if let Some(code) = &code {
        tracing::warn!(code, "no administrator exists yet; the page /setup requires this one-time code from other machines");
    }
    Ok(code)
}

fn describe(error: &crate::service::Error) -> Message {
    match error {
        crate::service::Error::Invalid(faults) => {
            let messages = faults.iter().map(|fault| fault.message.clone());
            messages.reduce(|first, second| message!("start.and", first, second)).unwrap_or_else(|| error.message())
        }
        crate::service::Error::Internal(cause) => Message::verbatim(cause.to_string()),
        crate::service::Error::Unavailable(cause) => Message::verbatim(cause.to_string()),
        other => other.message(),
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
        let mut file = TasksFile::new(&app.services, path);
        file.run_once().await;
        return Ok(Some(file));
    }
    let actor = Actor::local("belfry");
    let failed = |error: crate::service::Error| StartError::Component(describe(&error));
    let nodes = app.services.nodes.snapshot(&actor).await.map_err(failed)?.nodes;
    if nodes.iter().all(|node| node.identity.id == app.node.id) {
        let released = app.services.tasks_file.release(&actor).await.map_err(failed)?;
        if released > 0 {
            tracing::info!(tasks = released, "no tasks file is set any more; its tasks can be edited again");
        }
    }
    Ok(None)
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
            let tls = net::Tls::load(certificate, key).map_err(|error| StartError::Tls(error.message()))?;
            Some(Arc::new(tls))
        }
        (Some(_), None) => {
            return Err(StartError::Tls(message!(
                "start.tls_alone",
                given = "server.tls_certificate",
                missing = "server.tls_key"
            )));
        }
        (None, Some(_)) => {
            return Err(StartError::Tls(message!(
                "start.tls_alone",
                given = "server.tls_key",
                missing = "server.tls_certificate"
            )));
        }
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
    let base_path = app.settings.server.base_path.clone();
    let pages = web::Options { request_timeout, body_limit, shutdown: shutdown.clone(), base_path: base_path.clone() };
    let calls = api::Options { request_timeout, body_limit, shutdown: shutdown.clone(), base_path: base_path.clone() };
    let all = api::routes(app.services.clone(), calls).nest_no_strip("/", web::routes(app.services.clone(), pages));
    WithBasePath::new(all, &base_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_password_removes_credentials_and_query() {
        let shown = without_password("postgres://me:p%40ss@word@db.example.com:5432/belfry?password=x");
        assert_eq!(shown, "postgres://db.example.com:5432/belfry");
    }
}
