//! Isolation of tag scopes: no readable page or operation shows data outside the caller's scope.

use poem::http::Method;

use crate::fixture::{AuthMethod, Body, Caller, Fixture};

/// All readable pages and operations without a task id.
const READ: [&str; 26] = [
    "/",
    "/tasks",
    "/tasks?search=lu",
    "/tasks?tag=blue&sort=-run_count",
    "/executions",
    "/executions?status=queued",
    "/executions/-/download?format=csv",
    "/executions/-/download?format=json",
    "/calendar",
    "/calendar?view=month",
    "/calendar?type=echo",
    "/task-types",
    "/incidents",
    "/settings/rules",
    "/api/v1/incidents",
    "/api/v1/notify-rules",
    "/settings/tokens",
    "/account",
    "/api/v1/tasks",
    "/api/v1/tasks?sort=-name",
    "/api/v1/executions",
    "/api/v1/executions?search=hello",
    "/api/v1/stats",
    "/api/v1/nodes",
    "/api/v1/tokens",
    "/api/v1/me",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_show_nothing_outside_the_scope() {
    let fixture = Fixture::open().await;
    for tag in ["red", "blue"] {
        fixture.task(tag).await;
        fixture.execution(tag).await;
    }
    for path in READ {
        for caller in [Caller::Viewer, Caller::Operator, Caller::Editor, Caller::Granted] {
            for auth in [AuthMethod::Session, AuthMethod::Token] {
                let reply = fixture.send(caller, auth, Method::GET, path, Body::None).await;
                if auth == AuthMethod::Session || path.starts_with("/api/") {
                    assert_eq!(reply.status, 200, "{path} for {caller:?}: {}", reply.text);
                }
                let text = reply.text.replace("value=\"blue\"", "").replace("tag=blue", "").replace("bg-blue", "");
                assert!(!text.contains("blue"), "{path} shows {caller:?} data outside the scope: {text}");
            }
        }
    }
    for path in ["/tasks", "/executions", "/", "/api/v1/tasks", "/api/v1/executions", "/executions/-/download?format=csv"] {
        let (own, all) = (fixture.get(Caller::Viewer, path).await, fixture.get(Caller::Admin, path).await);
        assert!(own.text.contains("red-2"), "{path} shows one's own: {}", own.text);
        assert!(all.text.contains("red-2") && all.text.contains("blue-4"), "{path} shows administrators all");
    }
    let count = fixture.get(Caller::Viewer, "/api/v1/tasks").await.json();
    assert_eq!((&count["total"], &count["total_is_exact"]), (&2.into(), &true.into()));
    let stats = fixture.get(Caller::Viewer, "/api/v1/stats").await.json();
    assert_eq!((&stats["tasks"]["total"], &stats["by_status"]["queued"]), (&2.into(), &1.into()), "{stats}");
    let rows = fixture.get(Caller::Viewer, "/tasks/-/rows?id=red-1&id=blue-3").await.text;
    assert!(rows.contains("red-1") && !rows.contains("hello from blue"), "{rows}");
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_of_accounts_and_tokens_can_be_set_and_are_shown() {
    let fixture = Fixture::open().await;
    let user = fixture.get(Caller::Admin, "/api/v1/users/vera").await.json();
    assert_eq!(user["tags"], serde_json::json!(["red"]));
    let form = |tags: &str, role: &str| {
        [("/role", role), ("/tags", tags), ("/disabled", "false")].map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let path = "/settings/users/edit?name=otto";
    let saved =
        fixture.send(Caller::Admin, AuthMethod::Session, Method::POST, path, Body::Form(&form("red, green", "operator"))).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert_eq!(fixture.get(Caller::Admin, "/api/v1/users/otto").await.json()["tags"], serde_json::json!(["red", "green"]));
    let page = fixture.get(Caller::Admin, path).await.text;
    assert!(page.contains("value=\"red, green\""), "{page}");
    assert!(fixture.get(Caller::Admin, "/settings/users").await.text.contains("red, green"));
    let refused = fixture.send(Caller::Admin, AuthMethod::Session, Method::POST, path, Body::Form(&form("red", "admin"))).await;
    assert!(refused.status == 422 && refused.text.contains("the role admin covers all tasks"), "{}", refused.text);
    let fields =
        [("/name", "ci"), ("/role", "viewer"), ("/tags", "red")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let made = fixture.send(Caller::Viewer, AuthMethod::Session, Method::POST, "/settings/tokens", Body::Form(&fields)).await;
    assert!(made.status == 200 && made.text.contains("blf_"), "{}", made.text);
    let tokens = fixture.get(Caller::Viewer, "/api/v1/tokens").await.json();
    let tags: Vec<_> = tokens.as_array().expect("a list").iter().map(|token| token["tags"].to_string()).collect();
    assert_eq!(tags, ["[\"red\"]", "[]"], "by name: {tokens}");
    fixture.close().await;
}
