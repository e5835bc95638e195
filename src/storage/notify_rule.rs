//! Notification rules.

use chrono::{DateTime, Utc};

use super::column::stored;
use super::statement::{execute, fetch};
use super::stored_json::parse_notify_rule;
use super::{Result, Session, Tx, millis};
use crate::domain::notify::rule::NotifyRule;

/// A rule with its version and who changed it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRule {
    pub definition: NotifyRule,
    /// Incremented by each change, from 1.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

stored! {
    COLUMNS: StoredRule { definition, version, created_at, updated_at, updated_by }
}

/// All rules, by name.
pub async fn all(s: &mut dyn Session) -> Result<Vec<StoredRule>> {
    fetch!(all, s, "read the notification rules", &all_sql())
}

pub(super) fn all_sql() -> String {
    format!("select {COLUMNS} from notify_rules order by name")
}

/// The definitions of all rules, by name: some hundreds at most.
pub async fn definitions(s: &mut dyn Session) -> Result<Vec<NotifyRule>> {
    let found: Vec<String> = fetch!(scalars, s, "read the notification rules", DEFINITIONS)?;
    found.iter().map(|text| parse_notify_rule(text)).collect()
}

pub(super) const DEFINITIONS: &str = "select definition from notify_rules order by name";

/// One rule.
pub async fn get(s: &mut dyn Session, name: &str) -> Result<Option<StoredRule>> {
    fetch!(optional, s, "read the notification rule", &get_sql(), name)
}

pub(super) fn get_sql() -> String {
    format!("select {COLUMNS} from notify_rules where name = $1")
}

/// As [`get`]; locks the rule until the transaction ends.
pub async fn lock(tx: &mut Tx, name: &str) -> Result<Option<StoredRule>> {
    let text = format!("{} {{for_update}}", get_sql());
    fetch!(optional, tx, "read the notification rule", &text, name)
}

/// Inserts a rule or replaces it. `digest_at` is when its next digest is due.
pub async fn put(tx: &mut Tx, rule: &StoredRule, digest_at: Option<DateTime<Utc>>) -> Result<()> {
    execute!(
        tx,
        "save the notification rule",
        PUT,
        &rule.definition.name,
        rule.definition.to_json().to_string(),
        rule.version,
        digest_at.map(millis),
        millis(rule.created_at),
        millis(rule.updated_at),
        &rule.updated_by
    )
    .map(drop)
}

pub(super) const PUT: &str = "
    insert into notify_rules (name, definition, version, digest_at, created_at, updated_at, updated_by)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (name) do update set definition = excluded.definition, version = excluded.version, digest_at = excluded.digest_at,
        updated_at = excluded.updated_at, updated_by = excluded.updated_by";

/// Deletes a rule. Returns false if there is none.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<bool> {
    Ok(execute!(tx, "delete the notification rule", DELETE, name)? > 0)
}

pub(super) const DELETE: &str = "delete from notify_rules where name = $1";

/// The names of the rules whose digest is due at `now`, with the time at which it was due.
pub async fn due_digests(s: &mut dyn Session, now: DateTime<Utc>) -> Result<Vec<(String, DateTime<Utc>)>> {
    let found: Vec<(String, i64)> = fetch!(all, s, "read due digests", DUE_DIGESTS, millis(now))?;
    found.into_iter().map(|(name, at)| Ok((name, super::time_from_millis(at)?))).collect()
}

pub(super) const DUE_DIGESTS: &str =
    "select name, digest_at from notify_rules where digest_at <= $1 and digest_at is not null order by name";

/// Sets when the digest of a rule is due, if it is still due at `from`. False: another node has done so.
pub async fn move_digest(tx: &mut Tx, name: &str, from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> Result<bool> {
    Ok(execute!(tx, "move a digest", MOVE_DIGEST, name, millis(from), to.map(millis))? > 0)
}

pub(super) const MOVE_DIGEST: &str =
    "update notify_rules set digest_at = $3 where name = $1 and digest_at = $2 and digest_at is not null";
