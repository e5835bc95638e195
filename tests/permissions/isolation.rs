//! What those of one team are shown never names anything of another's: every page and call that can be read, looked through.

use poem::http::Method;

use crate::house::{Body, House, Way, Who};

/// All that can be read without naming a task.
const READ: [&str; 22] = [
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
async fn nothing_that_a_team_reads_names_another() {
    let house = House::open().await;
    for team in ["red", "blue"] {
        house.task(team).await;
        house.execution(team).await;
    }
    for path in READ {
        for who in [Who::Viewer, Who::Operator, Who::Editor, Who::Granted] {
            for way in [Way::Session, Way::Token] {
                let reply = house.send(who, way, Method::GET, path, Body::None).await;
                if way == Way::Session || path.starts_with("/api/") {
                    assert_eq!(reply.status, 200, "{path} for {who:?}: {}", reply.text);
                }
                let text = reply.text.replace("value=\"blue\"", "").replace("tag=blue", "").replace("bg-blue", "");
                assert!(!text.contains("blue"), "{path} tells {who:?} of another team: {text}");
            }
        }
    }
    for path in ["/tasks", "/executions", "/", "/api/v1/tasks", "/api/v1/executions", "/executions/-/download?format=csv"] {
        let (own, all) = (house.get(Who::Viewer, path).await, house.get(Who::Admin, path).await);
        assert!(own.text.contains("red-2"), "{path} shows one's own: {}", own.text);
        assert!(all.text.contains("red-2") && all.text.contains("blue-4"), "{path} shows administrators all");
    }
    let count = house.get(Who::Viewer, "/api/v1/tasks").await.json();
    assert_eq!((&count["total"], &count["total_is_exact"]), (&2.into(), &true.into()));
    let stats = house.get(Who::Viewer, "/api/v1/stats").await.json();
    assert_eq!((&stats["tasks"]["total"], &stats["by_status"]["queued"]), (&2.into(), &1.into()), "{stats}");
    let rows = house.get(Who::Viewer, "/tasks/-/rows?id=red-1&id=blue-3").await.text;
    assert!(rows.contains("red-1") && !rows.contains("hello from blue"), "{rows}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_are_set_and_shown_where_accounts_and_tokens_are() {
    let house = House::open().await;
    let user = house.get(Who::Admin, "/api/v1/users/vera").await.json();
    assert_eq!(user["tags"], serde_json::json!(["red"]));
    let form = |tags: &str, role: &str| {
        [("/role", role), ("/tags", tags), ("/disabled", "false")].map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let path = "/settings/users/edit?name=otto";
    let saved = house.send(Who::Admin, Way::Session, Method::POST, path, Body::Form(&form("red, green", "operator"))).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert_eq!(house.get(Who::Admin, "/api/v1/users/otto").await.json()["tags"], serde_json::json!(["red", "green"]));
    let page = house.get(Who::Admin, path).await.text;
    assert!(page.contains("value=\"red, green\""), "{page}");
    assert!(house.get(Who::Admin, "/settings/users").await.text.contains("red, green"));
    let refused = house.send(Who::Admin, Way::Session, Method::POST, path, Body::Form(&form("red", "admin"))).await;
    assert!(refused.status == 422 && refused.text.contains("the role admin reaches all tasks"), "{}", refused.text);
    let fields =
        [("/name", "ci"), ("/role", "viewer"), ("/tags", "red")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let made = house.send(Who::Viewer, Way::Session, Method::POST, "/settings/tokens", Body::Form(&fields)).await;
    assert!(made.status == 200 && made.text.contains("blf_"), "{}", made.text);
    let tokens = house.get(Who::Viewer, "/api/v1/tokens").await.json();
    let tags: Vec<_> = tokens.as_array().expect("a list").iter().map(|token| token["tags"].to_string()).collect();
    assert_eq!(tags, ["[\"red\"]", "[]"], "by name: {tokens}");
    house.close().await;
}
