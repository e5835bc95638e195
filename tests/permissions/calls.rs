//! The permission table of API operations.

use std::collections::BTreeMap;

use belfry::service::NewSecret;
use poem::http::Method;
use serde_json::Value;

use crate::fixture::{AuthMethod, Body, Caller, Fixture, root};

/// The resource that a request names; created for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// No task or execution.
    Nothing,
    Task,
    Execution,
    /// Resources without a tag scope: an account, a token of the administrator, a secret.
    User,
    Token,
    Secret,
}

/// The operation, its target, its body (`$id`: the target's id, `$new`: a free name), and the expected statuses for each of
/// [`Caller::ALL`]. For a target outside the caller's scope 404 is expected instead, unless the status is 403.
pub type Row = (&'static str, Target, &'static str, [u16; 6]);

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
/// There is no such channel.
const RULE: &str = r#"{"tasks": {"tags": ["red"]}, "events": ["failed"], "channels": ["none"]}"#;
const SEARCH: &str = r#"{"id": "$new", "type": "query_log", "trigger": {"type": "cron", "hour": 9}}"#;

pub const ROWS: &[Row] = &[
    ("listTasks", Target::Nothing, "", OPEN),
    ("createTask", Target::Nothing, ECHO, with(EDIT, 201)),
    ("createTask", Target::Nothing, COMMAND, [401, 403, 403, 403, 201, 201]),
    ("createTask", Target::Nothing, BLUE, [401, 403, 403, 422, 422, 201]),
    ("createTask", Target::Nothing, SEARCH, [401, 403, 403, 403, 403, 201]),
    ("getTask", Target::Task, "", OPEN),
    ("replaceTask", Target::Task, SAME, EDIT),
    ("patchTask", Target::Task, r#"{"description": "other"}"#, EDIT),
    ("patchTask", Target::Task, r#"{"tags": ["red", "blue"]}"#, [401, 403, 403, 422, 422, 200]),
    ("deleteTask", Target::Task, "", with(EDIT, 204)),
    ("runTask", Target::Task, "{}", with(RUN, 202)),
    ("pauseTask", Target::Task, "", RUN),
    ("resumeTask", Target::Task, "", RUN),
    ("listTaskExecutions", Target::Task, "", OPEN),
    ("listTaskOccurrences", Target::Task, "", OPEN),
    ("explainTask", Target::Task, "", OPEN),
    ("backfillTask", Target::Task, r#"{"from": "2026-11-01", "to": "2026-11-02"}"#, with(RUN, 202)),
    ("listBackfills", Target::Nothing, "", with(OPEN, 422)),
    ("getBackfill", Target::Nothing, "", with(OPEN, 404)),
    ("cancelBackfill", Target::Nothing, "", with(RUN, 404)),
    ("listTaskVersions", Target::Task, "", OPEN),
    ("restoreTaskVersion", Target::Task, "", EDIT),
    ("getTaskState", Target::Task, "", OPEN),
    ("resetTaskState", Target::Task, "", with(EDIT, 204)),
    ("listHooks", Target::Task, "", OPEN),
    ("createHook", Target::Task, r#"{"name": "x"}"#, with(EDIT, 201)),
    ("rotateHook", Target::Task, "", with(EDIT, 404)),
    ("revokeHook", Target::Task, "", with(EDIT, 404)),
    ("listHeartbeats", Target::Nothing, "", OPEN),
    ("createHeartbeat", Target::Nothing, r#"{"id": "$new", "period_seconds": 60}"#, with(EDIT, 201)),
    (
        "createHeartbeat",
        Target::Nothing,
        r#"{"id": "$new", "period_seconds": 60, "tags": ["blue"]}"#,
        [401, 403, 403, 422, 422, 201],
    ),
    ("getHeartbeat", Target::Nothing, "", with(OPEN, 404)),
    ("replaceHeartbeat", Target::Nothing, r#"{"id": "none", "period_seconds": 60}"#, with(EDIT, 404)),
    ("deleteHeartbeat", Target::Nothing, "", with(EDIT, 404)),
    ("rotateHeartbeat", Target::Nothing, "", with(EDIT, 404)),
    ("listHeartbeatPings", Target::Nothing, "", with(OPEN, 404)),
    ("bulkTasks", Target::Nothing, r#"{"action": "run", "ids": []}"#, RUN),
    ("bulkTasks", Target::Nothing, r#"{"action": "delete", "ids": []}"#, EDIT),
    ("getOperation", Target::Nothing, "", with(OPEN, 404)),
    ("cancelOperation", Target::Nothing, "", with(RUN, 404)),
    ("listExecutions", Target::Nothing, "", OPEN),
    ("getExecution", Target::Execution, "", OPEN),
    ("getExecutionOutput", Target::Execution, "", OPEN),
    ("getExecutionRawOutput", Target::Execution, "", OPEN),
    ("cancelExecution", Target::Execution, "", RUN),
    ("rerunExecution", Target::Execution, "{}", with(RUN, 202)),
    ("previewTrigger", Target::Nothing, r#"{"trigger": {"type": "cron", "hour": 9}}"#, OPEN),
    ("listTaskTypes", Target::Nothing, "", OPEN),
    ("listSecrets", Target::Nothing, "", ADMIN),
    ("putSecret", Target::Secret, r#"{"value": "hidden away"}"#, ADMIN),
    ("deleteSecret", Target::Secret, "", with(ADMIN, 204)),
    ("listDatasources", Target::Nothing, "", [401, 403, 403, 403, 200, 200]),
    ("testDatasource", Target::Nothing, "", with(ADMIN, 404)),
    ("listMailServers", Target::Nothing, "", ADMIN),
    ("testMailServer", Target::Nothing, r#"{"to": "a@example.com"}"#, with(ADMIN, 404)),
    ("listSmsProviders", Target::Nothing, "", ADMIN),
    ("testSmsProvider", Target::Nothing, r#"{"to": "13800138000", "text": "a"}"#, with(ADMIN, 404)),
    ("createMailServer", Target::Nothing, r#"{"name": "$new", "host": "mail.example.com"}"#, with(ADMIN, 201)),
    ("getMailServer", Target::Nothing, "", with(ADMIN, 404)),
    ("replaceMailServer", Target::Nothing, r#"{"host": "mail.example.com"}"#, with(ADMIN, 404)),
    ("deleteMailServer", Target::Nothing, "", with(ADMIN, 404)),
    (
        "createSmsProvider",
        Target::Nothing,
        r#"{"name": "$new", "provider": "aliyun", "access_key": "k", "secret_key": "s"}"#,
        with(ADMIN, 201),
    ),
    ("getSmsProvider", Target::Nothing, "", with(ADMIN, 404)),
    ("replaceSmsProvider", Target::Nothing, r#"{"provider": "aliyun", "access_key": "k", "secret_key": "s"}"#, with(ADMIN, 404)),
    ("deleteSmsProvider", Target::Nothing, "", with(ADMIN, 404)),
    ("createDatasource", Target::Nothing, r#"{"name": "$new", "url": "postgres://db.example.com/x"}"#, with(ADMIN, 201)),
    ("getDatasource", Target::Nothing, "", with(ADMIN, 404)),
    ("replaceDatasource", Target::Nothing, r#"{"url": "postgres://db.example.com/x"}"#, with(ADMIN, 404)),
    ("deleteDatasource", Target::Nothing, "", with(ADMIN, 404)),
    ("createHttpProfile", Target::Nothing, r#"{"name": "$new", "base_url": "https://crm.example.com/"}"#, with(ADMIN, 201)),
    ("getHttpProfile", Target::Nothing, "", with(ADMIN, 404)),
    ("replaceHttpProfile", Target::Nothing, r#"{"base_url": "https://crm.example.com/"}"#, with(ADMIN, 404)),
    ("deleteHttpProfile", Target::Nothing, "", with(ADMIN, 404)),
    ("listHttpProfiles", Target::Nothing, "", ADMIN),
    ("testHttpProfile", Target::Nothing, r#"{"url": "health"}"#, with(ADMIN, 404)),
    ("listNotifyChannels", Target::Nothing, "", ADMIN),
    (
        "createNotifyChannel",
        Target::Nothing,
        r#"{"name": "$new", "type": "slack", "url": "https://hooks.example.com/x"}"#,
        with(ADMIN, 201),
    ),
    ("getNotifyChannel", Target::Nothing, "", with(ADMIN, 404)),
    ("putNotifyChannel", Target::Nothing, r#"{"type": "slack", "url": "https://hooks.example.com/x"}"#, with(ADMIN, 404)),
    ("deleteNotifyChannel", Target::Nothing, "", with(ADMIN, 404)),
    ("testNotifyChannel", Target::Nothing, "", with(ADMIN, 404)),
    ("listNotifyDeliveries", Target::Nothing, "", with(ADMIN, 404)),
    ("listNotifyRules", Target::Nothing, "", OPEN),
    ("createNotifyRule", Target::Nothing, RULE, with(EDIT, 422)),
    ("getNotifyRule", Target::Nothing, "", with(OPEN, 404)),
    ("replaceNotifyRule", Target::Nothing, RULE, with(EDIT, 404)),
    ("deleteNotifyRule", Target::Nothing, "", with(EDIT, 404)),
    ("listIncidents", Target::Nothing, "", OPEN),
    ("getIncident", Target::Nothing, "", with(OPEN, 404)),
    ("acknowledgeIncident", Target::Nothing, "", with(RUN, 404)),
    ("closeIncident", Target::Nothing, "", with(RUN, 404)),
    ("muteTask", Target::Task, r#"{"until": null}"#, RUN),
    ("listCalendars", Target::Nothing, "", OPEN),
    ("createCalendar", Target::Nothing, r#"{"name": "$new"}"#, with(EDIT, 201)),
    ("getCalendar", Target::Nothing, "", with(OPEN, 404)),
    ("replaceCalendar", Target::Nothing, r#"{}"#, with(EDIT, 404)),
    ("deleteCalendar", Target::Nothing, "", with(EDIT, 404)),
    ("listCalendarDays", Target::Nothing, "", with(OPEN, 422)),
    ("importCalendar", Target::Nothing, r#"{"years": {"2027": {"off": ["01-01"]}}}"#, with(EDIT, 404)),
    ("listCalendarVersions", Target::Nothing, "", with(OPEN, 404)),
    ("restoreCalendarVersion", Target::Nothing, "", with(EDIT, 404)),
    ("listFreezes", Target::Nothing, "", OPEN),
    ("createFreeze", Target::Nothing, r#"{"until": "2000-01-01", "reason": "x", "tag": "red"}"#, with(RUN, 422)),
    ("createFreeze", Target::Nothing, r#"{"until": "2000-01-01", "reason": "x"}"#, with(RUN, 422)),
    ("endFreeze", Target::Nothing, "", with(RUN, 404)),
    ("getStats", Target::Nothing, "", OPEN),
    ("verifyLog", Target::Nothing, "", ADMIN),
    ("listNodes", Target::Nothing, "", OPEN),
    ("getMe", Target::Nothing, "", OPEN),
    ("changeOwnPassword", Target::Nothing, r#"{"present": "not this one", "password": "another one"}"#, with(OPEN, 422)),
    ("listUsers", Target::Nothing, "", ADMIN),
    ("createUser", Target::Nothing, r#"{"name": "$new"}"#, with(ADMIN, 201)),
    ("getUser", Target::User, "", ADMIN),
    ("updateUser", Target::User, r#"{"role": "operator"}"#, ADMIN),
    ("deleteUser", Target::User, "", with(ADMIN, 204)),
    ("listTokens", Target::Nothing, "", OPEN),
    ("createToken", Target::Nothing, r#"{"name": "x"}"#, with(OPEN, 201)),
    ("createToken", Target::Nothing, r#"{"name": "x", "role": "viewer", "tags": ["red"]}"#, with(OPEN, 201)),
    ("createToken", Target::Nothing, r#"{"name": "x", "role": "viewer", "tags": ["blue"]}"#, [401, 422, 422, 422, 422, 201]),
    ("createToken", Target::Nothing, r#"{"name": "x", "role": "admin"}"#, [401, 422, 422, 422, 422, 201]),
    ("revokeToken", Target::Token, "", [401, 404, 404, 404, 404, 204]),
    ("listAudit", Target::Nothing, "", ADMIN),
    ("exportAudit", Target::Nothing, "", ADMIN),
    ("exportTasks", Target::Nothing, "", OPEN),
    ("importTasks", Target::Nothing, r#"{"tasks": []}"#, EDIT),
    ("importExecutions", Target::Nothing, r#"{"executions": []}"#, ADMIN),
    // No account here has one.
    ("resetSecondFactor", Target::User, "", with(ADMIN, 404)),
    ("endUserSessions", Target::User, "", with(ADMIN, 204)),
    // Last, because it ends the session.
    ("endOwnSessions", Target::Nothing, "", with(OPEN, 204)),
];

/// The operations of the OpenAPI document: method and path by operation id.
pub fn described() -> BTreeMap<String, (Method, String)> {
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
fn every_operation_has_a_row() {
    let calls = described();
    for name in calls.keys() {
        assert!(
            ROWS.iter().any(|(row, ..)| row == name),
            "the operation {name} has no row in the permission table: add one to ROWS"
        );
    }
    for (row, ..) in ROWS {
        assert!(calls.contains_key(*row), "the operation {row} does not exist; remove its row from ROWS");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_answer_each_role_as_in_the_table() {
    let fixture = Fixture::open().await;
    let calls = described();
    let mut wrong = Vec::new();
    for row in ROWS {
        let (method, path) = &calls[row.0];
        for caller in Caller::ALL {
            for auth in [AuthMethod::Session, AuthMethod::Token] {
                for tag in ["red", "blue"] {
                    if tag == "blue" && !matches!(row.1, Target::Task | Target::Execution) {
                        continue;
                    }
                    let expected = expected(row, caller, tag);
                    let found = request_row(&fixture, row, (method, path), caller, auth, tag).await;
                    if found.0 != expected {
                        let place = format!("{} {} by {caller:?}, {auth:?}, {tag}", row.0, row.2);
                        wrong.push(format!("{place}: {} instead of {expected}: {}", found.0, found.1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
    fixture.close().await;
}

fn expected(row: &Row, caller: Caller, tag: &str) -> u16 {
    let own = row.3[caller as usize];
    let foreign = tag == "blue" && !matches!(caller, Caller::Nobody | Caller::Admin);
    if foreign && own != 403 { 404 } else { own }
}

async fn request_row(
    fixture: &Fixture,
    row: &Row,
    call: (&Method, &str),
    caller: Caller,
    auth: AuthMethod,
    tag: &str,
) -> (u16, String) {
    let id = create_target(fixture, row.1, tag).await;
    let path = call.1.replace("{id}", &id).replace("{name}", &id).replace("{version}", "1").replace("{hook}", "none");
    let body = row.2.replace("$id", &id).replace("$new", &fixture.fresh("red-new"));
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let sent = if row.2.is_empty() { Body::None } else { Body::Json(&body) };
    let reply = fixture.send(caller, auth, call.0.clone(), &path, sent).await;
    if reply.status == 404 {
        let known = [
            "there is no task '",
            "there is no execution '",
            "there is no token '",
            "there is no datasource '",
            "there is no calendar '",
            "there is no freeze '",
            "there is no incident '",
            "there is no notification rule '",
            "there is no mail server '",
            "there is no SMS provider '",
            "there is no HTTP profile '",
            "there is no notification channel '",
            "there is no operation '",
            "there is no hook '",
            "there is no backfill '",
            "there is no heartbeat '",
            "has no second factor",
        ];
        assert!(known.iter().any(|says| reply.text.contains(says)), "{path}: a 404 must not reveal more: {}", reply.text);
    }
    (reply.status, reply.text)
}

async fn create_target(fixture: &Fixture, target: Target, tag: &str) -> String {
    let services = &fixture.context.services;
    match target {
        Target::Nothing => "none".to_owned(),
        Target::Task => fixture.task(tag).await,
        Target::Execution => fixture.execution(tag).await,
        Target::User => {
            let name = fixture.fresh("somebody");
            let new = belfry::service::NewUser {
                name: name.clone(),
                role: belfry::domain::user::Role::Viewer,
                password: None,
                grants: Vec::new(),
                tags: Vec::new(),
            };
            services.users.create(&root(), &new).await.expect("an account");
            name
        }
        Target::Token => {
            let ada = services.sessions.actor_by_token(fixture.token(Caller::Admin)).await.expect("reads").expect("ada");
            let new = belfry::service::NewToken { name: "hers".into(), role: None, tags: Vec::new(), expires_at: None };
            services.tokens.create(&ada, &new).await.expect("a token").0.id
        }
        Target::Secret => {
            let name = fixture.fresh("secret");
            services.secrets.put(&root(), &name, &NewSecret::new("hidden value")).await.expect("a secret");
            name
        }
    }
}
