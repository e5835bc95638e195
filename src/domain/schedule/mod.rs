//! The schedule of a task: its rules, its calendars and the freezes together decide the occurrences.
//!
//! An occurrence is identified by its scheduled time, jitter left out. All functions depend on that time alone, so that each
//! process, at any time, finds the same occurrences. They are total, and each call looks at a bounded number of days.

mod closing;
mod describe;
mod explain;
mod history;
mod hold;
mod moves;
mod origin;
mod preview;
mod read;
mod rules;
mod select;
mod settings;
mod source;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

pub use closing::{Closing, FROZEN, Note, REASONS};
pub use history::{CalendarChange, CalendarHistory};
pub use origin::Origin;
pub use preview::{Preview, PreviewOccurrence};
pub use read::TakenSchedule;
pub use rules::{Rule, ScheduleRules};
pub use settings::{CalendarRule, FIELDS, MAX_RULES, OnClosed, RuleSettings, ScheduleSettings};

use self::source::{Candidate, Source};
use crate::domain::calendar::{CalendarSet, CombinedCalendar, Freeze, FreezeSet, local_date};
use crate::domain::trigger::Trigger;
use crate::i18n::Language;

/// The most days, closures or rules' times that one search passes over.
const MAX_STEPS: usize = 1500;

/// The rules of a task with the calendars and freezes in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    rules: ScheduleRules,
    calendar: Option<CombinedCalendar>,
    /// The freezes that concern the task; `None`: there is none.
    freezes: Option<Freezes>,
    /// Whether the first rule alone decides.
    simple: bool,
}

/// The freezes of a task with these tags.
#[derive(Debug, Clone, PartialEq)]
struct Freezes {
    set: FreezeSet,
    tags: Vec<String>,
}

/// An occurrence of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned<'s> {
    /// When it is due: the scheduled time with jitter.
    pub run_at: DateTime<Utc>,
    /// Its scheduled time, without jitter.
    pub scheduled_at: DateTime<Utc>,
    /// The time by the rule, if the calendar moved it; else as `scheduled_at`.
    pub original: DateTime<Utc>,
    /// The rule that it is of; of several at one time the first.
    pub rule: &'s Rule,
    pub note: Note,
    /// Whether a day that decides lies in a year that the calendar does not know yet.
    pub provisional: bool,
}

impl Planned<'_> {
    /// Whether it is recorded as skipped instead of run.
    pub const fn is_closed(&self) -> bool {
        matches!(self.note, Note::Closed(_))
    }
}

impl Schedule {
    fn new(
        rules: ScheduleRules,
        calendars: &CalendarSet,
        tags: &[String],
        since: Option<DateTime<Utc>>,
    ) -> Result<Schedule, String> {
        let names = rules.calendar_names();
        let calendar = if names.is_empty() { None } else { Some(calendars.combine(names)?) };
        let concerns = |freeze: &&Freeze| {
            freeze.tag.as_ref().is_none_or(|tag| tags.contains(tag)) && since.is_none_or(|since| since <= freeze.until)
        };
        let found: Vec<Freeze> = calendars.freezes.iter().filter(concerns).cloned().collect();
        let freezes = (!found.is_empty()).then(|| Freezes { set: FreezeSet::new(found), tags: tags.to_vec() });
        let simple = rules.is_single() && calendar.is_none() && freezes.is_none();
        Ok(Schedule { rules, calendar, freezes, simple })
    }

    /// A single rule without calendars and freezes.
    pub fn from_trigger(trigger: Trigger) -> Schedule {
        Schedule { rules: ScheduleRules::from_trigger(trigger), calendar: None, freezes: None, simple: true }
    }

    pub const fn rules(&self) -> &ScheduleRules {
        &self.rules
    }

    /// Whether every occurrence is simply one of the first rule.
    pub const fn is_simple(&self) -> bool {
        self.simple
    }

    /// When the last freeze that concerns it ends: from then on it is simpler without them. `None`: there is none.
    pub fn freezes_end(&self) -> Option<DateTime<Utc>> {
        self.freezes.as_ref()?.set.iter().map(|freeze| freeze.until).max()
    }

    /// See [`ScheduleRules::zone`].
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.rules.zone()
    }

    /// See [`ScheduleRules::text`].
    #[must_use]
    pub fn text(&self) -> String {
        self.rules.text()
    }

    /// See [`ScheduleRules::describe`].
    #[must_use]
    pub fn describe(&self, language: Language) -> String {
        self.rules.describe(language)
    }

    /// The versions of the calendars that decide, `cn@2026 release@3`; empty without calendars.
    pub fn calendar_versions(&self) -> String {
        self.calendar.as_ref().map(CombinedCalendar::version).unwrap_or_default()
    }

    /// The first scheduled time at or after `after`; `None`: there is none. `anchor` is the base of an interval without
    /// `start_date`.
    #[must_use]
    pub fn next_at_or_after(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.simple {
            return self.rules.first().next_at_or_after(after, anchor);
        }
        self.candidates(after, anchor).map(|(_, candidate)| candidate.at).min()
    }

    /// The first scheduled time after `after`.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.next_at_or_after(later(after)?, anchor)
    }

    /// The first scheduled time after `after` of an occurrence that is not closed; `None`: there is none within reach.
    pub fn next_open_after(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.simple {
            return self.next_after(after, anchor);
        }
        let from = later(after)?;
        self.sources().filter_map(|(_, source)| source.next_open(from, anchor)).map(|candidate| candidate.at).min()
    }

    /// The time with jitter of the occurrence at `at`: before the next occurrence.
    #[must_use]
    pub fn fire_time(&self, at: DateTime<Utc>, key: &str, anchor: DateTime<Utc>) -> DateTime<Utc> {
        if self.simple {
            return self.rules.first().fire_time(at, key, anchor);
        }
        let trigger = &self.occurrence_at(at, anchor).0.trigger;
        if trigger.jitter() == 0 { at } else { trigger.fire_time_before(at, key, self.next_after(at, anchor)) }
    }

    /// The occurrence at a scheduled time, without jitter. A time that is none is treated as one of the first rule.
    pub fn planned(&self, scheduled_at: DateTime<Utc>, run_at: DateTime<Utc>, anchor: DateTime<Utc>) -> Planned<'_> {
        if self.simple {
            let (rule, original, note) = (self.rules.first_rule(), scheduled_at, Note::Regular);
            return Planned { run_at, scheduled_at, original, rule, note, provisional: false };
        }
        let (rule, Candidate { original, note, provisional, .. }) = self.occurrence_at(scheduled_at, anchor);
        Planned { run_at, scheduled_at, original, rule, note, provisional }
    }

    /// An occurrence at a time that no rule gives, of an idle trigger: closed if the time is.
    pub fn unplanned(&self, at: DateTime<Utc>) -> Planned<'_> {
        let rule = self.rules.first_rule();
        let Candidate { original, note, provisional, .. } = self.source(&rule.trigger).judged(at, at);
        Planned { run_at: at, scheduled_at: at, original, rule, note, provisional }
    }

    /// The occurrences with a scheduled time at or after `from`, ascending. `key` is the id of the task.
    pub fn occurrences<'s>(
        &'s self,
        key: &'s str,
        from: DateTime<Utc>,
        anchor: DateTime<Utc>,
    ) -> impl Iterator<Item = Planned<'s>> + 's {
        let times = std::iter::successors(self.next_at_or_after(from, anchor), move |at| self.next_after(*at, anchor));
        times.map(move |at| self.planned(at, self.fire_time(at, key, anchor), anchor))
    }

    /// Whether its rules have times but the calendars are closed at all of them within reach. Not known, and so false, where a year
    /// to come may have days that open, and of calendars with windows.
    pub fn never_opens(&self, from: DateTime<Utc>, anchor: DateTime<Utc>) -> bool {
        let Some(calendar) = self.calendar.as_ref() else { return false };
        let waits_for_data =
            matches!(self.rules.calendar().map(|used| used.rule), Some(CalendarRule::BeforeHoliday | CalendarRule::AfterHoliday))
                && local_date(from + TimeDelta::days(366), self.zone()).is_some_and(|date| calendar.is_provisional(date))
                || calendar.has_windows();
        let has_times = self.sources().any(|(_, source)| source.has_times(from, anchor));
        has_times && !waits_for_data && !self.sources().any(|(_, source)| source.next_open(from, anchor).is_some())
    }

    /// The first occurrence at `at` that runs, else the first; a time without any is one of the first rule.
    fn occurrence_at(&self, at: DateTime<Utc>, anchor: DateTime<Utc>) -> (&Rule, Candidate) {
        let mut found: Option<(&Rule, Candidate)> = None;
        for (rule, candidate) in self.candidates(at, anchor).filter(|(_, candidate)| candidate.at == at) {
            if !candidate.is_closed() {
                return (rule, candidate);
            }
            found.get_or_insert((rule, candidate));
        }
        found.unwrap_or_else(|| (self.rules.first_rule(), Candidate::regular(at)))
    }

    /// The next candidate of each enabled rule.
    fn candidates(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> impl Iterator<Item = (&Rule, Candidate)> {
        self.sources().filter_map(move |(rule, source)| source.next(after, anchor).map(|candidate| (rule, candidate)))
    }

    fn sources(&self) -> impl Iterator<Item = (&Rule, Source<'_>)> {
        self.rules.iter().filter(|rule| rule.enabled).map(|rule| (rule, self.source(&rule.trigger)))
    }

    fn source<'s>(&'s self, trigger: &'s Trigger) -> Source<'s> {
        let used = self.rules.calendar();
        Source {
            trigger,
            zone: trigger.zone(),
            calendar: self.calendar.as_ref(),
            freezes: self.freezes.as_ref(),
            rule: used.map_or(CalendarRule::Only, |used| used.rule),
            on_closed: used.map_or(OnClosed::Skip, |used| used.on_closed),
            nth: used.and_then(|used| used.nth_working_day),
        }
    }
}

fn later(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    at.checked_add_signed(TimeDelta::nanoseconds(1))
}
