//! Connections: shared by mails, reused, and closed.

use std::time::Duration;

use belfry::tasks::TaskType;
use serde_json::json;

use crate::rig::{Rig, mail};
use crate::server::{MailServer, TIMEOUT};
use crate::support::run::context;

#[tokio::test]
async fn closed_kept_connection_is_replaced_within_the_attempt() {
    let Some(mut server) = MailServer::plain(&["ok", "ok", "421", "ok"]).await else { return };
    let rig = Rig::new(server.profile()).await;
    for _ in 0..2 {
        rig.send(mail()).await.0.unwrap();
        server.event("mail").await;
    }
    // The server closes the kept connection; the mail is sent over a new one in the same attempt.
    let (ended, output) = rig.send(mail()).await;
    ended.unwrap();
    assert!(output.starts_with("connecting to "), "{output}");
    server.event("connected").await;
    server.event("mail").await;
}

#[tokio::test]
async fn kept_connection_is_reused() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    for n in 0..3 {
        let (ended, output) = rig.send(mail()).await;
        ended.unwrap();
        assert_eq!(output.contains("connecting"), n == 0, "{output}");
    }
    server.event("connected").await;
    for _ in 0..3 {
        server.event("mail").await;
    }
    assert_eq!(server.events_so_far(), Vec::<serde_json::Value>::new(), "no second connection, and none closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_mails_share_a_limited_number_of_connections() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let sends = (0..30).map(|n| rig.send(json!({"to": format!("to-{n}@example.com"), "title": "t", "body": "b"})));
    for (ended, _) in futures_util::future::join_all(sends).await {
        ended.unwrap();
    }
    let mut arrived = Vec::new();
    let mut most = 0;
    while arrived.len() < 30 {
        for event in server.events_so_far() {
            most = most.max(event["open"].as_u64().unwrap_or_default());
            arrived.extend(event["recipients"][0].as_str().map(str::to_owned));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    arrived.sort();
    arrived.dedup();
    assert_eq!(arrived.len(), 30);
    assert!((2..=10).contains(&most), "{most} connections at once");
}

#[tokio::test]
async fn cancellation_closes_the_connection() {
    for dropped in [false, true] {
        let Some(mut server) = MailServer::plain(&["stall"]).await else { return };
        let rig = Rig::new(server.profile()).await;
        let (context, _output) = context();
        let (cancel, send_email) = (context.cancel.clone(), rig.send_email.clone());
        let running = tokio::spawn(async move { send_email.run(mail(), &context).await });
        server.event("stall").await;
        if dropped {
            running.abort();
            assert!(running.await.unwrap_err().is_cancelled());
        } else {
            cancel.cancel();
            let ended = tokio::time::timeout(TIMEOUT, running).await.expect("at once").unwrap().unwrap_err();
            assert_eq!(
                (ended.message.to_string().as_str(), ended.retryable),
                ("cancelled before the mail server accepted the mail", false)
            );
        }
        assert_eq!(server.event("lost").await["open"], 0);
        rig.send(mail()).await.0.expect("the next mail uses a new connection");
    }
}
