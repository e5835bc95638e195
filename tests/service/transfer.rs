//! Export and import of tasks, the tasks file, and the import of run history.

use belfry::domain::audit::AuditFilter;
use belfry::domain::hook::{NewHook, Signing};
use belfry::domain::page::{PageRequest, TaskFilter};
use belfry::domain::tag_scope::TagScope;
use belfry::domain::task::Task;
use belfry::domain::transfer::{ChangeKind, Format, read};
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{Error, Import, ImportOutcome, NewSecret};
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::context::{TestContext, actor, admin, echo};
use crate::{for_each_database, pointers};

const NOW: Import = Import { prune: false, dry_run: false, tag: None };
const PRUNE: Import = Import { prune: true, dry_run: false, tag: None };

fn daily(hour: u32) -> Value {
    json!({"type": "cron", "hour": hour, "timezone": "Asia/Shanghai"})
}

fn document(tasks: &[Value]) -> Value {
    json!({"version": 1, "tasks": tasks})
}

async fn tasks(context: &TestContext) -> Vec<Task> {
    context.services.tasks.list(&admin(), &TaskFilter::default(), &PageRequest::default()).await.unwrap().items
}

async fn ids(context: &TestContext) -> Vec<String> {
    tasks(context).await.into_iter().map(|task| task.id).collect()
}

fn kinds(outcome: &ImportOutcome) -> Vec<(&str, ChangeKind)> {
    outcome.changes.iter().map(|change| (change.id.as_str(), change.kind)).collect()
}

for_each_database! {
    async fn import_with_a_tag_touches_only_tasks_of_the_tag(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("manual", daily(8)).await;
        let tagged = |id: &str, hour: u32| json!({"id": id, "type": "echo", "tags": ["old"], "trigger": daily(hour), "params": {"message": "x"}});
        let import = |prune: bool| Import { prune, dry_run: false, tag: Some("old".to_owned()) };
        let transfer = &context.services.transfer;
        transfer.import(&admin(), &document(&[tagged("a", 1), tagged("b", 2)]), import(true)).await.unwrap();
        let outcome = transfer.import(&admin(), &document(&[tagged("b", 3)]), import(true)).await.unwrap();
        assert_eq!(kinds(&outcome), [("b", ChangeKind::Update), ("a", ChangeKind::Delete)]);
        assert_eq!(ids(&context).await, ["b", "manual"]);
        let refused = transfer.import(&admin(), &document(&[tagged("manual", 3)]), import(false)).await;
        assert!(matches!(refused, Err(Error::Conflict(message)) if message.code() == "transfer.other_origin"));
        assert_eq!(tasks(&context).await[1].tags, [""; 0]);
    }

    async fn import_of_an_export_changes_nothing(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.services.secrets.put(&admin(), "token", &NewSecret::new("hunter2-and-more")).await.unwrap();
        let mut one = echo("日报", daily(8));
        one["params"] = json!({"message": "select 1\nfrom x\n"});
        one["policy"] = json!({"timeout_seconds": null, "retry": {"max_attempts": 3}});
        one["chain"] = json!([{"on": "failure", "task": "a"}]);
        context.create("a", json!({"type": "idle"})).await;
        context.services.tasks.create(&admin(), &one).await.unwrap();
        let exported = context.services.transfer.export(&admin()).await.unwrap();
        assert_eq!(exported["secrets"], json!(["token"]));
        let found: Vec<_> = exported["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
        assert_eq!(found, ["a", "日报"]);
        assert_eq!(exported["tasks"][0], json!({"id": "a", "type": "echo", "trigger": {"type": "idle"}, "params": {"message": "hello"}}));
        for format in Format::ALL {
            let again = read(&format.write(&exported)).unwrap();
            let outcome = context.services.transfer.import(&admin(), &again, PRUNE).await.unwrap();
            assert_eq!((outcome.changes.len(), outcome.unchanged), (0, 2), "{outcome:?}");
        }
        assert!(tasks(&context).await.iter().all(|task| task.version == 1));
    }

    async fn dry_run_reports_the_changes_that_import_makes(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        for id in ["change", "gone", "same"] {
            context.create(id, daily(8)).await;
        }
        let wanted = document(&[echo("same", daily(8)), echo("change", daily(9)), echo("new", daily(10))]);
        let planned = context.services.transfer.import(&admin(), &wanted, Import { dry_run: true, ..PRUNE }).await.unwrap();
        assert_eq!(kinds(&planned), [("change", ChangeKind::Update), ("new", ChangeKind::Create), ("gone", ChangeKind::Delete)]);
        assert!(!planned.applied && planned.unchanged == 1);
        let change = &planned.changes[0];
        assert_eq!(change.differences.iter().map(|one| one.pointer.as_str()).collect::<Vec<_>>(), ["/trigger/hour"]);
        let firings = |times: &[chrono::DateTime<chrono_tz::Tz>]| times.iter().map(|at| at.to_rfc3339()).collect::<Vec<_>>();
        assert_eq!(firings(&change.firings_before)[0], "2026-11-22T08:00:00+08:00");
        assert_eq!(firings(&change.firings_after), ["2026-11-22T09:00:00+08:00", "2026-11-23T09:00:00+08:00", "2026-11-24T09:00:00+08:00"]);
        assert!(planned.changes[1].firings_before.is_empty() && planned.changes[2].firings_after.is_empty());
        assert_eq!(ids(&context).await, ["change", "gone", "same"], "a dry run saves nothing");

        let done = context.services.transfer.import(&admin(), &wanted, PRUNE).await.unwrap();
        assert!(done.applied && done.changes == planned.changes);
        assert_eq!(ids(&context).await, ["change", "new", "same"]);
        let changed = context.services.tasks.get(&admin(), "change").await.unwrap();
        assert_eq!((changed.version, changed.next_run_at.unwrap().to_rfc3339()), (2, "2026-11-22T01:00:00+00:00".to_owned()));
        let versions = context.services.tasks.versions(&admin(), "change", None).await.unwrap();
        assert_eq!(versions[0].content["trigger"]["hour"], 9);
        let audit = context.services.audit.list(&admin(), &AuditFilter::default(), &PageRequest::default()).await.unwrap();
        let found: Vec<_> = audit.items.iter().take(3).map(|entry| (entry.action.as_str(), entry.target.as_str())).collect();
        assert_eq!(found, [("task.delete", "task:gone"), ("task.create", "task:new"), ("task.update", "task:change")]);
        let again = context.services.transfer.import(&admin(), &wanted, PRUNE).await.unwrap();
        assert_eq!((again.changes.len(), again.unchanged), (0, 3));
        context.advance(Duration::hours(30)).await;
        assert_eq!(context.executions("new").await.len(), 1, "imported tasks fire");
    }

    async fn invalid_documents_change_nothing(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", daily(8)).await;
        let mut bad = echo("b", json!({"type": "cron", "hour": 25}));
        bad["color"] = json!("red");
        let found = pointers(context.services.transfer.import(&admin(), &document(&[echo("a", daily(9)), bad, echo("a", daily(9))]), PRUNE).await);
        assert_eq!(found, ["/tasks/1/trigger/hour", "/tasks/1/color", "/tasks/2/id"]);
        let other = json!({"id": "a", "type": "http_request", "trigger": daily(8), "params": {"url": "http://a/"}});
        assert_eq!(pointers(context.services.transfer.import(&admin(), &document(&[echo("n", daily(1)), other]), NOW).await), ["/tasks/1/type"]);
        assert_eq!(pointers(context.services.transfer.import(&admin(), &json!({"tasks": 1}), NOW).await), ["/tasks"]);
        assert_eq!(tasks(&context).await.iter().map(|task| (task.id.as_str(), task.version)).collect::<Vec<_>>(), [("a", 1)]);
    }

    async fn chains_are_validated_against_the_resulting_tasks(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("old", daily(8)).await;
        let chained = |id: &str, child: &str| {
            let mut task = echo(id, daily(8));
            task["chain"] = json!([{"task": child}]);
            task
        };
        let together = document(&[chained("a", "b"), echo("b", daily(8)), chained("c", "old")]);
        context.services.transfer.import(&admin(), &together, NOW).await.unwrap();
        assert_eq!(pointers(context.services.transfer.import(&admin(), &document(&[chained("b", "a")]), NOW).await), ["/tasks/0/chain"]);
        assert_eq!(pointers(context.services.transfer.import(&admin(), &document(&[chained("d", "nobody")]), NOW).await), ["/tasks/0/chain/0/task"]);
        // The linked task would be deleted by the same import.
        assert_eq!(pointers(context.services.transfer.import(&admin(), &document(&[chained("d", "old")]), PRUNE).await), ["/tasks/0/chain/0/task"]);
    }

    async fn import_requires_the_permissions_of_each_change(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let command = json!({"id": "cmd", "type": "send_cmd", "trigger": daily(8), "params": {"command": "date"}});
        let (viewer, editor) = (actor("vera", Role::Viewer), actor("ed", Role::Editor));
        let forbidden = |outcome: Result<ImportOutcome, Error>| assert!(matches!(outcome, Err(Error::Forbidden(_))), "{outcome:?}");
        forbidden(context.services.transfer.import(&viewer, &document(&[]), NOW).await);
        forbidden(context.services.transfer.import(&editor, &document(&[echo("a", daily(8)), command.clone()]), NOW).await);
        assert!(ids(&context).await.is_empty());
        context.services.transfer.import(&editor, &document(&[echo("a", daily(8))]), NOW).await.unwrap();
        context.services.transfer.import(&admin(), &document(&[command]), NOW).await.unwrap();
        forbidden(context.services.transfer.import(&editor, &document(&[]), PRUNE).await);
        assert_eq!(ids(&context).await, ["a", "cmd"]);
        assert!(context.services.transfer.export(&viewer).await.is_ok());
    }

    async fn import_handles_a_thousand_tasks(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let many: Vec<Value> = (0..1000).map(|n| echo(&format!("t{n:04}"), daily(n % 24))).collect();
        let done = context.services.transfer.import(&admin(), &document(&many), NOW).await.unwrap();
        assert_eq!(done.changes.len(), 1000);
        assert_eq!(context.services.transfer.import(&admin(), &document(&many), NOW).await.unwrap().unchanged, 1000);
        let emptied = context.services.transfer.import(&admin(), &document(&many[..1]), PRUNE).await.unwrap();
        assert_eq!((emptied.changes.len(), ids(&context).await.len()), (999, 1));
    }

    async fn export_replaces_secrets_by_templates(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.services.secrets.put(&admin(), "token", &NewSecret::new("hunter2-and-more")).await.unwrap();
        let mut task = echo("a", daily(8));
        task["params"]["message"] = json!("Bearer hunter2-and-more!");
        context.services.tasks.create(&admin(), &task).await.unwrap();
        let exported = context.services.transfer.export(&admin()).await.unwrap();
        assert_eq!(exported["tasks"][0]["params"]["message"], "Bearer {{ secret('token') }}!");
        assert!(!exported.to_string().contains("hunter2"));
        assert_eq!(context.services.transfer.import(&admin(), &exported, PRUNE).await.unwrap().unchanged, 1, "redacted values are restored");
        let mut other = exported.clone();
        other["tasks"][0]["name"] = json!("A");
        other["secrets"] = json!(["token", "unset"]);
        let outcome = context.services.transfer.import(&admin(), &other, NOW).await.unwrap();
        assert_eq!(outcome.missing_secrets, ["unset"]);
        assert_eq!(outcome.changes[0].differences.len(), 1);
        assert_eq!(context.services.tasks.get(&admin(), "a").await.unwrap().params["message"], "Bearer hunter2-and-more!");
    }

    async fn heartbeats_are_imported_without_their_addresses(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let heartbeats = &context.services.heartbeats;
        let backup = json!({"id": "backup", "cron": "0 3 * * *", "timezone": "Asia/Shanghai", "tags": ["ops"]});
        heartbeats.create(&admin(), &backup).await.unwrap();
        let address = heartbeats.path(&admin(), "backup").await.unwrap().unwrap();
        let exported = context.services.transfer.export(&admin()).await.unwrap();
        assert!(!exported.to_string().contains(address.trim_start_matches("/ping/")));
        assert_eq!(exported["heartbeats"][0]["id"], "backup");
        assert_eq!(context.services.transfer.import(&admin(), &exported, PRUNE).await.unwrap().heartbeats, 0, "nothing differs");
        assert_eq!(heartbeats.get(&admin(), "backup").await.unwrap().version, 1);

        let mut changed = exported.clone();
        changed["heartbeats"][0]["grace_seconds"] = json!(60);
        changed["heartbeats"].as_array_mut().unwrap().push(json!({"id": "new", "period_seconds": 60}));
        let planned = context.services.transfer.import(&admin(), &changed, Import { dry_run: true, ..NOW }).await.unwrap();
        assert_eq!((planned.heartbeats, heartbeats.list(&admin()).await.unwrap().len()), (2, 1));
        assert_eq!(context.services.transfer.import(&admin(), &changed, NOW).await.unwrap().heartbeats, 2);
        assert_eq!(heartbeats.path(&admin(), "backup").await.unwrap(), Some(address), "it keeps its address");
        assert_eq!(heartbeats.get(&admin(), "backup").await.unwrap().version, 2);
        assert!(heartbeats.path(&admin(), "new").await.unwrap().is_some());

        let invalid = json!({"tasks": [], "heartbeats": [{"id": "x", "period_seconds": 60, "grace_seconds": -1}, {"id": "y", "period_seconds": 60}, {"id": "y", "period_seconds": 60}]});
        let refused = context.services.transfer.import(&admin(), &invalid, NOW).await;
        assert_eq!(pointers(refused), ["/heartbeats/0/grace_seconds", "/heartbeats/2/id"]);
        let blue = Actor { scope: TagScope::from_tags(&["blue".to_owned()]), ..Actor::new("blue", Role::Editor, Via::Api) };
        let refused = context.services.transfer.import(&blue, &changed, NOW).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        assert!(context.services.transfer.export(&blue).await.unwrap().get("heartbeats").is_none());
    }

    async fn hooks_are_named_but_not_imported(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", daily(8)).await;
        let new = NewHook { name: "github".into(), signing: Signing::Github, key: None };
        let created = context.services.hooks.create(&admin(), "a", &new).await.unwrap();
        let exported = context.services.transfer.export(&admin()).await.unwrap();
        assert_eq!(exported["hooks"], json!([{"task": "a", "name": "github", "hmac": "github"}]));
        assert!(!exported.to_string().contains(created.path.trim_start_matches("/hook/")));
        assert_eq!(context.services.transfer.import(&admin(), &exported, NOW).await.unwrap().missing_hooks, [""; 0]);
        context.services.tasks.delete(&admin(), "a", None).await.unwrap();
        let outcome = context.services.transfer.import(&admin(), &exported, NOW).await.unwrap();
        assert_eq!(outcome.missing_hooks, ["a: github"]);
        assert!(context.services.hooks.list(&admin(), "a").await.unwrap().is_empty());
        let foreign = json!({"tasks": [], "hooks": [{"task": "a", "name": "github"}]});
        let refused = context.services.transfer.import(&admin(), &foreign, NOW).await;
        assert!(matches!(refused, Err(Error::Invalid(faults)) if faults[0].pointer == "/hooks/0/task"));
    }

    async fn tasks_file_manages_its_tasks(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let file = "tasks.yaml";
        context.create("own", daily(8)).await;
        context.create("adopted", daily(8)).await;
        let first = document(&[echo("adopted", daily(9)), echo("kept", daily(9))]);
        context.services.tasks_file.apply(&admin(), &first, file).await.unwrap();
        assert_eq!(ids(&context).await, ["adopted", "kept", "own"]);
        let kept = context.services.tasks.get(&admin(), "kept").await.unwrap();
        assert_eq!(kept.managed.as_ref().map(|managed| managed.by.as_str()), Some(file));

        // Managed tasks can be changed in the file only.
        let conflict = |refused: Option<Error>| assert!(matches!(&refused, Some(Error::Conflict(text)) if text.to_string().contains(file)), "{refused:?}");
        conflict(context.services.tasks.patch(&admin(), "kept", &json!({"name": "x"}), None).await.err());
        conflict(context.services.tasks.delete(&admin(), "kept", None).await.err());
        conflict(context.services.transfer.import(&admin(), &document(&[echo("kept", daily(3))]), NOW).await.err());
        let pruned = context.services.transfer.import(&admin(), &document(&[]), PRUNE).await.unwrap();
        assert_eq!(kinds(&pruned), [("own", ChangeKind::Delete)], "pruning keeps managed tasks");

        // Running and pausing stay possible; a pause stays until the file changes `enabled`.
        context.services.executions.run(&admin(), "kept", None, None).await.unwrap();
        context.services.tasks.pause(&admin(), "kept", None).await.unwrap();
        assert!(context.services.tasks_file.apply(&admin(), &first, file).await.unwrap().changes.is_empty());
        let drifted = context.services.tasks_file.drifted_tasks(&admin()).await.unwrap();
        assert_eq!(drifted.iter().map(|task| task.id.as_str()).collect::<Vec<_>>(), ["kept"]);
        let later = document(&[echo("adopted", daily(9)), echo("kept", daily(10))]);
        context.services.tasks_file.apply(&admin(), &later, file).await.unwrap();
        let kept = context.services.tasks.get(&admin(), "kept").await.unwrap();
        assert_eq!((kept.enabled, &kept.trigger["hour"]), (false, &json!(10)));
        let mut off = echo("kept", daily(10));
        off["enabled"] = json!(false);
        context.services.tasks_file.apply(&admin(), &document(&[echo("adopted", daily(9)), off]), file).await.unwrap();
        assert!(context.services.tasks_file.drifted_tasks(&admin()).await.unwrap().is_empty());
        context.services.tasks_file.apply(&admin(), &later, file).await.unwrap();
        assert!(context.services.tasks.get(&admin(), "kept").await.unwrap().enabled);

        // An invalid document changes nothing; tasks missing from the file are deleted.
        assert!(context.services.tasks_file.apply(&admin(), &document(&[json!({"id": "kept"})]), file).await.is_err());
        assert_eq!(ids(&context).await, ["adopted", "kept"]);
        context.services.tasks_file.apply(&admin(), &document(&[echo("adopted", daily(9))]), file).await.unwrap();
        assert_eq!(ids(&context).await, ["adopted"]);
        assert_eq!(context.services.tasks_file.release(&admin()).await.unwrap(), 1);
        context.services.tasks.patch(&admin(), "adopted", &json!({"name": "x"}), None).await.unwrap();
    }

    async fn history_import_is_idempotent(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("daily", daily(8)).await;
        let before = context.services.tasks.get(&admin(), "daily").await.unwrap();
        let history = json!([
            {"task_id": "daily", "start_time": "2026-01-01 08:00:00", "duration": 2, "status": "success", "result": "ok"},
            {"task_id": "daily", "start_time": "2026-01-02 08:00:00", "duration": 3, "status": "failed", "error": "no route"},
            {"task_id": "daily", "start_time": "2026-01-03 08:00:00", "status": "missed"},
            {"task_id": "forgotten", "start_time": "2026-01-02 09:00:00", "duration": 1, "status": "成功"},
        ]);
        let outcome = context.services.history.import(&admin(), &history).await.unwrap();
        assert_eq!((outcome.inserted, outcome.known), (4, 0));
        let again = context.services.history.import(&admin(), &history).await.unwrap();
        assert_eq!((again.inserted, again.known), (0, 4));
        let runs = context.executions("daily").await;
        let found: Vec<_> = runs.iter().map(|run| (run.cause.as_str(), run.status.as_str(), run.duration_ms)).collect();
        assert_eq!(found, [("import", "succeeded", Some(2000)), ("import", "failed", Some(3000)), ("import", "missed", None)]);
        assert_eq!((runs[1].error.as_deref(), runs[1].started_at.unwrap().to_rfc3339()), (Some("no route"), "2026-01-02T00:00:00+00:00".to_owned()));
        let after = context.services.tasks.get(&admin(), "daily").await.unwrap();
        let stats = &after.stats;
        assert_eq!((stats.run_count, stats.success_count, stats.failure_count, stats.last_duration_ms), (2, 1, 1, Some(3000)));
        assert_eq!((after.next_run_at, after.version), (before.next_run_at, before.version), "the schedule is unchanged");
        assert_eq!(context.executions("forgotten").await.len(), 1);
        // Later runs stay the last run.
        let older = json!([{"task_id": "daily", "start_time": "2025-01-01 08:00:00", "duration": 9, "status": "success"}]);
        context.services.history.import(&admin(), &older).await.unwrap();
        let stats = context.services.tasks.get(&admin(), "daily").await.unwrap().stats;
        assert_eq!((stats.run_count, stats.last_duration_ms), (3, Some(3000)));
        let refused = context.services.history.import(&actor("ed", Role::Editor), &older).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        assert!(matches!(context.services.history.import(&admin(), &json!([{}])).await, Err(Error::Invalid(_))));
    }
}
