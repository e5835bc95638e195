//! Delivery failures: error messages and retries.

use std::sync::Arc;
use std::time::Duration;

use belfry::domain::execution::Status;
use belfry::domain::profile::Smtp;
use belfry::domain::profile::smtp::Tls;
use belfry::tasks::TaskType;
use belfry::worker::WorkerConfig;
use serde_json::{Value, json};

use crate::harness::{Harness, attempts};
use crate::rig::{Rig, mail};
use crate::server::MailServer;

fn to(recipients: Value) -> Value {
    json!({"to": recipients, "title": "t", "body": "b"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn temporary_rejections_are_retried_by_the_workers() {
    let Some(mut server) = MailServer::plain(&["451 4.7.1 try again later", "cut", "ok"]).await else { return };
    let rig = Rig::new(server.profile()).await;
    assert_eq!(rig.send_email.spec().default_policy.retry.max_attempts, 4, "one attempt and three more");
    let types: Vec<Arc<dyn TaskType>> = vec![rig.send_email.clone()];
    let workers = Harness::start_with(&rig.database.database, WorkerConfig::default(), types);
    let policy = attempts(4);
    let id = workers.queue_with_policy("send_email", mail(), &policy).await;
    for attempt in [2, 3] {
        while workers.queue_retries(&policy).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(workers.get(&id).await.attempt >= attempt);
    }
    let done = workers.wait_for(&id, Status::Succeeded).await;
    assert_eq!(done.attempt, 3);
    let (_, read) = server.mail().await;
    assert_eq!(
        read["headers"]["message-id"],
        format!("<{id}@example.com>"),
        "the message ID is stable, so a repeated delivery can be recognised"
    );
    workers.stop().await;
}

#[tokio::test]
async fn errors_name_the_cause() {
    let Some(server) = MailServer::plain(&["451 4.7.1 greylisted", "554 5.7.1 looks like spam", "cut"]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let later = rig.error(mail()).await;
    assert_eq!(
        (later.message.to_string().as_str(), later.retryable),
        ("localhost answered 451 to the mail: 4.7.1 greylisted", true)
    );
    let never = rig.error(mail()).await;
    assert_eq!(
        (never.message.to_string().as_str(), never.retryable),
        ("localhost answered 554 to the mail: 5.7.1 looks like spam", false)
    );
    let cut = rig.error(mail()).await;
    assert!(
        cut.retryable && cut.message.to_string().starts_with("the connection to localhost was lost during the mail: "),
        "{cut:?}"
    );
    rig.send(mail()).await.0.unwrap();

    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let refused = Rig::new(Smtp { port: Some(port), ..server.profile() }).await.error(mail()).await;
    assert!(
        refused.retryable && refused.message.to_string().starts_with(&format!("failed to connect to localhost:{port}: ")),
        "{refused:?}"
    );
    assert!(refused.message.to_string().to_lowercase().contains("refused"), "{refused:?}");
    let unknown = Smtp { host: Some("no-such-host.invalid".into()), ..server.profile() };
    let unknown = Rig::new(unknown).await.error(mail()).await;
    assert!(
        unknown.retryable && unknown.message.to_string().starts_with("failed to connect to no-such-host.invalid:"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn silent_server_causes_a_timeout() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let smtp = Smtp {
        host: Some("127.0.0.1".into()),
        port: Some(port),
        tls: Some(Tls::None),
        from: Some("a@b.cn".into()),
        timeout: Duration::from_millis(200),
        ..Smtp::default()
    };
    let error = Rig::new(smtp).await.error(mail()).await;
    let expected = format!("no response from 127.0.0.1:{port} to the connection within 0.2 s");
    assert_eq!((error.message.to_string(), error.retryable), (expected, true));
}

#[tokio::test]
async fn rejected_recipients_do_not_stop_the_others() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let gone = rig.error(to(json!("nobody@example.com"))).await;
    let message = "localhost answered 550 to the recipient nobody@example.com: 5.1.1 no such mailbox";
    assert_eq!((gone.message.to_string().as_str(), gone.retryable), (message, false));
    let all_gone = rig.error(to(json!(["nobody@example.com", "nobody@example.org"]))).await;
    assert_eq!((all_gone.message.to_string(), all_gone.retryable), (format!("all 2 recipients were rejected; {message}"), false));

    let some = rig.error(to(json!(["a@example.com", "nobody@example.com"]))).await;
    assert_eq!(
        (some.message.to_string(), some.retryable),
        (format!("sent to 1 of 2 recipients; {message}"), false),
        "the other recipient got the mail"
    );
    let result = some.result.unwrap();
    assert_eq!((&result["accepted"], &result["refused"][0]["address"]), (&json!(1), &json!("nobody@example.com")));
    assert_eq!(result["recipients"], json!(["a@example.com"]));
    assert_eq!(server.mail().await.0["recipients"], json!(["a@example.com"]));

    let busy = rig.error(to(json!(["a@example.com", "busy@example.com"]))).await;
    assert!(busy.retryable && busy.message.to_string().contains("450"), "{busy:?}");
    let delivered = server.events_so_far().into_iter().filter(|event| event["event"] == "mail").count();
    assert_eq!(delivered, 0, "nothing is sent, so a retry sends no duplicates");
}

#[tokio::test]
async fn mail_server_must_be_configured_and_unambiguous() {
    let smtp = || Smtp { host: Some("localhost".into()), ..Smtp::default() };
    let none = Rig::with([]).await;
    assert_eq!(none.error(mail()).await.message.to_string(), "smtp: there is no [smtp.<name>] in the settings");
    let two = Rig::with([("a", smtp()), ("b", smtp())]).await;
    assert_eq!(two.error(mail()).await.message.to_string(), "smtp: name one of a, b; there are several in the settings");
    let unknown = two.send_email.check(&json!({"to": "a@b.cn", "title": "t", "body": "", "smtp": "c"}));
    assert_eq!((unknown[0].pointer.as_str(), unknown.len()), ("/smtp", 1));
    assert_eq!(unknown[0].message.to_string(), "smtp: there is no [smtp.c] in the settings; there is a, b");
    let sender = Rig::new(smtp()).await.error(mail()).await;
    assert_eq!(sender.message.to_string(), "from: is required, here or in the mail server's settings");
    let templates = json!({"to": "{{ to }}", "title": "{{ a }}\n", "body": "", "smtp": "{{ smtp }}"});
    assert_eq!(two.send_email.check(&templates), [], "templates are checked after they are rendered");
}
