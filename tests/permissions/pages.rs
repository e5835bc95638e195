//! The permission table of pages, forms and other HTTP routes.

use poem::http::Method;

use crate::fixture::{AuthMethod, Body, Caller, Fixture};

/// The resource that a request names; created for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Nothing,
    Task,
    Execution,
}

/// The method, the path in the router, the target, the query or form (`name=value&…`; `$id`: the target's id, `$new`: a free
/// name), and the expected statuses for each of [`Caller::ALL`]. For a target outside the caller's scope 404 is expected
/// instead, unless the status is 403.
type Row = (&'static str, &'static str, Target, &'static str, [u16; 6]);

/// Without a session: redirected to the sign-in page.
const OPEN: [u16; 6] = [303, 200, 200, 200, 200, 200];
const ADMIN: [u16; 6] = [303, 403, 403, 403, 403, 200];
const RAN: [u16; 6] = [303, 403, 303, 303, 303, 303];
const EDITED: [u16; 6] = [303, 403, 403, 303, 303, 303];
const ADMINISTERED: [u16; 6] = [303, 403, 403, 403, 403, 303];
const ALL: [u16; 6] = [200; 6];

const TASK: &str = "/id=$new&/type=echo&/trigger/type=cron&/trigger/hour=9&/params={}";
const EDIT: &str = "/id=$id&/type=echo&/trigger/type=cron&/trigger/hour=9&/params={}&version=1";
const COMMAND: &str = "/id=$new&/type=send_cmd&/trigger/type=cron&/trigger/hour=9&/params={\"command\": [\"true\"]}";

const ROWS: &[Row] = &[
    ("GET", "/", Target::Nothing, "", OPEN),
    // An administrator exists already.
    ("GET", "/setup", Target::Nothing, "", [303; 6]),
    ("POST", "/setup", Target::Nothing, "/name=x&/password=long enough&/repeat=long enough", [303; 6]),
    ("GET", "/login", Target::Nothing, "", [200, 303, 303, 303, 303, 303]),
    ("POST", "/login", Target::Nothing, "name=$new&password=nothing", [401; 6]),
    // There is no pending sign-in, and no identity provider.
    ("GET", "/login/code", Target::Nothing, "", [303; 6]),
    ("POST", "/login/code", Target::Nothing, "code=000000", [303; 6]),
    ("GET", "/login/oidc", Target::Nothing, "", [404; 6]),
    ("GET", "/login/oidc/callback", Target::Nothing, "?state=none&code=none", [404; 6]),
    ("POST", "/preferences", Target::Nothing, "theme=dark", [303; 6]),
    ("POST", "/preferences/lists", Target::Nothing, "list=tasks&size=20", [303; 6]),
    ("POST", "/failures/acknowledge", Target::Nothing, "", RAN),
    ("POST", "/failures/mute", Target::Nothing, "", RAN),
    ("POST", "/demo", Target::Nothing, "", ADMINISTERED),
    ("GET", "/demo/remove", Target::Nothing, "", ADMIN),
    ("POST", "/demo/remove", Target::Nothing, "", ADMINISTERED),
    ("GET", "/tasks", Target::Nothing, "", OPEN),
    ("GET", "/tasks/-/rows", Target::Nothing, "", OPEN),
    ("GET", "/tasks/-/bulk", Target::Nothing, "?action=run&all=true&search=nothing", [303, 403, 200, 200, 200, 200]),
    ("GET", "/tasks/-/bulk", Target::Nothing, "?action=delete&all=true&search=nothing", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/-/bulk", Target::Nothing, "action=run&all=true&search=nothing", RAN),
    ("POST", "/tasks/-/bulk", Target::Nothing, "action=delete&all=true&search=nothing", EDITED),
    ("GET", "/tasks/-/bulk/:id", Target::Nothing, "", [303, 404, 404, 404, 404, 404]),
    ("POST", "/tasks/-/bulk/:id/stop", Target::Nothing, "", [303, 403, 404, 404, 404, 404]),
    ("POST", "/tasks/-/preview", Target::Nothing, "/trigger/type=cron&/trigger/hour=9", OPEN),
    ("POST", "/tasks/-/changes", Target::Task, EDIT, [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/-/check", Target::Nothing, "/type=echo&/params={}", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/-/type", Target::Nothing, "/type=echo", OPEN),
    ("POST", "/tasks/-/params", Target::Nothing, "/type=echo&/params={}", OPEN),
    ("POST", "/tasks/-/test", Target::Nothing, TASK, [303, 403, 403, 200, 200, 200]),
    ("GET", "/tasks/-/names", Target::Nothing, "", OPEN),
    ("GET", "/tasks/new", Target::Nothing, "", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/new", Target::Nothing, TASK, EDITED),
    ("POST", "/tasks/new", Target::Nothing, COMMAND, [303, 403, 403, 403, 303, 303]),
    ("GET", "/tasks/:id", Target::Task, "", OPEN),
    ("GET", "/tasks/:id/edit", Target::Task, "", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/:id/edit", Target::Task, EDIT, EDITED),
    ("GET", "/tasks/:id/copy", Target::Task, "", [303, 403, 403, 200, 200, 200]),
    ("GET", "/tasks/:id/run", Target::Task, "", [303, 403, 200, 200, 200, 200]),
    ("POST", "/tasks/:id/run", Target::Task, "", RAN),
    ("GET", "/tasks/:id/pause", Target::Task, "", [303, 403, 200, 200, 200, 200]),
    ("POST", "/tasks/:id/pause", Target::Task, "", RAN),
    ("GET", "/tasks/:id/occurrences", Target::Task, "", OPEN),
    ("POST", "/tasks/:id/backfill", Target::Task, "/from=2026-11-01&/to=2026-11-02", RAN),
    ("POST", "/tasks/:id/backfills/:second/cancel", Target::Task, "", [303, 403, 404, 404, 404, 404]),
    ("GET", "/tasks/:id/why", Target::Task, "?at=2026-11-20T08:00", OPEN),
    ("POST", "/tasks/:id/resume", Target::Task, "", RAN),
    ("GET", "/tasks/:id/delete", Target::Task, "", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/:id/delete", Target::Task, "", EDITED),
    ("GET", "/tasks/:id/reset-state", Target::Task, "", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/:id/reset-state", Target::Task, "", EDITED),
    ("GET", "/tasks/:id/hooks", Target::Task, "", OPEN),
    ("POST", "/tasks/:id/hooks", Target::Task, "/name=x", [303, 403, 403, 200, 200, 200]),
    ("GET", "/tasks/:id/hooks/:second/rotate", Target::Task, "", [303, 403, 403, 404, 404, 404]),
    ("POST", "/tasks/:id/hooks/:second/rotate", Target::Task, "", [303, 404, 404, 404, 404, 404]),
    ("GET", "/tasks/:id/hooks/:second/revoke", Target::Task, "", [303, 403, 403, 404, 404, 404]),
    ("POST", "/tasks/:id/hooks/:second/revoke", Target::Task, "", [303, 404, 404, 404, 404, 404]),
    ("GET", "/heartbeats", Target::Nothing, "", OPEN),
    ("GET", "/heartbeats/new", Target::Nothing, "", [303, 403, 403, 200, 200, 200]),
    ("POST", "/heartbeats/new", Target::Nothing, "/id=$new&/period_seconds=60", EDITED),
    ("GET", "/heartbeats/:id", Target::Nothing, "", [303, 404, 404, 404, 404, 404]),
    ("GET", "/heartbeats/:id/edit", Target::Nothing, "", [303, 403, 403, 404, 404, 404]),
    ("POST", "/heartbeats/:id/edit", Target::Nothing, "/id=none&/period_seconds=60&version=1", [303, 403, 403, 404, 404, 404]),
    ("GET", "/heartbeats/:id/rotate", Target::Nothing, "", [303, 403, 403, 404, 404, 404]),
    ("POST", "/heartbeats/:id/rotate", Target::Nothing, "", [303, 403, 403, 404, 404, 404]),
    ("GET", "/heartbeats/:id/delete", Target::Nothing, "", [303, 403, 403, 404, 404, 404]),
    ("POST", "/heartbeats/:id/delete", Target::Nothing, "", [303, 403, 403, 404, 404, 404]),
    ("GET", "/tasks/:id/versions", Target::Task, "", OPEN),
    ("GET", "/tasks/:id/restore", Target::Task, "?version=1", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/:id/restore", Target::Task, "?version=1&known=1", EDITED),
    ("GET", "/executions", Target::Nothing, "", OPEN),
    ("GET", "/executions/-/download", Target::Nothing, "?format=csv", OPEN),
    ("GET", "/executions/-/rows", Target::Nothing, "", OPEN),
    ("GET", "/executions/-/bulk", Target::Nothing, "?action=rerun", [303, 403, 200, 200, 200, 200]),
    ("POST", "/executions/-/bulk", Target::Nothing, "action=cancel", RAN),
    ("GET", "/executions/-/newer", Target::Nothing, "", OPEN),
    ("GET", "/executions/:id", Target::Execution, "", OPEN),
    ("GET", "/executions/:id/search", Target::Execution, "?find=x", OPEN),
    ("GET", "/executions/:id/output", Target::Execution, "", OPEN),
    ("POST", "/executions/:id/cancel", Target::Execution, "", RAN),
    ("GET", "/executions/:id/rerun", Target::Execution, "", [303, 403, 200, 200, 200, 200]),
    ("POST", "/executions/:id/rerun", Target::Execution, "", RAN),
    ("GET", "/calendar", Target::Nothing, "", OPEN),
    ("GET", "/calendar/-/minute", Target::Nothing, "?at=2026-11-21T18:00:00Z", OPEN),
    ("POST", "/calendar/-/minute", Target::Nothing, "task=none", [303, 403, 403, 400, 400, 400]),
    ("GET", "/incidents", Target::Nothing, "", OPEN),
    ("GET", "/incidents/:id", Target::Nothing, "", [303, 404, 404, 404, 404, 404]),
    ("POST", "/incidents/:id/acknowledge", Target::Nothing, "", [303, 403, 404, 404, 404, 404]),
    ("POST", "/incidents/:id/close", Target::Nothing, "", [303, 403, 404, 404, 404, 404]),
    ("POST", "/tasks/:id/mute", Target::Task, "hours=1", RAN),
    ("GET", "/settings/rules", Target::Nothing, "", OPEN),
    ("GET", "/settings/rules/new", Target::Nothing, "", [303, 403, 403, 200, 200, 200]),
    ("POST", "/settings/rules/new", Target::Nothing, "/name=$new", [303, 403, 403, 422, 422, 422]),
    ("GET", "/settings/rules/edit", Target::Nothing, "?name=none", [303, 403, 403, 404, 404, 404]),
    ("POST", "/settings/rules/edit", Target::Nothing, "?name=none", [303, 403, 403, 422, 422, 422]),
    ("GET", "/settings/rules/delete", Target::Nothing, "?name=none", [303, 403, 403, 404, 404, 404]),
    ("POST", "/settings/rules/delete", Target::Nothing, "?name=none", [303, 403, 403, 404, 404, 404]),
    ("GET", "/calendars", Target::Nothing, "", OPEN),
    ("GET", "/calendars/-/new", Target::Nothing, "", [303, 403, 403, 200, 200, 200]),
    ("POST", "/calendars/-/new", Target::Nothing, "/name=$new", EDITED),
    ("GET", "/calendars/:id", Target::Nothing, "", [303, 404, 404, 404, 404, 404]),
    ("GET", "/calendars/:id/edit", Target::Nothing, "", [303, 403, 403, 404, 404, 404]),
    ("POST", "/calendars/:id/edit", Target::Nothing, "/name=x&version=1", [303, 403, 403, 422, 422, 422]),
    ("GET", "/calendars/:id/import", Target::Nothing, "", [303, 403, 403, 404, 404, 404]),
    ("POST", "/calendars/:id/import", Target::Nothing, "text=2027-01-01,off", [303, 403, 403, 404, 404, 404]),
    ("GET", "/calendars/:id/restore", Target::Nothing, "", [303, 403, 403, 404, 404, 404]),
    ("POST", "/calendars/:id/restore", Target::Nothing, "version=1", [303, 403, 403, 404, 404, 404]),
    ("GET", "/calendars/:id/delete", Target::Nothing, "", [303, 403, 403, 404, 404, 404]),
    ("POST", "/calendars/:id/delete", Target::Nothing, "", [303, 403, 403, 404, 404, 404]),
    ("GET", "/freezes", Target::Nothing, "", OPEN),
    ("POST", "/freezes", Target::Nothing, "/reason=x", [303, 403, 422, 422, 422, 422]),
    ("GET", "/freezes/:id/end", Target::Nothing, "", [303, 403, 404, 404, 404, 404]),
    ("POST", "/freezes/:id/end", Target::Nothing, "", [303, 403, 404, 404, 404, 404]),
    ("GET", "/task-types", Target::Nothing, "", OPEN),
    ("GET", "/account", Target::Nothing, "", OPEN),
    (
        "POST",
        "/account",
        Target::Nothing,
        "/present=not this&/password=another one&/repeat=another one",
        [303, 422, 422, 422, 422, 422],
    ),
    ("GET", "/account/second-factor", Target::Nothing, "", OPEN),
    ("POST", "/account/second-factor/begin", Target::Nothing, "", [303; 6]),
    ("POST", "/account/second-factor/confirm", Target::Nothing, "/code=none", [303, 422, 422, 422, 422, 422]),
    ("POST", "/account/second-factor/abandon", Target::Nothing, "", [303; 6]),
    ("POST", "/account/second-factor/recovery", Target::Nothing, "/present=not this&/code=none", [303, 422, 422, 422, 422, 422]),
    ("POST", "/account/second-factor/remove", Target::Nothing, "/present=not this&/code=none", [303, 422, 422, 422, 422, 422]),
    ("GET", "/views", Target::Nothing, "", OPEN),
    ("POST", "/views/tasks", Target::Nothing, "name=$new&filter=search=x", [303; 6]),
    ("POST", "/views/executions", Target::Nothing, "name=$new&filter=search=x", [303; 6]),
    ("POST", "/views/:id/rename", Target::Nothing, "/none=$new", [303, 404, 404, 404, 404, 404]),
    ("POST", "/views/:id/delete", Target::Nothing, "", [303, 404, 404, 404, 404, 404]),
    ("GET", "/nodes", Target::Nothing, "", OPEN),
    ("GET", "/settings/queues", Target::Nothing, "", OPEN),
    ("POST", "/settings/queues", Target::Nothing, "name=default&action=resume", ADMINISTERED),
    ("GET", "/settings/queues/limit", Target::Nothing, "?name=default", ADMIN),
    ("POST", "/settings/queues/limit", Target::Nothing, "name=default&/limit=", ADMINISTERED),
    ("GET", "/audit", Target::Nothing, "", ADMIN),
    ("GET", "/audit/export", Target::Nothing, "?format=csv", ADMIN),
    ("GET", "/settings/datasources", Target::Nothing, "", [303, 403, 403, 403, 200, 200]),
    ("POST", "/settings/datasources", Target::Nothing, "name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/mail", Target::Nothing, "", [303, 403, 403, 403, 403, 200]),
    ("POST", "/settings/mail", Target::Nothing, "/profile=none&/to=a@example.com", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/sms", Target::Nothing, "", [303, 403, 403, 403, 403, 200]),
    ("POST", "/settings/sms", Target::Nothing, "/profile=none&/to=+8613800138000", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/http", Target::Nothing, "", [303, 403, 403, 403, 403, 200]),
    ("POST", "/settings/http", Target::Nothing, "/name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/profiles/new", Target::Nothing, "?kind=smtp", ADMIN),
    ("POST", "/settings/profiles/new", Target::Nothing, "?kind=smtp&//name=$new&/host=mail.example.com", ADMINISTERED),
    ("GET", "/settings/profiles/edit", Target::Nothing, "?kind=smtp&name=none", [303, 403, 403, 403, 403, 404]),
    ("POST", "/settings/profiles/edit", Target::Nothing, "?kind=smtp&name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/profiles/delete", Target::Nothing, "?kind=smtp&name=none", [303, 403, 403, 403, 403, 404]),
    ("POST", "/settings/profiles/delete", Target::Nothing, "?kind=smtp&name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/transfer", Target::Nothing, "", OPEN),
    ("POST", "/settings/transfer", Target::Nothing, "document=tasks: []", [303, 403, 403, 200, 200, 200]),
    ("GET", "/settings/transfer/export", Target::Nothing, "?format=yaml", OPEN),
    ("GET", "/settings/secrets", Target::Nothing, "", ADMIN),
    ("POST", "/settings/secrets", Target::Nothing, "/name=$new&/value=hidden away", ADMINISTERED),
    ("GET", "/settings/secrets/delete", Target::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("POST", "/settings/secrets/delete", Target::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/channels", Target::Nothing, "", ADMIN),
    ("POST", "/settings/channels", Target::Nothing, "/name=$new&/type=slack&/url=https://hooks.example.com/x", ADMINISTERED),
    ("POST", "/settings/channels/-/type", Target::Nothing, "/type=slack", ADMIN),
    ("GET", "/settings/channels/edit", Target::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("POST", "/settings/channels/edit", Target::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("POST", "/settings/channels/test", Target::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/channels/delete", Target::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("POST", "/settings/channels/delete", Target::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/tokens", Target::Nothing, "", OPEN),
    ("POST", "/settings/tokens", Target::Nothing, "/name=x&/role=viewer", OPEN),
    ("GET", "/settings/tokens/:id/revoke", Target::Nothing, "", [303, 404, 404, 404, 404, 404]),
    ("POST", "/settings/tokens/:id/revoke", Target::Nothing, "", [303, 404, 404, 404, 404, 404]),
    ("GET", "/settings/users", Target::Nothing, "", ADMIN),
    ("POST", "/settings/users", Target::Nothing, "/name=$new&/role=viewer", ADMINISTERED),
    ("GET", "/settings/users/edit", Target::Nothing, "?name=bill", ADMIN),
    ("POST", "/settings/users/edit", Target::Nothing, "?name=bill&//role=editor&/tags=blue&/disabled=false", ADMINISTERED),
    ("GET", "/settings/users/sign-out", Target::Nothing, "?name=bill", ADMIN),
    ("POST", "/settings/users/sign-out", Target::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/users/second-factor", Target::Nothing, "?name=bill", ADMIN),
    ("POST", "/settings/users/second-factor", Target::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/users/delete", Target::Nothing, "?name=bill", ADMIN),
    ("POST", "/settings/users/delete", Target::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/live", Target::Nothing, "", OPEN),
    ("GET", "/live/changes", Target::Nothing, "", OPEN),
    ("GET", "/static/*path", Target::Nothing, "", [404; 6]),
    // Other routes.
    ("GET", "/events", Target::Nothing, "", [401, 200, 200, 200, 200, 200]),
    ("GET", "/api/v1/events", Target::Nothing, "", [401, 200, 200, 200, 200, 200]),
    ("GET", "/healthz", Target::Nothing, "", ALL),
    // No scheduler runs here.
    ("GET", "/readyz", Target::Nothing, "", [503; 6]),
    // The secret is the permission.
    ("POST", "/hook/:secret", Target::Nothing, "", [404; 6]),
    ("GET", "/ping/:secret", Target::Nothing, "", [404; 6]),
    ("POST", "/ping/:secret", Target::Nothing, "", [404; 6]),
    ("GET", "/ping/:secret/:what", Target::Nothing, "", [404; 6]),
    ("POST", "/ping/:secret/:what", Target::Nothing, "", [404; 6]),
    // Metrics of the whole server are refused to accounts limited to tags.
    ("GET", "/metrics", Target::Nothing, "", [401, 403, 403, 403, 403, 200]),
    ("GET", "/openapi.json", Target::Nothing, "", ALL),
    ("GET", "/openapi.yaml", Target::Nothing, "", ALL),
    ("GET", "/docs", Target::Nothing, "", ALL),
    ("GET", "/docs/:name", Target::Nothing, "", [404; 6]),
    // Last, because they end the session.
    ("POST", "/account/sign-out", Target::Nothing, "", [303; 6]),
    ("POST", "/logout", Target::Nothing, "", [303; 6]),
];

/// Every route in the sources of the routers, with its methods.
fn routed() -> Vec<(&'static str, &'static str)> {
    let pages = include_str!("../../src/web/pages/mod.rs");
    let web = include_str!("../../src/web/mod.rs");
    let api = include_str!("../../src/api/mod.rs");
    let mut found = Vec::new();
    for source in [pages, web, api] {
        for part in source.split(".at(\"").skip(1) {
            let (path, rest) = part.split_once('"').expect("a path ends");
            let handlers = rest.split(".at(").next().unwrap_or_default();
            let handlers = handlers.split(';').next().unwrap_or_default();
            if handlers.contains("get(") {
                found.push(("GET", path));
            }
            if handlers.contains("post(") {
                found.push(("POST", path));
            }
        }
    }
    found
}

#[test]
fn every_page_has_a_row() {
    let routed = routed();
    assert!(routed.len() > 60, "the routers are read: {routed:?}");
    for (method, path) in &routed {
        // Routes below /api are covered by the OpenAPI document.
        let known = *path == "/api/*rest" || ROWS.iter().any(|row| row.0 == *method && row.1 == *path);
        assert!(known, "{method} {path} has no row in the permission table: add one to ROWS");
    }
    for row in ROWS {
        assert!(routed.contains(&(row.0, row.1)), "{} {} does not exist; remove its row from ROWS", row.0, row.1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_answer_each_role_as_in_the_table() {
    let fixture = Fixture::open().await;
    let mut wrong = Vec::new();
    for row in ROWS {
        for caller in Caller::ALL {
            for tag in ["red", "blue"] {
                if tag == "blue" && row.2 == Target::Nothing {
                    continue;
                }
                let expected = expected(row, caller, tag);
                let (status, text) = request_row(&fixture, row, caller, AuthMethod::Session, tag).await;
                if status != expected {
                    let said = text.split("<main").nth(1).unwrap_or(&text);
                    let said: String = said.chars().take(600).collect();
                    wrong.push(format!(
                        "{} {} {} by {caller:?}, {tag}: {status} instead of {expected}: {said}",
                        row.0, row.1, row.3
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_refused_on_pages() {
    let fixture = Fixture::open().await;
    for row in ROWS.iter().filter(|row| row.0 == "GET" && row.4[0] == 303) {
        let (status, text) = request_row(&fixture, row, Caller::Admin, AuthMethod::Token, "red").await;
        assert_eq!(status, 303, "{} requires a session: {text}", row.1);
    }
    fixture.close().await;
}

fn expected(row: &Row, caller: Caller, tag: &str) -> u16 {
    let own = row.4[caller as usize];
    let foreign = tag == "blue" && !matches!(caller, Caller::Nobody | Caller::Admin);
    if foreign && own != 403 { 404 } else { own }
}

async fn request_row(fixture: &Fixture, row: &Row, caller: Caller, auth: AuthMethod, tag: &str) -> (u16, String) {
    let id = match row.2 {
        Target::Nothing => "none".to_owned(),
        Target::Task => fixture.task(tag).await,
        Target::Execution => fixture.execution(tag).await,
    };
    let filled = row.3.replace("$id", &id).replace("$new", &fixture.fresh("red-new"));
    let mut path = row.1.replace(":id", &id).replace(":name", "none").replace(":second", "none").replace("*path", "none");
    let mut fields = filled.as_str();
    if let Some(query) = filled.strip_prefix('?') {
        // Form fields follow the query; their names begin with a slash.
        let (asked, rest) = query.split_once("&/").unwrap_or((query, ""));
        path = format!("{path}?{asked}");
        fields = rest;
    }
    let pairs = fields.split('&').filter_map(|pair| pair.split_once('='));
    let form: Vec<(String, String)> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (method, body) = match row.0 {
        "GET" => (Method::GET, Body::None),
        _ => (Method::POST, Body::Form(&form)),
    };
    let reply = fixture.send(caller, auth, method, &path, body).await;
    (reply.status, reply.text)
}
