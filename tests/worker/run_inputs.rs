//! Runs with inputs: what was given, else the defaults of the task as it was; secrets encrypted and masked.

use belfry::domain::execution::{Execution, Status};
use belfry::domain::user::Actor;
use belfry::service::RunValues;
use belfry::storage::{execution, run_data};
use belfry::worker::WorkerConfig;
use chrono::Duration;
use serde_json::{Map, Value, json};

use crate::for_each_database;
use crate::harness::Harness;
use crate::support::TestDatabase;
use crate::support::context::TestContext;

const SECRET: &str = "hunter2 and more";

fn admin() -> Actor {
    Actor::local("alice")
}

fn task(message: &str) -> Value {
    json!({"id": "report", "type": "echo", "trigger": {"type": "interval", "hours": 1}, "params": {"message": message},
        "inputs": [{"name": "city", "default": "上海"}, {"name": "amount", "type": "number", "default": 1},
            {"name": "token", "type": "secret"}]})
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

async fn run_given(context: &TestContext, harness: &Harness, inputs: Value) -> Execution {
    let inputs = map(inputs);
    let values = RunValues { params: None, inputs: Some(&inputs) };
    let queued = context.services.executions.run_with(&admin(), "report", values, None).await.unwrap();
    finished(harness, &queued).await
}

async fn finished(harness: &Harness, queued: &Execution) -> Execution {
    harness.signals.jobs.queued(["default"]);
    harness.finished(&queued.id).await
}

async fn message(db: &TestDatabase, run: &Execution) -> Value {
    let mut session = db.database.read().await.unwrap();
    execution::result(&mut session, &run.id).await.unwrap().unwrap_or_default()["message"].clone()
}

for_each_database! {
    async fn templates_use_the_given_inputs_and_the_defaults(db: &TestDatabase) {
        let (context, harness) = (TestContext::new(&db.database), Harness::start(&db.database, WorkerConfig::default()));
        context.services.tasks.create(&admin(), &task("{{ input.city }} {{ input.amount }}")).await.unwrap();
        let exact: Value = serde_json::from_str("{\"amount\": 12345678901234567890123, \"city\": \"{{ env.HOME }}\"}").unwrap();
        let given = run_given(&context, &harness, exact).await;
        assert_eq!(message(db, &given).await, "{{ env.HOME }} 12345678901234567890123", "a value is not a template, and is exact");
        let again = context.services.executions.rerun(&admin(), &given.id, None, None).await.unwrap();
        let again = finished(&harness, &again).await;
        assert_eq!(message(db, &again).await, message(db, &given).await, "a rerun keeps the inputs");
        let other = map(json!({"city": "杭州"}));
        let values = RunValues { params: None, inputs: Some(&other) };
        let again = context.services.executions.rerun_with(&admin(), &given.id, values, None).await.unwrap();
        assert_eq!(message(db, &finished(&harness, &again).await).await, "杭州 12345678901234567890123");
        harness.stop().await;
    }

    async fn the_schedule_uses_the_defaults_of_its_version(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.services.tasks.create(&admin(), &task("{{ input.city }}")).await.unwrap();
        context.advance(Duration::hours(1)).await;
        let scheduled = context.executions("report").await.pop().unwrap();
        assert_eq!(run_data::get(&mut db.database.read().await.unwrap(), &scheduled.id).await.unwrap(), None, "nothing was given");
        let changed = json!({"inputs": [{"name": "city", "default": "北京"}]});
        context.services.tasks.patch(&admin(), "report", &changed, None).await.unwrap();
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let ended = harness.finished(&scheduled.id).await;
        assert_eq!((ended.status, message(db, &ended).await), (Status::Succeeded, json!("上海")), "{:?}", ended.error);
        harness.stop().await;
    }

    async fn secret_inputs_are_encrypted_and_masked(db: &TestDatabase) {
        let (context, harness) = (TestContext::new(&db.database), Harness::start(&db.database, WorkerConfig::default()));
        let body = task("{{ input.token }} and {{ input.token | reverse }}");
        context.services.tasks.create(&admin(), &body).await.unwrap();
        let ended = run_given(&context, &harness, json!({"token": SECRET})).await;
        assert_eq!(message(db, &ended).await, "***", "{:?}", ended.error);
        let kept = run_data::get(&mut db.database.read().await.unwrap(), &ended.id).await.unwrap().unwrap();
        assert_eq!(kept.inputs["token"], "***");
        assert!(kept.secrets.is_some_and(|sealed| !sealed.contains("hunter2")));
        let detail = context.services.executions.get(&admin(), &ended.id).await.unwrap();
        assert!(!format!("{detail:?}").contains("hunter2"), "{detail:?}");
        context.services.tasks.patch(&admin(), "report", &json!({"params": {"message": "it is {{ input.token }}!"}}), None).await.unwrap();
        let again = run_given(&context, &harness, json!({"token": SECRET})).await;
        assert_eq!(message(db, &again).await, "it is ***!");
        let rerun = context.services.executions.rerun(&admin(), &again.id, None, None).await.unwrap();
        assert_eq!(message(db, &finished(&harness, &rerun).await).await, "it is ***!", "a rerun has the secret too");
        harness.stop().await;
    }
}
