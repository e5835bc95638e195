//! Fake gateways of the providers on the loopback interface. They verify the signature of each request and answer a wrong one as
//! the provider does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use poem::endpoint::make;
use poem::http::StatusCode;
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{Request, Response, Server};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub const ACCESS_KEY: &str = "AKtest";
pub const SECRET_KEY: &str = "hunter2-key";

/// A running gateway.
pub struct Gateway {
    pub url: String,
    pub received: UnboundedReceiver<Received>,
}

/// A received request.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The fields of a form.
    pub fn form(&self) -> BTreeMap<String, String> {
        pairs(&self.body)
    }
}

#[derive(Clone)]
struct Site {
    sender: UnboundedSender<Received>,
    /// Requests by number.
    tries: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Gateway {
    pub async fn start() -> Gateway {
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let url = format!("http://{}", acceptor.local_addr()[0].as_socket_addr().unwrap());
        let (sender, received) = unbounded_channel();
        let site = Site { sender, tries: Arc::default() };
        let endpoint = make(move |request| {
            let site = site.clone();
            async move { site.answer(request).await }
        });
        tokio::spawn(Server::new_with_acceptor(acceptor).run(endpoint));
        Gateway { url, received }
    }

    /// All requests received so far.
    pub fn so_far(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }
}

impl Site {
    async fn answer(&self, mut request: Request) -> Response {
        let header = |(name, value): (&poem::http::HeaderName, &poem::http::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let received = Received {
            method: request.method().to_string(),
            path: request.original_uri().path().to_owned(),
            query: pairs(request.original_uri().query().unwrap_or_default()),
            headers: request.headers().iter().map(header).collect(),
            body: request.take_body().into_string().await.unwrap(),
        };
        let _ = self.sender.send(received.clone()); // fails after the end of the test
        match () {
            () if !received.header("x-acs-action").is_empty() => self.aliyun(&received).await,
            () if !received.header("x-tc-action").is_empty() => self.tencent(&received).await,
            () if received.path.starts_with("/2010-04-01/") => self.twilio(&received),
            () => self.any(&received),
        }
    }

    /// The number of requests for this number, including the current one.
    fn count_request(&self, number: &str) -> u32 {
        let mut tries = self.tries.lock().unwrap();
        let count = tries.entry(number.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// The scripted outcome of a number by its last digits: 01 is invalid, 02 is throttled once, 09 never gets a response.
    async fn scripted_outcome(&self, number: &str) -> &'static str {
        match (&number[number.len() - 2..], self.count_request(number)) {
            ("09", _) => std::future::pending().await,
            ("01", _) => "bad",
            ("02", 1) => "throttled",
            _ => "good",
        }
    }

    async fn aliyun(&self, received: &Received) -> Response {
        if !is_aliyun_signature_valid(received) {
            let refused =
                json!({"Code": "SignatureDoesNotMatch", "Message": "Specified signature is not matched", "RequestId": "R"});
            return answer(400, refused);
        }
        assert_eq!((received.header("x-acs-action"), received.header("x-acs-version")), ("SendSms", "2017-05-25"));
        answer(
            200,
            match self.scripted_outcome(&received.query["PhoneNumbers"]).await {
                "bad" => json!({"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "手机号码格式错误", "RequestId": "R"}),
                "throttled" => {
                    json!({"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发分钟级流控Permits:1", "RequestId": "R"})
                }
                _ => json!({"Code": "OK", "Message": "OK", "BizId": "900619746936498440^0", "RequestId": "R"}),
            },
        )
    }

    async fn tencent(&self, received: &Received) -> Response {
        if !is_tencent_signature_valid(received) {
            let error =
                json!({"Code": "AuthFailure.SignatureFailure", "Message": "The provided credentials could not be validated."});
            return answer(200, json!({"Response": {"Error": error, "RequestId": "R"}}));
        }
        assert_eq!((received.header("x-tc-action"), received.header("x-tc-version")), ("SendSms", "2021-01-11"));
        let number = received.json()["PhoneNumberSet"][0].as_str().unwrap().to_owned();
        let (code, message) = match self.scripted_outcome(&number).await {
            "bad" => ("InvalidParameterValue.IncorrectPhoneNumber", "phone number is incorrect"),
            "throttled" => ("LimitExceeded.PhoneNumberThirtySecondLimit", "too frequent"),
            _ => ("Ok", "send success"),
        };
        let fee = u8::from(code == "Ok");
        let status = json!({"SerialNo": "5000:1045", "PhoneNumber": number, "Fee": fee, "SessionContext": "", "Code": code,
            "Message": message, "IsoCode": "CN"});
        answer(200, json!({"Response": {"SendStatusSet": [status], "RequestId": "R"}}))
    }

    fn twilio(&self, received: &Received) -> Response {
        let login = base64::engine::general_purpose::STANDARD.encode(format!("{ACCESS_KEY}:{SECRET_KEY}"));
        if received.header("authorization") != format!("Basic {login}") {
            return answer(401, json!({"code": 20003, "message": "Authenticate", "status": 401}));
        }
        let number = received.form()["To"].clone();
        match self.count_request(&number) {
            _ if number.ends_with("01") => {
                answer(400, json!({"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}))
            }
            1 if number.ends_with("02") => answer(429, json!({"code": 20429, "message": "Too Many Requests", "status": 429})),
            _ => answer(201, json!({"sid": "SM1", "status": "queued", "num_segments": "2", "error_code": null})),
        }
    }

    fn any(&self, received: &Received) -> Response {
        match received.path.as_str() {
            "/503" => answer(503, json!({"error": "down"})),
            "/403" => answer(403, json!({"error": format!("bad key {SECRET_KEY}")})),
            "/busy" => answer(200, json!({"code": 108, "msg": "later"})),
            "/no" => answer(200, json!({"code": 7, "msg": "no balance"})),
            _ => answer(200, json!({"code": 0, "data": {"id": 77}})),
        }
    }
}

fn answer(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    Response::builder().status(status).content_type("application/json").body(body.to_string())
}

/// Names and values of a query or a form.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn hash(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// A member of an Authorization header: `Signature=…`.
fn member<'h>(header: &'h str, name: &str) -> &'h str {
    let parts = header.split([',', ' ']).map(str::trim);
    parts.filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name).map_or("", |(_, value)| value)
}

/// The lines of the signed headers, as received.
fn signed_lines(received: &Received, names: &str) -> String {
    names.split(';').map(|name| format!("{name}:{}\n", received.header(name).trim())).collect()
}

fn is_aliyun_signature_valid(received: &Received) -> bool {
    let authorization = received.header("authorization");
    let names = member(authorization, "SignedHeaders");
    // The unreserved characters of RFC 3986; the map is sorted by name.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encode = |text: &str| -> String {
        text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
    };
    let query: Vec<_> = received.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let content = hash(received.body.as_bytes());
    let canonical =
        [&received.method, &received.path, &query.join("&"), &signed_lines(received, names), names, &content].join("\n");
    let expected = hex(&sign(SECRET_KEY.as_bytes(), &format!("ACS3-HMAC-SHA256\n{}", hash(canonical.as_bytes()))));
    let all_signed = ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"]
        .iter()
        .all(|name| names.split(';').any(|signed| signed == *name));
    all_signed
        && authorization.starts_with("ACS3-HMAC-SHA256 ")
        && member(authorization, "Credential") == ACCESS_KEY
        && received.header("x-acs-content-sha256") == content
        && member(authorization, "Signature") == expected
}

fn is_tencent_signature_valid(received: &Received) -> bool {
    let authorization = received.header("authorization");
    let names = member(authorization, "SignedHeaders");
    let timestamp: i64 = received.header("x-tc-timestamp").parse().unwrap();
    let date = chrono::DateTime::from_timestamp(timestamp, 0).unwrap().date_naive().to_string();
    // The action is signed in lower case.
    let lines = signed_lines(received, names).replace("x-tc-action:SendSms", "x-tc-action:sendsms");
    let canonical = ["POST", "/", "", &lines, names, &hash(received.body.as_bytes())].join("\n");
    let scope = format!("{date}/sms/tc3_request");
    let to_sign = ["TC3-HMAC-SHA256", &timestamp.to_string(), &scope, &hash(canonical.as_bytes())].join("\n");
    let key =
        ["sms", "tc3_request"].iter().fold(sign(format!("TC3{SECRET_KEY}").as_bytes(), &date), |key, text| sign(&key, text));
    authorization.starts_with("TC3-HMAC-SHA256 ")
        && member(authorization, "Credential") == format!("{ACCESS_KEY}/{scope}")
        && ["content-type", "host"].iter().all(|name| names.split(';').any(|signed| signed == *name))
        && member(authorization, "Signature") == hex(&sign(&key, &to_sign))
}
