//! Response model of a trigger preview.

use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use poem_openapi::Object;

use super::Texts;
use super::named::Timestamp;
use crate::domain::schedule::{Preview, PreviewOccurrence};
use crate::i18n::Language;

/// The meaning and the fire times of a trigger.
#[derive(Default, Object)]
#[oai(rename = "Preview", read_only_all)]
pub struct PreviewView {
    /// The schedule in one line, independent of language.
    text: String,
    /// The schedule as text.
    description: Texts,
    /// The next fire times, in the trigger's zone, without jitter; empty if it never fires again.
    fire_times: Vec<Timestamp>,
    /// The same fire times with what a calendar did to them.
    occurrences: Vec<PreviewOccurrenceView>,
    /// Notes on unexpected behaviour (skipped or repeated hours, months without the day), in the caller's language.
    notes: Vec<String>,
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

impl PreviewView {
    pub fn new(preview: Preview, language: Language) -> Self {
        let text = |at: &DateTime<Tz>| Timestamp(at.to_rfc3339_opts(SecondsFormat::Millis, false));
        let occurrence = |one: &PreviewOccurrence| PreviewOccurrenceView {
            at: text(&one.at),
            scheduled_at: text(&one.scheduled_at),
            note: one.note.map(str::to_owned),
        };
        let occurrences = preview.occurrences.iter().map(occurrence).collect();
        Self {
            text: preview.text,
            description: Texts { en: preview.description_en, zh: preview.description_zh },
            fire_times: preview.occurrences.iter().map(|one| text(&one.at)).collect(),
            occurrences,
            notes: preview.notes.iter().map(|note| note.text(language)).collect(),
        }
    }
}
