//! Notification messages: the queue of each channel and its record.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::column::{insert_sql, stored, written};
use super::execution_list::push_cursor;
use super::statement::{QueryBuilder, execute, fetch, fetch_built};
use super::{Result, Session, Tx, first_id_at, message_json, millis, optional_time_from_millis, rows};
use crate::domain::notify::message::{Message, MessageState, NewMessage, Notice};
use crate::domain::page::{Page, PageRequest};
use crate::i18n;

/// Queues messages: call it in the transaction that records their cause, then wake the delivery. One that names too many tasks
/// becomes several.
pub async fn insert(tx: &mut Tx, messages: &[NewMessage]) -> Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let parts: Vec<NewMessage> = messages.iter().cloned().flat_map(NewMessage::split).collect();
    let list = rows(&parts.iter().map(MessageRow).collect::<Vec<_>>())?;
    execute!(tx, "queue notifications", &insert_sql("notify_messages", MessageRow::COLUMNS, &[]), list).map(drop)
}

written! {
    MessageRow of NewMessage as message => {
        id Text = message.id,
        channel Text = message.channel,
        incident_id Text = message.incident_id,
        rule Text = message.rule,
        notice Text = notice_text(&message.notice),
        urgent Flag = message.notice.urgent,
        not_before Integer = millis(message.not_before),
        created_at Integer = millis(message.created_at),
        state Text = MessageState::Queued.as_str(),
        next_try_at Integer = millis(message.not_before.max(message.created_at)),
    }
}

/// A notice consists of texts and flags, which always serialize.
fn notice_text(notice: &Notice) -> String {
    serde_json::to_string(notice).unwrap_or_default()
}

stored! {
    COLUMNS: Message {
        id, channel, incident_id, rule, notice, urgent, not_before, created_at, state, attempts, next_try_at, sent_at, group_id,
        provider_status, provider_code, provider_text, template_error, node
    }
}

/// When the next message of each channel may be sent, by channel; the time may be in the past.
pub async fn next_tries(s: &mut dyn Session) -> Result<BTreeMap<String, DateTime<Utc>>> {
    let found: Vec<(String, Option<i64>, Option<i64>)> = fetch!(all, s, "read the due notifications", NEXT_TRIES)?;
    let earliest = |(channel, urgent, other): (String, Option<i64>, Option<i64>)| {
        let at = optional_time_from_millis([urgent, other].into_iter().flatten().min())?;
        Ok(at.map(|at| (channel, at)))
    };
    found.into_iter().filter_map(|row| earliest(row).transpose()).collect()
}

/// A loose index scan: its cost grows with the number of channels, not with that of messages.
pub(super) const NEXT_TRIES: &str = "
    with recursive waiting(channel) as (
        select min(channel) from notify_messages where state = 'queued'
        union all
        select (select min(m.channel) from notify_messages m where m.state = 'queued' and m.channel > waiting.channel)
        from waiting where waiting.channel is not null
    )
    select channel,
        (select min(m.next_try_at) from notify_messages m
            where m.state = 'queued' and m.channel = waiting.channel and m.urgent = true),
        (select min(m.next_try_at) from notify_messages m
            where m.state = 'queued' and m.channel = waiting.channel and m.urgent = false)
    from waiting where channel is not null";

/// The messages of a channel that may be sent at `now`: urgent ones first, then by time; at most `limit` of each.
pub async fn due(s: &mut dyn Session, channel: &str, now: DateTime<Utc>, limit: i64) -> Result<Vec<Message>> {
    let text = due_sql();
    let mut found: Vec<Message> = fetch!(all, s, "read due notifications", &text, channel, true, millis(now), limit)?;
    let others: Vec<Message> = fetch!(all, s, "read due notifications", &text, channel, false, millis(now), limit)?;
    found.extend(others);
    Ok(found)
}

pub(super) fn due_sql() -> String {
    format!(
        "select {COLUMNS} from notify_messages
        where state = 'queued' and channel = $1 and urgent = $2 and next_try_at <= $3 order by next_try_at, id limit $4"
    )
}

/// The queued messages that are sent under one id.
pub async fn group(s: &mut dyn Session, group_id: &str) -> Result<Vec<Message>> {
    fetch!(all, s, "read a group of notifications", &group_sql(), group_id)
}

pub(super) fn group_sql() -> String {
    format!("select {COLUMNS} from notify_messages where group_id = $1 and group_id is not null and state = 'queued' order by id")
}

/// Fixes which messages are sent under one id.
pub async fn set_group(tx: &mut Tx, ids: &[&str], group_id: &str) -> Result<()> {
    execute!(tx, "group notifications", SET_GROUP, rows(ids)?, group_id).map(drop)
}

pub(super) const SET_GROUP: &str = "update notify_messages set group_id = $2 where id in {ids} and state = 'queued'";

/// What a try to send a group came to.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub group_id: String,
    /// `Sent`, `Failed`, or `Queued` for another try.
    pub state: MessageState,
    pub next_try_at: Option<DateTime<Utc>>,
    pub at: DateTime<Utc>,
    pub provider_status: Option<i64>,
    pub provider_code: Option<String>,
    pub provider_text: Option<i18n::Message>,
    pub template_error: Option<i18n::Message>,
    pub node: String,
}

/// Records a try: of a group that was sent the first message is `sent`, the others are `grouped`.
pub async fn record(tx: &mut Tx, attempt: &Attempt) -> Result<()> {
    let accepted = attempt.state == MessageState::Sent;
    let others = if accepted { MessageState::Grouped } else { attempt.state };
    execute!(
        tx,
        "record a notification",
        RECORD,
        &attempt.group_id,
        attempt.state.as_str(),
        others.as_str(),
        attempt.next_try_at.map(millis),
        accepted.then(|| millis(attempt.at)),
        attempt.provider_status,
        &attempt.provider_code,
        message_json(attempt.provider_text.as_ref()),
        message_json(attempt.template_error.as_ref()),
        &attempt.node
    )
    .map(drop)
}

pub(super) const RECORD: &str = "
    update notify_messages set state = case when id = group_id then $2 else $3 end, attempts = attempts + 1, next_try_at = $4,
        sent_at = $5, provider_status = $6, provider_code = $7, provider_text = $8, template_error = $9, node = $10
    where group_id = $1 and group_id is not null and state = 'queued'";

/// Gives up all queued messages of a channel that is gone. Returns how many.
pub async fn give_up(tx: &mut Tx, channel: &str, reason: &i18n::Message) -> Result<u64> {
    execute!(tx, "give up notifications", GIVE_UP, channel, message_json(Some(reason)))
}

pub(super) const GIVE_UP: &str = "
    update notify_messages set state = 'failed', next_try_at = null, provider_text = $2
    where state = 'queued' and channel = $1";

/// One page of a channel's messages, newest first.
pub async fn page(s: &mut dyn Session, channel: &str, request: &PageRequest) -> Result<Page<Message>> {
    let limit = i64::from(request.size) + 1;
    let mut query = page_query(channel);
    push_cursor(&mut query, request.cursor.as_ref(), str::to_owned);
    query.push(if request.is_backwards() { " order by id limit " } else { " order by id desc limit " }).push_bind(limit);
    let found: Vec<Message> = fetch_built!(all, s, "list notifications", query)?;
    let total = request.total_of(found.len());
    let total = (total.unwrap_or(i64::from(request.size)), total.is_some());
    Ok(Page::from_rows(found, |message: &Message| (None, message.id.clone()), request, total))
}

pub(super) fn page_query(channel: &str) -> QueryBuilder {
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from notify_messages where channel = "));
    query.push_bind(channel.to_owned());
    query
}

/// Deletes at most `limit` messages queued before a time that are not queued any more. Returns how many.
pub async fn delete_before(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64> {
    execute!(tx, "delete old notifications", DELETE_BEFORE, first_id_at(before), limit)
}

pub(super) const DELETE_BEFORE: &str = "
    delete from notify_messages where id in (
        select id from notify_messages where id < $1 and state <> 'queued' order by id limit $2)";
