//! Parser of cron expressions: five to seven fields, a time of day, or a nickname such as `@daily`.

use super::field::{DAY, DAY_OF_WEEK, Form, HOUR, MINUTE, MONTH, SECOND, Values, WEEK, YEAR};
use super::list::read_field;
use super::quartz;
use super::rule::Fields;
use crate::domain::trigger::text::{half_width, is_blank, truncate};
use crate::i18n::{Message, message};

/// Parses an expression; also returns remarks on what could be mistaken. The error message names the field or the expression, the
/// invalid part and what is allowed.
pub(crate) fn read_expression(text: &str) -> Result<(Fields, Vec<Message>), Message> {
    let text = text.trim_matches(is_blank);
    if text.contains(['\r', '\n']) {
        return Err(message!("cron.several_lines").of("expression"));
    }
    if let Some(written) = half_width(text).filter(|_| text.chars().any(|c| !c.is_ascii() && !c.is_whitespace())) {
        return Err(message!("cron.full_width", text = truncate(text), advice = written).of("expression"));
    }
    let parts: Vec<&str> = text.split_whitespace().collect();
    match parts[..] {
        [nickname] if nickname.starts_with('@') => from_fields(nickname_fields(nickname)?),
        [time] if time.contains(':') => Ok((time_of_day(time)?, Vec::new())),
        _ => from_fields(&parts),
    }
}

fn nickname_fields(nickname: &str) -> Result<&'static [&'static str], Message> {
    const HOURLY: &[&str] = &["0", "*", "*", "*", "*"];
    const DAILY: &[&str] = &["0", "0", "*", "*", "*"];
    const WEEKLY: &[&str] = &["0", "0", "*", "*", "sun"];
    const MONTHLY: &[&str] = &["0", "0", "1", "*", "*"];
    const YEARLY: &[&str] = &["0", "0", "1", "1", "*"];
    match nickname.to_ascii_lowercase().as_str() {
        "@hourly" => Ok(HOURLY),
        "@daily" | "@midnight" => Ok(DAILY),
        "@weekly" => Ok(WEEKLY),
        "@monthly" => Ok(MONTHLY),
        "@yearly" | "@annually" => Ok(YEARLY),
        _ => Err(message!("cron.unknown_nickname", name = truncate(nickname)).of("expression")),
    }
}

/// Parses `HH:MM` or `HH:MM:SS`: daily at that time.
fn time_of_day(text: &str) -> Result<Fields, Message> {
    let wrong = || message!("cron.not_a_time_of_day", text = truncate(text)).of("expression");
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, "00"),
        [hour, minute, second] => (hour, minute, second),
        _ => return Err(wrong()),
    };
    let part = |digits: &str, min_digits: usize, max: u32| {
        let well_formed = (min_digits..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|value| well_formed && *value <= max).ok_or_else(wrong)
    };
    let (hour, minute, second) = (part(hour, 1, HOUR.max)?, part(minute, 2, MINUTE.max)?, part(second, 2, SECOND.max)?);
    Ok(Fields { hour: Values::only(hour), minute: Values::only(minute), second: Values::only(second), ..midnight_every_day() })
}

/// Reads five fields, six with seconds first, or seven with seconds first and the year last, as Quartz has them.
fn from_fields(parts: &[&str]) -> Result<(Fields, Vec<Message>), Message> {
    let (second, rest, year) = match parts {
        [_, _, _, _, _] => ("0", parts, "*"),
        [second, rest @ ..] if rest.len() == 5 => (*second, rest, "*"),
        [second, rest @ .., year] if rest.len() == 5 => (*second, rest, *year),
        _ => return Err(message!("cron.field_count", count = parts.len()).of("expression")),
    };
    let part = |place: usize| rest.get(place).copied().unwrap_or_default();
    let read = |field, place: usize| read_field(field, Form::Expression, part(place));
    let second = read_field(&SECOND, Form::Expression, second)?;
    let (minute, hour, day) = (read(&MINUTE, 0)?, read(&HOUR, 1)?, read(&DAY, 2)?);
    let (month, day_of_week) = (read(&MONTH, 3)?, read(&DAY_OF_WEEK, 4)?);
    let year = read_field(&YEAR, Form::Expression, year)?;
    let read = [&second, &minute, &hour, &day, &month, &day_of_week, &year].into_iter().zip(NAMES);
    let mut remarks: Vec<Message> = read.filter_map(|(values, name)| wide_step(values, name)).collect();
    remarks.extend(quartz::weekday_remark(parts, part(2), part(4)));
    // crontab(5): a day matches if either field does, unless one of them starts with `*`.
    let either_day = !day.starred && !day_of_week.starred;
    let fields = Fields { year, month, day, day_of_week, hour, minute, second, either_day, ..midnight_every_day() };
    Ok((fields, remarks))
}

/// The fields of an expression with seconds and year, in order.
const NAMES: [&str; 7] = ["second", "minute", "hour", "day", "month", "day_of_week", "year"];

/// The remark that a step is larger than its range.
fn wide_step(values: &Values, field: &'static str) -> Option<Message> {
    let (element, value) = values.wide_step.as_ref()?;
    Some(message!("note.wide_step", field, element = truncate(element), value = *value))
}

/// Fields that match every day at 00:00:00.
fn midnight_every_day() -> Fields {
    Fields {
        year: Values::every(&YEAR),
        month: Values::every(&MONTH),
        day: Values::every(&DAY),
        week: Values::every(&WEEK),
        day_of_week: Values::every(&DAY_OF_WEEK),
        hour: Values::only(0),
        minute: Values::only(0),
        second: Values::only(0),
        either_day: false,
    }
}
