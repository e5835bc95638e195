//! Rules by working day: the n-th of the month, the last before a holiday, the first after one. The other days have no
//! occurrences.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};

use super::MAX_STEPS;
use super::settings::CalendarRule;
use super::source::Source;
use crate::domain::calendar::CombinedCalendar;

/// How many months are searched for one with enough working days: the longest has 23 of them at least once a year.
const MAX_MONTHS: u32 = 36;
/// How many days are searched for a holiday.
const MAX_DAYS: u64 = 400;

impl Source<'_> {
    /// The rule's first time at or after `after` that lies on a selected day.
    pub(super) fn next_selected(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let Some(calendar) = self.calendar.filter(|_| self.selects()) else {
            return self.trigger.next_at_or_after(after, anchor);
        };
        let mut from = self.date(after)?;
        for _ in 0..MAX_STEPS {
            let selected = self.selected_day(calendar, from)?;
            let at = self.trigger.next_at_or_after(self.start_of(selected)?.max(after), anchor)?;
            let date = self.date(at)?;
            if date == selected {
                return Some(at);
            }
            from = date.max(selected.succ_opt()?);
        }
        None
    }

    fn selects(&self) -> bool {
        self.nth.is_some() || matches!(self.rule, CalendarRule::BeforeHoliday | CalendarRule::AfterHoliday)
    }

    /// The first selected day on or after `from`.
    fn selected_day(&self, calendar: &CombinedCalendar, from: NaiveDate) -> Option<NaiveDate> {
        if let Some(n) = self.nth {
            let month = |step| from.with_day(1)?.checked_add_months(Months::new(step));
            let nth = |month: NaiveDate| calendar.nth_working_day_of_month(month.year(), month.month(), n);
            return (0..MAX_MONTHS).map_while(month).filter_map(nth).find(|date| *date >= from);
        }
        let is_selected = |date: &NaiveDate| match self.rule {
            CalendarRule::BeforeHoliday => calendar.is_day_before_block(*date),
            _ => calendar.is_first_after_block(*date),
        };
        (0..MAX_DAYS).map_while(|step| from.checked_add_days(Days::new(step))).find(is_selected)
    }
}
