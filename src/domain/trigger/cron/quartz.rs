//! Weekday numbers of Quartz (1 = Sunday), which differ from those of crontab (0 = Sunday).

use super::field::WEEKDAYS;
use crate::domain::trigger::text::truncate;
use crate::i18n::{Message, message};

/// The remark that weekday numbers are read as crontab's, for an expression that may come from Quartz: with seconds, or with a sign
/// that crontab does not have. `None` if it has no weekday numbers.
pub(super) fn weekday_remark(parts: &[&str], day: &str, day_of_week: &str) -> Option<Message> {
    let foreign = parts.iter().any(|part| part.contains(['?', '#']))
        || day.contains(['W', 'w', 'L', 'l'])
        || day_of_week.contains(|c: char| c.is_ascii_digit()) && day_of_week.contains(['L', 'l']);
    if parts.len() == 5 && !foreign {
        return None;
    }
    let (here, quartz) = (named(day_of_week, 0)?, named(day_of_week, 1)?);
    Some(message!("note.quartz_weekdays", given = truncate(day_of_week), here, quartz))
}

/// The weekdays of a field by name, where Sunday has the number `sunday`; `None` if a number means no day, or none is given.
fn named(field: &str, sunday: usize) -> Option<String> {
    let elements: Option<Vec<String>> = field.split(',').map(|element| named_element(element, sunday)).collect();
    elements.map(|elements| elements.join(",")).filter(|named| named != field)
}

fn named_element(element: &str, sunday: usize) -> Option<String> {
    let name = |number: &str| {
        let day = number.parse::<usize>().ok()?.checked_sub(sunday)?;
        WEEKDAYS.get(if day == 7 && sunday == 0 { 0 } else { day }).copied()
    };
    let numbers = element.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'-').count();
    let (range, suffix) = element.split_at(numbers);
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match suffix.strip_prefix('/') {
        _ if range.is_empty() => Some(element.to_owned()),
        Some(step) => {
            let last = if range.contains('-') { last.parse::<usize>().ok()? } else { sunday + 6 };
            let days = (first.parse::<usize>().ok()?..=last).step_by(step.parse().ok().filter(|step| *step > 0)?);
            days.map(|day| name(&day.to_string())).collect::<Option<Vec<_>>>().map(|days| days.join(","))
        }
        None if first == last => Some(format!("{}{suffix}", name(first)?)),
        None => Some(format!("{}-{}{suffix}", name(first)?, name(last)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekday_numbers_are_named_in_both_countings() {
        let both = |field: &str| (named(field, 0), named(field, 1));
        let pair = |here: &str, quartz: &str| (Some(here.to_owned()), Some(quartz.to_owned()));
        assert_eq!(both("2-6"), pair("tue-sat", "mon-fri"));
        assert_eq!(both("6#3"), pair("sat#3", "fri#3"));
        assert_eq!(both("6L,MON"), pair("satL,MON", "friL,MON"));
        assert_eq!(both("2-6/2"), pair("tue,thu,sat", "mon,wed,fri"));
        assert_eq!(both("5-7"), pair("fri-sun", "thu-sat"));
        assert_eq!(named("0", 1), None);
        for field in ["*", "?", "*/2", "mon-fri", "fri#2"] {
            assert_eq!(both(field), (None, None), "{field}");
        }
    }
}
