//! A simulator of the providers: one server that answers on the path of each as it would. It is a simulator: it was written from
//! the providers' documentation and has never talked to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belfry::clock::SharedClock;
use hmac::{Hmac, KeyInit, Mac};
use poem::endpoint::make;
use poem::http::StatusCode;
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{Request, Response, Server};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::Notify;

/// What the robots and applications know.
pub const TOKEN: &str = "token-0123456789abcdef";
pub const SECRET: &str = "SEC-of-the-robot";
/// A key of Standard Webhooks.
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A running simulator.
#[derive(Clone)]
pub struct Simulator {
    pub url: String,
    state: Arc<State>,
}

/// A received request and the answer to it.
#[derive(Debug, Clone)]
pub struct Received {
    pub at_ms: i64,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub accepted: bool,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

#[derive(Default)]
struct State {
    clock: Mutex<Option<SharedClock>>,
    received: Mutex<Vec<Received>>,
    arrived: Notify,
    /// Answers for the next requests, in place of the provider's own.
    script: Mutex<Vec<(u16, String, Option<u64>)>>,
    /// Requests that get no answer.
    silent: Mutex<usize>,
    /// The number of the current access token of WeCom.
    token: Mutex<u32>,
}

type Answer = (u16, String);

impl Simulator {
    pub async fn start(clock: SharedClock) -> Simulator {
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("binds");
        let url = format!("http://{}", acceptor.local_addr()[0].as_socket_addr().expect("an address"));
        let state = Arc::new(State::default());
        *state.clock.lock().unwrap() = Some(clock);
        let served = state.clone();
        let endpoint = make(move |request| {
            let state = served.clone();
            async move { state.answer(request).await }
        });
        tokio::spawn(Server::new_with_acceptor(acceptor).run(endpoint));
        Simulator { url, state }
    }

    /// Answers the next request with a status, a body and `Retry-After`.
    pub fn answer_next(&self, status: u16, body: &str, retry_after: Option<u64>) {
        self.state.script.lock().unwrap().push((status, body.to_owned(), retry_after));
    }

    /// The next requests are received, but not answered.
    pub fn be_silent(&self, requests: usize) {
        *self.state.silent.lock().unwrap() = requests;
    }

    /// Makes WeCom's current access token invalid.
    pub fn expire_token(&self) {
        *self.state.token.lock().unwrap() += 1;
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    pub fn accepted(&self) -> Vec<Received> {
        self.received().into_iter().filter(|request| request.accepted).collect()
    }

    /// Waits until this many requests have arrived.
    pub async fn wait_for(&self, requests: usize) {
        let arrived = async {
            loop {
                let next = self.state.arrived.notified();
                if self.state.received.lock().unwrap().len() >= requests {
                    return;
                }
                next.await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), arrived).await.expect("the requests arrive");
    }
}

impl State {
    async fn answer(&self, mut request: Request) -> Response {
        let header = |(name, value): (&poem::http::HeaderName, &poem::http::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let mut received = Received {
            at_ms: self.now_ms(),
            path: request.original_uri().path().to_owned(),
            query: pairs(request.original_uri().query().unwrap_or_default()),
            headers: request.headers().iter().map(header).collect(),
            body: request.take_body().into_string().await.expect("UTF-8"),
            accepted: false,
        };
        let silent = {
            let mut silent = self.silent.lock().unwrap();
            let is_silent = *silent > 0;
            *silent = silent.saturating_sub(1);
            is_silent
        };
        let scripted = { self.script.lock().unwrap().pop() };
        let ((status, body), retry_after) = match scripted {
            Some((status, body, retry_after)) => ((status, body), retry_after),
            None => (self.provider(&mut received), None),
        };
        self.received.lock().unwrap().push(received);
        self.arrived.notify_waiters();
        if silent {
            std::future::pending::<()>().await;
        }
        let answer = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
        let answer = match retry_after {
            Some(seconds) => answer.header("Retry-After", seconds.to_string()),
            None => answer,
        };
        answer.body(body)
    }

    fn now_ms(&self) -> i64 {
        self.clock.lock().unwrap().as_ref().map_or(0, |clock| clock.now().timestamp_millis())
    }

    fn provider(&self, received: &mut Received) -> Answer {
        let path = received.path.clone();
        let answer = match path.as_str() {
            "/robot/send" => self.dingtalk(received),
            "/cgi-bin/webhook/send" => self.wecom_robot(received),
            "/cgi-bin/gettoken" => return self.wecom_token(received),
            "/cgi-bin/message/send" => self.wecom_app(received),
            "/services/T0/B0/hook" => slack(received),
            "/v2/enqueue" => pagerduty(received),
            "/message" => gotify(received),
            "/push" => bark(received),
            "/send" => pushplus(received),
            "/webhook" => self.webhook(received),
            "/" => ntfy(received),
            _ if path.starts_with("/open-apis/bot/v2/hook/") => self.feishu(received),
            _ if path.ends_with("/sendMessage") => telegram(received),
            _ if path.ends_with(".send") => serverchan(received),
            _ => Err((404, "not found".to_owned())),
        };
        received.accepted = answer.is_ok();
        answer.unwrap_or_else(|refused| refused)
    }

    /// Whether more requests than allowed were accepted on this path in the window before this one.
    fn too_fast(&self, received: &Received, count: usize, window_ms: i64) -> bool {
        let all = self.received.lock().unwrap();
        let recent = all.iter().filter(|other| other.accepted && other.path == received.path);
        recent.filter(|other| other.at_ms > received.at_ms - window_ms).count() >= count
    }

    fn dingtalk(&self, received: &Received) -> Result<Answer, Answer> {
        let refuse = |code: i64, text: &str| Err(json_answer(json!({"errcode": code, "errmsg": text})));
        let query = |name: &str| received.query.get(name).map_or("", String::as_str);
        if query("access_token") != TOKEN {
            return refuse(300_005, "token is not exist");
        }
        let expected = hmac(SECRET.as_bytes(), format!("{}\n{SECRET}", query("timestamp")).as_bytes());
        if query("sign") != expected {
            return refuse(310_000, "sign not match");
        }
        if (query("timestamp").parse().unwrap_or(0_i64) - received.at_ms).abs() > 3_600_000 {
            return refuse(310_000, "invalid timestamp");
        }
        if self.too_fast(received, 20, 60_000) {
            return refuse(130_101, "send too fast");
        }
        let body = received.json();
        let text = body["text"]["content"].as_str().unwrap_or_default();
        if body["msgtype"] != "text" || text.is_empty() || received.body.len() > 20_000 {
            return refuse(400_105, "unsupported msgtype or message too long");
        }
        for number in body["at"]["atMobiles"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !text.contains(&format!("@{number}")) {
                return refuse(400_106, "a mention does not stand in the text");
            }
        }
        Ok(json_answer(json!({"errcode": 0, "errmsg": "ok"})))
    }

    fn wecom_robot(&self, received: &Received) -> Result<Answer, Answer> {
        let refuse = |code: i64, text: &str| Err(json_answer(json!({"errcode": code, "errmsg": text})));
        if received.query.get("key").map(String::as_str) != Some(TOKEN) {
            return refuse(93_000, "invalid webhook url");
        }
        if self.too_fast(received, 20, 60_000) {
            return refuse(45_009, "api freq out of limit");
        }
        let body = received.json();
        match body["text"]["content"].as_str() {
            Some(text) if body["msgtype"] == "text" && !text.is_empty() && text.len() <= 2_048 => {
                Ok(json_answer(json!({"errcode": 0, "errmsg": "ok"})))
            }
            _ => refuse(40_058, "text.content exceed max length 2048"),
        }
    }

    fn wecom_token(&self, received: &Received) -> Answer {
        let query = |name: &str| received.query.get(name).map_or("", String::as_str);
        if query("corpid") != "corp" || query("corpsecret") != SECRET {
            return json_answer(json!({"errcode": 40_001, "errmsg": "invalid credential"}));
        }
        let token = format!("access-{}", self.token.lock().unwrap());
        json_answer(json!({"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": 7_200}))
    }

    fn wecom_app(&self, received: &Received) -> Result<Answer, Answer> {
        let refuse = |code: i64, text: &str| Err(json_answer(json!({"errcode": code, "errmsg": text})));
        let current = format!("access-{}", self.token.lock().unwrap());
        if received.query.get("access_token") != Some(&current) {
            return refuse(42_001, "access_token expired");
        }
        let body = received.json();
        if body["agentid"] != 1_000_002 || body["touser"] != "alice|bob" || body["msgtype"] != "text" {
            return refuse(40_056, "invalid agentid");
        }
        if body["text"]["content"].as_str().is_none_or(|text| text.len() > 2_048) {
            return refuse(40_058, "text too long");
        }
        Ok(json_answer(json!({"errcode": 0, "errmsg": "ok", "msgid": "1"})))
    }

    /// The key and the message of the signature are not those of DingTalk.
    fn feishu(&self, received: &Received) -> Result<Answer, Answer> {
        let refuse = |code: i64, text: &str| Err(json_answer(json!({"code": code, "msg": text, "data": {}})));
        let body = received.json();
        let timestamp = body["timestamp"].as_str().unwrap_or_default();
        let expected = hmac(format!("{timestamp}\n{SECRET}").as_bytes(), b"");
        let age = timestamp.parse::<i64>().unwrap_or(0) - received.at_ms / 1_000;
        if body["sign"] != expected.as_str() || age.abs() > 3_600 {
            return refuse(19_021, "sign match fail or timestamp is not within one hour from current time");
        }
        if !received.path.ends_with(TOKEN) {
            return refuse(19_001, "param invalid: incoming webhook access token invalid");
        }
        if self.too_fast(received, 100, 60_000) || self.too_fast(received, 5, 1_000) {
            return refuse(9_499, "too many request");
        }
        if received.body.len() > 20 << 10 || body["msg_type"] != "post" || !body["content"]["post"].is_object() {
            return refuse(9_499, "Bad Request");
        }
        Ok(json_answer(json!({"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"})))
    }

    fn webhook(&self, received: &Received) -> Result<Answer, Answer> {
        let header = |name: &str| received.headers.get(name).map_or("", String::as_str);
        let key = STANDARD.decode(&WEBHOOK_SECRET["whsec_".len()..]).expect("base64");
        let signed = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), received.body);
        let age = header("webhook-timestamp").parse::<i64>().unwrap_or(0) - received.at_ms / 1_000;
        let known = format!("v1,{}", hmac(&key, signed.as_bytes()));
        if !header("webhook-signature").split(' ').any(|signature| signature == known) || age.abs() > 300 {
            return Err((401, "bad signature".to_owned()));
        }
        Ok((204, String::new()))
    }
}

fn slack(received: &Received) -> Result<Answer, Answer> {
    match received.json()["text"].as_str() {
        Some(text) if !text.is_empty() && text.chars().count() <= 40_000 => Ok((200, "ok".to_owned())),
        _ => Err((400, "no_text".to_owned())),
    }
}

fn telegram(received: &Received) -> Result<Answer, Answer> {
    let refuse = |code: u16, text: &str| Err((code, json!({"ok": false, "error_code": code, "description": text}).to_string()));
    if received.path != format!("/bot{TOKEN}/sendMessage") {
        return refuse(401, "Unauthorized");
    }
    let body = received.json();
    let length = body["text"].as_str().map_or(0, |text| text.encode_utf16().count());
    if body["chat_id"] != "-100" || length == 0 || length > 4_096 || !body["parse_mode"].is_null() {
        return refuse(400, "Bad Request: message is too long");
    }
    Ok((200, json!({"ok": true, "result": {"message_id": 1}}).to_string()))
}

fn pagerduty(received: &Received) -> Result<Answer, Answer> {
    let body = received.json();
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map_or(0, |text| text.chars().count());
    let action = body["event_action"].as_str().unwrap_or_default();
    let severity = body["payload"]["severity"].as_str().unwrap_or_default();
    let fits = body["routing_key"] == TOKEN
        && ["trigger", "resolve"].contains(&action)
        && (1..=255).contains(&text("/dedup_key"))
        && (1..=1_024).contains(&text("/payload/summary"))
        && text("/payload/source") > 0
        && ["critical", "error", "warning", "info"].contains(&severity);
    match fits {
        true => Ok((202, json!({"status": "success", "message": "Event processed", "dedup_key": body["dedup_key"]}).to_string())),
        false => {
            Err((400, json!({"status": "invalid event", "message": "Event object is invalid", "errors": ["x"]}).to_string()))
        }
    }
}

fn gotify(received: &Received) -> Result<Answer, Answer> {
    match received.headers.get("x-gotify-key").map(String::as_str) {
        Some(TOKEN) if received.json()["message"].is_string() => Ok((200, json!({"id": 7, "appid": 1}).to_string())),
        _ => Err((
            401,
            json!({"error": "Unauthorized", "errorCode": 401, "errorDescription": "you need to provide a valid token"})
                .to_string(),
        )),
    }
}

fn ntfy(received: &Received) -> Result<Answer, Answer> {
    let body = received.json();
    let length = body["message"].as_str().map_or(0, str::len);
    match received.headers.get("authorization").map(String::as_str) == Some(&format!("Bearer {TOKEN}")) {
        true if body["topic"] == "alarms" && length <= 4_096 => Ok((200, json!({"id": "abc", "event": "message"}).to_string())),
        _ => Err((403, json!({"code": 40_301, "http": 403, "error": "forbidden"}).to_string())),
    }
}

fn bark(received: &Received) -> Result<Answer, Answer> {
    let body = received.json();
    match body["device_key"] == TOKEN
        && body["body"].as_str().is_some_and(|text| !text.is_empty())
        && received.body.len() <= 4_096
    {
        true => Ok(json_answer(json!({"code": 200, "message": "success"}))),
        false => Err((400, json!({"code": 400, "message": "failed to get device token"}).to_string())),
    }
}

fn serverchan(received: &Received) -> Result<Answer, Answer> {
    let body = received.json();
    let title = body["title"].as_str().map_or(0, |text| text.chars().count());
    match received.path == format!("/{TOKEN}.send") && (1..=32).contains(&title) {
        true => Ok(json_answer(json!({"code": 0, "message": "", "data": {"pushid": "1", "error": "SUCCESS"}}))),
        false => Err(json_answer(json!({"code": 40_001, "message": "bad pushtoken"}))),
    }
}

fn pushplus(received: &Received) -> Result<Answer, Answer> {
    let body = received.json();
    match body["token"] == TOKEN && body["content"].as_str().is_some_and(|text| !text.is_empty()) {
        true => Ok(json_answer(json!({"code": 200, "msg": "请求成功", "data": "1"}))),
        false => Err(json_answer(json!({"code": 903, "msg": "无效的用户令牌", "data": null}))),
    }
}

/// The Chinese providers answer 200 whatever happened.
fn json_answer(body: Value) -> Answer {
    (200, body.to_string())
}

fn hmac(key: &[u8], message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(message);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Decoded pairs of a query.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).expect("a query");
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
