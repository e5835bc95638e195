//! Response models of incidents.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::execution::ExecutionView;
use super::named::Timestamp;
use super::{PageInfo, split_page, timestamp};
use crate::domain::notify::incident::{Delivery, Incident};
use crate::domain::page::Page;
use crate::service::{IncidentDetail, Mute};

/// An incident: one for each task, event and cause while it lasts.
#[derive(Default, Object)]
#[oai(rename = "Incident", read_only_all)]
pub struct IncidentView {
    /// A ULID; ids sort by the time of opening.
    id: String,
    /// What it is about: `task:daily-report`, `heartbeat:…`, `channel:…`, `calendar:…` or `server:…`.
    subject: String,
    /// The task; null if it is about none.
    task_id: Option<String>,
    /// The event that opened it, such as `failed`.
    event: String,
    /// The first error without numbers and ids: failures of this cause, datasource and host make one incident.
    cause: String,
    /// The latest error.
    error: String,
    opened_at: Timestamp,
    /// When it happened last.
    last_at: Timestamp,
    /// Null while it is open.
    closed_at: Option<Timestamp>,
    /// Who closed it by hand; null if the task recovered.
    closed_by: Option<String>,
    /// How often it happened.
    count: i64,
    /// The run that opened it.
    first_execution_id: Option<String>,
    last_execution_id: Option<String>,
    acknowledged_at: Option<Timestamp>,
    /// Who acknowledged it: no reminders follow.
    acknowledged_by: Option<String>,
    /// The rules that tell of it.
    rules: Vec<String>,
}

/// One page of incidents, newest first.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct IncidentList {
    items: Vec<IncidentView>,
    #[oai(flatten)]
    page: PageInfo,
}

/// An incident with its runs and messages.
#[derive(Default, Object)]
#[oai(rename = "IncidentDetail", read_only_all)]
pub struct IncidentDetailView {
    #[oai(flatten)]
    incident: IncidentView,
    /// Until when its task is muted; null if it is not.
    muted_until: Option<Timestamp>,
    /// The tasks with an open incident of the same cause.
    tasks: Vec<String>,
    /// The first and the last run, as far as they are kept.
    runs: Vec<ExecutionView>,
    /// Its messages, newest first, at most a hundred.
    deliveries: Vec<IncidentDeliveryView>,
}

/// A message about an incident.
#[derive(Default, Object)]
#[oai(rename = "IncidentDelivery", read_only_all)]
pub struct IncidentDeliveryView {
    message_id: String,
    /// The rule that asked for it.
    rule: String,
    channel: String,
    title: String,
    /// `queued`, `sent`, `grouped` (sent as a part of another message) or `failed`.
    state: String,
    created_at: Timestamp,
    /// The earliest time of sending: later than `created_at` in quiet hours.
    not_before: Timestamp,
    sent_at: Option<Timestamp>,
    /// The number of tries.
    attempts: i64,
    /// The provider's own code in its last answer.
    provider_code: Option<String>,
    /// The provider's own text in its last answer.
    provider_message: Option<String>,
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

impl From<Incident> for IncidentView {
    fn from(incident: Incident) -> Self {
        let at = |at| timestamp(at, Tz::UTC);
        Self {
            id: incident.id,
            subject: incident.subject,
            task_id: incident.task_id,
            event: incident.event.as_str().to_owned(),
            cause: incident.cause,
            error: incident.error,
            opened_at: at(incident.opened_at),
            last_at: at(incident.last_at),
            closed_at: incident.closed_at.map(at),
            closed_by: incident.closed_by,
            count: incident.count,
            first_execution_id: incident.first_execution,
            last_execution_id: incident.last_execution,
            acknowledged_at: incident.acknowledged_at.map(at),
            acknowledged_by: incident.acknowledged_by,
            rules: incident.told.0.into_keys().collect(),
        }
    }
}

impl From<Page<Incident>> for IncidentList {
    fn from(page: Page<Incident>) -> Self {
        let (items, page) = split_page(page, IncidentView::from);
        Self { items, page }
    }
}

impl From<IncidentDetail> for IncidentDetailView {
    fn from(detail: IncidentDetail) -> Self {
        Self {
            incident: IncidentView::from(detail.incident),
            muted_until: detail.mute.map(|mute| timestamp(mute.until, Tz::UTC)),
            tasks: detail.same_cause,
            runs: detail.runs.into_iter().map(|run| ExecutionView::new(run, Tz::UTC)).collect(),
            deliveries: detail.deliveries.into_iter().map(IncidentDeliveryView::from).collect(),
        }
    }
}

impl From<Delivery> for IncidentDeliveryView {
    fn from(delivery: Delivery) -> Self {
        let at = |at| timestamp(at, Tz::UTC);
        Self {
            message_id: delivery.message_id,
            rule: delivery.rule,
            channel: delivery.channel,
            title: delivery.title,
            state: delivery.state,
            created_at: at(delivery.created_at),
            not_before: at(delivery.not_before),
            sent_at: delivery.sent_at.map(at),
            attempts: delivery.attempts,
            provider_code: delivery.provider_code,
            provider_message: delivery.provider_text,
        }
    }
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
