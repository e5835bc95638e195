//! Digests: one message about the runs of a day or a week of the tasks of a rule.

use chrono::{DateTime, Utc};

use super::incidents::DecisionTime;
use crate::domain::execution::Status;
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::message::{Field, NewMessage, Notice};
use crate::domain::notify::rule::{NotifyRule, Target};
use crate::i18n::{Message, message};
use crate::ids::new_id;
use crate::storage::digest::TaskInShort;
use crate::storage::{Reader, Result, Tx, digest, notify_message, notify_rule};

/// How many names a line has.
const NAMES: usize = 5;

/// The digest of a rule, ready to be queued.
pub(super) struct Digest {
    rule: NotifyRule,
    due_at: DateTime<Utc>,
    notice: Notice,
}

/// Reads what the digest of a rule tells at `due_at`; `None` if the rule is gone, disabled or has no digest.
pub(super) async fn read(reader: &mut Reader, name: &str, due_at: DateTime<Utc>, at: DecisionTime) -> Result<Option<Digest>> {
    let Some(rule) = notify_rule::get(reader, name).await?.map(|stored| stored.definition).filter(|rule| rule.enabled) else {
        return Ok(None);
    };
    let Some(time) = &rule.digest else { return Ok(None) };
    let from = time.span_start(due_at);
    let mut tasks = digest::tasks(reader).await?;
    tasks.retain(|task| rule.tasks.selects(&Target { id: &task.id, tags: &task.tags, task_type: &task.task_type }));
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let runs = digest::count_runs(reader, &ids, from).await?;
    let mut unsuccessful = digest::unsuccessful(reader, from).await?;
    unsuccessful.retain(|(id, ..)| ids.binary_search(&id.as_str()).is_ok());
    let report = Report { rule: &rule, from, due_at, runs, unsuccessful, tasks: &tasks, at };
    let notice = report.notice();
    Ok(Some(Digest { notice, due_at, rule }))
}

/// Queues a digest and moves the rule on to its next one. False: another node has done so.
pub(super) async fn send(tx: &mut Tx, digest: Digest, at: DecisionTime) -> Result<bool> {
    let Digest { rule, due_at, notice } = digest;
    let next = rule.digest.as_ref().and_then(|time| time.next_after(at.now, at.zone));
    if !notify_rule::move_digest(tx, &rule.name, due_at, next).await? {
        return Ok(false);
    }
    let message = |channel: &String| NewMessage {
        id: new_id(at.now),
        channel: channel.clone(),
        incident_id: None,
        rule: rule.name.clone(),
        notice: notice.clone(),
        not_before: at.now,
        created_at: at.now,
    };
    notify_message::insert(tx, &rule.channels.iter().map(message).collect::<Vec<_>>()).await?;
    Ok(true)
}

struct Report<'r> {
    rule: &'r NotifyRule,
    from: DateTime<Utc>,
    due_at: DateTime<Utc>,
    runs: i64,
    unsuccessful: Vec<(String, Status, i64)>,
    tasks: &'r [TaskInShort],
    at: DecisionTime,
}

impl Report<'_> {
    fn notice(&self) -> Notice {
        let language = self.rule.language;
        let failed = self.count(Status::is_failure);
        let date = self.local(self.due_at, "%Y-%m-%d");
        let title = message!("digest.title", name = &self.rule.name, date, runs = self.runs, failed).text(language);
        let field = |label: Message, value: String| Field { label: label.text(language), value };
        let fields = [
            field(message!("digest.runs"), self.runs.to_string()),
            field(message!("digest.failed"), self.with_names(failed, Status::is_failure)),
            field(message!("digest.missed"), self.of_status(Status::Missed)),
            field(message!("digest.skipped"), self.of_status(Status::Skipped)),
            field(message!("digest.slowest"), self.slowest()),
            field(message!("digest.changed"), self.changed()),
            field(message!("digest.next"), self.next()),
        ];
        Notice {
            urgent: self.rule.urgent,
            fields: fields.into_iter().filter(|field| !field.value.is_empty()).collect(),
            path: Some("/".to_owned()),
            ..Notice::new(new_id(self.at.now), NotifyEvent::Digest, language, title)
        }
    }

    fn count(&self, of: impl Fn(Status) -> bool) -> i64 {
        self.unsuccessful.iter().filter(|(_, status, _)| of(*status)).map(|(.., count)| count).sum()
    }

    fn of_status(&self, wanted: Status) -> String {
        match self.count(|status| status == wanted) {
            0 => String::new(),
            count => self.with_names(count, |status| status == wanted),
        }
    }

    /// A count with the tasks that have most of it: `7: import (4), report (3)`.
    fn with_names(&self, total: i64, of: impl Fn(Status) -> bool) -> String {
        let mut by_task: Vec<(&str, i64)> = Vec::new();
        for (id, _, count) in self.unsuccessful.iter().filter(|(_, status, _)| of(*status)) {
            match by_task.last_mut() {
                Some((last, sum)) if last == id => *sum += count,
                _ => by_task.push((id, *count)),
            }
        }
        by_task.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let names = by_task.iter().map(|(id, count)| format!("{id} ({count})"));
        match by_task.is_empty() {
            true => total.to_string(),
            false => format!("{total}: {}", first(names)),
        }
    }

    fn slowest(&self) -> String {
        let ran = self.tasks.iter().filter(|task| task.last_run_at.is_some_and(|at| at >= self.from));
        let mut runs: Vec<(&str, i64)> = ran.filter_map(|task| Some((task.id.as_str(), task.last_duration_ms?))).collect();
        runs.sort_by_key(|(_, ms)| std::cmp::Reverse(*ms));
        runs.truncate(NAMES);
        first(runs.into_iter().map(|(id, ms)| format!("{id} ({})", self.rule.language.duration(ms))))
    }

    fn changed(&self) -> String {
        let changed = self.tasks.iter().filter(|task| task.updated_at >= self.from || task.created_at >= self.from);
        first(changed.map(|task| task.id.clone()))
    }

    fn next(&self) -> String {
        let due = self.tasks.iter().filter(|task| task.enabled);
        let mut due: Vec<_> = due.filter_map(|task| Some((task.next_run_at?, task.id.as_str()))).collect();
        due.sort_unstable();
        due.truncate(NAMES);
        first(due.into_iter().map(|(at, id)| format!("{id} ({})", self.local(at, "%m-%d %H:%M"))))
    }

    fn local(&self, at: DateTime<Utc>, form: &str) -> String {
        let zone = self.rule.digest.as_ref().and_then(|time| time.zone).unwrap_or(self.at.zone);
        at.with_timezone(&zone).format(form).to_string()
    }
}

/// The first names, and how many there are besides.
fn first(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let shown = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown}, +{more}"),
    }
}
