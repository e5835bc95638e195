//! Durations and numbers in words.

use super::Language;

impl Language {
    /// Formats milliseconds as a duration: `120 ms`, `1.2 s`, `3 min 4 s`, `2 h 5 min`, `3 d 4 h`.
    pub fn duration(self, ms: i64) -> String {
        let units = match self {
            Language::English => ["ms", "s", "min", "h", "d"],
            Language::Chinese => ["毫秒", "秒", "分", "小时", "天"],
        };
        let pair = |big: i64, unit: usize, small: i64| match small {
            0 => format!("{big} {}", units[unit]),
            _ => format!("{big} {} {small} {}", units[unit], units[unit - 1]),
        };
        let seconds = ms / 1000;
        match ms {
            ..1_000 => format!("{} {}", ms.max(0), units[0]),
            1_000..60_000 => format!("{}.{} {}", seconds, ms % 1000 / 100, units[1]),
            60_000..3_600_000 => pair(seconds / 60, 2, seconds % 60),
            3_600_000..86_400_000 => pair(seconds / 3600, 3, seconds % 3600 / 60),
            _ => pair(seconds / 86_400, 4, seconds % 86_400 / 3600),
        }
    }
}

/// Formats `1234567` as `1 234 567`, with narrow no-break spaces.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(
            [0, 999, 1000, -1_234_567].map(thousands),
            ["0", "999", "1\u{202f}000", "-1\u{202f}234\u{202f}567"].map(String::from)
        );
    }

    #[test]
    fn durations_in_both_languages() {
        let english: Vec<_> =
            [0, 120, 1_234, 59_999, 184_000, 7_500_000, 273_600_000].map(|ms| Language::English.duration(ms)).into();
        assert_eq!(english, ["0 ms", "120 ms", "1.2 s", "59.9 s", "3 min 4 s", "2 h 5 min", "3 d 4 h"]);
        assert_eq!(Language::Chinese.duration(184_000), "3 分 4 秒");
        assert_eq!(Language::Chinese.duration(3_600_000), "1 小时");
    }
}
