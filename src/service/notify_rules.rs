//! Notification rules: list, create, replace and delete. Accounts limited to tags see and make rules for their tags alone.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::fault::Fault;
use crate::domain::heartbeat::RULE_TYPE;
use crate::domain::input::truncate;
use crate::domain::notify::rule::{NotifyRule, Target};
use crate::domain::profile::Profiles;
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::notify::own_text;
pub use crate::storage::notify_rule::StoredRule;
use crate::storage::{Database, Session, Tx, notify_channel, notify_rule, tag_scope};
use crate::tasks::registry::Registry;

/// The most rules.
const MAX_RULES: usize = 200;

/// Reads and changes notification rules.
#[derive(Clone)]
pub struct NotifyRuleService {
    database: Database,
    clock: SharedClock,
    zone: Tz,
    registry: Arc<Registry>,
    profiles: Arc<Profiles>,
    audit_log: AuditLog,
}

impl NotifyRuleService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, zone, registry }, shared { audit_log }, { profiles: deps.profiles.from_settings().clone() })
    }

    /// The rules that the actor may see, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<StoredRule>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let rules = notify_rule::all(&mut reader).await?;
        visible(&mut reader, actor, rules).await
    }

    /// The rules that hold for a task, by name.
    pub async fn of_task(&self, actor: &Actor, target: &Target<'_>) -> Result<Vec<StoredRule>> {
        let mut rules = self.list(actor).await?;
        rules.retain(|rule| rule.definition.tasks.selects(target));
        Ok(rules)
    }

    /// One rule.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, actor: &Actor, name: &str) -> Result<StoredRule> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let found = notify_rule::get(&mut reader, name).await?;
        visible(&mut reader, actor, found.into_iter().collect()).await?.pop().ok_or_else(|| no_rule(name))
    }

    /// The channels that rules can name, sorted.
    pub async fn channels(&self, actor: &Actor) -> Result<Vec<String>> {
        allow(actor, Action::See)?;
        self.known_channels(&mut self.database.read().await?).await
    }

    /// The channels of the settings and those that administrators stored.
    async fn known_channels(&self, s: &mut dyn Session) -> Result<Vec<String>> {
        let stored = notify_channel::list(s).await?.into_iter().map(|channel| channel.name);
        let names: BTreeSet<String> = stored.chain(self.profiles.notify.keys().cloned()).collect();
        Ok(names.into_iter().collect())
    }

    /// Creates a rule.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault, [`Error::Conflict`] if the name is taken, [`Error::Forbidden`].
    pub async fn create(&self, actor: &Actor, body: &Value) -> Result<StoredRule> {
        allow(actor, Action::Edit)?;
        let definition = NotifyRule::parse(body, None).map_err(Error::Invalid)?;
        let mut tx = self.database.write().await?;
        let existing = notify_rule::all(&mut tx).await?;
        if existing.iter().any(|rule| rule.definition.name == definition.name) {
            return Err(Error::Conflict(message!("notify_rule.exists", name = definition.name)));
        }
        if existing.len() >= MAX_RULES {
            return Err(Error::Conflict(message!("notify_rule.too_many", max = MAX_RULES)));
        }
        let saved = self.save(actor, &mut tx, definition, None).await?;
        tx.commit().await?;
        Ok(saved)
    }

    /// Replaces a rule.
    ///
    /// # Errors
    /// As [`NotifyRuleService::create`]; [`Error::NotFound`]; [`Error::Stale`] if the version is not `if_match`.
    pub async fn replace(&self, actor: &Actor, name: &str, body: &Value, if_match: Option<i64>) -> Result<StoredRule> {
        allow(actor, Action::Edit)?;
        let definition = NotifyRule::parse(body, Some(name)).map_err(Error::Invalid)?;
        let mut tx = self.database.write().await?;
        let former = lock(&mut tx, actor, name, if_match).await?;
        let saved = self.save(actor, &mut tx, definition, Some(former)).await?;
        tx.commit().await?;
        Ok(saved)
    }

    /// How many of these rules differ from the stored ones of their names.
    pub(super) async fn count_changed(&self, s: &mut dyn Session, rules: &[NotifyRule]) -> Result<usize> {
        if rules.is_empty() {
            return Ok(0);
        }
        let stored = notify_rule::definitions(s).await?;
        Ok(rules.iter().filter(|rule| !stored.contains(rule)).count())
    }

    /// Saves the rules of a document that differ from the stored ones of their names, in the transaction of the import.
    ///
    /// # Errors
    /// As [`NotifyRuleService::create`]; [`Error::Conflict`] for a rule of this name that the actor may not see.
    pub(super) async fn import(&self, tx: &mut Tx, actor: &Actor, rules: &[NotifyRule]) -> Result<()> {
        for (place, rule) in rules.iter().enumerate() {
            let former = notify_rule::lock(tx, &rule.name).await?;
            if former.as_ref().is_some_and(|former| former.definition == *rule) {
                continue;
            }
            if former.is_some() && visible(tx, actor, former.iter().cloned().collect()).await?.is_empty() {
                return Err(Error::Conflict(message!("notify_rule.exists", name = &rule.name)));
            }
            self.save(actor, tx, rule.clone(), former).await.map_err(|error| match error {
                Error::Invalid(faults) => Error::Invalid(below(place, faults)),
                other => other,
            })?;
        }
        if notify_rule::definitions(tx).await?.len() > MAX_RULES {
            return Err(Error::Conflict(message!("notify_rule.too_many", max = MAX_RULES)));
        }
        Ok(())
    }

    /// Deletes a rule. What it has told of stays on record.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::Forbidden`].
    pub async fn delete(&self, actor: &Actor, name: &str, if_match: Option<i64>) -> Result<()> {
        allow(actor, Action::Edit)?;
        let mut tx = self.database.write().await?;
        let former = lock(&mut tx, actor, name, if_match).await?;
        notify_rule::delete(&mut tx, name).await?;
        let entry = AuditEntry::new(AuditEvent::NotifyRuleDelete, "notify_rule", name).before(former.definition.to_json());
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, notify_rule = name, "notification rule deleted");
        Ok(())
    }

    async fn save(&self, actor: &Actor, tx: &mut Tx, definition: NotifyRule, former: Option<StoredRule>) -> Result<StoredRule> {
        self.check(tx, actor, &definition).await?;
        let now = self.clock.now();
        let stored = StoredRule {
            version: former.as_ref().map_or(1, |former| former.version + 1),
            created_at: former.as_ref().map_or(now, |former| former.created_at),
            updated_at: now,
            updated_by: actor.name.clone(),
            definition,
        };
        notify_rule::put(tx, &stored, self.next_digest(&stored.definition, now)).await?;
        let event = if former.is_some() { AuditEvent::NotifyRuleUpdate } else { AuditEvent::NotifyRuleCreate };
        let mut entry = AuditEntry::new(event, "notify_rule", &stored.definition.name).after(stored.definition.to_json());
        entry.before = former.map(|former| former.definition.to_json());
        self.audit_log.record(tx, actor, entry).await?;
        tracing::info!(actor = actor.name, notify_rule = stored.definition.name, "notification rule saved");
        Ok(stored)
    }

    fn next_digest(&self, rule: &NotifyRule, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        rule.digest.as_ref().filter(|_| rule.enabled).and_then(|time| time.next_after(now, self.zone))
    }

    /// Checks that the channels, types and tasks exist, and that the tasks are in the actor's scope.
    async fn check(&self, tx: &mut Tx, actor: &Actor, rule: &NotifyRule) -> Result<()> {
        let mut faults = own_text::faults(&rule.templates);
        if !rule.tasks.is_within(&actor.scope) {
            let own = actor.scope.tags().unwrap_or_default().join(", ");
            faults.push(Fault::new("/tasks", message!("notify_rule.outside_scope", own).of("tasks")));
        }
        let channels = self.known_channels(tx).await?;
        for (place, name) in rule.channels.iter().enumerate().filter(|(_, name)| !channels.contains(name)) {
            faults.push(Fault::new(format!("/channels/{place}"), message!("notify_rule.no_channel", name).of("channels")));
        }
        let is_known = |name: &str| name == RULE_TYPE || self.registry.get(name).is_some();
        for (place, name) in rule.tasks.types.iter().enumerate().filter(|(_, name)| !is_known(name)) {
            faults.push(Fault::new(format!("/tasks/types/{place}"), message!("notify_rule.unknown_type", name).of("types")));
        }
        let ids: Vec<&str> = rule.tasks.ids.iter().map(String::as_str).collect();
        let known = tag_scope::existing_tasks(tx, &actor.scope, &ids).await?;
        for (place, id) in ids.iter().enumerate().filter(|(_, id)| !known.contains(**id)) {
            faults.push(Fault::new(format!("/tasks/ids/{place}"), message!("task.missing", id = truncate(id, 64)).of("ids")));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }
}

/// A rule that the actor may see, locked until the transaction ends and at the expected version.
async fn lock(tx: &mut Tx, actor: &Actor, name: &str, if_match: Option<i64>) -> Result<StoredRule> {
    let found = notify_rule::lock(tx, name).await?;
    let rule = visible(tx, actor, found.into_iter().collect()).await?.pop().ok_or_else(|| no_rule(name))?;
    match if_match {
        Some(given) if given != rule.version => Err(Error::Stale { given, current: rule.version }),
        _ => Ok(rule),
    }
}

/// Keeps the rules of which all tasks are in the actor's scope. Single tasks that are gone count as outside.
async fn visible(s: &mut dyn Session, actor: &Actor, mut rules: Vec<StoredRule>) -> Result<Vec<StoredRule>> {
    if actor.scope.is_all() {
        return Ok(rules);
    }
    let ids: HashSet<&str> = rules.iter().flat_map(|rule| &rule.definition.tasks.ids).map(String::as_str).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let known: HashSet<String> = tag_scope::visible_tasks(s, &actor.scope, &ids).await?;
    rules.retain(|rule| {
        let tasks = &rule.definition.tasks;
        tasks.is_within(&actor.scope) && tasks.ids.iter().all(|id| known.contains(id))
    });
    Ok(rules)
}

/// Faults with their pointers in a document.
fn below(place: usize, faults: Vec<Fault>) -> Vec<Fault> {
    faults.into_iter().map(|fault| Fault::new(format!("/notify_rules/{place}{}", fault.pointer), fault.message)).collect()
}

fn no_rule(name: &str) -> Error {
    Error::NotFound(message!("notify_rule.missing", name = truncate(name, 64)))
}
