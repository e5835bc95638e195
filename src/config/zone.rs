//! The machine's time zone.

use chrono_tz::Tz;

/// `TZ` if it names a zone, otherwise the system's zone, otherwise UTC.
pub fn system_zone() -> Tz {
    found_zone().unwrap_or(Tz::UTC)
}

/// As [`system_zone`]; `None` if neither is known.
pub fn found_zone() -> Option<Tz> {
    let from_variable = std::env::var("TZ").ok().and_then(|name| name.trim_start_matches(':').parse().ok());
    from_variable.or_else(zone_of_system)
}

#[cfg(not(windows))]
fn zone_of_system() -> Option<Tz> {
    iana_time_zone::get_timezone().ok()?.parse().ok()
}

/// The zone that the settings of Windows name; its names are mapped as Unicode CLDR does.
#[cfg(windows)]
fn zone_of_system() -> Option<Tz> {
    use windows_sys::Win32::System::Time::{DYNAMIC_TIME_ZONE_INFORMATION, GetDynamicTimeZoneInformation, TIME_ZONE_ID_INVALID};

    let mut found = DYNAMIC_TIME_ZONE_INFORMATION::default();
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the structure lives until the call has returned.
    let state = unsafe { GetDynamicTimeZoneInformation(&raw mut found) };
    let name: Vec<u16> = found.TimeZoneKeyName.iter().copied().take_while(|unit| *unit != 0).collect();
    let name = String::from_utf16_lossy(&name);
    (state != TIME_ZONE_ID_INVALID).then(|| crate::domain::trigger::zone_of_windows(&name)).flatten()
}
