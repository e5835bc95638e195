//! Examples of what a task has besides its definition: calendars, backfills, heartbeats, hooks, incidents, notifications.

use serde_json::{Value, json};

pub(super) fn notify_rule_input() -> Value {
    json!({"name": "night-shift", "tasks": {"tags": ["report"]}, "events": ["failed", "recovered"], "after_failures": 1,
        "channels": ["ops"], "remind_every_seconds": 3600, "quiet_hours": {"from": "22:00", "to": "07:00", "timezone": "Asia/Shanghai"},
        "urgent": false, "enabled": true, "language": "en", "digest": {"every": "week", "weekday": "mon", "at": "08:00"}})
}

pub(super) fn incident() -> Value {
    json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XB", "subject": "task:daily-report", "task_id": "daily-report", "event": "failed",
        "cause": "connection to # refused", "error": "connection to 10.0.0.7:5432 refused",
        "opened_at": "2026-11-20T00:00:03.120+00:00", "last_at": "2026-11-20T01:00:03.102+00:00", "closed_at": null, "closed_by": null,
        "count": 2, "first_execution_id": "01KAHW3R80Z8Q1T3B1C6N5M9XA", "last_execution_id": "01KAHW3R80Z8Q1T3B1C6N5M9XA",
        "acknowledged_at": null, "acknowledged_by": null, "rules": ["night-shift"]})
}

pub(super) fn calendar_input() -> Value {
    json!({"name": "release", "title": "Release windows", "color": "#2fb344", "base": "cn",
        "dates": [{"date": "2026-12-31", "until": "2027-01-03", "name": "Year-end closing"}],
        "closures": [{"window": "Sat 22:00-Sun 02:00", "name": "Maintenance"}]})
}

pub(super) fn calendar() -> Value {
    json!({"name": "release", "title": "Release windows", "color": "#2fb344", "timezone": null, "base": "cn", "weekdays": null,
        "years": [], "dates": [{"date": "2026-12-31", "until": "2027-01-03", "working": false, "name": "Year-end closing"}],
        "yearly": [], "closures": [{"window": "Sat 22:00-Sun 02:00", "name": "Maintenance"}], "built_in": false, "version": 2,
        "used_by": ["daily-report"], "created_at": "2026-11-01T01:30:00.000+00:00",
        "updated_at": "2026-11-20T09:12:03.120+00:00", "updated_by": "alice"})
}

pub(super) fn heartbeat() -> Value {
    json!({"id": "nightly-backup", "name": "Nightly backup", "tags": ["backup"], "cron": "0 3 * * *", "period_seconds": null,
        "timezone": "Asia/Shanghai", "grace_seconds": 1800, "enabled": true, "version": 1,
        "created_at": "2026-11-01T09:30:00.000+08:00", "updated_at": "2026-11-01T09:30:00.000+08:00", "status": "up",
        "since": "2026-11-02T03:04:11.120+08:00", "expected_at": "2026-11-22T03:00:00.000+08:00",
        "last_ping_at": "2026-11-21T03:04:11.120+08:00",
        "url": "https://belfry.example.com/ping/dGhpcyBpcyBhbiBleGFtcGxlIG9mIGEgaG9va3M"})
}

pub(super) fn hook() -> Value {
    json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XA", "name": "deploy", "hmac": "github", "created_at": "2026-11-20T09:12:03.120+00:00",
        "created_by": "alice", "used_at": null})
}

pub(super) fn backfill() -> Value {
    json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XB", "task_id": "daily-report", "status": "running", "only": "missing",
        "from": "2026-10-31T16:00:00.000+00:00", "to": "2026-11-07T16:00:00.000+00:00", "concurrency": 2, "planned": 5, "waiting": 2,
        "runs": {"succeeded": 2, "running": 1}, "requested_by": "alice", "created_at": "2026-11-20T09:12:00.000+00:00",
        "finished_at": null})
}

pub(super) fn occurrences() -> Value {
    let recorded = json!({"scheduled_at": "2026-11-20T08:00:00.000+08:00", "status": "succeeded", "cause": "schedule", "reason": null,
        "execution_id": "01KAHW3R80Z8Q1T3B1C6N5M9XA"});
    let planned = json!({"scheduled_at": "2026-11-23T08:00:00.000+08:00", "status": "planned", "cause": null, "reason": null,
        "execution_id": null});
    json!({"items": [recorded, planned], "next": null})
}

pub(super) fn explanation() -> Value {
    let reason = |what: &str, holds: bool, detail: &str| json!({"what": what, "holds": holds, "detail": detail});
    json!({"at": "2026-11-21T08:00:00.000+08:00", "due": false, "decided": null, "execution_id": null, "reasons": [
        reason("task", true, "the task was created by alice at 2026-11-01T09:30:00.000+08:00"),
        reason("rule", false, "the rule was 0 8 * * mon-fri"),
        reason("timezone", true, "it is 2026-11-21 08:00:00 (+08:00) in Asia/Shanghai"),
        reason("day", false, "2026-11-21, a Saturday"),
        reason("hour", true, "8 against 8"),
        reason("next", true, "the next scheduled time is 2026-11-23T08:00:00.000+08:00")]})
}

pub(super) fn notify_channel() -> Value {
    json!({"name": "ops", "type": "dingtalk", "url": "https://oapi.dingtalk.com/***", "managed_by": null,
        "credentials": ["url", "secret"], "chat_id": null, "corp_id": null, "agent_id": null, "topic": null, "keyword": null,
        "to": [], "mentions": [], "smtp": null, "sms": null, "template": null, "title_template": null, "body_template": null, "language": "zh-CN",
        "health": {"failing": false, "failures": 0, "failing_since": null, "last_success_at": "2026-11-20T08:00:01.480+00:00",
            "last_failure_at": null, "provider_status": 200, "provider_code": "0", "provider_message": "ok"},
        "updated_at": "2026-11-19T09:12:03.120+00:00", "updated_by": "alice"})
}

pub(super) fn notify_delivery() -> Value {
    json!({"id": "01KAHW3R80Z8Q1T3B1C6N5M9XC", "channel": "ops", "incident_id": "01KAHW3R80Z8Q1T3B1C6N5M9XD", "rule": "all",
        "event": "failed", "title": "daily-report failed", "subjects": ["daily-report"], "urgent": false, "state": "sent",
        "created_at": "2026-11-20T08:00:01.120+00:00", "not_before": "2026-11-20T08:00:01.120+00:00",
        "sent_at": "2026-11-20T08:00:01.480+00:00", "next_try_at": null, "attempts": 1, "group_id": "01KAHW3R80Z8Q1T3B1C6N5M9XC",
        "provider_status": 200, "provider_code": "0", "provider_message": "ok", "template_error": null})
}

/// An example of a profile, of what creates one, or of what changes it.
pub(super) fn profile(schema: &str) -> Value {
    match schema {
        "MailServerInput" => {
            json!({"name": "office", "preset": "exmail", "user": "belfry@example.com", "password": "a password"})
        }
        "MailServerChange" => json!({"host": "smtp.example.com", "port": 465, "user": "belfry@example.com"}),
        "SmsProviderInput" => {
            json!({"name": "aliyun", "provider": "aliyun", "access_key": "LTAI0123456789", "secret_key": "a secret key",
            "sign": "钟楼", "template": "SMS_154950909"})
        }
        "SmsProviderChange" => json!({"provider": "aliyun", "access_key": "LTAI0123456789", "sign": "钟楼"}),
        "DatasourceInput" => {
            json!({"name": "sales", "url": "postgres://db.example.com/sales", "user": "belfry", "password": "a password",
            "read_only": true})
        }
        "DatasourceChange" => json!({"user": "belfry", "read_only": true, "tls": "verify"}),
        "HttpProfileInput" => json!({"name": "crm", "base_url": "https://crm.example.com/api/", "bearer": "a token"}),
        "HttpProfileChange" => json!({"base_url": "https://crm.example.com/api/v2/"}),
        "HttpProfile" => {
            json!({"name": "crm", "base_url": "https://crm.example.com/api/", "sign_in": "bearer", "managed_by": null})
        }
        "HttpTestInput" => json!({"url": "health"}),
        _ => json!({"name": "office", "kind": "smtp", "managed_by": null, "version": 2, "settings": {"host": "smtp.example.com",
            "port": 465, "user": "belfry@example.com"}, "secrets": ["password"], "tasks": ["daily-report"], "channels": [],
            "updated_at": "2026-11-19T09:12:03.120+00:00", "updated_by": "alice"}),
    }
}
