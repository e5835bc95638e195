//! Search of the execution log, newest first, page by page.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::SearchResult;
use super::condition::Counts;
use super::params::Params;
use crate::domain::execution::Execution;
use crate::domain::input::truncate;
use crate::domain::output_lines;
use crate::domain::page::{Cursor, Direction, ExecutionFilter, MAX_PAGE_SIZE, PageRequest};
use crate::storage::{Database, Error, execution, execution_list};
use crate::tasks::{RunContext, RunError};

/// Maximum number of executions scanned.
const SCAN_MAX: u64 = 100_000;
/// The same with a pattern, which also reads the executions' output.
const SCAN_MAX_OUTPUT: u64 = 10_000;
/// Maximum length of a line in the result, in characters.
const LINE_MAX: usize = 500;

/// Counts and matches during the scan.
#[derive(Default)]
struct Tally {
    looked_at: u64,
    counts: Counts,
    by_status: BTreeMap<&'static str, u64>,
    matches: Vec<Value>,
}

pub(super) async fn search(database: &Database, params: &Params, context: &RunContext) -> Result<SearchResult, RunError> {
    let mut tally = Tally { counts: Counts { count: 0, failed: Some(0) }, ..Tally::default() };
    let complete = scan(database, params, context, &mut tally).await.map_err(|error| RunError::database(&error))?;
    let Tally { looked_at, counts, by_status, matches } = tally;
    let result = json!({
        "source": "executions", "count": counts.count, "failed": counts.failed, "rate": counts.rate(),
        "by_status": by_status, "looked_at": looked_at, "complete": complete, "matches": matches,
    });
    Ok(SearchResult { counts, result })
}

/// Scans the log. Returns whether the whole requested range was scanned.
async fn scan(database: &Database, params: &Params, context: &RunContext, tally: &mut Tally) -> Result<bool, Error> {
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
        // One connection per page, because a long search must not hold one all the time.
        let page = execution_list::page(&mut database.read().await?, &filter, &request).await?;
        for execution in page.items {
            if params.from.is_some_and(|from| execution.queued_at < from) {
                return Ok(true);
            }
            // The search's own execution is not a match.
            if execution.id == context.execution_id {
                continue;
            }
            tally.looked_at += 1;
            if tally.looked_at > most {
                return Ok(false);
            }
            if let Some(line) = matching(database, params, &execution).await? {
                tally.add(&execution, line, params.limit);
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(true);
        }
    }
}

/// The cursor at a time: ids of executions begin with the time at which they were queued.
fn before(to: chrono::DateTime<chrono::Utc>) -> Cursor {
    let millis = u64::try_from(to.timestamp_millis()).unwrap_or_default();
    Cursor { direction: Direction::Next, key: None, id: ulid::Ulid::from_parts(millis, 0).to_string() }
}

/// Whether an execution matches the pattern, with the matching line.
async fn matching(database: &Database, params: &Params, execution: &Execution) -> Result<Option<Option<String>>, Error> {
    let Some(pattern) = &params.pattern else { return Ok(Some(None)) };
    if let Some(error) = execution.error.as_deref().filter(|error| pattern.is_match(error)) {
        return Ok(Some(Some(truncate(error, LINE_MAX))));
    }
    let output = execution::output(&mut database.read().await?, &execution.id, None).await?;
    let text: String = output_lines::readable(output).into_iter().map(|chunk| chunk.text).collect();
    Ok(text.lines().find(|line| pattern.is_match(line)).map(|line| Some(truncate(line, LINE_MAX))))
}

impl Tally {
    fn add(&mut self, execution: &Execution, line: Option<String>, limit: usize) {
        self.counts.count += 1;
        if execution.status.is_failure() {
            *self.counts.failed.get_or_insert(0) += 1;
        }
        *self.by_status.entry(execution.status.as_str()).or_default() += 1;
        if self.matches.len() < limit {
            self.matches.push(execution_match(execution, line));
        }
    }
}

fn execution_match(execution: &Execution, line: Option<String>) -> Value {
    json!({
        "id": execution.id,
        "task_id": execution.task_id,
        "type": execution.task_type,
        "status": execution.status.as_str(),
        "scheduled_at": execution.scheduled_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "duration_ms": execution.duration_ms,
        "error": execution.error.as_deref().map(|error| truncate(error, LINE_MAX)),
        "line": line,
    })
}
