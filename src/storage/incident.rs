//! Incidents: decided in the transaction that records what happened, while the row of the task is locked.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::column::{OptionalExecutionId, insert_sql, stored, update_sql, written};
use super::execution_list::{COUNT_LIMIT, push_cursor};
use super::statement::{QueryBuilder, execute, fetch, fetch_built};
use super::{Result, Session, Tx, first_id_at, heartbeat, message_json, millis, rows, tag_scope, time_from_millis};
use crate::domain::notify::incident::{Delivery, Incident, IncidentFilter, Told};
use crate::domain::page::{Page, PageRequest};
use crate::domain::tag_scope::TagScope;
use crate::i18n::Message;
use crate::ids::execution_key;

stored! {
    COLUMNS: Incident {
        id, subject, task_id, event, cause_key, cause, error, opened_at, last_at, closed_at, closed_by, count,
        first_execution via OptionalExecutionId, last_execution via OptionalExecutionId, acknowledged_at, acknowledged_by, told
    }
}

written! {
    IncidentRow of Incident as incident => {
        id Text = incident.id,
        subject Text = incident.subject,
        task_id Text = incident.task_id,
        event Text = incident.event.as_str(),
        cause_key Text = incident.cause_key,
        cause Text = incident.cause,
        opened_at Integer = millis(incident.opened_at),
        first_execution Integer = incident.first_execution.as_deref().map(execution_key),
        error Text = message_json(incident.error.as_ref()),
        last_at Integer = millis(incident.last_at),
        closed_at Integer = incident.closed_at.map(millis),
        closed_by Text = incident.closed_by,
        count Integer = incident.count,
        last_execution Integer = incident.last_execution.as_deref().map(execution_key),
        acknowledged_at Integer = incident.acknowledged_at.map(millis),
        acknowledged_by Text = incident.acknowledged_by,
        told Text = told_text(&incident.told),
        due_at Integer = due_at(incident),
    }
}

/// It consists of names and numbers, which always serialize.
fn told_text(told: &Told) -> String {
    serde_json::to_string(told).unwrap_or_default()
}

fn due_at(incident: &Incident) -> Option<i64> {
    incident.told.next_due().filter(|_| incident.is_open())
}

/// The columns that an update keeps.
const KEPT: [&str; 7] = ["subject", "task_id", "event", "cause_key", "cause", "opened_at", "first_execution"];

/// Inserts the incidents that are new, and updates the others.
pub async fn save(tx: &mut Tx, new: &[&Incident], changed: &[&Incident]) -> Result<()> {
    if !new.is_empty() {
        let list = rows(&new.iter().map(|one| IncidentRow(one)).collect::<Vec<_>>())?;
        execute!(tx, "open incidents", &insert_text(), list)?;
    }
    if !changed.is_empty() {
        let list = rows(&changed.iter().map(|one| IncidentRow(one)).collect::<Vec<_>>())?;
        execute!(tx, "update incidents", &update_text(), list)?;
    }
    Ok(())
}

fn insert_text() -> String {
    insert_sql("incidents", IncidentRow::COLUMNS, &[])
}

pub(super) fn update_text() -> String {
    update_sql("incidents", IncidentRow::COLUMNS, &KEPT)
}

/// The open incidents of these subjects, locked until the transaction ends.
pub async fn open_of(tx: &mut Tx, subjects: &[&str]) -> Result<Vec<Incident>> {
    let list = rows(subjects)?;
    fetch!(all, tx, "read open incidents", &open_of_sql(), list)
}

pub(super) fn open_of_sql() -> String {
    format!("select {COLUMNS} from incidents where subject in {{ids}} and closed_at is null order by id {{for_update}}")
}

/// The open incidents of subjects, by subject and event.
pub async fn open_events(s: &mut dyn Session, subjects: &[String]) -> Result<HashSet<(String, String)>> {
    let list = rows(subjects)?;
    let found: Vec<(String, String)> = fetch!(all, s, "read open incidents", OPEN_EVENTS, list)?;
    Ok(found.into_iter().collect())
}

pub(super) const OPEN_EVENTS: &str = "select subject, event from incidents where subject in {ids} and closed_at is null";

/// When a rule told first of incidents of these causes that opened since `since`: (cause, rule) and the time.
pub async fn told_lately(tx: &mut Tx, causes: &[&str], since: DateTime<Utc>) -> Result<HashMap<(String, String), DateTime<Utc>>> {
    let list = rows(causes)?;
    let found: Vec<(String, String)> = fetch!(all, tx, "read recent incidents", TOLD_LATELY, list, millis(since))?;
    let mut told = HashMap::new();
    for (cause, text) in found {
        let by_rule: Told = serde_json::from_str(&text).map_err(|error| super::Error::InvalidValue(error.to_string()))?;
        for (rule, by) in by_rule.0 {
            let Some(first) = by.first.filter(|first| *first >= millis(since)) else { continue };
            let earliest = told.entry((cause.clone(), rule)).or_insert(first);
            *earliest = first.min(*earliest);
        }
    }
    told.into_iter().map(|(key, first)| Ok((key, time_from_millis(first)?))).collect()
}

pub(super) const TOLD_LATELY: &str =
    "select cause_key, told from incidents where cause_key in {ids} and opened_at >= $2 order by opened_at limit 1000";

/// Sets for each of these tasks whether it has open incidents.
pub async fn mark_tasks(tx: &mut Tx, task_ids: &[&str]) -> Result<()> {
    let list = rows(task_ids)?;
    execute!(tx, "mark tasks with incidents", MARK_TASKS, list).map(drop)
}

pub(super) const MARK_TASKS: &str = "
    update tasks set has_incident = exists (
        select 1 from incidents i where i.subject = 'task:' || tasks.id and i.closed_at is null)
    where id in {ids}";

/// Closes the open incidents of deleted tasks.
pub async fn close_deleted(s: &mut dyn Session, task_ids: &[String], now: DateTime<Utc>) -> Result<()> {
    let subjects = rows(&task_ids.iter().map(|id| format!("task:{id}")).collect::<Vec<_>>())?;
    execute!(s, "close the incidents of deleted tasks", CLOSE_DELETED, subjects, millis(now)).map(drop)
}

pub(super) const CLOSE_DELETED: &str =
    "update incidents set closed_at = $2, due_at = null where subject in {ids} and closed_at is null";

/// The ids of the incidents with a message due at `now`, at most `limit`.
pub async fn due(s: &mut dyn Session, now: DateTime<Utc>, limit: i64) -> Result<Vec<String>> {
    fetch!(scalars, s, "read incidents with due messages", DUE, millis(now), limit)
}

pub(super) const DUE: &str = "select id from incidents where due_at <= $1 and due_at is not null order by due_at limit $2";

/// Open incidents by id, locked until the transaction ends.
pub async fn lock_open(tx: &mut Tx, ids: &[String]) -> Result<Vec<Incident>> {
    let list = rows(ids)?;
    fetch!(all, tx, "lock incidents", &lock_sql(), list)
}

pub(super) fn lock_sql() -> String {
    format!("select {COLUMNS} from incidents where id in {{ids}} and closed_at is null order by id {{for_update}}")
}

/// One incident.
pub async fn get(s: &mut dyn Session, id: &str) -> Result<Option<Incident>> {
    let text = format!("select {COLUMNS} from incidents where id = $1");
    fetch!(optional, s, "read the incident", &text, id)
}

/// One page of the matching incidents, newest first, with their count.
pub async fn page(s: &mut dyn Session, filter: &IncidentFilter, request: &PageRequest) -> Result<Page<Incident>> {
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from incidents where true"));
    push_filter(&mut query, filter, &visible_heartbeats(s, &filter.scope).await?);
    push_cursor(&mut query, request.cursor.as_ref(), str::to_owned);
    query.push(if request.is_backwards() { " order by id limit " } else { " order by id desc limit " });
    query.push_bind(i64::from(request.size) + 1);
    let found: Vec<Incident> = fetch_built!(all, s, "list incidents", query)?;
    let total = match request.total_of(found.len()) {
        Some(total) => total,
        None => count(s, filter).await?,
    };
    Ok(Page::from_rows(found, |one| (None, one.id.clone()), request, (total, total <= COUNT_LIMIT)))
}

/// The number of matching incidents, at most one more than the limit of counts.
pub async fn count(s: &mut dyn Session, filter: &IncidentFilter) -> Result<i64> {
    let mut query = QueryBuilder::new("select count(*) from (select 1 from incidents where true");
    push_filter(&mut query, filter, &visible_heartbeats(s, &filter.scope).await?);
    query.push(" limit ").push_bind(COUNT_LIMIT + 1).push(") as matching");
    fetch_built!(only, s, "count incidents", query)
}

/// The subjects of the heartbeats in scope; none for an unlimited scope, which needs none.
async fn visible_heartbeats(s: &mut dyn Session, scope: &TagScope) -> Result<Vec<String>> {
    if scope.is_all() {
        return Ok(Vec::new());
    }
    let visible = heartbeat::list(s).await?.into_iter().filter(|heartbeat| scope.allows(&heartbeat.tags));
    Ok(visible.map(|heartbeat| heartbeat.subject()).collect())
}

fn push_filter(query: &mut QueryBuilder, filter: &IncidentFilter, heartbeats: &[String]) {
    if let Some(open) = filter.open {
        query.push(if open { " and closed_at is null" } else { " and closed_at is not null" });
    }
    if let Some(task) = &filter.task_id {
        query.push(" and task_id = ").push_bind(task.clone());
    }
    match filter.scope.tags().filter(|_| !heartbeats.is_empty()) {
        None => tag_scope::push(query, "task_id", &filter.scope),
        Some(tags) => {
            query.push(" and (task_id in (");
            tag_scope::push_visible_tasks(query, tags);
            query.push(") or subject in (");
            for (index, subject) in heartbeats.iter().enumerate() {
                query.push(if index == 0 { "" } else { ", " }).push_bind(subject.clone());
            }
            query.push("))");
        }
    }
}

/// The tasks in scope with an open incident of this cause, sorted, at most a hundred.
pub async fn tasks_of_cause(s: &mut dyn Session, cause_key: &str, scope: &TagScope) -> Result<Vec<String>> {
    let text = "select task_id from incidents where closed_at is null and task_id is not null and cause_key = ";
    let mut query = QueryBuilder::new(text);
    query.push_bind(cause_key.to_owned());
    tag_scope::push(&mut query, "task_id", scope);
    query.push(" order by task_id limit 100");
    fetch_built!(scalars, s, "read the tasks of a cause", query)
}

/// The statement of a page, for the test of its plan.
#[cfg(test)]
pub(super) fn page_sql(filter: &IncidentFilter) -> String {
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from incidents where true"));
    push_filter(&mut query, filter, &[]);
    query.push(" and id < ").push_bind("01".to_owned()).push(" order by id desc limit ").push_bind(41);
    query.into_parts().0
}

/// Records which message tells of which incidents: (incident, message).
pub async fn link_messages(tx: &mut Tx, links: &[(String, String)]) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    execute!(tx, "link notifications", LINK_MESSAGES, rows(links)?).map(drop)
}

pub(super) const LINK_MESSAGES: &str =
    "insert into incident_messages (incident_id, message_id) select j.value->>0, j.value->>1 from {rows} where true";

/// The messages of an incident, newest first, at most `limit`.
pub async fn deliveries(s: &mut dyn Session, id: &str, limit: i64) -> Result<Vec<Delivery>> {
    let found: Vec<DeliveryRow> = fetch!(all, s, "read the messages of an incident", DELIVERIES, id, limit)?;
    Ok(found.into_iter().map(DeliveryRow::into_delivery).collect())
}

pub(super) const DELIVERIES: &str = "
    select m.id as message_id, m.rule, m.channel, m.notice, m.state, m.created_at, m.not_before, m.sent_at, m.attempts,
        m.provider_code, m.provider_text
    from incident_messages i join notify_messages m on m.id = i.message_id
    where i.incident_id = $1 order by i.message_id desc limit $2";

struct DeliveryRow {
    message_id: String,
    rule: String,
    channel: String,
    notice: serde_json::Value,
    state: String,
    created_at: DateTime<Utc>,
    not_before: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
    attempts: i64,
    provider_code: Option<String>,
    provider_text: Option<Message>,
}

stored! {
    DeliveryRow {
        message_id, rule, channel, notice, state, created_at, not_before, sent_at, attempts, provider_code, provider_text
    }
}

impl DeliveryRow {
    fn into_delivery(self) -> Delivery {
        Delivery {
            message_id: self.message_id,
            rule: self.rule,
            channel: self.channel,
            title: self.notice["title"].as_str().unwrap_or_default().to_owned(),
            state: self.state,
            created_at: self.created_at,
            not_before: self.not_before,
            sent_at: self.sent_at,
            attempts: self.attempts,
            provider_code: self.provider_code,
            provider_text: self.provider_text,
        }
    }
}

/// The last chunks of the output of an execution's latest attempt, oldest first, at most `limit`.
pub async fn output_tail(s: &mut dyn Session, execution_id: &str, limit: i64) -> Result<Vec<String>> {
    let mut found: Vec<String> =
        fetch!(scalars, s, "read the end of an output", OUTPUT_TAIL, execution_key(execution_id), limit)?;
    found.reverse();
    Ok(found)
}

pub(super) const OUTPUT_TAIL: &str = "select text from outputs where execution_id = $1 order by attempt desc, seq desc limit $2";

/// Deletes at most `limit` closed incidents that opened before a time, with the links to their messages. Returns how many.
pub async fn delete_before(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64> {
    let before_id = first_id_at(before);
    execute!(tx, "delete old incidents", DELETE_LINKS, &before_id, limit)?;
    execute!(tx, "delete old incidents", DELETE_BEFORE, before_id, limit)
}

pub(super) const DELETE_LINKS: &str = "
    delete from incident_messages where incident_id in (
        select id from incidents where id < $1 and closed_at is not null order by id limit $2)";

pub(super) const DELETE_BEFORE: &str = "
    delete from incidents where id in (
        select id from incidents where id < $1 and closed_at is not null order by id limit $2)";
