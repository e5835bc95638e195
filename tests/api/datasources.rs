//! `/datasources`: listed for everybody, tested by administrators, without credentials.

use belfry::domain::profile::Datasource;
use belfry::domain::secret::Secret;
use belfry::domain::user::Role;
use belfry::service::AdminSetup;
use belfry::storage::account;
use poem::http::Method;
use serde_json::json;

use crate::app::App;

fn source(url: &str) -> Datasource {
    Datasource { url: Some(Secret::new(url)), ..Datasource::default() }
}

async fn app() -> (App, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}?mode=rwc", folder.path().join("a.db").display());
    // Nothing listens on port 1.
    let sources = [("here", source(&file)), ("gone", source("postgres://me:hush@127.0.0.1:1/sales"))];
    (App::start_on(sources).await, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datasources_are_listed_without_credentials() {
    let (app, folder) = app().await;
    let list = app.get("/api/v1/datasources").await;
    assert_eq!(list.status, 200, "{}", list.text);
    let file = folder.path().join("a.db");
    let expected = json!([
        {"name": "gone", "kind": "postgres", "host": "127.0.0.1:1", "database": "sales", "read_only": false, "managed_by": "file"},
        {"name": "here", "kind": "sqlite", "host": null, "database": file.to_str().unwrap(), "read_only": false, "managed_by": "file"},
    ]);
    assert_eq!(list.json, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datasource_test_reports_success_and_failure() {
    let (app, _folder) = app().await;
    let here = app.post("/api/v1/datasources/here/test", json!({})).await;
    assert_eq!((here.status, &here.json["ok"], &here.json["error"]), (200, &json!(true), &json!(null)), "{}", here.text);
    assert!(here.json["server_version"].as_str().unwrap().starts_with("3."), "{}", here.text);
    assert!(here.json["elapsed_ms"].is_u64());
    let gone = app.post("/api/v1/datasources/gone/test", json!({})).await;
    assert_eq!(
        (gone.status, &gone.json["ok"], &gone.json["server_version"]),
        (200, &json!(false), &json!(null)),
        "{}",
        gone.text
    );
    assert!(gone.json["error"].as_str().unwrap().contains("connection failed") && !gone.text.contains("hush"), "{}", gone.text);
    app.post("/api/v1/datasources/nowhere/test", json!({})).await.problem(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datasource_test_requires_admin() {
    let (app, _folder) = app().await;
    for (role, name) in [(Role::Viewer, "vera"), (Role::Editor, "emil")] {
        let user = crate::support::context::user(&format!("01{name}"), name, role);
        let mut tx = app.database().write().await.unwrap();
        account::insert(&mut tx, &user, None).await.unwrap();
        tx.commit().await.unwrap();
        let token = format!("token-of-{name}");
        let setup = AdminSetup { user: Some(name.to_owned()), password: None, token: Some(token.clone()) };
        app.services.setup.bootstrap(&setup).await.unwrap();
        let bearer = format!("Bearer {token}");
        let call = async |method, path: &str| app.bare(method, path, &[("authorization", &bearer)], b"").await;
        assert_eq!(call(Method::GET, "/api/v1/datasources").await.status, 200);
        call(Method::POST, "/api/v1/datasources/here/test").await.problem(403);
    }
    app.bare(Method::GET, "/api/v1/datasources", &[], b"").await.problem(401);
}
