//! Profiles that administrators store: encryption, checks, uses, other nodes, and who may do it.

use belfry::domain::audit::{AuditEvent, AuditFilter};
use belfry::domain::page::PageRequest;
use belfry::domain::profile::{Http, ProfileKind, Profiles};
use belfry::domain::user::{Actor, Role};
use belfry::service::Error;
use belfry::storage::profile;
use serde_json::{Map, Value, json};

use crate::for_each_database;
use crate::support::TestDatabase;
use crate::support::context::{TestContext, actor, admin};

const PASSWORD: &str = "hunter2-hunter2";

fn values(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn office() -> Map<String, Value> {
    values(json!({"host": "mail.example.com", "port": 2525, "tls": "none", "user": "b@example.com", "password": PASSWORD}))
}

/// A task that sends a mail through a mail server.
fn mail(id: &str, smtp: &str) -> Value {
    json!({"id": id, "type": "send_email", "trigger": {"type": "cron", "year": 1970},
        "params": {"smtp": smtp, "to": "a@example.com", "title": "x", "body": "x"}})
}

fn pointers(error: Error) -> Vec<String> {
    match error {
        Error::Invalid(faults) => faults.into_iter().map(|fault| fault.pointer).collect(),
        other => panic!("{other}"),
    }
}

async fn entries(context: &TestContext, root: &Actor) -> String {
    let request = PageRequest { size: 500, cursor: None };
    let entries = context.services.audit.list(root, &AuditFilter::default(), &request).await.unwrap().items;
    format!("{entries:?}")
}

for_each_database! {
    async fn a_profile_is_stored_encrypted_replaced_and_deleted(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let (service, root, kind) = (&context.services.stored_profiles, admin(), ProfileKind::Smtp);
        let created = service.create(&root, kind, "office", &office()).await.unwrap();
        assert_eq!((created.version, created.from_file, created.secrets), (1, false, vec!["password"]));
        let shown = created.values.unwrap();
        assert_eq!((&shown["host"], &shown["port"], shown.get("password")), (&json!("mail.example.com"), &json!(2525), None));
        assert!(matches!(service.create(&root, kind, "office", &office()).await, Err(Error::Conflict(_))));
        let stored = profile::list(&mut db.database.read().await.unwrap()).await.unwrap().remove(0);
        let text = format!("{stored:?}");
        assert!(!text.contains(PASSWORD) && !text.contains("example.com"), "{text}");
        let known = context.services.profiles.list(&root).await.unwrap();
        assert_eq!((known.smtp["office"].host(), known.smtp["office"].port()), ("mail.example.com", 2525));
        // Secrets that are left out stay; settings that are left out do not.
        let change = values(json!({"host": "relay.example.com", "user": "b@example.com"}));
        let replaced = service.replace(&root, kind, "office", &change, Some(1)).await.unwrap();
        assert_eq!((replaced.version, replaced.secrets), (2, vec!["password"]));
        let known = context.services.profiles.list(&root).await.unwrap();
        let smtp = &known.smtp["office"];
        assert_eq!((smtp.host(), smtp.port()), ("relay.example.com", 465));
        assert_eq!(smtp.password.as_ref().map(belfry::domain::secret::Secret::reveal), Some(PASSWORD));
        let stale = service.replace(&root, kind, "office", &change, Some(1)).await;
        assert!(matches!(stale, Err(Error::Stale { given: 1, current: 2 })), "{stale:?}");
        // An empty text removes a secret.
        let removed = service.replace(&root, kind, "office", &values(json!({"host": "relay", "password": ""})), None).await.unwrap();
        assert!(removed.secrets.is_empty());
        assert!(matches!(service.delete(&root, kind, "office", Some(1)).await, Err(Error::Stale { .. })));
        service.delete(&root, kind, "office", Some(3)).await.unwrap();
        assert!(matches!(service.get(&root, kind, "office").await, Err(Error::NotFound(_))));
        assert!(context.services.profiles.list(&root).await.unwrap().smtp.is_empty());
        let text = entries(&context, &root).await;
        for event in [AuditEvent::ProfileCreate, AuditEvent::ProfileUpdate, AuditEvent::ProfileDelete] {
            assert!(text.contains(&format!("{event:?}")), "{event:?}: {text}");
        }
        assert!(text.contains("mail:office") && text.contains("relay.example.com") && !text.contains(PASSWORD), "{text}");
    }

    async fn tasks_of_every_node_use_a_profile_at_once(db: &TestDatabase) {
        let (here, there) = (TestContext::new(&db.database), TestContext::new(&db.database));
        let root = admin();
        let refused = there.services.tasks.create(&root, &mail("a", "office")).await.unwrap_err();
        assert_eq!(pointers(refused), ["/params/smtp"]);
        here.services.stored_profiles.create(&root, ProfileKind::Smtp, "office", &office()).await.unwrap();
        there.services.tasks.create(&root, &mail("a", "office")).await.unwrap();
        assert!(there.services.profiles.list(&root).await.unwrap().smtp.contains_key("office"));
        let sql = values(json!({"url": "postgres://me:hunter2-hunter2@127.0.0.1:1/sales"}));
        here.services.stored_profiles.create(&root, ProfileKind::Datasource, "sales", &sql).await.unwrap();
        let sources = there.services.datasources.list(&root).await.unwrap();
        assert_eq!(sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["sales"]);
        let unchanged = there.services.datasources.list(&root).await.unwrap();
        assert!(std::sync::Arc::ptr_eq(&sources[0], &unchanged[0]), "it keeps its limit of connections");
        let change = values(json!({"read_only": true}));
        here.services.stored_profiles.replace(&root, ProfileKind::Datasource, "sales", &change, None).await.unwrap();
        assert!(there.services.datasources.list(&root).await.unwrap()[0].read_only());
        // What the node knows is masked in what it records.
        let told = there.services.datasources.test(&root, "sales").await.unwrap().outcome.unwrap_err().to_string();
        assert!(!told.contains(PASSWORD), "{told}");
        let note = json!({"id": "note", "type": "echo", "trigger": {"type": "cron", "year": 1970}, "params": {"message": PASSWORD}});
        there.services.tasks.create(&root, &note).await.unwrap();
        assert!(!entries(&there, &root).await.contains(PASSWORD));
    }

    async fn a_profile_in_use_is_not_deleted(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let (service, root) = (&context.services.stored_profiles, admin());
        service.create(&root, ProfileKind::Smtp, "office", &office()).await.unwrap();
        service.create(&root, ProfileKind::Http, "office", &values(json!({"base_url": "http://127.0.0.1:1/"}))).await.unwrap();
        context.services.tasks.create(&root, &mail("report", "office")).await.unwrap();
        let other = json!({"id": "other", "type": "echo", "trigger": {"type": "cron", "year": 1970}, "params": {"message": "\"office\""}});
        context.services.tasks.create(&root, &other).await.unwrap();
        assert_eq!(service.get(&root, ProfileKind::Smtp, "office").await.unwrap().tasks, ["report"]);
        match service.delete(&root, ProfileKind::Smtp, "office", None).await {
            Err(Error::Conflict(message)) => assert!(message.to_string().contains("used by report;"), "{message}"),
            other => panic!("{other:?}"),
        }
        service.delete(&root, ProfileKind::Http, "office", None).await.unwrap();
        context.services.tasks.delete(&root, "report", None).await.unwrap();
        service.delete(&root, ProfileKind::Smtp, "office", None).await.unwrap();
    }

    async fn a_profile_of_the_settings_comes_first_and_cannot_be_changed(db: &TestDatabase) {
        let root = admin();
        let kind = ProfileKind::Http;
        let crm = values(json!({"base_url": "http://page.example.com/"}));
        TestContext::new(&db.database).services.stored_profiles.create(&root, kind, "crm", &crm).await.unwrap();
        let http = Http { base_url: Some("http://file.example.com/".into()), ..Http::default() };
        let profiles = Profiles { http: [("crm".to_owned(), http)].into(), ..Profiles::default() };
        let context = TestContext::with_profiles(&db.database, profiles);
        let known = context.services.profiles.list(&root).await.unwrap();
        assert_eq!(known.http["crm"].base_url.as_deref(), Some("http://file.example.com/"));
        let service = &context.services.stored_profiles;
        assert!(service.get(&root, kind, "crm").await.unwrap().from_file);
        for refused in [
            service.create(&root, kind, "crm", &crm).await.map(drop),
            service.replace(&root, kind, "crm", &crm, None).await.map(drop),
            service.delete(&root, kind, "crm", None).await,
        ] {
            assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        }
    }

    async fn only_administrators_change_profiles(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let service = &context.services.stored_profiles;
        service.create(&admin(), ProfileKind::Smtp, "office", &office()).await.unwrap();
        for role in [Role::Viewer, Role::Operator, Role::Editor] {
            let caller = actor("bob", role);
            let refused = [
                service.get(&caller, ProfileKind::Smtp, "office").await.map(drop),
                service.create(&caller, ProfileKind::Smtp, "more", &office()).await.map(drop),
                service.replace(&caller, ProfileKind::Smtp, "office", &office(), None).await.map(drop),
                service.delete(&caller, ProfileKind::Smtp, "office", None).await,
                context.services.profiles.test_http(&caller, "x", "").await.map(drop),
            ];
            assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Forbidden(_)))), "{role:?}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn a_profile_is_checked_as_those_of_the_file_and_gives_no_access_to_files() {
    let db = TestDatabase::sqlite().await;
    let context = TestContext::new(&db.database);
    let (service, root) = (&context.services.stored_profiles, admin());
    let refused = async |kind, name: &str, given: Value| {
        let error = service.create(&root, kind, name, &values(given)).await.expect_err("is refused");
        let text = format!("{error:?}");
        assert!(!text.contains(PASSWORD), "{text}");
        pointers(error)
    };
    assert_eq!(refused(ProfileKind::Smtp, "Office", json!({"host": "h"})).await, ["/name"]);
    assert_eq!(refused(ProfileKind::Smtp, "a", json!({"host": "h", "port": "many"})).await, ["/port"]);
    assert_eq!(refused(ProfileKind::Smtp, "a", json!({"host": "h", "password": PASSWORD})).await, ["/user"]);
    assert_eq!(refused(ProfileKind::Sms, "a", json!({"provider": "aliyun", "access_key": "k"})).await, ["/secret_key"]);
    assert_eq!(refused(ProfileKind::Http, "a", json!({"base_url": "ftp://h"})).await, ["/base_url"]);
    assert_eq!(refused(ProfileKind::Http, "a", json!({"base_url": "x".repeat(20_000)})).await, ["/base_url"]);
    let url = format!("mongodb://me:{PASSWORD}@h/d");
    assert_eq!(refused(ProfileKind::Datasource, "a", json!({"url": url})).await, ["/url"]);
    // Only files that every task may use; Belfry's own database is none.
    for url in ["sqlite://a.db".to_owned(), format!("sqlite://{}", "/etc/passwd"), "odbc:Driver=/tmp/x.so".to_owned()] {
        assert_eq!(refused(ProfileKind::Datasource, "a", json!({"url": url})).await, ["/url"], "{url}");
    }
    let file = std::env::temp_dir().join("belfry-stored-profile.db");
    let sqlite = json!({"url": format!("sqlite://{}?mode=rwc", file.display())});
    service.create(&root, ProfileKind::Datasource, "here", &values(sqlite)).await.unwrap();
    db.remove().await;
}

#[tokio::test]
async fn a_profile_of_another_key_is_told_and_can_be_entered_again() {
    let db = TestDatabase::sqlite().await;
    let context = TestContext::new(&db.database);
    let (service, root, kind) = (&context.services.stored_profiles, admin(), ProfileKind::Smtp);
    service.create(&root, kind, "office", &office()).await.unwrap();
    sqlx_break(&db).await;
    assert_eq!(service.unreadable(&root, kind).await.unwrap(), ["office"]);
    assert!(context.services.profiles.list(&root).await.unwrap().smtp.is_empty());
    assert_eq!(service.get(&root, kind, "office").await.unwrap().values, None);
    assert!(matches!(service.create(&root, kind, "office", &office()).await, Err(Error::Conflict(_))));
    service.replace(&root, kind, "office", &office(), None).await.unwrap();
    assert!(service.unreadable(&root, kind).await.unwrap().is_empty());
    db.remove().await;
}

/// Replaces what is stored by something that no key opens.
async fn sqlx_break(db: &TestDatabase) {
    let belfry::storage::Database::Sqlite { writer, .. } = &db.database else { return };
    let statement = "update profiles set ciphertext = 'AAAA', updated_at = updated_at + 1";
    writer.acquire().await.expect("the writer").get().run_all(statement).expect("changes the profile");
}
