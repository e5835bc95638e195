//! Response models of occurrences.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::{CauseWord, Timestamp};
use super::timestamp;
use crate::domain::occurrence::TaskOccurrence;
use crate::i18n::Language;
use crate::service::Occurrences;

/// The occurrences of a task in a span of time.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct OccurrenceList {
    /// Oldest first.
    items: Vec<OccurrenceView>,
    /// The time of the next occurrence. Null: there is none in the span.
    next: Option<Timestamp>,
}

/// A scheduled time of a task with what became of it.
#[derive(Default, Object)]
#[oai(rename = "Occurrence", read_only_all)]
pub struct OccurrenceView {
    scheduled_at: Timestamp,
    /// The status of its newest run or record, `planned`, or `unrecorded`.
    status: String,
    /// The cause of the run; null without a record.
    cause: Option<CauseWord>,
    /// Why it did not run, or failed.
    reason: Option<String>,
    /// The run or record; a record of a pause may stand for several occurrences.
    execution_id: Option<String>,
}

impl OccurrenceList {
    pub fn new(found: Occurrences, language: Language) -> Self {
        let zone = found.zone;
        Self {
            items: found.items.into_iter().map(|one| OccurrenceView::new(one, zone, language)).collect(),
            next: found.next.map(|at| timestamp(at, zone)),
        }
    }
}

impl OccurrenceView {
    fn new(one: TaskOccurrence, zone: Tz, language: Language) -> Self {
        let reason = one.error_text(language);
        Self {
            scheduled_at: timestamp(one.scheduled_at, zone),
            status: one.outcome.as_str().to_owned(),
            cause: one.cause.map(|cause| CauseWord(cause.as_str())),
            reason: (!reason.is_empty()).then_some(reason),
            execution_id: one.execution_id,
        }
    }
}
