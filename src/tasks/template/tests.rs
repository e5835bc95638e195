use chrono::TimeZone;

use super::*;

fn variables() -> TemplateVariables {
    let zone = chrono_tz::Asia::Shanghai;
    let at = zone.with_ymd_and_hms(2026, 11, 21, 8, 0, 0).unwrap();
    TemplateVariables {
        scheduled_at: at,
        calendar: None,
        now: at,
        last_success_at: None,
        task_id: "report".into(),
        task_name: "日报".into(),
        task_type: "send_email".into(),
        execution_id: "01J".into(),
        attempt: 2,
        previous: Some(json!({"task_id": "query", "result": {"rows": [[1, "a"]], "value": 7, "exact": exact_numbers()}})),
        env: Arc::new(BTreeMap::from([("HOME".to_owned(), "/root".to_owned())])),
        input: json!({"city": "上海", "amount": 7}).as_object().cloned().unwrap(),
        hook: Some(json!({"body": "{}", "json": {"ref": "main"}, "headers": {"x-github-event": "push"}})),
    }
}

fn exact_numbers() -> Value {
    serde_json::from_str("[12345678901234567890123, 0.12345678901234567890123, 1.5, -18446744073709551615]").unwrap()
}

fn rendered(text: &str) -> Result<String, String> {
    let secrets: Secrets =
        Arc::new(|name| if name == "token" { Ok("s3cret".to_owned()) } else { Err(message!("secret.missing", name)) });
    let params = json!({"text": text});
    render_all(&params, &variables(), secrets, &Arc::new(Budget::new()))
        .map(|value| value["text"].as_str().unwrap().to_owned())
        .map_err(|fault| fault.message.to_string())
}

#[test]
fn render_replaces_variables_and_filters() {
    let cases = [
        ("{{ task.name }} {{ task.id }} {{ execution.id }} #{{ attempt }}", "日报 report 01J #2"),
        ("{{ scheduled_at }}", "2026-11-21T08:00:00.000+08:00"),
        ("{{ business_date }} {{ business_date() }} {{ business_date(days=-1) }}", "2026-11-21 2026-11-21 2026-11-20"),
        (r#"{{ business_date(working_days=1, format="%Y%m%d") }} {{ business_date(working_days=-1) }}"#, "20261123 2026-11-20"),
        (r#"{{ now | date(format="%Y/%m/%d") }}"#, "2026/11/21"),
        (r#"{{ now | minus(days=1) | date(format="%F %H:%M", timezone="UTC") }}"#, "2026-11-20 00:00"),
        (r#"{{ now | plus(months=3, hours=1) }}"#, "2027-02-21T09:00:00.000+08:00"),
        ("{{ now | timestamp }}", "1795219200"),
        (r#"{{ last_success_at | default(value="never") }}"#, "never"),
        ("{{ previous.result.value }} {{ previous.result.rows | json }}", r#"7 [[1,"a"]]"#),
        (
            "{% for number in previous.result.exact %}{{ number }} {% endfor %}{{ previous.result.exact[2] * 2 }}",
            "12345678901234567890123 0.12345678901234567890123 1.5 -18446744073709551615 3.0",
        ),
        ("{% if previous.result.value > 6 and previous.result.exact[2] < 2 %}yes{% endif %}", "yes"),
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
        (r#"{{ now | date(timezone="Mars/Base") }}"#, "unknown zone 'Mars/Base'"),
        (r#"{{ "x" | date }}"#, "is not a time"),
        ("{{ now | plus(days=9223372036854775807) }}", "out of range"),
        ("{% for i in range(end=9999) %}{% for j in range(end=9999) %}0123456789{% endfor %}{% endfor %}", "longer than"),
    ];
    for (text, expected) in cases {
        let message = rendered(text).unwrap_err();
        assert!(message.contains(expected) && message.starts_with("text: ") && !message.contains('\n'), "{text}: {message}");
    }
}

#[test]
fn causes_of_failed_filters_are_in_both_languages() {
    let failed = |text: &str| {
        let secrets: Secrets = Arc::new(|name| Err(message!("secret.missing", name)));
        render_all(&json!({"text": text}), &variables(), secrets, &Arc::new(Budget::new())).unwrap_err().message
    };
    let cases = [
        (r#"{{ "x" | date }}"#, "“x”不是时间"),
        ("{{ 5 | split(pat='a') }}", "需要字符串"),
        (r#"{{ "a" | indent(indentation="ab") }}"#, "须为一个字符"),
        ("{{ range(end=9, step_by=0) }}", "step_by 不能为 0"),
        (r#"{{ secret(name="gone") }}"#, "没有机密“gone”"),
    ];
    for (text, expected) in cases {
        let message = failed(text).text(crate::i18n::Language::Chinese);
        assert!(message.contains(expected) && message.contains("第 1 行"), "{text}: {message}");
    }
}

#[test]
fn check_finds_invalid_templates() {
    let params =
        json!({"a": "{{ now", "b": ["{{ nobody }}", "{{ now }}"], "c/d": {"e": "{{ now | nothing }}"}, "f": "{% if %}", "g": 1});
    let faults = check(&params, "/params", &[]);
    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/params/a", "/params/b/0", "/params/c~1d/e", "/params/f"], "{faults:?}");
    assert!(faults[1].message.to_string().contains("unknown template variable 'nobody'"), "{}", faults[1].message);
    assert!(faults.iter().all(|fault| !fault.message.to_string().contains('\n')), "{faults:?}");
    assert_eq!(check(&json!({"a": "{ plain }", "b": {"c": [1, null]}}), "/params", &[]), []);
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

#[test]
fn loops_and_conditions_render_as_in_tera() {
    let cases = [
        ("{% for row in previous.result.rows -%} {{ row[0] }}{{ row[1] }} {%- endfor %}", "1a"),
        ("{% for i in range(end=3) %}{{ i }}{% if loop.last %}.{% else %}, {% endif %}{% endfor %}", "0, 1, 2."),
        ("{% set a = 'x' %}{% set b = a ~ a %}{{ b }} {%- if b == 'xx' -%} yes {%- elif a %}no{% endif %}", "xxyes"),
        ("{% for i in range(end=9) %}{% if i == 2 %}{% break %}{% endif %}{% set_global last = i %}{% endfor %}{{ last }}", "1"),
        ("{{ 'a-b-c' | split(pat='-') | join(sep='+') | replace(from='+', to='/') }}", "a/b/c"),
        ("{{ 'a\nb\n' | indent(width=2) }}|{{ [1, 2] | str }}", "a\n  b\n|[1, 2]"),
        (
            "{{ '<a>&\"' | escape_html }} {{ \"'\" | escape_xml }} {{ '<' | escape | escape }} {{ 'a\r\nb\nc' | newlines_to_br }}",
            "&lt;a&gt;&amp;&quot; &apos; &lt; a<br>b<br>c",
        ),
        ("{# {% for #}{% raw %}{{ x }}{% endraw %}{{ '%} }}' }}", "{{ x }}%} }}"),
    ];
    for (text, expected) in cases {
        assert_eq!(rendered(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn rendering_is_stopped_by_its_budget() {
    let doubling = "{% set a = a ~ a %}".repeat(40);
    let nested = "{% set a = [a, a] %}".repeat(40);
    let cases = [
        (format!("{{% set a = 'text' %}}{doubling}{{{{ a | length }}}}"), "value of a template variable"),
        (format!("{{% set a = 'text' %}}{nested}{{{{ a | length }}}}"), "value of a template variable"),
        (
            "{% set_global a = 'x' %}{% for i in range(end=99) %}{% set_global a = a ~ a %}{% endfor %}".to_owned(),
            "value of a template variable",
        ),
        (
            "{% for i in range(end=9999) %}{% set a = 'x' | indent(first=true, width=1000) %}{% endfor %}{% for i in range(end=9999) %}{% set a = 'x' | indent(first=true, width=1000) %}{% endfor %}".to_owned(),
            "together larger",
        ),
        ("{% for i in range(end=9999) %}{% for j in range(end=9999) %}{% endfor %}{% endfor %}".to_owned(), "steps"),
        (
            "{% set_global a = 1 %}{% for i in range(end=49999) %}{% set_global a = [a] %}{% endfor %}".to_owned(),
            "value of a template variable",
        ),
        ("{% set a = 'a' | indent(first=true, width=1000) %}{{ a | replace(from=' ', to=a) | replace(from=' ', to=a) }}".to_owned(), "longer than"),
        (format!("{{% set a = '&' | indent(first=true, width=1000) | replace(from=' ', to='&') %}}{{{{ a | replace(from='&', to=a){} }}}}", " | escape_html".repeat(40)), "longer than"),
        ("{% set a = '\n' | indent(first=true, blank=true, width=1000) | replace(from=' ', to='\n') %}{{ a | replace(from='\n', to=a) | newlines_to_br }}".to_owned(), "longer than"),
        ("{{ range(end=99999999) | length }}".to_owned(), "more than 50000 items"),
        ("{% set a = 'a' | indent(first=true, width=1000) %}{{ range(end=40000) | join(sep=a) }}".to_owned(), "longer than"),
    ];
    for (text, expected) in cases {
        let started = std::time::Instant::now();
        let message = rendered(&text).unwrap_err();
        assert!(message.contains(expected), "{text:.80}: {message}");
        assert!(started.elapsed() < std::time::Duration::from_secs(10), "{text:.80}: {:?}", started.elapsed());
    }
}

#[test]
fn check_survives_templates_that_recurse_deeply() {
    let templates = [
        format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(8_000)),
        format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("{{{{ {} 1 }}}}", "not ".repeat(50_000)),
        format!("{{{{ a{} }}}}", "[a".repeat(50_000)),
        "{% for i in now %}".repeat(5_000),
        format!("{{{{ 1{} }}}}", " + 1".repeat(50_000)),
    ];
    for text in templates {
        assert_eq!(check(&json!({"text": text}), "/params", &[]).len(), 1, "{text:.40}");
    }
}

#[test]
fn inputs_and_hooks_are_variables() {
    let cases = [
        ("{{ input.city }} {{ input.amount + 1 }}", "上海 8"),
        ("{{ input.none | default(value=\"-\") }}", "-"),
        ("{{ hook.json.ref }} {{ hook.headers[\"x-github-event\"] }} {{ hook.body }}", "main push {}"),
    ];
    for (text, expected) in cases {
        assert_eq!(rendered(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn check_reports_inputs_that_the_task_does_not_have() {
    let faults = |text: &str, inputs: &[&str]| check(&json!({"text": text}), "/params", inputs);
    assert_eq!(faults("{{ input.city }} {{ hook.body }}", &["city"]), []);
    assert!(faults("{{ input.town }}", &["city"])[0].message.to_string().contains("known are city"));
    assert!(faults("{{ input.town }}", &[])[0].message.to_string().contains("has no inputs"));
    assert_eq!(faults("{% for input in [1] %}{{ input.town }}{% endfor %}", &[]), [], "a variable of the template");
}
