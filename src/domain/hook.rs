//! Hooks: addresses that start a task when something calls them, and the signatures of such calls.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use super::fault::Fault;
use super::input::Fields;
use super::text_enum::text_enum;
use crate::i18n::{Message, message};

/// The most hooks of a task.
pub const MAX_HOOKS: usize = 20;
/// The largest body of a call, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// How far the time of a signed call may be from the server's, in seconds.
const TOLERANCE: i64 = 300;
const MAX_NAME: usize = 100;
/// The length of a signing key, in bytes.
const KEY_MIN: usize = 16;
const KEY_MAX: usize = 256;
/// The beginning of a key of Standard Webhooks, whose rest is base64.
pub const STANDARD_KEY_PREFIX: &str = "whsec_";
/// The headers that templates may read.
const KEPT_HEADERS: [&str; 12] = [
    "content-type",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "x-github-event",
    "x-github-delivery",
    "x-gitlab-event",
    "x-gitea-event",
    "x-event-key",
    "x-event-type",
    "ce-type",
    "ce-id",
];
/// The longest header kept, in bytes.
const MAX_HEADER: usize = 1_000;
/// The headers that identify a call; a repeated one starts nothing new.
const ID_HEADERS: [&str; 3] = ["idempotency-key", "webhook-id", "x-github-delivery"];
const MAX_CALL_ID: usize = 200;

text_enum! {
    /// How the calls of a hook are signed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Signing {
        None = "none",
        /// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp` and `webhook-signature`.
        StandardWebhooks = "standard_webhooks",
        /// `X-Hub-Signature-256`, as GitHub and Gitea send it.
        Github = "github",
    }
}

/// A hook, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// A ULID.
    pub id: String,
    pub task_id: String,
    /// Tells the task from one of the same id that is created later.
    pub task_key: String,
    pub name: String,
    pub signing: Signing,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub used_at: Option<DateTime<Utc>>,
}

/// A new hook. `Debug` does not print the key.
#[derive(Clone, PartialEq, Eq)]
pub struct NewHook {
    pub name: String,
    pub signing: Signing,
    /// The key of the signatures; `None`: the server makes one if the calls are signed.
    pub key: Option<String>,
}

impl std::fmt::Debug for NewHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewHook").field("name", &self.name).field("signing", &self.signing).finish_non_exhaustive()
    }
}

impl NewHook {
    /// Reads `{"name"?, "hmac"?, "secret"?}`.
    ///
    /// # Errors
    /// Every fault.
    pub fn parse(value: &Value) -> Result<NewHook, Vec<Fault>> {
        let mut f = Fields::new(value, "");
        let name = f.text("name", MAX_NAME, "hook");
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            f.fault("name", message!("value.name_length", min = 1, max = MAX_NAME));
        }
        let signing = f.choice("hmac", &Signing::WORDS, Signing::None);
        let key = match f.take("secret") {
            None => None,
            Some(Value::String(key)) => Some(key),
            // The value is not shown: it may be the secret.
            Some(_) => {
                f.fault("secret", message!("value.not_a_text"));
                None
            }
        };
        if let Some(fault) = key.as_deref().and_then(|key| key_fault(signing, key)) {
            f.fault("secret", fault);
        }
        f.finish(NewHook { name: name.trim().to_owned(), signing, key })
    }
}

fn key_fault(signing: Signing, key: &str) -> Option<Message> {
    match signing {
        Signing::None => Some(message!("hook.key_without_signing")),
        Signing::StandardWebhooks => standard_key(key).is_none().then(|| message!("hook.standard_key", min = KEY_MIN)),
        Signing::Github if (KEY_MIN..=KEY_MAX).contains(&key.len()) && !key.chars().any(char::is_control) => None,
        Signing::Github => Some(message!("value.byte_count", min = KEY_MIN, max = KEY_MAX, count = key.len())),
    }
}

/// The bytes of a key of Standard Webhooks.
fn standard_key(key: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(key.strip_prefix(STANDARD_KEY_PREFIX).unwrap_or(key)).ok()?;
    (KEY_MIN..=KEY_MAX).contains(&bytes.len()).then_some(bytes)
}

/// The headers of a call by their names in small letters. Those that occur more than once are joined by commas.
pub type Headers = std::collections::BTreeMap<String, String>;

/// Checks the signature of a call.
///
/// # Errors
/// Which part is missing or wrong.
pub fn check_signature(signing: Signing, key: &str, headers: &Headers, body: &[u8], now: DateTime<Utc>) -> Result<(), Message> {
    match signing {
        Signing::None => Ok(()),
        Signing::StandardWebhooks => check_standard(key, headers, body, now),
        Signing::Github => check_github(key, headers, body),
    }
}

fn check_standard(key: &str, headers: &Headers, body: &[u8], now: DateTime<Utc>) -> Result<(), Message> {
    let header = |name: &'static str| headers.get(name).ok_or_else(|| message!("hook.no_header", name));
    let (id, timestamp, signatures) = (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
    let seconds: i64 = timestamp.parse().map_err(|_| message!("hook.timestamp"))?;
    if now.timestamp().abs_diff(seconds) > TOLERANCE.unsigned_abs() {
        return Err(message!("hook.stale", minutes = TOLERANCE / 60));
    }
    let content = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let mac = mac(&standard_key(key).unwrap_or_default(), &content);
    let given = signatures.split_ascii_whitespace().filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    verify(mac, given)
}

fn check_github(key: &str, headers: &Headers, body: &[u8]) -> Result<(), Message> {
    const NAME: &str = "x-hub-signature-256";
    let given = headers.get(NAME).ok_or_else(|| message!("hook.no_header", name = NAME))?;
    let given = given.strip_prefix("sha256=").and_then(|hex| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok());
    verify(mac(key.as_bytes(), body), given.into_iter())
}

fn mac(key: &[u8], content: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(content);
    Some(mac)
}

/// Whether one of the given signatures is right; compared in constant time.
fn verify(mac: Option<Hmac<Sha256>>, mut given: impl Iterator<Item = Vec<u8>>) -> Result<(), Message> {
    let right = mac.is_some_and(|mac| given.any(|signature| mac.clone().verify_slice(&signature).is_ok()));
    if right { Ok(()) } else { Err(message!("hook.signature")) }
}

/// The headers of a call that are kept with the run.
pub fn kept_headers(headers: &Headers) -> Map<String, Value> {
    let kept = KEPT_HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), headers.get(*name)?)));
    kept.filter(|(_, value)| value.len() <= MAX_HEADER).map(|(name, value)| (name, value.clone().into())).collect()
}

/// What identifies a call of a hook, so that a repeated one starts nothing new. A call without such a header is a new one.
///
/// # Errors
/// The header is too long or has characters that are not visible ASCII.
pub fn call_id(headers: &Headers) -> Result<Option<String>, Message> {
    let Some((name, id)) = ID_HEADERS.iter().find_map(|name| Some((*name, headers.get(*name)?))) else { return Ok(None) };
    if (1..=MAX_CALL_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Some(id.clone()));
    }
    Err(message!("request.idempotency_key", max = MAX_CALL_ID).of(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn standard_webhooks_signature_of_the_reference_libraries_is_accepted() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        let signed = |signature: &str| {
            headers(&[
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", "1614265330"),
                ("webhook-signature", signature),
            ])
        };
        let check = |signature: &str, body: &[u8], now: i64| {
            check_signature(Signing::StandardWebhooks, key, &signed(signature), body, at(now)).is_ok()
        };
        let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert!(check(right, body, 1_614_265_330));
        assert!(check(&format!("v1,AAAA v1a,xx {right}"), body, 1_614_265_330), "one of several");
        assert!(check(right, body, 1_614_265_330 + 300) && check(right, body, 1_614_265_330 - 300));
        assert!(!check(right, body, 1_614_265_330 + 301) && !check(right, body, 1_614_265_330 - 301), "replayed later");
        assert!(!check(right, b"{}", 1_614_265_330));
        for wrong in ["", "v1,", "v1,!", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="] {
            assert!(!check(wrong, body, 1_614_265_330), "{wrong}");
        }
        let without = headers(&[("webhook-id", "a"), ("webhook-signature", right)]);
        assert!(check_signature(Signing::StandardWebhooks, key, &without, body, at(0)).is_err());
    }

    /// The example of GitHub's documentation.
    #[test]
    fn github_signature_of_the_documentation_is_accepted() {
        let key = "It's a Secret to Everybody";
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let check = |signature: &str, body: &[u8]| {
            check_signature(Signing::Github, key, &headers(&[("x-hub-signature-256", signature)]), body, at(0)).is_ok()
        };
        assert!(check(right, b"Hello, World!"));
        assert!(!check(right, b"Hello, World") && !check("sha256=", b"Hello, World!") && !check(&right[..40], b"Hello, World!"));
        assert!(check_signature(Signing::Github, key, &headers(&[]), b"", at(0)).is_err());
    }

    #[test]
    fn new_hooks_are_checked() {
        let read =
            |value: Value| NewHook::parse(&value).map_err(|faults| faults.into_iter().map(|f| f.pointer).collect::<Vec<_>>());
        assert_eq!(read(json!({})).unwrap().name, "hook");
        assert!(read(json!({"hmac": "github"})).unwrap().key.is_none(), "the server makes the key");
        assert_eq!(
            read(json!({"name": " ", "hmac": "md5", "more": 1})),
            Err(vec!["/name".into(), "/hmac".into(), "/more".into()])
        );
        for (signing, key) in [("none", "0123456789abcdef"), ("github", "short"), ("standard_webhooks", "whsec_!")] {
            assert_eq!(read(json!({"hmac": signing, "secret": key})), Err(vec!["/secret".into()]), "{signing}");
        }
        let shown = format!("{:?}", read(json!({"hmac": "github", "secret": "0123456789abcdef"})).unwrap());
        assert!(!shown.contains("0123456789abcdef"), "{shown}");
    }

    #[test]
    fn calls_are_identified_by_the_first_known_header() {
        assert_eq!(call_id(&headers(&[])), Ok(None));
        let both = headers(&[("x-github-delivery", "d"), ("idempotency-key", "k")]);
        assert_eq!(call_id(&both), Ok(Some("k".into())));
        assert!(call_id(&headers(&[("webhook-id", "a b")])).is_err());
        assert!(call_id(&headers(&[("webhook-id", &"x".repeat(201))])).is_err());
    }

    #[test]
    fn only_known_headers_of_moderate_length_are_kept() {
        let long = "x".repeat(1_001);
        let all = headers(&[("x-github-event", "push"), ("authorization", "Bearer x"), ("cookie", "a=b"), ("user-agent", &long)]);
        assert_eq!(Value::Object(kept_headers(&all)), json!({"x-github-event": "push"}));
    }
}
