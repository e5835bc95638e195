//! Incidents: opening, growth, recovery, grouping, reminders, acknowledgement and mutes, on both databases.

use belfry::domain::execution::Status;
use belfry::domain::notify::event::NotifyEvent;
use belfry::domain::user::Role;
use belfry::i18n::Language;
use belfry::service::Error;
use belfry::storage::lease;
use chrono::Duration;
use serde_json::json;

use crate::alarm_rig::{AlarmRig, begin, end_all, node};
use crate::for_each_database;
use crate::support::context::{actor, admin};

for_each_database! {
    async fn incident_opens_once_grows_and_closes(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        rig.rule(json!({})).await;
        rig.succeed("a").await;
        let first = rig.fail("a", "refused by 10.0.0.1").await;
        rig.advance(60);
        let last = rig.fail("a", "refused by 10.0.0.2").await;
        let open = rig.incidents().await.remove(0);
        assert_eq!((open.count, open.is_open(), open.cause.as_str()), (2, true, "refused by #"));
        assert_eq!((open.first_execution.as_deref(), open.last_execution.as_deref()), (Some(&*first), Some(&*last)));
        assert_eq!(open.error_text(Language::English), "refused by 10.0.0.2");
        assert_eq!(rig.titles("ops").await, ["a failed"]);
        rig.advance(60);
        rig.succeed("a").await;
        assert_eq!(rig.titles("ops").await, ["a failed", "a recovered"]);
        assert!(!rig.incidents().await.remove(0).is_open());
        rig.succeed("a").await;
        rig.fail("a", "refused by 10.0.0.1").await;
        assert_eq!((rig.incidents().await.len(), rig.titles("ops").await.len()), (2, 3), "a new incident");
        let detail = rig.context.services.incidents.get(&admin(), &open.id).await.unwrap();
        assert_eq!((detail.runs.len(), detail.deliveries.len()), (2, 2));
    }

    async fn nothing_is_on_record_without_a_rule(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({"tags": ["red"]})).await;
        rig.rule(json!({"tasks": {"tags": ["blue"], "types": ["send_cmd"]}})).await;
        rig.fail("a", "x").await;
        assert_eq!((rig.incidents().await.len(), rig.titles("ops").await.len()), (0, 0));
        rig.rule(json!({"name": "red", "tasks": {"tags": ["red"]}})).await;
        rig.fail("a", "x").await;
        assert_eq!(rig.titles("ops").await, ["a failed"]);
    }

    async fn failures_of_one_cause_are_one_message(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        for id in ["a", "b", "c", "d"] {
            rig.task(id, json!({})).await;
        }
        rig.rule(json!({})).await;
        rig.end_all(&[("a", Status::Failed, "db down 1"), ("b", Status::Failed, "db down 2")]).await;
        assert_eq!(rig.titles("ops").await, ["a and 1 more failed"]);
        rig.fail("c", "db down 3").await;
        rig.fail("d", "db down 4").await;
        assert_eq!(rig.titles("ops").await.len(), 1, "they wait for the end of the window");
        rig.check().await;
        rig.advance(31);
        rig.check().await;
        rig.check().await;
        let messages = rig.messages("ops").await;
        let subjects: Vec<_> = messages.iter().map(|message| message.notice.subjects.join(" ")).collect();
        assert_eq!(subjects, ["a b", "c d"]);
        let incidents = rig.incidents().await;
        assert_eq!(incidents.len(), 4);
        let detail = rig.context.services.incidents.get(&admin(), &incidents[3].id).await.unwrap();
        assert_eq!((detail.same_cause.join(" "), detail.deliveries.len()), ("a b c d".to_owned(), 1));
    }

    async fn waiting_failures_are_told_when_they_recover(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        rig.task("b", json!({})).await;
        rig.rule(json!({})).await;
        rig.fail("a", "db down").await;
        rig.fail("b", "db down").await;
        rig.succeed("b").await;
        assert_eq!(rig.titles("ops").await, ["a failed", "b failed", "b recovered"]);
        rig.advance(60);
        rig.check().await;
        assert_eq!(rig.titles("ops").await.len(), 3);
    }

    async fn reminders_end_with_the_acknowledgement(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        rig.rule(json!({"remind_every_seconds": 60, "channels": ["ops", "boss"]})).await;
        rig.fail("a", "x").await;
        rig.check().await;
        rig.advance(61);
        rig.check().await;
        rig.check().await;
        assert_eq!(rig.titles("boss").await, ["a failed", "a failed, for 1 min 1 s now"]);
        let id = rig.incidents().await.remove(0).id;
        let bob = actor("bob", Role::Operator);
        let incidents = &rig.context.services.incidents;
        assert_eq!(incidents.acknowledge(&bob, &id).await.unwrap().acknowledged_by.as_deref(), Some("bob"));
        assert!(matches!(incidents.acknowledge(&bob, &id).await, Err(Error::Conflict(_))));
        assert!(matches!(incidents.acknowledge(&actor("eve", Role::Viewer), &id).await, Err(Error::Forbidden(_))));
        rig.advance(600);
        rig.check().await;
        assert_eq!(rig.titles("ops").await.len(), 2);
        rig.succeed("a").await;
        assert_eq!(rig.titles("ops").await.len(), 3, "the end is told");
        assert!(matches!(incidents.close(&bob, &id).await, Err(Error::Conflict(_))));
    }

    async fn muted_tasks_are_on_record_and_told_of_afterwards(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        rig.rule(json!({})).await;
        let incidents = &rig.context.services.incidents;
        let until = rig.now() + Duration::minutes(10);
        incidents.mute(&admin(), "a", Some(until)).await.unwrap();
        assert_eq!(incidents.mute_of(&admin(), "a").await.unwrap().map(|mute| mute.until), Some(until));
        rig.fail("a", "x").await;
        rig.check().await;
        assert_eq!((rig.incidents().await.len(), rig.titles("ops").await.len()), (1, 0));
        rig.advance(601);
        rig.check().await;
        assert_eq!((rig.titles("ops").await.len(), incidents.mute_of(&admin(), "a").await.unwrap()), (1, None));
        rig.succeed("a").await;
        incidents.mute(&admin(), "a", Some(rig.now() + Duration::hours(1))).await.unwrap();
        rig.fail("a", "y").await;
        incidents.mute(&admin(), "a", None).await.unwrap();
        rig.check().await;
        assert_eq!(rig.titles("ops").await.len(), 3, "told once the mute ends early");
        let far = rig.now() + Duration::days(400);
        assert!(matches!(incidents.mute(&admin(), "a", Some(far)).await, Err(Error::Invalid(_))));
    }

    async fn quiet_hours_hold_messages_back(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        let hours = json!({"from": "07:00", "to": "09:30", "timezone": "UTC"});
        rig.rule(json!({"quiet_hours": hours})).await;
        rig.rule(json!({"name": "urgent", "quiet_hours": hours, "urgent": true, "channels": ["boss"]})).await;
        rig.fail("a", "x").await;
        let message = rig.messages("ops").await.remove(0);
        assert_eq!(message.not_before - rig.now(), Duration::minutes(90), "it is 08:00");
        let urgent = rig.messages("boss").await.remove(0);
        assert_eq!((urgent.not_before, urgent.notice.urgent), (rig.now(), true));
    }

    async fn closing_by_hand_lets_the_next_failure_open_anew(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        rig.rule(json!({})).await;
        rig.fail("a", "x").await;
        let id = rig.incidents().await.remove(0).id;
        let closed = rig.context.services.incidents.close(&admin(), &id).await.unwrap();
        assert_eq!((closed.closed_by.as_deref(), rig.titles("ops").await.len()), (Some("alice"), 1));
        rig.advance(60);
        rig.fail("a", "x").await;
        assert_eq!((rig.incidents().await.len(), rig.titles("ops").await.len()), (2, 2));
    }

    async fn deleting_a_task_closes_its_incidents(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        rig.rule(json!({})).await;
        rig.fail("a", "x").await;
        rig.context.services.tasks.delete(&admin(), "a", None).await.unwrap();
        assert!(!rig.incidents().await.remove(0).is_open());
    }

    async fn a_success_closes_the_incident_that_another_node_opened(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        rig.rule(json!({})).await;
        end_all(&db.database, &node("a"), rig.now(), &[("a", Status::Failed, "x")]).await;
        rig.advance(1);
        end_all(&db.database, &node("b"), rig.now(), &[("a", Status::Succeeded, "")]).await;
        assert_eq!(rig.titles("ops").await, ["a failed", "a recovered"]);
    }

    async fn nodes_that_record_failures_at_once_open_one_incident(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({"policy": {"max_instances": 100}})).await;
        rig.rule(json!({})).await;
        let ends = (0..8).map(|number| {
            let (database, now) = (db.database.clone(), rig.now());
            tokio::spawn(async move { end_all(&database, &node(&number.to_string()), now, &[("a", Status::Failed, "x")]).await })
        });
        for end in ends.collect::<Vec<_>>() {
            end.await.expect("records");
        }
        let incidents = rig.incidents().await;
        assert_eq!((incidents.len(), incidents[0].count, rig.titles("ops").await.len()), (1, 8, 1));
    }

    async fn reminders_are_the_duty_of_one_node(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        rig.rule(json!({"remind_every_seconds": 60})).await;
        rig.fail("a", "x").await;
        rig.advance(61);
        let mut tx = db.database.write().await.unwrap();
        assert!(lease::hold(&mut tx, "alarms", "other", rig.now(), Duration::seconds(20)).await.unwrap());
        tx.commit().await.unwrap();
        rig.check().await;
        assert_eq!(rig.titles("ops").await.len(), 1, "the other node's");
        rig.advance(20);
        rig.watch("b").run_once(rig.now()).await.unwrap();
        assert_eq!(rig.titles("ops").await.len(), 2);
    }

    async fn a_rolled_back_end_decides_nothing(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        rig.rule(json!({})).await;
        let runs = begin(&db.database, &node("a"), rig.now(), &["a"]).await;
        let finish = belfry::storage::execution::Finish {
            execution_id: runs[0].id.clone(),
            attempt: 1,
            status: Status::Failed,
            retry_at: None,
            started_at: rig.now(),
            finished_at: rig.now(),
            duration_ms: 1,
            error: None,
            result: None,
        };
        let mut tx = db.database.write().await.unwrap();
        belfry::storage::execution::finish(&mut tx, &node("a").id, std::slice::from_ref(&finish)).await.unwrap();
        let outcome = belfry::notify::incidents::TaskOutcome::of_run(&finish, "a", None);
        let at = belfry::notify::incidents::DecisionTime { now: rig.now(), zone: chrono_tz::Tz::UTC };
        assert!(belfry::notify::incidents::record(&mut tx, &[outcome], at).await.unwrap());
        drop(tx);
        assert_eq!((rig.incidents().await.len(), rig.titles("ops").await.len()), (0, 0), "neither is on record");
        crate::alarm_rig::record(&db.database, &node("a"), rig.now(), &[finish], &runs).await;
        assert_eq!((rig.incidents().await.len(), rig.titles("ops").await.len()), (1, 1));
    }

    async fn missed_occurrences_are_told_by_the_planner(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        let policy = json!({"misfire_grace_seconds": 60});
        rig.task("a", json!({"trigger": {"type": "interval", "minutes": 10}, "policy": policy})).await;
        rig.rule(json!({"events": ["missed", "skipped"]})).await;
        rig.context.advance(Duration::hours(2)).await;
        let events: Vec<_> = rig.incidents().await.iter().map(|incident| incident.event).collect();
        assert!(events.contains(&NotifyEvent::Missed), "{events:?}");
        assert!(rig.titles("ops").await.contains(&"a missed a run".to_owned()));
    }

    async fn limits_are_told_once_until_the_task_is_well(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        let alert = json!({"running_longer_than_seconds": 60, "no_success_for_seconds": 3600, "failures_in_a_row": 2});
        rig.task("a", json!({"policy": {"alert": alert}})).await;
        let events = json!(["running_long", "no_success", "failures_in_a_row", "recovered"]);
        rig.rule(json!({"events": events})).await;
        let runs = begin(&db.database, &node("a"), rig.now(), &["a"]).await;
        let mut tx = db.database.write().await.unwrap();
        let claim = belfry::storage::execution::Claim { execution_id: runs[0].id.clone(), attempt: 1, started_at: rig.now() };
        belfry::storage::execution::mark_running(&mut tx, &node("a").id, &[claim]).await.unwrap();
        tx.commit().await.unwrap();
        rig.check().await;
        rig.advance(61);
        rig.check().await;
        rig.advance(5);
        rig.check().await;
        assert_eq!(rig.titles("ops").await, ["a is running too long"]);
        rig.advance(3600);
        rig.check().await;
        rig.check().await;
        assert_eq!(rig.titles("ops").await.len(), 2, "no success for too long");
        rig.fail("a", "x").await;
        rig.fail("a", "y").await;
        rig.fail("a", "z").await;
        assert_eq!(rig.titles("ops").await.len(), 3, "failures in a row");
        rig.succeed("a").await;
        let closed = rig.incidents().await;
        let open: Vec<_> = closed.iter().filter(|incident| incident.is_open()).map(|incident| incident.event).collect();
        assert_eq!(open, [NotifyEvent::RunningLong], "the run goes on");
    }

    async fn digests_are_sent_once_a_day(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({})).await;
        let digest = json!({"every": "day", "at": "09:00", "timezone": "UTC"});
        rig.rule(json!({"events": [], "digest": digest, "channels": ["ops"]})).await;
        rig.succeed("a").await;
        rig.fail("a", "x").await;
        rig.check().await;
        assert_eq!(rig.titles("ops").await.len(), 0);
        rig.advance(3601);
        rig.check().await;
        rig.watch("b").run_once(rig.now()).await.unwrap();
        assert_eq!(rig.titles("ops").await, ["all, 2026-11-21: 2 runs, 1 failed"]);
        rig.advance(86_400);
        rig.check().await;
        assert_eq!(rig.titles("ops").await.len(), 2);
    }

    async fn accounts_limited_to_tags_see_and_settle_their_own(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.task("a", json!({"tags": ["red"]})).await;
        rig.task("b", json!({"tags": ["blue"]})).await;
        rig.rule(json!({})).await;
        rig.fail("a", "x").await;
        rig.fail("b", "y").await;
        let mut red = actor("red", Role::Editor);
        red.scope = belfry::domain::tag_scope::TagScope::from_tags(&["red".to_owned()]);
        let incidents = &rig.context.services.incidents;
        let request = belfry::domain::page::PageRequest::default();
        let seen = incidents.list(&red, &Default::default(), &request).await.unwrap();
        let seen: Vec<_> = seen.items.iter().map(|incident| incident.name()).collect();
        assert_eq!((seen, incidents.open_count(&red).await.unwrap()), (vec!["a"], 1));
        let foreign = rig.incidents().await.remove(1).id;
        assert!(matches!(incidents.get(&red, &foreign).await, Err(Error::NotFound(_))));
        assert!(matches!(incidents.close(&red, &foreign).await, Err(Error::NotFound(_))));
        assert!(matches!(incidents.mute(&red, "b", Some(rig.now() + Duration::hours(1))).await, Err(Error::NotFound(_))));
        let rules = &rig.context.services.notify_rules;
        assert_eq!(rules.list(&red).await.unwrap().len(), 0, "a rule for all tasks is not theirs");
        let body = |tasks| json!({"name": "red", "tasks": tasks, "events": ["failed"], "channels": ["ops"]});
        for refused in [json!({"all": true}), json!({"tags": ["blue"]}), json!({"ids": ["b"]}), json!({"types": ["echo"]})] {
            assert!(matches!(rules.create(&red, &body(refused.clone())).await, Err(Error::Invalid(_))), "{refused}");
        }
        rules.create(&red, &body(json!({"tags": ["red"], "ids": ["a"]}))).await.unwrap();
        assert_eq!(rules.list(&red).await.unwrap().len(), 1);
        assert!(matches!(rules.delete(&red, "all", None).await, Err(Error::NotFound(_))));
    }

    async fn rules_are_checked_versioned_and_audited(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.rule(json!({})).await;
        let rules = &rig.context.services.notify_rules;
        let body = json!({"tasks": {"ids": ["none"], "types": ["nope"]}, "events": ["failed"], "channels": ["nobody", "ops"]});
        let Err(Error::Invalid(faults)) = rules.replace(&admin(), "all", &body, None).await else { panic!("it is invalid") };
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/channels/0", "/tasks/types/0", "/tasks/ids/0"]);
        let body = json!({"tasks": {"all": true}, "events": ["missed"], "channels": ["boss"]});
        assert!(matches!(rules.replace(&admin(), "all", &body, Some(7)).await, Err(Error::Stale { given: 7, current: 1 })));
        assert_eq!(rules.replace(&admin(), "all", &body, Some(1)).await.unwrap().version, 2);
        assert!(matches!(rules.create(&admin(), &json!({"name": "all", "tasks": {"all": true}, "events": ["late"], "channels": ["ops"]})).await,
            Err(Error::Conflict(_))));
        assert!(matches!(rules.delete(&actor("op", Role::Operator), "all", None).await, Err(Error::Forbidden(_))));
        rules.delete(&admin(), "all", Some(2)).await.unwrap();
        assert!(matches!(rules.get(&admin(), "all").await, Err(Error::NotFound(_))));
        let filter = belfry::domain::audit::AuditFilter { target: Some("notify_rule:all".into()), ..Default::default() };
        let entries = rig.context.services.audit.list(&admin(), &filter, &Default::default()).await.unwrap().items;
        let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["notify_rule.delete", "notify_rule.update", "notify_rule.create"]);
    }
}
