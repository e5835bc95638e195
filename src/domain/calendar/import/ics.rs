//! Events as iCalendar (RFC 5545): each VEVENT is a closed day or a range of them; an event whose name says that work is made up
//! (班, `work`) is a working day. Recurring events are refused, because their days are not listed.

use chrono::NaiveDate;

use super::super::read::parse_date;
use super::{ImportedDays, is_weekend, says_work};
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// The most lines of a file, and the longest unfolded one in bytes.
const MAX_LINES: usize = 200_000;
const MAX_LINE: usize = 10_000;
/// The longest event, in days.
const MAX_DAYS: i64 = 400;

#[derive(Debug, Default)]
struct Event {
    begin: Option<NaiveDate>,
    /// The last day.
    end: Option<NaiveDate>,
    name: String,
    recurs: bool,
}

pub(super) fn read(text: &str) -> Result<ImportedDays, Fault> {
    let (mut days, mut event) = (ImportedDays::default(), None::<Event>);
    for (number, line) in unfolded(text)? {
        let at = |message: Message| Fault::new("", message!("calendar.import_line", line = number, message));
        let Some((head, value)) = line.split_once(':') else { continue };
        let mut head = head.split(';');
        let name = head.next().unwrap_or_default().trim().to_ascii_uppercase();
        match (name.as_str(), event.as_mut()) {
            ("BEGIN", _) if value.trim().eq_ignore_ascii_case("VEVENT") => event = Some(Event::default()),
            ("END", Some(_)) if value.trim().eq_ignore_ascii_case("VEVENT") => {
                add(&mut days, &event.take().unwrap_or_default()).map_err(at)?;
            }
            ("DTSTART", Some(event)) => event.begin = Some(day(value).map_err(at)?),
            // An end without a time is the day after the last one.
            ("DTEND", Some(event)) => {
                let end = day(value).map_err(at)?;
                event.end = if is_midnight(value) { end.pred_opt() } else { Some(end) };
            }
            ("SUMMARY", Some(event)) => event.name = unescaped(value),
            ("RRULE" | "RDATE", Some(event)) => event.recurs = true,
            _ => {}
        }
    }
    Ok(days)
}

fn add(days: &mut ImportedDays, event: &Event) -> Result<(), Message> {
    if event.recurs {
        return Err(message!("calendar.import_recurs", name = truncate(&event.name, 40)));
    }
    let first = event.begin.ok_or_else(|| message!("calendar.import_no_start"))?;
    let last = event.end.unwrap_or(first).max(first);
    let count = (last - first).num_days() + 1;
    if count > MAX_DAYS {
        return Err(message!("calendar.import_long_event", count, max = MAX_DAYS));
    }
    let working = says_work(&event.name);
    // A working day needs a word only where the weekday says otherwise; an event that covers more than it says nothing of it.
    let dates = first.iter_days().take(usize::try_from(count).unwrap_or_default());
    for date in dates.filter(|date| !working || is_weekend(*date)) {
        days.add(date, working, &event.name)?;
    }
    Ok(())
}

/// The lines with their numbers; a line that begins with a blank continues the one before.
fn unfolded(text: &str) -> Result<Vec<(usize, String)>, Fault> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (place, line) in text.lines().enumerate() {
        if place >= MAX_LINES {
            return Err(Fault::new("", message!("calendar.import_too_long", max = MAX_LINES)));
        }
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, last))) if last.len() + rest.len() <= MAX_LINE => last.push_str(rest),
            (Some(_), Some(_)) => {}
            _ => lines.push((place + 1, line.to_owned())),
        }
    }
    Ok(lines)
}

/// The date of `20270206` or of a time, `20270206T080000Z`.
fn day(value: &str) -> Result<NaiveDate, Message> {
    let digits = value.trim().get(..8).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = digits.ok_or_else(|| message!("calendar.invalid_date", text = truncate(value, 20)))?;
    parse_date(&format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]))
}

fn is_midnight(value: &str) -> bool {
    let time = value.trim().get(8..).unwrap_or_default();
    time.is_empty() || time.starts_with("T000000")
}

fn unescaped(value: &str) -> String {
    value.replace("\\,", ",").replace("\\;", ";").replace("\\n", " ").replace("\\N", " ").replace("\\\\", "\\").trim().to_owned()
}
