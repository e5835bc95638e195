//! A mail server that an administrator stored: used at once, and anew after each change.

use belfry::domain::profile::ProfileKind;
use serde_json::{Value, json};

use crate::server::{MailServer, PASSWORD, USER};
use crate::support::TestDatabase;
use crate::support::context::{TestContext, admin};
use belfry::domain::profile::smtp::Tls;

fn values(server: &MailServer, password: &str) -> serde_json::Map<String, Value> {
    let ca = server.folder.path().join("cert.pem");
    let values = json!({"host": "localhost", "port": server.port, "tls": "implicit", "from": "belfry@example.com", "user": USER,
        "password": password, "ca_file": ca});
    values.as_object().expect("an object").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_mail_server_sends_with_the_password_that_was_saved_last() {
    let Some(mut server) = MailServer::start(Tls::Implicit, json!({"login": true})).await else { return };
    let db = TestDatabase::sqlite().await;
    let (here, there) = (TestContext::new(&db.database), TestContext::new(&db.database));
    let (root, kind) = (admin(), ProfileKind::Smtp);
    here.services.stored_profiles.create(&root, kind, "office", &values(&server, "not the password")).await.unwrap();
    let refused = there.services.profiles.test_mail(&root, "office", "ops@example.com").await.unwrap();
    let error = refused.outcome.unwrap_err().to_string();
    assert!(error.contains("535") && !error.contains("not the password"), "{error}");
    here.services.stored_profiles.replace(&root, kind, "office", &values(&server, PASSWORD), None).await.unwrap();
    let sent = there.services.profiles.test_mail(&root, "office", "ops@example.com").await.unwrap();
    assert!(sent.outcome.is_ok(), "{sent:?}");
    let (envelope, _) = server.mail().await;
    assert!(envelope.to_string().contains("ops@example.com"), "{envelope}");
    db.remove().await;
}
