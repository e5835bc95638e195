//! Storage trouble: the database takes no writes. A message is a write too, so the alarm is sent from memory, straight to the channels, past
//! the queue and its rate limits: once, by the rules and channels as they were read last. When the database takes writes again the
//! incident is recorded, and the message about its end goes through the queue.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use futures_util::future::join_all;

use super::channels::{Item, Parcel};
use super::courier::{Courier, RuleText};
use super::incidents::{self, DecisionTime, Trouble};
use crate::domain::input::truncate;
use crate::domain::notify::channel::Channel;
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::message::{Field, Notice};
use crate::domain::notify::rule::{NotifyRule, Target};
use crate::i18n::message;
use crate::ids::new_id;
use crate::storage::{Database, Result, notify_rule};

const EVENT: NotifyEvent = NotifyEvent::StorageTrouble;
const SUBJECT: &str = "server:database";
/// How long writes fail before a message is sent: a lock or a fail-over of a moment is none.
const TELL_AFTER: TimeDelta = TimeDelta::seconds(10);
/// The pause before a channel that did not accept it is tried again.
const RETRY: TimeDelta = TimeDelta::seconds(60);
/// How often rules and channels are read while the database works.
const REFRESH: TimeDelta = TimeDelta::seconds(30);
/// The most characters of the cause.
const CAUSE_MAX: usize = 1_000;

/// Tells of storage trouble; of one node.
pub struct StorageAlarm {
    database: Database,
    courier: Arc<Courier>,
    /// The node's name, for the texts.
    node: String,
    zone: Tz,
    rules: Vec<NotifyRule>,
    read_at: Option<DateTime<Utc>>,
    trouble: Option<Lasting>,
}

/// Trouble that has not ended.
struct Lasting {
    /// The id of its messages.
    id: String,
    since: DateTime<Utc>,
    cause: String,
    tried_at: Option<DateTime<Utc>>,
    /// The rules and channels that have told it.
    told: BTreeSet<(String, String)>,
}

impl StorageAlarm {
    pub fn new(database: Database, courier: Arc<Courier>, node: String, zone: Tz) -> Self {
        Self { database, courier, node, zone, rules: Vec::new(), read_at: None, trouble: None }
    }

    /// Reads the rules and channels that tell of trouble, if the last reading is some time ago.
    ///
    /// # Errors
    /// The database fails; the former ones stay.
    pub async fn refresh(&mut self, now: DateTime<Utc>) -> Result<()> {
        if self.read_at.is_some_and(|at| now - at < REFRESH) {
            return Ok(());
        }
        let mut rules = notify_rule::definitions(&mut self.database.read_engine().await?).await?;
        rules.retain(|rule| rule.covers(EVENT, &Target::SERVER));
        self.courier.directory.all().await?;
        (self.rules, self.read_at) = (rules, Some(now));
        Ok(())
    }

    /// Writes fail. Tells it through each channel once.
    pub async fn failing(&mut self, cause: &str, now: DateTime<Utc>) {
        let new =
            || Lasting { id: new_id(now), since: now, cause: truncate(cause, CAUSE_MAX), tried_at: None, told: BTreeSet::new() };
        let trouble = self.trouble.get_or_insert_with(new);
        if now - trouble.since < TELL_AFTER || trouble.tried_at.is_some_and(|at| now - at < RETRY) {
            return;
        }
        trouble.tried_at = Some(now);
        let told = self.tell(now).await;
        if let Some(trouble) = &mut self.trouble {
            trouble.told.extend(told);
        }
    }

    /// Tells it through the channels that have not told it. Returns the rules and channels that have now.
    async fn tell(&self, now: DateTime<Utc>) -> Vec<(String, String)> {
        let Some(trouble) = &self.trouble else { return Vec::new() };
        let channels = self.courier.directory.known();
        let is_quiet = |rule: &NotifyRule| {
            let hours = rule.quiet_hours.as_ref().filter(|_| !rule.urgent);
            hours.is_some_and(|hours| hours.end(now, self.zone).is_some())
        };
        let mut sending = Vec::new();
        for rule in self.rules.iter().filter(|rule| !is_quiet(rule)) {
            let own = rule.channels.iter().filter_map(|name| channels.get(name));
            let left = own.filter(|channel| !trouble.told.contains(&(rule.name.clone(), channel.name.clone())));
            sending.extend(left.map(|channel| self.send(rule, channel, trouble, now)));
        }
        join_all(sending).await.into_iter().flatten().collect()
    }

    /// Writes work. Records trouble that has ended, with its end told. Returns whether messages were queued.
    ///
    /// # Errors
    /// The database fails; what is to be recorded stays.
    pub async fn working(&mut self, now: DateTime<Utc>) -> Result<bool> {
        let Some(trouble) = &self.trouble else { return Ok(false) };
        let seconds = (now - trouble.since).num_seconds();
        let error = message!("incident_error.no_writes", seconds, cause = trouble.cause.as_str());
        let of_database = Trouble { event: EVENT, subject: SUBJECT, target: Target::SERVER, error: Some(&error) };
        let told: BTreeSet<&str> = trouble.told.iter().map(|(rule, _)| rule.as_str()).collect();
        let at = DecisionTime { now, zone: self.zone };
        let mut tx = self.database.write().await?;
        let queued = incidents::record_past(&mut tx, &of_database, &told, at).await?;
        tx.commit().await?;
        self.trouble = None;
        Ok(queued)
    }

    /// Sends the message of a rule; `None` if the channel did not accept it.
    async fn send(
        &self,
        rule: &NotifyRule,
        channel: &Channel,
        trouble: &Lasting,
        now: DateTime<Utc>,
    ) -> Option<(String, String)> {
        let parcel = Parcel {
            id: trouble.id.clone(),
            items: vec![Item { notice: self.notice(rule, trouble), incident_id: Some(trouble.id.clone()) }],
            public_url: self.courier.public_url.clone(),
            now,
        };
        let text = RuleText { name: rule.name.clone(), templates: rule.templates.clone() };
        let outcome = self.courier.send(channel, &parcel, &text).await;
        if !outcome.delivered {
            let (code, answer) = (outcome.code.as_deref(), outcome.text.as_ref().map(ToString::to_string));
            tracing::warn!(channel = channel.name, code, answer, "failed to tell of storage trouble; retrying");
            return None;
        }
        tracing::info!(channel = channel.name, rule = rule.name, "told of storage trouble past the queue");
        Some((rule.name.clone(), channel.name.clone()))
    }

    fn notice(&self, rule: &NotifyRule, trouble: &Lasting) -> Notice {
        let language = rule.language;
        let field = |label: crate::i18n::Message, value: String| Field { label: label.text(language), value };
        let since = trouble.since.with_timezone(&self.zone).to_rfc3339_opts(SecondsFormat::Secs, true);
        let title = message!("incident_notice.storage_trouble", names = "database");
        Notice {
            urgent: rule.urgent,
            subjects: vec!["database".to_owned()],
            fields: vec![
                field(message!("incident_notice.since"), since),
                field(message!("incident_notice.node"), self.node.clone()),
            ],
            error: Some(trouble.cause.clone()),
            ..Notice::new(&trouble.id, EVENT, language, title.text(language))
        }
    }
}
