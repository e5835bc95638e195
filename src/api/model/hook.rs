//! Models of hooks.

use chrono_tz::Tz;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::hook::Hook;
use crate::service::CreatedHook;

view! {
    /// An address that starts a task, without its secret.
    #[oai(rename = "Hook", read_only_all)]
    pub struct HookView from (hook: Hook) {
        id: String = hook.id,
        name: String = hook.name,
        /// How its calls are signed: `none`, `standard_webhooks` or `github`.
        hmac: String = hook.signing.as_str().to_owned(),
        created_at: Timestamp = timestamp(hook.created_at, Tz::UTC),
        /// The account that created it.
        created_by: String = hook.created_by,
        /// The last call that started a run; null if there was none.
        used_at: Option<Timestamp> = hook.used_at.map(|at| timestamp(at, Tz::UTC)),
    }
}

view! {
    /// A hook with its address, which is shown only once.
    #[oai(rename = "CreatedHook", read_only_all)]
    pub struct CreatedHookView new(created: CreatedHook, url: String) {
        #[oai(flatten)]
        hook: HookView = created.hook.into(),
        /// The address to send POST requests to. It is never shown again.
        url: String = url,
        /// The key of the signatures, if the server made one. It is never shown again.
        secret: Option<String> = created.key,
    }
}
