//! Each channel against the simulator of its provider: form, signature, size, and the answers that mean failure.

use belfry::domain::notify::channel::ChannelType;
use belfry::domain::notify::message::MessageState;
use belfry::i18n::Message;
use chrono::Duration;
use serde_json::{Value, json};

use crate::rig::{Rig, notice};
use crate::support::TestDatabase;
use belfry::clock::Clock;

/// The types that send over HTTP.
const HTTP: [ChannelType; 13] = [
    ChannelType::Dingtalk,
    ChannelType::WecomRobot,
    ChannelType::WecomApp,
    ChannelType::Feishu,
    ChannelType::Slack,
    ChannelType::Telegram,
    ChannelType::Pagerduty,
    ChannelType::Webhook,
    ChannelType::Ntfy,
    ChannelType::Gotify,
    ChannelType::Bark,
    ChannelType::Serverchan,
    ChannelType::Pushplus,
];

/// Advances the clock past what a simulator at the full hour would delay.
async fn rig(db: &TestDatabase) -> Rig {
    let rig = Rig::new(&db.database).await;
    rig.clock.advance(Duration::minutes(1));
    rig
}

#[tokio::test]
async fn each_provider_accepts_its_message() {
    let db = TestDatabase::sqlite().await;
    let rig = rig(&db).await;
    for kind in HTTP {
        let name = kind.as_str();
        rig.queue(name, "nightly").await;
        rig.deliver().await;
        let message = rig.message(name).await;
        assert_eq!(message.state, MessageState::Sent, "{name}: {message:?}");
        let sent = rig.simulator.accepted().pop().expect("a request");
        assert!(sent.body.contains("nightly failed"), "{name}: {}", sent.body);
        assert!(sent.body.contains("https://belfry.example.com/executions/01KAHW3R80Z8Q1T3B1C6N5M9XA"), "{name}: {}", sent.body);
    }
    db.remove().await;
}

#[tokio::test]
async fn the_longest_notices_fit_every_provider() {
    let db = TestDatabase::sqlite().await;
    let rig = rig(&db).await;
    for kind in HTTP {
        let mut long = notice(&"任务".repeat(90), rig.clock.now());
        long.title = format!("{}😀 failed", "x".repeat(290));
        long.error = Some("错误<b>&\"\\\n".repeat(400));
        rig.queue_all(kind.as_str(), &[long]).await;
        rig.deliver().await;
        let message = rig.message(kind.as_str()).await;
        assert_eq!(message.state, MessageState::Sent, "{}: {message:?}", kind.as_str());
        let sent = rig.simulator.accepted().pop().expect("a request");
        assert!(sent.body.contains(&"任务".repeat(90)), "{} names the task: {}", kind.as_str(), sent.body);
    }
    db.remove().await;
}

#[tokio::test]
async fn outputs_cannot_inject_markup() {
    let db = TestDatabase::sqlite().await;
    let rig = rig(&db).await;
    let attack = "<!channel> <at user_id=\"all\">x</at> [click](http://evil) <a href=\"http://evil\">here</a>";
    for kind in HTTP {
        let mut notice = notice("nightly", rig.clock.now());
        notice.error = Some(attack.to_owned());
        rig.queue_all(kind.as_str(), &[notice]).await;
        rig.deliver().await;
        let body = rig.simulator.accepted().pop().expect("a request").json();
        match kind {
            ChannelType::Slack => {
                let text = body["text"].as_str().unwrap();
                assert!(text.contains("&lt;!channel&gt;") && !text.contains('<') && body["mrkdwn"] == false, "{text}");
            }
            ChannelType::WecomRobot | ChannelType::WecomApp => {
                let text = body["text"]["content"].as_str().unwrap();
                assert!(!text.contains('<') && text.contains("＜a href"), "{text}");
            }
            ChannelType::Serverchan => {
                let text = body["desp"].as_str().unwrap();
                assert!(text.contains("\\[click\\]\\(http://evil\\)") && text.contains("&lt;a href"), "{text}");
            }
            ChannelType::Feishu => {
                let tags = body["content"]["post"]["zh_cn"]["content"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .flat_map(|line| line.as_array().unwrap());
                assert!(tags.clone().all(|part| part["tag"] == "text" || part["tag"] == "a"), "{body}");
            }
            ChannelType::Telegram => assert_eq!(body["parse_mode"], Value::Null),
            ChannelType::Dingtalk => assert_eq!((&body["msgtype"], &body["at"]["isAtAll"]), (&json!("text"), &json!(false))),
            _ => {}
        }
    }
    db.remove().await;
}

#[tokio::test]
async fn a_status_200_with_an_error_inside_is_a_failure() {
    let db = TestDatabase::sqlite().await;
    let rig = rig(&db).await;
    let answers = [
        (ChannelType::Dingtalk, r#"{"errcode":310000,"errmsg":"keywords not in content"}"#, "310000"),
        (ChannelType::WecomRobot, r#"{"errcode":40058,"errmsg":"invalid"}"#, "40058"),
        (ChannelType::WecomApp, r#"{"errcode":60020,"errmsg":"not allow to access from your ip"}"#, "60020"),
        (ChannelType::Feishu, r#"{"code":19024,"msg":"Key Words Not Found"}"#, "19024"),
        (ChannelType::Telegram, r#"{"ok":false,"error_code":400,"description":"chat not found"}"#, "400"),
        (ChannelType::Bark, r#"{"code":400,"message":"failed"}"#, "400"),
        (ChannelType::Serverchan, r#"{"code":40001,"message":"bad"}"#, "40001"),
        (ChannelType::Pushplus, r#"{"code":903,"msg":"bad"}"#, "903"),
        (ChannelType::Slack, "no_service", "no_service"),
    ];
    for (kind, answer, code) in answers {
        if kind == ChannelType::WecomApp {
            // The token is fetched first.
            rig.simulator.answer_next(200, answer, None);
            rig.simulator.answer_next(200, r#"{"errcode":0,"access_token":"access-0","expires_in":7200}"#, None);
        } else {
            rig.simulator.answer_next(200, answer, None);
        }
        rig.queue(kind.as_str(), "nightly").await;
        rig.deliver().await;
        let message = rig.message(kind.as_str()).await;
        let told = (message.state, message.provider_status, message.provider_code.as_deref());
        assert_eq!(told, (MessageState::Queued, Some(200), Some(code)), "{}", kind.as_str());
    }
    db.remove().await;
}

#[tokio::test]
async fn an_expired_token_of_wecom_is_fetched_anew_once() {
    let db = TestDatabase::sqlite().await;
    let rig = rig(&db).await;
    rig.queue("wecom_app", "first").await;
    rig.deliver().await;
    rig.queue("wecom_app", "second").await;
    rig.deliver().await;
    let fetched = || rig.simulator.received().iter().filter(|request| request.path.ends_with("gettoken")).count();
    assert_eq!(fetched(), 1, "the token is kept");
    rig.simulator.expire_token();
    rig.queue("wecom_app", "third").await;
    rig.deliver().await;
    assert_eq!(fetched(), 2);
    assert!(rig.messages("wecom_app").await.iter().all(|message| message.state == MessageState::Sent));
    db.remove().await;
}

#[tokio::test]
async fn pagerduty_is_triggered_and_resolved_under_the_incident() {
    let db = TestDatabase::sqlite().await;
    let rig = rig(&db).await;
    rig.queue("pagerduty", "nightly").await;
    rig.clock.advance(chrono::Duration::milliseconds(1));
    let mut recovered = notice("nightly", rig.clock.now());
    recovered.event = belfry::domain::notify::event::NotifyEvent::Recovered;
    rig.queue_all("pagerduty", &[recovered]).await;
    rig.deliver().await;
    let events: Vec<Value> = rig.simulator.accepted().iter().map(|request| request.json()).collect();
    let told = events.iter().map(|event| (event["event_action"].as_str().unwrap(), event["dedup_key"].as_str().unwrap()));
    assert_eq!(told.collect::<Vec<_>>(), [("trigger", "incident-1"), ("resolve", "incident-1")]);
    db.remove().await;
}

#[tokio::test]
async fn private_addresses_follow_the_settings_and_no_secret_is_told() {
    let db = TestDatabase::sqlite().await;
    let rig = rig(&db).await;
    // Nothing listens on this port: the error must not contain the token that stands in the URL.
    let channels = rig.delivery.courier.directory.all().await.unwrap();
    let mut telegram = channels["telegram"].clone();
    telegram.credentials.url = Some(belfry::domain::secret::Secret::new("http://127.0.0.1:1"));
    let parcel = belfry::notify::channels::Parcel {
        id: "1".into(),
        items: vec![belfry::notify::channels::Item { notice: notice("nightly", rig.clock.now()), incident_id: None }],
        public_url: None,
        now: rig.clock.now(),
    };
    let outcome = rig.delivery.courier.send(&telegram, &parcel, &Default::default()).await;
    let text = outcome.text.unwrap().to_string();
    assert!(!outcome.delivered && !text.contains(crate::simulator::TOKEN), "{text}");
    // A provider that repeats the credential in its answer.
    rig.simulator.answer_next(401, &format!("bad token {}", crate::simulator::TOKEN), None);
    let outcome = rig.delivery.courier.send(&channels["telegram"], &parcel, &Default::default()).await;
    assert_eq!(outcome.text, Some(Message::verbatim("bad token ***")));
    db.remove().await;
}
