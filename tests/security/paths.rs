//! Path traversal.

use reqwest::Method;
use serde_json::json;

use crate::rig::{Belfry, PASSWORD, status};

/// Paths out of the folder, in several encodings.
const OUT: [&str; 12] = [
    "../task.db",
    "..%2ftask.db",
    "%2e%2e/task.db",
    "%2e%2e%2ftask.db",
    "..%5ctask.db",
    "....//task.db",
    "%252e%252e%252ftask.db",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "css/../../secret.key",
    "css%00.css",
    "C:%5cwindows%5cwin.ini",
];

#[tokio::test(flavor = "multi_thread")]
async fn static_files_and_docs_are_limited_to_their_folders() {
    let belfry = Belfry::start().await;
    for base in ["/static/", "/docs/", "/api/v1/../../static/", "/"] {
        for path in OUT {
            let answer = belfry.raw(format!("GET {base}{path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
            assert!(matches!(status(&answer), 303 | 400 | 401 | 404), "{base}{path}: {answer}");
            assert!(!answer.contains("root:") && !answer.contains("SQLite format"), "{base}{path}");
        }
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_urls_are_not_used_as_paths() {
    let belfry = Belfry::start().await;
    let session = belfry.sign_in("admin", PASSWORD).await;
    for path in OUT {
        for base in ["/executions/", "/tasks/", "/api/v1/executions/", "/api/v1/tasks/"] {
            let answer = belfry.page(&session, &format!("{base}{path}")).await;
            assert!(matches!(answer.status().as_u16(), 303 | 400 | 401 | 404 | 422), "{base}{path}: {}", answer.status());
        }
        let output = belfry.page(&session, &format!("/api/v1/executions/{path}/output")).await;
        assert!(matches!(output.status().as_u16(), 400 | 404 | 422), "{path}: {}", output.status());
    }
    belfry.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn tasks_cannot_access_files_outside_their_folders() {
    let belfry = Belfry::start().await;
    let data = belfry.folder.path().join("data");
    std::os::unix::fs::symlink("/etc", data.join("files/link")).expect("links");
    let out = ["../task.db", "../scheduler.log", "/etc/passwd", "link/passwd", "a/../../task.db", "./../secret.key"];
    for (place, path) in out.into_iter().enumerate() {
        let id = format!("log-{place}");
        let task = json!({"id": id, "type": "query_log", "trigger": {"type": "interval", "hours": 100},
            "params": {"source": "file", "path": path, "pattern": "root"}});
        let created = belfry.call(Method::POST, "/api/v1/tasks", Some(&task)).await;
        let code = created.status();
        let text = created.text().await.expect("text");
        assert!(code == 201 || code == 422, "{path}: {text}");
        if code == 201 {
            let run = belfry.run(&id).await;
            assert_eq!(run["status"], "failed", "{path}: {run}");
            assert!(!run.to_string().contains("root:x"), "{path}: {run}");
        }
        let id = format!("copy-{place}");
        let task = json!({"id": id, "type": "backup", "trigger": {"type": "interval", "hours": 100}, "params": {"to": path}});
        let created = belfry.call(Method::POST, "/api/v1/tasks", Some(&task)).await;
        if created.status() == 201 {
            assert_eq!(belfry.run(&id).await["status"], "failed", "{path}");
        }
    }
    belfry.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn executables_are_found_by_name_in_their_folder_only() {
    let belfry = Belfry::start().await;
    for name in ["../files/evil", "/bin/sh", "sh", "..", ".hidden", "a/b", "évil;id"] {
        let task = json!({"id": "x", "type": name, "trigger": {"type": "interval", "hours": 100}, "params": {}});
        assert_eq!(belfry.call(Method::POST, "/api/v1/tasks", Some(&task)).await.status(), 422, "{name}");
    }
    belfry.end().await;
}
