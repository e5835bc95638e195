//! Log injection: names and texts from requests cannot forge log lines.

use serde_json::json;

use crate::server::{Server, until};

/// A forged log line, terminal escape sequences, and other line breaks.
const FORGED: &str =
    "x\r\n2026-01-01 00:00:00.000+00:00  INFO signed in user=\"forged\"\u{1b}[2J\u{1b}]0;owned\u{7}\u{85}\u{2028}y";

#[tokio::test]
async fn request_texts_cannot_forge_log_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_with(folder.path(), &[("RUST_LOG", "debug")]);
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let base = server
        .ready_line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .expect("an address")
        .trim_end_matches('/')
        .to_owned();
    let form = [("name", FORGED), ("password", FORGED)];
    assert_eq!(client.post(format!("{base}/login")).form(&form).send().await.expect("answers").status(), 401);
    let task = json!({"id": "loud", "type": "echo",
        "trigger": {"type": "interval", "hours": 1}, "params": {"message": FORGED, "fail": FORGED}});
    assert_eq!(server.post("/api/v1/tasks", &task).send().await.expect("answers").status(), 201);
    for refused in [
        json!({"id": FORGED, "type": FORGED}),
        json!({FORGED: FORGED}),
        json!({"id": "a", "name": FORGED, "type": "echo", "trigger": {"type": "interval", "hours": 1}}),
    ] {
        assert_eq!(server.post("/api/v1/tasks", &refused).send().await.expect("answers").status(), 422);
    }
    for path in ["/tasks/%0d%0a2026-01-01%20INFO%20forged", "/api/v1/tasks/%0d%0aforged%1b%5b2J", "/%1b%5b2J"] {
        let _ = client.get(format!("{base}{path}")).header("user-agent", "a\tb").send().await.expect("answers");
    }
    assert_eq!(server.post("/api/v1/tasks/loud/run", &json!({})).send().await.expect("answers").status(), 202);
    let log = || std::fs::read_to_string(folder.path().join("data/scheduler.log")).unwrap_or_default();
    until("the failure in the log", || async { (log().contains("loud") && log().contains("failed")).then_some(()) }).await;
    for line in log().lines() {
        assert!(line.starts_with("20") && line.get(10..11) == Some(" "), "a forged line: {line:?}");
        assert!(!line.starts_with("2026-01-01 00:00:00.000+00:00"), "{line:?}");
    }
    assert!(log().chars().all(|c| !c.is_control() || c == '\n'), "no control characters");
    assert!(log().contains("forged"), "the attempt is logged");
}
