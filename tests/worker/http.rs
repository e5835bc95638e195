//! `http_request` against servers on the loopback interface.

use std::sync::Arc;
use std::time::Duration;

use belfry::tasks::{RunError, TaskType, http_request::HttpRequest};
use poem::endpoint::make;
use poem::http::StatusCode;
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::web::Redirect;
use poem::{Request, Response, Route, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::run::{self, context};

/// Responds with the received request as JSON.
async fn echo_request(mut request: Request) -> Response {
    let body = request.take_body().into_string().await.unwrap_or_default();
    let header = |name: &str| request.header(name).map(str::to_owned);
    let received = json!({
        "method": request.method().as_str(), "query": request.uri().query(), "body": body,
        "content_type": header("content-type"), "user_agent": header("user-agent"), "key": header("idempotency-key"),
    });
    Response::builder().header("set-cookie", "session=secret").content_type("application/json").body(received.to_string())
}

fn site() -> Route {
    let status = |code: u16| make(move |_| async move { StatusCode::from_u16(code).unwrap() });
    Route::new()
        .at("/echo", make(echo_request))
        .at("/404", status(404))
        .at("/204", status(204))
        .at("/503", status(503))
        .at("/moved", make(|_| async { Redirect::temporary("/echo") }))
        .at("/round", make(|_| async { Redirect::temporary("/round") }))
        .at("/slow", make(|_| async { std::future::pending::<()>().await }))
        .at("/big", make(|_| async { "x".repeat(3 * 1024 * 1024) }))
        .at(
            "/gbk",
            make(|_| async { Response::builder().content_type("text/plain; charset=gbk").body(vec![0xd6, 0xd3, 0xc2, 0xa5]) }),
        )
        .at("/picture", make(|_| async { vec![0_u8, 1, 2] }))
}

/// Starts the test server. Returns its address.
async fn serve() -> String {
    serve_site(site()).await
}

pub async fn serve_site(site: Route) -> String {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = acceptor.local_addr()[0].as_socket_addr().unwrap().to_string();
    tokio::spawn(Server::new_with_acceptor(acceptor).run(site));
    address
}

/// A server with a self-signed certificate and a fixed response. Returns its address.
async fn serve_tls() -> String {
    let custom_type = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(custom_type.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![custom_type.cert.der().clone()], key).unwrap();
    let tls = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            if let Ok(mut connection) = tls.accept(connection).await {
                let mut request = [0; 4096];
                let _ = connection.read(&mut request).await; // the request does not matter
                let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
                let _ = connection.shutdown().await; // the client may have closed it
            }
        }
    });
    format!("localhost:{port}")
}

/// Runs the task type once. Returns its result and output.
async fn run(params: Value) -> (Result<Value, RunError>, String) {
    run::run(&HttpRequest::default(), params).await
}

async fn error(params: Value) -> RunError {
    run(params).await.0.unwrap_err()
}

#[tokio::test]
async fn response_is_recorded_with_masked_secrets() {
    let address = serve().await;
    let url = format!("http://me:secret@{address}/echo?token=secret#part");
    let (ended, output) = run(json!({"url": url, "query": {"n": [1, 2]}})).await;
    let result = ended.unwrap();
    assert_eq!(result["status"], 200);
    assert_eq!(result["url"], format!("http://{address}/echo?…"));
    assert_eq!(result["json"]["query"], "token=secret&n=1&n=2");
    assert_eq!(result["json"]["key"], Value::Null, "no key for a GET");
    assert_eq!(result["json"]["user_agent"], concat!("belfry/", env!("CARGO_PKG_VERSION")));
    assert_eq!(result["headers"]["set-cookie"], "***");
    assert!(output.starts_with(&format!("GET http://{address}/echo?… → 200 OK in ")), "{output}");
    assert!(!output.contains("secret"));
}

#[tokio::test]
async fn body_and_headers_are_sent_unchanged() {
    let url = format!("http://{}/echo", serve().await);
    let sent = run(json!({"method": "POST", "url": url, "json": {"a": "钟楼"}})).await.0.unwrap();
    let received = &sent["json"];
    assert_eq!((&received["body"], &received["content_type"]), (&json!("{\"a\":\"钟楼\"}"), &json!("application/json")));
    assert_eq!(received["key"], "execution-1");
    let form = json!({"method": "PUT", "url": url, "form": {"a": "1 2", "b": true}, "headers": {"Idempotency-Key": "mine"}});
    let received = run(form).await.0.unwrap();
    assert_eq!((&received["json"]["body"], &received["json"]["key"]), (&json!("a=1+2&b=true"), &json!("mine")));
    let text = run(json!({"method": "PATCH", "url": url, "text": "plain", "headers": {"Content-Type": "text/csv"}})).await;
    let received = text.0.unwrap();
    assert_eq!((&received["json"]["body"], &received["json"]["content_type"]), (&json!("plain"), &json!("text/csv")));
}

#[tokio::test]
async fn status_code_decides_whether_to_retry() {
    let address = serve().await;
    let at = |path: &str| format!("http://{address}{path}");
    let missing = error(json!({"url": at("/404")})).await;
    assert_eq!((missing.message.to_string().as_str(), missing.retryable), ("unexpected status 404 Not Found", false));
    assert_eq!(missing.result.unwrap()["status"], 404);
    assert!(error(json!({"url": at("/503")})).await.retryable);
    assert!(run(json!({"url": at("/404"), "expect_status": [200, "400-404"]})).await.0.is_ok());
    assert!(error(json!({"url": at("/204"), "expect_status": ["200"]})).await.retryable);
}

#[tokio::test]
async fn expect_json_checks_the_response() {
    let url = format!("http://{}/echo", serve().await);
    let expect = |expected: Value| json!({"url": url, "expect_json": [{"pointer": "/method", "exists": true}, expected]});
    assert!(run(expect(json!({"pointer": "/method", "equals": "GET"}))).await.0.is_ok());
    let unmet = error(expect(json!({"pointer": "/method", "equals": "POST"}))).await;
    assert_eq!((unmet.message.to_string().as_str(), unmet.retryable), ("/method is 'GET', not 'POST'", true));
    let text = error(json!({"url": url.replace("echo", "gbk"), "expect_json": [{"pointer": "", "exists": true}]})).await;
    assert_eq!(text.message.to_string(), "the response is not JSON");
}

#[tokio::test]
async fn redirects_are_followed_up_to_max_redirects() {
    let address = serve().await;
    let url = format!("http://{address}/moved");
    let followed = run(json!({"url": url})).await.0.unwrap();
    assert_eq!(followed["url"], format!("http://{address}/echo"));
    let kept = run(json!({"url": url, "follow_redirects": false, "expect_status": ["3xx"]})).await.0.unwrap();
    assert_eq!((&kept["status"], &kept["headers"]["location"]), (&json!(307), &json!("/echo")));
    let round = error(json!({"url": format!("http://{address}/round"), "max_redirects": 3})).await;
    assert!(!round.retryable && round.message.to_string().starts_with("too many redirects"), "{round:?}");
}

#[tokio::test]
async fn response_body_is_decoded_by_charset_and_limited() {
    let address = serve().await;
    let get = async |path: &str| run(json!({"url": format!("http://{address}{path}")})).await.0.unwrap();
    assert_eq!(get("/gbk").await["text"], "钟楼");
    let big = get("/big").await;
    assert_eq!((big["text"].as_str().unwrap().trim_end_matches('…').len(), &big["truncated"]), (1024 * 1024, &json!(true)));
    assert_eq!(get("/picture").await["binary_bytes"], 3);
}

#[tokio::test]
async fn connection_errors_name_the_cause() {
    let address = serve().await;
    let slow = error(json!({"url": format!("http://{address}/slow"), "timeout_seconds": 0.2})).await;
    assert_eq!((slow.message.to_string().as_str(), slow.retryable), ("no response within 0.2 s", true));
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = free.local_addr().unwrap();
    drop(free);
    let refused = error(json!({"url": format!("http://me:secret@{closed}/?a=secret")})).await;
    assert!(refused.retryable && refused.message.to_string().to_lowercase().contains("refused"), "{refused:?}");
    assert!(!refused.message.to_string().contains("secret"));
    let unknown = error(json!({"url": "http://no-such-host.invalid/", "proxy": "none"})).await;
    assert!(unknown.retryable && unknown.message.to_string().starts_with("connection failed"), "{unknown:?}");
}

#[tokio::test]
async fn untrusted_certificate_is_rejected_unless_verify_tls_is_false() {
    let address = serve_tls().await;
    let url = format!("https://{address}/echo");
    let refused = error(json!({"url": url})).await;
    assert!(
        !refused.retryable && refused.message.to_string().starts_with("the server's certificate is not accepted"),
        "{refused:?}"
    );
    assert_eq!(run(json!({"url": url, "verify_tls": false})).await.0.unwrap()["status"], 200);
    let plain = serve().await;
    let no_tls = error(json!({"url": format!("https://{plain}/echo")})).await;
    assert!(!no_tls.retryable && no_tls.message.to_string().starts_with("TLS handshake failed"), "{no_tls:?}");
}

#[tokio::test]
async fn cancellation_aborts_the_request() {
    let address = serve().await;
    let (context, _output) = context();
    let cancel = context.cancel.clone();
    let running =
        tokio::spawn(async move { HttpRequest::default().run(json!({"url": format!("http://{address}/slow")}), &context).await });
    cancel.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), running).await.expect("in time").unwrap();
    assert_eq!(ended.unwrap_err().message.to_string(), "the request was cancelled");
}

#[test]
fn check_refuses_headers_of_the_connection() {
    let http = HttpRequest::default();
    let refused = |params: Value| http.check(&params).into_iter().map(|fault| fault.pointer).collect::<Vec<_>>();
    for name in ["Host", "Content-Length", "TRANSFER-ENCODING", "connection", "TE", "Upgrade", "Proxy-Authorization"] {
        let headers = json!({name: "x", "X-Fine": "y"});
        assert_eq!(refused(json!({"url": "http://example.com/", "headers": headers})), [format!("/headers/{name}")]);
        let key = json!({"api_key": {"key": "k", "header": name}});
        assert_eq!(refused(json!({"url": "http://example.com/", "auth": key})), ["/auth/api_key/header"]);
    }
    let message = http.check(&json!({"url": "http://example.com/", "headers": {"Host": "evil.example"}}))[0].message.to_string();
    assert_eq!(message, "headers: Host belongs to the connection and cannot be set; use other names");
}

#[test]
fn check_reports_errors_beyond_the_schema() {
    let pointers = |params: Value| {
        HttpRequest::default().check(&params).into_iter().map(|fault| fault.pointer).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(pointers(json!({"url": "example.com"})), "/url");
    assert_eq!(pointers(json!({"url": "file:///etc/passwd"})), "/url");
    let all = json!({"url": "http://h/", "json": 1, "text": "", "headers": {"a b": "", "x": "\n"}, "proxy": "ftp://h",
        "expect_status": ["ok"], "expect_json": [{"pointer": "a"}]});
    assert_eq!(pointers(all), "/headers/a b /headers/x /text /proxy /expect_status/0 /expect_json/0");
}
