//! A Belfry process in a folder of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

/// The token that every server of these tests knows.
pub const TOKEN: &str = "token-of-the-process-tests";
/// Long enough for a busy machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program in a folder, with none of the caller's own settings.
pub fn belfry(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belfry"));
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BELFRY_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.env("BELFRY_SERVER_LISTEN", "127.0.0.1:0").env("LC_ALL", "C");
    command
}

/// A server that answers. Dropped, it is killed.
pub struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub ready_line: String,
    base: String,
    client: Client,
}

impl Server {
    /// Starts one and waits until it says that it is ready.
    pub fn start(folder: &Path) -> Server {
        Server::start_with(folder, &[])
    }

    /// Starts one with settings of its own.
    pub fn start_with(folder: &Path, variables: &[(&str, &str)]) -> Server {
        let mut command = belfry(folder);
        command.envs(variables.iter().copied());
        command.env("BELFRY_ADMIN_TOKEN", TOKEN).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("is piped"));
        let mut ready_line = String::new();
        stdout.read_line(&mut ready_line).expect("reads");
        let address = ready_line.split_whitespace().find(|word| word.starts_with("http://"));
        let base = address.unwrap_or_else(|| panic!("no address in {ready_line:?}")).trim_end_matches('/').to_owned();
        // Another provider may be there already, from another test.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Server { child, stdout, ready_line, base, client: Client::new() }
    }

    /// Where it answers.
    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base)).bearer_auth(TOKEN)
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).bearer_auth(TOKEN).json(body)
    }

    /// The JSON of an answer that must be good.
    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).send().await.expect("answers");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.expect("is JSON")
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("is killed");
        self.child.wait().expect("has ended");
    }

    /// Sends a signal by name.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Waits for the end; answers the status and what was still written to the output stream.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("reads");
        (wait(&mut self.child), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("is ours") {
            return status;
        }
        assert!(begun.elapsed() < PATIENCE, "the server does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asks again until the answer is there.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
