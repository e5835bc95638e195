//! Flags for the calendars of a schedule.

use clap::Args;
use serde_json::{Map, Value};

/// The calendars that decide on which days a task runs.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(super) struct CalendarFlags {
    /// A calendar, such as cn for the working days of China; repeatable. The task runs on working days.
    #[arg(long, value_name = "NAME")]
    calendar: Vec<String>,
    /// The days of the calendar: only (working days), except (the others), before_holiday or after_holiday.
    #[arg(long, value_name = "WORD", requires = "calendar")]
    calendar_rule: Option<String>,
    /// What happens while a calendar is closed: skip, next_working_day, previous_working_day or hold.
    #[arg(long, value_name = "WORD")]
    on_closed: Option<String>,
    /// Only on this working day of the month: 1 is the first, -1 the last.
    #[arg(long, value_name = "N", requires = "calendar", allow_negative_numbers = true)]
    nth_working_day: Option<i64>,
}

impl CalendarFlags {
    /// The given flags by the names of a task's fields.
    pub fn fields(&self) -> Map<String, Value> {
        let mut map = Map::new();
        if !self.calendar.is_empty() {
            map.insert("calendar".to_owned(), self.calendar.clone().into());
        }
        for (name, given) in [("calendar_rule", &self.calendar_rule), ("on_closed", &self.on_closed)] {
            map.extend(given.as_ref().map(|word| (name.to_owned(), word.as_str().into())));
        }
        map.extend(self.nth_working_day.map(|nth| ("nth_working_day".to_owned(), nth.into())));
        map
    }

    /// The flag that set a field, as it was written.
    pub fn shown(&self, field: &str) -> Option<String> {
        let flag = field.replace('_', "-");
        match self.fields().get(field)? {
            Value::Array(names) => names.first().map(|name| format!("--{flag} {name}")),
            value => Some(format!("--{flag} {value}")),
        }
    }
}
