//! The lines of a log file: read one by one however long the file, each cut where it is too long, with the time at its
//! beginning.

use std::io::{self, BufRead};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use regex::Regex;

use crate::domain::trigger::parse_asked;

/// Bytes kept of a line; the rest of it is passed over.
const LINE_MAX: usize = 64 * 1024;
/// The time stands within so many bytes of the beginning, behind a bracket or the first key of a JSON object.
const TIME_WITHIN: usize = 64;

/// Reads the next line, without its end, into `line`. Answers `false` at the end of the file.
///
/// # Errors
/// Where the file cannot be read.
pub(super) fn next(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut began = false;
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            return Ok(began);
        }
        began = true;
        let end = piece.iter().position(|byte| *byte == b'\n');
        let used = end.unwrap_or(piece.len());
        let room = LINE_MAX.saturating_sub(line.len());
        line.extend_from_slice(&piece[..used.min(room)]);
        reader.consume(end.map_or(used, |end| end + 1));
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(true);
        }
    }
}

/// The time at the beginning of a line, if there is one; without an offset it is of `zone`. Read are the forms that most
/// programs write: `2026-11-21T08:00:00.123Z`, `2026-11-21 08:00:00,123`, `2026/11/21 08:00:00 +0800`.
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
    parse_asked(&text, zone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_there_are() {
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
