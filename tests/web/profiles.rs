//! The pages that add and change mail servers, SMS providers, datasources and HTTP profiles.

use belfry::domain::profile::{Http, Profiles, Smtp};
use belfry::domain::user::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::site::Site;

const SECRET: &str = "hunter2-hunter2";
const MAIL: &str = "/settings/profiles/edit?kind=smtp&name=office";

#[tokio::test]
async fn a_mail_server_is_added_changed_and_deleted() {
    let site = Site::start().await;
    site.get("/settings/mail").await.has_status(200).shows("No mail servers").shows("/settings/profiles/new?kind=smtp");
    site.get("/settings/profiles/new?kind=smtp").await.has_status(200).shows("Add a mail server").shows("exmail");
    let typed = [
        ("/name", "office"),
        ("/host", "mail.example.com"),
        ("/port", "2525"),
        ("/user", "b@example.com"),
        ("/password", SECRET),
    ];
    site.post("/settings/profiles/new?kind=smtp", &typed).await.redirects_to("/settings/mail");
    site.get("/settings/mail").await.shows("mail.example.com:2525").shows(">Page<").hides(SECRET);
    let page = site.get(MAIL).await;
    page.has_status(200).shows("2525").shows("Set; leave empty to keep").hides(SECRET);
    let change = [("version", "1"), ("/host", "relay.example.com"), ("/user", "b@example.com"), ("/verify_tls", "false")];
    site.post(MAIL, &change).await.redirects_to("/settings/mail");
    site.get(MAIL).await.shows("relay.example.com").shows("Set; leave empty to keep").hides("value=\"2525\"");
    // Somebody else saved meanwhile: what was typed stays.
    site.post(MAIL, &change).await.has_status(412).shows("relay.example.com");
    let removed = [("version", "2"), ("/host", "relay.example.com"), ("/-/remove", "password")];
    site.post(MAIL, &removed).await.redirects_to("/settings/mail");
    site.get(MAIL).await.hides("Set; leave empty to keep");
    site.get("/settings/profiles/delete?kind=smtp&name=office").await.has_status(200).shows("Delete office?");
    site.post("/settings/profiles/delete?kind=smtp&name=office", &[]).await.redirects_to("/settings/mail");
    site.get(MAIL).await.has_status(404);
    site.close().await;
}

#[tokio::test]
async fn every_kind_of_profile_has_a_form_in_both_languages() {
    let mut site = Site::start().await;
    let kinds = [("smtp", "新增邮件服务器"), ("sms", "新增短信服务商"), ("datasource", "新增数据源"), ("http", "新增 HTTP 服务")];
    for (kind, title) in kinds {
        let path = format!("/settings/profiles/new?kind={kind}");
        let page = site.get_with(&path, &[("accept-language", "zh-CN")], "").await;
        page.has_status(200).shows(title).hides("profiles.");
        site.get(&path).await.has_status(200).hides("profiles.");
    }
    site.get("/settings/profiles/new?kind=other").await.has_status(404);
    site.sign_in_as("eva", Role::Editor).await;
    site.get("/settings/profiles/new?kind=smtp").await.has_status(403);
    site.post("/settings/profiles/new?kind=smtp", &[("/name", "a"), ("/host", "h")]).await.has_status(403);
    site.get("/settings/mail").await.has_status(200).hides("/settings/profiles/new");
    site.close().await;
}

#[tokio::test]
async fn a_refused_form_keeps_what_is_not_secret() {
    let site = Site::start().await;
    let typed = [("/name", "Not good"), ("/host", "mail.example.com"), ("/port", "many"), ("/password", SECRET)];
    let page = site.post("/settings/profiles/new?kind=smtp", &typed).await;
    page.has_status(422).shows("Not good").shows("mail.example.com").shows("many").hides(SECRET);
    let url = format!("mongodb://me:{SECRET}@h/d");
    let page = site.post("/settings/profiles/new?kind=datasource", &[("/name", "a"), ("/url", &url)]).await;
    page.has_status(422).shows("is not a supported database scheme").hides(SECRET);
    site.close().await;
}

#[tokio::test]
async fn profiles_of_the_file_are_marked_and_not_changed() {
    let smtp = Smtp { host: Some("file.example.com".into()), ..Smtp::default() };
    let http = Http { base_url: Some("https://file.example.com/".into()), ..Http::default() };
    let profiles =
        Profiles { smtp: [("office".to_owned(), smtp)].into(), http: [("crm".to_owned(), http)].into(), ..Profiles::default() };
    let site = Site::start_with_profiles(profiles).await;
    site.get("/settings/mail").await.has_status(200).shows("belfry.toml").hides(MAIL);
    site.get("/settings/http").await.has_status(200).shows("https://file.example.com/").shows("belfry.toml");
    site.get(MAIL).await.has_status(200).shows("defined in belfry.toml").hides("field-host");
    site.post(MAIL, &[("/host", "h")]).await.has_status(409);
    site.post("/settings/profiles/delete?kind=smtp&name=office", &[]).await.has_status(409);
    site.close().await;
}

#[tokio::test]
async fn a_task_form_offers_stored_profiles() {
    let site = Site::start().await;
    site.post("/settings/profiles/new?kind=smtp", &[("/name", "from-a-page"), ("/host", "h")])
        .await
        .redirects_to("/settings/mail");
    let form = site.get("/tasks/new?type=send_email").await;
    form.has_status(200).shows("from-a-page");
    site.close().await;
}

/// A service that answers one request. Returns its port and what it received.
async fn service(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let port = listener.local_addr().expect("an address").port();
    let serving = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut request = vec![0; 4096];
        let length = socket.read(&mut request).await.expect("a request");
        socket.write_all(answer.as_bytes()).await.expect("answers");
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (port, serving)
}

#[tokio::test]
async fn an_http_profile_is_tested_with_its_credentials() {
    let site = Site::start().await;
    for (answer, shown) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "Answered"),
        ("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", "Failed"),
    ] {
        let (port, serving) = service(answer).await;
        let (name, base) = (format!("crm-{port}"), format!("http://127.0.0.1:{port}/api"));
        let typed = [("/name", name.as_str()), ("/base_url", &base), ("/bearer", SECRET)];
        site.post("/settings/profiles/new?kind=http", &typed).await.redirects_to("/settings/http");
        let page = site.post("/settings/http", &[("/name", &name), ("/url", "health")]).await;
        page.has_status(200).shows(&format!("{name}: {shown}")).shows("/api/health").hides(SECRET);
        let received = serving.await.expect("served");
        assert!(received.starts_with("GET /api/health ") && received.contains(&format!("Bearer {SECRET}")), "{received}");
    }
    site.post("/settings/http", &[("/name", "none")]).await.has_status(404);
    site.close().await;
}
