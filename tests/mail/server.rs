//! A real mail server (aiosmtpd), started for a test and stopped at its end.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belfry::domain::profile::Smtp;
use belfry::domain::profile::smtp::Tls;
use belfry::domain::secret::Secret;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::venv::venv;

/// How long a test waits for something that should happen at once.
pub const TIMEOUT: Duration = Duration::from_secs(20);
pub const USER: &str = "me@example.com";
pub const PASSWORD: &str = "密码 pass";

pub struct MailServer {
    pub port: u16,
    pub folder: tempfile::TempDir,
    python: PathBuf,
    tls: Tls,
    process: Child,
    events: UnboundedReceiver<Value>,
}

impl MailServer {
    /// A server without TLS and authentication that follows the script, one step for each mail.
    pub async fn plain(script: &[&str]) -> Option<MailServer> {
        MailServer::start(Tls::None, json!({"script": script})).await
    }

    /// `None` if Python is not installed, which is printed.
    pub async fn start(tls: Tls, options: Value) -> Option<MailServer> {
        let python = tokio::task::spawn_blocking(|| venv(&["aiosmtpd==1.4.6"])).await.expect("finds Python")?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_certificate(folder.path());
        let mut all = json!({
            "folder": folder.path(), "cert": folder.path().join("cert.pem"), "key": folder.path().join("key.pem"),
            "tls": match tls { Tls::None => "none", Tls::Starttls => "starttls", Tls::Implicit => "implicit" },
        });
        all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/smtp_server.py");
        let mut command = Command::new(&python);
        command.arg(script).arg(all.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the mail server starts");
        let (sender, events) = unbounded_channel();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).expect("JSON")); // fails after the end of the test
            }
        });
        let mut server = MailServer { port: 0, folder, python, tls, process, events };
        server.port = server.event("ready").await["port"].as_u64().unwrap().try_into().unwrap();
        Some(server)
    }

    /// A profile for this server, which trusts its certificate.
    pub fn profile(&self) -> Smtp {
        Smtp {
            host: Some("localhost".into()),
            port: Some(self.port),
            tls: Some(self.tls),
            from: Some("钟楼 <belfry@example.com>".into()),
            ca_file: Some(self.folder.path().join("cert.pem")),
            timeout: TIMEOUT,
            ..Smtp::default()
        }
    }

    /// As [`MailServer::profile`], with the correct password.
    pub fn authenticated_profile(&self) -> Smtp {
        Smtp { user: Some(USER.into()), password: Some(Secret::new(PASSWORD)), ..self.profile() }
    }

    /// Waits for the next event of a kind; others before it are skipped.
    pub async fn event(&mut self, kind: &str) -> Value {
        loop {
            let next = tokio::time::timeout(TIMEOUT, self.events.recv()).await;
            let event =
                next.unwrap_or_else(|_| panic!("no event {kind}")).unwrap_or_else(|| panic!("the server ended before {kind}"));
            if event["event"] == kind {
                return event;
            }
        }
    }

    /// All events received so far.
    pub fn events_so_far(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    /// The next delivered mail: its envelope, and its parsed contents.
    pub async fn mail(&mut self) -> (Value, Value) {
        let event = self.event("mail").await;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/read_mail.py");
        let read = Command::new(&self.python).arg(script).arg(event["path"].as_str().unwrap()).output().expect("runs");
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        let mail = serde_json::from_slice(&read.stdout).expect("JSON");
        (event, mail)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // Both fail if the process has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Writes a self-signed certificate for `localhost`.
fn write_certificate(folder: &Path) {
    let generated = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("generates a certificate");
    std::fs::write(folder.join("cert.pem"), pem("CERTIFICATE", generated.cert.der())).expect("writes");
    std::fs::write(folder.join("key.pem"), pem("PRIVATE KEY", &generated.signing_key.serialize_der())).expect("writes");
}

fn pem(what: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}
