//! Response models as published, with conversions from domain values.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use poem_openapi::Object;
use serde::Serialize;

#[macro_use]
mod view;

pub mod accounts;
pub mod audit;
pub mod backfill;
pub mod calendar;
pub mod datasource;
pub mod execution;
pub mod freeze;
pub mod heartbeat;
pub mod hook;
pub mod incident;
pub mod input;
pub mod input_accounts;
pub mod mail_sms_profile;
pub mod named;
pub mod node;
pub mod notify_channel;
pub mod notify_rule;
pub mod occurrence;
pub mod operation;
pub mod policy;
pub mod profile;
pub mod secret;
pub mod stats;
pub mod task;
pub mod task_type;
pub mod transfer;
pub mod trigger;
pub mod verify;
pub mod why;

use crate::domain::page::Page;
use named::Timestamp;

/// A text in both languages.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct Texts {
    /// In English.
    pub en: String,
    /// In Simplified Chinese.
    pub zh: String,
}

/// The position of a page in its list.
#[derive(Default, Object, Serialize)]
#[oai(read_only_all)]
pub struct PageInfo {
    /// `cursor` of the next page; null on the last one.
    next_cursor: Option<String>,
    /// `cursor` of the previous page; null on the first one.
    prev_cursor: Option<String>,
    /// How many items match.
    total: i64,
    /// Whether `total` is exact, or a lower bound.
    total_is_exact: bool,
}

/// Splits a page into its items, converted, and its position.
fn split_page<T, V>(page: Page<T>, view: impl FnMut(T) -> V) -> (Vec<V>, PageInfo) {
    let info = PageInfo {
        next_cursor: page.next.map(|cursor| cursor.encode()),
        prev_cursor: page.previous.map(|cursor| cursor.encode()),
        total: page.total,
        total_is_exact: page.total_is_exact,
    };
    (page.items.into_iter().map(view).collect(), info)
}

/// A time in a zone: RFC 3339 with milliseconds and an offset.
pub fn timestamp(at: DateTime<Utc>, zone: Tz) -> Timestamp {
    Timestamp(at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Millis, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_milliseconds_and_an_offset() {
        let at = DateTime::from_timestamp_millis(1_795_219_200_000).unwrap();
        assert_eq!(timestamp(at, Tz::Asia__Shanghai).0, "2026-11-21T08:00:00.000+08:00");
        assert_eq!(timestamp(at, Tz::UTC).0, "2026-11-21T00:00:00.000+00:00");
    }
}
