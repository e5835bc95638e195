//! Streaming reader of lines with a maximum length.

use std::io::{self, BufRead};

/// Bytes kept of a line; the rest is skipped.
const LINE_MAX: usize = 64 * 1024;

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

#[cfg(test)]
mod tests {
    use super::*;

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
