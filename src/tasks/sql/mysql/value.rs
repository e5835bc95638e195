//! Values of MySQL and MariaDB. Text and binary protocol give the same values, whatever the collation and display width of the
//! column.

use std::sync::Arc;

use sqlx::mysql::{MySqlColumn, MySqlRow, MySqlTypeInfo};
use sqlx::{Column as _, MySql as Driver, Row, Type, TypeInfo, ValueRef};

use crate::tasks::sql::cell::{Cell, shortest};
use crate::tasks::sql::error::SqlError;
use crate::tasks::sql::session::Column;

/// The columns of a result set, with the server's names of their types.
pub(super) fn columns(columns: &[MySqlColumn]) -> Arc<[Column]> {
    let column = |column: &MySqlColumn| Column { name: column.name().to_owned(), kind: type_name(column.type_info()) };
    columns.iter().map(column).collect()
}

/// The type's name in lower case. The driver takes `tinyint(1)` for a boolean, and text of a binary collation for bytes.
fn type_name(info: &MySqlTypeInfo) -> String {
    let name = info.name().to_lowercase();
    match name.as_str() {
        "boolean" if is_unsigned(info) => "tinyint unsigned".to_owned(),
        "boolean" => "tinyint".to_owned(),
        "char" | "binary" if has_flag(info, "ENUM") => "enum".to_owned(),
        "char" | "binary" if has_flag(info, "SET") => "set".to_owned(),
        "binary" if is_text(info) => "char".to_owned(),
        "varbinary" if is_text(info) => "varchar".to_owned(),
        _ if is_text(info) => name.replace("blob", "text"),
        _ => name,
    }
}

fn is_unsigned(info: &MySqlTypeInfo) -> bool {
    <u64 as Type<Driver>>::compatible(info)
}

/// Whether values are text. The flag `BINARY` is also set for text of a binary collation; only the character set tells.
fn is_text(info: &MySqlTypeInfo) -> bool {
    <str as Type<Driver>>::compatible(info) || has_flag(info, "ENUM") || has_flag(info, "SET")
}

/// Whether the server set a flag of the column. The driver offers the flags only in its debug output.
fn has_flag(info: &MySqlTypeInfo, flag: &str) -> bool {
    matches!(info.name(), "CHAR" | "BINARY" | "ENUM" | "SET") && format!("{info:?}").contains(flag)
}

/// Reads a value. The zero date (`0000-00-00`) becomes NULL.
pub(super) fn cell(row: &MySqlRow, index: usize) -> Result<Cell, SqlError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let info = raw.type_info();
    Ok(match info.name() {
        "BIT" | "YEAR" => unsigned(row.try_get_unchecked(index)?),
        _ if is_unsigned(&info) => unsigned(row.try_get_unchecked(index)?),
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => Cell::Integer(row.try_get_unchecked(index)?),
        "FLOAT" => Cell::Float(shortest(row.try_get_unchecked(index)?)),
        "DOUBLE" => Cell::Float(row.try_get_unchecked(index)?),
        "DECIMAL" => Cell::Decimal(row.try_get_unchecked(index)?),
        "DATETIME" | "TIMESTAMP" => match row.try_get_unchecked(index) {
            Ok(at) => Cell::Timestamp(at),
            Err(_) => incomplete_date(row.try_get_unchecked(index)?),
        },
        "DATE" => match row.try_get_unchecked(index) {
            Ok(date) => Cell::Date(date),
            Err(_) => incomplete_date(row.try_get_unchecked(index)?),
        },
        "TIME" => Cell::Text(time(row.try_get_unchecked(index)?)),
        "JSON" => Cell::Json(row.try_get_unchecked(index)?),
        _ if is_text(&info) => text(row.try_get_unchecked(index)?),
        _ => Cell::Bytes(row.try_get_unchecked(index)?),
    })
}

fn unsigned(number: u64) -> Cell {
    i64::try_from(number).map_or_else(|_| Cell::Decimal(number.to_string()), Cell::Integer)
}

/// Text; bytes that are not UTF-8 (an enum of the character set `binary`) stay bytes.
fn text(bytes: Vec<u8>) -> Cell {
    String::from_utf8(bytes).map_or_else(|error| Cell::Bytes(error.into_bytes()), Cell::Text)
}

/// A time of day or an interval, as the server shows it. The driver loses the sign of `-00:30:00`.
fn time(bytes: &[u8]) -> String {
    let text = match bytes {
        // The binary protocol: the length, sign, days, time and fraction.
        [0] => "00:00:00".to_owned(),
        [8 | 12, negative, d0, d1, d2, d3, hour, minute, second, micros @ ..] => {
            let hours = u32::from_le_bytes([*d0, *d1, *d2, *d3]).saturating_mul(24).saturating_add(u32::from(*hour));
            let sign = if *negative == 1 { "-" } else { "" };
            format!("{sign}{hours:02}:{minute:02}:{second:02}{}", fraction(micros))
        }
        text => String::from_utf8_lossy(text).into_owned(),
    };
    without_trailing_zeros(&text).to_owned()
}

/// The microseconds of the binary protocol, which are omitted if they are zero.
fn fraction(micros: &[u8]) -> String {
    match micros {
        [a, b, c, d] => format!(".{:06}", u32::from_le_bytes([*a, *b, *c, *d])),
        _ => String::new(),
    }
}

/// A date that no calendar has: NULL if all of it is zero; otherwise (`2026-11-00`) its text.
fn incomplete_date(bytes: &[u8]) -> Cell {
    let text = match bytes {
        // The binary protocol: the length, year, month, day and the time as far as it is not zero.
        [4 | 7 | 11, low, high, month, day, time @ ..] => {
            let year = u16::from_le_bytes([*low, *high]);
            format!("{year:04}-{month:02}-{day:02}{}", binary_time(time))
        }
        text => String::from_utf8_lossy(text).into_owned(),
    };
    let date = text.strip_suffix(" 00:00:00").unwrap_or(&text);
    match date.bytes().all(|byte| b"0-: .".contains(&byte)) {
        true => Cell::Null,
        false => Cell::Text(without_trailing_zeros(date).to_owned()),
    }
}

fn binary_time(time: &[u8]) -> String {
    match time {
        [hour, minute, second, micros @ ..] => format!(" {hour:02}:{minute:02}:{second:02}{}", fraction(micros)),
        _ => String::new(),
    }
}

fn without_trailing_zeros(date: &str) -> &str {
    if date.contains('.') { date.trim_end_matches('0').trim_end_matches('.') } else { date }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_the_same_in_both_protocols() {
        let text = |text: &str| Cell::Text(text.to_owned());
        assert_eq!(incomplete_date(b"0000-00-00 00:00:00.000"), Cell::Null);
        assert_eq!(incomplete_date(b"2026-11-00"), text("2026-11-00"));
        assert_eq!(incomplete_date(&[4, 0xea, 7, 11, 0]), text("2026-11-00"));
        assert_eq!(incomplete_date(b"2026-00-00 00:00:00"), incomplete_date(&[4, 0xea, 7, 0, 0]));
        assert_eq!(incomplete_date(b"2026-00-00 08:30:01"), incomplete_date(&[7, 0xea, 7, 0, 0, 8, 30, 1]));
        assert_eq!((time(b"-00:30:00.500").as_str(), time(&[0]).as_str()), ("-00:30:00.5", "00:00:00"));
        assert_eq!(time(b"-838:59:59"), time(&[8, 1, 34, 0, 0, 0, 22, 59, 59]));
        let with_fraction = incomplete_date(&[11, 0xea, 7, 0, 0, 8, 30, 1, 0x50, 0xc3, 0, 0]);
        assert_eq!(
            (incomplete_date(b"2026-00-00 08:30:01.050"), text("2026-00-00 08:30:01.05")),
            (with_fraction.clone(), with_fraction)
        );
    }
}
