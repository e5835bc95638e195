//! Templates in parameters, and masking of secrets.

use belfry::domain::execution::{Execution, Status};
use belfry::domain::user::Actor;
use belfry::service::Error;
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
        let listed = context.service.put_secret(&admin(), "db.password", VALUE).await.unwrap();
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

    async fn secrets_are_stored_encrypted_and_deleted(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.service.put_secret(&admin(), "a", "first value").await.unwrap();
        context.service.put_secret(&admin(), "a", "second value").await.unwrap();
        let sealed = belfry::storage::secret::encrypted(&mut db.database.read().await.unwrap()).await.unwrap();
        assert!(sealed.len() == 1 && !sealed[0].1.contains("value"), "{sealed:?}");
        for (name, value) in [("", "x"), ("a b", "x"), ("b", ""), ("b", "x\0")] {
            assert!(matches!(context.service.put_secret(&admin(), name, value).await, Err(Error::Invalid(_))), "{name:?}");
        }
        context.service.delete_secret(&admin(), "a").await.unwrap();
        assert!(matches!(context.service.delete_secret(&admin(), "a").await, Err(Error::NotFound(_))));
        assert_eq!(context.service.secrets(&admin()).await.unwrap(), []);
    }
}
