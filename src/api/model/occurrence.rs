//! Response models of occurrences.

use chrono_tz::Tz;

use super::named::{CauseWord, Timestamp};
use super::timestamp;
use crate::domain::occurrence::TaskOccurrence;
use crate::i18n::Language;
use crate::service::Occurrences;

view! {
    /// The occurrences of a task in a span of time.
    #[oai(read_only_all)]
    pub struct OccurrenceList new(found: Occurrences, language: Language) where
        zone = found.zone;
    {
        /// Oldest first.
        items: Vec<OccurrenceView> = found.items.into_iter().map(|one| OccurrenceView::new(one, zone, language)).collect(),
        /// The time of the next occurrence. Null: there is none in the span.
        next: Option<Timestamp> = found.next.map(|at| timestamp(at, zone)),
    }
}

view! {
    /// A scheduled time of a task with what became of it.
    #[oai(rename = "Occurrence", read_only_all)]
    pub struct OccurrenceView new(one: TaskOccurrence, zone: Tz, language: Language) where
        reason = one.error_text(language);
    {
        scheduled_at: Timestamp = timestamp(one.scheduled_at, zone),
        /// The status of its newest run or record, `planned`, or `unrecorded`.
        status: String = one.outcome.as_str().to_owned(),
        /// The cause of the run; null without a record.
        cause: Option<CauseWord> = one.cause.map(|cause| CauseWord(cause.as_str())),
        /// Why it did not run, or failed.
        reason: Option<String> = (!reason.is_empty()).then_some(reason),
        /// The run or record; a record of a pause may stand for several occurrences.
        execution_id: Option<String> = one.execution_id,
    }
}
