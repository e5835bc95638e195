//! Views of notification channels, without their credentials.

use serde::Serialize;

use super::channel_form::{self, ChannelForm};
use super::context::ViewContext;
use super::{Moment, Pager, View};
use crate::domain::notify::channel_health::ChannelHealth;
use crate::domain::notify::message::Message;
use crate::i18n;
use crate::service::{ChannelInfo, ChannelTestOutcome};
use crate::web::urls::with_query;

#[derive(Debug, Clone, Serialize)]
pub struct ChannelList {
    pub rows: Vec<ChannelRow>,
    pub message: String,
    pub channel: ChannelForm,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelRow {
    pub name: String,
    /// The code of its type.
    pub kind: &'static str,
    /// Scheme and host of its own URL; empty if it uses the provider's.
    pub url: String,
    pub health: HealthView,
    pub href: String,
}

/// The health of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthView {
    /// `failing`, `troubled` (the last request failed), `well` or `unused`.
    pub state: &'static str,
    pub failures: i64,
    pub last_success: Option<Moment>,
    /// The provider's last answer.
    pub answer: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ChannelPage {
    pub row: ChannelRow,
    /// Whether the settings define it, so that it cannot be changed here.
    pub from_file: bool,
    pub test_result: Option<TestView>,
    pub deliveries: Vec<DeliveryRow>,
    pub pager: Pager,
    pub message: String,
    pub channel: ChannelForm,
    pub delete: String,
    pub test: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestView {
    pub delivered: bool,
    /// The provider's answer.
    pub answer: String,
    /// Why the text was the built-in one although there are templates; empty: it was not.
    pub template_error: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryRow {
    pub created: Moment,
    pub state: &'static str,
    pub title: String,
    pub attempts: i64,
    pub next_try: Option<Moment>,
    pub answer: String,
    /// As in [`TestView`].
    pub template_error: String,
}

/// The URL of a channel's page, or of an action on it.
pub fn href(action: &str, name: &str) -> String {
    with_query(&format!("/settings/channels/{action}"), &[("name", name)])
}

impl ChannelRow {
    pub fn new(ctx: &ViewContext, info: &ChannelInfo) -> ChannelRow {
        ChannelRow {
            name: info.channel.name.clone(),
            kind: info.channel.channel_type.as_str(),
            url: info.channel.shown_url().unwrap_or_default(),
            health: HealthView::new(ctx, &info.health),
            href: href("edit", &info.channel.name),
        }
    }
}

impl HealthView {
    pub fn new(ctx: &ViewContext, health: &ChannelHealth) -> HealthView {
        let state = match health.failures {
            _ if health.is_failing() => "failing",
            0 if health.last_success_at.is_none() => "unused",
            0 => "well",
            _ => "troubled",
        };
        let failed = health.failures > 0;
        HealthView {
            state,
            failures: health.failures,
            last_success: health.last_success_at.map(|at| Moment::new(at, ctx.zone)),
            answer: if failed {
                provider_answer(ctx, health.provider_status, health.provider_code.as_deref(), health.provider_text.as_ref())
            } else {
                String::new()
            },
        }
    }
}

impl TestView {
    pub fn new(ctx: &ViewContext, outcome: &ChannelTestOutcome) -> TestView {
        TestView {
            delivered: outcome.delivered,
            answer: provider_answer(ctx, outcome.status.map(i64::from), outcome.code.as_deref(), outcome.text.as_ref()),
            template_error: text(ctx, outcome.template_error.as_ref()),
        }
    }
}

impl DeliveryRow {
    pub fn new(ctx: &ViewContext, message: &Message) -> DeliveryRow {
        DeliveryRow {
            created: Moment::new(message.created_at, ctx.zone),
            state: message.state.as_str(),
            title: message.notice.title.clone(),
            attempts: message.attempts,
            next_try: message.next_try_at.map(|at| Moment::new(at, ctx.zone)),
            answer: provider_answer(
                ctx,
                message.provider_status,
                message.provider_code.as_deref(),
                message.provider_text.as_ref(),
            ),
            template_error: text(ctx, message.template_error.as_ref()),
        }
    }
}

/// The provider's status, code and text, as far as they are known; Slack's code is its text.
pub fn provider_answer(ctx: &ViewContext, status: Option<i64>, code: Option<&str>, said: Option<&i18n::Message>) -> String {
    let status = status.map(|status| format!("HTTP {status}"));
    let said = Some(text(ctx, said)).filter(|said| !said.is_empty() && Some(said.as_str()) != code);
    [status.as_deref(), code, said.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The words of a message in the reader's language; empty without one.
fn text(ctx: &ViewContext, message: Option<&i18n::Message>) -> String {
    message.map(|message| message.text(ctx.language)).unwrap_or_default()
}

fn sample_row(state: &'static str) -> ChannelRow {
    let moment = Moment::new(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC);
    ChannelRow {
        name: "<b>".into(),
        kind: "dingtalk",
        url: if state == "unused" { String::new() } else { "https://<b>".into() },
        health: HealthView {
            state,
            failures: i64::from(state == "failing") * 3,
            last_success: (state != "unused").then_some(moment),
            answer: if state == "well" { String::new() } else { "<b>".into() },
        },
        href: href("edit", "x"),
    }
}

impl View for ChannelList {
    const TEMPLATE: &'static str = "pages/channels.html";

    fn samples() -> Vec<Self> {
        let rows: Vec<ChannelRow> = ["failing", "troubled", "well", "unused"].map(sample_row).into();
        let list =
            |rows, message: &str, chosen| ChannelList { rows, message: message.into(), channel: channel_form::sample(chosen) };
        vec![list(rows, "…", "slack"), list(Vec::new(), "", "")]
    }
}

impl View for ChannelPage {
    const TEMPLATE: &'static str = "pages/channel.html";

    fn samples() -> Vec<Self> {
        let moment = || Moment::new(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC);
        let delivery = |state| DeliveryRow {
            created: moment(),
            state,
            title: "<b>".into(),
            attempts: 2,
            next_try: (state == "queued").then(moment),
            answer: if state == "queued" { String::new() } else { "<b>".into() },
            template_error: if state == "sent" { "<b>".into() } else { String::new() },
        };
        let page = |from_file, delivered: Option<bool>, deliveries| ChannelPage {
            row: sample_row("failing"),
            from_file,
            test_result: delivered.map(|delivered| TestView { delivered, answer: "<b>".into(), template_error: "<b>".into() }),
            deliveries,
            pager: Pager::default(),
            message: if from_file { String::new() } else { "…".into() },
            channel: channel_form::sample("slack"),
            delete: href("delete", "x"),
            test: href("test", "x"),
        };
        let all = ["queued", "sent", "grouped", "failed"].map(delivery);
        vec![page(false, Some(true), all.clone().into()), page(true, Some(false), Vec::new()), page(false, None, all.into())]
    }
}
