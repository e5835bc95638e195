//! The machine's time zone.

use chrono_tz::Tz;

/// `TZ` if it names a zone, otherwise the system's zone, otherwise UTC.
pub fn system_zone() -> Tz {
    let from_variable = std::env::var("TZ").ok().and_then(|name| name.trim_start_matches(':').parse().ok());
    from_variable.or_else(|| iana_time_zone::get_timezone().ok()?.parse().ok()).unwrap_or(Tz::UTC)
}
