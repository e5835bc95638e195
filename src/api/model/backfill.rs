//! Response models of backfills.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::backfill::{Backfill, BackfillProgress};

view! {
    /// An accepted backfill.
    #[oai(read_only_all)]
    pub struct BackfillStarted from (backfill: &Backfill) {
        id: String = backfill.id.clone(),
        /// The number of chosen occurrences.
        planned: i64 = backfill.planned,
    }
}

/// A backfill with its progress.
#[derive(Default, Object)]
#[oai(rename = "Backfill", read_only_all)]
pub struct BackfillView {
    id: String,
    task_id: String,
    /// `running`, `finished` or `cancelled`.
    status: String,
    /// Which occurrences were chosen: `missing`, `failed`, `all`, or `chosen` one by one.
    only: String,
    /// The start of the span, inclusive.
    from: Timestamp,
    /// The end of the span, exclusive.
    to: Timestamp,
    concurrency: i64,
    /// The number of chosen occurrences.
    planned: i64,
    /// How many of them have no run yet; of a cancelled backfill: how many get none.
    waiting: i64,
    /// The runs that are on record, by status.
    runs: BTreeMap<String, i64>,
    /// The account that requested it.
    requested_by: String,
    created_at: Timestamp,
    /// Null: it is going on.
    finished_at: Option<Timestamp>,
}

impl From<BackfillProgress> for BackfillView {
    fn from(progress: BackfillProgress) -> Self {
        let BackfillProgress { backfill, waiting, runs } = progress;
        let time = |at| timestamp(at, Tz::UTC);
        Self {
            status: backfill.status().to_owned(),
            only: backfill.selection.as_str().to_owned(),
            from: time(backfill.from),
            to: time(backfill.to),
            concurrency: backfill.concurrency,
            planned: backfill.planned,
            waiting,
            runs: runs.into_iter().map(|(status, count)| (status.to_owned(), count)).collect(),
            requested_by: backfill.actor,
            created_at: time(backfill.created_at),
            finished_at: backfill.finished_at.map(time),
            id: backfill.id,
            task_id: backfill.task_id,
        }
    }
}
