//! Runs at the limit of concurrent runs, for every cause and over several nodes.

use belfry::chain::{self, Ended};
use belfry::domain::execution::{Execution, Status};
use belfry::service::{Error, VerifyRequest};
use belfry::storage::{Conn, Database, Session};
use chrono::Duration;
use serde_json::{Value, json};

use crate::for_each_database;
use crate::support::context::{TestContext, admin, echo, start};

/// Creates a task that is due every five seconds, with a policy.
async fn create(context: &TestContext, id: &str, policy: Value) {
    let mut task = echo(id, json!({"type": "interval", "seconds": 5}));
    task["policy"] = policy;
    context.services.tasks.create(&admin(), &task).await.unwrap();
}

fn states(executions: &[Execution]) -> Vec<(Status, bool)> {
    executions.iter().map(|run| (run.status, run.waits)).collect()
}

async fn end(context: &TestContext, id: &str) {
    context.services.executions.cancel(&admin(), id).await.unwrap();
}

async fn execute(database: &Database, sql: String) {
    let mut tx = database.write().await.unwrap();
    match tx.conn() {
        Conn::Sqlite(conn) => conn.run_all(&sql).unwrap(),
        Conn::Postgres(conn) => drop(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(conn).await.unwrap()),
    }
    tx.commit().await.unwrap();
}

const STARTS: (Status, bool) = (Status::Queued, false);
const WAITS: (Status, bool) = (Status::Queued, true);

for_each_database! {
    async fn queued_occurrences_start_one_after_the_other(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create(&context, "a", json!({"on_overlap": "queue"})).await;
        for _ in 0..3 {
            context.advance(Duration::seconds(5)).await;
        }
        let runs = context.executions("a").await;
        assert_eq!(states(&runs), [STARTS, WAITS, WAITS]);
        context.plan().await;
        assert_eq!(states(&context.executions("a").await), [STARTS, WAITS, WAITS], "no slot is free");
        end(&context, &runs[0].id).await;
        assert_eq!(context.planner.run_once(start() + Duration::seconds(16)).await.unwrap().queued, 1);
        assert_eq!(states(&context.executions("a").await)[1..], [STARTS, WAITS], "the oldest first");
        context.services.tasks.patch(&admin(), "a", &json!({"policy": {"max_instances": 2}}), None).await.unwrap();
        context.plan().await;
        assert_eq!(states(&context.executions("a").await)[1..], [STARTS, STARTS], "the limit was raised");
    }

    async fn cancel_running_replaces_the_oldest_run(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create(&context, "a", json!({"on_overlap": "cancel_running"})).await;
        context.advance(Duration::seconds(5)).await;
        context.advance(Duration::seconds(5)).await;
        let runs = context.executions("a").await;
        assert_eq!(runs[0].status, Status::Cancelled);
        assert!(runs[0].error.as_ref().unwrap().contains("newer run"), "{:?}", runs[0].error);
        assert_eq!(runs[1].status, Status::Queued);
        context.plan().await;
        assert_eq!(states(&context.executions("a").await)[1..], [STARTS]);
    }

    async fn allow_runs_beside_the_others(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create(&context, "a", json!({"on_overlap": "allow"})).await;
        for _ in 0..3 {
            context.advance(Duration::seconds(5)).await;
        }
        assert_eq!(states(&context.executions("a").await), [STARTS; 3]);
    }

    async fn request_at_the_limit_is_refused_with_the_oldest_run(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create(&context, "a", json!({})).await;
        let runs = &context.services.executions;
        let first = runs.run(&admin(), "a", None, Some("key")).await.unwrap();
        let refused = runs.run(&admin(), "a", None, None).await.unwrap_err();
        assert!(matches!(&refused, Error::Conflict(message) if message.to_string().contains(&first.id)), "{refused}");
        assert_eq!(runs.run(&admin(), "a", None, Some("key")).await.unwrap().id, first.id, "the same request again");
        assert!(matches!(runs.rerun(&admin(), &first.id, None, None).await, Err(Error::Conflict(_))));
        end(&context, &first.id).await;
        runs.rerun(&admin(), &first.id, None, None).await.unwrap();
    }

    async fn request_at_the_limit_follows_on_overlap(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let runs = &context.services.executions;
        for (id, expected) in [("queue", [STARTS, WAITS]), ("allow", [STARTS, STARTS])] {
            create(&context, id, json!({"on_overlap": id})).await;
            runs.run(&admin(), id, None, None).await.unwrap();
            let second = runs.run(&admin(), id, None, None).await.unwrap();
            assert_eq!(second.waits, expected[1].1);
            assert_eq!(states(&context.executions(id).await), expected, "{id}");
        }
        create(&context, "cancel", json!({"on_overlap": "cancel_running"})).await;
        let first = runs.run(&admin(), "cancel", None, None).await.unwrap();
        let second = runs.run(&admin(), "cancel", None, None).await.unwrap();
        let [first, second] = [first, second].map(|run| run.id);
        assert_eq!(runs.get(&admin(), &first).await.unwrap().execution.status, Status::Cancelled);
        context.plan().await;
        assert_eq!(states(&[runs.get(&admin(), &second).await.unwrap().execution]), [STARTS]);
    }

    async fn chained_runs_respect_the_limit(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        for (id, policy) in [("skip", json!({})), ("queue", json!({"on_overlap": "queue"}))] {
            create(&context, id, policy).await;
            let parent = format!("to-{id}");
            let mut task = echo(&parent, json!({"type": "interval", "seconds": 5}));
            task["chain"] = json!([{"on": "success", "task": id}]);
            context.services.tasks.create(&admin(), &task).await.unwrap();
            let end = |n: usize| Ended { execution_id: belfry::ids::execution_id(n as i64), task_id: parent.clone(), status: Status::Succeeded };
            let mut tx = context.database.write().await.unwrap();
            chain::start(&mut tx, &[end(1), end(2)], start()).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(states(&context.executions("skip").await), [STARTS, (Status::Skipped, false)]);
        assert_eq!(states(&context.executions("queue").await), [STARTS, WAITS]);
    }

    async fn limit_holds_over_two_nodes(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let other = TestContext::new(&db.reopen().await);
        for round in 0..20 {
            let id = format!("t{round}");
            create(&context, &id, json!({"max_instances": 2})).await;
            let runs = |context: &TestContext| {
                let (service, id) = (context.services.executions.clone(), id.clone());
                tokio::spawn(async move { service.run(&admin(), &id, None, None).await.is_ok() })
            };
            let requests = [runs(&context), runs(&other), runs(&context), runs(&other)];
            let mut accepted = 0;
            for request in requests {
                accepted += usize::from(request.await.unwrap());
            }
            assert_eq!(accepted, 2, "{id}");
            assert_eq!(context.executions(&id).await.len(), 2, "{id}");
        }
        other.database.close().await;
    }

    async fn run_that_ended_and_is_not_recorded_yet_is_not_active(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create(&context, "a", json!({})).await;
        context.advance(Duration::seconds(5)).await;
        let first = context.executions("a").await.remove(0);
        let ended = context.signals.ended.add(&first.id, "a");
        context.advance(Duration::seconds(5)).await;
        drop(ended);
        context.advance(Duration::seconds(5)).await;
        let states: Vec<_> = context.executions("a").await.iter().map(|run| run.status).collect();
        assert_eq!(states, [Status::Queued, Status::Queued, Status::Skipped]);
    }

    async fn reason_of_a_skipped_occurrence_is_verified_against_the_runs(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let task = json!({"id": "a", "type": "echo", "trigger": {"type": "interval", "seconds": 60}});
        context.services.tasks.create(&admin(), &task).await.unwrap();
        context.advance(Duration::seconds(60)).await;
        context.advance(Duration::seconds(60)).await;
        assert_eq!(context.executions("a").await[1].status, Status::Skipped);
        context.clock.advance(Duration::seconds(1));
        let verified = async || {
            let request = VerifyRequest { from: Some(start()), to: None, task_id: Some("a".to_owned()) };
            context.services.verify.verify(&admin(), &request).await.unwrap().findings
        };
        let found = verified().await;
        assert!(found.is_clean() && found.undetermined.is_empty(), "{found:#?}");
        let ended = |seconds: i64| format!("update executions set status = 'cancelled', finished_at = queued_at + {seconds} * 1000 where status <> 'skipped'");
        execute(&context.database, ended(50)).await;
        let found = verified().await;
        assert_eq!((found.is_clean(), found.undetermined.len()), (true, 1), "its end may have been recorded late: {found:#?}");
        execute(&context.database, ended(1)).await;
        let found = verified().await;
        let code = found.unexplained.first().and_then(|one| one.reason.as_ref()).map(|reason| reason.code().to_owned());
        assert_eq!(code.as_deref(), Some("verify.no_overlap"), "{found:#?}");
    }
}
