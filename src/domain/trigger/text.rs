//! Text helpers: truncation of input in messages, and durations.

/// Maximum number of characters of an input in a message.
const MAX_SHOWN_CHARS: usize = 40;

/// Returns at most 40 characters of an input, for a message.
pub(crate) fn truncate(input: &str) -> &str {
    input.char_indices().nth(MAX_SHOWN_CHARS).map_or(input, |(end, _)| &input[..end])
}

/// Whether a character around a pasted text does not belong to it: a blank, a line break or a byte order mark.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

/// Returns a text with full-width and similar characters replaced by the ASCII ones that they resemble; `None` if it has none.
pub(crate) fn half_width(text: &str) -> Option<String> {
    let plain = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3001}' => ',',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2217}' | '\u{2731}' => '*',
        _ if c.is_whitespace() => ' ',
        _ => c,
    };
    let written: String = text.chars().map(plain).collect();
    (written != text).then_some(written)
}

/// Formats seconds as `1h 30m`; weeks are used only for whole weeks.
pub(crate) fn duration(seconds: u64) -> String {
    let parts: Vec<String> = units(seconds).iter().map(|(count, unit)| format!("{count}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// Splits seconds into counts with units (`w d h m s`), without zero counts.
pub(crate) fn units(seconds: u64) -> Vec<(u64, char)> {
    const WEEK: u64 = 604_800;
    if seconds > 0 && seconds.is_multiple_of(WEEK) {
        return vec![(seconds / WEEK, 'w')];
    }
    let parts = [(seconds / 86_400, 'd'), (seconds / 3600 % 24, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    parts.into_iter().filter(|(count, _)| *count > 0).collect()
}
