use chrono::TimeZone;

use super::*;

fn variables() -> TemplateVariables {
    let zone = chrono_tz::Asia::Shanghai;
    let at = zone.with_ymd_and_hms(2026, 11, 21, 8, 0, 0).unwrap();
    TemplateVariables {
        scheduled_at: at,
        now: at,
        last_success_at: None,
        task_id: "report".into(),
        task_name: "日报".into(),
        task_type: "send_email".into(),
        execution_id: "01J".into(),
        attempt: 2,
        previous: Some(json!({"task_id": "query", "result": {"rows": [[1, "a"]], "value": 7}})),
        env: Arc::new(BTreeMap::from([("HOME".to_owned(), "/root".to_owned())])),
    }
}

fn rendered(text: &str) -> Result<String, String> {
    let secrets: Secrets = Arc::new(|name| (name == "token").then(|| "s3cret".to_owned()));
    let params = json!({"text": text});
    render(&params, &variables(), secrets).map(|value| value["text"].as_str().unwrap().to_owned()).map_err(|fault| fault.message)
}

#[test]
fn render_replaces_variables_and_filters() {
    let cases = [
        ("{{ task.name }} {{ task.id }} {{ execution.id }} #{{ attempt }}", "日报 report 01J #2"),
        ("{{ scheduled_at }}", "2026-11-21T08:00:00.000+08:00"),
        (r#"{{ now | date(format="%Y/%m/%d") }}"#, "2026/11/21"),
        (r#"{{ now | minus(days=1) | date(format="%F %H:%M", timezone="UTC") }}"#, "2026-11-20 00:00"),
        (r#"{{ now | plus(months=3, hours=1) }}"#, "2027-02-21T09:00:00.000+08:00"),
        ("{{ now | timestamp }}", "1795219200"),
        (r#"{{ last_success_at | default(value="never") }}"#, "never"),
        ("{{ previous.result.value }} {{ previous.result.rows | json }}", r#"7 [[1,"a"]]"#),
        ("{{ env.HOME }}", "/root"),
        (r#"Bearer {{ secret("token") }}{{ secret(name="token") }}{{ secret('token') }}"#, "Bearer s3crets3crets3cret"),
        ("{% if attempt > 1 %}again{% else %}first{% endif %}", "again"),
        (r#"{{ "a b&c" | urlencode }} <b>"#, "a%20b%26c <b>"),
        ("no expression { } %", "no expression { } %"),
    ];
    for (text, expected) in cases {
        assert_eq!(rendered(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn render_errors_name_the_cause() {
    let cases = [
        (r#"{{ secret("other") }}"#, "there is no secret 'other'"),
        ("{{ env.PATH }}", "PATH"),
        ("{{ last_success_at }}", "last_success_at"),
        (r#"{{ now | date(format="%Q") }}"#, "is not a time format"),
        (r#"{{ now | date(timezone="Mars/Base") }}"#, "not a time zone"),
        (r#"{{ "x" | date }}"#, "is not a time"),
        ("{{ now | plus(days=9223372036854775807) }}", "out of range"),
        ("{% for i in range(end=99999) %}{% for j in range(end=99999) %}0123456789{% endfor %}{% endfor %}", "longer than"),
    ];
    for (text, expected) in cases {
        let message = rendered(text).unwrap_err();
        assert!(message.contains(expected) && message.starts_with("text: ") && !message.contains('\n'), "{text}: {message}");
    }
}

#[test]
fn check_finds_invalid_templates() {
    let params =
        json!({"a": "{{ now", "b": ["{{ nobody }}", "{{ now }}"], "c/d": {"e": "{{ now | nothing }}"}, "f": "{% if %}", "g": 1});
    let faults = check(&params, "/params");
    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/params/a", "/params/b/0", "/params/c~1d/e", "/params/f"], "{faults:?}");
    assert!(faults[1].message.contains("unknown template variable 'nobody'"), "{}", faults[1].message);
    assert!(faults.iter().all(|fault| !fault.message.contains('\n')), "{faults:?}");
    assert_eq!(check(&json!({"a": "{ plain }", "b": {"c": [1, null]}}), "/params"), []);
}

#[test]
fn templates_cannot_include_files_or_other_templates() {
    for text in [r#"{% include "x" %}"#, r#"{% extends "x" %}"#, r#"{% import "x" as y %}"#, "{% block a %}x{% endblock %}"] {
        assert!(rendered(text).is_err(), "{text}");
    }
}

#[test]
fn mentions_looks_at_strings_with_expressions_only() {
    assert!(mentions(&json!({"sql": "where t > '{{ last_success_at }}'"}), "last_success_at"));
    assert!(!mentions(&json!({"sql": "select last_success_at"}), "last_success_at"));
}
