//! Tests of query plans: hot statements use their indexes. The database has no planner statistics.

mod notifications;
mod pages;

use self::notifications::notification_plans;
use self::pages::{FAILURES, longest, overview_plans, page_of, scoped_page};
use super::bound::{Bound, Extent};
use super::column::StoredRow;
use super::{
    Database, Dialect, Synchronous, backfill, calendar, counters, digest, execution, execution_list, freeze, heartbeat,
    history_import, hook, incident, node, notify_rule, occurrence, overlap, pause, plan, recent_runs, run_data, run_stats,
    server_state, stats, tag_scope, tag_scope_stats, task_alarm, task_list, verify, version,
};
use crate::domain::execution::Status;
use crate::domain::notify::incident::IncidentFilter;

/// Statements and the steps that their plans must contain.
fn plans() -> Vec<(&'static str, String, &'static [&'static str])> {
    let page = |condition: &str| format!("select * from executions where true{condition} order by id desc limit $9");
    vec![
        ("claim", execution::CLAIM.into(), &["SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("mark running", execution::MARK_RUNNING.into(), &["SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("save rendered parameters", execution::SAVE_RENDERED.into(), &["SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("count crashes", execution::COUNT_CRASHES.into(), &["SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("finish", execution::FINISH.into(), &["SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("ids of executions taken", execution::TAKEN.into(), &["SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("save attempts", execution::INSERT_ATTEMPTS.into(), &["SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("recorded finishes", execution::RECORDED_FINISHES.into(), &["SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("release", execution::RELEASE.into(), &["USING INDEX executions_active"]),
        ("held by a node", node::HELD_BY.into(), &["SCAN e USING INDEX executions_active"]),
        (
            "waiting executions",
            execution::WAITING.into(),
            &["SEARCH executions USING INDEX executions_queue (queue=?)", "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"],
        ),
        (
            "ids of waiting executions",
            execution::WAITING_IDS.into(),
            &["SEARCH executions USING INDEX executions_queue (queue=?)"],
        ),
        ("queue depths", execution::DEPTHS.into(), &["SEARCH executions USING INDEX executions_queue (queue>?)"]),
        ("cancellations", execution::CANCEL_REQUESTED.into(), &["SEARCH executions USING INDEX executions_cancel (node_id=?)"]),
        ("due retries", plan::TAKE_DUE_RETRIES.into(), &["SEARCH executions USING INDEX executions_retry (retry_at<?)"]),
        (
            "imported runs",
            history_import::KNOWN.into(),
            &["SEARCH e USING COVERING INDEX executions_idempotency (task_id=? AND idempotency_key=?)"],
        ),
        ("the oldest searched", execution_list::OLDEST_SEARCHED.into(), &["SCAN executions"]),
        (
            "the oldest searched of a task",
            execution_list::OLDEST_SEARCHED_OF_TASK.into(),
            &["SEARCH executions USING COVERING INDEX executions_task (task_id=?)"],
        ),
        ("ids of imported runs", history_import::TAKEN.into(), &["SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("count runs", counters::COUNT_RUNS.into(), &["SEARCH tasks USING PRIMARY KEY (id=?)"]),
        ("due", plan::due_sql(), &["SEARCH tasks USING INDEX tasks_next (next_run_at<?)"]),
        ("due rows", plan::DUE_ROWS.into(), &["SEARCH tasks USING INDEX tasks_next (next_run_at<?)"]),
        ("newest record", plan::NEWEST_RECORD.into(), &["SCAN executions"]),
        (
            "retries brought forward",
            plan::BRING_RETRIES_FORWARD.into(),
            &["SEARCH executions USING INDEX executions_retry (retry_at>?)"],
        ),
        ("active", overlap::ACTIVE.into(), &["SEARCH executions USING INDEX executions_active (task_id=?)"]),
        ("planned ahead", overlap::PLANNED_AHEAD.into(), &["SEARCH executions USING INDEX executions_active (task_id=?)"]),
        ("any planned ahead", overlap::ANY_PLANNED_AHEAD.into(), &["SEARCH executions USING INDEX executions_active"]),
        ("unfinished", overlap::UNFINISHED.into(), &["SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("oldest", overlap::OLDEST.into(), &["SEARCH executions USING INDEX executions_active (task_id=?)"]),
        ("runs to verify", verify::RUN_INTERVALS.into(), &["SEARCH executions USING INDEX executions_task (task_id=?"]),
        ("waiting", overlap::WAITING.into(), &["SCAN executions USING INDEX executions_waits"]),
        ("release", overlap::RELEASE.into(), &["SEARCH executions USING INDEX executions_waits (task_id=?)"]),
        (
            "premature occurrences",
            overlap::DELETE_PREMATURE.into(),
            &["SEARCH e USING INDEX executions_occurrence (task_id=? AND scheduled_at=?)"],
        ),
        ("the data of a run", run_data::get_sql(), &["SEARCH run_data USING PRIMARY KEY (execution_id=?)"]),
        (
            "the task of a run",
            run_data::DEFINITION.into(),
            &["SEARCH e USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH v USING PRIMARY KEY (task_id=? AND version=?)"],
        ),
        ("a hook", hook::by_secret_sql(), &["SEARCH hooks USING"]),
        ("a heartbeat", heartbeat::BY_SECRET.into(), &["SEARCH heartbeats USING"]),
        ("overdue heartbeats", heartbeat::OVERDUE.into(), &["SEARCH heartbeats USING COVERING INDEX heartbeats_deadline"]),
        (
            "the newest expected ping",
            heartbeat::NEWEST_EXPECTED.into(),
            &["SEARCH heartbeat_pings USING INDEX heartbeat_pings_expected (heartbeat_id=?"],
        ),
        (
            "the pings of a heartbeat",
            heartbeat::pings_sql(),
            &["SEARCH heartbeat_pings USING PRIMARY KEY (heartbeat_id=? AND id<?)"],
        ),
        ("the server's state", server_state::GET.into(), &["SEARCH server_state USING PRIMARY KEY (name=?)"]),
        (
            "the records of occurrences",
            occurrence::ROWS.into(),
            &[
                "SEARCH executions USING INDEX executions_occurrence (task_id=? AND scheduled_at>? AND scheduled_at<?)",
                "SEARCH executions USING INDEX executions_backfill (task_id=? AND scheduled_at>? AND scheduled_at<?)",
            ],
        ),
        (
            "backfills to go on with",
            backfill::STARTABLE.into(),
            &[
                "SCAN b USING INDEX backfills_unfinished",
                "SEARCH e USING INDEX executions_active (task_id=?)",
                "SEARCH i USING PRIMARY KEY (backfill_id=? AND scheduled_at>?)",
            ],
        ),
        (
            "the next of a backfill",
            backfill::NEXT.into(),
            &["SEARCH backfill_items USING PRIMARY KEY (backfill_id=? AND scheduled_at>?)"],
        ),
        (
            "runs of a backfill noted",
            backfill::STARTED.into(),
            &["SEARCH backfill_items USING PRIMARY KEY (backfill_id=? AND scheduled_at=?)"],
        ),
        (
            "the progress of backfills",
            backfill::PROGRESS.into(),
            &["SEARCH i USING PRIMARY KEY (backfill_id=?)", "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"],
        ),
        ("queued runs of a backfill", backfill::CANCEL_QUEUED.into(), &["SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("due pauses", pause::take_due_sql(), &["SEARCH tasks USING INDEX tasks_pauses (pause_event_at<?)"]),
        (
            "decided occurrences of pauses",
            pause::DECIDED.into(),
            &["SEARCH e USING INDEX executions_occurrence (task_id=? AND scheduled_at>? AND scheduled_at<?)"],
        ),
        (
            "premature rows of pauses",
            pause::DELETE_PREMATURE.into(),
            &["SEARCH executions USING INDEX executions_unsuccessful (task_id=? AND status=? AND rowid>?)"],
        ),
        ("advance pauses", pause::ADVANCE.into(), &["SEARCH tasks USING PRIMARY KEY (id=?)"]),
        (
            "the change counter of the calendars",
            calendar::READ_REVISION.into(),
            &["SEARCH server_state USING PRIMARY KEY (name=?)"],
        ),
        ("the tasks with calendars", calendar::users_sql(), &["SCAN tasks USING INDEX tasks_schedule"]),
        ("a calendar", calendar::get_sql(), &["SEARCH calendars USING PRIMARY KEY (name=?)"]),
        (
            "a calendar's versions",
            calendar::versions_sql(),
            &["SEARCH calendar_versions USING PRIMARY KEY (name=? AND version<?)"],
        ),
        ("a calendar's next version", calendar::ADD_VERSION.into(), &["SEARCH calendar_versions USING PRIMARY KEY (name=?)"]),
        ("freezes that are not over", freeze::list_sql(), &["SEARCH freezes USING INDEX freezes_end (ends_at>?)"]),
        ("a freeze", freeze::lock_sql(), &["SEARCH freezes USING PRIMARY KEY (id=?)"]),
        ("advance", plan::ADVANCE.into(), &["SEARCH tasks USING PRIMARY KEY (id=?)"]),
        (
            "next due",
            plan::NEXT_DUE.into(),
            &[
                "SEARCH tasks USING COVERING INDEX tasks_next",
                "SEARCH tasks USING COVERING INDEX tasks_pauses",
                "SEARCH executions USING COVERING INDEX executions_retry",
                "SCAN executions USING INDEX executions_waits",
            ],
        ),
        ("open incidents of subjects", incident::open_of_sql(), &["INDEX incidents_open (subject=?)"]),
        ("events of open incidents", incident::OPEN_EVENTS.into(), &["INDEX incidents_open (subject=?)"]),
        (
            "incidents told lately",
            incident::TOLD_LATELY.into(),
            &["SEARCH incidents USING INDEX incidents_cause (cause_key=? AND opened_at>?)"],
        ),
        (
            "mark tasks with incidents",
            incident::MARK_TASKS.into(),
            &["SEARCH tasks USING PRIMARY KEY (id=?)", "INDEX incidents_open (subject=?)"],
        ),
        ("update incidents", incident::update_text(), &["SEARCH incidents USING PRIMARY KEY (id=?)"]),
        ("close the incidents of deleted tasks", incident::CLOSE_DELETED.into(), &["INDEX incidents_open (subject=?)"]),
        ("incidents with due messages", incident::DUE.into(), &["INDEX incidents_due (due_at"]),
        ("lock incidents", incident::lock_sql(), &["SEARCH incidents USING PRIMARY KEY (id=?)"]),
        (
            "a page of open incidents",
            incident::page_sql(&IncidentFilter { open: Some(true), ..IncidentFilter::default() }),
            &["SEARCH incidents USING INDEX incidents_open_id (id<?)"],
        ),
        (
            "a page of all incidents",
            incident::page_sql(&IncidentFilter::default()),
            &["SEARCH incidents USING PRIMARY KEY (id<?)"],
        ),
        (
            "a page of a task's incidents",
            incident::page_sql(&IncidentFilter { task_id: Some("a".to_owned()), ..IncidentFilter::default() }),
            &["SEARCH incidents USING INDEX incidents_task (task_id=? AND id<?)"],
        ),
        ("the messages of an incident", incident::DELIVERIES.into(), &["SEARCH i USING PRIMARY KEY (incident_id=?)"]),
        ("the end of an output", incident::OUTPUT_TAIL.into(), &["SEARCH outputs USING PRIMARY KEY (execution_id=?)"]),
        ("muted tasks", task_alarm::mutes_sql(), &["SEARCH task_mutes USING PRIMARY KEY (task_id=?)"]),
        ("tasks with limits", task_alarm::with_limits_sql(), &["SCAN tasks USING INDEX tasks_alert"]),
        (
            "unfinished runs of tasks with limits",
            task_alarm::UNFINISHED.into(),
            &["SEARCH executions USING INDEX executions_active (task_id=?)"],
        ),
        ("last successes", task_alarm::LAST_SUCCESSES.into(), &["SEARCH tasks USING PRIMARY KEY (id=?)"]),
        ("due digests", notify_rule::DUE_DIGESTS.into(), &["INDEX notify_rules_digest (digest_at"]),
        ("failures of a digest", digest::UNSUCCESSFUL.into(), &["INDEX executions_failed (id>?)"]),
        (
            "runs of a digest",
            digest::COUNT_RUNS.into(),
            &["SEARCH executions USING COVERING INDEX executions_task (task_id=? AND rowid>?)"],
        ),
        ("the tags", task_list::TAGS.into(), &["SCAN tasks USING COVERING INDEX tasks_tags"]),
        ("existing tasks", tag_scope::EXISTING.into(), &["SEARCH tasks USING PRIMARY KEY (id=?)"]),
        (
            "executions by id",
            execution_list::many_sql(),
            &["SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH v USING PRIMARY KEY (task_id=? AND version=?)"],
        ),
        (
            "the last versions of deleted tasks",
            version::LAST_FORMER.into(),
            &["SEARCH former_versions USING PRIMARY KEY (task_id=?)"],
        ),
        (
            "successful runs of a day",
            execution_list::SUCCEEDED_SINCE.into(),
            &["SEARCH executions USING INTEGER PRIMARY KEY (rowid>?)"],
        ),
        (
            "tasks by last run",
            "select id from tasks where true order by coalesce(last_run_at, 0) desc, id desc limit $1".into(),
            &["SCAN tasks USING COVERING INDEX tasks_last_run"],
        ),
        ("first page", page(""), &["SCAN executions"]),
        ("deep page", page(" and id < $1"), &["SEARCH executions USING INTEGER PRIMARY KEY (rowid<?)"]),
        (
            "a task's page",
            page(" and task_id = $1 and id < $2"),
            &["SEARCH executions USING INDEX executions_task (task_id=? AND rowid<?)"],
        ),
        (
            "a task's newest result",
            execution::NEWEST_RESULT.into(),
            &["SEARCH executions USING INDEX executions_task (task_id=?)"],
        ),
        (
            "a type's page",
            page(" and task_type = $1 and id < $2"),
            &["SEARCH executions USING INDEX executions_type (task_type=? AND rowid<?)"],
        ),
        (
            "a status's page",
            page(" and status in ('failed') and status not in ('queued', 'running', 'succeeded') and id < $1"),
            &["SEARCH executions USING INDEX executions_status (status=? AND rowid<?)"],
        ),
        ("failures", page_of(None, &FAILURES), &["SCAN executions USING INDEX executions_failed"]),
        ("running executions", page_of(None, &[Status::Running]), &["SCAN executions USING INDEX executions_active"]),
        ("the longest executions", longest(), &["SCAN executions", "SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)"]),
        (
            "a task's failures of all kinds",
            page_of(Some("a"), &FAILURES),
            &["SEARCH executions USING INDEX executions_unsuccessful (task_id=? AND status=?)"],
        ),
        (
            "a task's failures",
            page_of(Some("a"), &[Status::Failed]),
            &["SEARCH executions USING INDEX executions_unsuccessful (task_id=? AND status=?)"],
        ),
        (
            "the number of failures since a time",
            stats::count_with_status(Status::Failed),
            &["SEARCH executions USING COVERING INDEX executions_status (status=? AND rowid>?)"],
        ),
        (
            "the number of successes since a time",
            run_stats::SINCE.into(),
            &["SEARCH run_stats USING PRIMARY KEY (minutes=? AND start>? AND start<?)", "(minutes=? AND start>?)"],
        ),
        (
            "the runs of a day",
            run_stats::OUTCOMES.into(),
            &["SEARCH run_stats USING PRIMARY KEY (minutes=? AND start>? AND start<?)"],
        ),
        (
            "recent runs of tasks",
            recent_runs::RECENT.into(),
            &[
                "SEARCH e USING INDEX executions_task (task_id=? AND rowid>?)",
                "SEARCH oldest USING COVERING INDEX executions_task (task_id=?)",
            ],
        ),
        (
            "a scope's page",
            scoped_page(),
            &[
                "SEARCH task_tags USING PRIMARY KEY (tag=?)",
                "SEARCH executions USING COVERING INDEX executions_task (task_id=? AND rowid<?)",
                "SEARCH executions USING COVERING INDEX executions_task (task_id=? AND rowid>? AND rowid<?)",
                "SEARCH executions USING INTEGER PRIMARY KEY (rowid=?)",
            ],
        ),
        (
            "a scope's runs of a day",
            tag_scope_stats::OUTCOMES.into(),
            &["SEARCH e USING INDEX executions_task (task_id=? AND rowid>?)"],
        ),
        ("old run counters", run_stats::REMOVE.into(), &["SEARCH run_stats USING PRIMARY KEY (minutes=? AND start<?)"]),
        (
            "requested runs",
            page(" and cause = 'manual' and cause <> 'schedule'"),
            &["SEARCH executions USING INDEX executions_cause (cause=?)"],
        ),
    ]
}

/// These sort a few rows per task, active executions, one batch, some thousand newest rows, or the sums of one day.
const SORTING: [&str; 13] = [
    "the records of occurrences",
    "open incidents of subjects",
    "incidents told lately",
    "due digests",
    "unfinished runs of tasks with limits",
    "recent runs of tasks",
    "the runs of a day",
    "the longest executions",
    "a scope's page",
    "a scope's runs of a day",
    "a task's failures of all kinds",
    "running executions",
    "waiting executions",
];

/// For the placeholders: their values do not matter.
const NULLS: [Bound; 16] = [const { Bound::Integer(None) }; 16];

#[tokio::test]
async fn hot_statements_use_their_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_sqlite(&folder.path().join("task.db"), Synchronous::Normal).await.unwrap();
    let Database::Sqlite { writer, .. } = &database else { unreachable!("opened as SQLite") };
    for (name, statement, expected) in plans().into_iter().chain(overview_plans()).chain(notification_plans()) {
        let explain = Dialect::Sqlite.sql(&format!("explain query plan {statement}"));
        let steps = writer.acquire().await.unwrap().get().read(&explain, &NULLS, Extent::All).unwrap();
        let steps: Vec<String> = steps.iter().map(|row| row.value("detail").unwrap()).collect();
        for part in expected {
            assert!(steps.iter().any(|step| step.contains(part)), "{name}: no step contains '{part}': {steps:#?}");
        }
        let sorts = steps.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
        assert!(!sorts || SORTING.contains(&name), "{name} sorts: {steps:#?}");
    }
    database.close().await;
}
