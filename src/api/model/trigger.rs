//! Response model of a trigger preview.

use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use poem_openapi::Object;

use super::Texts;
use super::named::Timestamp;
use crate::domain::schedule::{Preview, PreviewOccurrence};
use crate::i18n::Language;

view! {
    /// The meaning and the fire times of a trigger.
    #[oai(rename = "Preview", read_only_all)]
    pub struct PreviewView new(preview: Preview, language: Language) where
        text = |at: &DateTime<Tz>| Timestamp(at.to_rfc3339_opts(SecondsFormat::Millis, false));
        occurrence = |one: &PreviewOccurrence| PreviewOccurrenceView {
            at: text(&one.at),
            scheduled_at: text(&one.scheduled_at),
            note: one.note.map(str::to_owned),
        };
        occurrences = preview.occurrences.iter().map(occurrence).collect();
    {
        /// The schedule in one line, independent of language.
        text: String = preview.text,
        /// The schedule as text.
        description: Texts = Texts { en: preview.description_en, zh: preview.description_zh },
        /// The next fire times, in the trigger's zone, without jitter; empty if it never fires again.
        fire_times: Vec<Timestamp> = preview.occurrences.iter().map(|one| text(&one.at)).collect(),
        /// The same fire times with what a calendar did to them.
        occurrences: Vec<PreviewOccurrenceView> = occurrences,
        /// Notes on unexpected behaviour (skipped or repeated hours, months without the day), in the caller's language.
        notes: Vec<String> = preview.notes.iter().map(|note| note.text(language)).collect(),
    }
}

/// A fire time and the time that the rule gives.
#[derive(Default, Object)]
#[oai(rename = "PreviewOccurrence", read_only_all)]
pub struct PreviewOccurrenceView {
    /// When it fires.
    at: Timestamp,
    /// The rule's own time: another one if a calendar moved it.
    scheduled_at: Timestamp,
    /// `moved` to another day, `held` until the calendar opened, or `provisional`: in a year that the calendar does not know yet.
    /// Null: as the rule says.
    note: Option<String>,
}
