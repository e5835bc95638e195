//! A fake provider that issues the tokens a test sets, valid or not. It behaves like a real one otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use belfry::service::{OidcCallback, OidcLogin, Services, SignInError};
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

    /// The public key as a JWK.
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

/// The next responses of the provider, and the requests so far.
pub struct Script {
    pub keys: Vec<Key>,
    /// The ID token returned for a code.
    pub id_token: String,
    /// An error returned by the token endpoint instead.
    pub refusal: Option<&'static str>,
    pub userinfo: Value,
    /// The issuer in the metadata, if it differs from its own.
    pub issuer: Option<String>,
    /// Whether the metadata announces `iss` in authorization responses.
    pub sends_issuer: bool,
    /// The path whose requests are never answered.
    pub hanging: Option<&'static str>,
    /// The number of requests by path.
    pub requests: HashMap<String, usize>,
    /// The last request body of the token endpoint.
    pub exchanged: String,
    pub authorization: String,
}

pub struct ForgingProvider {
    pub issuer: String,
    script: Arc<Mutex<Script>>,
    server: JoinHandle<()>,
}

impl Drop for ForgingProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub const ACCESS_TOKEN: &str = "access-token-of-the-tests";

impl ForgingProvider {
    pub async fn start() -> ForgingProvider {
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port");
        let address = acceptor.local_addr().remove(0);
        let issuer = format!("http://{}", address.as_socket_addr().expect("an address"));
        let script = Arc::new(Mutex::new(Script {
            keys: vec![Key::new("first")],
            id_token: String::new(),
            refusal: None,
            userinfo: json!({}),
            issuer: None,
            sends_issuer: false,
            hanging: None,
            requests: HashMap::new(),
            exchanged: String::new(),
            authorization: String::new(),
        }));
        let routes = Route::new()
            .at("/.well-known/openid-configuration", get(answering(&script, &issuer, discovery)))
            .at("/jwks", get(answering(&script, &issuer, keys)))
            .at("/token", post(answering(&script, &issuer, token)))
            .at("/userinfo", get(answering(&script, &issuer, userinfo)));
        let server = tokio::spawn(async move { Server::new_with_acceptor(acceptor).run(routes).await.expect("serves") });
        ForgingProvider { issuer, script, server }
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("not poisoned")
    }

    /// The claims of a valid token.
    pub fn claims(&self, nonce: &str, now: DateTime<Utc>) -> Value {
        let now = now.timestamp();
        json!({"iss": self.issuer, "sub": "subject-1", "aud": "belfry", "iat": now, "exp": now + 300, "nonce": nonce,
            "preferred_username": "alice", "groups": ["belfry-editors"]})
    }

    /// A complete sign-in with a signed token whose claims are changed by `change`.
    pub async fn sign_in(&self, services: &Services, change: impl FnOnce(&mut Value)) -> Result<OidcLogin, SignInError> {
        let login = StartedLogin::begin(services).await;
        let mut claims = self.claims(&login.nonce, services.clock.now());
        change(&mut claims);
        let token = self.script().keys[0].sign(&claims);
        self.script().id_token = token;
        services.single_sign_on.finish(&login.returned, Some("10.0.0.7")).await
    }
}

/// A sign-in that was redirected to the provider.
pub struct StartedLogin {
    pub nonce: String,
    pub url: reqwest::Url,
    /// The parameters of the callback.
    pub returned: OidcCallback,
}

impl StartedLogin {
    pub async fn begin(services: &Services) -> StartedLogin {
        let departure = services.single_sign_on.start("/tasks").await.expect("starts the sign-in");
        let url: reqwest::Url = departure.url.parse().expect("a URL");
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let returned = OidcCallback {
            code: "the-code".into(),
            state: query["state"].clone(),
            browser: departure.browser,
            ..OidcCallback::default()
        };
        StartedLogin { nonce: query["nonce"].clone(), url, returned }
    }
}

type Reply = fn(&mut Script, &str) -> (u16, Value);

fn answering(script: &Arc<Mutex<Script>>, issuer: &str, reply: Reply) -> impl Endpoint<Output = Response> + 'static {
    let (script, issuer) = (script.clone(), issuer.to_owned());
    poem::endpoint::make(move |mut request: Request| {
        let (script, issuer) = (script.clone(), issuer.clone());
        async move {
            let body = request.take_body().into_string().await.unwrap_or_default();
            let hangs = {
                let mut script = script.lock().expect("not poisoned");
                *script.requests.entry(request.uri().path().to_owned()).or_default() += 1;
                script.hanging == Some(request.uri().path())
            };
            if hangs {
                std::future::pending::<()>().await;
            }
            let mut script = script.lock().expect("not poisoned");
            if request.uri().path() == "/token" {
                (script.exchanged, script.authorization) = (body, request.header("authorization").unwrap_or_default().to_owned());
            }
            let (status, json) = reply(&mut script, &issuer);
            let status = poem::http::StatusCode::from_u16(status).expect("a status");
            Ok::<_, poem::Error>(Response::builder().status(status).content_type("application/json").body(json.to_string()))
        }
    })
}

fn discovery(script: &mut Script, issuer: &str) -> (u16, Value) {
    let at = |path: &str| format!("{issuer}{path}");
    let document = json!({"issuer": script.issuer.as_deref().unwrap_or(issuer), "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"), "userinfo_endpoint": at("/userinfo"), "jwks_uri": at("/jwks"),
        "authorization_response_iss_parameter_supported": script.sends_issuer});
    (200, document)
}

fn keys(script: &mut Script, _: &str) -> (u16, Value) {
    let mut keys: Vec<Value> = script.keys.iter().map(Key::jwk).collect();
    // An unsupported key must not make the others unusable.
    keys.push(json!({"kty": "strange", "kid": "x"}));
    (200, json!({"keys": keys}))
}

fn token(script: &mut Script, _: &str) -> (u16, Value) {
    match script.refusal {
        Some(error) => (400, json!({"error": error, "error_description": "secret details"})),
        None => (200, json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": script.id_token})),
    }
}

fn userinfo(script: &mut Script, _: &str) -> (u16, Value) {
    (200, script.userinfo.clone())
}
