//! A running server, with an administrator who is signed in, and sockets to it without a library in between.

use std::net::SocketAddr;

use belfry::app::App;
use belfry::config::{Admin, Secret, Settings};
use belfry::service::Service;
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

/// A server in this process, over real sockets.
pub struct Belfry {
    pub address: SocketAddr,
    pub scheme: &'static str,
    pub service: Service,
    pub database: Database,
    pub setup_code: Option<String>,
    pub folder: tempfile::TempDir,
    pub client: Client,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Belfry {
    /// With an administrator `admin`.
    pub async fn start() -> Belfry {
        Belfry::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Belfry {
        let admin = Admin { user: "admin".into(), password: Some(Secret::new(PASSWORD)), token: Some(Secret::new(TOKEN)) };
        Belfry::launch(Some(admin), change).await
    }

    /// Without any account.
    pub async fn fresh(change: impl FnOnce(&mut Settings)) -> Belfry {
        Belfry::launch(None, change).await
    }

    async fn launch(admin: Option<Admin>, change: impl FnOnce(&mut Settings)) -> Belfry {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = Settings { data_dir: folder.path().join("data"), admin, ..Settings::default() };
        settings.server.listen = "127.0.0.1:0".into();
        change(&mut settings);
        let app = App::start(settings).await.expect("starts");
        let (address, service, database) = (app.address(), app.service().clone(), app.database().clone());
        let scheme = if app.url().starts_with("https") { "https" } else { "http" };
        let (setup_code, shutdown) = (app.setup_code().map(str::to_owned), CancellationToken::new());
        let stop = shutdown.clone();
        let running = tokio::spawn(async move { app.run(stop).await.expect("ends in order") });
        Belfry { address, scheme, service, database, setup_code, folder, client: client(), shutdown, running }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// A request without any sign-in.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// A call with the administrator's token.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let request = self.bare(method, path).bearer_auth(TOKEN);
        let request = body.iter().fold(request, |request, body| request.json(body));
        request.send().await.expect("answers")
    }

    /// A call that must be answered with this status; gives the JSON.
    #[track_caller]
    pub fn done(&self, method: Method, path: &str, body: Value, status: u16) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let answer = self.call(method, path, (!body.is_null()).then_some(&body)).await;
            let (given, text) = (answer.status().as_u16(), answer.text().await.expect("text"));
            assert_eq!(given, status, "{place}: {path}: {text}");
            serde_json::from_str(&text).unwrap_or_default()
        }
    }

    /// A page, by the session.
    pub async fn page(&self, session: &str, path: &str) -> Response {
        self.bare(Method::GET, path).header("cookie", format!("belfry_session={session}")).send().await.expect("answers")
    }

    /// A form of a session's page.
    pub async fn form(&self, session: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let token = csrf::token(session);
        let all: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
        let request = self.bare(Method::POST, path).header("cookie", format!("belfry_session={session}"));
        request.form(&all).send().await.expect("answers")
    }

    /// Signs in on the page, and gives the session's secret.
    pub async fn sign_in(&self, name: &str, password: &str) -> String {
        let answer =
            self.bare(Method::POST, "/login").form(&[("name", name), ("password", password)]).send().await.expect("answers");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "signs in");
        session_of(&answer).expect("a session")
    }

    pub async fn account(&self, name: &str, role: &str) {
        let body = json!({"name": name, "role": role, "password": PASSWORD});
        self.done(Method::POST, "/api/v1/users", body, 201).await;
    }

    /// A task that echoes.
    pub async fn echo(&self, id: &str) {
        let body =
            json!({"id": id, "type": "echo", "trigger": {"type": "interval", "hours": 100}, "params": {"message": "hello"}});
        self.done(Method::POST, "/api/v1/tasks", body, 201).await;
    }

    /// Runs a task and waits until it has ended; gives the execution.
    pub async fn run(&self, id: &str) -> Value {
        let started = self.done(Method::POST, &format!("/api/v1/tasks/{id}/run"), json!({}), 202).await;
        let path = format!("/api/v1/executions/{}", started["id"].as_str().expect("an id"));
        crate::server::until("the run", || async {
            let run = self.done(Method::GET, &path, Value::Null, 200).await;
            run["finished_at"].is_string().then_some(run)
        })
        .await
    }

    /// Sends bytes on a connection of their own, and reads all that comes until the server closes it.
    pub async fn raw(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The server may answer and close before it has read all.
        let _cut_off = stream.write_all(request.as_ref()).await;
        rest(&mut stream).await
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connects")
    }

    /// That the server answers as ever.
    pub async fn is_well(&self) {
        let answer = self.raw(format!("GET /healthz HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address)).await;
        assert_eq!(status(&answer), 200, "{answer}");
    }

    pub async fn end(self) {
        self.shutdown.cancel();
        self.running.await.expect("ended");
    }
}

/// Reads until the server closes the connection, or cuts it off.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _cut_off = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The status of a raw answer; 0 where there is none.
pub fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// The session that an answer sets.
pub fn session_of(answer: &Response) -> Option<String> {
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let value = cookies.filter_map(|cookie| cookie.strip_prefix("belfry_session=")).next()?;
    value.split(';').next().filter(|value| !value.is_empty()).map(str::to_owned)
}

/// All cookies that an answer sets.
pub fn cookies(answer: &Response) -> Vec<String> {
    answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
}

/// A client that follows nothing and keeps no cookies.
pub fn client() -> Client {
    // Another provider may be there already, from another test.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).danger_accept_invalid_certs(true).build().expect("a client")
}
