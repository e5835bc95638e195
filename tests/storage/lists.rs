//! Lists (filters, sort orders, pages in both directions) and statistics.

use belfry::domain::execution::{Cause, Status};
use belfry::domain::page::{ExecutionFilter, ExecutionSort, PageRequest, TaskFilter, TaskSort};
use belfry::domain::queue::QueueSetting;
use belfry::domain::tag_scope::TagScope;
use belfry::ids::{execution_id, first_execution_key};
use belfry::storage::bench_data::{self, SampleRun};
use belfry::storage::execution::Finish;
use belfry::storage::execution_list::OutcomeLimit;
use belfry::storage::{Session, execution, execution_list, queue_setting, recent_runs, run_stats, stats, task_list};
use chrono::Duration;

use crate::for_each_database;
use crate::samples::{self, insert_executions, insert_task, now};

/// Pages through a list to its end and back; returns the ids of the way forward.
macro_rules! page_through {
    ($db:expr, $page:path, $filter:expr, $size:expr) => {{
        let mut reader = $db.database.read().await.unwrap();
        let (mut forward, mut pages, mut cursor) = (Vec::new(), Vec::new(), None);
        loop {
            let page = $page(&mut reader, &$filter, &PageRequest { size: $size, cursor: cursor.take() }).await.unwrap();
            let ids: Vec<String> = page.items.iter().map(|item| item.id.clone()).collect();
            forward.extend(ids.clone());
            pages.push((ids, page.previous.clone()));
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        for step in (1..pages.len()).rev() {
            let cursor = pages[step].1.clone();
            assert!(cursor.is_some(), "page {step} has a previous cursor");
            let page = $page(&mut reader, &$filter, &PageRequest { size: $size, cursor }).await.unwrap();
            let ids: Vec<String> = page.items.iter().map(|item| item.id.clone()).collect();
            assert_eq!(ids, pages[step - 1].0, "the page before page {step}");
            assert_eq!(page.previous.is_some(), step > 1);
        }
        forward
    }};
}

for_each_database! {
    async fn executions_are_paged_newest_first(db: &TestDatabase) {
        let all: Vec<_> = (0..25).map(|n| samples::execution("a", n)).collect();
        insert_executions(&db.database, &all).await;
        let mut expected: Vec<_> = all.iter().map(|e| e.id.clone()).collect();
        expected.reverse();
        for size in [1, 10, 25, 40] {
            assert_eq!(page_through!(db, execution_list::page, ExecutionFilter::default(), size), expected, "pages of {size}");
        }
    }

    async fn executions_are_sorted_by_what_they_have(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let all: Vec<_> = (0..5).map(|n| samples::execution("a", n * 1000)).collect();
        insert_executions(&db.database, &all).await;
        for run in &all[..3] {
            samples::run(&db.database, run, Status::Succeeded).await;
        }
        let tags = TagScope::from_tags(&["report".to_owned()]);
        let (oldest_first, newest_first) = ([0, 1, 2], [2, 1, 0]);
        for scope in [TagScope::ALL, tags] {
            for (order, expected) in [((ExecutionSort::StartedAt, false), oldest_first), ((ExecutionSort::StartedAt, true), newest_first)] {
                let filter = ExecutionFilter { scope: scope.clone(), ..ExecutionFilter::default() };
                let mut reader = db.database.read().await.unwrap();
                let found = execution_list::sorted(&mut reader, &filter, order, 10).await.unwrap();
                let ids: Vec<_> = found.iter().map(|run| run.id.as_str()).collect();
                assert_eq!(ids, expected.map(|n: usize| all[n].id.as_str()), "{order:?}: what has not begun is left out");
                let first = execution_list::sorted(&mut reader, &filter, order, 1).await.unwrap();
                assert_eq!(first[0].id, all[expected[0]].id);
            }
        }
    }

    async fn executions_are_filtered(db: &TestDatabase) {
        let mut all: Vec<_> = (0..6).map(|n| samples::execution(if n % 2 == 0 { "a" } else { "b_x" }, n * 1000)).collect();
        all[4].task_type = "send_cmd".into();
        all[5].cause = Cause::Manual;
        insert_executions(&db.database, &all).await;
        samples::run(&db.database, &all[0], Status::Failed).await;
        samples::run(&db.database, &all[1], Status::Succeeded).await;
        let ids = |indexes: &[usize]| indexes.iter().map(|n| all[*n].id.clone()).collect::<Vec<_>>();
        let empty = ExecutionFilter::default;
        let cases = [
            (ExecutionFilter { task_id: Some("a".into()), ..empty() }, ids(&[4, 2, 0])),
            (ExecutionFilter { task_type: Some("send_cmd".into()), ..empty() }, ids(&[4])),
            (ExecutionFilter { statuses: vec![Status::Failed, Status::Succeeded], ..empty() }, ids(&[1, 0])),
            (ExecutionFilter { cause: Some(Cause::Manual), ..empty() }, ids(&[5])),
            (ExecutionFilter { cause: Some(Cause::Schedule), task_id: Some("b_x".into()), ..empty() }, ids(&[3, 1])),
            (ExecutionFilter { from: Some(now() + Duration::milliseconds(3)), ..empty() }, ids(&[1, 0])),
            (ExecutionFilter { from: Some(now() + Duration::milliseconds(4)), ..empty() }, ids(&[1])),
            (ExecutionFilter { to: Some(now() + Duration::milliseconds(1003)), ..empty() }, ids(&[0])),
            (ExecutionFilter { search: Some("IT BROKE".into()), ..empty() }, ids(&[0])),
            (ExecutionFilter { search: Some("b_".into()), ..empty() }, ids(&[5, 3, 1])),
            (ExecutionFilter { search: Some("%".into()), ..empty() }, ids(&[])),
            (ExecutionFilter { search: Some(all[2].id.to_lowercase()), ..empty() }, ids(&[2])),
            (ExecutionFilter { statuses: vec![Status::Queued], ..empty() }, ids(&[5, 4, 3, 2])),
            (ExecutionFilter { statuses: vec![Status::Failed, Status::Skipped], ..empty() }, ids(&[0])),
            (ExecutionFilter { task_id: Some("a".into()), statuses: vec![Status::Failed, Status::Skipped], ..empty() }, ids(&[0])),
        ];
        for (filter, expected) in cases {
            let page = execution_list::page(&mut db.database.read().await.unwrap(), &filter, &PageRequest::default()).await.unwrap();
            let found: Vec<_> = page.items.iter().map(|e| e.id.clone()).collect();
            assert_eq!((found, page.total, page.total_is_exact), (expected.clone(), expected.len() as i64, true), "{filter:?}");
        }
    }

    async fn outcomes_of_a_filter_are_counted(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let mut all: Vec<_> = (0..6).map(|n| samples::execution(if n % 2 == 0 { "a" } else { "b" }, n * 60_000)).collect();
        all[4].task_type = "send_cmd".into();
        all[5].cause = Cause::Manual;
        insert_executions(&db.database, &all).await;
        for (run, status) in [(0, Status::Failed), (1, Status::Succeeded), (2, Status::Succeeded)] {
            samples::run(&db.database, &all[run], status).await;
        }
        let empty = ExecutionFilter::default;
        let tags = TagScope::from_tags(&["report".to_owned()]);
        let cases = [
            (ExecutionFilter { task_id: Some("a".into()), ..empty() }, vec![(0, Status::Failed), (120, Status::Succeeded)], 1),
            (ExecutionFilter { scope: tags.clone(), ..empty() }, vec![(0, Status::Failed), (120, Status::Succeeded)], 1),
            (ExecutionFilter { task_id: Some("b".into()), ..empty() }, vec![(60, Status::Succeeded)], 2),
            (ExecutionFilter { task_id: Some("b".into()), scope: tags, ..empty() }, vec![], 0),
            (ExecutionFilter { task_type: Some("send_cmd".into()), ..empty() }, vec![], 1),
            (ExecutionFilter { cause: Some(Cause::Manual), ..empty() }, vec![], 1),
            (ExecutionFilter { search: Some("it broke".into()), ..empty() }, vec![(0, Status::Failed)], 0),
        ];
        let range = (now(), now() + Duration::hours(1));
        for (filter, expected, active) in cases {
            let mut reader = db.database.read().await.unwrap();
            let mut found = execution_list::outcomes(&mut reader, &filter, range, 60_000).await.unwrap();
            found.outcomes.sort_by_key(|outcome| outcome.at);
            let steps: Vec<_> = found.outcomes.iter().map(|one| ((one.at - now()).num_seconds(), one.status)).collect();
            assert_eq!(steps, expected, "{filter:?}");
            assert_eq!(found.active.iter().map(|(_, runs)| runs).sum::<i64>(), active, "{filter:?}");
            assert!(found.limit.is_none() && found.outcomes.iter().all(|one| one.runs == 1));
        }
        let later = (now() + Duration::minutes(2), now() + Duration::hours(1));
        let found = execution_list::outcomes(&mut db.database.read().await.unwrap(), &empty(), later, 60_000).await.unwrap();
        assert_eq!(found.outcomes.len(), 1, "what began before is left out");
    }

    async fn outcomes_are_counted_among_the_newest_matches(db: &TestDatabase) {
        let all: Vec<_> = (0..execution_list::OUTCOME_LIMIT + 5).map(|n| samples::execution("a", n)).collect();
        for part in all.chunks(1000) {
            insert_executions(&db.database, part).await;
        }
        let (range, filter) = ((now(), now() + Duration::hours(1)), ExecutionFilter { task_id: Some("a".into()), ..Default::default() });
        let found = execution_list::outcomes(&mut db.database.read().await.unwrap(), &filter, range, 60_000).await.unwrap();
        assert_eq!((found.limit, found.active), (Some(OutcomeLimit::Matches), vec![(Status::Queued, execution_list::OUTCOME_LIMIT + 1)]));
    }

    async fn outcomes_of_a_search_are_counted_among_the_newest_executions(db: &TestDatabase) {
        let run = |number: i64| SampleRun {
            id: execution_id(first_execution_key(now()) + number),
            task_id: if number == 0 { "oldest" } else { "a" }.to_owned(),
            task_type: "echo",
            status: Status::Succeeded,
            at: now() + Duration::milliseconds(number),
            duration_ms: 1,
        };
        let filter = ExecutionFilter { search: Some("oldest".into()), ..ExecutionFilter::default() };
        let limit = execution_list::OUTCOME_SEARCH_LIMIT;
        for (new, expected) in [(0..limit - 1, (None, 1)), (limit - 1..limit + 1, (Some(OutcomeLimit::Searched), 0))] {
            let mut tx = db.database.write().await.unwrap();
            bench_data::insert_runs(&mut tx, &new.map(run).collect::<Vec<_>>()).await.unwrap();
            let range = (now(), now() + Duration::hours(1));
            let found = execution_list::outcomes(&mut tx, &filter, range, 60_000).await.unwrap();
            assert_eq!((found.limit, found.outcomes.len()), expected);
            tx.commit().await.unwrap();
        }
    }

    async fn slowest_tasks_are_those_of_a_second_or_more(db: &TestDatabase) {
        for (id, duration_ms) in [("quick", 999), ("slow", 1_000), ("slower", 60_000)] {
            insert_task(&db.database, &samples::task(id)).await;
            let new = samples::execution(id, 0);
            insert_executions(&db.database, std::slice::from_ref(&new)).await;
            let mut tx = db.database.write().await.unwrap();
            execution::claim(&mut tx, &samples::node(), &[samples::claim_of(&new, 1)]).await.unwrap();
            let finish = Finish { duration_ms, ..samples::finish_of(&new, 1, Status::Succeeded) };
            execution::finish(&mut tx, &samples::node().id, &[finish]).await.unwrap();
            tx.commit().await.unwrap();
        }
        let mut reader = db.database.read().await.unwrap();
        let found = stats::slowest(&mut reader, &TagScope::ALL, 8).await.unwrap();
        let shown: Vec<_> = found.iter().map(|one| (one.task_id.as_str(), one.last_duration_ms, one.last_status)).collect();
        assert_eq!(shown, [("slower", 60_000, Status::Succeeded), ("slow", 1_000, Status::Succeeded)]);
        assert_eq!(stats::slowest(&mut reader, &TagScope::ALL, 1).await.unwrap().len(), 1);
        let nothing = TagScope::from_tags(&["none".to_owned()]);
        assert!(stats::slowest(&mut reader, &nothing, 8).await.unwrap().is_empty());
    }

    async fn active_executions_are_counted_by_queue(db: &TestDatabase) {
        let mut all: Vec<_> = (0..5).map(|n| samples::execution("a", n * 1000)).collect();
        all[4].queue = "slow".into();
        insert_executions(&db.database, &all).await;
        let mut tx = db.database.write().await.unwrap();
        execution::claim(&mut tx, &samples::node(), &[samples::claim_of(&all[0], 1)]).await.unwrap();
        tx.commit().await.unwrap();
        let found = stats::active_by_queue(&mut db.database.read().await.unwrap(), &TagScope::ALL, 100).await.unwrap();
        let sum = |queue: &str, held: bool| found.iter().filter(|one| one.queue == queue && one.held == held).map(|one| one.runs).sum::<i64>();
        assert_eq!([("default", true), ("default", false), ("slow", true), ("slow", false)].map(|(queue, held)| sum(queue, held)), [1, 3, 0, 1]);
        assert!(found.iter().all(|one| one.waiting != one.held), "{found:?}");
    }

    async fn settings_of_queues_are_kept_by_name(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        assert_eq!(queue_setting::lock(&mut tx, "slow").await.unwrap(), QueueSetting::default());
        let set = QueueSetting { paused: true, limit: Some(3) };
        queue_setting::set(&mut tx, "slow", &set).await.unwrap();
        queue_setting::set(&mut tx, "a:b", &QueueSetting::default()).await.unwrap();
        assert_eq!(queue_setting::lock(&mut tx, "slow").await.unwrap(), set);
        tx.commit().await.unwrap();
        let all = queue_setting::all(&mut db.database.read().await.unwrap()).await.unwrap();
        assert_eq!(all.keys().map(String::as_str).collect::<Vec<_>>(), ["a:b", "slow"]);
    }

    async fn tasks_are_paged_in_every_sort_order(db: &TestDatabase) {
        for n in 0..7_i64 {
            let mut new = samples::task(&format!("t{n}"));
            new.name = format!("N{}", n % 3);
            new.created_at = now() + Duration::seconds(n % 2);
            new.next_run_at = (n % 3 != 0).then(|| now() + Duration::seconds(-n));
            insert_task(&db.database, &new).await;
        }
        for sort in TaskSort::ALL {
            for descending in [false, true] {
                let filter = TaskFilter { sort, descending, ..TaskFilter::default() };
                let found = page_through!(db, task_list::page, filter, 2);
                assert_eq!(found.len(), 7, "{sort:?}");
                assert_eq!(found.iter().collect::<std::collections::HashSet<_>>().len(), 7, "{sort:?}");
            }
        }
        let by_next = TaskFilter { sort: TaskSort::NextRunAt, ..TaskFilter::default() };
        assert_eq!(page_through!(db, task_list::page, by_next, 3), ["t5", "t4", "t2", "t1", "t0", "t3", "t6"]);
    }

    async fn tasks_are_filtered(db: &TestDatabase) {
        let mut other = samples::task("other");
        (other.tags, other.enabled, other.task_type) = (vec!["re".into()], false, "send_cmd".into());
        other.name = "100% Ready".into();
        for new in [&samples::task("a"), &other] {
            insert_task(&db.database, new).await;
        }
        let new = samples::execution("a", 0);
        insert_executions(&db.database, std::slice::from_ref(&new)).await;
        samples::run(&db.database, &new, Status::Failed).await;
        let empty = TaskFilter::default;
        let cases = [
            (TaskFilter { search: Some("name OF".into()), ..empty() }, "a"),
            (TaskFilter { search: Some("0% r".into()), ..empty() }, "other"),
            (TaskFilter { tag: Some("re".into()), ..empty() }, "other"),
            (TaskFilter { tag: Some("日报".into()), ..empty() }, "a"),
            (TaskFilter { enabled: Some(false), ..empty() }, "other"),
            (TaskFilter { status: Some(Status::Failed), ..empty() }, "a"),
            (TaskFilter { task_type: Some("send_cmd".into()), ..empty() }, "other"),
        ];
        let mut reader = db.database.read().await.unwrap();
        for (filter, expected) in cases {
            let page = task_list::page(&mut reader, &filter, &PageRequest::default()).await.unwrap();
            assert_eq!(page.items.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), [expected], "{filter:?}");
            assert_eq!(page.total, 1);
            assert_eq!(task_list::ids(&mut reader, &filter, "", 10).await.unwrap(), [expected]);
            assert!(task_list::ids(&mut reader, &filter, expected, 10).await.unwrap().is_empty());
        }
        assert_eq!(task_list::tags(&mut reader, &TagScope::ALL).await.unwrap(), ["re", "report", "日报"]);
    }

    async fn names_outside_ascii_are_found(db: &TestDatabase) {
        let names = ["Überwachung", "Отчёт", "İstanbul", "Straße", "ＡＢＣ", "日报", "Zürich"];
        for (n, name) in names.iter().enumerate() {
            let mut new = samples::task(&format!("t{n}"));
            (new.name, new.description, new.tags) = ((*name).into(), String::new(), Vec::new());
            insert_task(&db.database, &new).await;
        }
        let mut reader = db.database.read().await.unwrap();
        for (search, expected) in [
            ("überwachung", "t0"),
            ("ÜBERWACHUNG", "t0"),
            ("u\u{308}berw", "t0"),
            ("отчёт", "t1"),
            ("ОТЧЁТ", "t1"),
            ("istanbul", "t2"),
            ("İSTANBUL", "t2"),
            ("ß", "t3"),
            ("STRASSE", "t3"),
            ("abc", "t4"),
            ("ａｂｃ", "t4"),
            ("日报", "t5"),
            ("ZÜRICH", "t6"),
        ] {
            let filter = TaskFilter { search: Some(search.into()), ..TaskFilter::default() };
            let page = task_list::page(&mut reader, &filter, &PageRequest::default()).await.unwrap();
            assert_eq!(page.items.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), [expected], "{search}");
        }
    }

    async fn names_outside_ascii_are_paged_completely(db: &TestDatabase) {
        let names = ["Überwachung", "Отчёт", "İstanbul", "ß", "ＦＵＬＬ", "日报", "Éa", "éB", "z"];
        for n in 0..45 {
            let mut new = samples::task(&format!("t{n:02}"));
            new.name = format!("{} {}", names[n % names.len()], n / names.len());
            insert_task(&db.database, &new).await;
        }
        for descending in [false, true] {
            for size in [1, 7, 44] {
                let filter = TaskFilter { sort: TaskSort::Name, descending, ..TaskFilter::default() };
                let found = page_through!(db, task_list::page, filter, size);
                assert_eq!(found.iter().collect::<std::collections::HashSet<_>>().len(), 45, "pages of {size}, {descending}");
                assert_eq!(found.len(), 45, "pages of {size}, {descending}");
            }
        }
        let filter = TaskFilter { sort: TaskSort::Name, search: Some("éb".into()), ..TaskFilter::default() };
        assert_eq!(page_through!(db, task_list::page, filter, 2), ["t07", "t16", "t25", "t34", "t43"]);
    }

    async fn executions_are_found_by_text_outside_ascii(db: &TestDatabase) {
        let new = samples::execution("Отчёт", 0);
        insert_executions(&db.database, std::slice::from_ref(&new)).await;
        for (search, matches) in [("отчёт", 1), ("ОТЧ", 1), ("Отчёт.", 0), ("отче", 0)] {
            let filter = ExecutionFilter { search: Some(search.into()), ..ExecutionFilter::default() };
            let page = execution_list::page(&mut db.database.read().await.unwrap(), &filter, &PageRequest::default()).await;
            assert_eq!(page.unwrap().items.len(), matches, "{search}");
        }
    }

    async fn stats_of_a_window(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let all: Vec<_> = (0..4).map(|n| samples::execution("a", n * 1000)).collect();
        insert_executions(&db.database, &all).await;
        samples::run(&db.database, &all[1], Status::Failed).await;
        samples::run(&db.database, &all[2], Status::Succeeded).await;
        let mut reader = db.database.read().await.unwrap();
        let from = now() + Duration::seconds(1);
        let by_status = stats::by_status(&mut reader, from).await.unwrap();
        let count = |status| by_status.iter().find(|(s, _)| *s == status).unwrap().1;
        assert_eq!([Status::Queued, Status::Failed, Status::Succeeded, Status::Missed].map(count), [1, 1, 1, 0]);
        assert_eq!(stats::count_of_type(&mut reader, "echo", from).await.unwrap(), 3);
        assert_eq!(stats::newest_runs(&mut reader, from, 10).await.unwrap(), [(7, 3), (7, 3)]);
        assert_eq!(stats::tasks(&mut reader, &TagScope::ALL).await.unwrap().failing, 0, "the last run succeeded");
        assert_eq!(stats::due_next(&mut reader, &TagScope::ALL, 5).await.unwrap()[0].task_id, "a");
        assert_eq!(stats::active(&mut reader).await.unwrap(), [(Status::Queued, 2)]);
        stats::ping(&mut reader).await.unwrap();
    }

    async fn run_stats_count_finished_runs_by_slot(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let all: Vec<_> = [0, 10, 60_000, 120_000, 1_200_000].map(|offset| samples::execution("a", offset)).into();
        insert_executions(&db.database, &all).await;
        samples::run(&db.database, &all[0], Status::Failed).await;
        samples::run(&db.database, &all[1], Status::Failed).await;
        samples::run(&db.database, &all[2], Status::Succeeded).await;
        samples::run(&db.database, &all[4], Status::Succeeded).await;
        let mut reader = db.database.read().await.unwrap();
        let (hour, quarter) = (now() + Duration::hours(1), 900_000);
        let found = async |reader: &mut dyn Session, from, to, step| {
            let found = run_stats::outcomes(reader, from, to, step).await.unwrap();
            found.iter().map(|o| ((o.at - now()).num_minutes(), o.status, o.runs)).collect::<Vec<_>>()
        };
        let (first, last) = ((0, Status::Failed, 2), (1, Status::Succeeded, 1));
        assert_eq!(found(&mut reader, now(), hour, 60_000).await, [first, last, (20, Status::Succeeded, 1)]);
        assert_eq!(found(&mut reader, now(), hour, 3_600_000).await, [first, (0, Status::Succeeded, 2)]);
        for (to, runs) in [(15, 0), (20, 0), (21, 1), (30, 1)] {
            let counted = found(&mut reader, now(), now() + Duration::minutes(to), quarter).await;
            let after: i64 = counted.iter().filter(|(minute, ..)| *minute == 15).map(|(.., runs)| runs).sum();
            assert_eq!((counted.len(), after), (2 + usize::from(runs > 0), runs), "until minute {to}");
        }
        for (from, runs) in [(0, 2), (1, 2), (2, 1), (20, 1), (21, 0)] {
            let by_status = stats::by_status(&mut reader, now() + Duration::minutes(from)).await.unwrap();
            let succeeded = by_status.iter().find(|(status, _)| *status == Status::Succeeded).unwrap().1;
            assert_eq!(succeeded, runs, "since minute {from}");
        }
        drop(reader);
        let mut tx = db.database.write().await.unwrap();
        run_stats::remove_before(&mut tx, now() + Duration::minutes(1)).await.unwrap();
        assert_eq!(found(&mut tx, now(), hour, 60_000).await.len(), 2);
        assert_eq!(found(&mut tx, now(), hour, quarter).await.len(), 3, "the quarter of the last minute stays");
        run_stats::remove_before(&mut tx, now() + Duration::minutes(15)).await.unwrap();
        assert_eq!(found(&mut tx, now(), hour, quarter).await, [(15, Status::Succeeded, 1)]);
    }

    async fn recent_runs_of_several_tasks(db: &TestDatabase) {
        for (task, count) in [("a", 5), ("b", 2)] {
            let all: Vec<_> = (0..count).map(|n| samples::execution(task, n * 1000)).collect();
            insert_executions(&db.database, &all).await;
        }
        let mut reader = db.database.read().await.unwrap();
        let found = recent_runs::for_tasks(&mut reader, &["a", "b", "none"], 3).await.unwrap();
        assert_eq!((found.len(), found["a"].len(), found["b"].len()), (2, 3, 2));
        let last = samples::execution("a", 4000).id;
        assert_eq!(found["a"].last().unwrap().id, last, "oldest first");
        assert!(recent_runs::for_tasks(&mut reader, &[], 3).await.unwrap().is_empty());
    }
}
