//! Tag scopes: an account limited to tags sees what it would see if the tasks outside its scope did not exist.

use belfry::domain::execution::Status;
use belfry::domain::operation::BulkAction;
use belfry::domain::page::{ExecutionFilter, PageRequest, TaskFilter};
use belfry::domain::tag_scope::TagScope;
use belfry::domain::user::{Actor, Role};
use belfry::service::{BulkTarget, Error, NewUser};
use belfry::stats::calendar_request::CalendarRequest;
use belfry::storage::bench_data::{self, SampleRun};
use belfry::storage::retention::{self, RetentionLimit, TaskSelection};
use belfry::storage::{Database, task_list};
use chrono::Duration;
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::for_each_database;
use crate::support::context::{TestContext, actor, admin, bulk, start};

fn limited(tags: &[&str], role: Role) -> Actor {
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Actor { scope: TagScope::from_tags(&tags), ..actor("eddie", role) }
}

fn red() -> Actor {
    limited(&["red"], Role::Editor)
}

fn echo(id: &str, tags: &[&str]) -> Value {
    json!({"id": id, "type": "echo", "tags": tags, "trigger": {"type": "cron", "hour": 9}, "params": {"message": "hello"}})
}

async fn create(context: &TestContext, id: &str, tags: &[&str]) {
    context.services.tasks.create(&admin(), &echo(id, tags)).await.expect("creates");
}

/// Inserts `count` runs of a task, one every `minutes` minutes before the start; every third failed.
async fn past(database: &Database, task: &str, count: i64, minutes: i64) {
    let run = |number: i64| {
        let at = start() - Duration::minutes(minutes * number + 1) - Duration::seconds(task.len() as i64);
        let tail = task.bytes().fold(number, |sum, byte| (sum * 31 + i64::from(byte)) % (1 << 18));
        SampleRun {
            id: crate::support::execution_id_at(at, tail),
            task_id: task.to_owned(),
            task_type: "echo",
            status: if number % 3 == 0 { Status::Failed } else { Status::Succeeded },
            at,
            duration_ms: 10 + number,
        }
    };
    let mut tx = database.write().await.expect("writes");
    bench_data::insert_runs(&mut tx, &(0..count).map(run).collect::<Vec<_>>()).await.expect("inserts");
    tx.commit().await.expect("commits");
}

/// All statistics as text.
async fn statistics(context: &TestContext, viewer: &Actor) -> String {
    let overview = context.services.stats.overview(viewer).await.expect("an overview");
    let mut stats = context.services.stats.window(viewer, 86_400).await.expect("stats");
    stats.by_type.sort();
    let request = |task_type: Option<&str>| CalendarRequest {
        from: start() - Duration::days(2),
        to: start() + Duration::days(2),
        zone: Tz::Asia__Shanghai,
        granularity: belfry::stats::calendar::Granularity::Hour,
        task_id: None,
        task_type: task_type.map(str::to_owned),
    };
    let calendar = context.services.stats.calendar(viewer, &request(None)).await.expect("a calendar");
    let by_type = context.services.stats.calendar(viewer, &request(Some("echo"))).await.expect("a calendar");
    let nodes = context.services.nodes.snapshot(viewer).await.expect("nodes").running;
    let tags = context.services.tasks.tags(viewer).await.expect("tags");
    format!("{overview:#?}\n{stats:#?}\n{calendar:#?}\n{by_type:#?}\n{nodes:#?}\n{tags:?}")
}

/// The ids of a list of executions, page by page to the end; asserts that paging back yields the same pages.
async fn walk(context: &TestContext, viewer: &Actor, filter: &ExecutionFilter, size: u32) -> Vec<String> {
    let (mut ids, mut request, mut pages) = (Vec::new(), PageRequest { size, cursor: None }, Vec::new());
    let total = loop {
        let page = context.services.executions.list(viewer, filter, &request).await.expect("a page");
        pages.push(page.items.iter().map(|run| run.id.clone()).collect::<Vec<_>>());
        ids.extend(pages.last().cloned().unwrap_or_default());
        let Some(next) = page.next else {
            let mut back = page.previous;
            for earlier in pages.iter().rev().skip(1) {
                let page = context
                    .services
                    .executions
                    .list(viewer, filter, &PageRequest { size, cursor: back.take() })
                    .await
                    .expect("a page");
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
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| (fault.pointer, fault.message.to_string())).collect(),
        other => panic!("it should be refused as invalid: {other:?}"),
    }
}

#[track_caller]
fn missing(result: Result<impl std::fmt::Debug, Error>) {
    assert!(matches!(result, Err(Error::NotFound(_))), "must be reported as not found: {result:?}");
}

for_each_database! {
    async fn statistics_exclude_tasks_outside_the_scope(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create(&context, "red-1", &["red", "daily"]).await;
        create(&context, "red-2", &["red"]).await;
        past(&db.database, "red-1", 40, 45).await;
        past(&db.database, "red-2", 9, 7).await;
        context.services.executions.run(&admin(), "red-1", None, None).await.unwrap();
        let alone = statistics(&context, &admin()).await;
        assert!(alone.contains("\"red-1\"") && alone.contains("ran_today"));
        assert_eq!(statistics(&context, &red()).await, alone, "equals the counters");
        create(&context, "blue-1", &["blue"]).await;
        create(&context, "plain", &[]).await;
        past(&db.database, "blue-1", 200, 3).await;
        context.services.executions.run(&admin(), "blue-1", None, None).await.unwrap();
        assert_eq!(statistics(&context, &red()).await, alone);
        assert_ne!(statistics(&context, &admin()).await, alone);
        let nothing = Actor { scope: TagScope::from_tags(&["red".to_owned()]).narrowed_to(&["blue".to_owned()]), ..red() };
        let none = statistics(&context, &nothing).await;
        assert!(!none.contains("red-") && !none.contains("blue-"), "{none}");
    }

    async fn execution_lists_are_limited_to_the_scope(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        for (id, tags, count, minutes) in [
            ("red-1", &["red", "both"][..], 23, 5),
            ("red-22", &["red"][..], 4, 60),
            ("red-333", &["red", "both"][..], 0, 1),
            ("blue-1", &["blue", "both"][..], 31, 4),
            ("plain-22", &[][..], 11, 9),
        ] {
            create(&context, id, tags).await;
            past(&db.database, id, count, minutes).await;
        }
        context.services.executions.run(&admin(), "red-1", None, None).await.unwrap();
        context.services.executions.run(&admin(), "blue-1", None, None).await.unwrap();
        context.services.tasks.delete(&admin(), "red-22", None).await.unwrap();
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
            let viewer = limited(tags, Role::Viewer);
            for filter in &filters {
                let everything = context.services.executions.list(&admin(), filter, &PageRequest { size: 500, cursor: None }).await.unwrap();
                let own = |task: &str| match task {
                    "red-1" => tags.contains(&"red"),
                    // Deleted; its executions stay in the scope.
                    "red-22" => tags.contains(&"red"),
                    "blue-1" => tags.iter().any(|tag| ["blue", "both"].contains(tag)),
                    _ => false,
                };
                let expected: Vec<String> =
                    everything.items.iter().filter(|run| own(&run.task_id)).map(|run| run.id.clone()).collect();
                for size in [1, 7, 500] {
                    assert_eq!(walk(&context, &viewer, filter, size).await, expected, "{tags:?} {filter:?} by {size}");
                }
            }
        }
    }

    async fn tasks_outside_the_scope_are_not_found(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        create(&context, "red-1", &["red"]).await;
        create(&context, "blue-1", &["blue"]).await;
        let run = services.executions.run(&admin(), "blue-1", None, None).await.unwrap();
        let viewer = red();
        for id in ["blue-1", "none"] {
            missing(services.tasks.get(&viewer, id).await);
            missing(services.executions.run(&viewer, id, None, None).await);
            missing(services.tasks.pause(&viewer, id, Some(7)).await);
            missing(services.tasks.patch(&viewer, id, &json!({"name": "x"}), Some(7)).await);
            missing(services.tasks.replace(&viewer, id, &echo(id, &["red"]), None).await);
            missing(services.tasks.delete(&viewer, id, None).await);
            missing(services.tasks.versions(&viewer, id, None).await);
            missing(services.tasks.version(&viewer, id, 1).await);
            missing(services.tasks.restore_version(&viewer, id, 1, None).await);
        }
        for id in [run.id.as_str(), "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            missing(services.executions.get(&viewer, id).await);
            missing(services.executions.output(&viewer, id, None).await);
            missing(services.executions.cancel(&viewer, id).await);
            missing(services.executions.rerun(&viewer, id, None, None).await);
        }
        assert!(services.tasks.zones_of(&viewer, &["blue-1".into()]).await.unwrap().is_empty());
        assert!(services.executions.recent_runs(&viewer, &["blue-1"], 5).await.unwrap().is_empty());
        let ids = BulkTarget::Ids(vec!["red-1".into(), "blue-1".into()]);
        let done = bulk(services, &viewer, BulkAction::Pause, &ids).await;
        assert_eq!((done.matched, done.done, done.errors[0].message.to_string()), (2, 1, "there is no task 'blue-1'".to_owned()));
        let every = BulkTarget::Filter(TaskFilter::default());
        let done = bulk(services, &viewer, BulkAction::Delete, &every).await;
        assert_eq!((done.matched, done.done), (1, 1));
        assert!(services.tasks.get(&admin(), "blue-1").await.is_ok());
        let left = task_list::page(&mut db.database.read().await.unwrap(), &TaskFilter::default(), &PageRequest::default()).await;
        assert_eq!(left.unwrap().total, 1);
    }

    async fn tasks_stay_in_the_scope_of_their_editor(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        for (name, tags) in [("r", &["red"][..]), ("b", &["blue"])] {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            let new = NewUser { name: name.into(), role: Role::Editor, password: None, grants: vec![], tags };
            services.users.create(&admin(), &new).await.unwrap();
        }
        let made = services.tasks.create(&red(), &echo("a", &["daily"])).await.unwrap();
        assert_eq!(made.tags, ["daily", "red"], "the account's only tag is added");
        let updated = services.tasks.patch(&red(), "a", &json!({"tags": ["weekly"]}), None).await.unwrap();
        assert_eq!(updated.tags, ["weekly", "red"]);
        for tags in [json!(["red", "blue"]), json!(["blue"])] {
            let refused = invalid(services.tasks.patch(&red(), "a", &json!({"tags": tags}), None).await);
            assert_eq!(refused[0].0, "/tags");
            assert!(refused[0].1.contains("'blue'") && refused[0].1.ends_with("yours: red"), "{refused:?}");
        }
        services.tasks.patch(&admin(), "a", &json!({"tags": ["red", "blue"]}), None).await.unwrap();
        assert_eq!(invalid(services.tasks.patch(&red(), "a", &json!({"tags": ["red"]}), None).await)[0].0, "/tags", "cannot remove a tag of another scope");
        services.tasks.patch(&red(), "a", &json!({"name": "other"}), None).await.expect("shared by both");
        let two = limited(&["red", "green"], Role::Editor);
        let refused = invalid(services.tasks.create(&two, &echo("b", &[])).await);
        assert_eq!(refused, [("/tags".to_owned(), "tags: at least one of these must be given: red, green".to_owned())]);
        services.tasks.create(&two, &echo("b", &["green"])).await.unwrap();
        let unseen = services.tasks.restore_version(&red(), "a", 1, None).await;
        assert_eq!(invalid(unseen)[0].0, "/tags", "version 1 lacks the tag blue");
        assert!(matches!(services.tasks.create(&red(), &echo("b", &["red"])).await, Err(Error::Conflict(_))));
    }

    async fn executions_of_deleted_tasks_stay_in_the_scope(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        create(&context, "payroll", &["blue"]).await;
        let run = services.executions.run(&admin(), "payroll", None, None).await.unwrap();
        services.tasks.delete(&admin(), "payroll", None).await.unwrap();
        let blue = limited(&["blue"], Role::Editor);
        assert!(services.executions.get(&blue, &run.id).await.is_ok());
        missing(services.executions.get(&red(), &run.id).await);
        let taken = services.tasks.create(&red(), &echo("payroll", &["red"])).await;
        assert!(matches!(taken, Err(Error::Conflict(_))), "the name would reveal past executions of another scope: {taken:?}");
        services.tasks.create(&blue, &echo("payroll", &["blue"])).await.expect("allowed in its own scope");
        services.tasks.patch(&admin(), "payroll", &json!({"tags": ["red"]}), None).await.unwrap();
        assert!(services.executions.get(&red(), &run.id).await.is_ok(), "past executions follow the task's tags");
        missing(services.executions.get(&blue, &run.id).await);
        services.tasks.delete(&admin(), "payroll", None).await.unwrap();
        let mut tx = db.database.write().await.unwrap();
        let all = RetentionLimit::Age(start() + Duration::days(1));
        let cutoffs = retention::cutoffs(&mut tx, all, TaskSelection::Except(&[])).await.unwrap();
        retention::delete(&mut tx, &cutoffs, 10).await.unwrap();
        belfry::storage::tag_scope::delete_unused_tags(&mut tx, 10).await.unwrap();
        tx.commit().await.unwrap();
        services.tasks.create(&blue, &echo("payroll", &["blue"])).await.expect("no past execution is left");
    }

    async fn chains_and_attachments_are_limited_to_the_scope(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        create(&context, "red-1", &["red"]).await;
        create(&context, "red-2", &["red"]).await;
        create(&context, "red-3", &["red"]).await;
        create(&context, "blue-1", &["blue"]).await;
        let chain = |task: &str| json!({"chain": [{"task": task}]});
        let refused = invalid(services.tasks.patch(&red(), "red-1", &chain("blue-1"), None).await);
        assert_eq!(refused, [("/chain/0/task".to_owned(), "task: there is no task 'blue-1'".to_owned())]);
        assert_eq!(invalid(services.tasks.patch(&red(), "red-1", &chain("none"), None).await)[0].0, "/chain/0/task");
        services.tasks.patch(&admin(), "red-1", &chain("blue-1"), None).await.unwrap();
        services.tasks.patch(&red(), "red-1", &json!({"name": "other"}), None).await.expect("existing links stay valid");
        let longer = json!({"chain": [{"task": "blue-1"}, {"task": "red-3"}]});
        services.tasks.patch(&red(), "red-1", &longer, None).await.expect("existing links may be combined with new ones");
        services.tasks.patch(&admin(), "blue-1", &chain("red-2"), None).await.unwrap();
        let round = invalid(services.tasks.patch(&red(), "red-2", &chain("red-1"), None).await);
        assert_eq!(round[0].1, "chain: forms a loop: red-2 → red-1 → … → red-2");
        let mail = |from: &str| json!({"id": "mail", "type": "send_email", "tags": ["red"], "trigger": {"type": "cron", "hour": 9},
            "params": {"to": "a@example.com", "title": "x", "body": "y", "attachments": [{"from_task": from}]}});
        for (from, says) in [("blue-1", "there is no task 'blue-1'"), ("{{ 'blue-1' }}", "cannot use a template here")] {
            let refused = invalid(services.tasks.create(&red(), &mail(from)).await);
            let found = refused.iter().any(|(at, what)| at == "/params/attachments/0/from_task" && what.contains(says));
            assert!(found, "{refused:?}");
        }
        services.tasks.create(&red(), &mail("red-1")).await.expect("a task in its own scope");
        let sneaky = json!({"attachments": [{"from_task": "blue-1"}]});
        invalid(services.executions.run(&red(), "mail", Some(&sneaky), None).await);
        let link = json!({"chain": [{"task": "mail", "params": sneaky}]});
        invalid(services.tasks.patch(&red(), "red-2", &link, None).await);
        let search = json!({"id": "s", "type": "query_log", "trigger": {"type": "cron", "hour": 9}});
        assert!(matches!(services.tasks.create(&red(), &search).await, Err(Error::Forbidden(_))), "it reads all executions");
        let trusted = Actor { grants: vec!["query_log".into()], ..red() };
        services.tasks.create(&trusted, &search).await.expect("with a grant");
    }
}
