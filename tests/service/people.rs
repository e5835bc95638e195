//! Accounts, tokens, throttling, audit and versions.

use belfry::domain::audit::{AuditEvent, AuditFilter};
use belfry::domain::page::{Direction, PageRequest};
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{Error, NewToken, NewUser, Service, UserChange};
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

async fn audited(service: &Service, filter: AuditFilter) -> Vec<(String, &'static str, String)> {
    let page = service.audit(&admin(), &filter, &PageRequest::default()).await.unwrap();
    page.items.into_iter().map(|entry| (entry.actor, entry.action.as_str(), entry.target)).collect()
}

for_each_database! {
    async fn accounts_are_created_changed_and_deleted(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let service = &context.service;
        service.set_up("root", "long enough").await.unwrap();
        service.create_user(&admin(), &new_user("bob", Role::Editor)).await.unwrap();
        assert!(matches!(service.create_user(&admin(), &new_user("BOB", Role::Viewer)).await, Err(Error::Conflict(_))));
        for (name, password) in [("a b", "correct horse"), ("carl", "short"), ("carl", "password123"), ("carl-carl", "Carl-Carl"), ("carl", "aaaaaaaaaa")] {
            let new = NewUser { password: Some(password.into()), ..new_user(name, Role::Viewer) };
            assert!(matches!(service.create_user(&admin(), &new).await, Err(Error::Invalid(_))), "{name} {password}");
        }
        let (_, session) = service.sign_in("bob", "correct horse", Some("10.0.0.7")).await.unwrap();
        let grants = UserChange { grants: Some(vec!["send_cmd".into()]), ..UserChange::default() };
        service.update_user(&admin(), "bob", &grants).await.unwrap();
        let bob = service.actor_by_session(&session, Via::Page).await.unwrap().expect("still signed in");
        assert!(bob.may_set_up("send_cmd") && !bob.may_set_up("send_sql"));
        let unknown = UserChange { grants: Some(vec!["nothing".into()]), ..UserChange::default() };
        assert!(matches!(service.update_user(&admin(), "bob", &unknown).await, Err(Error::Invalid(_))));
        let viewer = UserChange { role: Some(Role::Viewer), ..UserChange::default() };
        assert_eq!(service.update_user(&admin(), "bob", &viewer).await.unwrap().grants, ["send_cmd"]);
        assert!(service.actor_by_session(&session, Via::Page).await.unwrap().is_none(), "another role ends its sessions");
        let disabled = UserChange { disabled: Some(true), ..UserChange::default() };
        service.update_user(&admin(), "bob", &disabled).await.unwrap();
        assert!(matches!(service.sign_in("bob", "correct horse", None).await, Err(Error::Unauthorized(_))));
        for change in [&viewer, &disabled] {
            assert!(matches!(service.update_user(&admin(), "root", change).await, Err(Error::Conflict(_))), "the last administrator");
        }
        assert!(matches!(service.delete_user(&admin(), "root").await, Err(Error::Conflict(_))));
        service.delete_user(&admin(), "Bob").await.unwrap();
        assert!(matches!(service.user(&admin(), "bob").await, Err(Error::NotFound(_))));
        assert_eq!(service.users(&admin()).await.unwrap().len(), 1);
    }

    async fn accounts_change_their_own_password(db: &TestDatabase) {
        let service = TestContext::new(&db.database).service;
        service.set_up("root", "long enough").await.unwrap();
        let (_, here) = service.sign_in("root", "long enough", None).await.unwrap();
        let (_, elsewhere) = service.sign_in("root", "long enough", None).await.unwrap();
        let root = service.actor_by_session(&here, Via::Page).await.unwrap().unwrap();
        let wrong = service.change_own_password(&root, "not this", "something else", Some(&here)).await;
        assert!(matches!(wrong, Err(Error::Invalid(faults)) if faults[0].pointer == "/present"));
        service.change_own_password(&root, "long enough", "something else", Some(&here)).await.unwrap();
        assert!(service.actor_by_session(&here, Via::Page).await.unwrap().is_some());
        assert!(service.actor_by_session(&elsewhere, Via::Page).await.unwrap().is_none());
        service.sign_in("root", "something else", None).await.unwrap();
    }

    async fn token_role_and_expiry_are_enforced(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let service = &context.service;
        service.set_up("root", "long enough").await.unwrap();
        service.create_user(&admin(), &new_user("bob", Role::Editor)).await.unwrap();
        let root = Actor::new("root", Role::Admin, Via::Page);
        let bob = Actor::new("bob", Role::Editor, Via::Page);
        assert!(matches!(service.create_token(&bob, &token("x", Some(Role::Admin), None)).await, Err(Error::Invalid(_))));
        assert!(matches!(service.create_token(&bob, &token(" ", None, None)).await, Err(Error::Invalid(_))));
        assert!(matches!(service.create_token(&bob, &token("x", None, Some(-1))).await, Err(Error::Invalid(_))));
        let (made, text) = service.create_token(&bob, &token("deploy", Some(Role::Operator), Some(2))).await.unwrap();
        let program = service.actor_by_token(&text).await.unwrap().unwrap();
        assert_eq!((program.name.as_str(), program.role), ("bob", Role::Operator));
        let demoted = UserChange { role: Some(Role::Viewer), ..UserChange::default() };
        service.update_user(&root, "bob", &demoted).await.unwrap();
        assert_eq!(service.actor_by_token(&text).await.unwrap().unwrap().role, Role::Viewer, "capped by its account");
        assert_eq!(service.tokens(&root).await.unwrap()[0].used_at, Some(start()));
        let (others, _) = service.create_token(&root, &token("mine", None, None)).await.unwrap();
        assert_eq!(service.tokens(&bob).await.unwrap().len(), 1, "one's own");
        assert!(matches!(service.revoke_token(&bob, &others.id).await, Err(Error::NotFound(_))));
        context.clock.advance(Duration::days(3));
        assert!(service.actor_by_token(&text).await.unwrap().is_none(), "expired");
        service.revoke_token(&root, &made.id).await.unwrap();
        assert_eq!(service.tokens(&root).await.unwrap().len(), 1);
    }

    async fn failed_sign_ins_are_throttled_by_account_and_address(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let service = &context.service;
        service.set_up("root", "long enough").await.unwrap();
        for _ in 0..5 {
            assert!(matches!(service.sign_in("root", "guess", Some("10.0.0.9")).await, Err(Error::Unauthorized(_))));
        }
        for (name, address) in [("root", None), ("ROOT", Some("10.0.0.8")), ("nobody", Some("10.0.0.9"))] {
            assert!(matches!(service.sign_in(name, "long enough", address).await, Err(Error::TooManyRequests(_))), "{name}");
        }
        context.clock.advance(Duration::seconds(5));
        service.sign_in("root", "long enough", Some("10.0.0.8")).await.unwrap();
        let refused = AuditFilter { action: Some(AuditEvent::SignInRefused), ..AuditFilter::default() };
        assert_eq!(audited(service, refused).await.len(), 5);
    }

    async fn audit_entries_have_before_and_after(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let service = &context.service;
        service.put_secret(&admin(), "token", "hunter2-and-more").await.unwrap();
        let eve = Actor::new("eve", Role::Editor, Via::Page).with_address(Some("10.0.0.7".into()));
        let task = json!({"id": "say", "type": "echo", "trigger": {"type": "idle"}, "params": {"message": "hunter2-and-more"}});
        service.create_task(&eve, &task).await.unwrap();
        service.patch_task(&eve, "say", &json!({"name": "Say"}), None).await.unwrap();
        service.pause_task(&eve, "say", None).await.unwrap();
        let run = service.run_task(&eve, "say", None, None).await.unwrap();
        service.cancel(&eve, &run.id).await.unwrap();
        service.delete_task(&eve, "say", None).await.unwrap();
        assert!(matches!(service.delete_task(&eve, "say", None).await, Err(Error::NotFound(_))), "failed actions are not audited");
        let of_task = AuditFilter { target: Some("task:".into()), ..AuditFilter::default() };
        let said: Vec<_> = audited(service, of_task.clone()).await.into_iter().map(|(_, action, _)| action).collect();
        assert_eq!(said, ["task.delete", "task.run", "task.pause", "task.update", "task.create"]);
        let page = service.audit(&admin(), &of_task, &PageRequest { size: 2, cursor: None }).await.unwrap();
        let next = PageRequest { size: 2, cursor: page.next.clone() };
        let second = service.audit(&admin(), &of_task, &next).await.unwrap();
        let update = &second.items[1];
        assert_eq!((update.actor.as_str(), update.address.as_deref(), update.via), ("eve", Some("10.0.0.7"), Via::Page));
        assert_eq!((&update.before.as_ref().unwrap()["name"], &update.after.as_ref().unwrap()["name"]), (&json!("say"), &json!("Say")));
        assert_eq!(update.after.as_ref().unwrap()["params"]["message"], "***", "secrets are masked");
        assert_eq!((page.total, second.previous.map(|cursor| cursor.direction)), (5, Some(Direction::Previous)));
        let by = |actor: &str| AuditFilter { actor: Some(actor.into()), ..AuditFilter::default() };
        assert_eq!((audited(service, by("eve")).await.len(), audited(service, by("bob")).await.len()), (6, 0));
        let later = AuditFilter { from: Some(start() + Duration::seconds(1)), ..AuditFilter::default() };
        assert_eq!(audited(service, later).await, []);
        assert!(matches!(service.audit(&eve, &AuditFilter::default(), &PageRequest::default()).await, Err(Error::Forbidden(_))));
    }

    async fn restore_version_restores_the_content(db: &TestDatabase) {
        let service = TestContext::new(&db.database).service;
        let alice = Actor::new("alice", Role::Editor, Via::Page);
        let task = json!({"id": "say", "name": "First", "type": "echo", "trigger": {"type": "interval", "minutes": 5}, "params": {"message": 1}});
        service.create_task(&alice, &task).await.unwrap();
        service.patch_task(&alice, "say", &json!({"name": "Second", "params": {"message": 2}}), None).await.unwrap();
        let bob = Actor::new("bob", Role::Admin, Via::Api);
        let restored = service.restore_version(&bob, "say", 1, None).await.unwrap();
        assert_eq!((restored.name.as_str(), restored.version, &restored.params["message"]), ("First", 3, &json!(1)));
        let versions = service.versions(&alice, "say", None).await.unwrap();
        let found: Vec<_> = versions.iter().map(|v| (v.version, v.author.as_str(), v.content["name"].as_str().unwrap())).collect();
        assert_eq!(found, [(3, "bob", "First"), (2, "alice", "Second"), (1, "alice", "First")]);
        assert_eq!(service.versions(&alice, "say", Some(2)).await.unwrap().len(), 1);
        assert!(matches!(service.restore_version(&alice, "say", 9, None).await, Err(Error::NotFound(_))));
        assert!(matches!(service.restore_version(&alice, "say", 1, Some(1)).await, Err(Error::Stale { .. })));
        let run = service.run_task(&alice, "say", None, None).await.unwrap();
        assert_eq!(run.task_version, Some(3));
        service.delete_task(&alice, "say", None).await.unwrap();
        service.create_task(&alice, &task).await.unwrap();
        assert_eq!(service.versions(&alice, "say", None).await.unwrap().len(), 1, "a new task of that name has its own versions");
    }
}
