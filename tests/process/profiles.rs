//! Profiles that are stored through one process and used by another; their secrets are nowhere in plain text.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::local;
use crate::server::{Server, until};
use crate::support::TestDatabase;

/// The key of secrets that the nodes share.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const SECRET: &str = "hunter2-hunter2";

async fn answer(request: reqwest::RequestBuilder, status: u16) -> Value {
    let response = request.send().await.expect("get a response");
    assert_eq!(response.status().as_u16(), status);
    response.json().await.unwrap_or_default()
}

/// Fails if a file in the folder, except the key, contains the secret.
fn assert_nowhere(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("list the folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            assert_nowhere(&path);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!found, "{} contains the secret", path.display());
        }
    }
}

/// Runs the task and returns its execution.
async fn run(server: &Server, task: &str) -> Value {
    let started = answer(server.post(&format!("/api/v1/tasks/{task}/run"), &json!({})), 202).await;
    let path = format!("/api/v1/executions/{}", started["id"].as_str().expect("an id"));
    until("the run to end", || async {
        let found = server.json(&path).await;
        (found["finished_at"] != Value::Null).then_some(found)
    })
    .await
}

#[tokio::test]
async fn a_datasource_stored_on_one_node_is_used_by_the_other_at_once() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("create a temporary folder"));
    let url = db.url();
    let variables = [("BELFRY_DATABASE_URL", url.as_str()), ("BELFRY_SECRETS_KEY", KEY)];
    let [here, there] = [0, 1].map(|node| Server::start_with(folders[node].path(), &variables));
    let datasource = json!({"name": "own", "url": url, "read_only": true});
    answer(here.post("/api/v1/datasources", &datasource), 201).await;
    let task = json!({"id": "ask", "type": "send_sql", "trigger": {"type": "cron", "year": 1970},
        "params": {"datasource": "own", "sql": "select 41 + 1 as answer"}});
    answer(there.post("/api/v1/tasks", &task), 201).await;
    let done = run(&there, "ask").await;
    assert_eq!(done["status"], "succeeded", "{done}");
    // A change holds for the next run on each node, whoever runs it.
    let gone = json!({"url": format!("postgres://me:{SECRET}@127.0.0.1:1/gone"), "connect_timeout_seconds": 2});
    answer(here.put("/api/v1/datasources/own", &gone), 200).await;
    let failed = run(&there, "ask").await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert!(!failed.to_string().contains(SECRET), "{failed}");
    let refused = answer(there.delete("/api/v1/datasources/own"), 409).await;
    assert!(refused["detail"].as_str().unwrap_or_default().contains("used by ask"), "{refused}");
    drop((here, there));
    folders.iter().for_each(|folder| assert_nowhere(folder.path()));
    db.remove().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_secret_of_a_stored_profile_is_nowhere_in_plain_text() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let smtp =
        json!({"name": "office", "host": "127.0.0.1", "port": 1, "tls": "none", "user": "b@example.com", "password": SECRET});
    answer(server.post("/api/v1/smtp", &smtp), 201).await;
    let http = json!({"name": "crm", "base_url": "http://127.0.0.1:1/", "bearer": SECRET});
    answer(server.post("/api/v1/http-profiles", &http), 201).await;
    let mail = json!({"id": "mail", "type": "send_email", "trigger": {"type": "cron", "year": 1970},
        "policy": {"retry": {"max_attempts": 1}}, "params": {"smtp": "office", "to": "a@example.com", "title": "x", "body": "x"}});
    answer(server.post("/api/v1/tasks", &mail), 201).await;
    assert_eq!(run(&server, "mail").await["status"], "failed", "nothing listens on port 1");
    // What a program writes is masked too.
    let echo = json!({"id": "told", "type": "echo", "trigger": {"type": "cron", "year": 1970}, "params": {"message": "a"}});
    answer(server.post("/api/v1/tasks", &echo), 201).await;
    for path in ["/api/v1/smtp", "/api/v1/smtp/office", "/api/v1/http-profiles/crm", "/api/v1/audit", "/api/v1/export"] {
        let text = server.get(path).send().await.expect("get a response").text().await.expect("a text");
        assert!(!text.contains(SECRET), "{path}: {text}");
    }
    server.signal("TERM");
    assert!(server.ended().0.success());
    let listed = local(folder.path(), &["smtp", "list", "--json"]);
    assert!(listed.out.contains("office") && !listed.out.contains(SECRET), "{listed:?}");
    let checked = local(folder.path(), &["doctor", "--json"]);
    assert!(checked.out.contains("office") && checked.out.contains("127.0.0.1:1"), "{checked:?}");
    assert_nowhere(folder.path());
}
