//! Hostile input: oversized, deep, expanding and unstorable input in requests, on both databases. Nothing answers 500, nothing
//! takes long, and the server goes on.

use std::time::{Duration, Instant};

use belfry::config::{Secret, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Belfry, PASSWORD, TOKEN};
use crate::support::TestDatabase;

/// How long the answer to any hostile request may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn on_postgres(database: &TestDatabase) -> impl FnOnce(&mut Settings) {
    let url = Secret::new(database.url());
    move |settings| settings.database.url = Some(url)
}

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = work.await;
    assert!(started.elapsed() < PATIENCE, "{what} took {:?}", started.elapsed());
    done
}

fn task(id: &str, message: &str) -> Value {
    json!({"id": id, "type": "echo", "trigger": {"type": "interval", "hours": 100}, "params": {"message": message}})
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_templates_are_refused_wherever_they_are_sent() {
    let belfry = Belfry::start().await;
    belfry.echo("a").await;
    belfry.account("viewer", "viewer").await;
    let viewer = belfry.sign_in("viewer", PASSWORD).await;
    let admin = belfry.sign_in("admin", PASSWORD).await;
    let deep = format!("{{% if now %}}{}{{% endif %}}", "{% elif now %}".repeat(8_000));
    let params = json!({"message": deep}).to_string();
    let fields = [("/type", "echo"), ("/params", params.as_str())];
    assert_eq!(belfry.form(&viewer, "/tasks/-/check", &fields).await.status(), 403, "a viewer may not edit");
    let checked = belfry.form(&admin, "/tasks/-/check", &fields).await.text().await.expect("text");
    assert!(checked.contains("expressions and statements") && !checked.contains("check-good"), "{checked}");
    belfry.expect_status(Method::POST, "/api/v1/tasks", task("b", &deep), 422).await;
    belfry.expect_status(Method::POST, "/api/v1/tasks/a/run", json!({"params": {"message": deep}}), 422).await;
    belfry.expect_status(Method::POST, "/api/v1/import", json!({"version": 1, "tasks": [task("b", &deep)]}), 422).await;
    belfry.assert_healthy().await;
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_parsed_only_for_those_who_may_make_the_call() {
    let belfry = Belfry::start().await;
    belfry.account("viewer", "viewer").await;
    let viewer = belfry.sign_in("viewer", PASSWORD).await;
    let calls = [
        (Method::POST, "/api/v1/tasks"),
        (Method::PUT, "/api/v1/tasks/a"),
        (Method::PATCH, "/api/v1/tasks/a"),
        (Method::POST, "/api/v1/tasks/a/run"),
        (Method::POST, "/api/v1/tasks/bulk"),
        (Method::POST, "/api/v1/import"),
        (Method::POST, "/api/v1/import/executions"),
        (Method::POST, "/api/v1/users"),
        (Method::PUT, "/api/v1/secrets/a"),
    ];
    for (method, path) in calls {
        let request = belfry.anonymous(method.clone(), path).header("content-type", "application/json").body("{not json");
        assert_eq!(request.send().await.expect("answers").status(), 401, "{method} {path}");
        let request = belfry.anonymous(method.clone(), path).header("content-type", "application/json").body("{not json");
        let request = request.header("cookie", format!("belfry_session={viewer}")).header("sec-fetch-site", "same-origin");
        assert_eq!(request.send().await.expect("answers").status(), 403, "{method} {path}");
        let request = belfry.anonymous(method.clone(), path).header("content-type", "application/json").body("{not json");
        assert_eq!(request.bearer_auth(TOKEN).send().await.expect("answers").status(), 400, "{method} {path}");
    }
    let refused = belfry.form(&viewer, "/settings/transfer", &[("document", "a: &a [*a")]).await;
    assert_eq!(refused.status(), 403);
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_before_sign_in_are_small() {
    let belfry = Belfry::fresh(|_| ()).await;
    let form = |path: &str, body: String| {
        let request = belfry.anonymous(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        request.body(body).send()
    };
    for path in ["/login", "/login/code", "/setup", "/preferences"] {
        let large = timed(path, form(path, "a&".repeat(500_000))).await.expect("answers");
        assert_eq!(large.status(), 413, "{path}");
        let many = timed(path, form(path, "a&".repeat(5_000))).await.expect("answers");
        assert_eq!(many.status(), 400, "{path}");
    }
    let callback = format!("/login/oidc/callback?state={}", "a".repeat(20_000));
    assert_eq!(belfry.anonymous(Method::GET, &callback).send().await.expect("answers").status(), 400);
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_expand_are_refused() {
    let belfry = Belfry::start().await;
    // 600 KB that become gigabytes: long texts that aliases repeat, and lists of lists of aliases.
    let text = "x".repeat(100_000);
    let long = format!("a: &a {text}\ntasks: [{}]\n", vec!["*a"; 100_000].join(", "));
    let mut nested = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        nested.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")));
    }
    let merged = format!("base: &b {{{}}}\ntasks: [{}]\n", "k: v", ["{<<: *b}"; 10].join(", "));
    for document in [long, nested, merged] {
        for path in ["/api/v1/import", "/api/v1/import?dry_run=true"] {
            let request = belfry.anonymous(Method::POST, path).bearer_auth(crate::rig::TOKEN);
            let request = request.header("content-type", "application/yaml").body(document.clone());
            let answer = timed(path, request.send()).await.expect("answers");
            let status = answer.status().as_u16();
            assert!(matches!(status, 400 | 413 | 422), "{status}: {}", answer.text().await.unwrap_or_default());
        }
    }
    belfry.assert_healthy().await;
    belfry.end().await;
}

/// Sends a value as every query parameter and every path segment of every operation.
async fn fuzz(belfry: &Belfry, value: &str) {
    let document = belfry::api::document();
    let paths = document["paths"].as_object().expect("paths");
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().expect("operations") {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let mut targets = Vec::new();
            for parameter in &parameters {
                let name = parameter["name"].as_str().expect("a name");
                match parameter["in"].as_str() {
                    Some("query") => targets.push(format!("{}?{name}={value}", filled(path, "", value))),
                    Some("path") => targets.push(filled(path, name, value)),
                    _ => {}
                }
            }
            for target in &targets {
                let path = if target.starts_with("/api") { target.clone() } else { format!("/api/v1{target}") };
                check(belfry, &method, &path, operation["requestBody"].is_object()).await;
            }
        }
    }
}

/// The path with the value as one parameter and `a` as the others.
fn filled(path: &str, name: &str, value: &str) -> String {
    let step = |step: &str| match step.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(parameter) if parameter == name => value.to_owned(),
        Some(_) => "a".to_owned(),
        None => step.to_owned(),
    };
    path.split('/').map(step).collect::<Vec<_>>().join("/")
}

async fn check(belfry: &Belfry, method: &Method, path: &str, has_body: bool) {
    let body = has_body.then(|| json!({}));
    let answer = timed(path, belfry.call(method.clone(), path, body.as_ref())).await;
    let status = answer.status().as_u16();
    assert!((400..500).contains(&status), "{method} {path:.200}: {status}");
}

/// Pages with a path or a query that reaches the database.
const PAGES: [&str; 10] = [
    "/tasks?search=",
    "/tasks?tag=",
    "/tasks/-/rows?search=",
    "/tasks/-/names?q=",
    "/executions?search=",
    "/executions?task_id=",
    "/executions/-/rows?cursor=",
    "/audit?search=",
    "/audit?actor=",
    "/calendar?tag=",
];

async fn unstorable_and_overlong_values(belfry: Belfry) {
    belfry.echo("a").await;
    let admin = belfry.sign_in("admin", PASSWORD).await;
    let long = "a".repeat(51_000);
    for value in ["a%00b", long.as_str()] {
        fuzz(&belfry, value).await;
        for page in PAGES {
            let status = timed(page, belfry.page(&admin, &format!("{page}{value}"))).await.status().as_u16();
            assert!(matches!(status, 400 | 422), "{page}: {status}");
        }
        for path in ["/tasks/", "/executions/"] {
            let status = belfry.page(&admin, &format!("{path}{value}")).await.status().as_u16();
            assert!(matches!(status, 400 | 404), "{path}: {status}");
        }
    }
    let cursor = data_encoding::HEXLOWER.encode(json!(["n", "a\0", "b"]).to_string().as_bytes());
    belfry.expect_status(Method::GET, &format!("/api/v1/tasks?sort=name&cursor={cursor}"), Value::Null, 422).await;
    let name = belfry.anonymous(Method::POST, "/login").form(&[("name", "a\0"), ("password", "x")]).send().await;
    assert_eq!(name.expect("answers").status(), 400);
    let filter = json!({"action": "pause", "filter": {"search": long}});
    belfry.expect_status(Method::POST, "/api/v1/tasks/bulk", filter, 422).await;
    belfry.assert_healthy().await;
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unstorable_and_overlong_values_are_refused_on_sqlite() {
    unstorable_and_overlong_values(Belfry::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unstorable_and_overlong_values_are_refused_on_postgres() {
    let Some(database) = TestDatabase::postgres().await else { return };
    unstorable_and_overlong_values(Belfry::start_with(on_postgres(&database)).await).await;
    database.remove().await;
}

/// 2,400 tasks, each of which starts the next twenty.
fn chained_tasks() -> Value {
    const COUNT: usize = 2_400;
    let link = |number: usize| json!({"on": "success", "task": format!("t{number}")});
    let one = |number: usize| {
        let mut task = task(&format!("t{number}"), "hello");
        task["chain"] = (number + 1..(number + 21).min(COUNT)).map(link).collect();
        task
    };
    json!({"version": 1, "tasks": (0..COUNT).map(one).collect::<Vec<_>>()})
}

async fn import_of_chained_tasks(belfry: Belfry) {
    belfry.echo("a").await;
    let mut document = chained_tasks();
    // Each call ends within the server's time limit for a request, or is answered 503.
    let import = belfry.call(Method::POST, "/api/v1/import", Some(&document));
    let writes = async {
        for _ in 0..40 {
            let paused = belfry.call(Method::POST, "/api/v1/tasks/a/pause", None).await;
            assert!(paused.status().is_success(), "{}", paused.status());
        }
    };
    let (imported, ()) = tokio::join!(import, writes);
    assert_eq!(imported.status().as_u16(), 200);
    document["tasks"][2_399]["chain"] = json!([{"on": "success", "task": "t0"}]);
    let refused = belfry.expect_status(Method::POST, "/api/v1/import", document, 422).await;
    assert!(refused["errors"][0]["message"].as_str().is_some_and(|message| message.contains("loop")), "{refused:.500}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn import_of_chained_tasks_leaves_other_writes_alone_on_sqlite() {
    import_of_chained_tasks(Belfry::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn import_of_chained_tasks_leaves_other_writes_alone_on_postgres() {
    let Some(database) = TestDatabase::postgres().await else { return };
    import_of_chained_tasks(Belfry::start_with(on_postgres(&database)).await).await;
    database.remove().await;
}
