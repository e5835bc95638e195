//! Models of hooks.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::hook::Hook;
use crate::service::CreatedHook;

/// An address that starts a task, without its secret.
#[derive(Default, Object)]
#[oai(rename = "Hook", read_only_all)]
pub struct HookView {
    id: String,
    name: String,
    /// How its calls are signed: `none`, `standard_webhooks` or `github`.
    hmac: String,
    created_at: Timestamp,
    /// The account that created it.
    created_by: String,
    /// The last call that started a run; null if there was none.
    used_at: Option<Timestamp>,
}

/// A hook with its address, which is shown only once.
#[derive(Default, Object)]
#[oai(rename = "CreatedHook", read_only_all)]
pub struct CreatedHookView {
    #[oai(flatten)]
    hook: HookView,
    /// The address to send POST requests to. It is never shown again.
    url: String,
    /// The key of the signatures, if the server made one. It is never shown again.
    secret: Option<String>,
}

impl From<Hook> for HookView {
    fn from(hook: Hook) -> Self {
        Self {
            id: hook.id,
            name: hook.name,
            hmac: hook.signing.as_str().to_owned(),
            created_at: timestamp(hook.created_at, Tz::UTC),
            created_by: hook.created_by,
            used_at: hook.used_at.map(|at| timestamp(at, Tz::UTC)),
        }
    }
}

impl CreatedHookView {
    pub fn new(created: CreatedHook, url: String) -> Self {
        Self { hook: created.hook.into(), url, secret: created.key }
    }
}
