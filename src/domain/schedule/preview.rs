//! Previews: the next firings of a schedule, with notes.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Note, Planned, Schedule};
use crate::i18n::{Language, Message, message};

/// The most occurrences on closed days that are noted.
const MAX_CLOSED: usize = 10;

/// The description and the next firings of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    pub text: String,
    pub description_en: String,
    pub description_zh: String,
    /// Ascending.
    pub occurrences: Vec<PreviewOccurrence>,
    pub notes: Vec<Message>,
}

/// A firing, in the zone of the first rule, without jitter.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewOccurrence {
    pub at: DateTime<Tz>,
    /// The time by the rule.
    pub scheduled_at: DateTime<Tz>,
    /// `moved`, `held` or `provisional`.
    pub note: Option<&'static str>,
}

impl Schedule {
    /// The next `count` firings from the occurrence at `first` on. Occurrences that are closed are noted, but not more than a few.
    #[must_use]
    pub fn preview(&self, first: Option<DateTime<Utc>>, after: DateTime<Utc>, anchor: DateTime<Utc>, count: usize) -> Preview {
        let zone = self.zone();
        let (mut occurrences, mut closed, mut provisional) = (Vec::new(), Vec::new(), None);
        let mut next = first;
        while let Some(at) = next.filter(|_| occurrences.len() < count) {
            let one = self.planned(at, at, anchor);
            if one.provisional {
                provisional.get_or_insert_with(|| at.with_timezone(&zone).format("%Y").to_string());
            }
            next = self.next_after(at, anchor);
            match &one.note {
                Note::Closed(closing) => {
                    closed.push(message!("schedule.note_closed", at = local(at, zone), reason = closing.message()));
                    if closed.len() >= MAX_CLOSED {
                        next = self.next_open_after(at, anchor);
                    }
                }
                _ => occurrences.push(occurrence(&one, zone)),
            }
        }
        closed.truncate(MAX_CLOSED);
        let mut notes = self.notes(&occurrences, after);
        notes.extend(provisional.map(|year| message!("schedule.note_provisional", year)));
        notes.extend(closed);
        Preview {
            text: self.text(),
            description_en: self.describe(Language::English),
            description_zh: self.describe(Language::Chinese),
            occurrences,
            notes,
        }
    }

    /// The notes on the rules. Of a single rule also what follows from its times.
    fn notes(&self, occurrences: &[PreviewOccurrence], after: DateTime<Utc>) -> Vec<Message> {
        if self.is_simple() {
            let times: Vec<DateTime<Tz>> = occurrences.iter().map(|one| one.at).collect();
            return self.rules().first().notes(&times, after);
        }
        let mut notes: Vec<Message> = Vec::new();
        for note in self.rules().iter().filter(|rule| rule.enabled).flat_map(|rule| rule.trigger.remarks()) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        if occurrences.is_empty() {
            notes.push(message!("note.never"));
        }
        notes
    }
}

fn occurrence(one: &Planned<'_>, zone: Tz) -> PreviewOccurrence {
    PreviewOccurrence {
        at: one.scheduled_at.with_timezone(&zone),
        scheduled_at: one.original.with_timezone(&zone),
        note: one.note.as_str().or_else(|| one.provisional.then_some("provisional")),
    }
}

fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string()
}
