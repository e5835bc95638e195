//! Test fixture: a running server with an administrator, and raw sockets to it.

use std::net::SocketAddr;

use belfry::app::App;
use belfry::config::{Admin, Secret, Settings};
use belfry::service::Services;
use belfry::storage::Database;
use belfry::web::csrf;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const TOKEN: &str = "token-of-the-security-tests";
pub const PASSWORD: &str = "correct horse battery";

/// A server in this process, reached over real sockets.
pub struct Belfry {
    pub address: SocketAddr,
    pub scheme: &'static str,
    pub services: Services,
    pub database: Database,
    pub setup_code: Option<String>,
    pub folder: tempfile::TempDir,
    pub client: Client,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Belfry {
    /// A server with an administrator `admin`.
    pub async fn start() -> Belfry {
        Belfry::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Belfry {
        let admin = Admin { user: "admin".into(), password: Some(Secret::new(PASSWORD)), token: Some(Secret::new(TOKEN)) };
        Belfry::launch(Some(admin), change).await
    }

    /// A server without any account.
    pub async fn fresh(change: impl FnOnce(&mut Settings)) -> Belfry {
        Belfry::launch(None, change).await
    }

    async fn launch(admin: Option<Admin>, change: impl FnOnce(&mut Settings)) -> Belfry {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = Settings { data_dir: folder.path().join("data"), admin, ..Settings::default() };
        settings.server.listen = "127.0.0.1:0".into();
        change(&mut settings);
        let app = App::start(settings).await.expect("starts");
        let (address, services, database) = (app.address(), app.services().clone(), app.database().clone());
        let scheme = if app.urls().iter().all(|url| url.starts_with("https")) { "https" } else { "http" };
        let (setup_code, shutdown) = (app.setup_code().map(str::to_owned), CancellationToken::new());
        let stop = shutdown.clone();
        let running = tokio::spawn(async move { app.run(stop).await.expect("ends without an error") });
        Belfry { address, scheme, services, database, setup_code, folder, client: client(), shutdown, running }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// An unauthenticated request.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// A call with the administrator's token.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let request = self.anonymous(method, path).bearer_auth(TOKEN);
        let request = body.iter().fold(request, |request, body| request.json(body));
        request.send().await.expect("answers")
    }

    /// A call that must be answered with this status; returns the JSON.
    #[track_caller]
    pub fn expect_status(&self, method: Method, path: &str, body: Value, status: u16) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.call(method, path, (!body.is_null()).then_some(&body)).await;
            let (given, text) = (answer.status().as_u16(), answer.text().await.expect("text"));
            assert_eq!(given, status, "{caller}: {path}: {text}");
            serde_json::from_str(&text).unwrap_or_default()
        }
    }

    /// Requests a page with a session.
    pub async fn page(&self, session: &str, path: &str) -> Response {
        self.anonymous(Method::GET, path).header("cookie", format!("belfry_session={session}")).send().await.expect("answers")
    }

    /// Submits a form with a session.
    pub async fn form(&self, session: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let token = csrf::token(session);
        let all: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
        let request = self.anonymous(Method::POST, path).header("cookie", format!("belfry_session={session}"));
        request.form(&all).send().await.expect("answers")
    }

    /// Signs in on the page and returns the session cookie.
    pub async fn sign_in(&self, name: &str, password: &str) -> String {
        let answer =
            self.anonymous(Method::POST, "/login").form(&[("name", name), ("password", password)]).send().await.expect("answers");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "signs in");
        session_of(&answer).expect("a session")
    }

    pub async fn account(&self, name: &str, role: &str) {
        let body = json!({"name": name, "role": role, "password": PASSWORD});
        self.expect_status(Method::POST, "/api/v1/users", body, 201).await;
    }

    /// Creates a task of the type `echo`.
    pub async fn echo(&self, id: &str) {
        let body =
            json!({"id": id, "type": "echo", "trigger": {"type": "interval", "hours": 100}, "params": {"message": "hello"}});
        self.expect_status(Method::POST, "/api/v1/tasks", body, 201).await;
    }

    /// Runs a task and waits for its end; returns the execution.
    pub async fn run(&self, id: &str) -> Value {
        let started = self.expect_status(Method::POST, &format!("/api/v1/tasks/{id}/run"), json!({}), 202).await;
        let path = format!("/api/v1/executions/{}", started["id"].as_str().expect("an id"));
        crate::server::until("the run", || async {
            let run = self.expect_status(Method::GET, &path, Value::Null, 200).await;
            run["finished_at"].is_string().then_some(run)
        })
        .await
    }

    /// Sends bytes on a new connection and reads until the server closes it.
    pub async fn raw(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        let _ = stream.write_all(request.as_ref()).await; // the server may close before it has read everything
        rest(&mut stream).await
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connects")
    }

    /// Checks that the server still answers.
    pub async fn assert_healthy(&self) {
        let answer = self.raw(format!("GET /healthz HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address)).await;
        assert_eq!(status(&answer), 200, "{answer}");
    }

    pub async fn end(self) {
        self.shutdown.cancel();
        self.running.await.expect("ended");
    }
}

/// Reads until the server closes or resets the connection.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await; // an error is a reset
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The status of a raw response; 0 if there is none.
pub fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// The session that a response sets.
pub fn session_of(answer: &Response) -> Option<String> {
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let value = cookies.filter_map(|cookie| cookie.strip_prefix("belfry_session=")).next()?;
    value.split(';').next().filter(|value| !value.is_empty()).map(str::to_owned)
}

/// All cookies that a response sets.
pub fn cookies(answer: &Response) -> Vec<String> {
    answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
}

/// A client that follows no redirects and keeps no cookies.
pub fn client() -> Client {
    // Another test may have installed a provider already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // Each request has a connection of its own: the server closes those whose bodies it refuses, and what is sent meanwhile is lost.
    let client = Client::builder().pool_max_idle_per_host(0);
    client.redirect(Policy::none()).danger_accept_invalid_certs(true).build().expect("a client")
}
