//! What a trigger means, as the preview shows it.

use chrono::SecondsFormat;
use poem_openapi::Object;

use super::Texts;
use super::named::Instant;
use crate::domain::trigger::Lang;
use crate::service::Preview;

/// What a trigger means and when it fires.
#[derive(Default, Object)]
#[oai(rename = "Preview", read_only_all)]
pub struct PreviewView {
    /// The rule in one line, in no language.
    text: String,
    /// The rule in words.
    description: Texts,
    /// The coming firings, in the trigger's zone, without jitter; empty where it never fires again.
    fire_times: Vec<Instant>,
    /// What may surprise (skipped or repeated hours, months without the day), in the caller's language.
    notes: Vec<String>,
}

impl PreviewView {
    pub fn new(preview: Preview, lang: Lang) -> Self {
        let times = preview.fire_times.iter();
        Self {
            text: preview.text,
            description: Texts { en: preview.description_en, zh: preview.description_zh },
            fire_times: times.map(|at| Instant(at.to_rfc3339_opts(SecondsFormat::Millis, false))).collect(),
            notes: match lang {
                Lang::En => preview.notes_en,
                Lang::Zh => preview.notes_zh,
            },
        }
    }
}
