//! Injection: texts with a meaning for a database, a template engine, a shell or a spreadsheet, in every text field.

use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Belfry, PASSWORD};

/// Each has a visible effect if it is evaluated: a changed result, a database error, a product of numbers, a file.
const EVIL: [&str; 10] = [
    "' or '1'='1",
    "'; drop table tasks; --",
    "\" or 1=1 --",
    "%' escape '\\",
    "{{ 7919 * 7907 }}",
    "{% include '/etc/passwd' %}",
    "${7919*7907}",
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned #",
];

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_stored_unchanged_and_not_evaluated() {
    let belfry = Belfry::start().await;
    let session = belfry.sign_in("admin", PASSWORD).await;
    for (place, evil) in EVIL.into_iter().enumerate() {
        let id = format!("t{place}");
        let trigger = json!({"type": "interval", "hours": 100});
        let task = json!({"id": id, "name": evil, "description": evil, "tags": ["plain"], "type": "echo", "trigger": trigger, "params": {"message": "m"}});
        let created = belfry.expect_status(Method::POST, "/api/v1/tasks", task, 201).await;
        assert_eq!((created["name"].as_str(), created["description"].as_str()), (Some(evil), Some(evil)));
        let run = belfry.run(&id).await;
        assert_eq!(run["status"], "succeeded", "{run}");
        let page = belfry.page(&session, &format!("/tasks/{id}")).await.text().await.expect("text");
        assert!(!page.contains("62615533"), "a name is not a template: {evil}");
    }
    let count = belfry.expect_status(Method::GET, "/api/v1/tasks", Value::Null, 200).await["total"].clone();
    assert_eq!(count, EVIL.len());
    for evil in EVIL {
        let encoded = belfry::web::urls::encode(evil);
        for name in ["search", "type", "status", "tag", "sort", "enabled", "cursor", "page_size"] {
            let answer = belfry.call(Method::GET, &format!("/api/v1/tasks?{name}={encoded}"), None).await;
            let (code, text) = (answer.status().as_u16(), answer.text().await.expect("text"));
            assert!(matches!(code, 200 | 400 | 422), "{name}={evil}: {code} {text}");
            assert!(!text.to_lowercase().contains("syntax error") && !text.contains("sqlite"), "{text}");
            if name == "search" && code == 200 {
                let total = serde_json::from_str::<Value>(&text).expect("JSON")["total"].as_u64().expect("a count");
                assert!(total <= 2, "{evil} finds {total} tasks, not only those that contain it");
            }
            let page = belfry.page(&session, &format!("/tasks?{name}={encoded}&q={encoded}")).await.status().as_u16();
            assert!(matches!(page, 200 | 303 | 400 | 422), "{name}={evil}: {page}");
        }
        for name in ["task_id", "task_type", "status", "cause", "from", "to", "search", "cursor"] {
            let code = belfry.call(Method::GET, &format!("/api/v1/executions?{name}={encoded}"), None).await.status().as_u16();
            assert!(matches!(code, 200 | 400 | 422), "{name}={evil}: {code}");
        }
        for name in ["actor", "action", "target", "from", "to"] {
            let code = belfry.call(Method::GET, &format!("/api/v1/audit?{name}={encoded}"), None).await.status().as_u16();
            assert!(matches!(code, 200 | 400 | 422), "{name}={evil}: {code}");
        }
        let signed =
            belfry.anonymous(Method::POST, "/login").form(&[("name", evil), ("password", evil)]).send().await.expect("answers");
        assert!(matches!(signed.status().as_u16(), 401 | 429), "{evil}");
    }
    assert_eq!(
        belfry.expect_status(Method::GET, "/api/v1/tasks", Value::Null, 200).await["total"],
        EVIL.len(),
        "the table still exists"
    );
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_in_parameters_cannot_read_the_server() {
    let belfry = Belfry::start_with(|s| s.commands.environment = vec!["HOME".into()]).await;
    let tries = [
        "{% include \"/etc/passwd\" %}",
        "{% import \"x\" as x %}",
        "{% extends \"base.html\" %}",
        "{{ get_env(name=\"PATH\") }}",
        "{{ env.PATH }}",
        "{{ __tera_context }}",
        "{{ secret(\"none\") }}",
        "{{ self }}",
        "{{ config }}",
        "{% raw %}",
        "{% for a in range(end=100000000) %}{{ a }}{% endfor %}",
        "{{ task.params }}",
    ];
    for (place, text) in tries.into_iter().enumerate() {
        let id = format!("t{place}");
        let task = json!({"id": id, "type": "echo", "trigger": {"type": "interval", "hours": 100}, "params": {"message": text}});
        let created = belfry.call(Method::POST, "/api/v1/tasks", Some(&task)).await;
        if created.status() == 422 {
            continue;
        }
        assert_eq!(created.status(), 201, "{text}");
        let run = belfry.run(&id).await;
        let path = std::env::var("PATH").expect("is set");
        assert!(!run.to_string().contains(&path) && !run.to_string().contains("root:x"), "{text}: {run}");
        // A template may read its own context.
        assert!(run["status"] == "failed" || text.contains("__tera_context"), "{text}: {run}");
    }
    belfry.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn output_of_another_run_is_not_run_as_a_command() {
    let belfry = Belfry::start().await;
    let work = belfry.folder.path().join("work");
    std::fs::create_dir(&work).expect("a folder");
    let cwd = work.display().to_string();
    let given = "x'; touch pwned; echo '$(touch pwned)`touch pwned`\"";
    let trigger = json!({"type": "interval", "hours": 100});
    let commands = [
        json!({"command": ["printf", "%s", "{{ previous.result.message }}"], "cwd": cwd}),
        json!({"command": "printf %s \"$GIVEN\"", "env": {"GIVEN": "{{ previous.result.message }}"}, "cwd": cwd}),
        json!({"command": "cat", "stdin": "{{ previous.result.message }}", "cwd": cwd}),
    ];
    for (place, params) in commands.into_iter().enumerate() {
        let (first, second) = (format!("first-{place}"), format!("second-{place}"));
        let task = json!({"id": second, "type": "send_cmd", "trigger": trigger, "params": params});
        belfry.expect_status(Method::POST, "/api/v1/tasks", task, 201).await;
        let task = json!({"id": first, "type": "echo", "trigger": trigger, "params": {"message": given}, "chain": [{"on": "success", "task": second}]});
        belfry.expect_status(Method::POST, "/api/v1/tasks", task, 201).await;
        belfry.run(&first).await;
        let path = format!("/api/v1/tasks/{second}/executions");
        let output = crate::server::until("the chained run", || async {
            let runs = belfry.expect_status(Method::GET, &path, Value::Null, 200).await;
            let run = runs["items"].get(0)?.clone();
            run["finished_at"].as_str()?;
            let whole = format!("/api/v1/executions/{}/output", run["id"].as_str()?);
            Some(belfry.call(Method::GET, &whole, None).await.text().await.expect("text"))
        })
        .await;
        assert!(output.contains(given), "{params:?}: {output}", params = second);
        assert!(!work.join("pwned").exists(), "{second}");
    }
    for bare in [
        "echo {{ previous.result.message }}",
        "echo '{{ previous.error | json }}'",
        "{% for row in previous.result.rows %}echo {{ row }};{% endfor %}",
        "echo {{ __tera_context }}",
        "{% set x = previous.result.message %}echo {{ x }}",
    ] {
        let task = json!({"id": "bare", "type": "send_cmd", "trigger": trigger, "params": {"command": bare}});
        let refused = belfry.expect_status(Method::POST, "/api/v1/tasks", task, 422).await;
        assert_eq!(refused["errors"][0]["pointer"], "/params/command");
        assert!(
            refused["errors"][0]["message"]
                .as_str()
                .is_some_and(|message| message.contains("must not contain output of another run")),
            "{bare}: {refused}"
        );
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_download_contains_no_formulas() {
    let belfry = Belfry::start().await;
    let session = belfry.sign_in("admin", PASSWORD).await;
    for (place, formula) in
        ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1"].into_iter().enumerate()
    {
        let id = format!("t{place}");
        let task = json!({"id": id, "type": "echo", "trigger": {"type": "interval", "hours": 100}, "params": {"message": formula, "fail": formula}});
        belfry.expect_status(Method::POST, "/api/v1/tasks", task, 201).await;
        belfry.run(&id).await;
    }
    let file = belfry.page(&session, "/executions/-/download?format=csv").await.text().await.expect("text");
    let mut reader = csv::Reader::from_reader(file.trim_start_matches('\u{feff}').as_bytes());
    let mut cells = 0;
    for row in reader.records() {
        for cell in row.expect("is CSV").iter() {
            let first = cell.chars().next().unwrap_or(' ');
            let number = cell.parse::<f64>().is_ok();
            assert!(number || !matches!(first, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n'), "{cell:?}");
            cells += 1;
        }
    }
    assert!(cells >= 8 * 17, "{file}");
    belfry.end().await;
}
