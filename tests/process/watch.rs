//! `belfry watch` against a real server that is killed or stopped: one alarm at the opening, one at the recovery.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::server::{Server, TOKEN, belfry};

/// How long a test waits for an alarm.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Longer than two looks: an alarm too many would have come.
const QUIET: Duration = Duration::from_secs(4);

/// Receives the messages of a webhook channel.
fn receiver() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let (sender, received) = channel();
    let address = format!("http://{}/alarms", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(count) = stream.read(&mut buffer)
                && count > 0
            {
                request.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
                    let _ = sender.send(serde_json::from_str(body).unwrap_or_default());
                    break;
                }
            }
        }
    });
    (address, received)
}

struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn watch(folder: &Path, server: &str, alarms: &str) -> Watch {
    let settings = format!(
        "[notify.ops]\ntype = \"webhook\"\nurl = \"{alarms}\"\nsecret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"\n"
    );
    std::fs::write(folder.join("watch.toml"), settings).expect("writes the settings");
    let mut command = belfry(folder);
    command.args(["watch", "--server", server, "--every", "1s", "--timeout", "1s", "--config", "watch.toml"]);
    command.env("BELFRY_TOKEN", TOKEN).stdout(Stdio::null()).stderr(Stdio::null());
    Watch(command.spawn().expect("starts the watch"))
}

fn next(alarms: &Receiver<Value>) -> String {
    alarms.recv_timeout(TIMEOUT).expect("an alarm").to_string()
}

fn assert_quiet(alarms: &Receiver<Value>) {
    let more = alarms.recv_timeout(QUIET);
    assert!(more.is_err(), "one alarm is enough: {more:?}");
}

#[tokio::test]
async fn watch_tells_of_a_stopped_and_of_a_killed_server() {
    let (home, away) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(home.path());
    let address = server.base().trim_start_matches("http://").to_owned();
    let (url, alarms) = receiver();
    let _watch = watch(away.path(), server.base(), &url);
    assert_quiet(&alarms);

    server.signal("STOP");
    let opened = next(&alarms);
    assert!(opened.contains("is down") && opened.contains("no answer"), "{opened}");
    assert_quiet(&alarms);
    server.signal("CONT");
    let recovered = next(&alarms);
    assert!(recovered.contains("is up again"), "{recovered}");
    assert_quiet(&alarms);

    server.signal("KILL");
    drop(server);
    let opened = next(&alarms);
    assert!(opened.contains("is down"), "{opened}");
    assert_quiet(&alarms);
    let _again = Server::start_with(home.path(), &[("BELFRY_SERVER_LISTEN", &address)]);
    let recovered = next(&alarms);
    assert!(recovered.contains("is up again"), "{recovered}");
    assert_quiet(&alarms);
}

#[tokio::test]
async fn watch_needs_a_channel_and_an_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| belfry(folder.path()).args(arguments).output().expect("runs");
    let none = run(&["watch", "--server", "http://127.0.0.1:1"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("[notify.<name>]"), "{none:?}");
    std::fs::write(folder.path().join("belfry.toml"), "[notify.ops]\ntype = \"slack\"\nurl = \"https://hooks.example.com/x\"\n")
        .expect("writes");
    assert_eq!(run(&["watch", "--server", "ftp://x"]).status.code(), Some(2));
    assert_eq!(run(&["watch", "--server", "http://127.0.0.1:1", "--channel", "other"]).status.code(), Some(2));
}
