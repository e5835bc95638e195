//! Secrets and datasources pages.

use belfry::domain::profile::{Datasource, Profiles};
use belfry::domain::secret::Secret;
use belfry::domain::user::Role;
use poem::http::Method;
use serde_json::json;

use crate::site::{Site, encoded};
use crate::support::context::{admin, echo};

#[tokio::test]
async fn secret_values_are_never_shown() {
    let site = Site::start().await;
    site.get("/settings/secrets").await.has_status(200).shows("No secrets").shows("type=\"password\"");
    let set = site.post("/settings/secrets", &[("/name", "db.main"), ("/value", "hush-hush")]).await;
    set.redirects_to("/settings/secrets");
    assert!(set.cookies().iter().all(|cookie| !cookie.contains("hush")), "{:?}", set.cookies());
    site.get("/settings/secrets").await.has_status(200).shows("db.main").shows("admin").hides("hush");
    site.get("/audit").await.shows("Secret set").hides("hush");
    let rejected = site.post("/settings/secrets", &[("/name", "<b>"), ("/value", "other-value")]).await;
    rejected.has_status(422).shows("ASCII letters").shows("value=\"&lt;b&gt;\"").hides("other-value").hides("<b>");
    let empty = site.post_with("/settings/secrets", &[("/name", "x")], &[("accept-language", "zh-CN")]).await;
    empty.has_status(422).shows("应为 1 到 65536 字节");
    site.get("/settings/secrets/delete?name=db.main").await.has_status(200).shows("Delete the secret db.main?");
    site.post("/settings/secrets/delete?name=db.main", &[]).await.redirects_to("/settings/secrets");
    site.get("/settings/secrets").await.shows("No secrets");
    site.get("/settings/secrets/delete?name=db.main").await.has_status(404);
    site.close().await;
}

#[tokio::test]
async fn secrets_require_administrator_and_csrf_token() {
    let mut site = Site::start().await;
    site.post("/settings/secrets", &[("/name", "kept"), ("/value", "v")]).await.redirects_to("/settings/secrets");
    let fields = encoded(&[("csrf", "0"), ("/name", "other"), ("/value", "v")]);
    let cookie = format!("belfry_session={}", site.session);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    for path in ["/settings/secrets", "/settings/secrets/delete?name=kept", "/settings/datasources"] {
        site.request(Method::POST, path, &headers, &fields).await.has_status(403).shows("Form expired or from another site");
    }
    site.sign_in_as("eddie", Role::Editor).await;
    for path in ["/settings/secrets", "/settings/secrets/delete?name=kept"] {
        site.get(path).await.has_status(403).hides("Delete the secret").hides("<code");
        site.post(path, &[("/name", "other"), ("/value", "v")]).await.has_status(403);
    }
    site.get("/account").await.has_status(200).hides("/settings/secrets").shows("/settings/datasources");
    let names: Vec<_> =
        site.context.services.secrets.list(&admin()).await.expect("lists").into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["kept"]);
    site.close().await;
}

fn source(url: &str) -> Datasource {
    Datasource { url: Some(Secret::new(url)), ..Datasource::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datasource_connection_test() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!("sqlite://{}?mode=rwc", folder.path().join("a.db").display());
    // Nothing listens on port 1.
    let sources = [("here", source(&file)), ("gone", source("postgres://me:hush@127.0.0.1:1/sales"))];
    let datasource = sources.map(|(name, profile)| (name.to_owned(), profile)).into();
    let profiles = Profiles { datasource, ..Profiles::default() };
    let mut site = Site::start_with_profiles(profiles).await;
    site.get("/settings/datasources").await.has_status(200).shows("here").shows("127.0.0.1:1").shows("sales").hides("hush");
    let here = site.post("/settings/datasources", &[("name", "here")]).await;
    here.has_status(200).shows("here is reachable").shows("<div class=\"pre\">3.").hides("is not reachable");
    let gone = site.post("/settings/datasources", &[("name", "gone")]).await;
    gone.has_status(200).shows("gone is not reachable").hides("hush").hides("gone is reachable");
    site.post("/settings/datasources", &[("name", "none")]).await.has_status(404).shows("there is no datasource");
    site.sign_in_as("vera", Role::Viewer).await;
    site.get("/settings/datasources").await.has_status(200).shows("sales").hides("Test</button>");
    site.post("/settings/datasources", &[("name", "here")]).await.has_status(403);
    site.close().await;
}

#[tokio::test]
async fn secrets_show_the_tasks_that_use_them() {
    let site = Site::start().await;
    for name in ["db.main", "unused"] {
        site.post("/settings/secrets", &[("/name", name), ("/value", "hush-hush")]).await.redirects_to("/settings/secrets");
    }
    let mut task = echo("reads", json!({"type": "cron", "hour": 8}));
    task["params"]["message"] = "{{ secret(\"db.main\") }}".into();
    site.context.services.tasks.create(&admin(), &task).await.expect("creates");
    let page = site.get("/settings/secrets").await;
    page.has_status(200).shows("<a href=\"/tasks/reads\">reads</a>").shows("aria-labelledby=\"nav-team\"");
    let uses = site.context.services.secrets.uses(&admin()).await.expect("reads");
    assert_eq!(uses.into_iter().collect::<Vec<_>>(), [("db.main".to_owned(), vec!["reads".to_owned()])]);
    site.close().await;
}
