//! Cross-site scripting: puts a marker that is markup unless escaped into every text field, then checks every page and the pages
//! it links to, in both languages.

use std::collections::{BTreeSet, VecDeque};

use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Belfry, PASSWORD};

/// A text that no page may contain unescaped.
const MARK: &str = "\"'><svg onload=alert(1)>{{7919*7907}}<!--</textarea></script>";
/// The parts that show that the marker is in a page as markup.
const RAW: [&str; 2] = ["<svg onload", "</textarea></script>"];
/// The most links followed in each language; more than there are kinds of pages.
const MOST_LINKS: usize = 90;

async fn create_marked_data(belfry: &Belfry) {
    let hourly = json!({"type": "interval", "hours": 100, "timezone": "UTC"});
    let task = |id: &str, kind: &str, params: Value| json!({"id": id, "name": MARK, "description": MARK, "tags": [MARK], "type": kind, "trigger": hourly, "params": params});
    let post = async |body: Value| {
        let answer = belfry.call(Method::POST, "/api/v1/tasks", Some(&body)).await;
        let code = answer.status();
        let text = answer.text().await.expect("text");
        // A field may reject the marker; the task is then created without it.
        if code == 422 {
            let mut plain = body.clone();
            plain["tags"] = json!(["plain"]);
            belfry.expect_status(Method::POST, "/api/v1/tasks", plain, 201).await;
        } else {
            assert_eq!(code, 201, "{text}");
        }
    };
    let kept = MARK.replace("{{7919*7907}}", "");
    post(task("echo", "echo", json!({"message": kept}))).await;
    post(task("fails", "echo", json!({"message": kept, "fail": kept}))).await;
    let mut call = task("call", "http_request", json!({"url": "http://127.0.0.1:9/", "text": kept, "method": "POST"}));
    call["policy"] = json!({"retry": {"max_attempts": 1}});
    post(call).await;
    post(task("log", "query_log", json!({"source": "executions", "since": "1h"}))).await;
    #[cfg(unix)]
    post(task(
        "shell",
        "send_cmd",
        json!({"command": ["printf", "%s\n", kept, "\u{1b}[31m<svg onload=alert(2)>"], "env": {"A": kept}}),
    ))
    .await;
    let chained = json!({"id": "chained", "name": MARK, "type": "echo", "trigger": hourly, "params": {"message": kept},
        "chain": [{"on": "success", "task": "fails", "params": {"message": kept}}]});
    belfry.expect_status(Method::POST, "/api/v1/tasks", chained, 201).await;
    belfry.expect_status(Method::PATCH, "/api/v1/tasks/echo", json!({"description": format!("{MARK}{MARK}")}), 200).await;
    belfry.call(Method::PUT, "/api/v1/secrets/MARK", Some(&json!({"value": MARK, "description": MARK}))).await;
    belfry.call(Method::POST, "/api/v1/tokens", Some(&json!({"name": MARK, "role": "viewer"}))).await;
    belfry.call(Method::POST, "/api/v1/tokens", Some(&json!({"name": "plain", "role": "viewer"}))).await;
    belfry.call(Method::POST, "/api/v1/users", Some(&json!({"name": MARK, "role": "viewer", "password": PASSWORD}))).await;
    belfry.account("plain", "viewer").await;
    // The audit contains the names of refused sign-ins.
    belfry.anonymous(Method::POST, "/login").form(&[("name", MARK), ("password", MARK)]).send().await.expect("answers");
    let mut ids = vec!["echo", "fails", "log", "call", "chained"];
    if cfg!(unix) {
        ids.push("shell");
    }
    for id in ids {
        belfry.run(id).await;
    }
}

/// URLs that no link leads to, with the marker in paths and query parameters.
fn unlinked_urls(language: &str) -> Vec<String> {
    let mark = belfry::web::urls::encode(MARK);
    let mut all = vec![format!("/tasks/{mark}"), format!("/executions/{mark}"), format!("/{mark}"), format!("/static/{mark}")];
    for path in [
        "/tasks",
        "/tasks/new",
        "/tasks/-/rows",
        "/tasks/-/bulk",
        "/executions",
        "/executions/-/rows",
        "/calendar",
        "/audit",
        "/login",
        "/task-types",
        "/settings/users/edit",
        "/settings/users/delete",
        "/settings/secrets/delete",
        "/settings/datasources",
    ] {
        let names = [
            "q", "search", "type", "tag", "status", "next", "sort", "id", "ids", "name", "task", "from", "to", "cause", "view",
            "date", "month", "week", "cursor", "action", "actor", "target", "error", "page",
        ];
        let reads_most = matches!(path, "/tasks" | "/executions" | "/calendar" | "/audit" | "/login");
        match language {
            "en" if reads_most => all.extend(names.iter().map(|name| format!("{path}?{name}={mark}"))),
            _ => {
                // A wrong value of these is refused before anything else is read.
                let is_free = |name: &&&str| !["status", "sort", "cause", "view", "action"].contains(*name);
                let pairs: Vec<String> = names.iter().filter(is_free).map(|name| format!("{name}={mark}")).collect();
                all.push(format!("{path}?{}", pairs.join("&")));
            }
        }
    }
    all
}

#[track_caller]
fn check(path: &str, language: &str, text: &str) {
    for raw in RAW {
        let found =
            text.find(raw).map(|at| text.get(at.saturating_sub(200)..(at + 200).min(text.len())).unwrap_or("(found)").to_owned());
        assert_eq!(found, None, "{path} in {language}");
    }
    assert!(!text.contains("62615533"), "{path} in {language}: a template was rendered");
}

/// The pages of this server that a page links to.
fn links(text: &str) -> impl Iterator<Item = String> {
    let places = text.match_indices("href=\"").chain(text.match_indices("src=\"")).chain(text.match_indices("hx-get=\""));
    let ends = places.filter_map(|(at, key)| text[at + key.len()..].split('"').next());
    let local =
        ends.filter(|link| link.starts_with('/') && !link.starts_with("/static/") && !link.starts_with("//") && *link != "/live");
    local.map(|link| {
        link.replace("&amp;", "&").replace("&#x2F;", "/").replace("&#x3D;", "=").split('#').next().unwrap_or_default().to_owned()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_escape_all_texts() {
    let belfry = Belfry::start().await;
    create_marked_data(&belfry).await;
    let session = belfry.sign_in("admin", PASSWORD).await;
    let mut seen_mark = 0;
    for language in ["en", "zh-CN"] {
        let cookie = format!("belfry_session={session}; belfry_lang={language}");
        let mut waiting: VecDeque<String> =
            ["/", "/tasks", "/executions", "/calendar", "/audit", "/account", "/settings/users", "/tasks/new"]
                .map(str::to_owned)
                .into();
        waiting.extend(unlinked_urls(language));
        let mut known: BTreeSet<String> = waiting.iter().cloned().collect();
        let mut followed = 0;
        while let Some(path) = waiting.pop_front() {
            let answer = belfry.anonymous(Method::GET, &path).header("cookie", &cookie).send().await.expect("answers");
            let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
            assert!(answer.status().as_u16() < 500, "{path}: {}", answer.status());
            let names: String = answer
                .headers()
                .iter()
                .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())))
                .collect();
            let text = if kind.starts_with("text/event-stream") { String::new() } else { answer.text().await.expect("text") };
            if kind.starts_with("text/html") {
                check(&path, language, &text);
                assert!(!names.contains("<svg"), "{path}: {names}");
                seen_mark += usize::from(text.contains("svg onload"));
                for link in links(&text) {
                    if followed < MOST_LINKS && known.insert(link.clone()) {
                        followed += 1;
                        waiting.push_back(link);
                    }
                }
            }
        }
        assert!(followed > 40, "pages link to each other: {followed}");
    }
    assert!(seen_mark > 20, "many pages show the escaped marker: {seen_mark}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_forms_escape_their_input() {
    let belfry = Belfry::start().await;
    let session = belfry.sign_in("admin", PASSWORD).await;
    let names = [
        "/id",
        "/name",
        "/description",
        "/tags",
        "/type",
        "/params",
        "/trigger/expression",
        "/trigger/hour",
        "/policy/queue",
        "id",
        "name",
        "mode",
        "code",
        "next",
        "back",
        "language",
        "/role",
        "/value",
        "/password",
        "/datasource",
        "action",
        "ids",
        "/present",
    ];
    let forms = [
        "/tasks/new",
        "/tasks/-/preview",
        "/tasks/-/check",
        "/tasks/-/changes",
        "/tasks/-/type",
        "/tasks/-/bulk",
        "/settings/users",
        "/settings/secrets",
        "/settings/tokens",
        "/settings/datasources",
        "/account",
        "/login",
        "/setup",
    ];
    for path in forms {
        for kind in ["echo", MARK] {
            let mut fields: Vec<(&str, &str)> = names.iter().map(|name| (*name, MARK)).collect();
            fields.extend([("type", kind), ("/trigger/type", "cron")]);
            let answer = belfry.form(&session, path, &fields).await;
            assert!(answer.status().as_u16() < 500, "{path}: {}", answer.status());
            let text = answer.text().await.expect("text");
            check(path, "en", &text);
        }
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_responses_are_never_served_as_html() {
    let belfry = Belfry::start().await;
    create_marked_data(&belfry).await;
    let runs = belfry.expect_status(Method::GET, "/api/v1/executions", Value::Null, 200).await;
    let mut paths = vec![
        "/api/v1/tasks".to_owned(),
        "/api/v1/tasks/echo".into(),
        "/api/v1/executions".into(),
        "/api/v1/audit".into(),
        "/metrics".into(),
    ];
    for run in runs["items"].as_array().expect("a list") {
        paths.push(format!("/api/v1/executions/{}/output", run["id"].as_str().expect("an id")));
    }
    for path in paths {
        let answer = belfry.call(Method::GET, &path, None).await;
        let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
        assert!(kind.starts_with("application/json") || kind.starts_with("text/plain"), "{path}: {kind}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_stream_escapes_line_breaks() {
    use futures_util::StreamExt;
    let belfry = Belfry::start().await;
    let broken = "a\n\nevent: forged\ndata: {}\n\n\r\revent: forged\r";
    let task = json!({"id": "s", "type": "echo", "name": broken, "trigger": {"type": "interval", "hours": 100}, "params": {"message": broken, "fail": broken}});
    belfry.expect_status(Method::POST, "/api/v1/tasks", task, 201).await;
    let answer = belfry.call(Method::GET, "/api/v1/events", None).await;
    let mut stream = answer.bytes_stream();
    belfry.run("s").await;
    let mut text = String::new();
    while !text.contains("\"failed\"") {
        text.push_str(&String::from_utf8_lossy(&stream.next().await.expect("continues").expect("reads")));
    }
    assert!(!text.contains("event: forged\n") && !text.contains("\r"), "{text}");
    belfry.end().await;
}
