//! Names that people write for time zones, and the IANA names to write instead.

use chrono_tz::{TZ_VARIANTS, Tz};

/// The IANA name or names to write for an unknown name: an offset, another spelling, a city, or a name of Windows. `None` if it is not
/// clear what is meant.
pub fn advice(name: &str) -> Option<String> {
    let name = name.trim();
    offset(name).or_else(|| alias(name)).or_else(|| iana(name))
}

/// The zone that Windows names.
pub fn zone_of_windows(name: &str) -> Option<Tz> {
    match name.strip_prefix("UTC") {
        Some("") => Some(Tz::UTC),
        // `UTC-11`, `UTC+12`; the signs of the IANA zones are reversed.
        Some(offset) => format!("Etc/GMT{:+}", -offset.parse::<i32>().ok()?).parse().ok(),
        None => WINDOWS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).and_then(|(_, zone)| zone.parse().ok()),
    }
}

/// The advice for `UTC+8`, `GMT+08:00`, `+0800`: a place with this offset, and the fixed offset where there is one.
fn offset(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    let rest = ["UTC", "GMT", "Z"].iter().find_map(|word| upper.strip_prefix(word)).unwrap_or(&upper).trim();
    let minutes = match rest {
        "" if !upper.is_empty() => 0,
        _ => signed_minutes(rest)?,
    };
    let place = OFFSETS.iter().find(|(offset, _)| *offset == minutes).map(|(_, place)| (*place).to_owned());
    let fixed = match (minutes % 60, minutes / 60) {
        (0, 0) => Some("UTC".to_owned()),
        // The signs of these zones are reversed.
        (0, hours @ -12..=14) => Some(format!("Etc/GMT{:+}", -hours)),
        _ => None,
    };
    let all: Vec<String> = place.into_iter().chain(fixed).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// Minutes east of UTC of `+8`, `+08`, `-3:30`, `+0800`.
fn signed_minutes(text: &str) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, text.strip_prefix(['-', '\u{2212}'])?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let number = |text: &str, max: i32| {
        let plain = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i32>().ok().filter(|number| plain && *number <= max)
    };
    Some(sign * (number(hours, 14)? * 60 + number(minutes, 59)?))
}

/// Places whose clocks have an offset, in minutes, all year.
const OFFSETS: [(i32, &str); 24] = [
    (-600, "Pacific/Honolulu"),
    (-570, "Pacific/Marquesas"),
    (-420, "America/Phoenix"),
    (-360, "America/Costa_Rica"),
    (-300, "America/Bogota"),
    (-240, "America/La_Paz"),
    (-210, "America/St_Johns"),
    (-180, "America/Sao_Paulo"),
    (60, "Africa/Lagos"),
    (120, "Africa/Johannesburg"),
    (180, "Asia/Riyadh"),
    (210, "Asia/Tehran"),
    (240, "Asia/Dubai"),
    (270, "Asia/Kabul"),
    (300, "Asia/Karachi"),
    (330, "Asia/Kolkata"),
    (345, "Asia/Kathmandu"),
    (360, "Asia/Dhaka"),
    (390, "Asia/Yangon"),
    (420, "Asia/Bangkok"),
    (480, "Asia/Shanghai"),
    (540, "Asia/Tokyo"),
    (570, "Australia/Darwin"),
    (600, "Australia/Brisbane"),
];

/// The advice for names of Windows, abbreviations and places that are not in the IANA names.
fn alias(name: &str) -> Option<String> {
    let place = name.rsplit('/').next().unwrap_or(name).replace(['_', '-'], " ");
    let found = |names: &[(&str, &str)], name: &str| {
        names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, zones)| (*zones).to_owned())
    };
    found(&WINDOWS, name).or_else(|| found(&OTHERS, &place))
}

/// The IANA name with other capitals, blanks instead of underscores, or the last part of one: `asia/shanghai`, `New York`.
fn iana(name: &str) -> Option<String> {
    let plain = |text: &str| text.to_ascii_lowercase().replace([' ', '-'], "_");
    let wanted = plain(name);
    let city = |zone: &&Tz| zone.name().rsplit_once('/').is_some_and(|(_, city)| plain(city) == wanted);
    let whole = TZ_VARIANTS.iter().find(|zone| plain(zone.name()) == wanted);
    let cities = || TZ_VARIANTS.iter().filter(city).filter(|zone| !zone.name().starts_with("Etc/"));
    whole.or_else(|| cities().next()).map(|zone| zone.name().to_owned())
}

/// Abbreviations, which often stand for several zones, and places.
const OTHERS: [(&str, &str); 48] = [
    ("CST", "Asia/Shanghai (China), America/Chicago (US Central)"),
    ("CDT", "America/Chicago"),
    ("EDT", "America/New_York"),
    ("ET", "America/New_York"),
    ("CT", "America/Chicago"),
    ("MDT", "America/Denver"),
    ("MT", "America/Denver"),
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("PT", "America/Los_Angeles"),
    ("AKST", "America/Anchorage"),
    ("AKDT", "America/Anchorage"),
    ("AST", "America/Halifax, Asia/Riyadh (Arabia)"),
    ("BRT", "America/Sao_Paulo"),
    ("BST", "Europe/London"),
    ("IST", "Asia/Kolkata (India), Europe/Dublin (Ireland), Asia/Jerusalem (Israel)"),
    ("CEST", "Europe/Berlin"),
    ("MEZ", "Europe/Berlin"),
    ("EEST", "Europe/Athens"),
    ("MSK", "Europe/Moscow"),
    ("SAST", "Africa/Johannesburg"),
    ("PKT", "Asia/Karachi"),
    ("ICT", "Asia/Bangkok"),
    ("WIB", "Asia/Jakarta"),
    ("SGT", "Asia/Singapore"),
    ("HKT", "Asia/Hong_Kong"),
    ("PHT", "Asia/Manila"),
    ("AWST", "Australia/Perth"),
    ("JST", "Asia/Tokyo"),
    ("KST", "Asia/Seoul"),
    ("ACST", "Australia/Adelaide"),
    ("AEST", "Australia/Sydney"),
    ("AEDT", "Australia/Sydney"),
    ("NZST", "Pacific/Auckland"),
    ("NZDT", "Pacific/Auckland"),
    ("Beijing", "Asia/Shanghai"),
    ("Peking", "Asia/Shanghai"),
    ("Shenzhen", "Asia/Shanghai"),
    ("Guangzhou", "Asia/Shanghai"),
    ("China", "Asia/Shanghai"),
    ("北京", "Asia/Shanghai"),
    ("北京时间", "Asia/Shanghai"),
    ("上海", "Asia/Shanghai"),
    ("中国", "Asia/Shanghai"),
    ("中国标准时间", "Asia/Shanghai"),
    ("东八区", "Asia/Shanghai"),
    ("San Francisco", "America/Los_Angeles"),
    ("Mumbai", "Asia/Kolkata"),
];

/// The names of Windows (Unicode CLDR, `windowsZones.xml`).
const WINDOWS: [(&str, &str); 135] = [
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Afghanistan Standard Time", "Asia/Kabul"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Alberta Standard Time", "America/Edmonton"),
    ("Aleutian Standard Time", "America/Adak"),
    ("Altai Standard Time", "Asia/Barnaul"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Arabic Standard Time", "Asia/Baghdad"),
    ("Argentina Standard Time", "America/Argentina/Buenos_Aires"),
    ("Astrakhan Standard Time", "Europe/Astrakhan"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("Aus Central W. Standard Time", "Australia/Eucla"),
    ("Azerbaijan Standard Time", "Asia/Baku"),
    ("Azores Standard Time", "Atlantic/Azores"),
    ("Bahia Standard Time", "America/Bahia"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("Belarus Standard Time", "Europe/Minsk"),
    ("Bougainville Standard Time", "Pacific/Bougainville"),
    ("British Columbia Standard Time", "America/Vancouver"),
    ("Canada Central Standard Time", "America/Regina"),
    ("Cape Verde Standard Time", "Atlantic/Cape_Verde"),
    ("Caucasus Standard Time", "Asia/Yerevan"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Asia Standard Time", "Asia/Bishkek"),
    ("Central Brazilian Standard Time", "America/Cuiaba"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Central Pacific Standard Time", "Pacific/Guadalcanal"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("Chatham Islands Standard Time", "Pacific/Chatham"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Cuba Standard Time", "America/Havana"),
    ("Dateline Standard Time", "Etc/GMT+12"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Easter Island Standard Time", "Pacific/Easter"),
    ("Eastern Standard Time", "America/New_York"),
    ("Eastern Standard Time (Mexico)", "America/Cancun"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("Ekaterinburg Standard Time", "Asia/Yekaterinburg"),
    ("FLE Standard Time", "Europe/Kyiv"),
    ("Fiji Standard Time", "Pacific/Fiji"),
    ("GMT Standard Time", "Europe/London"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Georgian Standard Time", "Asia/Tbilisi"),
    ("Greenland Standard Time", "America/Nuuk"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Haiti Standard Time", "America/Port-au-Prince"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Jordan Standard Time", "Asia/Amman"),
    ("Kaliningrad Standard Time", "Europe/Kaliningrad"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Libya Standard Time", "Africa/Tripoli"),
    ("Line Islands Standard Time", "Pacific/Kiritimati"),
    ("Lord Howe Standard Time", "Australia/Lord_Howe"),
    ("Magadan Standard Time", "Asia/Magadan"),
    ("Magallanes Standard Time", "America/Punta_Arenas"),
    ("Manitoba Standard Time", "America/Winnipeg"),
    ("Marquesas Standard Time", "Pacific/Marquesas"),
    ("Mauritius Standard Time", "Indian/Mauritius"),
    ("Middle East Standard Time", "Asia/Beirut"),
    ("Montevideo Standard Time", "America/Montevideo"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("Mountain Standard Time", "America/Denver"),
    ("Mountain Standard Time (Mexico)", "America/Mazatlan"),
    ("Myanmar Standard Time", "Asia/Yangon"),
    ("N. Central Asia Standard Time", "Asia/Novosibirsk"),
    ("Namibia Standard Time", "Africa/Windhoek"),
    ("Nepal Standard Time", "Asia/Kathmandu"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("Norfolk Standard Time", "Pacific/Norfolk"),
    ("North Asia East Standard Time", "Asia/Irkutsk"),
    ("North Asia Standard Time", "Asia/Krasnoyarsk"),
    ("North Korea Standard Time", "Asia/Pyongyang"),
    ("Omsk Standard Time", "Asia/Omsk"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Pacific Standard Time (Mexico)", "America/Tijuana"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("Paraguay Standard Time", "America/Asuncion"),
    ("Qyzylorda Standard Time", "Asia/Qyzylorda"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Russia Time Zone 10", "Asia/Srednekolymsk"),
    ("Russia Time Zone 11", "Asia/Kamchatka"),
    ("Russia Time Zone 3", "Europe/Samara"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("SA Eastern Standard Time", "America/Cayenne"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("Saint Pierre Standard Time", "America/Miquelon"),
    ("Sakhalin Standard Time", "Asia/Sakhalin"),
    ("Samoa Standard Time", "Pacific/Apia"),
    ("Sao Tome Standard Time", "Africa/Sao_Tome"),
    ("Saratov Standard Time", "Europe/Saratov"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("South Sudan Standard Time", "Africa/Juba"),
    ("Sri Lanka Standard Time", "Asia/Colombo"),
    ("Sudan Standard Time", "Africa/Khartoum"),
    ("Syria Standard Time", "Asia/Damascus"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("Tasmania Standard Time", "Australia/Hobart"),
    ("Tocantins Standard Time", "America/Araguaina"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Tomsk Standard Time", "Asia/Tomsk"),
    ("Tonga Standard Time", "Pacific/Tongatapu"),
    ("Transbaikal Standard Time", "Asia/Chita"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Turks And Caicos Standard Time", "America/Grand_Turk"),
    ("US Eastern Standard Time", "America/Indiana/Indianapolis"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Ulaanbaatar Standard Time", "Asia/Ulaanbaatar"),
    ("Venezuela Standard Time", "America/Caracas"),
    ("Vladivostok Standard Time", "Asia/Vladivostok"),
    ("Volgograd Standard Time", "Europe/Volgograd"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("W. Mongolia Standard Time", "Asia/Hovd"),
    ("West Asia Standard Time", "Asia/Tashkent"),
    ("West Bank Standard Time", "Asia/Hebron"),
    ("West Pacific Standard Time", "Pacific/Port_Moresby"),
    ("Yakutsk Standard Time", "Asia/Yakutsk"),
    ("Yukon Standard Time", "America/Whitehorse"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_are_answered_with_iana_names() {
        for (name, expected) in [
            ("UTC+8", "Asia/Shanghai, Etc/GMT-8"),
            ("GMT+08:00", "Asia/Shanghai, Etc/GMT-8"),
            ("+0800", "Asia/Shanghai, Etc/GMT-8"),
            ("utc-5", "America/Bogota, Etc/GMT+5"),
            ("+05:30", "Asia/Kolkata"),
            ("Z", "UTC"),
            ("asia/shanghai", "Asia/Shanghai"),
            ("America/New York", "America/New_York"),
            ("new york", "America/New_York"),
            ("Asia/Beijing", "Asia/Shanghai"),
            ("Beijing", "Asia/Shanghai"),
            ("China Standard Time", "Asia/Shanghai"),
            ("w. europe standard time", "Europe/Berlin"),
            ("CST", "Asia/Shanghai (China), America/Chicago (US Central)"),
            ("北京时间", "Asia/Shanghai"),
        ] {
            assert_eq!(advice(name).as_deref(), Some(expected), "{name}");
        }
        for name in ["Mars/Phobos", "local", "/etc/localtime", "", "UTC+25", "+", "+8:99", "é-12:30", "+é8"] {
            assert_eq!(advice(name), None, "{name}");
        }
    }

    #[test]
    fn zones_of_windows_have_iana_names() {
        for (name, zone) in [("China Standard Time", Tz::Asia__Shanghai), ("UTC", Tz::UTC), ("UTC-02", Tz::Etc__GMTPlus2)] {
            assert_eq!(zone_of_windows(name), Some(zone));
        }
        assert_eq!(zone_of_windows("Beijing"), None);
        assert!(WINDOWS.iter().all(|(name, _)| zone_of_windows(name).is_some()));
    }

    #[test]
    fn advice_names_known_zones() {
        let zones = WINDOWS.iter().chain(&OTHERS).flat_map(|(_, zones)| zones.split(", "));
        for zone in zones.chain(OFFSETS.iter().map(|(_, place)| *place)) {
            let zone = zone.split(" (").next().unwrap_or_default();
            assert!(zone.parse::<Tz>().is_ok(), "{zone}");
        }
    }
}
