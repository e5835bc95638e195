//! Verification: recomputes the occurrences of a span from the kept versions of tasks and compares them with the log.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::deps::ServiceDeps;
use super::server_history::{ServerHistory, repeated_times};
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::pause::Pause;
use crate::domain::pause_record;
use crate::domain::retention::DefaultRetention;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::domain::verify::{self, Definition, Findings, LogRow, Overlaps, RuleSpan, TaskHistory};
use crate::i18n::message;
use crate::storage::verify::{self as stored, StoredDefinition};
use crate::storage::{Database, Session, task};

/// Tasks read at a time.
const CHUNK: i64 = 20;
/// The span without limits given.
const DEFAULT_SPAN: chrono::Duration = chrono::Duration::hours(24);
/// Retention runs every few minutes: rows that old may be gone or not.
const RETENTION_MARGIN: chrono::Duration = chrono::Duration::minutes(10);
/// Runs that ended this long before an occurrence was decided, or are requested this long after it, are read as well.
const RUNS_MARGIN: chrono::Duration = chrono::Duration::minutes(1);

/// The span and the tasks to verify.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyRequest {
    /// From, inclusive; by default a day before `to`.
    pub from: Option<DateTime<Utc>>,
    /// To, exclusive; by default now.
    pub to: Option<DateTime<Utc>>,
    /// Only this task.
    pub task_id: Option<String>,
}

/// The result of a verification with its span.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub findings: Findings,
}

/// Verifies the log.
#[derive(Clone)]
pub struct VerifyService {
    database: Database,
    clock: SharedClock,
    zone: Tz,
    retention: DefaultRetention,
}

impl VerifyService {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        let (database, clock) = (deps.database.clone(), deps.clock.clone());
        Self { database, clock, zone: deps.zone, retention: deps.retention }
    }

    /// Verifies the log of a span. Reads only.
    ///
    /// # Errors
    /// [`Error::Forbidden`] unless the actor is an administrator; [`Error::Invalid`] if the span ends before it begins;
    /// [`Error::NotFound`] for a task of which nothing is known.
    pub async fn verify(&self, actor: &Actor, request: &VerifyRequest) -> Result<Verification> {
        allow(actor, Action::Administer)?;
        let now = self.clock.now();
        let to = request.to.unwrap_or(now).min(now);
        let from = request.from.unwrap_or(to - DEFAULT_SPAN);
        if from > to {
            return Err(Error::invalid("/from", message!("verify.from_after_to").of("from")));
        }
        let mut findings = Findings::default();
        if let Some(id) = &request.task_id {
            let known = self.verify_tasks(vec![id.clone()], from, to, &mut findings).await?;
            if !known {
                return Err(Error::no_task(id));
            }
            return Ok(Verification { from, to, findings });
        }
        let mut after = String::new();
        loop {
            let ids = stored::task_ids(&mut self.database.read().await?, &after, CHUNK).await?;
            let Some(last) = ids.last().cloned() else { return Ok(Verification { from, to, findings }) };
            after = last;
            self.verify_tasks(ids, from, to, &mut findings).await?;
        }
    }

    /// Verifies some tasks. Returns whether anything is known of them.
    async fn verify_tasks(
        &self,
        ids: Vec<String>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        findings: &mut Findings,
    ) -> Result<bool> {
        let mut histories = self.histories(&ids).await?;
        let mut rows = stored::log_rows(&mut self.database.read().await?, &ids, from - pause_record::SPAN, to).await?;
        self.add_runs(&mut histories, &rows).await?;
        let known = !histories.is_empty();
        let matched = tokio::task::spawn_blocking(move || {
            let mut found = Findings::default();
            for history in &histories {
                let rows = rows.remove(&history.task_id).unwrap_or_default();
                found.add(verify::verify(history, &rows, from, to));
            }
            found
        });
        findings.add(matched.await.map_err(|error| Error::Internal(Box::new(error)))?);
        Ok(known)
    }

    /// Adds the runs by which reasons that name the limit of concurrent runs are computed anew.
    async fn add_runs(&self, histories: &mut [TaskHistory], rows: &BTreeMap<String, Vec<LogRow>>) -> Result<()> {
        let of_task = |(id, rows): (&String, &Vec<LogRow>)| {
            let mut decided = rows.iter().filter(|row| row.limit.is_some()).map(|row| row.queued_at);
            let first = decided.next()?;
            Some((id.clone(), decided.fold((first, first), |(from, to), at| (from.min(at), to.max(at)))))
        };
        let spans: BTreeMap<String, _> = rows.iter().filter_map(of_task).collect();
        let Some((from, to)) = spans.values().copied().reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))) else {
            return Ok(());
        };
        let ids: Vec<String> = spans.into_keys().collect();
        let mut reader = self.database.read().await?;
        let mut runs = stored::run_intervals(&mut reader, &ids, from - RUNS_MARGIN, to + RUNS_MARGIN).await?;
        for history in histories {
            history.overlaps.runs = runs.remove(&history.task_id).unwrap_or_default();
        }
        Ok(())
    }

    /// What is known of tasks besides their log. The tasks are read before the log: what is decided later is not missing.
    async fn histories(&self, ids: &[String]) -> Result<Vec<TaskHistory>> {
        let mut reader = self.database.read().await?;
        let tasks: HashMap<String, Task> =
            task::many(&mut reader, ids).await?.into_iter().map(|task| (task.id.clone(), task)).collect();
        let definitions = stored::definitions(&mut reader, ids).await?;
        let kept_from = self.kept_from(&mut reader, ids, &tasks).await?;
        let server = ServerHistory::read(&mut reader, self.zone).await?;
        let repeated = repeated_times(&mut reader).await?;
        let history = |id: &String| {
            let own: Vec<&StoredDefinition> = definitions.iter().filter(|one| one.task_id == *id).collect();
            let spans = spans(&own, &server);
            let overlaps = Overlaps { limits: limits(&own), runs: Vec::new(), repeated: repeated.clone() };
            let undecided = |task: &Task| task.next_run_at.or(task.paused.as_ref().and_then(Pause::undecided_from));
            let next_run_at = tasks.get(id).and_then(undecided);
            TaskHistory { task_id: id.clone(), spans, next_run_at, kept_from: kept_from.get(id).copied(), overlaps }
        };
        Ok(ids.iter().map(history).filter(|history| !history.spans.is_empty()).collect())
    }

    /// From when on the rows of tasks are complete, where retention may have deleted some.
    async fn kept_from(
        &self,
        s: &mut dyn Session,
        ids: &[String],
        tasks: &HashMap<String, Task>,
    ) -> Result<HashMap<String, DateTime<Utc>>> {
        let extents = stored::extents(s, ids).await?;
        let now = self.clock.now();
        let kept_from = |id: &String| {
            let own = tasks.get(id).map(|task| task.policy.retention).unwrap_or_default();
            let days = |days: u32| (days > 0).then(|| chrono::Duration::days(i64::from(days)));
            let age = own.max_age_days.map_or(self.retention.age, days);
            let number = |count: u32| (count > 0).then_some(i64::from(count));
            let number = own.max_executions.map_or(self.retention.per_task, number);
            let by_age = age.and_then(|age| now.checked_sub_signed(age)).map(|at| at + RETENTION_MARGIN);
            // Close to the number kept, older rows may be gone.
            let by_number =
                extents.get(id).filter(|(count, _)| number.is_some_and(|number| *count * 2 >= number)).map(|(_, oldest)| *oldest);
            [by_age, by_number].into_iter().flatten().max().map(|at| (id.clone(), at))
        };
        Ok(ids.iter().filter_map(kept_from).collect())
    }
}

/// The spans of a task and of the deleted ones that had its id, in order.
fn spans(all: &[&StoredDefinition], server: &ServerHistory) -> Vec<RuleSpan> {
    let of_one = |task: &[&StoredDefinition]| {
        let definitions: Vec<Definition> = task.iter().map(|one| one.definition.clone()).collect();
        verify::rule_spans(&definitions, &server.zones, task.last().and_then(|one| one.deleted_at), &server.calendars)
    };
    all.chunk_by(|one, other| one.former_key == other.former_key).flat_map(of_one).collect()
}

/// The limits of concurrent runs of a task's definitions, each with the time from which it was in force.
fn limits(all: &[&StoredDefinition]) -> Vec<(DateTime<Utc>, i64)> {
    let limit = |one: &&StoredDefinition| Some((one.definition.at, one.definition.content["policy"]["max_instances"].as_i64()?));
    all.iter().filter_map(limit).collect()
}
