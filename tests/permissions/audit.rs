//! The audit log: complete, append-only, searchable and exportable.

use belfry::domain::audit::{AuditEvent, AuditFilter, Entry};
use belfry::domain::operation::BulkAction;
use belfry::domain::page::PageRequest;
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{BulkTarget, NewSecret, NewToken, NewUser, UserChange};
use belfry::storage::Database;
use serde_json::{Value, json};

use crate::fixture::{Caller, Fixture, PASSWORD};
use crate::for_each_database;
use crate::support::context::{TestContext, actor, admin, bulk, echo};

async fn entries(context: &TestContext, filter: &AuditFilter) -> Vec<Entry> {
    let page = PageRequest { size: 500, cursor: None };
    context.services.audit.list(&admin(), filter, &page).await.expect("the audit").items
}

async fn latest(context: &TestContext) -> Entry {
    entries(context, &AuditFilter::default()).await.remove(0)
}

for_each_database! {
    async fn every_action_is_audited_with_actor_and_address(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        let root = Actor::new("root", Role::Admin, Via::Page).with_address(Some("10.0.0.7".into()));
        services.secrets.put(&root, "api-key", &NewSecret::new("swordfish-swordfish")).await.unwrap();
        let mut seen = vec![latest(&context).await];
        let user = |name: &str, tags: Vec<String>| NewUser {
            name: name.into(), role: Role::Admin, password: Some(PASSWORD.into()), grants: vec![], tags,
        };
        services.users.create(&root, &user("root", vec![])).await.unwrap();
        seen.push(latest(&context).await);
        services.users.create(&root, &NewUser { role: Role::Editor, ..user("bob", vec!["red".into()]) }).await.unwrap();
        let bob = latest(&context).await;
        assert_eq!(bob.after, Some(json!({"name": "bob", "role": "editor", "grants": [], "tags": ["red"], "disabled": false})));
        let limits = UserChange { tags: Some(vec!["blue".into()]), ..UserChange::default() };
        services.users.update(&root, "bob", &limits).await.unwrap();
        let changed = latest(&context).await;
        let tags = |value: &Option<Value>| value.as_ref().map(|value| value["tags"].clone());
        assert_eq!((tags(&changed.before), tags(&changed.after)), (Some(json!(["red"])), Some(json!(["blue"]))));
        seen.push(changed);
        services.users.update(&root, "bob", &UserChange { password: Some("another one!".into()), ..UserChange::default() }).await.unwrap();
        seen.push(latest(&context).await);
        services.users.delete(&root, "bob").await.unwrap();
        seen.push(latest(&context).await);
        let new = NewToken { name: "ci".into(), role: Some(Role::Viewer), tags: vec!["red".into()], expires_at: None };
        let (token, text) = services.tokens.create(&root, &new).await.unwrap();
        seen.push(latest(&context).await);
        services.tokens.revoke(&root, &token.id).await.unwrap();
        seen.push(latest(&context).await);
        assert!(services.sign_in.without_second_factor("root", "not this one", Some("10.0.0.7")).await.is_err());
        seen.push(latest(&context).await);
        let (_, session) = services.sign_in.without_second_factor("root", PASSWORD, Some("10.0.0.7")).await.unwrap();
        seen.push(latest(&context).await);
        let mut task = echo("a", json!({"type": "cron", "hour": 9}));
        task["policy"] = json!({"on_overlap": "allow"});
        task["params"]["message"] = "the key is swordfish-swordfish".into();
        services.tasks.create(&root, &task).await.unwrap();
        seen.push(latest(&context).await);
        services.tasks.patch(&root, "a", &json!({"name": "A"}), None).await.unwrap();
        seen.push(latest(&context).await);
        services.tasks.pause(&root, "a", None).await.unwrap();
        seen.push(latest(&context).await);
        services.tasks.resume(&root, "a", None).await.unwrap();
        seen.push(latest(&context).await);
        let run = services.executions.run(&root, "a", None, None).await.unwrap();
        seen.push(latest(&context).await);
        services.executions.rerun(&root, &run.id, None, None).await.unwrap();
        seen.push(latest(&context).await);
        services.executions.cancel(&root, &run.id).await.unwrap();
        seen.push(latest(&context).await);
        services.tasks.reset_state(&root, "a", None).await.unwrap();
        seen.push(latest(&context).await);
        bulk(services, &root, BulkAction::Delete, &BulkTarget::Ids(vec!["a".into()])).await;
        seen.push(latest(&context).await);
        services.secrets.delete(&root, "api-key").await.unwrap();
        seen.push(latest(&context).await);
        let audited: std::collections::HashSet<AuditEvent> = seen.iter().map(|entry| entry.action).collect();
        // Covered by other tests, because they need more than one service call.
        let elsewhere = [
            AuditEvent::SignOut,
            AuditEvent::SessionsEnd,
            AuditEvent::DatasourceTest,
            AuditEvent::MailTest,
            AuditEvent::SmsTest,
            AuditEvent::HttpProfileTest,
            AuditEvent::ProfileCreate,
            AuditEvent::ProfileUpdate,
            AuditEvent::ProfileDelete,
            AuditEvent::ExecutionImport,
            AuditEvent::SecondFactorEnrol,
            AuditEvent::SecondFactorRemove,
            AuditEvent::SecondFactorReset,
            AuditEvent::SecondFactorRefused,
            AuditEvent::RecoveryUse,
            AuditEvent::RecoveryRenew,
            AuditEvent::BackfillStart,
            AuditEvent::BackfillCancel,
            AuditEvent::HookCreate,
            AuditEvent::HookRotate,
            AuditEvent::HookRevoke,
            AuditEvent::HeartbeatCreate,
            AuditEvent::HeartbeatUpdate,
            AuditEvent::HeartbeatDelete,
            AuditEvent::HeartbeatRotate,
            AuditEvent::TaskMute,
            AuditEvent::TaskTest,
            AuditEvent::NotifyRuleCreate,
            AuditEvent::NotifyRuleUpdate,
            AuditEvent::NotifyRuleDelete,
            AuditEvent::IncidentAcknowledge,
            AuditEvent::IncidentClose,
            AuditEvent::ChannelCreate,
            AuditEvent::ChannelUpdate,
            AuditEvent::ChannelDelete,
            AuditEvent::ChannelTest,
            AuditEvent::CalendarCreate,
            AuditEvent::CalendarUpdate,
            AuditEvent::CalendarImport,
            AuditEvent::CalendarRestore,
            AuditEvent::CalendarDelete,
            AuditEvent::FreezeCreate,
            AuditEvent::FreezeEnd,
            AuditEvent::QueuePause,
            AuditEvent::QueueResume,
            AuditEvent::QueueResize,
            // By the server itself.
            AuditEvent::ClockChange,
            AuditEvent::ZoneChange,
        ];
        let left: Vec<_> = AuditEvent::ALL.iter().filter(|event| !audited.contains(event) && !elsewhere.contains(event)).collect();
        assert!(left.is_empty(), "not audited: {left:?}");
        for entry in &seen {
            assert_eq!((entry.actor.as_str(), entry.address.as_deref()), ("root", Some("10.0.0.7")), "{entry:?}");
        }
        services.sessions.sign_out(&session).await.unwrap();
        assert_eq!(latest(&context).await.action, AuditEvent::SignOut);
        let all = format!("{:?}", entries(&context, &AuditFilter::default()).await);
        for hidden in ["swordfish", PASSWORD, "another one!", "not this one", text.as_str(), session.as_str()] {
            assert!(!all.contains(hidden), "the audit log contains '{hidden}': {all}");
        }
    }

    async fn audit_entries_are_append_only(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "cron", "hour": 9})).await;
        let before = entries(&context, &AuditFilter::default()).await;
        for statement in ["delete from audit", "update audit set actor = 'nobody'", "truncate audit"] {
            let refused = match &db.database {
                Database::Sqlite { writer, .. } if !statement.starts_with("truncate") => writer.acquire().await.unwrap().get().run_all(statement),
                Database::Sqlite { .. } => continue,
                Database::Postgres { pool, .. } => sqlx::query(statement).execute(pool).await.map(drop),
            };
            let refused = refused.expect_err(statement).to_string();
            assert!(refused.contains("append-only"), "{refused}");
        }
        assert_eq!(entries(&context, &AuditFilter::default()).await, before);
    }

    async fn audit_search_matches_all_texts(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        for id in ["alpha", "beta_1", "beta-2"] {
            context.create(id, json!({"type": "cron", "hour": 9})).await;
        }
        let changer = actor("Zoe", Role::Admin).with_address(Some("192.0.2.44".into()));
        services.tasks.patch(&changer, "alpha", &json!({"description": "The Quarterly report"}), None).await.unwrap();
        let count = async |text: &str| {
            let filter = AuditFilter { search: Some(text.into()), ..AuditFilter::default() };
            let page = services.audit.list(&admin(), &filter, &PageRequest { size: 1, cursor: None }).await.unwrap();
            page.total
        };
        for (text, found) in [("quarterly REPORT", 1), ("alpha", 2), ("beta_", 1), ("192.0.2", 1), ("zoe", 1), ("%", 0), ("none", 0)] {
            assert_eq!(count(text).await, found, "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_export_contains_the_filtered_entries() {
    let fixture = Fixture::open().await;
    for number in 0..1_100 {
        let name = format!("=HYPERLINK(\"evil\",{number})");
        let task = json!({"id": format!("t{number}"), "name": name, "type": "echo", "trigger": {"type": "cron", "hour": 9}});
        fixture.context.services.tasks.create(&actor("=cmd|'calc'!A1", Role::Admin), &task).await.expect("creates");
    }
    let lines = fixture.get(Caller::Admin, "/api/v1/audit/export?format=jsonl&action=task.create").await;
    assert_eq!(lines.status, 200, "{}", lines.text);
    let rows: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((rows.len(), &rows[0]["target"], &rows[1_099]["target"]), (1_100, &json!("task:t1099"), &json!("task:t0")));
    assert_eq!(rows[0]["after"]["name"], "=HYPERLINK(\"evil\",1099)", "unescaped in JSON Lines");
    let csv = fixture.get(Caller::Admin, "/audit/export?format=csv&action=task.create&search=t7%22").await;
    let mut lines = csv.text.trim_start_matches('\u{feff}').lines();
    assert_eq!(lines.next(), Some("id,at,actor,via,address,action,target,before,after"));
    let row = lines.next().expect("a row");
    assert!(row.contains(",'=cmd|'calc'!A1,api,,task.create,task:t7,,"), "formulas are escaped: {row}");
    assert_eq!(lines.next(), None, "one task has that id");
    let page = fixture.get(Caller::Admin, "/audit?action=task.create&search=t7%22").await.text;
    assert!(page.contains("/audit/export?action=task.create&amp;search=t7%22&amp;format=csv"), "{page}");
    assert_eq!(fixture.get(Caller::Admin, "/api/v1/audit/export?format=xml").await.status, 422);
    assert_eq!(fixture.get(Caller::Admin, "/audit/export?format=xml").await.status, 400);
    assert_eq!(fixture.get(Caller::Admin, "/audit/export?format=csv&from=never").await.status, 400);
    fixture.close().await;
}
