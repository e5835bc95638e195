//! A provider made by hand, for what no real one does: tokens that do not hold. Everything else about it is as it should be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use belfry::service::{Arrival, NotIn, Returned, Service};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{Endpoint, Request, Response, Route, Server, get, post};
use rcgen::KeyPair;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// A key of the curve P-256.
pub struct Key {
    pub id: String,
    pair: KeyPair,
}

impl Key {
    pub fn new(id: &str) -> Key {
        Key { id: id.to_owned(), pair: KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key") }
    }

    /// The public half, as providers publish it.
    fn jwk(&self) -> Value {
        let point = self.pair.public_key_raw();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": part(&point[1..33]), "y": part(&point[33..65])})
    }

    pub fn public(&self) -> Vec<u8> {
        self.pair.public_key_raw().to_vec()
    }

    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::ES256) };
        let key = EncodingKey::from_ec_der(&self.pair.serialize_der());
        jsonwebtoken::encode(&header, claims, &key).expect("signs")
    }
}

/// What the provider answers next.
pub struct Plan {
    pub keys: Vec<Key>,
    /// What to answer a code with: the ID token.
    pub id_token: String,
    /// What the token endpoint answers in its place.
    pub refusal: Option<&'static str>,
    pub userinfo: Value,
    /// The name it gives itself, where it is not its own.
    pub issuer: Option<String>,
    /// Whether it says that its answers name it.
    pub names_itself: bool,
    /// Requests by path.
    pub asked: HashMap<String, usize>,
    /// The last body of the token endpoint.
    pub exchanged: String,
    pub authorization: String,
}

pub struct Forger {
    pub issuer: String,
    plan: Arc<Mutex<Plan>>,
    server: JoinHandle<()>,
}

impl Drop for Forger {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub const ACCESS_TOKEN: &str = "access-token-of-the-tests";

impl Forger {
    pub async fn start() -> Forger {
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port");
        let address = acceptor.local_addr().remove(0);
        let issuer = format!("http://{}", address.as_socket_addr().expect("an address"));
        let plan = Arc::new(Mutex::new(Plan {
            keys: vec![Key::new("first")],
            id_token: String::new(),
            refusal: None,
            userinfo: json!({}),
            issuer: None,
            names_itself: false,
            asked: HashMap::new(),
            exchanged: String::new(),
            authorization: String::new(),
        }));
        let routes = Route::new()
            .at("/.well-known/openid-configuration", get(answering(&plan, &issuer, discovery)))
            .at("/jwks", get(answering(&plan, &issuer, keys)))
            .at("/token", post(answering(&plan, &issuer, token)))
            .at("/userinfo", get(answering(&plan, &issuer, userinfo)));
        let server = tokio::spawn(async move { Server::new_with_acceptor(acceptor).run(routes).await.expect("serves") });
        Forger { issuer, plan, server }
    }

    pub fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().expect("nobody panicked")
    }

    /// The claims of a token that holds.
    pub fn claims(&self, nonce: &str, now: DateTime<Utc>) -> Value {
        let now = now.timestamp();
        json!({"iss": self.issuer, "sub": "subject-1", "aud": "belfry", "iat": now, "exp": now + 300, "nonce": nonce,
            "preferred_username": "alice", "groups": ["belfry-editors"]})
    }

    /// A whole sign-in with a token that holds, its claims changed by `change`.
    pub async fn sign_in(&self, service: &Service, change: impl FnOnce(&mut Value)) -> Result<Arrival, NotIn> {
        let journey = Journey::begin(service).await;
        let mut claims = self.claims(&journey.nonce, service.clock().now());
        change(&mut claims);
        let token = self.plan().keys[0].sign(&claims);
        self.plan().id_token = token;
        service.arrive(&journey.returned, Some("10.0.0.7")).await
    }
}

/// A reader on the way to the provider.
pub struct Journey {
    pub nonce: String,
    pub url: reqwest::Url,
    /// What would be brought back.
    pub returned: Returned,
}

impl Journey {
    pub async fn begin(service: &Service) -> Journey {
        let departure = service.depart("/tasks").await.expect("the way begins");
        let url: reqwest::Url = departure.url.parse().expect("a URL");
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let returned = Returned {
            code: "the-code".into(),
            state: query["state"].clone(),
            browser: departure.browser,
            ..Returned::default()
        };
        Journey { nonce: query["nonce"].clone(), url, returned }
    }
}

type Reply = fn(&mut Plan, &str) -> (u16, Value);

fn answering(plan: &Arc<Mutex<Plan>>, issuer: &str, reply: Reply) -> impl Endpoint<Output = Response> + 'static {
    let (plan, issuer) = (plan.clone(), issuer.to_owned());
    poem::endpoint::make(move |mut request: Request| {
        let (plan, issuer) = (plan.clone(), issuer.clone());
        async move {
            let body = request.take_body().into_string().await.unwrap_or_default();
            let mut plan = plan.lock().expect("nobody panicked");
            *plan.asked.entry(request.uri().path().to_owned()).or_default() += 1;
            if request.uri().path() == "/token" {
                (plan.exchanged, plan.authorization) = (body, request.header("authorization").unwrap_or_default().to_owned());
            }
            let (status, json) = reply(&mut plan, &issuer);
            let status = poem::http::StatusCode::from_u16(status).expect("a status");
            Ok::<_, poem::Error>(Response::builder().status(status).content_type("application/json").body(json.to_string()))
        }
    })
}

fn discovery(plan: &mut Plan, issuer: &str) -> (u16, Value) {
    let at = |path: &str| format!("{issuer}{path}");
    let document = json!({"issuer": plan.issuer.as_deref().unwrap_or(issuer), "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"), "userinfo_endpoint": at("/userinfo"), "jwks_uri": at("/jwks"),
        "authorization_response_iss_parameter_supported": plan.names_itself});
    (200, document)
}

fn keys(plan: &mut Plan, _: &str) -> (u16, Value) {
    let mut keys: Vec<Value> = plan.keys.iter().map(Key::jwk).collect();
    // Kinds that are not known here must not get in the way of those that are.
    keys.push(json!({"kty": "strange", "kid": "x"}));
    (200, json!({"keys": keys}))
}

fn token(plan: &mut Plan, _: &str) -> (u16, Value) {
    match plan.refusal {
        Some(error) => (400, json!({"error": error, "error_description": "secret details"})),
        None => (200, json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": plan.id_token})),
    }
}

fn userinfo(plan: &mut Plan, _: &str) -> (u16, Value) {
    (200, plan.userinfo.clone())
}
