//! Notes on a preview: clock changes, the end of the schedule, jitter.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::Trigger;
use super::cron::{ClockChangeClass, Cron};
use super::datetime::wall_text;
use super::zone::{change_between, offset_at};
use crate::i18n::{Message, message};

/// Maximum number of clock changes with a note.
const MAX_CHANGES: usize = 3;

/// Returns the notes on a preview that starts at `after` and lists `shown`.
pub(super) fn notes(trigger: &Trigger, shown: &[DateTime<Tz>], after: DateTime<Utc>) -> Vec<Message> {
    if let Trigger::Idle(_) = trigger {
        return vec![message!("note.idle")];
    }
    let mut notes = remarks(trigger);
    match shown.last() {
        None => notes.push(message!("note.never")),
        Some(last) if trigger.next_after(last.to_utc(), after).is_none() => notes.extend(no_more_firings(trigger, shown.len())),
        Some(_) => {}
    }
    // What a clock change does depends on the conditions too.
    let changes = if let Trigger::And(_) = trigger { Vec::new() } else { clock_changes(trigger.zone(), after, shown) };
    notes.extend(changes.into_iter().filter_map(|change| change.note(trigger)).take(MAX_CHANGES));
    if trigger.jitter() > 0 && !shown.is_empty() {
        notes.push(message!("note.jitter", seconds = trigger.jitter()));
    }
    notes
}

/// Returns the notes on how a rule is read.
pub(super) fn remarks(trigger: &Trigger) -> Vec<Message> {
    if let Trigger::And(and) = trigger {
        let mut notes: Vec<Message> = Vec::new();
        for note in and.all().flat_map(remarks) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        return notes;
    }
    let mut notes: Vec<Message> = zone_sign(trigger.zone()).into_iter().collect();
    if let Trigger::Cron(cron) = trigger {
        notes.extend(cron.remarks.iter().cloned());
    }
    notes
}

/// The note that zones such as `Etc/GMT+8` count hours behind UTC, not ahead of it.
fn zone_sign(zone: Tz) -> Option<Message> {
    let (sign, hours) = zone.name().strip_prefix("Etc/GMT")?.split_at_checked(1)?;
    let hours = hours.parse::<u32>().ok().filter(|hours| *hours > 0)?;
    let zone = zone.name();
    Some(if sign == "+" { message!("note.zone_behind", zone, hours) } else { message!("note.zone_ahead", zone, hours) })
}

/// The note that the schedule ends with the last time shown. A date trigger needs none.
fn no_more_firings(trigger: &Trigger, shown: usize) -> Option<Message> {
    let note = || if shown == 1 { message!("note.last_one") } else { message!("note.last_of_these") };
    (!matches!(trigger, Trigger::Date(_))).then(note)
}

/// A clock change; offsets are in seconds.
struct Change {
    at: i64,
    before: i64,
    after: i64,
}

/// Returns the clock changes between `after` and the last of `shown`.
fn clock_changes(zone: Tz, after: DateTime<Utc>, shown: &[DateTime<Tz>]) -> Vec<Change> {
    let mut from = after.timestamp();
    let mut changes = Vec::new();
    for until in shown.iter().map(DateTime::timestamp).filter(|until| *until > after.timestamp()) {
        let (before, now) = (offset_at(zone, from), offset_at(zone, until));
        if before != now {
            changes.push(Change { at: change_between(zone, from, until), before, after: now });
        }
        from = until;
    }
    changes
}

impl Change {
    /// Returns the note on how the change affects a trigger; `None` if it has no effect.
    fn note(&self, trigger: &Trigger) -> Option<Message> {
        match trigger {
            Trigger::Cron(cron) => self.cron_note(cron),
            Trigger::Interval(interval) if interval.seconds >= 3600 => Some(self.interval_note(interval.zone)),
            Trigger::Interval(_) | Trigger::Date(_) | Trigger::Idle(_) | Trigger::And(_) => None,
        }
    }

    fn cron_note(&self, cron: &Cron) -> Option<Message> {
        // The local times that are skipped or repeated.
        let (from, to) = (self.at + self.before.min(self.after), self.at + self.before.max(self.after));
        cron.rule.next_wall(from).filter(|wall| *wall < to)?;
        let (from, to) = (wall(from), wall(to));
        Some(match (self.after > self.before, cron.rule.class) {
            (true, ClockChangeClass::Hourly) => message!("note.gap_dropped", from, to),
            (true, _) => message!("note.gap_moved", from, to),
            (false, ClockChangeClass::Plain) => message!("note.twice_fires_once", from, to),
            (false, _) => message!("note.twice_fires_twice", from, to),
        })
    }

    fn interval_note(&self, zone: Tz) -> Message {
        let at = DateTime::from_timestamp(self.at, 0).map_or_else(String::new, |at| wall_text(at, zone));
        message!("note.interval_shifts", at, minutes = format!("{:+}", (self.after - self.before) / 60))
    }
}

fn wall(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).map_or_else(String::new, |wall| wall.format("%Y-%m-%d %H:%M").to_string())
}
