//! Parser of one element of a cron field: `*`, `*/n`, `a`, `a-b`, `a/n`, `a-b/n`, names, and the day keywords.

use super::field::{DAY, DAY_OF_WEEK, Field, Form, Values, WEEKDAYS};
use crate::domain::trigger::text::{half_width, truncate};
use crate::i18n::{Message, message};

type Parsed<T> = Result<T, Message>;

/// Parses `element` (not empty, trimmed) and adds its values to `values`.
pub(super) fn read_element(field: &Field, form: Form, element: &str, values: &mut Values) -> Parsed<()> {
    if let Some(outcome) = read_day_keyword(field, form, element, values) {
        return outcome;
    }
    let (range, step) = element.split_once('/').map_or((element, None), |(range, step)| (range, Some(step)));
    if range == "*" {
        let step = read_step(field, form, element, step, (field.min, field.max), values)?;
        values.add(field, field.min, field.max, step);
        return Ok(());
    }
    if !field.names.is_empty() && range.contains(|c: char| c.is_alphabetic()) {
        return read_names(field, element, range, step, values);
    }
    read_numbers(field, form, element, range, step, values)
}

fn read_numbers(field: &Field, form: Form, element: &str, range: &str, step: Option<&str>, values: &mut Values) -> Parsed<()> {
    let limit = field.last_number(form);
    let (first, last) = match range.split_once('-') {
        Some((first, last)) => (number(field, limit, element, first)?, Some(number(field, limit, element, last)?)),
        None => (number(field, limit, element, range)?, None),
    };
    if let Some(last) = last.filter(|last| first > *last) {
        return Err(backwards(field, element, first, last, step));
    }
    let last = last.unwrap_or(if step.is_some() { field.max } else { first });
    let step = read_step(field, form, element, step, (first, last.max(first)), values)?;
    values.add(field, first, last, step);
    Ok(())
}

fn number(field: &Field, limit: u32, element: &str, digits: &str) -> Parsed<u32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unreadable(field, element));
    }
    if digits.len() > 9 {
        return Err(message!("cron.too_many_digits", value = truncate(digits), min = field.min, max = limit).of(field.name));
    }
    let outside = || message!("value.out_of_range", value = truncate(digits), min = field.min, max = limit).of(field.name);
    digits.parse().ok().filter(|value| (field.min..=limit).contains(value)).ok_or_else(outside)
}

/// Parses the step after `/`; 1 if there is none. In fields it is at most the length of the range. An expression may have a larger
/// one, as in crontab; then only the first value matches.
fn read_step(
    field: &Field,
    form: Form,
    element: &str,
    step: Option<&str>,
    (first, last): (u32, u32),
    values: &mut Values,
) -> Parsed<u32> {
    let Some(digits) = step else { return Ok(1) };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unreadable(field, element));
    }
    let (max, value) = (last - first, digits.parse().ok().filter(|_| digits.len() <= 9));
    match value {
        Some(step @ 1..) if step <= max => return Ok(step),
        Some(step @ 1..) if form == Form::Expression => {
            values.wide_step.get_or_insert((element.to_owned(), first));
            return Ok(step);
        }
        _ => {}
    }
    let element = truncate(element);
    Err(match max {
        0 => message!("cron.step_of_one_value", element),
        _ => message!("cron.step_out_of_range", element, min = 1, max),
    }
    .of(field.name))
}

fn read_names(field: &Field, element: &str, range: &str, step: Option<&str>, values: &mut Values) -> Parsed<()> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let both = [first, last];
    if both.iter().any(|part| part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty()) {
        return Err(message!("cron.name_and_number", element = truncate(element)).of(field.name));
    }
    let (first, last) = (name(field, element, first)?, name(field, element, last)?);
    if step.is_some() {
        return Err(message!("cron.step_of_names", element = truncate(element)).of(field.name));
    }
    if first <= last {
        values.add(field, first, last, 1);
    } else if field.name == DAY_OF_WEEK.name {
        values.add(field, first, last + 7, 1);
    } else {
        return Err(backwards(field, element, first, last, None));
    }
    Ok(())
}

/// Returns the value of a name: its first three English letters in any case.
fn name(field: &Field, element: &str, text: &str) -> Parsed<u32> {
    if text.is_empty() || !text.chars().all(char::is_alphabetic) {
        return Err(unreadable(field, element));
    }
    let place = field.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let value = place.and_then(|place| u32::try_from(place).ok()).map(|place| place + field.min);
    value.ok_or_else(|| message!("cron.unknown_name", name = truncate(text)).of(field.name))
}

/// The error for a range that runs backwards, with the correct spelling.
fn backwards(field: &Field, element: &str, first: u32, last: u32, step: Option<&str>) -> Message {
    let shown = |value: u32| match field.names {
        [] => value.to_string(),
        names => usize::try_from(value - field.min)
            .ok()
            .and_then(|place| names.get(place))
            .map_or_else(String::new, |name| (*name).to_owned()),
    };
    let span = |from: u32, to: u32| if from == to { shown(from) } else { format!("{}-{}", shown(from), shown(to)) };
    let advice = match field.name {
        "day_of_week" => weekdays_from(first, last, step),
        "year" => Some(span(last, first)),
        _ => Some(format!("{},{}", span(first, field.max), span(field.min, last))),
    };
    let advice = advice.filter(|_| step.is_none() || field.name == DAY_OF_WEEK.name);
    let element = truncate(element);
    match advice {
        Some(advice) => message!("cron.backwards_write", element, advice).of(field.name),
        None => message!("cron.backwards", element).of(field.name),
    }
}

/// Returns the weekday names that a backwards range of numbers stands for.
fn weekdays_from(first: u32, last: u32, step: Option<&str>) -> Option<String> {
    let name = |day: u32| usize::try_from(day % 7).ok().and_then(|day| WEEKDAYS.get(day)).copied();
    match step {
        None => Some(format!("{}-{}", name(first)?, name(last)?)),
        Some(step) => {
            let step = step.parse().ok().filter(|step| (1..=7).contains(step))?;
            let days: Vec<&str> = (first..=last + 7).step_by(step).filter_map(name).collect();
            Some(days.join(","))
        }
    }
}

/// Parses the day keywords, which only some fields allow; `None` if the element is not one.
fn read_day_keyword(field: &Field, form: Form, element: &str, values: &mut Values) -> Option<Parsed<()>> {
    match (field.name, form) {
        ("day", _) if element.eq_ignore_ascii_case("last") => values.days.last = true,
        ("day", Form::Expression) if element.eq_ignore_ascii_case("l") => values.days.last = true,
        ("day", Form::Expression) => return read_quartz_day(element, values),
        ("day", Form::Fields) if element.contains([' ', '\t']) => return Some(read_ordinal_weekday(element, values)),
        ("day_of_week", Form::Expression) => return read_nth_weekday(field, element, values),
        _ => return None,
    }
    Some(Ok(()))
}

/// Parses `LW`, `15W`, `L-3`; `None` if the element is none of them.
fn read_quartz_day(element: &str, values: &mut Values) -> Option<Parsed<()>> {
    let upper = element.to_ascii_uppercase();
    if upper == "LW" || upper == "WL" {
        values.days.nearest |= 1;
        return Some(Ok(()));
    }
    let (digits, limit, set) = match (upper.strip_suffix('W'), upper.strip_prefix("L-")) {
        (Some(day), None) => (day, 31, &mut values.days.nearest),
        (None, Some(back)) => (back, 30, &mut values.days.before_last),
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: Option<u32> = digits.parse().ok().filter(|number| (1..=limit).contains(number));
    let outside = || message!("value.out_of_range", value = truncate(digits), min = 1, max = limit).of(DAY.name);
    Some(number.map(|number| *set |= 1 << number).ok_or_else(outside))
}

/// Parses `2nd fri`, `last mon`.
fn read_ordinal_weekday(element: &str, values: &mut Values) -> Parsed<()> {
    const ORDINALS: [&str; 5] = ["1st", "2nd", "3rd", "4th", "5th"];
    let mut words = element.split([' ', '\t']).filter(|word| !word.is_empty());
    let (Some(ordinal), Some(weekday), None) = (words.next(), words.next(), words.next()) else {
        return Err(unreadable(&DAY, element));
    };
    let nth = ORDINALS.iter().position(|known| known.eq_ignore_ascii_case(ordinal));
    if nth.is_none() && !ordinal.eq_ignore_ascii_case("last") {
        return Err(message!("cron.unreadable_ordinal", element = truncate(element)).of(DAY.name));
    }
    let weekday = WEEKDAYS.iter().position(|known| known.eq_ignore_ascii_case(weekday));
    let weekday = weekday.ok_or_else(|| match weekday_word(element) {
        Some(name) => message!("cron.unknown_name", name = truncate(name)).of(DAY.name),
        None => unreadable(&DAY, element),
    })?;
    values.days.add_nth(weekday, nth);
    Ok(())
}

fn weekday_word(element: &str) -> Option<&str> {
    element.rsplit([' ', '\t']).next().filter(|word| word.chars().all(char::is_alphabetic))
}

/// Parses `fri#2`, `5#2`, `friL`, `5L`; `None` if there is neither `#` nor `L`.
fn read_nth_weekday(field: &Field, element: &str, values: &mut Values) -> Option<Parsed<()>> {
    let (weekday, nth) = match element.split_once('#') {
        Some((weekday, nth)) => (weekday, Some(nth)),
        None => {
            let weekday = element.strip_suffix(['L', 'l'])?;
            // Other texts end in an l too: it has this meaning only after a weekday or a number.
            let known = WEEKDAYS.iter().any(|name| name.eq_ignore_ascii_case(weekday));
            if !known && !weekday.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            (weekday, None)
        }
    };
    Some(one_weekday(field, element, weekday).and_then(|weekday| {
        let nth = nth.map(|nth| ordinal(field, element, nth)).transpose()?;
        values.days.add_nth(weekday, nth);
        Ok(())
    }))
}

fn one_weekday(field: &Field, element: &str, weekday: &str) -> Parsed<usize> {
    if let Some(day) = WEEKDAYS.iter().position(|name| name.eq_ignore_ascii_case(weekday)) {
        return Ok(day);
    }
    if !weekday.is_empty() && weekday.chars().all(char::is_alphabetic) {
        return Err(message!("cron.unknown_name", name = truncate(weekday)).of(field.name));
    }
    let day = number(field, 7, element, weekday)?;
    usize::try_from(day % 7).map_err(|_| unreadable(field, element))
}

/// Parses the number after `#` (1 to 5) and returns it counted from 0.
fn ordinal(field: &Field, element: &str, digits: &str) -> Parsed<usize> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unreadable(field, element));
    }
    let nth: Option<usize> = digits.parse().ok().filter(|nth| digits.len() <= 9 && (1..=5).contains(nth));
    nth.map(|nth| nth - 1).ok_or_else(|| message!("cron.ordinal_out_of_range", element = truncate(element)).of(field.name))
}

fn unreadable(field: &Field, element: &str) -> Message {
    let advice = match (field.name, element) {
        (_, "?") => Some("*".to_owned()),
        ("day", "L" | "l") => Some("last".to_owned()),
        // Quartz: the week's last day, Saturday.
        ("day_of_week", "L" | "l") => Some("sat".to_owned()),
        _ => half_width(element).filter(|written| read_element(field, Form::Fields, written, &mut Values::default()).is_ok()),
    };
    let element = truncate(element);
    match advice {
        Some(advice) => message!("cron.unreadable_write", element, advice).of(field.name),
        None => message!("cron.unreadable", element).of(field.name),
    }
}
