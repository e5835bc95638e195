//! Password guesses from several addresses: nobody can lock others out of an account, and the audit log stays short.

use belfry::config::Settings;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::rig::{Belfry, PASSWORD};

/// A server behind a trusted proxy on this machine, so that the tests choose the address of the client.
fn behind_a_proxy(settings: &mut Settings) {
    settings.server.http.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
}

async fn sign_in(belfry: &Belfry, password: &str, address: &str) -> StatusCode {
    let request = belfry.anonymous(Method::POST, "/login").header("x-forwarded-for", address);
    request.form(&[("name", "admin"), ("password", password)]).send().await.expect("answers").status()
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_from_one_address_do_not_lock_out_others() {
    let belfry = Belfry::start_with(behind_a_proxy).await;
    let mut refused = 0;
    for host in 1..=20 {
        // All within one /64.
        let status = sign_in(&belfry, "wrong", &format!("2001:db8::{host:x}")).await;
        refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused >= 12, "{refused} of 20 were throttled");
    assert_eq!(sign_in(&belfry, PASSWORD, "2001:db8::ffff").await, StatusCode::TOO_MANY_REQUESTS, "the same network");
    assert_eq!(sign_in(&belfry, PASSWORD, "2001:db8:0:1::1").await, StatusCode::SEE_OTHER, "another network");
    assert_eq!(sign_in(&belfry, PASSWORD, "192.0.2.1").await, StatusCode::SEE_OTHER, "another address");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_guesses_are_one_audit_entry_a_minute() {
    let belfry = Belfry::start_with(behind_a_proxy).await;
    for _ in 0..40 {
        sign_in(&belfry, "wrong", "192.0.2.1").await;
    }
    let audit = belfry.expect_status(Method::GET, "/api/v1/audit?page_size=100", Value::Null, 200).await;
    let entries = audit["items"].as_array().expect("a list").iter().filter(|entry| entry["address"] == "192.0.2.1");
    let throttled = entries.clone().filter(|entry| entry["after"]["throttled_attempts"].is_u64()).count();
    // A second one if a minute ends meanwhile.
    assert!((1..=2).contains(&throttled), "{audit:#}");
    assert!(entries.count() <= 9, "40 guesses: {audit:#}");
    belfry.end().await;
}
