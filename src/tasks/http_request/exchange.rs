//! Exchange: a request and the redirects that follow it. They are followed here and not by the client, because cookies go along, and
//! each target is checked.

use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, PROXY_AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};

use super::cookies::Cookies;
use super::credentials::Credentials;
use super::failure::Unanswered;
use super::network::{RequestRefused, check_url};
use super::params::{Body, Params};
use super::redacted_url::redacted_url;
use crate::domain::profile::http::SignIn;
use crate::i18n::message;
use crate::tasks::Limits;

/// What the requests of an exchange have in common.
pub(super) struct Exchange<'e> {
    pub client: &'e Client,
    pub limits: &'e Limits,
    pub params: &'e Params,
    /// Sent as idempotency key.
    pub execution_id: &'e str,
    pub cookies: Cookies,
}

/// One request of an exchange.
struct Step {
    method: Method,
    url: Url,
    has_body: bool,
    headers: HeaderMap,
}

impl Exchange<'_> {
    /// Sends the request and follows redirects, at most as many as the parameters allow: none to a blocked address, and none to another
    /// origin if the request is authenticated, because its credentials may be in a header that would be sent along.
    pub async fn send(&mut self, credentials: &Credentials) -> Result<Response, Unanswered> {
        let started = Instant::now();
        let mut step = Step::first(self.params);
        for _ in 0..=self.params.redirects {
            let left = self.params.timeout.saturating_sub(started.elapsed()).max(Duration::from_millis(1));
            let mut request = credentials.apply(self.build(&step).timeout(left)).build()?;
            self.cookies.put(&mut request);
            let response = self.client.execute(request).await?;
            self.cookies.take(response.url(), response.headers());
            match target(&response).filter(|_| self.params.redirects > 0) {
                None => return Ok(response),
                Some(target) => {
                    self.check(&step.url, &target).map_err(Unanswered::Refused)?;
                    step = step.redirected(response.status(), target);
                }
            }
        }
        Err(Unanswered::Refused(RequestRefused(message!("http.too_many_redirects"))))
    }

    /// Builds a request. One that is not read-only carries the execution's id as `Idempotency-Key`, so that the receiver recognises a
    /// repeated delivery.
    fn build(&self, step: &Step) -> RequestBuilder {
        let mut request = self.client.request(step.method.clone(), step.url.clone());
        request = match &self.params.body {
            Body::Json(value) if step.has_body => request.json(value),
            Body::Form(fields) if step.has_body => request.form(fields),
            Body::Text(text) if step.has_body => request.header(CONTENT_TYPE, "text/plain; charset=utf-8").body(text.clone()),
            _ => request,
        };
        if !matches!(step.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
            request = request.header("idempotency-key", self.execution_id);
        }
        // Last, because these replace headers of the same name.
        request.headers(step.headers.clone())
    }

    fn check(&self, from: &Url, target: &Url) -> Result<(), RequestRefused> {
        let refused = |problem| RequestRefused(message!("http.redirect_refused", url = redacted_url(target), problem));
        if !matches!(target.scheme(), "http" | "https") {
            return Err(RequestRefused(message!("http.bad_redirect")));
        }
        check_url(self.limits, target).map_err(|problem| refused(problem.0))?;
        if self.params.sign_in != SignIn::None && from.origin() != target.origin() {
            return Err(RequestRefused(message!("http.redirect_cross_origin", url = redacted_url(target))));
        }
        Ok(())
    }
}

/// Where a response redirects to, if it does.
fn target(response: &Response) -> Option<Url> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| redirects)?;
    response.url().join(std::str::from_utf8(location.as_bytes()).ok()?).ok()
}

impl Step {
    fn first(params: &Params) -> Step {
        let mut url = params.url.clone();
        if !params.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&params.query);
        }
        Step { method: params.method.clone(), url, has_body: true, headers: params.headers.clone() }
    }

    /// The next request, without body after all statuses but 307 and 308, and without the task's credentials for another origin.
    fn redirected(mut self, status: StatusCode, target: Url) -> Step {
        if !matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
            self.has_body = false;
            self.headers.remove(CONTENT_TYPE);
            if self.method != Method::HEAD {
                self.method = Method::GET;
            }
        }
        if self.url.origin() != target.origin() {
            for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, WWW_AUTHENTICATE] {
                self.headers.remove(name);
            }
        }
        Step { url: target, ..self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::tasks::http_request::failure;

    /// A server that redirects every request, and records the requests.
    async fn redirecting_server(
        location: &'static str,
        status: &'static str,
    ) -> (Url, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, seen) = (listener.local_addr().unwrap().port(), std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default());
        let requests = seen.clone();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut bytes = [0; 4096];
                let length = connection.read(&mut bytes).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
                let answer = match request.contains("step=2") || request.contains("/end") {
                    true => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok".to_owned(),
                    false => format!(
                        "HTTP/1.1 {status}\r\nlocation: {location}\r\nset-cookie: step=2; Path=/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    ),
                };
                requests.lock().unwrap().push(request);
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        });
        (Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap(), seen)
    }

    async fn exchange(limits: &Limits, url: &Url, more: Value) -> Result<StatusCode, String> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut params = json!({"url": url.as_str()});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let params = Params::read(&params, &std::collections::BTreeMap::new()).unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([]).redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut exchange = Exchange { client: &client, limits, params: &params, execution_id: "e", cookies: Cookies::default() };
        match exchange.send(&Credentials::from_sign_in(&params.sign_in)).await {
            Ok(response) => Ok(response.status()),
            Err(unanswered) => Err(failure::unanswered(&unanswered, params.timeout).message.to_string()),
        }
    }

    #[tokio::test]
    async fn redirects_to_private_addresses_and_authenticated_ones_to_other_origins_are_blocked() {
        let closed = Limits { private_addresses: false, ..Limits::within("") };
        let (url, _) = redirecting_server("http://169.254.169.254/secrets", "302 Found").await;
        let refused = exchange(&closed, &url, json!({})).await.unwrap_err();
        assert!(refused.starts_with("redirected to http://169.254.169.254/secrets: 169.254.169.254 is a private"), "{refused}");
        let (url, _) = redirecting_server("http://127.0.0.1:1/", "302 Found").await;
        let refused = exchange(&Limits::within(""), &url, json!({"auth": {"bearer": "token"}})).await.unwrap_err();
        assert!(refused.contains("credentials must not be sent to another origin"), "{refused}");
    }

    #[tokio::test]
    async fn a_redirect_that_needs_its_own_cookie_arrives() {
        let (url, seen) = redirecting_server("/", "302 Found").await;
        let sent = exchange(&Limits::within(""), &url, json!({"method": "POST", "json": {"a": 1}, "query": {"q": "1"}})).await;
        assert_eq!(sent, Ok(StatusCode::OK));
        let seen = seen.lock().unwrap().clone();
        assert!(seen[0].starts_with("POST /?q=1 ") && seen[0].ends_with("{\"a\":1}"), "{seen:?}");
        assert!(
            seen[1].starts_with("GET / ") && seen[1].contains("\r\ncookie: step=2\r\n") && !seen[1].contains("content-type"),
            "{seen:?}"
        );
        let again = exchange(&Limits::within(""), &url, json!({"max_redirects": 1})).await;
        assert_eq!(again, Ok(StatusCode::OK), "each exchange has cookies of its own");
    }

    #[tokio::test]
    async fn redirects_keep_method_and_body_after_307_and_drop_credentials_for_another_host() {
        let (other, seen) = redirecting_server("/", "302 Found").await;
        let location: &'static str = format!("http://localhost:{}/end", other.port().unwrap()).leak();
        let (url, _) = redirecting_server(location, "307 Temporary Redirect").await;
        let more = json!({"method": "PUT", "text": "body", "headers": {"Authorization": "own", "X-Own": "kept"}});
        assert_eq!(exchange(&Limits::within(""), &url, more).await, Ok(StatusCode::OK));
        let request = seen.lock().unwrap()[0].to_ascii_lowercase();
        assert!(request.starts_with("put /end ") && request.ends_with("body") && request.contains("x-own: kept"), "{request}");
        assert!(!request.contains("authorization") && !request.contains("cookie"), "{request}");
    }

    #[tokio::test]
    async fn redirects_end_at_their_limit() {
        let (url, seen) = redirecting_server("http://localhost:1/", "302 Found").await;
        assert_eq!(exchange(&Limits::within(""), &url, json!({"follow_redirects": false})).await, Ok(StatusCode::FOUND));
        let (loops, _) = redirecting_server("/?step", "302 Found").await;
        let away: &'static str = loops.to_string().replace("127.0.0.1", "localhost").leak();
        let (back, _) = redirecting_server(away, "302 Found").await;
        assert_eq!(exchange(&Limits::within(""), &back, json!({"max_redirects": 1})).await, Err("too many redirects".into()));
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}
