//! Delivery: rate limits, grouping, retries, quiet hours and the health of channels, on both databases.

use std::collections::BTreeSet;

use belfry::clock::Clock;
use belfry::domain::notify::message::MessageState;
use belfry::domain::notify::rule::NotifyRule;
use belfry::i18n::Language;
use belfry::storage::notify_rule::StoredRule;
use belfry::storage::{notify_channel, notify_message, notify_rule};
use chrono::Duration;
use serde_json::json;

use crate::for_each_database;
use crate::rig::{Rig, named, notice};
use crate::support::TestDatabase;

/// The most requests in any window of these milliseconds.
fn most_within(times: &[i64], window_ms: i64) -> usize {
    times.iter().map(|from| times.iter().filter(|at| (*from..from + window_ms).contains(at)).count()).max().unwrap_or_default()
}

for_each_database! {
    async fn a_thousand_failures_in_a_minute_are_named_within_the_rate_limit(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        rig.clock.advance(Duration::minutes(1));
        let robots = ["dingtalk", "wecom_robot", "feishu"];
        let names: Vec<String> = (0..1_000).map(|n| format!("task-{n:04}")).collect();
        for batch in names.chunks(50) {
            let notices: Vec<_> = batch.iter().map(|name| notice(name, rig.clock.now())).collect();
            for robot in robots {
                rig.queue_all(robot, &notices).await;
            }
            rig.deliver_for(3).await;
        }
        rig.deliver_for(180).await;
        let (all, accepted) = (rig.simulator.received(), rig.simulator.accepted());
        assert_eq!(all.len(), accepted.len(), "no request was refused");
        for (path, limit) in [("/robot/send", 20), ("/cgi-bin/webhook/send", 20), ("/open-apis/", 100)] {
            let of_robot: Vec<_> = accepted.iter().filter(|request| request.path.starts_with(path)).collect();
            let times: Vec<i64> = of_robot.iter().map(|request| request.at_ms).collect();
            assert!(most_within(&times, 60_000) <= limit, "{path}: {times:?}");
            let texts: Vec<String> = of_robot.iter().map(|request| request.body.clone()).collect();
            assert_eq!(named(&names, &texts).len(), names.len(), "{path}: each failure is named");
        }
        let mut reader = db.database.read().await.unwrap();
        assert!(notify_message::next_tries(&mut reader).await.unwrap().is_empty(), "nothing is left in the queue");
    }

    async fn the_rate_limit_holds_over_a_restart(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        for n in 0..10 {
            rig.queue("wecom_robot", &format!("before-{n}")).await;
            rig.deliver().await;
        }
        let after = Rig { delivery: crate::rig::delivery(&db.database, rig.clock.clone(), profiles(&rig), "node-2"), ..rig };
        for n in 0..40 {
            after.queue("wecom_robot", &format!("after-{n:02}")).await;
            after.deliver().await;
        }
        assert!(after.simulator.received().len() <= 20, "{}", after.simulator.received().len());
        after.deliver_for(200).await;
        let times: Vec<i64> = after.simulator.accepted().iter().map(|request| request.at_ms).collect();
        assert!(most_within(&times, 60_000) <= 20);
        let names: Vec<String> = (0..40).map(|n| format!("after-{n:02}")).collect();
        let texts: Vec<String> = after.simulator.accepted().iter().map(|request| request.body.clone()).collect();
        assert_eq!(named(&names, &texts).len(), 40);
    }

    async fn templates_of_rule_and_channel_make_the_text(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        let rule = |title: &str, body: &str| {
            let rule = json!({"name": "all", "tasks": {"all": true}, "events": ["failed"], "channels": ["slack"],
                "title_template": title, "body_template": body});
            StoredRule {
                definition: NotifyRule::parse(&rule, None).expect("a rule"),
                version: 1,
                created_at: rig.clock.now(),
                updated_at: rig.clock.now(),
                updated_by: "root".into(),
            }
        };
        let save = async |rule: StoredRule| {
            let mut tx = db.database.write().await.unwrap();
            notify_rule::put(&mut tx, &rule, None).await.unwrap();
            tx.commit().await.unwrap();
        };
        save(rule("[{{ event }}] {{ subject }}", "{{ error }} <!channel> in {{ channel }}")).await;
        rig.queue("slack", "nightly").await;
        rig.deliver().await;
        let sent = rig.simulator.accepted().pop().unwrap().body;
        assert!(sent.contains("[failed] nightly") && sent.contains("no such file &lt;!channel&gt; in slack"), "{sent}");
        assert_eq!(rig.message("slack").await.template_error, None);

        save(rule("", "{{ fields[7].label }}")).await;
        rig.clock.advance(Duration::minutes(1));
        rig.queue("slack", "weekly").await;
        rig.deliver().await;
        let sent = rig.simulator.accepted().pop().unwrap().body;
        assert!(sent.contains("weekly failed") && sent.contains("no such file"), "the built-in text: {sent}");
        let recorded = rig.messages("slack").await.pop().unwrap();
        assert_eq!(recorded.state, MessageState::Sent);
        assert!(recorded.template_error.is_some(), "{recorded:?}");
    }

    async fn a_refused_message_is_repeated_with_its_id_and_content(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        rig.simulator.answer_next(500, "broken", None);
        let id = rig.queue("webhook", "nightly").await;
        assert_eq!(rig.deliver().await, 1);
        let refused = rig.message("webhook").await;
        assert_eq!((refused.state, refused.attempts, refused.provider_status), (MessageState::Queued, 1, Some(500)));
        assert_eq!(rig.deliver().await, 0, "not before its time");
        rig.clock.set(refused.next_try_at.unwrap());
        assert_eq!(rig.deliver().await, 1);
        let sent = rig.message("webhook").await;
        assert_eq!((sent.state, sent.attempts, sent.provider_status), (MessageState::Sent, 2, Some(204)));
        let ids: BTreeSet<String> = rig.simulator.received().iter().map(|request| request.headers["webhook-id"].clone()).collect();
        assert_eq!(ids, BTreeSet::from([id]));
    }

    async fn retry_after_is_honoured(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        rig.simulator.answer_next(429, "slow down", Some(90));
        rig.queue("slack", "nightly").await;
        rig.deliver().await;
        rig.queue("slack", "hourly").await;
        rig.deliver_for(89).await;
        assert_eq!(rig.simulator.received().len(), 1, "neither message is sent meanwhile");
        rig.deliver_for(10).await;
        assert_eq!(rig.simulator.accepted().len(), 2);
        let health = notify_channel::health_of(&mut db.database.read().await.unwrap(), "slack").await.unwrap().unwrap();
        assert_eq!(health.failures, 0, "a rate limit is no failure");
    }

    async fn messages_held_by_quiet_hours_come_as_one(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        let notices: Vec<_> = (0..12).map(|n| notice(&format!("night-{n:02}"), rig.clock.now())).collect();
        rig.queue_until("dingtalk", &notices, Duration::hours(8)).await;
        let mut urgent = notice("urgent-one", rig.clock.now());
        urgent.urgent = true;
        rig.queue_all("dingtalk", &[urgent]).await;
        assert_eq!(rig.deliver().await, 1, "the urgent one");
        rig.clock.advance(Duration::hours(8));
        assert_eq!(rig.deliver().await, 1);
        let summary = rig.simulator.accepted().pop().unwrap().body;
        assert!((0..12).all(|n| summary.contains(&format!("night-{n:02}"))), "{summary}");
        let messages = rig.messages("dingtalk").await;
        let group: BTreeSet<_> = messages.iter().filter(|message| !message.urgent).map(|message| message.group_id.clone()).collect();
        assert_eq!(group.len(), 1);
        let states = |state| messages.iter().filter(|message| message.state == state).count();
        assert_eq!((states(MessageState::Sent), states(MessageState::Grouped)), (2, 11));
    }

    async fn a_dead_channel_is_tried_less_and_less_and_recovers(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        for _ in 0..12 {
            rig.simulator.answer_next(200, r#"{"errcode":310000,"errmsg":"sign not match"}"#, None);
        }
        for n in 0..30 {
            rig.queue("dingtalk", &format!("task-{n:02}")).await;
            rig.deliver_for(10).await;
        }
        let tries = rig.simulator.received().len();
        assert!((3..12).contains(&tries), "{tries} tries in five minutes");
        let health = notify_channel::health_of(&mut db.database.read().await.unwrap(), "dingtalk").await.unwrap().unwrap();
        assert!(health.is_failing());
        assert_eq!((health.provider_code.as_deref(), health.provider_status), (Some("310000"), Some(200)));
        for _ in 0..240 {
            rig.deliver().await;
            rig.clock.advance(Duration::seconds(30));
        }
        let names: Vec<String> = (0..30).map(|n| format!("task-{n:02}")).collect();
        let texts: Vec<String> = rig.simulator.accepted().iter().map(|request| request.body.clone()).collect();
        assert_eq!(named(&names, &texts).len(), 30, "none is lost");
        let health = notify_channel::health_of(&mut db.database.read().await.unwrap(), "dingtalk").await.unwrap().unwrap();
        assert!(!health.is_failing() && health.failing_since.is_none() && health.last_success_at.is_some());
    }

    async fn a_message_without_an_answer_is_given_up_after_a_day(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        rig.queue("gotify", "nightly").await;
        for _ in 0..400 {
            rig.simulator.answer_next(500, "broken", None);
        }
        for _ in 0..(25 * 12) {
            rig.deliver().await;
            rig.clock.advance(Duration::minutes(5));
        }
        let message = rig.message("gotify").await;
        assert_eq!((message.state, message.next_try_at), (MessageState::Failed, None));
    }

    async fn messages_of_a_channel_that_is_gone_are_given_up(db: &TestDatabase) {
        let rig = Rig::new(&db.database).await;
        rig.queue("former", "nightly").await;
        assert_eq!(rig.deliver().await, 0);
        let message = rig.message("former").await;
        assert_eq!(message.state, MessageState::Failed);
        let told = message.provider_text.expect("a reason");
        assert_eq!(told.to_string(), "the channel was deleted before the message was sent");
        assert_eq!(told.text(Language::Chinese), "消息发送之前渠道已被删除");
    }

    async fn channels_of_one_robot_share_its_rate_limit(db: &TestDatabase) {
        let mut rig = Rig::new(&db.database).await;
        let kind = belfry::domain::notify::channel::ChannelType::WecomRobot;
        let notify = ["one", "two"].map(|name| (name.to_owned(), crate::rig::channel(kind, &rig.simulator.url))).into();
        let profiles = belfry::domain::profile::Profiles { notify, ..Default::default() };
        rig.delivery = crate::rig::delivery(&db.database, rig.clock.clone(), profiles.into(), "node-1");
        for n in 0..60 {
            rig.queue(["one", "two"][n % 2], &format!("task-{n:02}")).await;
            rig.deliver().await;
        }
        rig.deliver_for(120).await;
        let times: Vec<i64> = rig.simulator.accepted().iter().map(|request| request.at_ms).collect();
        assert_eq!(rig.simulator.received().len(), times.len(), "no request was refused");
        assert!(most_within(&times, 60_000) <= 20);
    }
}

fn profiles(rig: &Rig) -> std::sync::Arc<belfry::domain::profile::Profiles> {
    let all = belfry::domain::notify::channel::ChannelType::ALL;
    let notify = all.into_iter().map(|kind| (kind.as_str().to_owned(), crate::rig::channel(kind, &rig.simulator.url))).collect();
    std::sync::Arc::new(belfry::domain::profile::Profiles { notify, ..Default::default() })
}

#[tokio::test]
async fn a_failing_channel_is_told_by_another_until_it_recovers() {
    use crate::support::context::{TestContext, admin};
    let db = TestDatabase::sqlite().await;
    let context = TestContext::with_profiles(
        &db.database,
        belfry::domain::profile::Profiles::clone(&profiles(&Rig::new(&db.database).await)),
    );
    let rig = Rig::new(&db.database).await;
    let rule = serde_json::json!({"name": "watch", "tasks": {"all": true}, "events": ["channel_failing", "recovered"], "channels": ["gotify"]});
    context.services.notify_rules.create(&admin(), &rule).await.unwrap();
    for _ in 0..3 {
        rig.simulator.answer_next(200, r#"{"errcode":310000,"errmsg":"sign not match"}"#, None);
    }
    rig.queue("dingtalk", "nightly").await;
    while rig.message("dingtalk").await.attempts < 3 {
        rig.deliver_for(1).await;
    }
    rig.deliver().await;
    let told = || rig.simulator.accepted().into_iter().filter(|request| request.path == "/message").map(|request| request.body);
    let texts: Vec<String> = told().collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("dingtalk") && texts[0].contains("310000"), "{}", texts[0]);
    while rig.message("dingtalk").await.state != MessageState::Sent {
        rig.deliver_for(10).await;
    }
    rig.deliver_for(2).await;
    assert_eq!(told().count(), 2, "the recovery");
    db.remove().await;
}
