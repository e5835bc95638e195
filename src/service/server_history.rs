//! The history of the server: its calendars, its time zone, and the times that its clock showed twice.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::Result;
use crate::domain::audit::{AuditEvent, AuditFilter, Entry};
use crate::domain::calendar::{CalendarVersion, FreezeSet};
use crate::domain::page::PageRequest;
use crate::domain::schedule::{CalendarChange, CalendarHistory};
use crate::domain::verify::ZoneHistory;
use crate::storage::{Session, audit, calendar, freeze, server_state};

/// The most freezes that are considered, those that end last.
const MAX_FREEZES: i64 = 10_000;
/// The most changes of the clock and of the zone that are considered, the newest.
const MAX_CHANGES: u32 = 1_000;

/// By what the rules of tasks were read.
pub(super) struct ServerHistory {
    pub calendars: CalendarHistory,
    pub zones: ZoneHistory,
}

impl ServerHistory {
    /// Reads it. `zone`: the zone of this process, if no server planned yet.
    pub async fn read(s: &mut dyn Session, zone: Tz) -> Result<ServerHistory> {
        let zone = server_state::zone(s).await?.unwrap_or(zone);
        let zones: Vec<_> = changes(s, AuditEvent::ZoneChange).await?.iter().filter_map(zone_change).collect();
        Ok(ServerHistory { calendars: calendar_history(s).await?, zones: ZoneHistory::new(&zones, zone) })
    }
}

/// The times that the server's clock showed twice, each from the first to the last.
pub(super) async fn repeated_times(s: &mut dyn Session) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
    Ok(changes(s, AuditEvent::ClockChange).await?.iter().filter_map(set_back).collect())
}

/// The calendars and freezes of all times.
async fn calendar_history(s: &mut dyn Session) -> Result<CalendarHistory> {
    let change = |version: CalendarVersion| {
        let CalendarVersion { at, name, version, content, .. } = version;
        CalendarChange { at, name, version, content }
    };
    let changes = calendar::history(s).await?.into_iter().map(change).collect();
    let freezes = FreezeSet::new(freeze::list(s, DateTime::UNIX_EPOCH, MAX_FREEZES).await?);
    Ok(CalendarHistory::new(changes, &freezes))
}

/// The recorded changes of the server itself, oldest first.
async fn changes(s: &mut dyn Session, action: AuditEvent) -> Result<Vec<Entry>> {
    let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
    let mut entries = audit::newest(s, &filter, &PageRequest { size: MAX_CHANGES, cursor: None }).await?;
    entries.reverse();
    Ok(entries)
}

fn states<'e, T>(entry: &'e Entry, read: impl Fn(&'e Value) -> Option<T>) -> Option<(T, T)> {
    Some((read(entry.before.as_ref()?)?, read(entry.after.as_ref()?)?))
}

fn zone_change(entry: &Entry) -> Option<(DateTime<Utc>, Tz, Tz)> {
    let (before, after) = states(entry, |state| state["zone"].as_str()?.parse().ok())?;
    Some((entry.at, before, after))
}

/// The times that the clock showed twice, if the change set it back.
fn set_back(entry: &Entry) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (before, after): (DateTime<Utc>, DateTime<Utc>) = states(entry, |state| state["time"].as_str()?.parse().ok())?;
    (after < before).then_some((after, before))
}
