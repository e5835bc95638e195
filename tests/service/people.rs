//! Accounts, tokens, throttling, audit and versions.

use belfry::domain::audit::{AuditEvent, AuditFilter};
use belfry::domain::page::{Direction, PageRequest};
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{Error, NewSecret, NewToken, NewUser, Services, UserChange};
use chrono::Duration;
use serde_json::json;

use crate::for_each_database;
use crate::support::context::{TestContext, admin, start};

fn new_user(name: &str, role: Role) -> NewUser {
    NewUser { name: name.into(), role, password: Some("correct horse".into()), grants: Vec::new(), tags: Vec::new() }
}

fn token(name: &str, role: Option<Role>, days: Option<i64>) -> NewToken {
    NewToken { name: name.into(), role, tags: Vec::new(), expires_at: days.map(|days| start() + Duration::days(days)) }
}

async fn audited(services: &Services, filter: AuditFilter) -> Vec<(String, &'static str, String)> {
    let page = services.audit.list(&admin(), &filter, &PageRequest::default()).await.unwrap();
    page.items.into_iter().map(|entry| (entry.actor, entry.action.as_str(), entry.target)).collect()
}

for_each_database! {
    async fn accounts_are_created_changed_and_deleted(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        services.setup.create_admin("root", "long enough").await.unwrap();
        services.users.create(&admin(), &new_user("bob", Role::Editor)).await.unwrap();
        assert!(matches!(services.users.create(&admin(), &new_user("BOB", Role::Viewer)).await, Err(Error::Conflict(_))));
        for (name, password) in [("a b", "correct horse"), ("carl", "short"), ("carl", "password123"), ("carl-carl", "Carl-Carl"), ("carl", "aaaaaaaaaa")] {
            let new = NewUser { password: Some(password.into()), ..new_user(name, Role::Viewer) };
            assert!(matches!(services.users.create(&admin(), &new).await, Err(Error::Invalid(_))), "{name} {password}");
        }
        let (_, session) = services.sign_in.without_second_factor("bob", "correct horse", Some("10.0.0.7")).await.unwrap();
        let grants = UserChange { grants: Some(vec!["send_cmd".into()]), ..UserChange::default() };
        services.users.update(&admin(), "bob", &grants).await.unwrap();
        let bob = services.sessions.actor_by_session(&session, Via::Page).await.unwrap().expect("still signed in");
        assert!(bob.may_set_up("send_cmd") && !bob.may_set_up("send_sql"));
        let unknown = UserChange { grants: Some(vec!["nothing".into()]), ..UserChange::default() };
        assert!(matches!(services.users.update(&admin(), "bob", &unknown).await, Err(Error::Invalid(_))));
        let viewer = UserChange { role: Some(Role::Viewer), ..UserChange::default() };
        assert_eq!(services.users.update(&admin(), "bob", &viewer).await.unwrap().grants, ["send_cmd"]);
        assert!(services.sessions.actor_by_session(&session, Via::Page).await.unwrap().is_none(), "another role ends its sessions");
        let disabled = UserChange { disabled: Some(true), ..UserChange::default() };
        services.users.update(&admin(), "bob", &disabled).await.unwrap();
        assert!(matches!(services.sign_in.without_second_factor("bob", "correct horse", None).await, Err(Error::Unauthorized(_))));
        for change in [&viewer, &disabled] {
            assert!(matches!(services.users.update(&admin(), "root", change).await, Err(Error::Conflict(_))), "the last administrator");
        }
        assert!(matches!(services.users.delete(&admin(), "root").await, Err(Error::Conflict(_))));
        services.users.delete(&admin(), "Bob").await.unwrap();
        assert!(matches!(services.users.get(&admin(), "bob").await, Err(Error::NotFound(_))));
        assert_eq!(services.users.list(&admin()).await.unwrap().len(), 1);
    }

    async fn accounts_change_their_own_password(db: &TestDatabase) {
        let services = TestContext::new(&db.database).services;
        services.setup.create_admin("root", "long enough").await.unwrap();
        let (_, here) = services.sign_in.without_second_factor("root", "long enough", None).await.unwrap();
        let (_, elsewhere) = services.sign_in.without_second_factor("root", "long enough", None).await.unwrap();
        let root = services.sessions.actor_by_session(&here, Via::Page).await.unwrap().unwrap();
        let wrong = services.users.change_own_password(&root, "not this", "something else", Some(&here)).await;
        assert!(matches!(wrong, Err(Error::Invalid(faults)) if faults[0].pointer == "/present"));
        services.users.change_own_password(&root, "long enough", "something else", Some(&here)).await.unwrap();
        assert!(services.sessions.actor_by_session(&here, Via::Page).await.unwrap().is_some());
        assert!(services.sessions.actor_by_session(&elsewhere, Via::Page).await.unwrap().is_none());
        services.sign_in.without_second_factor("root", "something else", None).await.unwrap();
    }

    async fn token_role_and_expiry_are_enforced(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        services.setup.create_admin("root", "long enough").await.unwrap();
        services.users.create(&admin(), &new_user("bob", Role::Editor)).await.unwrap();
        let root = Actor::new("root", Role::Admin, Via::Page);
        let bob = Actor::new("bob", Role::Editor, Via::Page);
        assert!(matches!(services.tokens.create(&bob, &token("x", Some(Role::Admin), None)).await, Err(Error::Invalid(_))));
        assert!(matches!(services.tokens.create(&bob, &token(" ", None, None)).await, Err(Error::Invalid(_))));
        assert!(matches!(services.tokens.create(&bob, &token("x", None, Some(-1))).await, Err(Error::Invalid(_))));
        let (made, text) = services.tokens.create(&bob, &token("deploy", Some(Role::Operator), Some(2))).await.unwrap();
        let program = services.sessions.actor_by_token(&text).await.unwrap().unwrap();
        assert_eq!((program.name.as_str(), program.role), ("bob", Role::Operator));
        let demoted = UserChange { role: Some(Role::Viewer), ..UserChange::default() };
        services.users.update(&root, "bob", &demoted).await.unwrap();
        assert_eq!(services.sessions.actor_by_token(&text).await.unwrap().unwrap().role, Role::Viewer, "capped by its account");
        assert_eq!(services.tokens.list(&root).await.unwrap()[0].used_at, Some(start()));
        let (others, _) = services.tokens.create(&root, &token("mine", None, None)).await.unwrap();
        assert_eq!(services.tokens.list(&bob).await.unwrap().len(), 1, "one's own");
        assert!(matches!(services.tokens.revoke(&bob, &others.id).await, Err(Error::NotFound(_))));
        context.clock.advance(Duration::days(3));
        assert!(services.sessions.actor_by_token(&text).await.unwrap().is_none(), "expired");
        services.tokens.revoke(&root, &made.id).await.unwrap();
        assert_eq!(services.tokens.list(&root).await.unwrap().len(), 1);
    }

    async fn failed_sign_ins_are_throttled_by_account_and_address(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        services.setup.create_admin("root", "long enough").await.unwrap();
        for _ in 0..5 {
            assert!(matches!(services.sign_in.without_second_factor("root", "guess", Some("10.0.0.9")).await, Err(Error::Unauthorized(_))));
        }
        let throttled = async || services.sign_in.without_second_factor("ROOT", "long enough", Some("10.0.0.9")).await;
        for _ in 0..3 {
            assert!(matches!(throttled().await, Err(Error::TooManyRequests(_))));
        }
        services.sign_in.without_second_factor("root", "long enough", Some("10.0.0.8")).await.expect("nobody is locked out from another address");
        services.sign_in.without_second_factor("root", "long enough", None).await.unwrap();
        let refused = AuditFilter { action: Some(AuditEvent::SignInRefused), ..AuditFilter::default() };
        assert_eq!(audited(services, refused.clone()).await.len(), 6, "five failures, and the first throttled attempt");
        context.clock.advance(Duration::seconds(60));
        services.sign_in.without_second_factor("root", "long enough", Some("10.0.0.9")).await.expect("one attempt a minute");
        let entries = services.audit.list(&admin(), &refused, &PageRequest::default()).await.unwrap().items;
        assert_eq!((entries.len(), entries[0].address.as_deref()), (7, Some("10.0.0.9")));
        assert_eq!(entries[0].after, Some(json!({"throttled_attempts": 2})), "one entry a minute");
    }

    async fn audit_entries_have_before_and_after(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        services.secrets.put(&admin(), "token", &NewSecret::new("hunter2-and-more")).await.unwrap();
        let eve = Actor::new("eve", Role::Editor, Via::Page).with_address(Some("10.0.0.7".into()));
        let task = json!({"id": "say", "type": "echo", "trigger": {"type": "idle"}, "params": {"message": "hunter2-and-more"}});
        services.tasks.create(&eve, &task).await.unwrap();
        services.tasks.patch(&eve, "say", &json!({"name": "Say"}), None).await.unwrap();
        services.tasks.pause(&eve, "say", None).await.unwrap();
        let run = services.executions.run(&eve, "say", None, None).await.unwrap();
        services.executions.cancel(&eve, &run.id).await.unwrap();
        services.tasks.delete(&eve, "say", None).await.unwrap();
        assert!(matches!(services.tasks.delete(&eve, "say", None).await, Err(Error::NotFound(_))), "failed actions are not audited");
        let of_task = AuditFilter { target: Some("task:".into()), ..AuditFilter::default() };
        let said: Vec<_> = audited(services, of_task.clone()).await.into_iter().map(|(_, action, _)| action).collect();
        assert_eq!(said, ["task.delete", "task.run", "task.pause", "task.update", "task.create"]);
        let page = services.audit.list(&admin(), &of_task, &PageRequest { size: 2, cursor: None }).await.unwrap();
        let next = PageRequest { size: 2, cursor: page.next.clone() };
        let second = services.audit.list(&admin(), &of_task, &next).await.unwrap();
        let update = &second.items[1];
        assert_eq!((update.actor.as_str(), update.address.as_deref(), update.via), ("eve", Some("10.0.0.7"), Via::Page));
        assert_eq!((&update.before.as_ref().unwrap()["name"], &update.after.as_ref().unwrap()["name"]), (&json!("say"), &json!("Say")));
        assert_eq!(update.after.as_ref().unwrap()["params"]["message"], "***", "secrets are masked");
        assert_eq!((page.total, second.previous.map(|cursor| cursor.direction)), (5, Some(Direction::Previous)));
        let by = |actor: &str| AuditFilter { actor: Some(actor.into()), ..AuditFilter::default() };
        assert_eq!((audited(services, by("eve")).await.len(), audited(services, by("bob")).await.len()), (6, 0));
        let later = AuditFilter { from: Some(start() + Duration::seconds(1)), ..AuditFilter::default() };
        assert_eq!(audited(services, later).await, []);
        assert!(matches!(services.audit.list(&eve, &AuditFilter::default(), &PageRequest::default()).await, Err(Error::Forbidden(_))));
    }

    async fn restore_version_restores_the_content(db: &TestDatabase) {
        let services = TestContext::new(&db.database).services;
        let alice = Actor::new("alice", Role::Editor, Via::Page);
        let task = json!({"id": "say", "name": "First", "type": "echo", "trigger": {"type": "interval", "minutes": 5}, "params": {"message": 1}});
        services.tasks.create(&alice, &task).await.unwrap();
        services.tasks.patch(&alice, "say", &json!({"name": "Second", "params": {"message": 2}}), None).await.unwrap();
        let bob = Actor::new("bob", Role::Admin, Via::Api);
        let restored = services.tasks.restore_version(&bob, "say", 1, None).await.unwrap();
        assert_eq!((restored.name.as_str(), restored.version, &restored.params["message"]), ("First", 3, &json!(1)));
        let versions = services.tasks.versions(&alice, "say", None).await.unwrap();
        let found: Vec<_> = versions.iter().map(|v| (v.version, v.author.as_str(), v.content["name"].as_str().unwrap())).collect();
        assert_eq!(found, [(3, "bob", "First"), (2, "alice", "Second"), (1, "alice", "First")]);
        assert_eq!(services.tasks.versions(&alice, "say", Some(2)).await.unwrap().len(), 1);
        assert!(matches!(services.tasks.restore_version(&alice, "say", 9, None).await, Err(Error::NotFound(_))));
        assert!(matches!(services.tasks.restore_version(&alice, "say", 1, Some(1)).await, Err(Error::Stale { .. })));
        let run = services.executions.run(&alice, "say", None, None).await.unwrap();
        assert_eq!(run.task_version, Some(3));
        services.tasks.delete(&alice, "say", None).await.unwrap();
        services.tasks.create(&alice, &task).await.unwrap();
        assert_eq!(services.tasks.versions(&alice, "say", None).await.unwrap().len(), 1, "a new task of that name has its own versions");
    }
}
