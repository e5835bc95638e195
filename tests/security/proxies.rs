//! Forwarding headers of clients and of trusted proxies.

use reqwest::Method;
use serde_json::Value;

use crate::rig::{Belfry, PASSWORD, cookies};

/// A server that trusts this machine as a proxy.
async fn behind_a_proxy() -> Belfry {
    Belfry::start_with(|s| s.server.http.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")]).await
}

async fn sign_in(belfry: &Belfry, headers: &[(&str, &str)], password: &str) -> reqwest::Response {
    let request = belfry.anonymous(Method::POST, "/login").form(&[("name", "admin"), ("password", password)]);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.expect("answers")
}

/// The addresses of the audit's entries, newest first.
async fn addresses(belfry: &Belfry) -> Vec<String> {
    let audit = belfry.expect_status(Method::GET, "/api/v1/audit", Value::Null, 200).await;
    let items = audit["items"].as_array().expect("a list").iter();
    items.filter_map(|entry| entry["address"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_cannot_forge_their_address_or_scheme() {
    let belfry = Belfry::start().await;
    let forged = [
        ("x-forwarded-for", "203.0.113.7"),
        ("forwarded", "for=203.0.113.7;proto=https"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "203.0.113.7"),
    ];
    let signed = sign_in(&belfry, &forged, PASSWORD).await;
    assert!(cookies(&signed).iter().all(|cookie| !cookie.contains("Secure")), "{:?}", cookies(&signed));
    assert!(signed.headers().get("strict-transport-security").is_none());
    assert_eq!(addresses(&belfry).await[0], "127.0.0.1");
    let mut answers = Vec::new();
    // More attempts than one address has.
    for number in 0..25 {
        let (from, name) = (format!("203.0.113.{number}"), format!("nobody-{number}"));
        let form = [("name", name.as_str()), ("password", "wrong")];
        let guess = belfry.anonymous(Method::POST, "/login").header("x-forwarded-for", from).form(&form);
        answers.push(guess.send().await.expect("answers").status().as_u16());
    }
    assert!(answers.contains(&429), "still one address: {answers:?}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarding_headers_of_a_trusted_proxy_apply() {
    let belfry = behind_a_proxy().await;
    let from = |address: &'static str| [("x-forwarded-for", address), ("x-forwarded-proto", "https")];
    let signed = sign_in(&belfry, &from("1.2.3.4, 203.0.113.7"), PASSWORD).await;
    assert!(cookies(&signed).iter().all(|cookie| cookie.contains("; Secure")), "{:?}", cookies(&signed));
    assert!(signed.headers().contains_key("strict-transport-security"));
    assert_eq!(addresses(&belfry).await[0], "203.0.113.7", "addresses written by the client do not count");
    let plain = sign_in(&belfry, &[("x-forwarded-for", "203.0.113.7")], PASSWORD).await;
    assert!(cookies(&plain).iter().all(|cookie| !cookie.contains("Secure")));
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limit_applies_to_each_client_behind_a_proxy() {
    let belfry = Belfry::start_with(|s| {
        s.server.http.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
        s.server.http.requests_per_second = 1;
    })
    .await;
    let ask = async |from: &str| {
        belfry.anonymous(Method::GET, "/healthz").header("x-forwarded-for", from).send().await.expect("answers").status()
    };
    let answers = futures_util::future::join_all((0..100).map(|_| ask("203.0.113.7"))).await;
    assert!(answers.iter().any(|status| *status == 429), "{answers:?}");
    assert_eq!(ask("203.0.113.8").await, 200);
    let answers = futures_util::future::join_all((0..100).map(|_| ask("198.51.100.1, 203.0.113.7"))).await;
    assert!(answers.iter().any(|status| *status == 429), "a forged address in front does not help: {answers:?}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local_access_is_not_granted_through_a_proxy() {
    let belfry = Belfry::fresh(|_| ()).await;
    let asks_for_code = async |belfry: &Belfry, headers: &[(&str, &str)]| {
        let request = belfry.anonymous(Method::GET, "/setup");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.expect("answers").text().await.expect("text").contains("name=\"code\"")
    };
    assert!(!asks_for_code(&belfry, &[]).await);
    for trace in [
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("via", "1.1 proxy"),
        ("x-real-ip", "127.0.0.1"),
        ("host", "rebound.evil.test"),
    ] {
        assert!(asks_for_code(&belfry, &[trace]).await, "{trace:?}");
    }
    let old = belfry.raw("GET /setup HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n").await;
    assert!(old.contains("name=\"code\""), "HTTP/1.0, the default of some proxies: {old}");
    belfry.end().await;
    let trusted =
        |s: &mut belfry::config::Settings| s.server.http.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    let proxied = Belfry::fresh(trusted).await;
    assert!(asks_for_code(&proxied, &[]).await, "a trusted proxy without forwarding headers");
    proxied.end().await;
}
