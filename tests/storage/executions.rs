//! Executions: one per scheduled time, claimed by one node, finished by the claiming attempt.

use belfry::domain::execution::{Cause, OutputChunk, Status, Stream};
use belfry::domain::node::NodeIdentity;
use belfry::domain::task::Task;
use belfry::i18n::Message;
use belfry::storage::execution::{self, Claim, Finish, NewExecution, NewOutput};
use belfry::storage::{plan, task};
use chrono::Duration;
use serde_json::json;

use crate::for_each_database;
use crate::samples::{self, claim_of, finish_of, insert_executions, insert_task, node, now};

for_each_database! {
    async fn scheduled_time_has_one_execution(db: &TestDatabase) {
        let first = samples::execution("a", 0);
        let mut second = samples::execution("a", 0);
        second.id = samples::execution("a", 1).id;
        second.cause = Cause::CatchUp;
        assert_eq!(insert_executions(&db.database, &[first.clone(), second.clone()]).await, 1);
        second.cause = Cause::Manual;
        assert_eq!(insert_executions(&db.database, &[second]).await, 1, "a manual run at the same time is not a firing");
    }

    async fn id_of_another_execution_is_refused(db: &TestDatabase) {
        let first = samples::execution("a", 0);
        let second = NewExecution { id: first.id.clone(), ..samples::execution("b", 0) };
        assert_eq!(insert_executions(&db.database, std::slice::from_ref(&first)).await, 1);
        let mut tx = db.database.write().await.unwrap();
        let refused = execution::insert(&mut tx, &[second], now()).await;
        assert!(matches!(refused, Err(belfry::storage::Error::Conflict(_))), "{refused:?}");
        assert!(execution::insert(&mut tx, &[first], now()).await.unwrap().is_empty(), "the same one again");
    }

    async fn idempotency_key_creates_one_execution(db: &TestDatabase) {
        let mut first = samples::execution("a", 0);
        first.cause = Cause::Api;
        first.idempotency_key = Some("k".into());
        let mut second = first.clone();
        second.id = samples::execution("a", 1).id;
        assert_eq!(insert_executions(&db.database, &[first.clone()]).await, 1);
        assert_eq!(insert_executions(&db.database, &[second]).await, 0);
        let found = execution::by_idempotency_key(&mut db.database.read().await.unwrap(), "a", "k").await.unwrap().unwrap();
        assert_eq!(found.id, first.id);
    }

    async fn finish_records_result_and_task_stats(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let new = samples::execution("a", 0);
        insert_executions(&db.database, std::slice::from_ref(&new)).await;
        let queued = execution::get(&mut db.database.read().await.unwrap(), &new.id).await.unwrap().unwrap();
        assert_eq!((queued.status, queued.attempt, queued.started_at, queued.params), (Status::Queued, 1, None, json!({"message": "x"})));

        assert_eq!(samples::run(&db.database, &new, Status::Succeeded).await, 1);
        let mut reader = db.database.read().await.unwrap();
        let done = execution::get(&mut reader, &new.id).await.unwrap().unwrap();
        assert_eq!((done.status, done.lateness_ms, done.duration_ms), (Status::Succeeded, Some(3), Some(7)));
        assert_eq!((done.node.as_deref(), done.error), (Some("host-1"), None));
        assert_eq!(execution::result(&mut reader, &new.id).await.unwrap(), Some(json!({"message": "结果"})));
        let stats = task::get(&mut reader, "a").await.unwrap().unwrap().stats;
        assert_eq!((stats.run_count, stats.success_count, stats.failure_count), (1, 1, 0));
        assert_eq!((stats.last_status, stats.last_duration_ms), (Some(Status::Succeeded), Some(7)));
        assert_eq!(stats.last_run_at, done.started_at);
    }

    async fn repeated_result_is_recognised(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let new = samples::execution("a", 0);
        insert_executions(&db.database, std::slice::from_ref(&new)).await;
        let (claim, finish) = (claim_of(&new, 1), finish_of(&new, 1, Status::Succeeded));
        let mut tx = db.database.write().await.unwrap();
        execution::claim(&mut tx, &node(), std::slice::from_ref(&claim)).await.unwrap();
        let recorded = execution::recorded_finishes(&mut tx, std::slice::from_ref(&finish)).await.unwrap();
        assert!(recorded.is_empty(), "still running");
        let retried = Finish { retry_at: Some(now() + Duration::seconds(1)), ..finish_of(&new, 1, Status::Failed) };
        for finish in [retried, finish_of(&new, 2, Status::Succeeded)] {
            if finish.attempt == 2 {
                tx.commit().await.unwrap();
                tx = db.database.write().await.unwrap();
                plan::take_due_retries(&mut tx, now() + Duration::seconds(2), 10).await.unwrap();
                execution::claim(&mut tx, &node(), &[claim_of(&new, 2)]).await.unwrap();
            }
            assert_eq!(execution::finish(&mut tx, "01NODE", std::slice::from_ref(&finish)).await.unwrap().executions.len(), 1);
            let recorded = execution::recorded_finishes(&mut tx, std::slice::from_ref(&finish)).await.unwrap();
            assert_eq!(recorded.len(), 1, "attempt {}", finish.attempt);
            let other = Finish { finished_at: finish.finished_at + Duration::milliseconds(1), ..finish };
            assert!(execution::recorded_finishes(&mut tx, &[other]).await.unwrap().is_empty(), "another result");
        }
    }

    async fn newest_result_ignores_failed_runs(db: &TestDatabase) {
        let newest = async || execution::newest_result(&mut db.database.read().await.unwrap(), "a").await.unwrap();
        assert_eq!(newest().await, None);
        let ended = [("a", 0, Status::Succeeded, 1), ("a", 100, Status::Succeeded, 2), ("a", 200, Status::Failed, 3), ("b", 300, Status::Succeeded, 4)];
        for (task_id, offset, status, result) in ended {
            let new = samples::execution(task_id, offset);
            insert_executions(&db.database, std::slice::from_ref(&new)).await;
            let mut tx = db.database.write().await.unwrap();
            execution::claim(&mut tx, &node(), &[claim_of(&new, 1)]).await.unwrap();
            let finish = Finish { result: Some(json!({"n": result})), ..finish_of(&new, 1, status) };
            execution::finish(&mut tx, &node().id, &[finish]).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(newest().await, Some(json!({"n": 2})));
    }

    async fn finish_updates_counters_of_a_batch(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let all: Vec<_> = (0..3).map(|n| samples::execution("a", n * 100)).collect();
        insert_executions(&db.database, &all).await;
        let mut tx = db.database.write().await.unwrap();
        let claims: Vec<_> = all.iter().map(|new| claim_of(new, 1)).collect();
        assert_eq!(execution::claim(&mut tx, &node(), &claims).await.unwrap().len(), 3);
        let finishes = [
            finish_of(&all[0], 1, Status::Succeeded),
            finish_of(&all[2], 1, Status::TimedOut),
            finish_of(&all[1], 1, Status::Cancelled),
        ];
        assert_eq!(execution::finish(&mut tx, &node().id, &finishes).await.unwrap().executions.len(), 3);
        tx.commit().await.unwrap();
        let stats = task::get(&mut db.database.read().await.unwrap(), "a").await.unwrap().unwrap().stats;
        assert_eq!((stats.run_count, stats.success_count, stats.failure_count), (3, 1, 1));
        assert_eq!(stats.last_status, Some(Status::TimedOut), "the run started last, not the one recorded last");
    }

    async fn run_of_a_deleted_task_does_not_count_for_its_successor(db: &TestDatabase) {
        let former = samples::execution("a", 0);
        insert_executions(&db.database, std::slice::from_ref(&former)).await;
        let created_at = now() + Duration::milliseconds(50);
        insert_task(&db.database, &Task { created_at, ..samples::task("a") }).await;
        let present = samples::execution("a", 100);
        insert_executions(&db.database, std::slice::from_ref(&present)).await;
        samples::run(&db.database, &present, Status::Failed).await;
        samples::run(&db.database, &former, Status::Succeeded).await;
        let stats = task::get(&mut db.database.read().await.unwrap(), "a").await.unwrap().unwrap().stats;
        assert_eq!((stats.run_count, stats.success_count, stats.failure_count), (1, 0, 1));
    }

    async fn overlapping_runs_do_not_set_the_last_run_back(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let all: Vec<_> = (0..2).map(|n| samples::execution("a", n * 100)).collect();
        insert_executions(&db.database, &all).await;
        assert_eq!(samples::run(&db.database, &all[1], Status::Failed).await, 1);
        assert_eq!(samples::run(&db.database, &all[0], Status::Succeeded).await, 1, "it began earlier and ended later");
        let stats = task::get(&mut db.database.read().await.unwrap(), "a").await.unwrap().unwrap().stats;
        let second = execution::get(&mut db.database.read().await.unwrap(), &all[1].id).await.unwrap().unwrap();
        assert_eq!((stats.run_count, stats.last_status, stats.last_run_at), (2, Some(Status::Failed), second.started_at));
        assert_eq!(stats.recent.iter().map(|one| (one.status, one.duration_ms)).collect::<Vec<_>>(), [(Status::Failed, 7), (Status::Succeeded, 7)]);
    }

    async fn task_keeps_the_outcomes_of_its_last_40_runs(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let all: Vec<_> = (0..45).map(|n| samples::execution("a", n)).collect();
        insert_executions(&db.database, &all).await;
        for (number, new) in all.iter().enumerate() {
            samples::run(&db.database, new, if number == 5 { Status::TimedOut } else { Status::Succeeded }).await;
        }
        let recent = task::get(&mut db.database.read().await.unwrap(), "a").await.unwrap().unwrap().stats.recent;
        assert_eq!((recent.len(), recent[0].status, recent[1].status), (40, Status::TimedOut, Status::Succeeded));
    }

    async fn execution_is_claimed_by_one_attempt(db: &TestDatabase) {
        let new = samples::execution("a", 0);
        insert_executions(&db.database, std::slice::from_ref(&new)).await;
        let mut tx = db.database.write().await.unwrap();
        assert!(execution::claim(&mut tx, &node(), &[claim_of(&new, 2)]).await.unwrap().is_empty(), "a later attempt");
        assert_eq!(execution::claim(&mut tx, &node(), &[claim_of(&new, 1)]).await.unwrap().len(), 1);
        let other = NodeIdentity { id: "01OTHER".into(), name: "host-2".into() };
        assert!(execution::claim(&mut tx, &other, &[claim_of(&new, 1)]).await.unwrap().is_empty(), "already claimed");
        assert!(execution::mark_running(&mut tx, &other.id, &[claim_of(&new, 1)]).await.unwrap().is_empty(), "another node's run");
        assert_eq!(execution::mark_running(&mut tx, &node().id, &[claim_of(&new, 1)]).await.unwrap().len(), 1);
        let finish = [finish_of(&new, 1, Status::Succeeded)];
        assert!(execution::finish(&mut tx, &other.id, &finish).await.unwrap().executions.is_empty(), "another node's result");
        assert_eq!(execution::finish(&mut tx, &node().id, &finish).await.unwrap().executions.len(), 1);
        assert!(execution::finish(&mut tx, &node().id, &finish).await.unwrap().executions.is_empty(), "a second result");
        tx.commit().await.unwrap();
    }

    async fn retried_attempt_is_stored(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let new = samples::execution("a", 0);
        insert_executions(&db.database, std::slice::from_ref(&new)).await;
        let mut tx = db.database.write().await.unwrap();
        execution::claim(&mut tx, &node(), &[claim_of(&new, 1)]).await.unwrap();
        let error = Some(Message::new("process.exit_code").with("code", 3));
        let retry_at = Some(now() + Duration::seconds(10));
        let retried = Finish { retry_at, error: error.clone(), ..finish_of(&new, 1, Status::Failed) };
        execution::finish(&mut tx, &node().id, &[retried]).await.unwrap();
        tx.commit().await.unwrap();

        let mut reader = db.database.read().await.unwrap();
        let waiting = execution::get(&mut reader, &new.id).await.unwrap().unwrap();
        assert_eq!((waiting.status, waiting.attempt, waiting.retry_at), (Status::Queued, 2, Some(now() + Duration::seconds(10))));
        let attempts = execution::attempts(&mut reader, &new.id).await.unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!((attempts[0].attempt, attempts[0].status, attempts[0].error.as_deref()), (1, Status::Failed, Some("exit code 3")));
        assert_eq!((&attempts[0].error_message, &waiting.error_message), (&error, &error));
        assert_eq!((attempts[0].duration_ms, attempts[0].node.as_deref()), (Some(7), Some("host-1")));
        assert_eq!(task::get(&mut reader, "a").await.unwrap().unwrap().stats.run_count, 0, "not final yet");
        let result = execution::result(&mut reader, &new.id).await.unwrap();
        assert_eq!(result, Some(json!({"message": "结果"})));
        drop(reader);
        let mut tx = db.database.write().await.unwrap();
        let early = Claim { attempt: 2, ..claim_of(&new, 2) };
        assert!(execution::claim(&mut tx, &node(), std::slice::from_ref(&early)).await.unwrap().is_empty(), "before the retry is due");
        let due = belfry::storage::plan::take_due_retries(&mut tx, now() + Duration::seconds(10), 10).await.unwrap();
        assert_eq!((due.len(), execution::claim(&mut tx, &node(), &[early]).await.unwrap().len()), (1, 1));
        assert_eq!(execution::result(&mut tx, &new.id).await.unwrap(), result, "the claim keeps the previous attempt's result");
        tx.commit().await.unwrap();
    }

    async fn output_is_returned_in_order(db: &TestDatabase) {
        let id = samples::execution("a", 0).id;
        let chunk = |attempt, seq, stream, text: &str| NewOutput {
            execution_id: id.clone(),
            chunk: OutputChunk { attempt, seq, stream, at: now(), text: text.into() },
        };
        let mut tx = db.database.write().await.unwrap();
        let output = [chunk(2, 0, Stream::Stdout, "c"), chunk(1, 1, Stream::Stderr, "b\0"), chunk(1, 0, Stream::Stdout, "a\n")];
        execution::append_output(&mut tx, &output).await.unwrap();
        tx.commit().await.unwrap();
        let mut reader = db.database.read().await.unwrap();
        let all = execution::output(&mut reader, &id, None).await.unwrap();
        assert_eq!(all.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["a\n", "b\u{fffd}", "c"]);
        assert_eq!(all[1].stream, Stream::Stderr);
        let rest = execution::output(&mut reader, &id, Some((1, 0))).await.unwrap();
        assert_eq!(rest.iter().map(|c| (c.attempt, c.seq)).collect::<Vec<_>>(), [(1, 1), (2, 0)]);
    }

    async fn cancel_queued_and_running_executions(db: &TestDatabase) {
        let all: Vec<_> = (0..3).map(|n| samples::execution("a", n)).collect();
        insert_executions(&db.database, &all).await;
        let mut tx = db.database.write().await.unwrap();
        execution::claim(&mut tx, &node(), &[claim_of(&all[0], 1)]).await.unwrap();
        assert!(!execution::cancel_queued(&mut tx, &all[0].id, &Message::verbatim("x"), now()).await.unwrap(), "running");
        assert!(execution::request_cancel(&mut tx, &all[0].id).await.unwrap());
        assert_eq!(execution::cancel_requested(&mut tx, &node().id).await.unwrap(), [all[0].id.clone()]);
        assert!(execution::cancel_queued(&mut tx, &all[1].id, &Message::verbatim("by alice"), now()).await.unwrap());
        assert!(!execution::request_cancel(&mut tx, &all[1].id).await.unwrap(), "final");
        assert_eq!(execution::cancel_all_queued(&mut tx, "a", &Message::verbatim("deleted"), now()).await.unwrap(), [all[2].id.clone()]);
        let cancelled = execution::get(&mut tx, &all[1].id).await.unwrap().unwrap();
        assert_eq!((cancelled.status, cancelled.error.as_deref()), (Status::Cancelled, Some("by alice")));
        tx.commit().await.unwrap();
    }
}
