//! Mail and SMS profile pages, tested with a local mail server and SMS gateway.

use belfry::domain::profile::sms::{Gateway, Provider};
use belfry::domain::profile::smtp::Tls;
use belfry::domain::profile::{Profiles, Sms, Smtp};
use belfry::domain::secret::Secret;
use belfry::domain::user::Role;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::site::Site;

/// A mail server that accepts one mail or rejects its recipient; returns what it received.
async fn mail_server(takes: bool) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let port = listener.local_addr().expect("an address").port();
    let serving = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a connection");
        let (mut socket, mut received, mut in_text) = (BufReader::new(socket), String::new(), false);
        socket.write_all(b"220 here\r\n").await.expect("greets");
        let mut line = String::new();
        while socket.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            let answer: &[u8] = match line.trim_end() {
                "." if in_text => b"250 kept as 7\r\n",
                _ if in_text => b"",
                "DATA" => b"354 go on\r\n",
                text if text.starts_with("RCPT") && !takes => b"550 no such mailbox\r\n",
                "QUIT" => break,
                _ => b"250 fine\r\n",
            };
            in_text = if in_text { line.trim_end() != "." } else { line.trim_end() == "DATA" };
            socket.write_all(answer).await.expect("answers");
            received.push_str(&line);
            if answer.starts_with(b"250 kept") || answer.starts_with(b"550") {
                break;
            }
            line.clear();
        }
        received
    });
    (port, serving)
}

fn smtp(port: u16) -> Smtp {
    let password = Some(Secret::new("hush-hush"));
    Smtp {
        host: Some("127.0.0.1".into()),
        port: Some(port),
        tls: Some(Tls::None),
        from: Some("b@x.example".into()),
        password,
        ..Smtp::default()
    }
}

async fn site_with_mail(port: u16) -> Site {
    let profiles = Profiles { smtp: [("office".to_owned(), smtp(port))].into(), ..Profiles::default() };
    Site::start_with_profiles(profiles).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_mail_is_sent() {
    let (port, serving) = mail_server(true).await;
    let mut site = site_with_mail(port).await;
    site.get("/settings/mail").await.has_status(200).shows("office").shows(&format!("127.0.0.1:{port}")).hides("hush");
    site.post("/settings/mail", &[("/name", "office"), ("/to", "nobody")]).await.has_status(422).shows("value=\"nobody\"");
    site.post("/settings/mail", &[("/name", "other"), ("/to", "a@x.example")]).await.has_status(404);
    let sent = site.post("/settings/mail", &[("/name", "office"), ("/to", "a@x.example")]).await;
    sent.has_status(200).shows("office: Sent").shows("250 kept as 7").hides("hush");
    let received = serving.await.expect("the server");
    assert!(received.contains("RCPT TO:<a@x.example>") && received.contains("Belfry"), "{received}");
    site.get("/audit").await.shows("Mail server tested").shows("mail:office").hides("hush");
    site.sign_in_as("eddie", Role::Editor).await;
    site.get("/settings/mail").await.has_status(200).shows("office").hides("Send a test mail");
    site.post("/settings/mail", &[("/name", "office"), ("/to", "a@x.example")]).await.has_status(403);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_test_mail_shows_the_error_and_tests_are_rate_limited() {
    let (port, serving) = mail_server(false).await;
    let site = site_with_mail(port).await;
    let fields = [("/name", "office"), ("/to", "a@x.example")];
    site.post("/settings/mail", &fields).await.has_status(200).shows("Not sent").shows("no such mailbox");
    serving.await.expect("the server");
    for _ in 0..4 {
        // The server is closed now.
        site.post("/settings/mail", &fields).await.has_status(200).shows("Not sent");
    }
    site.post("/settings/mail", &fields).await.has_status(429).shows("too many tests; wait");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_message_is_sent_through_the_gateway() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let port = listener.local_addr().expect("an address").port();
    let serving = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut bytes = vec![0; 4096];
        let read = socket.read(&mut bytes).await.expect("reads");
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await.expect("answers");
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    });
    let url = format!("http://127.0.0.1:{port}/send?key=hush-hush&to={{to}}&text={{text}}");
    let gateway = Gateway { url: Some(Secret::new(&url)), method: Some("GET"), ..Gateway::default() };
    let sms = Sms { provider: Some(Provider::Http), gateway, ..Sms::default() };
    let site = Site::start_with_profiles(Profiles { sms: [("gate".to_owned(), sms)].into(), ..Profiles::default() }).await;
    site.get("/settings/sms").await.has_status(200).shows("gate").shows("http").hides("hush");
    let rejected = [("/name", "gate"), ("/to", "+8613800138000"), ("/text", "hi"), ("/params", "{")];
    site.post("/settings/sms", &rejected).await.has_status(422).shows("line 1, column").shows("value=\"{\"");
    let sent = site.post("/settings/sms", &[("/name", "gate"), ("/to", "+8613800138000"), ("/text", "hi")]).await;
    sent.has_status(200).shows("gate: Sent").shows("accepted").hides("hush");
    assert!(serving.await.expect("the gateway").contains("text=hi"));
    site.get("/audit").await.shows("SMS provider tested");
    site.close().await;
}
