//! The JSON API: one module per resource, error mapping in `error`, and an OpenAPI document generated from the endpoints
//! (`document`). Endpoints only read requests and build responses; all rules are in `service`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use poem::endpoint::make_sync;
use poem::{EndpointExt, IntoEndpoint, IntoResponse, Route, get, post};
use poem_openapi::{OpenApiService, Tags};
use tokio_util::sync::CancellationToken;

use crate::i18n::message;
use crate::service::Services;

mod answer;
mod audit;
mod auth;
mod backfills;
mod body;
mod calendars;
mod datasources;
mod direct;
mod docs;
mod document;
mod error;
mod events;
mod executions;
mod freezes;
mod guard;
mod headers;
mod health;
mod heartbeats;
mod hook_call;
mod hooks;
mod http_profiles;
mod incidents;
mod local;
mod mail_sms_profiles;
mod me;
mod metrics;
mod model;
mod nodes;
mod notify_channels;
mod notify_rules;
mod occurrences;
mod operations;
mod params;
mod ping;
mod profiles;
mod query;
mod secrets;
mod stats;
mod task_state;
mod task_types;
mod tasks;
mod tokens;
mod transfer;
mod triggers;
mod users;
mod verify;
mod versions;
mod why;

pub use auth::SESSION_COOKIE;
pub use document::{document, openapi_json, openapi_yaml};
pub use error::{PROBLEM_JSON, Problem};
pub use local::Local;

/// The options of the API.
#[derive(Debug, Clone)]
pub struct Options {
    /// The largest request body, in bytes.
    pub body_limit: usize,
    /// The time limit of a request; event streams are exempt.
    pub request_timeout: Duration,
    /// Ends the event streams when the server stops.
    pub shutdown: CancellationToken,
    /// The path below which a proxy serves Belfry, empty for the root.
    pub base_path: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            body_limit: 1 << 20,
            request_timeout: Duration::from_secs(30),
            shutdown: CancellationToken::new(),
            base_path: String::new(),
        }
    }
}

/// The state shared by all endpoints.
pub struct AppState {
    services: Services,
    options: Options,
    started_at: DateTime<Utc>,
}

/// The groups of operations in the document.
#[derive(Tags)]
enum Tag {
    /// Scheduled work.
    #[oai(rename = "Tasks")]
    Tasks,
    /// Queued, running and finished runs.
    #[oai(rename = "Executions")]
    Executions,
    /// Previews of triggers.
    #[oai(rename = "Triggers")]
    Triggers,
    /// The kinds of work that tasks can do.
    #[oai(rename = "Task types")]
    TaskTypes,
    /// Values that tasks use by name and that are never shown.
    #[oai(rename = "Secrets")]
    Secrets,
    /// Working days, closures and freezes.
    #[oai(rename = "Calendars")]
    Calendars,
    /// The databases that tasks may use.
    #[oai(rename = "Datasources")]
    Datasources,
    /// The mail servers and SMS providers that tasks may use.
    #[oai(rename = "Mail and SMS")]
    MailSmsProfiles,
    /// The HTTP services that tasks may use.
    #[oai(rename = "HTTP profiles")]
    HttpProfiles,
    /// Where notifications go, what was sent, and why.
    #[oai(rename = "Notifications")]
    Notifications,
    /// Jobs that run elsewhere and tell that they did.
    #[oai(rename = "Heartbeats")]
    Heartbeats,
    /// Statistics.
    #[oai(rename = "Stats")]
    Stats,
    /// Accounts, access tokens and the audit log.
    #[oai(rename = "Accounts")]
    Accounts,
}

type Apis = (TaskApis, ProfileApis, ExecutionApis, CalendarApis, IncidentApis, AccountApis);

type TaskApis = (
    tasks::Tasks,
    hooks::Hooks,
    task_state::TaskStates,
    versions::Versions,
    occurrences::TaskOccurrences,
    backfills::Backfills,
    why::Why,
    operations::Operations,
    transfer::Transfer,
    triggers::Triggers,
    task_types::TaskTypes,
    secrets::Secrets,
    notify_channels::NotifyChannels,
);

type ProfileApis = (datasources::Datasources, mail_sms_profiles::MailSmsProfiles, http_profiles::HttpProfiles);

type ExecutionApis = (executions::Executions, verify::Verify, stats::Stats, nodes::Nodes);

type CalendarApis = (calendars::Calendars, freezes::Freezes);

type IncidentApis = (incidents::Incidents, notify_rules::NotifyRules, heartbeats::Heartbeats);

type AccountApis = (me::Me, users::Users, tokens::Tokens, audit::Audit);

fn apis(shared: &Arc<AppState>) -> Apis {
    let shared = || Arc::clone(shared);
    let tasks = (
        tasks::Tasks(shared()),
        hooks::Hooks(shared()),
        task_state::TaskStates(shared()),
        versions::Versions(shared()),
        occurrences::TaskOccurrences(shared()),
        backfills::Backfills(shared()),
        why::Why(shared()),
        operations::Operations(shared()),
        transfer::Transfer(shared()),
        triggers::Triggers(shared()),
        task_types::TaskTypes(shared()),
        secrets::Secrets(shared()),
        notify_channels::NotifyChannels(shared()),
    );
    let profiles =
        (datasources::Datasources(shared()), mail_sms_profiles::MailSmsProfiles(shared()), http_profiles::HttpProfiles(shared()));
    let executions = (executions::Executions(shared()), verify::Verify(shared()), stats::Stats(shared()), nodes::Nodes(shared()));
    let accounts = (me::Me(shared()), users::Users(shared()), tokens::Tokens(shared()), audit::Audit(shared()));
    let calendars = (calendars::Calendars(shared()), freezes::Freezes(shared()));
    let incidents = (incidents::Incidents(shared()), notify_rules::NotifyRules(shared()), heartbeats::Heartbeats(shared()));
    (tasks, profiles, executions, calendars, incidents, accounts)
}

/// The API under `/api/v1`, its description (`/openapi.json`, `/openapi.yaml`, `/docs`), `/events`, `/healthz`, `/readyz` and
/// `/metrics`. Pages may be nested into the same route under `/`.
pub fn routes(services: Services, options: Options) -> Route {
    let started_at = services.clock.now();
    let shared = Arc::new(AppState { services, options, started_at });
    let calls = OpenApiService::new(apis(&shared), "Belfry", env!("CARGO_PKG_VERSION"));
    let calls = Arc::new(calls.into_endpoint().map_to_response());
    let under_base = || guard::wrap(Arc::clone(&calls).boxed(), guard::BASE, &shared);
    let at = |endpoint: poem::RouteMethod| guard::wrap(endpoint.boxed(), "", &shared);
    Route::new()
        .at(guard::BASE, under_base())
        .at(format!("{}/*rest", guard::BASE), under_base())
        .at(
            "/api/*rest",
            guard::wrap(make_sync(|_| Problem::not_found(message!("request.no_such_path")).into_response()).boxed(), "", &shared),
        )
        .at("/api/v1/events", at(get(events::stream)))
        .at("/events", at(get(events::stream)))
        .at("/healthz", at(get(health::alive)))
        .at("/readyz", at(get(health::ready)))
        .at("/metrics", at(get(metrics::metrics)))
        .at("/hook/:secret", at(post(hook_call::call)))
        .at("/ping/:secret", at(get(ping::success).post(ping::success)))
        .at("/ping/:secret/:what", at(get(ping::told).post(ping::told)))
        .at("/openapi.json", at(get(document::json_endpoint)))
        .at("/openapi.yaml", at(get(document::yaml_endpoint)))
        .at("/docs", at(get(docs::page)))
        .at("/docs/:name", at(get(docs::asset)))
}
