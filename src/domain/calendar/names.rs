//! The names of the built-in calendars.

/// The name of China's calendar.
pub const CN: &str = "cn";
/// The name of the calendar whose working days are Monday to Friday.
pub const WEEKDAYS: &str = "weekdays";
/// The name of the calendar of which each day is a working day.
pub const EVERY_DAY: &str = "every_day";
