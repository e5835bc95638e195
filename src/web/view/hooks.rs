//! View of a task's hooks, including the address of a new one.

use serde::Serialize;

use super::context::ViewContext;
use super::task_form::Fields;
use super::tasks::task_href;
use super::{Choice, Moment, View};
use crate::domain::hook::{Hook, Signing};
use crate::web::urls::encode;

#[derive(Debug, Clone, Serialize)]
pub struct HookList {
    pub task_id: String,
    pub task_href: String,
    pub rows: Vec<HookRow>,
    /// The hook whose address is shown, only once.
    pub shown: Option<ShownHook>,
    pub message: String,
    pub form: Fields,
    pub signings: Vec<Choice>,
    /// Whether the reader may change the task.
    pub editable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookRow {
    pub name: String,
    pub signing: &'static str,
    pub created: Moment,
    pub created_by: String,
    pub used: Option<Moment>,
    pub rotate: String,
    pub revoke: String,
}

/// A hook with its address.
#[derive(Clone, Serialize)]
pub struct ShownHook {
    pub name: String,
    pub url: String,
    /// The key of the signatures, if the server made one; else empty.
    pub key: String,
    /// A command that calls it; empty if a library is needed.
    pub curl: String,
    pub back: String,
}

impl std::fmt::Debug for ShownHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShownHook").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The URL of a task's hooks.
pub fn hooks_href(task_id: &str) -> String {
    format!("{}/hooks", task_href(task_id))
}

impl HookRow {
    pub fn new(ctx: &ViewContext, hook: &Hook) -> HookRow {
        let href = format!("{}/{}", hooks_href(&hook.task_id), encode(&hook.id));
        HookRow {
            name: hook.name.clone(),
            signing: hook.signing.as_str(),
            created: Moment::new(hook.created_at, ctx.zone),
            created_by: hook.created_by.clone(),
            used: hook.used_at.map(|at| Moment::new(at, ctx.zone)),
            rotate: format!("{href}/rotate"),
            revoke: format!("{href}/revoke"),
        }
    }
}

impl HookRow {
    /// A row for the rendering of all templates in tests.
    pub fn sample() -> HookRow {
        HookRow {
            name: "<b>".into(),
            signing: "github",
            created: Moment::sample(),
            created_by: "alice".into(),
            used: Some(Moment::sample()),
            rotate: "/tasks/a/hooks/1/rotate".into(),
            revoke: "/tasks/a/hooks/1/revoke".into(),
        }
    }
}

impl ShownHook {
    pub fn new(hook: &Hook, url: String, key: Option<String>) -> ShownHook {
        let curl = match hook.signing {
            Signing::None => format!("curl -X POST -H 'Content-Type: application/json' -d '{{}}' '{url}'"),
            Signing::Github => format!(
                "body='{{}}'\nsign=$(printf %s \"$body\" | openssl dgst -sha256 -hmac \"$KEY\" | sed 's/^.* //')\n\
                curl -X POST -H 'Content-Type: application/json' -H \"X-Hub-Signature-256: sha256=$sign\" -d \"$body\" '{url}'"
            ),
            Signing::StandardWebhooks => String::new(),
        };
        ShownHook { name: hook.name.clone(), url, key: key.unwrap_or_default(), curl, back: hooks_href(&hook.task_id) }
    }
}

impl HookList {
    pub fn new(ctx: &ViewContext, task_id: &str, hooks: &[Hook], editable: bool) -> HookList {
        HookList {
            task_id: task_id.to_owned(),
            task_href: task_href(task_id),
            rows: hooks.iter().map(|hook| HookRow::new(ctx, hook)).collect(),
            shown: None,
            message: String::new(),
            form: Fields::default(),
            signings: Signing::ALL.map(|one| Choice::new(one.as_str(), ctx.t(&format!("hooks.signing.{}", one.as_str())))).into(),
            editable,
        }
    }
}

impl View for HookList {
    const TEMPLATE: &'static str = "pages/hooks.html";

    fn samples() -> Vec<Self> {
        let row = HookRow::sample();
        let unused = HookRow { used: None, signing: "none", ..row.clone() };
        let shown = |key: &str, curl: &str| ShownHook {
            name: "<b>".into(),
            url: "http://h/hook/x".into(),
            key: key.into(),
            curl: curl.into(),
            back: "/tasks/a/hooks".into(),
        };
        let list = |rows, shown, message: &str, editable| HookList {
            task_id: "a".into(),
            task_href: "/tasks/a".into(),
            rows,
            shown,
            message: message.into(),
            form: Fields::default(),
            signings: vec![Choice::new("none", "…")],
            editable,
        };
        vec![
            list(vec![row, unused], Some(shown("k", "curl")), "…", true),
            list(Vec::new(), Some(shown("", "")), "", true),
            list(Vec::new(), None, "", false),
        ]
    }
}
