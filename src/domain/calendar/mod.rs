//! Calendars: which days are working days, and when a team's windows are closed. A calendar is written as a [`Calendar`],
//! compiled into a [`CompiledCalendar`], and asked through a [`CombinedCalendar`], which may hold several.
//!
//! Everything here is total for every date, and quick: a day costs a binary search for each calendar that it is built on.

mod builtin;
mod combined;
mod compiled;
mod definition;
mod freeze;
mod holiday;
mod import;
mod names;
mod read;
mod set;
mod version;
mod window;

pub use builtin::{built_in_definition, built_in_names, missing_year};
pub use combined::CombinedCalendar;
pub(crate) use combined::{local_date, start_of};
pub use compiled::{CompiledCalendar, Day, Source};
pub use definition::{Calendar, DateRule, MAX_CALENDARS, MAX_DATES, YEARS, YearlyRule, is_reserved};
pub use freeze::{Freeze, FreezeSet, MAX_REASON};
pub use holiday::{DayName, Holiday};
pub use import::{ImportFormat, ImportedDays, MAX_FILE};
pub use names::{CN, WEEKDAYS};
pub use set::{CalendarSet, SetError};
pub use version::CalendarVersion;
