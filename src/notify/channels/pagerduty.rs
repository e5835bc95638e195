//! PagerDuty Events v2: an incident triggers an alert, its end resolves it.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::answer::{self, Outcome};
use super::parcel::{Item, Parcel};
use super::transport::Transport;
use super::{Provider, endpoint, sending};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::domain::notify::event::NotifyEvent;
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const HOST: &str = "https://events.pagerduty.com";
const PATH: &str = "/v2/enqueue";
const SUMMARY: TextForm = TextForm::new(1_024, Measure::Characters, text::plain);
/// The most characters of the key that ties events to an alert.
const KEY: TextForm = TextForm::new(255, Measure::Characters, text::plain);

const FORM: TextForm = TextForm::new(4_000, Measure::Characters, text::plain);

pub(super) const PROVIDER: Provider = Provider {
    rates: &[Rate::per_minute(100)],
    // Each incident has an alert of its own.
    groups: false,
    ..Provider::new(ChannelType::Pagerduty, FORM, sending!(deliver))
};

async fn deliver(parcel: &Parcel, channel: &Channel, transport: &Transport) -> Result<Outcome, Outcome> {
    let mut last = Outcome::default();
    for item in &parcel.items {
        for action in actions(item.notice.event) {
            last = enqueue(parcel, item, action, channel, transport).await?;
            if !last.delivered {
                return Ok(last);
            }
        }
    }
    Ok(last)
}

async fn enqueue(
    parcel: &Parcel,
    item: &Item,
    action: &str,
    channel: &Channel,
    transport: &Transport,
) -> Result<Outcome, Outcome> {
    let url = endpoint::endpoint(channel, HOST, PATH).map_err(|problem| Outcome::unusable(&problem))?;
    let key = channel.credentials.key.as_ref().map_or_else(|| channel.token(), |key| key.reveal());
    let answer = transport.post_json(channel, url, &event(parcel, item, action, key)).await;
    let answer = answer.map_err(|error| Outcome::unanswered(&error))?;
    let body = answer::json(&answer);
    let code = body.get("status").and_then(Value::as_str).map(str::to_owned);
    let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let said: Vec<&str> = body.get("message").and_then(Value::as_str).into_iter().chain(errors).collect();
    Ok(Outcome::by_code(&answer, code, Some(&said.join("; ")), answer.status == 202))
}

fn event(parcel: &Parcel, item: &Item, action: &str, key: &str) -> Value {
    let notice = &item.notice;
    let link = parcel.link_of(notice);
    let details = notice.fields.iter().map(|field| (field.label.clone(), Value::from(field.value.as_str())));
    let mut details: Map<String, Value> = details.collect();
    details.insert("tasks".to_owned(), notice.subjects.clone().into());
    details.insert("error".to_owned(), text::body(&[notice], false, None, FORM).into());
    json!({
        "routing_key": key,
        "event_action": action,
        "dedup_key": KEY.cut(item.incident_id.as_deref().unwrap_or(&parcel.id)),
        "client": "Belfry",
        "client_url": parcel.public_url,
        "links": link.map(|link| json!([{"href": link, "text": "Belfry"}])).unwrap_or_else(|| json!([])),
        "payload": {
            "summary": SUMMARY.cut(&notice.title),
            "source": notice.subjects.first().map_or("belfry", String::as_str),
            "severity": severity(notice.event, notice.urgent),
            "timestamp": parcel.now.to_rfc3339_opts(SecondsFormat::Millis, true),
            "component": "belfry",
            "class": notice.event.as_str(),
            "custom_details": details,
        },
    })
}

/// A test leaves no alert behind.
const fn actions(event: NotifyEvent) -> &'static [&'static str] {
    match event {
        NotifyEvent::Recovered => &["resolve"],
        NotifyEvent::Test => &["trigger", "resolve"],
        _ => &["trigger"],
    }
}

const fn severity(event: NotifyEvent, urgent: bool) -> &'static str {
    use NotifyEvent::{CalendarMissing, Digest, Late, Recovered, RunningLong, Skipped, Summary, Test};
    match event {
        Recovered | Digest | Summary | Test => "info",
        _ if urgent => "critical",
        Late | RunningLong | Skipped | CalendarMissing => "warning",
        _ => "error",
    }
}
