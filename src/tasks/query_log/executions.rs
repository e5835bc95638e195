//! Searches the log of executions, newest first, page by page.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::Found;
use super::condition::Counts;
use super::params::Params;
use crate::domain::execution::Execution;
use crate::domain::input::cut;
use crate::domain::page::{Cursor, Direction, ExecutionFilter, MAX_PAGE_SIZE, PageRequest};
use crate::storage::{Database, Error, execution, execution_list};
use crate::tasks::{RunContext, RunError};

/// Executions looked at, at most.
const SCAN_MAX: u64 = 100_000;
/// With a pattern their output is read too.
const SCAN_MAX_OUTPUT: u64 = 10_000;
/// The longest line that is told, in characters.
const LINE_MAX: usize = 500;

/// What is gathered on the way.
#[derive(Default)]
struct Gathered {
    looked_at: u64,
    counts: Counts,
    by_status: BTreeMap<&'static str, u64>,
    matches: Vec<Value>,
}

pub(super) async fn search(database: &Database, params: &Params, context: &RunContext) -> Result<Found, RunError> {
    let mut gathered = Gathered { counts: Counts { count: 0, failed: Some(0) }, ..Gathered::default() };
    let complete = gather(database, params, context, &mut gathered).await.map_err(|error| RunError::retry(error.to_string()))?;
    let Gathered { looked_at, counts, by_status, matches } = gathered;
    let result = json!({
        "source": "executions", "count": counts.count, "failed": counts.failed, "rate": counts.rate(),
        "by_status": by_status, "looked_at": looked_at, "complete": complete, "matches": matches,
    });
    Ok(Found { counts, result })
}

/// Goes through the log. Answers whether it came to the end of what was asked for.
async fn gather(database: &Database, params: &Params, context: &RunContext, gathered: &mut Gathered) -> Result<bool, Error> {
    let filter = ExecutionFilter {
        task_id: params.task_id.clone(),
        task_type: params.task_type.clone(),
        statuses: params.statuses.clone(),
        ..ExecutionFilter::default()
    };
    let most = if params.pattern.is_some() { SCAN_MAX_OUTPUT } else { SCAN_MAX };
    let mut cursor = params.to.map(before);
    loop {
        let request = PageRequest { size: MAX_PAGE_SIZE, cursor };
        // A connection for each page: a long search must not hold one all the time.
        let page = execution_list::page(&mut database.read().await?, &filter, &request).await?;
        for execution in page.items {
            if params.from.is_some_and(|from| execution.queued_at < from) {
                return Ok(true);
            }
            // The search itself is no finding.
            if execution.id == context.execution_id {
                continue;
            }
            gathered.looked_at += 1;
            if gathered.looked_at > most {
                return Ok(false);
            }
            if let Some(line) = matching(database, params, &execution).await? {
                gathered.add(&execution, line, params.limit);
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(true);
        }
    }
}

/// The edge of the log at an instant: ids begin with the time at which they were queued.
fn before(to: chrono::DateTime<chrono::Utc>) -> Cursor {
    let millis = u64::try_from(to.timestamp_millis()).unwrap_or_default();
    Cursor { direction: Direction::Next, key: None, id: ulid::Ulid::from_parts(millis, 0).to_string() }
}

/// Whether the pattern fits an execution, with the line it was found in.
async fn matching(database: &Database, params: &Params, execution: &Execution) -> Result<Option<Option<String>>, Error> {
    let Some(pattern) = &params.pattern else { return Ok(Some(None)) };
    if let Some(error) = execution.error.as_deref().filter(|error| pattern.is_match(error)) {
        return Ok(Some(Some(cut(error, LINE_MAX))));
    }
    let output = execution::output(&mut database.read().await?, &execution.id, None).await?;
    let text: String = output.into_iter().map(|chunk| chunk.text).collect();
    Ok(text.lines().find(|line| pattern.is_match(line)).map(|line| Some(cut(line, LINE_MAX))))
}

impl Gathered {
    fn add(&mut self, execution: &Execution, line: Option<String>, limit: usize) {
        self.counts.count += 1;
        if execution.status.is_failure() {
            *self.counts.failed.get_or_insert(0) += 1;
        }
        *self.by_status.entry(execution.status.as_str()).or_default() += 1;
        if self.matches.len() < limit {
            self.matches.push(told(execution, line));
        }
    }
}

fn told(execution: &Execution, line: Option<String>) -> Value {
    json!({
        "id": execution.id,
        "task_id": execution.task_id,
        "type": execution.task_type,
        "status": execution.status.as_str(),
        "scheduled_at": execution.scheduled_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "duration_ms": execution.duration_ms,
        "error": execution.error.as_deref().map(|error| cut(error, LINE_MAX)),
        "line": line,
    })
}
