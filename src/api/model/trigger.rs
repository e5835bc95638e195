//! Response model of a trigger preview.

use chrono::SecondsFormat;
use poem_openapi::Object;

use super::Texts;
use super::named::Timestamp;
use crate::i18n::Language;
use crate::service::Preview;

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
    /// Notes on unexpected behaviour (skipped or repeated hours, months without the day), in the caller's language.
    notes: Vec<String>,
}

impl PreviewView {
    pub fn new(preview: Preview, language: Language) -> Self {
        let times = preview.fire_times.iter();
        Self {
            text: preview.text,
            description: Texts { en: preview.description_en, zh: preview.description_zh },
            fire_times: times.map(|at| Timestamp(at.to_rfc3339_opts(SecondsFormat::Millis, false))).collect(),
            notes: preview.notes.iter().map(|note| note.text(language)).collect(),
        }
    }
}
