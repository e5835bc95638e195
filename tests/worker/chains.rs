//! Chains: tasks that start when a run of another task ends.

use std::time::Duration;

use belfry::domain::execution::{Cause, Execution, Status};
use belfry::domain::page::{ExecutionFilter, PageRequest};
use belfry::domain::tag_scope::TagScope;
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::Error;
use belfry::storage::execution_list;
use belfry::worker::WorkerConfig;
use serde_json::{Value, json};

use crate::for_each_database;
use crate::harness::{Harness, TIMEOUT};
use crate::support::TestDatabase;
use crate::support::context::{TestContext, actor};

fn admin() -> Actor {
    Actor::local("alice")
}

fn echo(id: &str, params: Value, chain: Value) -> Value {
    json!({"id": id, "type": "echo", "trigger": {"type": "date", "run_date": "2030-01-01"}, "params": params, "chain": chain,
        "policy": {"retry": {"max_attempts": 1}}})
}

/// The only execution of a task, once it has ended.
async fn ended(db: &TestDatabase, task: &str) -> Execution {
    let filter = ExecutionFilter { task_id: Some(task.to_owned()), ..ExecutionFilter::default() };
    let until = tokio::time::Instant::now() + TIMEOUT;
    loop {
        let mut session = db.database.read().await.unwrap();
        let found = execution_list::page(&mut session, &filter, &PageRequest::default()).await.unwrap().items;
        if let [one] = found.as_slice()
            && one.status.is_final()
        {
            return one.clone();
        }
        assert!(tokio::time::Instant::now() < until, "{task} has {found:?}");
        drop(session);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn count(db: &TestDatabase, task: &str) -> i64 {
    let filter = ExecutionFilter { task_id: Some(task.to_owned()), ..ExecutionFilter::default() };
    let mut session = db.database.read().await.unwrap();
    execution_list::page(&mut session, &filter, &PageRequest::default()).await.unwrap().total
}

for_each_database! {
    async fn chain_starts_tasks_with_the_previous_result(db: &TestDatabase) {
        let (context, harness) = (TestContext::new(&db.database), Harness::start(&db.database, WorkerConfig::default()));
        let services = &context.services;
        let received = json!({"message": "{{ previous.task_id }} gave {{ previous.result.message }} as {{ previous.status }}"});
        for (id, params) in [("after", json!({"message": "own"})), ("alarm", json!({})), ("log", json!({}))] {
            services.tasks.create(&admin(), &echo(id, params, json!([]))).await.unwrap();
        }
        let chain = json!([{"task": "after", "params": received}, {"task": "alarm", "on": "failure"}, {"task": "log", "on": "always"}]);
        let task = services.tasks.create(&admin(), &echo("first", json!({"message": 42}), chain)).await.unwrap();
        assert_eq!(task.to_input()["chain"][1]["on"], "failure");
        let run = services.executions.run(&admin(), "first", None, None).await.unwrap();
        let after = ended(db, "after").await;
        assert_eq!((after.status, after.cause, after.started_by.as_deref()), (Status::Succeeded, Cause::Chain, Some(run.id.as_str())));
        let detail = services.executions.get(&admin(), &after.id).await.unwrap();
        assert_eq!(detail.result.unwrap()["message"], "first gave 42 as succeeded");
        ended(db, "log").await;
        let started = services.executions.get(&admin(), &run.id).await.unwrap().started;
        assert_eq!(started.iter().map(|run| run.task_id.as_str()).collect::<Vec<_>>(), ["after", "log"]);
        assert_eq!(count(db, "alarm").await, 0, "it did not fail");
        let again = services.executions.rerun(&admin(), &after.id, None, None).await.unwrap();
        let again = harness.finished(&again.id).await;
        assert_eq!(again.status, Status::Succeeded, "a rerun keeps the previous execution: {:?}", again.error);
        harness.stop().await;
    }

    async fn chain_on_failure_starts_and_paused_target_is_skipped(db: &TestDatabase) {
        let (context, harness) = (TestContext::new(&db.database), Harness::start(&db.database, WorkerConfig::default()));
        let services = &context.services;
        services.tasks.create(&admin(), &echo("alarm", json!({"message": "{{ previous.error }}"}), json!([]))).await.unwrap();
        services.tasks.create(&admin(), &echo("paused", json!({}), json!([]))).await.unwrap();
        services.tasks.pause(&admin(), "paused", None).await.unwrap();
        let chain = json!([{"task": "alarm", "on": "failure"}, {"task": "paused", "on": "always"}, {"task": "alarm", "on": "success"}]);
        services.tasks.create(&admin(), &echo("first", json!({"fail": "broken"}), chain)).await.unwrap();
        services.executions.run(&admin(), "first", None, None).await.unwrap();
        let alarm = ended(db, "alarm").await;
        assert_eq!(services.executions.get(&admin(), &alarm.id).await.unwrap().result.unwrap()["message"], "broken");
        let paused = ended(db, "paused").await;
        assert_eq!((paused.status, paused.error.as_deref()), (Status::Skipped, Some("not run: the task is paused")));
        harness.stop().await;
    }

    async fn links_end_with_the_task_that_they_name(db: &TestDatabase) {
        let (context, harness) = (TestContext::new(&db.database), Harness::start(&db.database, WorkerConfig::default()));
        let services = &context.services;
        let link = json!([{"task": "target", "on": "always"}]);
        let run = async || {
            let started = services.executions.run(&admin(), "first", None, None).await.unwrap();
            harness.finished(&started.id).await;
        };
        services.tasks.create(&admin(), &echo("target", json!({}), json!([]))).await.unwrap();
        services.tasks.create(&admin(), &echo("first", json!({}), link.clone())).await.unwrap();
        services.tasks.delete(&admin(), "target", None).await.unwrap();
        services.tasks.create(&admin(), &echo("target", json!({}), json!([]))).await.unwrap();
        run().await;
        services.tasks.patch(&admin(), "first", &json!({"name": "renamed"}), None).await.unwrap();
        run().await;
        assert_eq!(count(db, "target").await, 0, "another task of the same id is not started");
        let document = services.transfer.export(&admin()).await.unwrap();
        let import = belfry::service::Import::default();
        assert_eq!(services.transfer.import(&admin(), &document, import).await.unwrap().unchanged, 2);
        run().await;
        assert_eq!(count(db, "target").await, 1, "an import names the present task");
        services.tasks.patch(&admin(), "first", &json!({"chain": []}), None).await.unwrap();
        services.tasks.patch(&admin(), "first", &json!({"chain": link}), None).await.unwrap();
        run().await;
        assert_eq!(count(db, "target").await, 2, "the link was set again");
        harness.stop().await;
    }

    async fn links_end_at_the_scope_of_the_account_that_set_them(db: &TestDatabase) {
        let (context, harness) = (TestContext::new(&db.database), Harness::start(&db.database, WorkerConfig::default()));
        let services = &context.services;
        let red = Actor { scope: TagScope::from_tags(&["red".to_owned()]), ..actor("rita", Role::Editor) };
        let tagged = |id: &str, chain: Value| {
            let mut body = echo(id, json!({}), chain);
            body["tags"] = json!(["red"]);
            body
        };
        services.tasks.create(&red, &tagged("target", json!([]))).await.unwrap();
        services.tasks.create(&red, &tagged("first", json!([{"task": "target"}]))).await.unwrap();
        let run = async || {
            let started = services.executions.run(&red, "first", None, None).await.unwrap();
            harness.finished(&started.id).await;
        };
        run().await;
        assert_eq!(count(db, "target").await, 1);
        services.tasks.patch(&admin(), "target", &json!({"tags": ["blue"]}), None).await.unwrap();
        run().await;
        assert_eq!(count(db, "target").await, 1, "the target belongs to another team now");
        let moved = ended(db, "target").await;
        services.tasks.patch(&admin(), "target", &json!({"tags": ["red"]}), None).await.unwrap();
        services.tasks.patch(&admin(), "first", &json!({"tags": ["blue"]}), None).await.unwrap();
        let again = services.executions.rerun(&red, &moved.id, None, None).await.unwrap();
        assert_eq!((moved.started_by.is_some(), again.started_by), (true, None), "a rerun shows nothing of another team");
        harness.stop().await;
    }

    async fn invalid_chains_are_rejected_on_save(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        let cmd = json!({"id": "cmd", "type": "send_cmd", "trigger": {"type": "idle"}, "params": {"command": "true"}});
        services.tasks.create(&admin(), &cmd).await.unwrap();
        services.tasks.create(&admin(), &echo("c", json!({}), json!([]))).await.unwrap();
        services.tasks.create(&admin(), &echo("b", json!({}), json!([{"task": "c"}]))).await.unwrap();
        services.tasks.create(&admin(), &echo("a", json!({}), json!([{"task": "b"}, {"task": "c"}]))).await.unwrap();
        let chain = |chain: Value| json!({"chain": chain});
        let faulty = [
            ("c", json!([{"task": "a"}]), "/chain", "c → a → "),
            ("c", json!([{"task": "c"}]), "/chain", "c → c"),
            ("c", json!([{"task": "nobody"}]), "/chain/0/task", "there is no task 'nobody'"),
            ("c", json!([{"task": "cmd", "params": {"command": 5}}]), "/chain/0/params/command", "command"),
            ("c", json!([{"task": "cmd", "params": {"command": "{{ nothing }}"}}]), "/chain/0/params/command", "unknown template variable 'nothing'"),
        ];
        for (id, links, pointer, message) in faulty {
            match services.tasks.patch(&admin(), id, &chain(links), None).await {
                Err(Error::Invalid(faults)) => {
                    assert!(faults[0].pointer == pointer && faults[0].message.to_string().contains(message), "{faults:?}");
                }
                other => panic!("{pointer}: {other:?}"),
            }
        }
        let editor = Actor::new("eve", Role::Editor, Via::Api);
        let with_params = chain(json!([{"task": "cmd", "params": {"command": "id"}}]));
        assert!(matches!(services.tasks.patch(&editor, "c", &with_params, None).await, Err(Error::Forbidden(_))));
        services.tasks.patch(&editor, "c", &chain(json!([{"task": "cmd"}])), None).await.expect("allowed without parameters");
    }
}
