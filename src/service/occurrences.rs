//! Occurrences of a task: the times that its rules plan in a span, each with its outcome.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::deps::ServiceDeps;
use super::server_history::ServerHistory;
use super::{Error, Result, allow, tag_scope};
use crate::clock::SharedClock;
use crate::domain::occurrence::{self, OccurrenceRow, TaskOccurrence, Window};
use crate::domain::pause::Pause;
use crate::domain::pause_record;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::domain::verify::{self, Definition, RuleSpan};
use crate::i18n::message;
use crate::storage::verify as stored;
use crate::storage::{Database, Session, occurrence as rows};

/// The most occurrences of one answer.
pub const MAX_OCCURRENCES: i64 = 1000;
/// The longest span of one request.
const MAX_SPAN: TimeDelta = TimeDelta::days(400);
/// The most records read for one answer.
const MAX_ROWS: i64 = 120_000;

/// The span of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OccurrenceRequest {
    /// From, inclusive.
    pub from: DateTime<Utc>,
    /// To, exclusive.
    pub to: DateTime<Utc>,
    /// The most occurrences, 1 to [`MAX_OCCURRENCES`].
    pub limit: i64,
}

/// The occurrences of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrences {
    /// Oldest first.
    pub items: Vec<TaskOccurrence>,
    /// The time of the next one, if there are more.
    pub next: Option<DateTime<Utc>>,
    /// The task's time zone.
    pub zone: Tz,
}

/// What the kept versions of a task tell of its rules.
#[derive(Debug, Clone)]
pub(super) struct TaskTimeline {
    pub task: Task,
    pub zone: Tz,
    /// Oldest first.
    pub spans: Vec<RuleSpan>,
}

impl TaskTimeline {
    /// Reads the history of a task.
    pub async fn read(s: &mut dyn Session, task: Task, zone: Tz) -> Result<Self> {
        let found = stored::definitions(s, std::slice::from_ref(&task.id)).await?;
        let own = found.into_iter().filter(|one| one.former_key.is_empty());
        let definitions: Vec<Definition> = own.map(|one| one.definition).collect();
        let server = ServerHistory::read(s, zone).await?;
        let spans = verify::rule_spans(&definitions, &server.zones, None, &server.calendars);
        let zone = task.rules(zone).map_or(zone, |rules| rules.zone());
        Ok(Self { task, zone, spans })
    }

    /// From when on occurrences are not decided.
    pub fn undecided_from(&self) -> Option<DateTime<Utc>> {
        self.task.next_run_at.or(self.task.paused.as_ref().and_then(Pause::undecided_from))
    }

    /// The records of the occurrences in a span, and of those before it that may stand for them.
    pub async fn rows(&self, s: &mut dyn Session, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<OccurrenceRow>> {
        let span = (from - pause_record::SPAN, to);
        Ok(rows::rows_of(s, &self.task.id, self.task.created_at, span, MAX_ROWS).await?)
    }

    /// The occurrences of a span.
    pub fn occurrences(
        &self,
        rows: &[OccurrenceRow],
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
        limit: usize,
    ) -> (Vec<TaskOccurrence>, Option<DateTime<Utc>>) {
        let window = Window { from, to, undecided_from: self.undecided_from(), now, limit };
        occurrence::list(&self.task.id, &self.spans, rows, window)
    }
}

/// Lists occurrences.
#[derive(Clone)]
pub struct OccurrenceService {
    database: Database,
    clock: SharedClock,
    zone: Tz,
}

impl OccurrenceService {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        Self { database: deps.database.clone(), clock: deps.clock.clone(), zone: deps.zone }
    }

    /// The occurrences of a task in a span, each with what became of it. Those before the task existed follow from its rules of
    /// now.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if the span ends before it begins, or is longer than 400 days.
    pub async fn list(&self, actor: &Actor, id: &str, request: OccurrenceRequest) -> Result<Occurrences> {
        allow(actor, Action::See)?;
        let OccurrenceRequest { from, to, limit } = request;
        if from > to {
            return Err(Error::invalid("/from", message!("verify.from_after_to").of("from")));
        }
        if to - from > MAX_SPAN {
            return Err(Error::invalid("/to", message!("occurrence.span_too_long", days = MAX_SPAN.num_days()).of("to")));
        }
        let mut reader = self.database.read().await?;
        let task = tag_scope::task(&mut reader, actor, id).await?;
        let timeline = TaskTimeline::read(&mut reader, task, self.zone).await?;
        let found = timeline.rows(&mut reader, from, to).await?;
        let limit = usize::try_from(limit.clamp(1, MAX_OCCURRENCES)).unwrap_or(1);
        let (items, next) = timeline.occurrences(&found, (from, to), self.clock.now(), limit);
        Ok(Occurrences { items, next, zone: timeline.zone })
    }
}
