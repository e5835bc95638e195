//! Templates in parameters, and masking of secrets.

use belfry::domain::execution::{Execution, Status};
use belfry::domain::user::Actor;
use belfry::service::{Error, NewSecret};
use belfry::storage::execution;
use belfry::worker::WorkerConfig;
use serde_json::{Value, json};

use crate::for_each_database;
use crate::harness::Harness;
use crate::support::TestDatabase;
use crate::support::context::TestContext;

fn admin() -> Actor {
    Actor::local("alice")
}

async fn shown(db: &TestDatabase, run: &Execution) -> (Value, Value) {
    let mut session = db.database.read().await.unwrap();
    let filled = execution::rendered_params(&mut session, &run.id).await.unwrap();
    let result = execution::result(&mut session, &run.id).await.unwrap();
    (filled.unwrap_or_default(), result.unwrap_or_default())
}

for_each_database! {
    async fn templates_are_rendered_when_a_run_starts(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let message = "{{ task.type }} #{{ attempt }} {{ env.GREETING }} {{ scheduled_at | date(format=\"%Y\") | length }}";
        let run = harness.finished(&harness.queue("echo", json!({"message": message})).await).await;
        assert_eq!(run.status, Status::Succeeded, "{:?}", run.error);
        let (filled, result) = shown(db, &run).await;
        assert_eq!(result["message"], "echo #1 你好 4");
        assert_eq!(filled["message"], result["message"]);
        assert_eq!(run.params["message"], message, "the original parameters are kept");
        let plain = harness.finished(&harness.queue("echo", json!({"message": "plain"})).await).await;
        assert_eq!(shown(db, &plain).await.0, Value::Null, "parameters without templates are not stored twice");
        harness.stop().await;
    }

    async fn template_errors_fail_the_run(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        for (message, received) in [("{{ last_success_at }}", "last_success_at"), ("{{ secret(\"none\") }}", "there is no secret 'none'")] {
            let run = harness.finished(&harness.queue("echo", json!({"message": message})).await).await;
            let error = run.error.unwrap_or_default();
            assert!(run.status == Status::Failed && error.contains(received) && error.contains("params.message"), "{error}");
        }
        let run = harness.finished(&harness.queue("http_request", json!({"url": "{{ task.id }}"})).await).await;
        assert!(run.error.unwrap_or_default().contains("invalid parameters after rendering templates: /params/url"));
        harness.stop().await;
    }

    async fn secrets_are_masked_everywhere(db: &TestDatabase) {
        const VALUE: &str = "hunter2 & \"more\"";
        let context = TestContext::new(&db.database);
        let listed = context.services.secrets.put(&admin(), "db.password", &NewSecret::new(VALUE)).await.unwrap();
        assert_eq!((listed.name.as_str(), listed.updated_by.as_str()), ("db.password", "alice"));
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let succeeded = harness.finished(&harness.queue("echo", json!({"message": "it is {{ secret('db.password') }}!"})).await).await;
        let (filled, result) = shown(db, &succeeded).await;
        assert_eq!((&filled["message"], &result["message"]), (&json!("it is ***!"), &json!("it is ***!")));
        let failed = harness.finished(&harness.queue("echo", json!({"fail": "{{ secret(\"db.password\") }}"})).await).await;
        assert_eq!(failed.error.as_deref(), Some("***"));
        #[cfg(unix)]
        {
            // In two chunks, and without using the secret.
            let command = "printf 'hunter2 & '; sleep 0.3; printf '\"more\" end\\n'; exit 3";
            let run = harness.finished(&harness.queue("send_cmd", json!({"command": command})).await).await;
            let output: String = harness.output(&run.id).await.into_iter().map(|chunk| chunk.text).collect();
            assert!(output.contains("*** end") && !output.contains("hunter2"), "{output}");
            assert!(!shown(db, &run).await.1.to_string().contains("hunter2"), "masked in the result");
        }
        harness.stop().await;
    }

    async fn texts_made_of_secrets_are_hidden_as_a_whole(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.services.secrets.put(&admin(), "key", &NewSecret::new("hunter2-and-more")).await.unwrap();
        let harness = Harness::start(&db.database, WorkerConfig::default());
        for template in [
            "{{ secret('key') | reverse }}",
            "{% for c in secret('key') %}{{ c }} {% endfor %}",
            "{{ secret('key') | upper }}",
            "{% set text = secret('key') %}{{ text ~ text }}",
            "{{ secret('key') | truncate(length=6, end='') }}",
        ] {
            let run = harness.finished(&harness.queue("echo", json!({"message": template})).await).await;
            let (filled, result) = shown(db, &run).await;
            assert_eq!((&filled["message"], &result["message"]), (&json!("***"), &json!("***")), "{template}");
            let failed = harness.finished(&harness.queue("echo", json!({"fail": template})).await).await;
            assert_eq!(failed.error.as_deref(), Some("***"), "{template}");
        }
        #[cfg(unix)]
        {
            let command = json!({"command": ["printf", "<%s>", "{{ secret('key') | reverse }}"]});
            let run = harness.finished(&harness.queue("send_cmd", command).await).await;
            let output: String = harness.output(&run.id).await.into_iter().map(|chunk| chunk.text).collect();
            assert_eq!((output.as_str(), &shown(db, &run).await.1["stdout_tail"]), ("<***>", &json!("<***>")));
        }
        let short = harness.finished(&harness.queue("echo", json!({"message": "{{ secret('key') | truncate(length=2, end='') }}"})).await).await;
        assert!(short.error.unwrap_or_default().contains("/message: a text made of a secret must have at least 4 bytes"));
        harness.stop().await;
    }

    async fn errors_of_rendered_parameters_show_no_part_of_a_secret(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let long = "a-secret-that-is-longer-than-any-message-shows-of-a-value-0123456789-0123456789-0123456789";
        context.services.secrets.put(&admin(), "long", &NewSecret::new(long)).await.unwrap();
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let params = [
            ("http_request", json!({"url": "{{ secret('long') }}"})),
            ("http_request", json!({"url": "http://127.0.0.1:1/", "expect_status": ["{{ secret('long') }}"]})),
            ("http_request", json!({"url": "http://127.0.0.1:1/", "http": "{{ secret('long') }}"})),
            ("query_log", json!({"since": "{{ secret('long') }}"})),
        ];
        for (task_type, params) in params {
            let run = harness.finished(&harness.queue(task_type, params.clone()).await).await;
            let error = run.error.unwrap_or_default();
            assert!(!error.contains(&long[..8]) && !error.is_empty(), "{params}: {error}");
        }
        harness.stop().await;
    }

    async fn secrets_may_be_limited_to_tasks(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let task = async |id: &str, tags: &[&str]| {
            let body = json!({"id": id, "type": "echo", "tags": tags, "trigger": {"type": "cron", "hour": 9},
                "params": {"message": "{{ secret('pay') }}"}});
            services.tasks.create(&admin(), &body).await.unwrap();
        };
        let run = async |id: &str| {
            let started = services.executions.run(&admin(), id, None, None).await.unwrap();
            harness.finished(&started.id).await.error
        };
        task("tagged", &["finance"]).await;
        task("named", &[]).await;
        task("other", &["x"]).await;
        let limits = |tags: &[&str], tasks: &[&str]| {
            let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
            NewSecret { tags: list(tags), tasks: list(tasks), ..NewSecret::new("hunter2-and-more") }
        };
        let kept = services.secrets.put(&admin(), "pay", &limits(&["finance"], &["named"])).await.unwrap();
        assert_eq!((kept.limits.tags.as_slice(), kept.limits.ids()), (&["finance".to_owned()][..], vec!["named".to_owned()]));
        assert_eq!((run("tagged").await, run("named").await), (None, None));
        assert!(run("other").await.unwrap().contains("the secret 'pay' is limited to other tasks"));
        services.tasks.delete(&admin(), "named", None).await.unwrap();
        context.clock.advance(chrono::Duration::seconds(1));
        task("named", &[]).await;
        assert!(run("named").await.unwrap().contains("limited to other tasks"), "another task of the same id");
        context.clock.advance(chrono::Duration::seconds(1));
        services.secrets.put(&admin(), "pay", &NewSecret::new("another-value")).await.unwrap();
        assert!(run("other").await.is_some(), "a new value leaves the limits unchanged");
        let unknown = services.secrets.put(&admin(), "pay", &limits(&[], &["nobody"])).await;
        assert!(matches!(unknown, Err(Error::Invalid(faults)) if faults[0].pointer == "/tasks/0"));
        context.clock.advance(chrono::Duration::seconds(1));
        services.secrets.put(&admin(), "pay", &limits(&[], &[])).await.unwrap();
        assert_eq!(run("other").await, None, "empty lists lift the limits");
        harness.stop().await;
    }

    async fn secrets_are_stored_encrypted_and_deleted(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.services.secrets.put(&admin(), "a", &NewSecret::new("first value")).await.unwrap();
        context.services.secrets.put(&admin(), "a", &NewSecret::new("second value")).await.unwrap();
        let sealed = belfry::storage::secret::encrypted(&mut db.database.read().await.unwrap()).await.unwrap();
        assert!(sealed.len() == 1 && !sealed[0].ciphertext.contains("value"), "{}", sealed[0].ciphertext);
        for (name, value) in [("", "x"), ("a b", "x"), ("b", ""), ("b", "x\0")] {
            assert!(matches!(context.services.secrets.put(&admin(), name, &NewSecret::new(value)).await, Err(Error::Invalid(_))), "{name:?}");
        }
        context.services.secrets.delete(&admin(), "a").await.unwrap();
        assert!(matches!(context.services.secrets.delete(&admin(), "a").await, Err(Error::NotFound(_))));
        assert_eq!(context.services.secrets.list(&admin()).await.unwrap(), []);
    }
}
