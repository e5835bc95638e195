//! A Belfry server as a separate process in its own folder.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

/// The API token of every server in these tests.
pub const TOKEN: &str = "token-of-the-process-tests";
/// How long a test waits before it fails; long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The program in a folder, without the settings of the caller's environment.
pub fn belfry(folder: &Path) -> Command {
    belfry_by(Command::new(PROGRAM), folder)
}

/// The program's file.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_belfry");

/// As [`belfry`], by a command that starts it.
pub fn belfry_by(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BELFRY_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.env("BELFRY_SERVER_LISTEN", "127.0.0.1:0").env("LC_ALL", "C");
    command
}

/// A running server, killed on drop.
pub struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub ready_line: String,
    base: String,
    client: Client,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub fn start(folder: &Path) -> Server {
        Server::start_with(folder, &[])
    }

    /// Starts a server with environment variables.
    pub fn start_with(folder: &Path, variables: &[(&str, &str)]) -> Server {
        let mut command = belfry(folder);
        command.envs(variables.iter().copied());
        Server::launch(command)
    }

    /// Starts a server by a command and waits until it is ready.
    pub fn launch(mut command: Command) -> Server {
        command.env("BELFRY_ADMIN_TOKEN", TOKEN).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("start the program");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut ready_line = String::new();
        stdout.read_line(&mut ready_line).expect("read");
        let address = ready_line.split_whitespace().find(|word| word.starts_with("http://"));
        let base = address.unwrap_or_else(|| panic!("no address in {ready_line:?}")).trim_end_matches('/').to_owned();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default(); // another test may have installed one
        Server { child, stdout, ready_line, base, client: Client::new() }
    }

    /// The server's URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base)).bearer_auth(TOKEN)
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).bearer_auth(TOKEN).json(body)
    }

    pub fn put(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.put(format!("{}{path}", self.base)).bearer_auth(TOKEN).json(body)
    }

    pub fn patch(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.patch(format!("{}{path}", self.base)).bearer_auth(TOKEN).json(body)
    }

    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.client.delete(format!("{}{path}", self.base)).bearer_auth(TOKEN)
    }

    /// The JSON of a response with status 200.
    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).send().await.expect("get a response");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.expect("valid JSON")
    }

    /// All executions, read page by page.
    pub async fn executions(&self) -> Vec<Value> {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.json(&format!("/api/v1/executions?page_size=500{cursor}")).await;
            found.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }

    /// The number of executions with a status.
    pub async fn count(&self, status: &str) -> i64 {
        let page = self.json(&format!("/api/v1/executions?status={status}&page_size=1")).await;
        page["total"].as_i64().unwrap_or_default()
    }

    /// The number of open file descriptors, and the resident memory in KiB.
    #[cfg(target_os = "linux")]
    pub fn resources(&self) -> (usize, u64) {
        let process = std::path::PathBuf::from(format!("/proc/{}", self.child.id()));
        let descriptors = std::fs::read_dir(process.join("fd")).expect("list the descriptors").count();
        let status = std::fs::read_to_string(process.join("status")).expect("read the status");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
        (descriptors, resident.expect("the resident memory"))
    }

    /// Kills the server.
    pub fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// The id of its process.
    #[cfg(unix)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.expect("run kill").success());
    }

    /// Waits for the end. Returns the exit status and the rest of standard output.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("read");
        (wait(&mut self.child), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // may have ended already
        let _ = self.child.wait(); // may have ended already
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("get the exit status") {
            return status;
        }
        assert!(started.elapsed() < TIMEOUT, "the server does not exit");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Polls until the answer is `Some`.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < TIMEOUT, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
