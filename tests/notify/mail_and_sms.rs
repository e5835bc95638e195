//! Mail through a real mail server, and text messages through a gateway: by the profiles that tasks use.

use std::sync::Arc;

use belfry::clock::{Clock, ManualClock};
use belfry::domain::notify::channel::ChannelType;
use belfry::domain::notify::message::MessageState;
use belfry::domain::profile::sms::{Condition, Provider};
use belfry::domain::profile::{Profiles, Sms};
use belfry::domain::secret::Secret;
use belfry::i18n::Language;

use crate::rig::{Rig, channel, delivery};
use crate::server::MailServer;
use crate::simulator::Simulator;
use crate::support::TestDatabase;
use crate::support::context::start;

async fn rig(db: &TestDatabase, mut profiles: Profiles) -> Rig {
    let clock = Arc::new(ManualClock::new(start()));
    let simulator = Simulator::start(clock.clone()).await;
    for kind in [ChannelType::Email, ChannelType::Sms] {
        profiles.notify.insert(kind.as_str().to_owned(), channel(kind, "http://unused.example.com"));
    }
    let gateway = Sms {
        provider: Some(Provider::Http),
        gateway: belfry::domain::profile::sms::Gateway {
            url: Some(Secret::new(format!("{}/send", simulator.url))),
            body: Some(Secret::new(r#"{"token": "token-0123456789abcdef", "content": "{text}", "to": "{to}"}"#)),
            success: Condition::parse("/code = 200").ok(),
            ..Default::default()
        },
        ..Sms::default()
    };
    profiles.sms.insert("main".to_owned(), gateway);
    let delivery = delivery(&db.database, clock.clone(), Arc::new(profiles), "node-1");
    Rig { delivery, clock, simulator, database: db.database.clone() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_sent_through_its_profile_with_the_message_id_of_the_notification() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let db = TestDatabase::sqlite().await;
    let profiles = Profiles { smtp: [("office".to_owned(), server.profile())].into(), ..Profiles::default() };
    let rig = rig(&db, profiles).await;
    let id = rig.queue("email", "nightly").await;
    rig.deliver().await;
    let (envelope, mail) = server.mail().await;
    assert!(envelope.to_string().contains("ops@example.com"), "{envelope}");
    let text = mail.to_string();
    assert!(text.contains("nightly failed") && text.contains("ValueError: no such file"), "{text}");
    assert!(text.to_lowercase().contains(&id.to_lowercase()), "the Message-ID has the message's id: {text}");
    let sent = rig.message("email").await;
    assert_eq!((sent.state, sent.provider_code.as_deref()), (MessageState::Sent, Some("250")), "{sent:?}");
    db.remove().await;
}

#[tokio::test]
async fn a_text_message_is_sent_through_its_profile() {
    let db = TestDatabase::sqlite().await;
    let rig = rig(&db, Profiles::default()).await;
    rig.queue("sms", "nightly").await;
    rig.deliver().await;
    let sent = rig.message("sms").await;
    assert_eq!(sent.state, MessageState::Sent, "{sent:?}");
    assert!(rig.simulator.accepted()[0].body.contains("nightly failed"));
    rig.simulator.answer_next(200, r#"{"code": 903, "msg": "no balance"}"#, None);
    rig.clock.advance(chrono::Duration::minutes(1));
    rig.queue("sms", "hourly").await;
    rig.deliver().await;
    let refused = rig.messages("sms").await.remove(1);
    assert_eq!(refused.state, MessageState::Queued, "{refused:?}");
    assert!(refused.next_try_at > Some(rig.clock.now()));
    db.remove().await;
}

#[tokio::test]
async fn a_mail_without_a_profile_says_so() {
    let db = TestDatabase::sqlite().await;
    let rig = rig(&db, Profiles::default()).await;
    rig.queue("email", "nightly").await;
    rig.deliver().await;
    let refused = rig.message("email").await;
    assert_eq!(refused.state, MessageState::Queued);
    let told = refused.provider_text.expect("a reason");
    assert!(told.to_string().contains("[smtp.<name>]"), "{told}");
    assert!(told.text(Language::Chinese).contains("设置中没有"), "{}", told.text(Language::Chinese));
    db.remove().await;
}
