//! Lines of a log file: streaming reader with a maximum line length, and parser of the time at the beginning of a line.

use std::io::{self, BufRead};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use regex::Regex;

use crate::domain::trigger::parse_timestamp;

/// Bytes kept of a line; the rest is skipped.
const LINE_MAX: usize = 64 * 1024;
/// The time is searched in this many bytes at the beginning, where a bracket or the first key of a JSON object may precede it.
const TIME_WITHIN: usize = 64;

/// Reads the next line, without its terminator, into `line`. Returns `false` at the end of the file.
pub(super) fn next(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut has_data = false;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(has_data);
        }
        has_data = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.unwrap_or(buffer.len());
        let capacity = LINE_MAX.saturating_sub(line.len());
        line.extend_from_slice(&buffer[..used.min(capacity)]);
        reader.consume(end.map_or(used, |end| end + 1));
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(true);
        }
    }
}

/// The time at the beginning of a line, if there is one; without an offset it is in `zone`. Supported forms:
/// `2026-11-21T08:00:00.123Z`, `2026-11-21 08:00:00,123`, `2026/11/21 08:00:00 +0800`.
pub(super) fn time_of(line: &str, zone: Tz) -> Option<DateTime<Utc>> {
    static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?( ?(?:Z|[+-]\d\d:?\d\d))?").ok()
    });
    let beginning = &line[..line.floor_char_boundary(TIME_WITHIN)];
    let found = TIME.as_ref()?.captures(beginning)?;
    let part = |number| found.get(number).map_or("", |part| part.as_str());
    let millis: String = format!("{:0<3}", part(5)).chars().take(3).collect();
    let mut offset = part(6).trim().to_owned();
    if offset.len() == 5 {
        offset.insert(3, ':');
    }
    let text = format!("{}-{}-{} {}.{millis}{offset}", part(1), part(2), part(3), part(4));
    parse_timestamp(&text, zone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_reads_common_formats() {
        let read = |line: &str| time_of(line, Tz::Asia__Shanghai).map(|at| at.to_rfc3339());
        let expected = Some("2026-11-21T00:00:00.500+00:00".to_owned());
        for line in [
            "2026-11-21T00:00:00.5Z INFO x",
            "2026-11-21 08:00:00.500+08:00 INFO belfry: x",
            "2026-11-21 08:00:00,500 ERROR x",
            "[2026/11/21 08:00:00.500123 +0800] x",
            "{\"timestamp\":\"2026-11-21T08:00:00.500000+08:00\",\"level\":\"INFO\"}",
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
        let far = format!("{} 2026-11-21T00:00:00Z", "x".repeat(100));
        for line in ["", "   at main.rs:3", "2026-13-41 08:00:00", &far, "钟楼"] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn long_lines_are_cut_and_the_next_one_is_whole() {
        let text = format!("{}\r\nsecond\n\nlast", "x".repeat(200_000));
        let (mut reader, mut line, mut lengths) = (io::BufReader::new(text.as_bytes()), Vec::new(), Vec::new());
        while next(&mut reader, &mut line).unwrap() {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [LINE_MAX, 6, 0, 4]);
    }
}
