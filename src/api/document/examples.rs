//! Examples of request bodies and responses, one per schema.

use serde_json::{Value, json};

use super::for_each_operation;
use super::resource_examples::{
    backfill, calendar, calendar_input, explanation, heartbeat, hook, incident, notify_channel, notify_delivery,
    notify_rule_input, occurrences, profile,
};

/// Adds an example to every body and response.
pub fn add(document: &mut Value) {
    for_each_operation(document, |operation| {
        if let Some(content) = operation.get_mut("requestBody").and_then(|body| body.get_mut("content")) {
            add_to(content, None);
        }
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (status, response) in responses.into_iter().flatten() {
            if let Some(content) = response.get_mut("content") {
                add_to(content, status.parse().ok());
            }
        }
    });
}

fn add_to(content: &mut Value, status: Option<u16>) {
    for media in content.as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
        let name = media.pointer("/schema/$ref").or(media.pointer("/schema/items/$ref"));
        let name = name.and_then(Value::as_str).and_then(|path| path.rsplit('/').next()).unwrap_or("text").to_owned();
        let example = if name == "Problem" { problem(status.unwrap_or(500)) } else { example(&name) };
        let is_list = media.pointer("/schema/type") == Some(&json!("array"));
        if !example.is_null() {
            media["example"] = if is_list { json!([example]) } else { example };
        }
    }
}

/// The example of a schema; null if it has none.
fn example(name: &str) -> Value {
    match name {
        "Task" => task(),
        "TaskList" => page(task()),
        "Execution" => execution("queued"),
        "ExecutionList" => page(execution("succeeded")),
        "ExecutionDetail" => execution_detail(),
        "TaskInput" => task_input(),
        "TaskPatch" => json!({"enabled": false, "policy": {"retry": {"max_attempts": 5}}}),
        "BackfillRequest" => json!({"from": "2026-11-01", "to": "2026-11-08", "only": "missing", "concurrency": 2}),
        "BackfillStarted" => json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XB", "planned": 5}),
        "Backfill" => backfill(),
        "OccurrenceList" => occurrences(),
        "Explanation" => explanation(),
        "PauseRequest" => json!({"until": "2026-12-01 08:00", "reason": "maintenance of the database"}),
        "Heartbeat" => heartbeat(),
        "HeartbeatInput" => {
            json!({"id": "nightly-backup", "name": "Nightly backup", "cron": "0 3 * * *", "timezone": "Asia/Shanghai", "grace_seconds": 1800})
        }
        "HeartbeatPing" => {
            json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XA", "expected_at": "2026-11-20T19:00:00.000+00:00", "status": "arrived",
            "at": "2026-11-20T19:04:11.120+00:00", "duration_ms": 250_120, "exit_code": 0, "body": "14 files copied\n"})
        }
        "Hook" => hook(),
        "CreatedHook" => {
            let mut shown = hook();
            shown["url"] = json!("https://belfry.example.com/hook/blh_dGhpcyBpcyBhbiBleGFtcGxlIG9mIGEgaG9va3M");
            shown["secret"] = json!("dGhpcyBpcyBhbiBleGFtcGxlIG9mIGEga2V5");
            shown
        }
        "HookInput" => json!({"name": "deploy", "hmac": "github"}),
        "RunRequest" => json!({"params": {"message": "only this once"}}),
        "BulkRequest" => json!({"action": "pause", "filter": {"tag": "report"}}),
        "BulkResult" => json!({"matched": 2, "done": 1, "errors": [{"id": "nightly", "message": "there is no task 'nightly'"}]}),
        "TaskState" => json!({"state": {"watermark": "2026-11-20T08:00:00+08:00", "watermark_column": "updated_at"},
            "updated_at": "2026-11-20T00:00:01.500+00:00", "execution_id": "01KAHW3R80Z8Q1T3B1C6N5M9XA"}),
        "Operation" => {
            json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XA", "action": "pause", "status": "running", "requested_by": "alice",
            "matched": 9000, "processed": 4200, "done": 4199, "errors": [{"id": "nightly", "message": "there is no task 'nightly'"}],
            "created_at": "2026-11-20T09:12:00.000+00:00", "updated_at": "2026-11-20T09:12:03.120+00:00", "finished_at": null})
        }
        "Verification" => verification(),
        "PreviewRequest" => json!({"trigger": trigger(), "after": "2026-11-21T00:00:00+08:00", "count": 3}),
        "Preview" => preview(),
        "TaskType" => task_type(),
        "User" => json!({"name": "bob", "role": "editor", "grants": [], "tags": ["report"], "disabled": false,
            "second_factor": true, "single_sign_on": false,
            "created_at": "2026-11-01T01:30:00.000+00:00", "last_seen_at": "2026-11-20T09:12:00.000+00:00"}),
        "UserInput" => json!({"name": "bob", "role": "editor", "password": "correct horse battery"}),
        "UserChange" => json!({"role": "operator"}),
        "Token" => json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XA", "user": "bob", "name": "deploy script", "role": "operator",
            "tags": ["report"], "created_at": "2026-11-01T01:30:00.000+00:00", "expires_at": null, "used_at": null}),
        "CreatedToken" => {
            json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XA", "name": "deploy script", "role": "operator", "tags": ["report"], "expires_at": null,
            "token": "blf_dGhpcyBpcyBhbiBleGFtcGxlIG9mIGEgdG9rZW4"})
        }
        "TokenInput" => json!({"name": "deploy script", "role": "operator", "expires_at": "2027-01-01T00:00:00+08:00"}),
        "PasswordInput" => json!({"present": "correct horse battery", "password": "staple of another kind"}),
        "AuditList" => page(audit_entry()),
        "TaskVersion" => json!({"version": 2, "at": "2026-11-20T09:12:03.120+00:00", "author": "alice", "task": task_input()}),
        "Nodes" => nodes(),
        "Secret" => secret(),
        "SecretInput" => json!({"value": "sk-live-4eC39HqLyjWDarjtT1zdp7dc"}),
        "Calendar" => calendar(),
        "CalendarSummary" => {
            json!({"name": "release", "title": "Release windows", "color": "#2fb344", "base": "cn", "built_in": false,
            "version": 2, "used_by": ["daily-report"], "updated_at": "2026-11-20T09:12:03.120+00:00", "updated_by": "alice"})
        }
        "CalendarInput" => calendar_input(),
        "CalendarDays" => json!({"years": {"2027": {"off": ["01-01"], "work": ["02-06"]}}}),
        "CalendarDayList" => json!({"days": [{"date": "2026-10-10", "working": true, "name": "National Day", "source": "data"}]}),
        "CalendarImportResult" => json!({"applied": false, "days": 2, "version": 0, "tasks": [{"task_id": "daily-report",
            "firings_before": ["2027-01-01T08:00:00.000+08:00"], "firings_after": ["2027-01-04T08:00:00.000+08:00"]}]}),
        "CalendarRestoreResult" => json!({"applied": true, "version": 4, "tasks": [{"task_id": "daily-report",
            "firings_before": ["2027-01-01T08:00:00.000+08:00"], "firings_after": ["2027-01-04T08:00:00.000+08:00"]}]}),
        "CalendarVersion" => json!({"version": 2, "at": "2026-11-20T09:12:03.120+00:00", "author": "alice", "deleted": false,
            "dates": 4}),
        "Freeze" => json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XA", "tag": "billing", "from": "2026-12-30T22:00:00.000+08:00",
            "until": "2027-01-02T08:00:00.000+08:00", "reason": "Year-end closing", "active": false, "created_by": "alice",
            "created_at": "2026-11-20T17:12:03.120+08:00"}),
        "FreezeInput" => json!({"tag": "billing", "from": "2026-12-30 22:00", "until": "2027-01-02 08:00",
            "reason": "Year-end closing"}),
        "NotifyRule" => {
            let mut rule = notify_rule_input();
            rule["tasks"] = json!({"all": false, "ids": [], "tags": ["report"], "types": []});
            rule["digest"] = json!({"every": "week", "weekday": "mon", "at": "08:00", "timezone": null});
            (rule["title_template"], rule["body_template"]) = (json!("{{ subject }}: {{ event }}"), json!(null));
            (rule["version"], rule["updated_by"]) = (json!(2), json!("alice"));
            (rule["created_at"], rule["updated_at"]) =
                (json!("2026-11-01T01:30:00.000+00:00"), json!("2026-11-20T09:12:03.120+00:00"));
            rule
        }
        "NotifyRuleInput" => notify_rule_input(),
        "MuteInput" => json!({"until": "2026-12-01 08:00"}),
        "TaskMute" => {
            json!({"until": "2026-12-01T00:00:00.000+00:00", "muted_by": "alice", "muted_at": "2026-11-20T09:12:03.120+00:00"})
        }
        "Incident" => incident(),
        "IncidentList" => {
            json!({"items": [incident()], "next_cursor": null, "prev_cursor": null, "total": 1, "total_is_exact": true})
        }
        "IncidentDetail" => {
            let mut detail = incident();
            (detail["muted_until"], detail["tasks"]) = (Value::Null, json!(["daily-report", "daily-import"]));
            detail["runs"] = json!([execution("failed")]);
            detail["deliveries"] = json!([{"message_id": "01KAHW3R80Z8Q1T3B1C6N5M9XC", "rule": "night-shift", "channel": "ops",
                "title": "daily-report failed", "state": "sent", "created_at": "2026-11-20T00:00:03.120+00:00",
                "not_before": "2026-11-20T00:00:03.120+00:00", "sent_at": "2026-11-20T00:00:03.512+00:00", "attempts": 1,
                "provider_code": "0", "provider_message": "ok"}]);
            detail
        }
        "Datasource" => {
            json!({"name": "sales", "kind": "postgres", "host": "db.example.com:5432", "database": "sales", "read_only": true,
                "managed_by": "file"})
        }
        "DatasourceTest" => json!({"ok": true, "elapsed_ms": 12, "server_version": "16.4", "error": null}),
        "MailServer" => json!({"name": "office", "host": "smtp.example.com", "port": 465, "tls": "implicit",
            "sender": "Belfry <belfry@example.com>", "managed_by": null}),
        "SmsProvider" => json!({"name": "aliyun", "provider": "aliyun", "sign": "钟楼", "template": "SMS_154950909",
            "managed_by": null}),
        "Profile" | "HttpProfile" | "MailServerInput" | "MailServerChange" | "SmsProviderInput" | "SmsProviderChange"
        | "DatasourceInput" | "DatasourceChange" | "HttpProfileInput" | "HttpProfileChange" | "HttpTestInput" => profile(name),
        "MailTestInput" => json!({"to": "alice@example.com"}),
        "SmsTestInput" => json!({"to": "+8613800138000", "template": "SMS_154950909", "params": {"code": "1234"}}),
        "MessageTest" => json!({"ok": true, "elapsed_ms": 310, "said": "taken by smtp.example.com", "error": null}),
        "NotifyChannel" => notify_channel(),
        "NotifyChannelInput" => json!({"name": "ops", "type": "dingtalk",
            "url": "https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef", "secret": "SEC0123456789abcdef"}),
        "NotifyChannelChange" => json!({"type": "dingtalk", "mentions": ["all"]}),
        "NotifyChannelTest" => json!({"delivered": false, "provider_status": 200, "provider_code": "310000",
            "provider_message": "sign not match", "template_error": null}),
        "NotifyDeliveryList" => page(notify_delivery()),
        "TaskDocument" => task_document(),
        "PastExecutions" => json!({"executions": [{"task_id": "daily-report", "task_type": "send_email", "status": "succeeded",
            "started_at": "2026-10-01T08:00:00.120+08:00", "duration_ms": 850}]}),
        "ImportedExecutions" => json!({"inserted": 1, "known": 0}),
        "TaskDocumentText" => json!(crate::domain::yaml::write(&task_document())),
        "ImportResult" => {
            json!({"applied": true, "unchanged": 3, "missing_secrets": [], "states": 0, "notify_rules": 0, "calendars": ["release"],
                "heartbeats": 1, "missing_hooks": ["daily-report: github"], "changes": [{"action": "update",
            "id": "daily-report", "type": "send_email",
            "differences": [{"pointer": "/trigger/hour", "before": 8, "after": 9}],
            "firings_before": ["2026-11-23T08:00:00.000+08:00"], "firings_after": ["2026-11-23T09:00:00.000+08:00"]}]})
        }
        "Stats" => stats(),
        "Account" => json!({"name": "alice", "role": "editor"}),
        "text" => json!("hello\n"),
        _ => Value::Null,
    }
}

fn task_document() -> Value {
    json!({"version": 1, "tasks": [task_input()], "secrets": ["smtp-password"]})
}

fn verification() -> Value {
    let lost =
        json!({"task_id": "daily-report", "scheduled_at": "2026-11-20T00:00:00.000+00:00", "execution_ids": [], "reason": null});
    json!({"from": "2026-11-19T09:12:00.000+00:00", "to": "2026-11-20T09:12:00.000+00:00", "expected": 25, "rows": 24,
        "lost": [lost], "doubled": [], "unexplained": [], "undetermined": [], "findings": 1})
}

fn audit_entry() -> Value {
    json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XA", "at": "2026-11-20T09:12:03.120+00:00", "actor": "alice", "via": "page",
        "address": "10.0.0.7", "action": "task.pause", "target": "task:daily-report", "before": null, "after": null})
}

fn nodes() -> Value {
    json!({"nodes": [{"id": "01KAHVZ1M5Q0A3B8C6D4E2F7GH", "name": "host-1", "version": "0.1.0",
        "started_at": "2026-11-20T07:58:00.000+00:00", "last_seen_at": "2026-11-20T09:12:03.120+00:00", "clock_offset_ms": 4, "workers": 8,
        "running": [{"execution_id": "01KAHW3R80Z8Q1T3B1C6N5M9XA", "task_id": "daily-report",
            "started_at": "2026-11-20T09:12:00.003+00:00"}]}],
        "queues": [{"name": "default", "waiting": 0}, {"name": "slow", "waiting": 2}]})
}

fn secret() -> Value {
    let at = "2026-11-21T00:00:00.000+00:00";
    json!({"name": "api-token", "tags": ["report"], "tasks": [], "created_at": at, "updated_at": at, "updated_by": "alice"})
}

fn trigger() -> Value {
    json!({"type": "cron", "day_of_week": "mon-fri", "hour": 8, "timezone": "Asia/Shanghai"})
}

fn policy() -> Value {
    json!({"max_instances": 1, "on_overlap": "skip", "misfire_grace_seconds": 3600, "coalesce": true, "timeout_seconds": 300, "priority": 0,
        "queue": "default", "retry": {"max_attempts": 3, "delay_seconds": 10, "backoff": "exponential",
        "max_delay_seconds": 600, "jitter_seconds": 0, "on_interruption": true}, "retention": {"max_age_days": null, "max_executions": 100},
        "alert": {"late_seconds": 60, "running_longer_than_seconds": 1800, "no_success_for_seconds": 172_800, "failures_in_a_row": 3}})
}

fn task_input() -> Value {
    json!({"id": "daily-report", "name": "Daily report", "tags": ["report"], "type": "echo", "trigger": trigger(),
        "params": {"message": "hello"}, "policy": {"timeout_seconds": 300, "retry": {"max_attempts": 3}}})
}

fn task() -> Value {
    json!({"id": "daily-report", "name": "Daily report", "description": "", "tags": ["report"], "type": "echo",
        "trigger": trigger(), "params": {"message": "hello"}, "enabled": true, "paused": null, "policy": policy(),
        "chain": [{"on": "failure", "task": "alarm", "params": {"message": "{{ previous.error }}"}}],
        "inputs": [], "managed_by": null, "version": 3,
        "created_at": "2026-11-01T09:30:00.000+08:00", "updated_at": "2026-11-20T17:12:03.120+08:00",
        "schedule": {"text": "0 8 * * mon-fri", "description": "At 08:00, Monday to Friday",
            "next_run_at": "2026-11-23T08:00:00.000+08:00"},
        "stats": {"executed": true, "run_count": 12, "success_count": 11, "failure_count": 1,
            "last_run_at": "2026-11-20T08:00:00.003+08:00", "last_status": "succeeded", "last_duration_ms": 120}})
}

fn execution(status: &str) -> Value {
    let mut shown = json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XA", "task_id": "daily-report", "task_type": "echo", "task_version": 3,
        "schedule_text": "0 8 * * mon-fri", "params": {"message": "hello"}, "cause": "api",
        "scheduled_at": "2026-11-20T08:00:00.000+08:00", "queued_at": "2026-11-20T08:00:00.001+08:00",
        "started_at": null, "finished_at": null, "lateness_ms": null, "duration_ms": null, "attempt": 1, "status": status, "waits": false,
        "retry_at": null, "error": null, "node": null, "requested_by": "alice", "started_by": null});
    if status == "succeeded" {
        shown["started_at"] = json!("2026-11-20T08:00:00.003+08:00");
        shown["finished_at"] = json!("2026-11-20T08:00:00.123+08:00");
        shown["lateness_ms"] = json!(3);
        shown["duration_ms"] = json!(120);
        shown["node"] = json!("host-1");
    }
    shown
}

fn execution_detail() -> Value {
    let mut shown = execution("succeeded");
    shown["output"] = json!("hello\n");
    shown["result"] = json!({"message": "hello"});
    shown["filled_params"] = Value::Null;
    shown["inputs"] = json!({"city": "Hangzhou"});
    shown["hook"] = Value::Null;
    shown["started"] = json!([]);
    shown["attempts"] = json!([{"attempt": 1, "status": "succeeded", "started_at": "2026-11-20T08:00:00.003+08:00",
        "finished_at": "2026-11-20T08:00:00.123+08:00", "duration_ms": 120, "error": null, "node": "host-1"}]);
    shown
}

fn page(item: Value) -> Value {
    json!({"items": [item], "next_cursor": null, "prev_cursor": null, "total": 1, "total_is_exact": true})
}

fn preview() -> Value {
    let times = ["2026-11-23T08:00:00.000+08:00", "2026-11-24T08:00:00.000+08:00", "2026-11-25T08:00:00.000+08:00"];
    let occurrences = times.map(|at| json!({"at": at, "scheduled_at": at, "note": null}));
    json!({"text": "0 8 * * mon-fri", "description": {"en": "At 08:00, Monday to Friday", "zh": "周一至周五 08:00"},
        "fire_times": ["2026-11-23T08:00:00.000+08:00", "2026-11-24T08:00:00.000+08:00", "2026-11-25T08:00:00.000+08:00"],
        "occurrences": occurrences,
        "notes": []})
}

fn task_type() -> Value {
    json!({"type": "echo", "title": {"en": "Echo", "zh": "回显"},
        "description": {"en": "Writes a message.", "zh": "输出一条消息。"},
        "params_schema": {"type": "object", "properties": {"message": {"type": "string"}}, "additionalProperties": false},
        "example": {"message": "hello"}, "default_policy": policy(), "dangerous": false})
}

fn stats() -> Value {
    json!({"window_seconds": 86400, "from": "2026-11-20T00:00:00.000+00:00", "to": "2026-11-21T00:00:00.000+00:00",
        "by_status": {"queued": 0, "running": 1, "succeeded": 40, "failed": 2, "timed_out": 0, "cancelled": 0,
            "interrupted": 0, "skipped": 1, "missed": 0},
        "by_type": {"echo": 44}, "success_rate": 0.952, "duration_ms": {"p50": 80, "p95": 240, "p99": 400, "max": 510},
        "lateness_ms": {"p50": 2, "p95": 7, "p99": 11, "max": 15}, "tasks": {"total": 12, "enabled": 11, "failing": 1},
        "due_next": [{"task_id": "daily-report", "name": "Daily report", "next_run_at": "2026-11-23T08:00:00.000+08:00"}]})
}

fn problem(status: u16) -> Value {
    let (slug, title, detail) = match status {
        400 => ("malformed", "The request cannot be read", "the body is not valid JSON: expected value at line 3, column 12"),
        401 => ("unauthorized", "Not signed in", "the token is unknown, revoked or expired"),
        403 => ("forbidden", "Not allowed", "this needs the role editor"),
        404 => ("not-found", "Not found", "there is no task 'nightly'"),
        409 => ("conflict", "Conflict", "there is a task 'daily-report' already"),
        412 => ("version-changed", "Changed by somebody else", "it is at version 4, not 3; reload it"),
        413 => ("too-large", "The body is too large", "the body has more than 1048576 bytes"),
        415 => (
            "unsupported-media-type",
            "Unsupported media type",
            "unsupported media type 'text/plain'; send application/json in UTF-8",
        ),
        422 => ("invalid", "The request is not valid", "hour: 25 is not between 0 and 23"),
        429 => ("too-many-requests", "Too many requests", "too many tries; wait a minute"),
        503 => ("unavailable", "Not available now", "no answer within 30 s"),
        _ => ("internal", "Internal error", "the server failed; see its log for the cause"),
    };
    let errors = match status {
        422 => json!([{"pointer": "/trigger/hour", "message": detail}]),
        _ => json!([]),
    };
    json!({"type": format!("urn:belfry:problem:{slug}"), "title": title, "status": status, "detail": detail, "errors": errors})
}
