//! Reading the definition of a calendar.

use chrono::NaiveDate;
use serde_json::Value;

use super::definition::{
    Calendar, ClosureRule, DateRule, MAX_DATES, MAX_RULES, WEEKDAY_NAMES, YEARS, YearlyRule, check_name, is_reserved,
};
use super::names::WEEKDAYS;
use super::window::Window;
use crate::domain::fault::Fault;
use crate::domain::input::{Fields, display_value};
use crate::domain::trigger::parse_zone;
use crate::i18n::{Message, message};

const MAX_TITLE: usize = 200;
/// The maximum length of the name of a day or a closure.
const MAX_NAME: usize = 100;

impl Calendar {
    /// Parses a definition.
    ///
    /// # Errors
    /// Every fault, with pointers below `base`.
    pub fn parse(value: &Value, base: &str) -> Result<Calendar, Vec<Fault>> {
        calendar(value, base)
    }
}

fn calendar(value: &Value, base: &str) -> Result<Calendar, Vec<Fault>> {
    let mut f = Fields::new(value, base);
    let name = f.text("name", 64, "");
    match check_name(&name) {
        Err(message) => f.fault("name", message),
        Ok(()) if is_reserved(&name) => f.fault("name", message!("calendar.reserved_name", name = &name)),
        Ok(()) => {}
    }
    let mut calendar = Calendar::new(name, f.text("base", 64, WEEKDAYS));
    if let Err(message) = check_name(&calendar.base) {
        f.fault("base", message);
    }
    calendar.title = f.text("title", MAX_TITLE, "");
    calendar.color = color(&mut f);
    calendar.zone = zone(&mut f);
    calendar.weekdays = weekdays(&mut f);
    calendar.years = years(&mut f);
    calendar.dates = list(&mut f, base, "dates", MAX_DATES, date_rule);
    if calendar.date_count() > MAX_DATES {
        f.fault("dates", message!("calendar.too_many_dates", count = calendar.date_count(), max = MAX_DATES));
    }
    calendar.yearly = list(&mut f, base, "yearly", MAX_RULES, yearly_rule);
    calendar.closures = list(&mut f, base, "closures", MAX_RULES, closure_rule);
    f.finish(calendar)
}

fn color(f: &mut Fields) -> String {
    let color = f.text("color", 20, "");
    let hex = color.strip_prefix('#').unwrap_or_default();
    let is_hex = hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !color.is_empty() && !is_hex {
        f.fault("color", message!("calendar.invalid_color"));
    }
    color
}

fn zone(f: &mut Fields) -> Option<chrono_tz::Tz> {
    let given = f.take_nullable("timezone").filter(|value| !value.is_null())?;
    let zone = given.as_str().ok_or_else(|| message!("value.not_text", value = display_value(&given))).and_then(parse_zone);
    zone.map_err(|message| f.fault("timezone", message)).ok()
}

fn weekdays(f: &mut Fields) -> Option<[bool; 7]> {
    let given = f.take_nullable("weekdays").filter(|value| !value.is_null())?;
    let mut days = [false; 7];
    let names = given.as_array().map(Vec::as_slice);
    let unknown = match names {
        Some(names) => names.iter().find(|name| {
            let place = WEEKDAY_NAMES.iter().position(|day| name.as_str() == Some(day));
            place.and_then(|place| days.get_mut(place)).map(|day| *day = true).is_none()
        }),
        None => Some(&given),
    };
    if let Some(unknown) = unknown {
        let known = WEEKDAY_NAMES.join(", ");
        f.fault("weekdays", message!("value.not_one_of", value = display_value(unknown), known));
    }
    Some(days)
}

fn years(f: &mut Fields) -> Vec<i32> {
    let Some(given) = f.take("years") else { return Vec::new() };
    let year = |value: &Value| value.as_i64().and_then(|year| i32::try_from(year).ok()).filter(|year| YEARS.contains(year));
    let years = given.as_array().filter(|list| list.len() <= MAX_RULES).and_then(|list| list.iter().map(year).collect());
    let Some(mut years): Option<Vec<i32>> = years else {
        f.fault("years", message!("calendar.invalid_years", min = *YEARS.start(), max = *YEARS.end()));
        return Vec::new();
    };
    years.sort_unstable();
    years.dedup();
    years
}

/// A list of objects; each is read by `read`.
fn list<T>(f: &mut Fields, base: &str, name: &'static str, max: usize, read: impl Fn(&mut Fields) -> Option<T>) -> Vec<T> {
    let given = match f.take(name) {
        None => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(other) => {
            f.fault(name, message!("calendar.not_a_list", value = display_value(&other)));
            return Vec::new();
        }
    };
    if given.len() > max {
        f.fault(name, message!("calendar.list_too_long", count = given.len(), max));
        return Vec::new();
    }
    let one = |(place, item): (usize, &Value)| {
        let mut fields = Fields::new(item, &format!("{base}/{name}/{place}"));
        let item = read(&mut fields);
        f.collect(fields.finish(item)).flatten()
    };
    given.iter().enumerate().filter_map(one).collect()
}

fn date_rule(f: &mut Fields) -> Option<DateRule> {
    let date = date(f, "date", None);
    let until = date.and_then(|first| date_or(f, "until", first));
    let (working, name) = (f.boolean("working", false), day_name(f));
    let (date, until) = (date?, until?);
    if until < date {
        f.fault("until", message!("calendar.until_before_date"));
        return None;
    }
    Some(DateRule { date, until, working, name })
}

fn date_or(f: &mut Fields, field: &'static str, default: NaiveDate) -> Option<NaiveDate> {
    date(f, field, Some(default))
}

fn date(f: &mut Fields, field: &'static str, default: Option<NaiveDate>) -> Option<NaiveDate> {
    let text = f.text(field, 10, "");
    if text.is_empty() && default.is_some() {
        return default;
    }
    let parsed = parse_date(&text);
    if let Err(message) = &parsed {
        f.fault(field, message.clone());
    }
    parsed.ok()
}

/// Parses `YYYY-MM-DD`, 1970 to 9999.
///
/// # Errors
/// A message with the text and the form that is allowed.
pub(super) fn parse_date(text: &str) -> Result<NaiveDate, Message> {
    let well_formed = text.len() == 10 && text.is_ascii();
    let parsed = well_formed.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
    parsed
        .filter(|date| YEARS.contains(&chrono::Datelike::year(date)))
        .ok_or_else(|| message!("calendar.invalid_date", text = crate::domain::input::truncate(text, 20)))
}

fn yearly_rule(f: &mut Fields) -> Option<YearlyRule> {
    let text = f.text("date", 5, "");
    let (working, name) = (f.boolean("working", false), day_name(f));
    // A leap year, so that 02-29 is a date.
    let Ok(date) = parse_date(&format!("2000-{text}")) else {
        f.fault("date", message!("calendar.invalid_yearly", text));
        return None;
    };
    let (month, day) = (chrono::Datelike::month(&date), chrono::Datelike::day(&date));
    Some(YearlyRule { month, day, working, name })
}

fn closure_rule(f: &mut Fields) -> Option<ClosureRule> {
    let (window, name) = (f.text("window", 60, ""), day_name(f));
    if let Err(message) = Window::parse(&window) {
        f.fault("window", message);
        return None;
    }
    Some(ClosureRule { window, name })
}

fn day_name(f: &mut Fields) -> String {
    f.text("name", MAX_NAME, "").trim().to_owned()
}
