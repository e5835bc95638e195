//! Every page and form, and what is served beside them.

use poem::http::Method;

use crate::house::{Body, House, Way, Who};

/// What a page is about; made anew for each try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Nothing,
    Task,
    Execution,
}

/// A page: its method, its path as the router has it, the query and the form (`name=value&…`; `$id` is what it is about,
/// `$new` a name that is free), and how it answers nobody, a viewer, an operator, an editor, an editor with a grant, and an
/// administrator. On what belongs to another team the answer is 404 wherever it would not be 403.
type Row = (&'static str, &'static str, About, &'static str, [u16; 6]);

/// Nobody is sent to the sign-in.
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
    ("GET", "/", About::Nothing, "", OPEN),
    // There is an administrator already.
    ("GET", "/setup", About::Nothing, "", [303; 6]),
    ("POST", "/setup", About::Nothing, "/name=x&/password=long enough&/repeat=long enough", [303; 6]),
    ("GET", "/login", About::Nothing, "", [200, 303, 303, 303, 303, 303]),
    ("POST", "/login", About::Nothing, "name=$new&password=nothing", [401; 6]),
    // Nobody is on the way between the two steps, and there is no identity provider.
    ("GET", "/login/code", About::Nothing, "", [303; 6]),
    ("POST", "/login/code", About::Nothing, "code=000000", [303; 6]),
    ("GET", "/login/oidc", About::Nothing, "", [404; 6]),
    ("GET", "/login/oidc/callback", About::Nothing, "?state=none&code=none", [404; 6]),
    ("POST", "/preferences", About::Nothing, "theme=dark", [303; 6]),
    ("GET", "/tasks", About::Nothing, "", OPEN),
    ("GET", "/tasks/-/rows", About::Nothing, "", OPEN),
    ("GET", "/tasks/-/bulk", About::Nothing, "?action=run&all=true&search=nothing", [303, 403, 200, 200, 200, 200]),
    ("GET", "/tasks/-/bulk", About::Nothing, "?action=delete&all=true&search=nothing", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/-/bulk", About::Nothing, "action=run&all=true&search=nothing", RAN),
    ("POST", "/tasks/-/bulk", About::Nothing, "action=delete&all=true&search=nothing", EDITED),
    ("POST", "/tasks/-/preview", About::Nothing, "/trigger/type=cron&/trigger/hour=9", OPEN),
    ("POST", "/tasks/-/changes", About::Task, EDIT, OPEN),
    ("POST", "/tasks/-/check", About::Nothing, "/type=echo&/params={}", OPEN),
    ("POST", "/tasks/-/type", About::Nothing, "/type=echo", OPEN),
    ("GET", "/tasks/-/names", About::Nothing, "", OPEN),
    ("GET", "/tasks/new", About::Nothing, "", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/new", About::Nothing, TASK, EDITED),
    ("POST", "/tasks/new", About::Nothing, COMMAND, [303, 403, 403, 403, 303, 303]),
    ("GET", "/tasks/:id", About::Task, "", OPEN),
    ("GET", "/tasks/:id/edit", About::Task, "", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/:id/edit", About::Task, EDIT, EDITED),
    ("GET", "/tasks/:id/copy", About::Task, "", [303, 403, 403, 200, 200, 200]),
    ("GET", "/tasks/:id/run", About::Task, "", [303, 403, 200, 200, 200, 200]),
    ("POST", "/tasks/:id/run", About::Task, "", RAN),
    ("POST", "/tasks/:id/pause", About::Task, "", RAN),
    ("POST", "/tasks/:id/resume", About::Task, "", RAN),
    ("GET", "/tasks/:id/delete", About::Task, "", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/:id/delete", About::Task, "", EDITED),
    ("GET", "/tasks/:id/versions", About::Task, "", OPEN),
    ("GET", "/tasks/:id/restore", About::Task, "?version=1", [303, 403, 403, 200, 200, 200]),
    ("POST", "/tasks/:id/restore", About::Task, "?version=1&known=1", EDITED),
    ("GET", "/executions", About::Nothing, "", OPEN),
    ("GET", "/executions/-/download", About::Nothing, "?format=csv", OPEN),
    ("GET", "/executions/-/rows", About::Nothing, "", OPEN),
    ("GET", "/executions/:id", About::Execution, "", OPEN),
    ("GET", "/executions/:id/output", About::Execution, "", OPEN),
    ("POST", "/executions/:id/cancel", About::Execution, "", RAN),
    ("GET", "/executions/:id/rerun", About::Execution, "", [303, 403, 200, 200, 200, 200]),
    ("POST", "/executions/:id/rerun", About::Execution, "", RAN),
    ("GET", "/calendar", About::Nothing, "", OPEN),
    ("GET", "/task-types", About::Nothing, "", OPEN),
    ("GET", "/account", About::Nothing, "", OPEN),
    (
        "POST",
        "/account",
        About::Nothing,
        "/present=not this&/password=another one&/repeat=another one",
        [303, 422, 422, 422, 422, 422],
    ),
    ("GET", "/account/second-factor", About::Nothing, "", OPEN),
    ("POST", "/account/second-factor/begin", About::Nothing, "", [303; 6]),
    ("POST", "/account/second-factor/confirm", About::Nothing, "/code=none", [303, 422, 422, 422, 422, 422]),
    ("POST", "/account/second-factor/abandon", About::Nothing, "", [303; 6]),
    ("POST", "/account/second-factor/recovery", About::Nothing, "/present=not this&/code=none", [303, 422, 422, 422, 422, 422]),
    ("POST", "/account/second-factor/remove", About::Nothing, "/present=not this&/code=none", [303, 422, 422, 422, 422, 422]),
    ("GET", "/views", About::Nothing, "", OPEN),
    ("POST", "/views/tasks", About::Nothing, "name=$new&filter=search=x", [303; 6]),
    ("POST", "/views/executions", About::Nothing, "name=$new&filter=search=x", [303; 6]),
    ("POST", "/views/:id/rename", About::Nothing, "/none=$new", [303, 404, 404, 404, 404, 404]),
    ("POST", "/views/:id/delete", About::Nothing, "", [303, 404, 404, 404, 404, 404]),
    ("GET", "/nodes", About::Nothing, "", OPEN),
    ("GET", "/audit", About::Nothing, "", ADMIN),
    ("GET", "/audit/export", About::Nothing, "?format=csv", ADMIN),
    ("GET", "/settings/datasources", About::Nothing, "", [303, 403, 403, 403, 200, 200]),
    ("POST", "/settings/datasources", About::Nothing, "name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/mail", About::Nothing, "", [303, 403, 403, 403, 403, 200]),
    ("POST", "/settings/mail", About::Nothing, "/profile=none&/to=a@example.com", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/sms", About::Nothing, "", [303, 403, 403, 403, 403, 200]),
    ("POST", "/settings/sms", About::Nothing, "/profile=none&/to=+8613800138000", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/transfer", About::Nothing, "", OPEN),
    ("POST", "/settings/transfer", About::Nothing, "document=tasks: []", [303, 403, 403, 200, 200, 200]),
    ("GET", "/settings/transfer/export", About::Nothing, "?format=yaml", OPEN),
    ("GET", "/settings/secrets", About::Nothing, "", ADMIN),
    ("POST", "/settings/secrets", About::Nothing, "/name=$new&/value=hidden away", ADMINISTERED),
    ("GET", "/settings/secrets/delete", About::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("POST", "/settings/secrets/delete", About::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/tokens", About::Nothing, "", OPEN),
    ("POST", "/settings/tokens", About::Nothing, "/name=x&/role=viewer", OPEN),
    ("GET", "/settings/tokens/:id/withdraw", About::Nothing, "", [303, 404, 404, 404, 404, 404]),
    ("POST", "/settings/tokens/:id/withdraw", About::Nothing, "", [303, 404, 404, 404, 404, 404]),
    ("GET", "/settings/users", About::Nothing, "", ADMIN),
    ("POST", "/settings/users", About::Nothing, "/name=$new&/role=viewer", ADMINISTERED),
    ("GET", "/settings/users/edit", About::Nothing, "?name=bill", ADMIN),
    ("POST", "/settings/users/edit", About::Nothing, "?name=bill&//role=editor&/tags=blue&/disabled=false", ADMINISTERED),
    ("GET", "/settings/users/sign-out", About::Nothing, "?name=bill", ADMIN),
    ("POST", "/settings/users/sign-out", About::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/users/second-factor", About::Nothing, "?name=bill", ADMIN),
    ("POST", "/settings/users/second-factor", About::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/settings/users/delete", About::Nothing, "?name=bill", ADMIN),
    ("POST", "/settings/users/delete", About::Nothing, "?name=none", [303, 403, 403, 403, 403, 404]),
    ("GET", "/live", About::Nothing, "", OPEN),
    ("GET", "/static/*path", About::Nothing, "", [404; 6]),
    // Beside the pages.
    ("GET", "/events", About::Nothing, "", [401, 200, 200, 200, 200, 200]),
    ("GET", "/api/v1/events", About::Nothing, "", [401, 200, 200, 200, 200, 200]),
    ("GET", "/healthz", About::Nothing, "", ALL),
    // No scheduler looks here.
    ("GET", "/readyz", About::Nothing, "", [503; 6]),
    // Figures of the whole server are not for those who are limited to tags.
    ("GET", "/metrics", About::Nothing, "", [401, 403, 403, 403, 403, 200]),
    ("GET", "/openapi.json", About::Nothing, "", ALL),
    ("GET", "/openapi.yaml", About::Nothing, "", ALL),
    ("GET", "/docs", About::Nothing, "", ALL),
    ("GET", "/docs/:name", About::Nothing, "", [404; 6]),
    // The last: nobody is signed in after them.
    ("POST", "/account/sign-out", About::Nothing, "", [303; 6]),
    ("POST", "/logout", About::Nothing, "", [303; 6]),
];

/// Every address in the sources of the routers, with its methods.
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
        // What is below /api is described by the document, or not there.
        let known = *path == "/api/*rest" || ROWS.iter().any(|row| row.0 == *method && row.1 == *path);
        assert!(known, "{method} {path} has no row in the table of permissions: add one to ROWS");
    }
    for row in ROWS {
        assert!(routed.contains(&(row.0, row.1)), "there is no {} {} any more", row.0, row.1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_answers_each_role_as_the_table_says() {
    let house = House::open().await;
    let mut wrong = Vec::new();
    for row in ROWS {
        for who in Who::ALL {
            for team in ["red", "blue"] {
                if team == "blue" && row.2 == About::Nothing {
                    continue;
                }
                let expected = expected(row, who, team);
                let (status, text) = try_one(&house, row, who, Way::Session, team).await;
                if status != expected {
                    let said = text.split("<main").nth(1).unwrap_or(&text);
                    let said: String = said.chars().take(600).collect();
                    wrong.push(format!(
                        "{} {} {} by {who:?}, {team}: {status} instead of {expected}: {said}",
                        row.0, row.1, row.3
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_no_page() {
    let house = House::open().await;
    for row in ROWS.iter().filter(|row| row.0 == "GET" && row.4[0] == 303) {
        let (status, text) = try_one(&house, row, Who::Admin, Way::Token, "red").await;
        assert_eq!(status, 303, "{} is for people: {text}", row.1);
    }
    house.close().await;
}

fn expected(row: &Row, who: Who, team: &str) -> u16 {
    let own = row.4[who as usize];
    let foreign = team == "blue" && !matches!(who, Who::Nobody | Who::Admin);
    if foreign && own != 403 { 404 } else { own }
}

async fn try_one(house: &House, row: &Row, who: Who, way: Way, team: &str) -> (u16, String) {
    let id = match row.2 {
        About::Nothing => "none".to_owned(),
        About::Task => house.task(team).await,
        About::Execution => house.execution(team).await,
    };
    let filled = row.3.replace("$id", &id).replace("$new", &house.fresh("red-new"));
    let mut path = row.1.replace(":id", &id).replace(":name", "none").replace("*path", "none");
    let mut fields = filled.as_str();
    if let Some(query) = filled.strip_prefix('?') {
        // A form has its fields behind those of the address, and their names begin with a slash.
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
    let reply = house.send(who, way, method, &path, body).await;
    (reply.status, reply.text)
}
