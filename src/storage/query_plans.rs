//! Tests of query plans: hot statements use their indexes, even on an empty database, where SQLite without statistics would
//! scan all rows of a status.

use sqlx::Row;

use super::{
    Database, Dialect, Synchronous, counters, execution, execution_list, plan, recent_runs, run_stats_by_minute, tag_scope_stats,
    task_list,
};
use crate::domain::execution::Status;
use crate::domain::page::{Cursor, Direction, ExecutionFilter, PageRequest};
use crate::domain::tag_scope::TagScope;

/// Statements and the steps that their plans must contain.
fn plans() -> Vec<(&'static str, String, &'static [&'static str])> {
    let acknowledge = "with j as (select value->>'task_id' as task_id from json_each($1))
        update Jobs set status = 'Done' from j where Jobs.id = j.task_id and Jobs.lock_by = $2";
    let fetch = "select rowid, priority, run_at, id from Jobs where job_type = $1 and status = 'Pending' and lock_by is null
        and (run_at is null or run_at <= $2) order by priority desc, run_at asc, id asc limit $3";
    let page = |condition: &str| format!("select * from executions where true{condition} order by id desc limit $9");
    vec![
        ("claim", execution::CLAIM.into(), &["SEARCH executions USING PRIMARY KEY (id=?)"]),
        ("save rendered parameters", execution::SAVE_RENDERED.into(), &["SEARCH executions USING PRIMARY KEY (id=?)"]),
        ("count crashes", execution::COUNT_CRASHES.into(), &["SEARCH executions USING PRIMARY KEY (id=?)"]),
        ("finish", execution::FINISH.into(), &["SEARCH executions USING PRIMARY KEY (id=?)"]),
        ("held claims", execution::HELD_CLAIMS.into(), &["SEARCH e USING PRIMARY KEY (id=?)"]),
        ("recorded finishes", execution::RECORDED_FINISHES.into(), &["SEARCH e USING PRIMARY KEY (id=?)"]),
        ("count runs", counters::COUNT_RUNS.into(), &["SEARCH tasks USING PRIMARY KEY (id=?)"]),
        ("due", plan::due_sql(), &["SEARCH tasks USING INDEX tasks_next (next_run_at<?)"]),
        ("active", plan::ACTIVE.into(), &["SEARCH executions USING INDEX executions_active (task_id=?)"]),
        ("advance", plan::ADVANCE.into(), &["SEARCH tasks USING PRIMARY KEY (id=?)"]),
        (
            "next due",
            plan::NEXT_DUE.into(),
            &["SEARCH tasks USING COVERING INDEX tasks_next", "SEARCH executions USING COVERING INDEX executions_retry"],
        ),
        ("the tags", task_list::TAGS.into(), &["SCAN tasks USING COVERING INDEX tasks_tags"]),
        ("first page", page(""), &["SCAN executions"]),
        ("deep page", page(" and id < $1"), &["SEARCH executions USING PRIMARY KEY (id<?)"]),
        (
            "a task's page",
            page(" and task_id = $1 and id < $2"),
            &["SEARCH executions USING INDEX executions_task (task_id=? AND id<?)"],
        ),
        ("a task's last result", execution::LAST_RESULT.into(), &["SEARCH executions USING INDEX executions_task (task_id=?)"]),
        (
            "a task's newest result",
            execution::NEWEST_RESULT.into(),
            &["SEARCH executions USING INDEX executions_task (task_id=?)"],
        ),
        (
            "a type's page",
            page(" and task_type = $1 and id < $2"),
            &["SEARCH executions USING INDEX executions_type (task_type=? AND id<?)"],
        ),
        (
            "a status's page",
            page(" and status in ('failed') and status not in ('queued', 'running') and id < $1"),
            &["SEARCH executions USING INDEX executions_status (status=? AND id<?)"],
        ),
        ("a task's failures", failures(), &["SEARCH executions USING INDEX executions_unsuccessful (task_id=? AND status=?)"]),
        (
            "the runs of a day",
            run_stats_by_minute::OUTCOMES.into(),
            &["SEARCH run_stats_by_minute USING PRIMARY KEY (minute>? AND minute<?)"],
        ),
        (
            "recent runs of tasks",
            recent_runs::RECENT.into(),
            &[
                "SEARCH e USING INDEX executions_task (task_id=? AND id>?)",
                "SEARCH oldest USING COVERING INDEX executions_task (task_id=?)",
            ],
        ),
        (
            "a scope's page",
            scoped_page(),
            &[
                "SEARCH task_tags USING PRIMARY KEY (tag=?)",
                "SEARCH executions USING COVERING INDEX executions_task (task_id=? AND id<?)",
                "SEARCH e USING COVERING INDEX executions_task (task_id=? AND id>? AND id<?)",
                "SEARCH executions USING PRIMARY KEY (id=?)",
            ],
        ),
        (
            "a scope's runs of a day",
            tag_scope_stats::OUTCOMES.into(),
            &["SEARCH e USING INDEX executions_task (task_id=? AND id>?)"],
        ),
        (
            "requested runs",
            page(" and cause = 'manual' and cause <> 'schedule'"),
            &["SEARCH executions USING INDEX executions_cause (cause=?)"],
        ),
        ("the queue's acknowledgement", acknowledge.into(), &["SEARCH Jobs USING INDEX sqlite_autoindex_Jobs_1 (id=?)"]),
        ("the queue's fetch", fetch.into(), &["USING INDEX idx_jobs_pending (job_type=?)"]),
    ]
}

fn failures() -> String {
    let (task_id, statuses) = (Some("a".to_owned()), vec![Status::Failed]);
    let filter = ExecutionFilter { task_id, statuses, ..ExecutionFilter::default() };
    let request = PageRequest { size: 40, cursor: None };
    execution_list::rows_query(&filter, &request).into_parts().0
}

/// A late page for a scope of two tags.
fn scoped_page() -> String {
    let tags = ["red".to_owned(), "green".to_owned()];
    let filter = ExecutionFilter { scope: TagScope::from_tags(&tags), ..ExecutionFilter::default() };
    let cursor = Cursor { direction: Direction::Next, key: None, id: "01".to_owned() };
    let request = PageRequest { size: 40, cursor: Some(cursor) };
    execution_list::rows_query(&filter, &request).into_parts().0
}

#[tokio::test]
async fn hot_statements_use_their_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_sqlite(&folder.path().join("task.db"), Synchronous::Normal).await.unwrap();
    let Database::Sqlite { writer, .. } = &database else { unreachable!("opened as SQLite") };
    for (name, statement, expected) in plans() {
        let explain = Dialect::Sqlite.sql(&format!("explain query plan {statement}"));
        let steps = sqlx::query(explain).fetch_all(writer).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|row| row.get::<String, _>("detail")).collect();
        for part in expected {
            assert!(steps.iter().any(|step| step.contains(part)), "{name}: no step contains '{part}': {steps:#?}");
        }
        let sorts = steps.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
        // These sort a few rows per task, or the sums of one day.
        assert!(
            !sorts || matches!(name, "recent runs of tasks" | "the runs of a day" | "a scope's page" | "a scope's runs of a day"),
            "{name} sorts: {steps:#?}"
        );
    }
    database.close().await;
}
