//! Storage trouble: told from memory while the database takes no writes, once, and its end through the queue.

use belfry::clock::Clock;
use belfry::domain::notify::event::NotifyEvent;
use belfry::domain::notify::incident::IncidentFilter;
use belfry::domain::notify::rule::NotifyRule;
use belfry::domain::page::PageRequest;
use belfry::i18n::Language;
use belfry::notify::storage_alarm::StorageAlarm;
use belfry::storage::notify_rule::{self, StoredRule};
use belfry::storage::{Database, incident};
use chrono::Duration;
use serde_json::{Value, json};

use crate::for_each_database;
use crate::rig::Rig;

const CAUSE: &str = "database or disk is full";

async fn save(rig: &Rig, rule: Value) {
    let now = rig.clock.now();
    let definition = NotifyRule::parse(&rule, None).expect("a rule");
    let stored = StoredRule { definition, version: 1, created_at: now, updated_at: now, updated_by: "root".into() };
    let mut tx = rig.database.write().await.expect("begins");
    notify_rule::put(&mut tx, &stored, None).await.expect("saves");
    tx.commit().await.expect("commits");
}

fn alarm(rig: &Rig, database: &Database) -> StorageAlarm {
    StorageAlarm::new(database.clone(), rig.delivery.courier.clone(), "node-1".into(), chrono_tz::Tz::UTC)
}

fn rule(name: &str, channel: &str, events: &[&str]) -> Value {
    json!({"name": name, "tasks": {"all": true}, "events": events, "channels": [channel]})
}

for_each_database! {
    async fn trouble_is_told_once_from_memory_and_its_end_from_the_queue(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        save(&rig, rule("all", "slack", &["storage_trouble", "recovered"])).await;
        save(&rig, rule("other", "webhook", &["failed"])).await;
        let mut alarm = alarm(&rig, &db.database);
        alarm.refresh(rig.clock.now()).await.unwrap();
        for _ in 0..200 {
            alarm.failing(CAUSE, rig.clock.now()).await;
            rig.clock.advance(Duration::seconds(2));
        }
        let told = rig.simulator.accepted();
        assert_eq!(told.len(), 1, "once, and by the rule that has the event alone");
        assert!(told[0].body.contains("Storage trouble: database") && told[0].body.contains(CAUSE) && told[0].body.contains("node-1"));
        assert!(rig.messages("slack").await.is_empty(), "past the queue");

        assert!(alarm.working(rig.clock.now()).await.unwrap());
        let queued = rig.messages("slack").await;
        assert_eq!(queued.iter().map(|message| message.notice.event).collect::<Vec<_>>(), [NotifyEvent::Recovered]);
        let request = PageRequest { size: 10, cursor: None };
        let incidents = incident::page(&mut db.database.read().await.unwrap(), &IncidentFilter::default(), &request).await.unwrap().items;
        assert_eq!((incidents.len(), incidents[0].is_open(), incidents[0].event), (1, false, NotifyEvent::StorageTrouble));
        assert_eq!(incidents[0].error_text(Language::English), format!("no writes for 400 s: {CAUSE}"));
        assert_eq!(incidents[0].error_text(Language::Chinese), format!("400 秒内无法写入：{CAUSE}"));
        assert!(!alarm.working(rig.clock.now()).await.unwrap(), "it is recorded once");
    }

    async fn trouble_of_a_moment_is_told_afterwards(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        save(&rig, rule("all", "slack", &["storage_trouble", "recovered"])).await;
        let mut alarm = alarm(&rig, &db.database);
        alarm.refresh(rig.clock.now()).await.unwrap();
        alarm.failing(CAUSE, rig.clock.now()).await;
        rig.clock.advance(Duration::seconds(4));
        alarm.failing(CAUSE, rig.clock.now()).await;
        assert!(rig.simulator.received().is_empty());
        assert!(alarm.working(rig.clock.now()).await.unwrap());
        let events: Vec<NotifyEvent> = rig.messages("slack").await.iter().map(|message| message.notice.event).collect();
        assert_eq!(events, [NotifyEvent::StorageTrouble, NotifyEvent::Recovered]);
    }

    async fn a_channel_that_refuses_it_is_tried_again(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        save(&rig, rule("all", "webhook", &["storage_trouble"])).await;
        let mut alarm = alarm(&rig, &db.database);
        alarm.refresh(rig.clock.now()).await.unwrap();
        rig.simulator.answer_next(500, "broken", None);
        for _ in 0..60 {
            alarm.failing(CAUSE, rig.clock.now()).await;
            rig.clock.advance(Duration::seconds(2));
        }
        assert_eq!((rig.simulator.received().len(), rig.simulator.accepted().len()), (2, 1));
        let ids: Vec<String> = rig.simulator.received().iter().map(|request| request.headers["webhook-id"].clone()).collect();
        assert_eq!(ids[0], ids[1]);
        assert!(!alarm.working(rig.clock.now()).await.unwrap(), "the rule does not tell of ends");
    }
}
