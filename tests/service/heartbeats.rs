//! Heartbeats: what was expected is decided once, whoever looks; scopes and roles.

use belfry::domain::heartbeat::{PingKind, PingStatus};
use belfry::domain::notify::channel::{ChannelOptions, ChannelType};
use belfry::domain::notify::incident::IncidentFilter;
use belfry::domain::page::PageRequest;
use belfry::domain::tag_scope::TagScope;
use belfry::domain::user::{Actor, Role, Via};
use belfry::notify::heartbeats::HeartbeatWatch;
use belfry::service::{ChannelInput, CredentialsInput, Error, PingCall};
use belfry::signals::Signals;
use chrono::Duration;
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::for_each_database;
use crate::support::context::{TestContext, admin};

async fn create(context: &TestContext, body: Value) -> String {
    let created = context.services.heartbeats.create(&admin(), &body).await.unwrap();
    let path = context.services.heartbeats.path(&admin(), &created.id).await.unwrap().unwrap();
    path.trim_start_matches("/ping/").to_owned()
}

async fn ping(context: &TestContext, secret: &str, kind: PingKind) {
    let call = PingCall { secret, kind, address: None, body: b"", cut: false };
    context.services.heartbeats.ping(&call).await.unwrap();
}

async fn statuses(context: &TestContext) -> Vec<PingStatus> {
    let mut rows = context.services.heartbeats.pings(&admin(), "backup", None, 100).await.unwrap();
    rows.sort_by_key(|row| row.expected_at);
    rows.into_iter().map(|row| row.status).collect()
}

fn watch(context: &TestContext) -> HeartbeatWatch {
    HeartbeatWatch {
        database: context.database.clone(),
        clock: context.clock.clone(),
        zone: Tz::UTC,
        signals: Signals::default(),
    }
}

async fn look(context: &TestContext) {
    use belfry::clock::Clock;
    let (one, two, now) = (watch(context), watch(context), context.clock.now());
    let (first, second) = tokio::join!(one.run_once(now), two.run_once(now));
    first.unwrap();
    second.unwrap();
}

for_each_database! {
    async fn each_expected_ping_is_decided_once_by_several_nodes(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let secret = create(&context, json!({"id": "backup", "cron": "0 * * * *", "grace_seconds": 60})).await;
        context.clock.advance(Duration::minutes(60));
        ping(&context, &secret, PingKind::Success).await;
        look(&context).await;
        assert_eq!(statuses(&context).await, [PingStatus::Arrived]);
        context.clock.advance(Duration::minutes(122));
        look(&context).await;
        look(&context).await;
        assert_eq!(statuses(&context).await, [PingStatus::Arrived, PingStatus::Missed, PingStatus::Missed]);
        ping(&context, &secret, PingKind::Success).await;
        assert_eq!(statuses(&context).await, [PingStatus::Arrived, PingStatus::Missed, PingStatus::Late]);
        context.clock.advance(Duration::minutes(59));
        ping(&context, &secret, PingKind::Exit(1)).await;
        assert_eq!(statuses(&context).await.last(), Some(&PingStatus::Failed));
    }

    async fn a_ping_decides_what_was_missed_before_it(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let secret = create(&context, json!({"id": "backup", "period_seconds": 60, "grace_seconds": 0})).await;
        context.clock.advance(Duration::seconds(150));
        ping(&context, &secret, PingKind::Success).await;
        assert_eq!(statuses(&context).await, [PingStatus::Missed, PingStatus::Late]);
        look(&context).await;
        assert_eq!(statuses(&context).await, [PingStatus::Missed, PingStatus::Late]);
    }

    async fn incidents_of_heartbeats_follow_tags_and_scopes(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let rule = |name: &str, tasks: Value| json!({"name": name, "tasks": tasks, "events": ["heartbeat_lost"], "channels": ["ops"]});
        let channel = ChannelInput {
            channel_type: ChannelType::Webhook,
            options: ChannelOptions::default(),
            credentials: CredentialsInput { url: Some("http://127.0.0.1:9/".into()), ..CredentialsInput::default() },
        };
        context.services.notify_channels.create(&admin(), "ops", &channel).await.unwrap();
        let rules = &context.services.notify_rules;
        rules.create(&admin(), &rule("red", json!({"tags": ["red"]}))).await.unwrap();
        rules.create(&admin(), &rule("type", json!({"types": ["heartbeat"]}))).await.unwrap();
        context.create("backup", json!({"type": "cron", "hour": 8})).await;
        rules.create(&admin(), &rule("task", json!({"ids": ["backup"]}))).await.unwrap();
        for (id, tag) in [("backup", "red"), ("other", "blue")] {
            create(&context, json!({"id": id, "period_seconds": 60, "grace_seconds": 0, "tags": [tag]})).await;
        }
        context.clock.advance(Duration::seconds(90));
        look(&context).await;
        let incidents = &context.services.incidents;
        let subjects = async |actor: &Actor| {
            let page = incidents.list(actor, &IncidentFilter::default(), &PageRequest::default()).await.unwrap();
            let mut told: Vec<(String, String)> = page.items.iter().map(|one| {
                (one.subject.clone(), one.told.0.keys().cloned().collect::<Vec<_>>().join(","))
            }).collect();
            told.sort();
            told
        };
        let red = ("heartbeat:backup".to_owned(), "red,type".to_owned());
        let blue = ("heartbeat:other".to_owned(), "type".to_owned());
        assert_eq!(subjects(&admin()).await, [red.clone(), blue.clone()], "a rule for a task of the same id does not cover it");
        let limited = |role: Role, tag: &str| Actor { scope: TagScope::from_tags(&[tag.to_owned()]), ..Actor::new("bob", role, Via::Api) };
        assert_eq!(subjects(&limited(Role::Viewer, "red")).await, [red]);
        assert_eq!(subjects(&limited(Role::Viewer, "blue")).await, [blue]);
        assert!(subjects(&limited(Role::Viewer, "green")).await.is_empty());
        assert_eq!(incidents.open_count(&limited(Role::Viewer, "red")).await.unwrap(), 1);
        let all = incidents.list(&admin(), &IncidentFilter::default(), &PageRequest::default()).await.unwrap().items;
        let other = all.iter().find(|one| one.subject == "heartbeat:other").unwrap();
        let hidden = incidents.acknowledge(&limited(Role::Operator, "red"), &other.id).await;
        assert!(matches!(hidden, Err(Error::NotFound(_))), "{hidden:?}");
        incidents.acknowledge(&limited(Role::Operator, "blue"), &other.id).await.unwrap();
        assert!(incidents.get(&limited(Role::Viewer, "blue"), &other.id).await.is_ok());
    }

    async fn heartbeats_follow_roles_and_scopes(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let heartbeats = &context.services.heartbeats;
        let actor = |role: Role, tags: &[&str]| {
            let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            Actor { scope: TagScope::from_tags(&tags), ..Actor::new("bob", role, Via::Api) }
        };
        let body = json!({"id": "backup", "period_seconds": 60, "tags": ["red"]});
        assert!(matches!(heartbeats.create(&actor(Role::Operator, &[]), &body).await, Err(Error::Forbidden(_))));
        let created = heartbeats.create(&actor(Role::Editor, &["red"]), &json!({"id": "backup", "period_seconds": 60})).await.unwrap();
        assert_eq!(created.tags, ["red"], "an editor's only tag is added");
        let blue = actor(Role::Editor, &["blue"]);
        assert_eq!(heartbeats.list(&blue).await.unwrap(), []);
        for answer in [
            heartbeats.get(&blue, "backup").await.map(drop),
            heartbeats.pings(&blue, "backup", None, 10).await.map(drop),
            heartbeats.path(&blue, "backup").await.map(drop),
            heartbeats.replace(&blue, "backup", &body, None).await.map(drop),
            heartbeats.rotate(&blue, "backup").await.map(drop),
            heartbeats.delete(&blue, "backup", None).await,
        ] {
            assert!(matches!(answer, Err(Error::NotFound(_))), "{answer:?}");
        }
        assert_eq!(heartbeats.path(&actor(Role::Viewer, &["red"]), "backup").await.unwrap(), None, "viewers cannot ping");
        assert!(matches!(heartbeats.delete(&actor(Role::Operator, &[]), "backup", None).await, Err(Error::Forbidden(_))));
    }
}
