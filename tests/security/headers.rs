//! Response headers: security headers on every response, header injection, and open redirects.

use reqwest::Method;

use crate::rig::{Belfry, PASSWORD, TOKEN, cookies, status};

#[tokio::test(flavor = "multi_thread")]
async fn responses_have_security_headers() {
    let belfry = Belfry::start().await;
    let session = belfry.sign_in("admin", PASSWORD).await;
    let paths = [
        "/",
        "/tasks",
        "/login",
        "/nowhere",
        "/static/css/belfry.css",
        "/api/v1/tasks",
        "/api/v1/nothing",
        "/docs",
        "/openapi.json",
        "/healthz",
        "/metrics",
        "/executions/-/download?format=csv",
    ];
    for path in paths {
        let answer = belfry.page(&session, path).await;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        assert!(!header("cache-control").is_empty(), "{path}");
        assert!(header("strict-transport-security").is_empty(), "{path}: only behind TLS");
        assert!(header("server").is_empty() && header("access-control-allow-origin").is_empty(), "{path}");
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_breaks_in_requests_do_not_inject_headers() {
    let belfry = Belfry::start().await;
    for path in [
        "/login?next=%2Ftasks%0d%0aset-cookie:%20x=y",
        "/tasks%0d%0aset-cookie:%20x=y",
        "/tasks/a%0d%0aset-cookie:%20x=y/edit",
        "/nowhere%0d%0a%0d%0a<script>",
        "/api/v1/tasks/a%0d%0aset-cookie:%20x=y",
        "/static/a%0d%0aset-cookie:%20x=y",
    ] {
        let answer = belfry.raw(format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
        let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
        assert!(status(&answer) >= 200 && !head.contains("\r\nset-cookie: x"), "{path}: {head}");
    }
    let session = belfry.sign_in("admin", PASSWORD).await;
    let evil = "x\r\nset-cookie: forged=1";
    for (path, fields) in [
        ("/preferences", [("back", evil), ("language", evil)]),
        ("/tasks/-/bulk", [("action", evil), ("ids", evil)]),
        ("/settings/secrets", [("/name", evil), ("/value", evil)]),
        ("/tasks/new", [("/id", evil), ("/name", evil)]),
    ] {
        let answer = belfry.form(&session, path, &fields).await;
        assert!(cookies(&answer).iter().all(|cookie| !cookie.starts_with("forged")), "{path}: {:?}", answer.headers());
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_never_leave_the_server() {
    let belfry = Belfry::start().await;
    let away = [
        "https://evil.test",
        "//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/%09/evil.test",
        "javascript:alert(1)",
        "\t//evil.test",
    ];
    for next in away {
        let fields = [("name", "admin"), ("password", PASSWORD), ("next", next)];
        let signed = belfry.anonymous(Method::POST, "/login").form(&fields).send().await.expect("answers");
        let target = location(&signed);
        assert!(is_local(&target), "{next} redirects to {target}");
        let chosen = belfry
            .anonymous(Method::POST, "/preferences")
            .form(&[("back", next), ("theme", "dark")])
            .send()
            .await
            .expect("answers");
        assert!(is_local(&location(&chosen)), "{next} redirects to {}", location(&chosen));
    }
    let named = "GET /tasks HTTP/1.1\r\nhost: evil.test\r\nx-forwarded-host: evil.test\r\nconnection: close\r\n\r\n";
    let whole = "GET http://evil.test/tasks HTTP/1.1\r\nhost: evil.test\r\nconnection: close\r\n\r\n";
    for request in [named, whole] {
        let answer = belfry.raw(request).await;
        assert!(status(&answer) == 303 && !answer.contains("evil.test"), "{answer}");
    }
    let odd = belfry.raw("GET //evil.test/tasks HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(!odd.to_ascii_lowercase().contains("location: //"), "{odd}");
    belfry.end().await;
}

fn location(answer: &reqwest::Response) -> String {
    answer.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn is_local(target: &str) -> bool {
    target.starts_with('/') && !target.starts_with("//") && !target.contains('\\') && !target.contains('\t')
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_length_of_get_and_no_body() {
    let belfry = Belfry::start().await;
    belfry.echo("a").await;
    for path in ["/healthz", "/login", "/api/v1/tasks", "/api/v1/tasks/a", "/api/v1/tasks/b", "/openapi.json"] {
        let ask = |method: &str| {
            let host = belfry.address;
            belfry.raw(format!(
                "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\r\n"
            ))
        };
        let (get, head) = (ask("GET").await, ask("HEAD").await);
        let length = |answer: &str| answer.lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
        let (_, body) = get.split_once("\r\n\r\n").expect("a head and a body");
        assert_eq!(length(&head), Some(body.len().to_string()), "{path}: {head}");
        assert!(head.ends_with("\r\n\r\n") && get.lines().next() == head.lines().next(), "{path}: {head}");
    }
    belfry.end().await;
}
