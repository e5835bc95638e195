//! The API with a real service and database, and helpers for requests.

use std::sync::Arc;

use belfry::api::{self, Options};
use belfry::clock::ManualClock;
use belfry::domain::fault::Fault;
use belfry::domain::policy::Policy;
use belfry::domain::profile::{Datasource, Profiles};
use belfry::domain::retention::DefaultRetention;
use belfry::domain::user::Via;
use belfry::events::EventBus;
use belfry::profiles::ProfileDirectory;
use belfry::queue::QueueConfig;
use belfry::service::{AdminSetup, ServiceDeps, Services};
use belfry::signals::{SchedulerHeartbeat, Signals, WriteStatus};
use belfry::storage::Database;
use belfry::tasks::Limits;
use belfry::tasks::registry::Registry;
use belfry::tasks::sql::Datasources;
use belfry::tasks::{Run, RunContext, Spec, TaskType, Text};
use belfry::worker::cancel::CancelRegistry;
use chrono_tz::Tz;
use poem::Route;
use poem::http::{HeaderMap, Method};
use poem::test::TestClient;
use serde_json::{Value, json};

use crate::support::context::{courier, vault};
use crate::support::{TestDatabase, at};

/// Saturday, 2026-11-21, 08:00 in Shanghai.
pub const NOW: &str = "2026-11-21T00:00:00Z";
/// The host header of requests.
pub const HOST: &str = "belfry.test";

/// The administrator's token.
pub const TOKEN: &str = "token-of-the-administrator";

/// A running API with one administrator, whose session authenticates requests.
pub struct App {
    pub client: TestClient<Route>,
    pub services: Services,
    pub events: EventBus,
    /// The scheduler's heartbeat; no scheduler runs here.
    pub heartbeat: SchedulerHeartbeat,
    /// Whether the database takes writes; no node registry runs here.
    pub writes: WriteStatus,
    session: String,
    database: TestDatabase,
}

/// A response, read to its end.
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub text: String,
    pub json: Value,
}

impl App {
    pub async fn start() -> App {
        Self::start_with(Options::default()).await
    }

    pub async fn start_with(options: Options) -> App {
        Self::start_all(options, Profiles::default()).await
    }

    /// With datasources.
    pub async fn start_on<const N: usize>(sources: [(&str, Datasource); N]) -> App {
        let datasource = sources.map(|(name, profile)| (name.to_owned(), profile)).into();
        Self::start_all(Options::default(), Profiles { datasource, ..Profiles::default() }).await
    }

    async fn start_all(options: Options, profiles: Profiles) -> App {
        let database = TestDatabase::sqlite().await;
        let clock = Arc::new(ManualClock::new(at(NOW)));
        let (heartbeat, events, signals) = (SchedulerHeartbeat::default(), EventBus::default(), Signals::default());
        let writes = signals.writes.clone();
        let registry = Arc::new(Registry::from_types(vec![Arc::new(Note), Arc::new(Danger)]));
        let (vault, from_settings) = (vault(&database.database), Arc::new(profiles));
        let profiles = Arc::new(ProfileDirectory::new(from_settings.clone(), database.database.clone(), vault.clone()));
        let datasources = Arc::new(Datasources::new(profiles.clone(), Tz::Asia__Shanghai));
        let services = Services::new(&ServiceDeps {
            database: database.database.clone(),
            courier: courier(&database.database, clock.clone(), registry.clone(), from_settings),
            registry,
            datasources,
            profiles,
            limits: Arc::new(Limits::within(std::env::temp_dir())),
            clock,
            events: events.clone(),
            signals,
            heartbeat: heartbeat.clone(),
            cancels: CancelRegistry::default(),
            vault,
            environment: Arc::default(),
            zone: Tz::Asia__Shanghai,
            queues: [QueueConfig { name: "default".into(), limit: 64 }].into(),
            reserved_tags: Arc::default(),
            session: chrono::Duration::days(1),
            session_idle: chrono::Duration::days(1),
            retention: DefaultRetention::default(),
            second_factor_required: false,
            single_sign_on: None,
        });
        let text = |text: &str| Some(text.to_owned());
        let setup = AdminSetup { user: text("admin"), password: text("correct horse"), token: text(TOKEN) };
        services.setup.bootstrap(&setup).await.expect("the first account");
        let (_, session) = services.sign_in.without_second_factor("admin", "correct horse", None).await.expect("signs in");
        assert!(services.sessions.actor_by_session(&session, Via::Api).await.expect("reads").is_some());
        let client = TestClient::new(api::routes(services.clone(), options));
        App { client, services, events, heartbeat, writes, session, database }
    }

    /// An unauthenticated request with the given headers.
    pub async fn bare(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request = self.client.request(method, path).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_vec()).send().await.0;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().into_vec().await.expect("a body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status, headers, bytes, text, json }
    }

    /// A request with the administrator's session, as from Belfry's own pages.
    pub async fn call_with(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let cookie = self.cookie();
        let mut all = vec![("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        all.extend(headers);
        self.bare(method, path, &all, body).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call_with(Method::GET, path, &[], b"").await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call_with(Method::DELETE, path, &[], b"").await
    }

    /// A request with a JSON body.
    pub async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        self.call_with(method, path, &[("content-type", "application/json")], body.to_string().as_bytes()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, body).await
    }

    pub fn database(&self) -> &Database {
        &self.database.database
    }

    pub fn cookie(&self) -> String {
        format!("other=1; {}={}", api::SESSION_COOKIE, self.session)
    }

    /// Creates a task that fires at nine in Shanghai.
    pub async fn task(&self, id: &str) -> Value {
        let reply = self.post("/api/v1/tasks", new_task(id)).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.json
    }

    /// Lets a task run any number of times at once.
    pub async fn allow_overlap(&self, id: &str) {
        let policy = json!({"policy": {"on_overlap": "allow"}});
        assert_eq!(self.send(Method::PATCH, &format!("/api/v1/tasks/{id}"), policy).await.status, 200);
    }
}

/// The body of a task that fires at nine in Shanghai.
pub fn new_task(id: &str) -> Value {
    json!({"id": id, "type": "note", "trigger": {"type": "cron", "hour": 9, "timezone": "Asia/Shanghai"}})
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }

    /// Checks that this is a problem document with a status.
    #[track_caller]
    pub fn problem(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), api::PROBLEM_JSON);
        assert_eq!(self.json["status"], status);
        for field in ["type", "title", "detail"] {
            assert!(self.json[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {}", self.text);
        }
        assert!(self.json["errors"].is_array());
        self
    }

    /// Checks that this is a 422 with exactly these pointers.
    #[track_caller]
    pub fn invalid(&self, pointers: &[&str]) -> &Self {
        self.problem(422);
        let found: Vec<_> =
            self.json["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(found, pointers, "{}", self.text);
        self
    }
}

/// A safe type with one optional parameter.
struct Note;

/// A type that only administrators may set up, and that panics on the message `panic`.
struct Danger;

fn spec(name: &'static str, dangerous: bool) -> Spec {
    let schema = json!({"type": "object", "additionalProperties": false,
        "properties": {"message": {"type": "string", "description": "What to note.", "x-description-zh": "内容。"}}});
    let text = Text::new("Note", "便笺");
    let policy = Policy { max_instances: 3, ..Policy::default() };
    let example = json!({"message": "hello"});
    Spec {
        name: name.into(),
        title: text.clone(),
        description: text,
        params_schema: schema,
        example,
        default_policy: policy,
        dangerous,
    }
}

impl TaskType for Note {
    fn spec(&self) -> Spec {
        spec("note", false)
    }

    fn run<'a>(&'a self, params: Value, _: &'a RunContext) -> Run<'a> {
        Box::pin(async move { Ok(params) })
    }
}

impl TaskType for Danger {
    fn spec(&self) -> Spec {
        spec("danger", true)
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        assert_ne!(params["message"], "panic", "a fault of the program");
        Vec::new()
    }

    fn run<'a>(&'a self, params: Value, _: &'a RunContext) -> Run<'a> {
        Box::pin(async move { Ok(params) })
    }
}
