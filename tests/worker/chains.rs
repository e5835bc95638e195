//! Chains: tasks that start when a run of another task ends.

use std::time::Duration;

use belfry::domain::execution::{Cause, Execution, Status};
use belfry::domain::page::{ExecutionFilter, PageRequest};
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::Error;
use belfry::storage::execution_list;
use belfry::worker::WorkerConfig;
use serde_json::{Value, json};

use crate::for_each_database;
use crate::harness::{Harness, TIMEOUT};
use crate::support::TestDatabase;
use crate::support::context::TestContext;

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
        let service = &context.service;
        let received = json!({"message": "{{ previous.task_id }} gave {{ previous.result.message }} as {{ previous.status }}"});
        for (id, params) in [("after", json!({"message": "own"})), ("alarm", json!({})), ("log", json!({}))] {
            service.create_task(&admin(), &echo(id, params, json!([]))).await.unwrap();
        }
        let chain = json!([{"task": "after", "params": received}, {"task": "alarm", "on": "failure"}, {"task": "log", "on": "always"}]);
        let task = service.create_task(&admin(), &echo("first", json!({"message": 42}), chain)).await.unwrap();
        assert_eq!(task.to_input()["chain"][1]["on"], "failure");
        let run = service.run_task(&admin(), "first", None, None).await.unwrap();
        let after = ended(db, "after").await;
        assert_eq!((after.status, after.cause, after.started_by.as_deref()), (Status::Succeeded, Cause::Chain, Some(run.id.as_str())));
        let detail = service.execution(&admin(), &after.id).await.unwrap();
        assert_eq!(detail.result.unwrap()["message"], "first gave 42 as succeeded");
        ended(db, "log").await;
        let started = service.execution(&admin(), &run.id).await.unwrap().started;
        assert_eq!(started.iter().map(|run| run.task_id.as_str()).collect::<Vec<_>>(), ["after", "log"]);
        assert_eq!(count(db, "alarm").await, 0, "it did not fail");
        let again = service.rerun(&admin(), &after.id, None).await.unwrap();
        let again = harness.finished(&again.id).await;
        assert_eq!(again.status, Status::Succeeded, "a rerun keeps the previous execution: {:?}", again.error);
        harness.stop().await;
    }

    async fn chain_on_failure_starts_and_paused_target_is_skipped(db: &TestDatabase) {
        let (context, harness) = (TestContext::new(&db.database), Harness::start(&db.database, WorkerConfig::default()));
        let service = &context.service;
        service.create_task(&admin(), &echo("alarm", json!({"message": "{{ previous.error }}"}), json!([]))).await.unwrap();
        service.create_task(&admin(), &echo("paused", json!({}), json!([]))).await.unwrap();
        service.pause_task(&admin(), "paused", None).await.unwrap();
        let chain = json!([{"task": "alarm", "on": "failure"}, {"task": "paused", "on": "always"}, {"task": "alarm", "on": "success"}]);
        service.create_task(&admin(), &echo("first", json!({"fail": "broken"}), chain)).await.unwrap();
        service.run_task(&admin(), "first", None, None).await.unwrap();
        let alarm = ended(db, "alarm").await;
        assert_eq!(service.execution(&admin(), &alarm.id).await.unwrap().result.unwrap()["message"], "broken");
        let paused = ended(db, "paused").await;
        assert_eq!((paused.status, paused.error.as_deref()), (Status::Skipped, Some("not run: the task is paused")));
        harness.stop().await;
    }

    async fn invalid_chains_are_rejected_on_save(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let service = &context.service;
        let cmd = json!({"id": "cmd", "type": "send_cmd", "trigger": {"type": "idle"}, "params": {"command": "true"}});
        service.create_task(&admin(), &cmd).await.unwrap();
        service.create_task(&admin(), &echo("c", json!({}), json!([]))).await.unwrap();
        service.create_task(&admin(), &echo("b", json!({}), json!([{"task": "c"}]))).await.unwrap();
        service.create_task(&admin(), &echo("a", json!({}), json!([{"task": "b"}, {"task": "c"}]))).await.unwrap();
        let chain = |chain: Value| json!({"chain": chain});
        let faulty = [
            ("c", json!([{"task": "a"}]), "/chain", "c → a → "),
            ("c", json!([{"task": "c"}]), "/chain", "c → c"),
            ("c", json!([{"task": "nobody"}]), "/chain/0/task", "there is no task 'nobody'"),
            ("c", json!([{"task": "cmd", "params": {"command": 5}}]), "/chain/0/params/command", "command"),
            ("c", json!([{"task": "cmd", "params": {"command": "{{ nothing }}"}}]), "/chain/0/params/command", "unknown template variable 'nothing'"),
        ];
        for (id, links, pointer, message) in faulty {
            match service.patch_task(&admin(), id, &chain(links), None).await {
                Err(Error::Invalid(faults)) => {
                    assert!(faults[0].pointer == pointer && faults[0].message.contains(message), "{faults:?}");
                }
                other => panic!("{pointer}: {other:?}"),
            }
        }
        let editor = Actor::new("eve", Role::Editor, Via::Api);
        let with_params = chain(json!([{"task": "cmd", "params": {"command": "id"}}]));
        assert!(matches!(service.patch_task(&editor, "c", &with_params, None).await, Err(Error::Forbidden(_))));
        service.patch_task(&editor, "c", &chain(json!([{"task": "cmd"}])), None).await.expect("allowed without parameters");
    }
}
