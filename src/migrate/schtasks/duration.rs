//! Durations of XML Schema: `PT15M`, `P1DT12H`.

/// Returns whole seconds; `None` for durations of months or years, whose length varies, and for other texts.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let rest = text.trim().strip_prefix('P')?;
    let (days, times) = rest.split_once('T').unwrap_or((rest, ""));
    let total = parts(days, &[('W', 604_800), ('D', 86_400)])? + parts(times, &[('H', 3600), ('M', 60), ('S', 1)])?;
    (!rest.is_empty() && rest != "T").then_some(total)
}

fn parts(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let (mut total, mut rest) = (0_i64, text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let unit = rest[end..].chars().next()?;
        let (_, length) = units.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(rest[..end].parse::<i64>().ok()?.checked_mul(*length)?)?;
        rest = &rest[end + unit.len_utf8()..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds() {
        for (text, expected) in [
            ("PT15M", Some(900)),
            ("P1D", Some(86_400)),
            ("P1DT12H", Some(129_600)),
            ("PT0S", Some(0)),
            ("P1M", None),
            ("P", None),
            ("15", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
