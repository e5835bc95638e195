//! Every call of the API.

use std::collections::BTreeMap;

use poem::http::Method;
use serde_json::Value;

use crate::house::{Body, House, Way, Who, root};

/// What a call is about; made anew for each try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// Nothing that belongs to a team.
    Nothing,
    Task,
    Execution,
    /// An account, a token of the administrator, a secret: nothing of a team's.
    User,
    Token,
    Secret,
}

/// A call, what it is about, its body (`$id` is what it is about, `$new` a name that is free), and how it answers nobody, a
/// viewer, an operator, an editor, an editor with a grant, and an administrator. On what belongs to another team the answer
/// is 404 wherever it would not be 403.
type Row = (&'static str, About, &'static str, [u16; 6]);

const OPEN: [u16; 6] = [401, 200, 200, 200, 200, 200];
const RUN: [u16; 6] = [401, 403, 200, 200, 200, 200];
const EDIT: [u16; 6] = [401, 403, 403, 200, 200, 200];
const ADMIN: [u16; 6] = [401, 403, 403, 403, 403, 200];

const fn with(mut statuses: [u16; 6], good: u16) -> [u16; 6] {
    let mut place = 0;
    while place < statuses.len() {
        if statuses[place] == 200 {
            statuses[place] = good;
        }
        place += 1;
    }
    statuses
}

const ECHO: &str = r#"{"id": "$new", "type": "echo", "trigger": {"type": "cron", "hour": 9}}"#;
const SAME: &str = r#"{"id": "$id", "type": "echo", "trigger": {"type": "cron", "hour": 9}, "params": {"message": "other"}}"#;
const COMMAND: &str =
    r#"{"id": "$new", "type": "send_cmd", "trigger": {"type": "cron", "hour": 9}, "params": {"command": ["true"]}}"#;
const BLUE: &str = r#"{"id": "$new", "type": "echo", "tags": ["blue"], "trigger": {"type": "cron", "hour": 9}}"#;
const SEARCH: &str = r#"{"id": "$new", "type": "query_log", "trigger": {"type": "cron", "hour": 9}}"#;

const ROWS: &[Row] = &[
    ("listTasks", About::Nothing, "", OPEN),
    ("createTask", About::Nothing, ECHO, with(EDIT, 201)),
    ("createTask", About::Nothing, COMMAND, [401, 403, 403, 403, 201, 201]),
    ("createTask", About::Nothing, BLUE, [401, 403, 403, 422, 422, 201]),
    ("createTask", About::Nothing, SEARCH, [401, 403, 403, 403, 403, 201]),
    ("getTask", About::Task, "", OPEN),
    ("replaceTask", About::Task, SAME, EDIT),
    ("patchTask", About::Task, r#"{"description": "other"}"#, EDIT),
    ("patchTask", About::Task, r#"{"tags": ["red", "blue"]}"#, [401, 403, 403, 422, 422, 200]),
    ("deleteTask", About::Task, "", with(EDIT, 204)),
    ("runTask", About::Task, "{}", with(RUN, 202)),
    ("pauseTask", About::Task, "", RUN),
    ("resumeTask", About::Task, "", RUN),
    ("listTaskExecutions", About::Task, "", OPEN),
    ("listTaskVersions", About::Task, "", OPEN),
    ("restoreTaskVersion", About::Task, "", EDIT),
    ("bulkTasks", About::Nothing, r#"{"action": "run", "ids": []}"#, RUN),
    ("bulkTasks", About::Nothing, r#"{"action": "delete", "ids": []}"#, EDIT),
    ("listExecutions", About::Nothing, "", OPEN),
    ("getExecution", About::Execution, "", OPEN),
    ("getExecutionOutput", About::Execution, "", OPEN),
    ("cancelExecution", About::Execution, "", RUN),
    ("rerunExecution", About::Execution, "{}", with(RUN, 202)),
    ("previewTrigger", About::Nothing, r#"{"trigger": {"type": "cron", "hour": 9}}"#, OPEN),
    ("listTaskTypes", About::Nothing, "", OPEN),
    ("listSecrets", About::Nothing, "", ADMIN),
    ("putSecret", About::Secret, r#"{"value": "hidden away"}"#, ADMIN),
    ("deleteSecret", About::Secret, "", with(ADMIN, 204)),
    ("listDatasources", About::Nothing, "", [401, 403, 403, 403, 200, 200]),
    ("testDatasource", About::Nothing, "", with(ADMIN, 404)),
    ("listMailServers", About::Nothing, "", ADMIN),
    ("testMailServer", About::Nothing, r#"{"to": "a@example.com"}"#, with(ADMIN, 404)),
    ("listSmsProviders", About::Nothing, "", ADMIN),
    ("testSmsProvider", About::Nothing, r#"{"to": "13800138000", "text": "a"}"#, with(ADMIN, 404)),
    ("getStats", About::Nothing, "", OPEN),
    ("listNodes", About::Nothing, "", OPEN),
    ("getMe", About::Nothing, "", OPEN),
    ("changeOwnPassword", About::Nothing, r#"{"present": "not this one", "password": "another one"}"#, with(OPEN, 422)),
    ("listUsers", About::Nothing, "", ADMIN),
    ("createUser", About::Nothing, r#"{"name": "$new"}"#, with(ADMIN, 201)),
    ("getUser", About::User, "", ADMIN),
    ("updateUser", About::User, r#"{"role": "operator"}"#, ADMIN),
    ("deleteUser", About::User, "", with(ADMIN, 204)),
    ("listTokens", About::Nothing, "", OPEN),
    ("createToken", About::Nothing, r#"{"name": "x"}"#, with(OPEN, 201)),
    ("createToken", About::Nothing, r#"{"name": "x", "role": "viewer", "tags": ["red"]}"#, with(OPEN, 201)),
    ("createToken", About::Nothing, r#"{"name": "x", "role": "viewer", "tags": ["blue"]}"#, [401, 422, 422, 422, 422, 201]),
    ("createToken", About::Nothing, r#"{"name": "x", "role": "admin"}"#, [401, 422, 422, 422, 422, 201]),
    ("revokeToken", About::Token, "", [401, 404, 404, 404, 404, 204]),
    ("listAudit", About::Nothing, "", ADMIN),
    ("exportAudit", About::Nothing, "", ADMIN),
    ("exportTasks", About::Nothing, "", OPEN),
    ("importTasks", About::Nothing, r#"{"tasks": []}"#, EDIT),
    ("importExecutions", About::Nothing, r#"{"executions": []}"#, ADMIN),
    // Nobody here has one.
    ("resetSecondFactor", About::User, "", with(ADMIN, 404)),
    ("endUserSessions", About::User, "", with(ADMIN, 204)),
    // The last: nobody is signed in after it.
    ("endOwnSessions", About::Nothing, "", with(OPEN, 204)),
];

/// Every call that the document describes: its method and path by its name.
fn described() -> BTreeMap<String, (Method, String)> {
    let document = belfry::api::document();
    let mut calls = BTreeMap::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, call) in operations.as_object().expect("calls") {
            let method = method.to_uppercase().parse().expect("a method");
            calls.insert(call["operationId"].as_str().expect("a name").to_owned(), (method, format!("/api/v1{path}")));
        }
    }
    calls
}

#[test]
fn every_call_has_a_row() {
    let calls = described();
    for name in calls.keys() {
        assert!(
            ROWS.iter().any(|(row, ..)| row == name),
            "the call {name} has no row in the table of permissions: add one to ROWS"
        );
    }
    for (row, ..) in ROWS {
        assert!(calls.contains_key(*row), "there is no call {row} any more");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_answers_each_role_as_the_table_says() {
    let house = House::open().await;
    let calls = described();
    let mut wrong = Vec::new();
    for row in ROWS {
        let (method, path) = &calls[row.0];
        for who in Who::ALL {
            for way in [Way::Session, Way::Token] {
                for team in ["red", "blue"] {
                    if team == "blue" && !matches!(row.1, About::Task | About::Execution) {
                        continue;
                    }
                    let expected = expected(row, who, team);
                    let found = try_one(&house, row, (method, path), who, way, team).await;
                    if found.0 != expected {
                        let place = format!("{} {} by {who:?}, {way:?}, {team}", row.0, row.2);
                        wrong.push(format!("{place}: {} instead of {expected}: {}", found.0, found.1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
    house.close().await;
}

fn expected(row: &Row, who: Who, team: &str) -> u16 {
    let own = row.3[who as usize];
    let foreign = team == "blue" && !matches!(who, Who::Nobody | Who::Admin);
    if foreign && own != 403 { 404 } else { own }
}

async fn try_one(house: &House, row: &Row, call: (&Method, &str), who: Who, way: Way, team: &str) -> (u16, String) {
    let id = about(house, row.1, team).await;
    let path = call.1.replace("{id}", &id).replace("{name}", &id).replace("{version}", "1");
    let body = row.2.replace("$id", &id).replace("$new", &house.fresh("red-new"));
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let sent = if row.2.is_empty() { Body::None } else { Body::Json(&body) };
    let reply = house.send(who, way, call.0.clone(), &path, sent).await;
    if reply.status == 404 {
        let known = [
            "there is no task '",
            "there is no execution '",
            "there is no token '",
            "there is no datasource '",
            "there is no mail server '",
            "there is no SMS provider '",
            "has no second factor",
        ];
        assert!(known.iter().any(|says| reply.text.contains(says)), "{path} says more than that it is not there: {}", reply.text);
    }
    (reply.status, reply.text)
}

async fn about(house: &House, about: About, team: &str) -> String {
    let service = &house.parts.service;
    match about {
        About::Nothing => "none".to_owned(),
        About::Task => house.task(team).await,
        About::Execution => house.execution(team).await,
        About::User => {
            let name = house.fresh("somebody");
            let new = belfry::service::NewUser {
                name: name.clone(),
                role: belfry::domain::user::Role::Viewer,
                password: None,
                grants: Vec::new(),
                tags: Vec::new(),
            };
            service.create_user(&root(), &new).await.expect("an account");
            name
        }
        About::Token => {
            let ada = service.actor_by_token(house.token(Who::Admin)).await.expect("reads").expect("ada");
            let new = belfry::service::NewToken { name: "hers".into(), role: None, tags: Vec::new(), expires_at: None };
            service.create_token(&ada, &new).await.expect("a token").0.id
        }
        About::Secret => {
            let name = house.fresh("secret");
            service.put_secret(&root(), &name, "kept to itself").await.expect("a secret");
            name
        }
    }
}
