//! Small helpers for the texts of this domain.

/// The most characters of an input that a message shows.
const SHOWN: usize = 40;

/// At most 40 characters of a piece of input, for a message.
pub(crate) fn cut(piece: &str) -> &str {
    piece.char_indices().nth(SHOWN).map_or(piece, |(end, _)| &piece[..end])
}

/// Seconds as `1h 30m`; weeks only where they come out even.
pub(crate) fn duration(seconds: u64) -> String {
    let parts: Vec<String> = units(seconds).iter().map(|(count, unit)| format!("{count}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// Seconds taken apart: count and unit (`w d h m s`), without the empty ones.
pub(crate) fn units(seconds: u64) -> Vec<(u64, char)> {
    const WEEK: u64 = 604_800;
    if seconds > 0 && seconds.is_multiple_of(WEEK) {
        return vec![(seconds / WEEK, 'w')];
    }
    let parts = [(seconds / 86_400, 'd'), (seconds / 3600 % 24, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    parts.into_iter().filter(|(count, _)| *count > 0).collect()
}
