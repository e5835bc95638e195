//! Teams by tags: what somebody who is limited sees is what they would see if the others did not exist.

use belfry::domain::execution::Status;
use belfry::domain::page::{ExecutionFilter, PageRequest, TaskFilter};
use belfry::domain::permission::Reach;
use belfry::domain::user::{Actor, Role};
use belfry::service::{BulkAction, BulkTarget, CalendarRequest, Error, NewUser};
use belfry::storage::history::{self, Among, Beyond};
use belfry::storage::seed::{self, PastRun};
use belfry::storage::{Database, task_list};
use chrono::Duration;
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::on_each;
use crate::support::parts::{TestParts, actor, admin, start};

fn limited(tags: &[&str], role: Role) -> Actor {
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Actor { reach: Reach::of(&tags), ..actor("eddie", role) }
}

fn red() -> Actor {
    limited(&["red"], Role::Editor)
}

fn echo(id: &str, tags: &[&str]) -> Value {
    json!({"id": id, "type": "echo", "tags": tags, "trigger": {"type": "cron", "hour": 9}, "params": {"message": "hello"}})
}

async fn create(parts: &TestParts, id: &str, tags: &[&str]) {
    parts.service.create_task(&admin(), &echo(id, tags)).await.expect("creates");
}

/// Runs of a task, one every so many minutes before the test began; every third failed.
async fn past(database: &Database, task: &str, count: i64, minutes: i64) {
    let run = |number: i64| {
        let at = start() - Duration::minutes(minutes * number + 1) - Duration::seconds(task.len() as i64);
        let tail = task.bytes().fold(number as u128, |sum, byte| sum * 31 + u128::from(byte));
        PastRun {
            id: ulid::Ulid::from_parts(at.timestamp_millis() as u64, tail).to_string(),
            task_id: task.to_owned(),
            task_type: "echo",
            status: if number % 3 == 0 { Status::Failed } else { Status::Succeeded },
            at,
            duration_ms: 10 + number,
        }
    };
    let mut tx = database.write().await.expect("writes");
    seed::past_runs(&mut tx, &(0..count).map(run).collect::<Vec<_>>()).await.expect("inserts");
    tx.commit().await.expect("commits");
}

/// All that tells how things stand, as text.
async fn figures(parts: &TestParts, who: &Actor) -> String {
    let overview = parts.service.overview(who).await.expect("an overview");
    let mut stats = parts.service.stats(who, 86_400).await.expect("figures");
    stats.by_type.sort();
    let request = |task_type: Option<&str>| CalendarRequest {
        from: start() - Duration::days(2),
        to: start() + Duration::days(2),
        zone: Tz::Asia__Shanghai,
        grain: belfry::domain::calendar::Grain::Hour,
        task_id: None,
        task_type: task_type.map(str::to_owned),
    };
    let calendar = parts.service.calendar(who, &request(None)).await.expect("a calendar");
    let by_type = parts.service.calendar(who, &request(Some("echo"))).await.expect("a calendar");
    let nodes = parts.service.nodes(who).await.expect("nodes").running;
    let tags = parts.service.tags(who).await.expect("tags");
    format!("{overview:#?}\n{stats:#?}\n{calendar:#?}\n{by_type:#?}\n{nodes:#?}\n{tags:?}")
}

/// The ids of a list of executions, page by page to its end; then the way back must be the same.
async fn walk(parts: &TestParts, who: &Actor, filter: &ExecutionFilter, size: u32) -> Vec<String> {
    let (mut ids, mut request, mut pages) = (Vec::new(), PageRequest { size, cursor: None }, Vec::new());
    let total = loop {
        let page = parts.service.executions(who, filter, &request).await.expect("a page");
        pages.push(page.items.iter().map(|run| run.id.clone()).collect::<Vec<_>>());
        ids.extend(pages.last().cloned().unwrap_or_default());
        let Some(next) = page.next else {
            let mut back = page.previous;
            for earlier in pages.iter().rev().skip(1) {
                let page =
                    parts.service.executions(who, filter, &PageRequest { size, cursor: back.take() }).await.expect("a page");
                assert_eq!(
                    &page.items.iter().map(|run| run.id.clone()).collect::<Vec<_>>(),
                    earlier,
                    "{filter:?} back by {size}"
                );
                back = page.previous;
            }
            break (page.total, page.total_is_exact);
        };
        request.cursor = Some(next);
    };
    assert_eq!(total, (ids.len() as i64, true), "{filter:?}");
    ids
}

fn invalid(result: Result<impl std::fmt::Debug, Error>) -> Vec<(String, String)> {
    match result {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| (fault.pointer, fault.message)).collect(),
        other => panic!("it should be refused as invalid: {other:?}"),
    }
}

#[track_caller]
fn missing(result: Result<impl std::fmt::Debug, Error>) {
    assert!(matches!(result, Err(Error::NotFound(_))), "as if it were not there: {result:?}");
}

on_each! {
    async fn figures_of_a_team_are_those_of_a_server_without_others(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        create(&parts, "red-1", &["red", "daily"]).await;
        create(&parts, "red-2", &["red"]).await;
        past(&db.database, "red-1", 40, 45).await;
        past(&db.database, "red-2", 9, 7).await;
        parts.service.run_task(&admin(), "red-1", None, None).await.unwrap();
        let alone = figures(&parts, &admin()).await;
        assert!(alone.contains("\"red-1\"") && alone.contains("ran_today"));
        assert_eq!(figures(&parts, &red()).await, alone, "counted as the counters count");
        create(&parts, "blue-1", &["blue"]).await;
        create(&parts, "plain", &[]).await;
        past(&db.database, "blue-1", 200, 3).await;
        parts.service.run_task(&admin(), "blue-1", None, None).await.unwrap();
        assert_eq!(figures(&parts, &red()).await, alone);
        assert_ne!(figures(&parts, &admin()).await, alone);
        let nothing = Actor { reach: Reach::of(&["red".to_owned()]).narrowed(&["blue".to_owned()]), ..red() };
        let none = figures(&parts, &nothing).await;
        assert!(!none.contains("red-") && !none.contains("blue-"), "{none}");
    }

    async fn lists_of_executions_are_those_of_the_teams_tasks_in_pages(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        for (id, tags, count, minutes) in [
            ("red-1", &["red", "both"][..], 23, 5),
            ("red-22", &["red"][..], 4, 60),
            ("red-333", &["red", "both"][..], 0, 1),
            ("blue-1", &["blue", "both"][..], 31, 4),
            ("plain-22", &[][..], 11, 9),
        ] {
            create(&parts, id, tags).await;
            past(&db.database, id, count, minutes).await;
        }
        parts.service.run_task(&admin(), "red-1", None, None).await.unwrap();
        parts.service.run_task(&admin(), "blue-1", None, None).await.unwrap();
        parts.service.delete_task(&admin(), "red-22", None).await.unwrap();
        let all = ExecutionFilter::default;
        let failed = || ExecutionFilter { statuses: vec![Status::Failed, Status::TimedOut], ..all() };
        let filters = [
            all(),
            failed(),
            ExecutionFilter { statuses: vec![Status::Queued, Status::Running], ..all() },
            ExecutionFilter { cause: Some(belfry::domain::execution::Cause::Api), ..all() },
            ExecutionFilter { task_type: Some("echo".into()), from: Some(start() - Duration::minutes(61)), ..all() },
            ExecutionFilter { to: Some(start() - Duration::minutes(30)), ..failed() },
            ExecutionFilter { search: Some("ED-22".into()), ..all() },
            ExecutionFilter { task_id: Some("red-1".into()), ..all() },
            ExecutionFilter { task_id: Some("blue-1".into()), ..all() },
        ];
        for tags in [&["red"][..], &["blue"], &["both", "red"], &["nothing"]] {
            let who = limited(tags, Role::Viewer);
            for filter in &filters {
                let everything = parts.service.executions(&admin(), filter, &PageRequest { size: 500, cursor: None }).await.unwrap();
                let own = |task: &str| match task {
                    "red-1" => tags.contains(&"red"),
                    // Deleted; its executions stay its team's.
                    "red-22" => tags.contains(&"red"),
                    "blue-1" => tags.iter().any(|tag| ["blue", "both"].contains(tag)),
                    _ => false,
                };
                let expected: Vec<String> =
                    everything.items.iter().filter(|run| own(&run.task_id)).map(|run| run.id.clone()).collect();
                for size in [1, 7, 500] {
                    assert_eq!(walk(&parts, &who, filter, size).await, expected, "{tags:?} {filter:?} by {size}");
                }
            }
        }
    }

    async fn a_foreign_task_is_as_one_that_does_not_exist(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let service = &parts.service;
        create(&parts, "red-1", &["red"]).await;
        create(&parts, "blue-1", &["blue"]).await;
        let run = service.run_task(&admin(), "blue-1", None, None).await.unwrap();
        let who = red();
        for id in ["blue-1", "none"] {
            missing(service.task(&who, id).await);
            missing(service.run_task(&who, id, None, None).await);
            missing(service.pause_task(&who, id, Some(7)).await);
            missing(service.patch_task(&who, id, &json!({"name": "x"}), Some(7)).await);
            missing(service.replace_task(&who, id, &echo(id, &["red"]), None).await);
            missing(service.delete_task(&who, id, None).await);
            missing(service.versions(&who, id, None).await);
            missing(service.version(&who, id, 1).await);
            missing(service.restore_version(&who, id, 1, None).await);
        }
        for id in [run.id.as_str(), "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            missing(service.execution(&who, id).await);
            missing(service.output(&who, id, None).await);
            missing(service.cancel(&who, id).await);
            missing(service.rerun(&who, id, None).await);
        }
        assert!(service.zones_of(&who, &["blue-1".into()]).await.unwrap().is_empty());
        assert!(service.recent_runs(&who, &["blue-1"], 5).await.unwrap().is_empty());
        let ids = BulkTarget::Ids(vec!["red-1".into(), "blue-1".into()]);
        let done = service.bulk(&who, BulkAction::Pause, &ids).await.unwrap();
        assert_eq!((done.matched, done.done, done.errors[0].message.as_str()), (2, 1, "there is no task 'blue-1'"));
        let every = BulkTarget::Filter(TaskFilter::default());
        let done = service.bulk(&who, BulkAction::Delete, &every).await.unwrap();
        assert_eq!((done.matched, done.done), (1, 1));
        assert!(service.task(&admin(), "blue-1").await.is_ok());
        let left = task_list::page(&mut db.database.read().await.unwrap(), &TaskFilter::default(), &PageRequest::default()).await;
        assert_eq!(left.unwrap().total, 1);
    }

    async fn a_task_stays_with_its_team(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let service = &parts.service;
        for (name, tags) in [("r", &["red"][..]), ("b", &["blue"])] {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            let new = NewUser { name: name.into(), role: Role::Editor, password: None, grants: vec![], tags };
            service.create_user(&admin(), &new).await.unwrap();
        }
        let made = service.create_task(&red(), &echo("a", &["daily"])).await.unwrap();
        assert_eq!(made.tags, ["daily", "red"], "its only team's tag is added");
        let kept = service.patch_task(&red(), "a", &json!({"tags": ["weekly"]}), None).await.unwrap();
        assert_eq!(kept.tags, ["weekly", "red"]);
        for tags in [json!(["red", "blue"]), json!(["blue"])] {
            let refused = invalid(service.patch_task(&red(), "a", &json!({"tags": tags}), None).await);
            assert_eq!(refused[0].0, "/tags");
            assert!(refused[0].1.contains("'blue'") && refused[0].1.ends_with("yours: red"), "{refused:?}");
        }
        service.patch_task(&admin(), "a", &json!({"tags": ["red", "blue"]}), None).await.unwrap();
        assert_eq!(invalid(service.patch_task(&red(), "a", &json!({"tags": ["red"]}), None).await)[0].0, "/tags", "taken from blue");
        service.patch_task(&red(), "a", &json!({"name": "other"}), None).await.expect("shared by both");
        let two = limited(&["red", "green"], Role::Editor);
        let refused = invalid(service.create_task(&two, &echo("b", &[])).await);
        assert_eq!(refused, [("/tags".to_owned(), "tags: at least one of these must be given: red, green".to_owned())]);
        service.create_task(&two, &echo("b", &["green"])).await.unwrap();
        let unseen = service.restore_version(&red(), "a", 1, None).await;
        assert_eq!(invalid(unseen)[0].0, "/tags", "version 1 was not blue's");
        assert!(matches!(service.create_task(&red(), &echo("b", &["red"])).await, Err(Error::Conflict(_))));
    }

    async fn a_deleted_tasks_executions_stay_its_teams(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let service = &parts.service;
        create(&parts, "payroll", &["blue"]).await;
        let run = service.run_task(&admin(), "payroll", None, None).await.unwrap();
        service.delete_task(&admin(), "payroll", None).await.unwrap();
        let blue = limited(&["blue"], Role::Editor);
        assert!(service.execution(&blue, &run.id).await.is_ok());
        missing(service.execution(&red(), &run.id).await);
        let taken = service.create_task(&red(), &echo("payroll", &["red"])).await;
        assert!(matches!(taken, Err(Error::Conflict(_))), "the name would open the past of another team's: {taken:?}");
        service.create_task(&blue, &echo("payroll", &["blue"])).await.expect("its own team may");
        service.patch_task(&admin(), "payroll", &json!({"tags": ["red"]}), None).await.unwrap();
        assert!(service.execution(&red(), &run.id).await.is_ok(), "the past goes along with the task");
        missing(service.execution(&blue, &run.id).await);
        service.delete_task(&admin(), "payroll", None).await.unwrap();
        let mut tx = db.database.write().await.unwrap();
        let all = Beyond::Age(start() + Duration::days(1));
        let edges = history::edges(&mut tx, all, Among::AllBut(&[])).await.unwrap();
        history::remove(&mut tx, &edges, 10).await.unwrap();
        belfry::storage::reach::forget_gone(&mut tx, 10).await.unwrap();
        tx.commit().await.unwrap();
        service.create_task(&blue, &echo("payroll", &["blue"])).await.expect("nothing of its past is left");
    }

    async fn nothing_leads_from_ones_own_tasks_to_others(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let service = &parts.service;
        create(&parts, "red-1", &["red"]).await;
        create(&parts, "red-2", &["red"]).await;
        create(&parts, "red-3", &["red"]).await;
        create(&parts, "blue-1", &["blue"]).await;
        let chain = |task: &str| json!({"chain": [{"task": task}]});
        let refused = invalid(service.patch_task(&red(), "red-1", &chain("blue-1"), None).await);
        assert_eq!(refused, [("/chain/0/task".to_owned(), "task: there is no task 'blue-1'".to_owned())]);
        assert_eq!(invalid(service.patch_task(&red(), "red-1", &chain("none"), None).await)[0].0, "/chain/0/task");
        service.patch_task(&admin(), "red-1", &chain("blue-1"), None).await.unwrap();
        service.patch_task(&red(), "red-1", &json!({"name": "other"}), None).await.expect("what was there stays");
        let longer = json!({"chain": [{"task": "blue-1"}, {"task": "red-3"}]});
        service.patch_task(&red(), "red-1", &longer, None).await.expect("and may stay beside others");
        service.patch_task(&admin(), "blue-1", &chain("red-2"), None).await.unwrap();
        let round = invalid(service.patch_task(&red(), "red-2", &chain("red-1"), None).await);
        assert_eq!(round[0].1, "chain: it would start itself over and over: red-2 → red-1 → … → red-2");
        let mail = |from: &str| json!({"id": "mail", "type": "send_email", "tags": ["red"], "trigger": {"type": "cron", "hour": 9},
            "params": {"to": "a@example.com", "title": "x", "body": "y", "attachments": [{"from_task": from}]}});
        for (from, says) in [("blue-1", "there is no task 'blue-1'"), ("{{ 'blue-1' }}", "no template may stand here")] {
            let refused = invalid(service.create_task(&red(), &mail(from)).await);
            let found = refused.iter().any(|(at, what)| at == "/params/attachments/0/from_task" && what.contains(says));
            assert!(found, "{refused:?}");
        }
        service.create_task(&red(), &mail("red-1")).await.expect("its own");
        let sneaky = json!({"attachments": [{"from_task": "blue-1"}]});
        invalid(service.run_task(&red(), "mail", Some(&sneaky), None).await);
        let link = json!({"chain": [{"task": "mail", "params": sneaky}]});
        invalid(service.patch_task(&red(), "red-2", &link, None).await);
        let search = json!({"id": "s", "type": "query_log", "trigger": {"type": "cron", "hour": 9}});
        assert!(matches!(service.create_task(&red(), &search).await, Err(Error::Forbidden(_))), "it looks at everybody's executions");
        let trusted = Actor { grants: vec!["query_log".into()], ..red() };
        service.create_task(&trusted, &search).await.expect("with a grant");
    }
}
