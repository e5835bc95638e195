//! Management of channels: the service, encryption, tests, and who may do it.

use belfry::domain::audit::{AuditEvent, AuditFilter};
use belfry::domain::notify::channel::{ChannelOptions, ChannelType};
use belfry::domain::page::PageRequest;
use belfry::domain::profile::Profiles;
use belfry::domain::user::Actor;
use belfry::i18n::Message;
use belfry::service::{ChannelInput, CredentialsInput, Error};
use belfry::storage::notify_channel;

use crate::for_each_database;
use crate::rig::channel;
use crate::simulator::{SECRET, Simulator, TOKEN};
use crate::support::context::TestContext;

fn robot(url: &str, secret: Option<&str>) -> ChannelInput {
    ChannelInput {
        channel_type: ChannelType::Dingtalk,
        options: ChannelOptions::default(),
        credentials: CredentialsInput {
            url: Some(url.to_owned()),
            token: Some(TOKEN.to_owned()),
            secret: secret.map(str::to_owned),
            ..CredentialsInput::default()
        },
    }
}

for_each_database! {
    async fn a_channel_is_stored_encrypted_tested_and_changed(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let simulator = Simulator::start(context.clock.clone()).await;
        let (service, root) = (&context.services.notify_channels, Actor::local("root"));
        service.create(&root, "ops", &robot(&simulator.url, Some("wrong secret"))).await.unwrap();
        let twice = service.create(&root, "ops", &robot(&simulator.url, None)).await;
        assert!(matches!(twice, Err(Error::Conflict(_))));
        let stored = notify_channel::list(&mut db.database.read().await.unwrap()).await.unwrap().remove(0);
        let text = format!("{stored:?}");
        assert!(!text.contains(TOKEN) && !text.contains("wrong secret") && !text.contains(&simulator.url), "{text}");
        let refused = service.test(&root, "ops").await.unwrap();
        assert_eq!((refused.delivered, refused.status, refused.code.as_deref()), (false, Some(200), Some("310000")));
        assert_eq!(refused.text, Some(Message::verbatim("sign not match")));
        // Credentials that are left out stay.
        let change = ChannelInput {
            credentials: CredentialsInput { secret: Some(SECRET.to_owned()), ..CredentialsInput::default() },
            ..robot("", None)
        };
        context.clock.advance(chrono::Duration::minutes(1));
        service.update(&root, "ops", &change).await.unwrap();
        let accepted = service.test(&root, "ops").await.unwrap();
        assert_eq!((accepted.delivered, accepted.code.as_deref()), (true, Some("0")), "{accepted:?}");
        let deliveries = service.deliveries(&root, "ops", &PageRequest::default()).await.unwrap().items;
        assert_eq!(deliveries.iter().map(|message| message.state.as_str()).collect::<Vec<_>>(), ["sent", "failed"]);
        service.delete(&root, "ops").await.unwrap();
        assert!(matches!(service.test(&root, "ops").await, Err(Error::NotFound(_))));
        let entries = context.services.audit.list(&root, &AuditFilter::default(), &PageRequest::default()).await.unwrap().items;
        let text = format!("{entries:?}");
        assert!(!text.contains(TOKEN) && !text.contains(SECRET), "{text}");
        // Entries of one millisecond have no order of their own here: other tests make ids with clocks of theirs.
        let mut actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
        actions.sort_unstable();
        let expected = [
            AuditEvent::ChannelCreate,
            AuditEvent::ChannelDelete,
            AuditEvent::ChannelTest,
            AuditEvent::ChannelTest,
            AuditEvent::ChannelUpdate,
        ];
        assert_eq!(actions, expected.map(AuditEvent::as_str));
    }

    async fn templates_of_a_channel_are_checked_and_tested(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let simulator = Simulator::start(context.clock.clone()).await;
        let (service, root) = (&context.services.notify_channels, Actor::local("root"));
        let with = |title: &str, body: &str| {
            let mut input = robot(&simulator.url, Some(SECRET));
            (input.options.title_template, input.options.body_template) = (Some(title.to_owned()), Some(body.to_owned()));
            input
        };
        let Err(Error::Invalid(faults)) = service.create(&root, "ops", &with("{{ nothing }}", "a\n{{ error")).await else {
            panic!("accepted")
        };
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/title_template", "/body_template"]);
        assert!(faults[1].message.to_string().contains("line 2"), "{}", faults[1].message);
        let long = service.create(&root, "ops", &with(&"x".repeat(501), "")).await;
        assert!(matches!(long, Err(Error::Invalid(faults)) if faults[0].pointer == "/title_template"));
        service.create(&root, "ops", &with("Hello from {{ channel }}", "{{ event }}: {{ error }}")).await.unwrap();
        let outcome = service.test(&root, "ops").await.unwrap();
        assert!(outcome.delivered && outcome.template_error.is_none(), "{outcome:?}");
        let sent = simulator.accepted().pop().unwrap().body;
        assert!(sent.contains("Hello from ops") && sent.contains("test: "), "{sent}");
    }

    async fn channels_of_the_settings_cannot_be_changed(db: &TestDatabase) {
        let notify = [("ops".to_owned(), channel(ChannelType::Slack, "https://hooks.example.com"))].into();
        let context = TestContext::with_profiles(&db.database, Profiles { notify, ..Profiles::default() });
        let (service, root) = (&context.services.notify_channels, Actor::local("root"));
        let info = service.get(&root, "ops").await.unwrap();
        assert!(info.channel.from_file && info.updated.is_none());
        assert!(matches!(service.update(&root, "ops", &robot("https://example.com", None)).await, Err(Error::Conflict(_))));
        assert!(matches!(service.delete(&root, "ops").await, Err(Error::Conflict(_))));
        assert!(matches!(service.create(&root, "ops", &robot("https://example.com", None)).await, Err(Error::Conflict(_))));
    }

    async fn an_incomplete_channel_is_refused_by_field(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let (service, root) = (&context.services.notify_channels, Actor::local("root"));
        let empty = ChannelInput {
            channel_type: ChannelType::WecomApp,
            options: ChannelOptions::default(),
            credentials: CredentialsInput::default(),
        };
        let Err(Error::Invalid(faults)) = service.create(&root, "ops", &empty).await else { panic!("accepted") };
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/corp_id", "/agent_id", "/secret"]);
        assert!(matches!(service.create(&root, "Ops!", &robot("https://example.com", None)).await, Err(Error::Invalid(_))));
    }
}
