//! Parsing and formatting of dates and times.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Offset, SecondsFormat, Utc};
use chrono_tz::Tz;

use super::text::truncate;
use super::zone::{offset_at, resolve};
use crate::i18n::{Message, message};

/// Last millisecond of the year 9999, in milliseconds since 1970.
pub(crate) const LAST_MILLIS: i64 = 253_402_300_799_999;

/// Parses `YYYY-MM-DD` (00:00 of that day) or `YYYY-MM-DD HH:MM[:SS[.f]]` (separated by a blank or `T`). The time is local to
/// `zone` unless `Z` or `±HH:MM` follows. A fraction has up to six digits and is truncated to milliseconds.
/// A local time inside a gap is the first instant after the gap; an ambiguous one is its first occurrence.
///
/// # Errors
/// A message with the text and the allowed formats.
pub fn parse_datetime(text: &str, zone: Tz) -> Result<DateTime<Utc>, Message> {
    parse_exact_datetime(text, zone).map(truncate_to_millis)
}

/// Parses as [`parse_datetime`], with the whole fraction.
fn parse_exact_datetime(text: &str, zone: Tz) -> Result<DateTime<Utc>, Message> {
    let (wall, offset) = read(text).ok_or_else(|| message!("trigger.not_a_time", text = truncate(text)))?;
    let wall = wall.and_utc();
    let instant = offset.map_or_else(|| resolve(zone, wall.timestamp()).first(), |offset| wall.timestamp() - offset);
    DateTime::from_timestamp(instant, wall.timestamp_subsec_nanos())
        .ok_or_else(|| message!("trigger.time_out_of_range", text = truncate(text)))
}

/// Parses a time in a request: RFC 3339 with any number of fraction digits, as programs write it, or the formats of
/// [`parse_datetime`].
///
/// # Errors
/// A message with the text and the allowed formats.
pub fn parse_timestamp(text: &str, zone: Tz) -> Result<DateTime<Utc>, Message> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => Ok(truncate_to_millis(instant.to_utc())),
        Err(_) => parse_datetime(text, zone),
    }
}

/// Parses as [`parse_timestamp`], but rounds a fraction below a millisecond up: no time before the given one results.
///
/// # Errors
/// A message with the text and the allowed formats.
pub fn parse_timestamp_rounded_up(text: &str, zone: Tz) -> Result<DateTime<Utc>, Message> {
    let exact = match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => instant.to_utc(),
        Err(_) => parse_exact_datetime(text, zone)?,
    };
    Ok(DateTime::from_timestamp_millis(ceil_millis(exact)).unwrap_or(exact))
}

/// Formats as RFC 3339 with milliseconds and a numeric offset: `2026-11-21T08:00:00.000+08:00`; UTC is `+00:00`.
#[must_use]
pub fn format_datetime(instant: DateTime<Utc>, zone: Tz) -> String {
    in_zone(instant, zone).to_rfc3339_opts(SecondsFormat::Millis, false)
}

/// Formats as local time, `2026-12-10 08:00:00`, with milliseconds only if they are not 0.
pub(crate) fn wall_text(instant: DateTime<Utc>, zone: Tz) -> String {
    let wall = in_zone(instant, zone);
    let form = if wall.timestamp_subsec_millis() == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.3f" };
    wall.format(form).to_string()
}

/// Truncates to whole milliseconds.
pub(crate) fn truncate_to_millis(instant: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(instant.timestamp_millis()).unwrap_or(instant)
}

/// The first whole millisecond at or after an instant, in milliseconds since 1970.
pub(crate) fn ceil_millis(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_millis() + i64::from(!instant.timestamp_subsec_nanos().is_multiple_of(1_000_000))
}

pub(super) fn in_zone(instant: DateTime<Utc>, zone: Tz) -> DateTime<FixedOffset> {
    let seconds = i32::try_from(offset_at(zone, instant.timestamp())).unwrap_or(0);
    // Near the limits of `DateTime` the local time would be out of range.
    let offset = FixedOffset::east_opt(seconds).filter(|_| instant.timestamp_millis().abs() <= LAST_MILLIS * 2);
    instant.with_timezone(&offset.unwrap_or(Utc.fix()))
}

/// Parses the local time and its offset in seconds, if one is given.
fn read(text: &str) -> Option<(NaiveDateTime, Option<i64>)> {
    let (text, offset) = split_offset(text)?;
    let (date, time) = text.split_once([' ', 'T']).map_or((text, None), |(date, time)| (date, Some(time)));
    let date = read_date(date)?;
    let wall = match time {
        Some(time) => {
            let (hour, minute, second, micro) = read_time(time)?;
            date.and_hms_micro_opt(hour, minute, second, micro)?
        }
        None => date.and_hms_opt(0, 0, 0)?,
    };
    Some((wall, offset))
}

fn split_offset(text: &str) -> Option<(&str, Option<i64>)> {
    if let Some(rest) = text.strip_suffix('Z') {
        return Some((rest, Some(0)));
    }
    // The offset is the last six characters, `±HH:MM`. The date contains `-` too, but no colon after it.
    let start = text.len().saturating_sub(6);
    let Some(tail) = text.get(start..) else { return Some((text, None)) };
    if !(tail.starts_with('+') || tail.starts_with('-') && tail.contains(':')) {
        return Some((text, None));
    }
    let (hours, minutes) = tail[1..].split_once(':')?;
    let (hours, minutes) = (digits(hours, 2, 2)?, digits(minutes, 2, 2)?);
    let seconds = (hours < 24 && minutes < 60).then_some(i64::from(hours * 3600 + minutes * 60))?;
    Some((&text[..start], Some(if tail.starts_with('-') { -seconds } else { seconds })))
}

fn read_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (digits(parts.next()?, 4, 4)?, digits(parts.next()?, 1, 2)?, digits(parts.next()?, 1, 2)?);
    let year = i32::try_from(year).ok().filter(|year| *year > 0)?;
    NaiveDate::from_ymd_opt(year, month, day)
}

fn read_time(text: &str) -> Option<(u32, u32, u32, u32)> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?, 1, 2)?, digits(parts.next()?, 1, 2)?);
    let (second, micro) = match parts.next() {
        Some(rest) => match rest.split_once('.') {
            Some((second, fraction)) => (digits(second, 1, 2)?, micros(fraction)?),
            None => (digits(rest, 1, 2)?, 0),
        },
        None => (0, 0),
    };
    (second < 60).then_some((hour, minute, second, micro))
}

fn micros(fraction: &str) -> Option<u32> {
    digits(fraction, 1, 6)?;
    format!("{fraction:0<6}").parse().ok()
}

/// Parses `min` to `max` ASCII digits.
fn digits(text: &str, min: usize, max: usize) -> Option<u32> {
    let fits = (min..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}
