//! Response models of incidents.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::execution::ExecutionView;
use super::named::Timestamp;
use super::{PageInfo, split_page, timestamp};
use crate::domain::notify::incident::{Delivery, Incident};
use crate::domain::page::Page;
use crate::i18n::Language;
use crate::service::{IncidentDetail, Mute};

view! {
    /// An incident: one for each task, event and cause while it lasts.
    #[oai(rename = "Incident", read_only_all)]
    pub struct IncidentView new(incident: Incident, language: Language) where
        at = |at| timestamp(at, Tz::UTC);
        error = incident.error_text(language);
    {
        /// A ULID; ids sort by the time of opening.
        id: String = incident.id,
        /// What it is about: `task:daily-report`, `heartbeat:…`, `channel:…`, `calendar:…` or `server:…`.
        subject: String = incident.subject,
        /// The task; null if it is about none.
        task_id: Option<String> = incident.task_id,
        /// The event that opened it, such as `failed`.
        event: String = incident.event.as_str().to_owned(),
        /// The first error without numbers and ids: failures of this cause, datasource and host make one incident.
        cause: String = incident.cause,
        /// The latest error.
        error: String = error,
        opened_at: Timestamp = at(incident.opened_at),
        /// When it happened last.
        last_at: Timestamp = at(incident.last_at),
        /// Null while it is open.
        closed_at: Option<Timestamp> = incident.closed_at.map(at),
        /// Who closed it by hand; null if the task recovered.
        closed_by: Option<String> = incident.closed_by,
        /// How often it happened.
        count: i64 = incident.count,
        /// The run that opened it.
        first_execution_id: Option<String> = incident.first_execution,
        last_execution_id: Option<String> = incident.last_execution,
        acknowledged_at: Option<Timestamp> = incident.acknowledged_at.map(at),
        /// Who acknowledged it: no reminders follow.
        acknowledged_by: Option<String> = incident.acknowledged_by,
        /// The rules that tell of it.
        rules: Vec<String> = incident.told.0.into_keys().collect(),
    }
}

view! {
    /// One page of incidents, newest first.
    #[oai(read_only_all)]
    pub struct IncidentList new(page: Page<Incident>, language: Language) where
        (items, page) = split_page(page, |incident| IncidentView::new(incident, language));
    {
        items: Vec<IncidentView> = items,
        #[oai(flatten)]
        page: PageInfo = page,
    }
}

view! {
    /// An incident with its runs and messages.
    #[oai(rename = "IncidentDetail", read_only_all)]
    pub struct IncidentDetailView new(detail: IncidentDetail, language: Language) {
        #[oai(flatten)]
        incident: IncidentView = IncidentView::new(detail.incident, language),
        /// Until when its task is muted; null if it is not.
        muted_until: Option<Timestamp> = detail.mute.map(|mute| timestamp(mute.until, Tz::UTC)),
        /// The tasks with an open incident of the same cause.
        tasks: Vec<String> = detail.same_cause,
        /// The first and the last run, as far as they are kept.
        runs: Vec<ExecutionView> = detail.runs.into_iter().map(|run| ExecutionView::new(run, Tz::UTC)).collect(),
        /// Its messages, newest first, at most a hundred.
        deliveries: Vec<IncidentDeliveryView> =
            detail.deliveries.into_iter().map(|delivery| IncidentDeliveryView::new(delivery, language)).collect(),
    }
}

view! {
    /// A message about an incident.
    #[oai(rename = "IncidentDelivery", read_only_all)]
    pub struct IncidentDeliveryView new(delivery: Delivery, language: Language) where
        at = |at| timestamp(at, Tz::UTC);
    {
        message_id: String = delivery.message_id,
        /// The rule that asked for it.
        rule: String = delivery.rule,
        channel: String = delivery.channel,
        title: String = delivery.title,
        /// `queued`, `sent`, `grouped` (sent as a part of another message) or `failed`.
        state: String = delivery.state,
        created_at: Timestamp = at(delivery.created_at),
        /// The earliest time of sending: later than `created_at` in quiet hours.
        not_before: Timestamp = at(delivery.not_before),
        sent_at: Option<Timestamp> = delivery.sent_at.map(at),
        /// The number of tries.
        attempts: i64 = delivery.attempts,
        /// The provider's own code in its last answer.
        provider_code: Option<String> = delivery.provider_code,
        /// The provider's own text in its last answer.
        provider_message: Option<String> = delivery.provider_text.map(|text| text.text(language)),
    }
}

/// The mute of a task.
#[derive(Default, Object)]
#[oai(rename = "TaskMute", read_only_all)]
pub struct MuteView {
    /// Until when nothing is told of the task; null: it is not muted.
    until: Option<Timestamp>,
    muted_by: Option<String>,
    muted_at: Option<Timestamp>,
}

impl MuteView {
    pub fn new(mute: Option<Mute>, zone: Tz) -> Self {
        match mute {
            None => Self::default(),
            Some(mute) => Self {
                until: Some(timestamp(mute.until, zone)),
                muted_by: Some(mute.muted_by),
                muted_at: Some(timestamp(mute.muted_at, zone)),
            },
        }
    }
}
