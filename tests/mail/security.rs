//! TLS and authentication: trusted and rejected certificates, and no secret in errors or output.

use belfry::domain::profile::Smtp;
use belfry::domain::profile::smtp::{PRESETS, Tls};
use belfry::domain::secret::Secret;
use serde_json::json;

use crate::rig::{Rig, mail};
use crate::server::{MailServer, PASSWORD, USER};

#[tokio::test]
async fn mail_is_sent_over_implicit_tls_and_starttls_with_a_password() {
    for tls in [Tls::Implicit, Tls::Starttls] {
        let Some(mut server) = MailServer::start(tls, json!({"login": true})).await else { return };
        let rig = Rig::new(server.authenticated_profile()).await;
        let (ended, output) = rig.send(mail()).await;
        assert_eq!(ended.unwrap()["accepted"], 1);
        assert_eq!(server.event("auth").await, json!({"event": "auth", "mechanism": "PLAIN", "good": true}));
        assert_eq!(server.mail().await.1["headers"]["subject"], "标题");
        assert!(!output.contains(PASSWORD), "{output}");
    }
}

#[tokio::test]
async fn login_and_xoauth2_are_supported() {
    let Some(mut server) = MailServer::start(Tls::Implicit, json!({"login": true, "exclude": ["PLAIN"]})).await else { return };
    Rig::new(server.authenticated_profile()).await.send(mail()).await.0.unwrap();
    assert_eq!(server.event("auth").await, json!({"event": "auth", "mechanism": "LOGIN", "good": true}));
    let token = |token: &str, server: &MailServer| Smtp {
        user: Some(USER.into()),
        oauth_token: Some(Secret::new(token)),
        ..server.profile()
    };
    Rig::new(token("good-token", &server)).await.send(mail()).await.0.unwrap();
    assert_eq!(server.event("auth").await, json!({"event": "auth", "mechanism": "XOAUTH2", "good": true}));
    let old = Rig::new(token("old-token", &server)).await.error(mail()).await;
    assert_eq!((old.message.to_string().as_str(), old.retryable), ("localhost rejected the oauth_token", false));
}

#[tokio::test]
async fn wrong_password_is_reported_and_not_retried() {
    let Some(server) = MailServer::start(Tls::Starttls, json!({"login": true})).await else { return };
    let preset = PRESETS.iter().find(|preset| preset.name == "163").copied();
    let wrong = Smtp { password: Some(Secret::new("hunter2")), preset, ..server.authenticated_profile() };
    let rig = Rig::new(wrong).await;
    let (ended, output) = rig.send(mail()).await;
    let error = ended.unwrap_err();
    assert!(!error.retryable, "{error:?}");
    assert!(error.message.to_string().starts_with("localhost answered 535 to the sign-in of me@example.com: "), "{error:?}");
    assert!(error.message.to_string().contains("authorisation code"), "the hint of the preset: {error:?}");
    assert!(!format!("{error:?}{output}").contains("hunter2"));
}

#[tokio::test]
async fn untrusted_certificates_are_rejected_unless_verification_is_off() {
    for tls in [Tls::Implicit, Tls::Starttls] {
        let Some(server) = MailServer::start(tls, json!({})).await else { return };
        let untrusted = Smtp { ca_file: None, ..server.profile() };
        let error = Rig::new(untrusted.clone()).await.error(mail()).await;
        assert!(!error.retryable && error.message.to_string().contains("certificate is not accepted"), "{error:?}");
        let other_name = Smtp { host: Some("127.0.0.1".into()), ..server.profile() };
        let error = Rig::new(other_name).await.error(mail()).await;
        assert!(!error.retryable && error.message.to_string().contains("certificate is not accepted"), "{error:?}");
        Rig::new(Smtp { verify_tls: false, ..untrusted }).await.send(mail()).await.0.unwrap();
    }
}

#[tokio::test]
async fn tls_is_never_downgraded_silently() {
    let Some(server) = MailServer::plain(&[]).await else { return };
    let starttls = Smtp { tls: Some(Tls::Starttls), ..server.profile() };
    let error = Rig::new(starttls).await.error(mail()).await;
    assert_eq!((error.message.to_string().as_str(), error.retryable), ("localhost does not offer STARTTLS", false));
    let implicit = Smtp { tls: Some(Tls::Implicit), ..server.profile() };
    let error = Rig::new(implicit).await.error(mail()).await;
    assert!(!error.retryable && error.message.to_string().starts_with("localhost: TLS handshake failed"), "{error:?}");
    let no_file = Smtp { tls: Some(Tls::Implicit), ca_file: Some("/no/such.pem".into()), ..server.profile() };
    let error = Rig::new(no_file).await.error(mail()).await;
    assert!(!error.retryable && error.message.to_string().starts_with("ca_file: failed to read /no/such.pem"), "{error:?}");
}

#[tokio::test]
async fn header_injection_is_rejected() {
    let rig = Rig::new(Smtp { host: Some("localhost".into()), from: Some("a@b.cn".into()), ..Smtp::default() }).await;
    let injected = [
        (json!({"to": "a@b.cn\r\nBcc: x@y.cn", "title": "t", "body": ""}), "/to"),
        (json!({"to": ["a@b.cn", "X\n <a@b.cn>"], "title": "t", "body": ""}), "/to/1"),
        (json!({"to": "a@b.cn", "title": "t\r\nBcc: x@y.cn", "body": ""}), "/title"),
        (json!({"to": "a@b.cn", "title": "t", "body": "", "from": "Me\r\nX: y <a@b.cn>"}), "/from"),
        (
            json!({"to": "a@b.cn", "title": "t", "body": "", "attachments": [{"name": "a\r\nX: y", "text": "b"}]}),
            "/attachments/0/name",
        ),
    ];
    use belfry::tasks::TaskType;
    for (params, pointer) in injected {
        let pointers: Vec<_> = rig.send_email.check(&params).into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(pointers, [pointer]);
        let (context, _output) = crate::support::run::context();
        assert!(!rig.send_email.run(params, &context).await.unwrap_err().retryable, "rejected after rendering too");
    }
}
