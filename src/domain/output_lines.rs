//! Progress lines: programs rewrite a line after a carriage return, and of such a line the last state is shown.

use std::borrow::Cow;
use std::collections::HashMap;

use super::execution::{OutputChunk, Stream};
use super::raw_output;

/// The text with the last state of each line.
#[must_use]
pub fn last_states(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let state = |line| {
        let (body, ending) = split_ending(line);
        [rewritten(body).unwrap_or(body), ending.trim_end_matches(|c| c == '\r' && !ending.ends_with('\n'))]
    };
    Cow::Owned(text.split_inclusive('\n').flat_map(state).collect())
}

/// The text with the last state of each line, each after a carriage return, because the line may have begun in an earlier text.
#[must_use]
pub fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (body, ending) = split_ending(line);
        match rewritten(body) {
            Some(state) => squeezed.extend(["\r", state, ending]),
            None => squeezed.push_str(line),
        }
    }
    squeezed
}

/// Output for people: the last state of rewritten lines, and U+FFFD for bytes that belong to no character.
#[must_use]
pub fn readable(mut output: Vec<OutputChunk>) -> Vec<OutputChunk> {
    for chunk in &mut output {
        if let Cow::Owned(text) = raw_output::shown(&chunk.text) {
            chunk.text = text;
        }
    }
    leave_last_states(&mut output);
    output
}

/// Leaves the last state of each line, which may extend over several chunks of a stream.
fn leave_last_states(chunks: &mut [OutputChunk]) {
    let mut open: HashMap<(i64, bool), OpenLine> = HashMap::new();
    for index in 0..chunks.len() {
        let (before, rest) = chunks.split_at_mut(index);
        let Some(chunk) = rest.first_mut().filter(|chunk| !chunk.text.is_empty()) else { continue };
        let line = open.entry((chunk.attempt, chunk.stream == Stream::Stderr)).or_default();
        let first = chunk.text.split_inclusive('\n').next().unwrap_or_default();
        if rewritten(split_ending(first).0).is_some() || (line.ends_with_return && !first.starts_with('\n')) {
            line.pieces.drain(..).for_each(|(piece, start): (usize, usize)| before[piece].text.truncate(start));
        }
        line.ends_with_return = chunk.text.ends_with('\r');
        if let Cow::Owned(text) = last_states(&chunk.text) {
            chunk.text = text;
        }
        let start = chunk.text.rfind('\n').map(|at| at + 1);
        if start.is_some() {
            line.pieces.clear();
        }
        line.pieces.push((index, start.unwrap_or(0)));
    }
}

/// A line without its end so far.
#[derive(Default)]
struct OpenLine {
    /// The chunks that have a part of it, and where it starts there.
    pieces: Vec<(usize, usize)>,
    ends_with_return: bool,
}

/// The line's text, and the carriage returns and the line feed at its end.
fn split_ending(line: &str) -> (&str, &str) {
    line.split_at(line.trim_end_matches(['\r', '\n']).len())
}

/// What follows the last carriage return of a line.
fn rewritten(body: &str) -> Option<&str> {
    body.rsplit_once('\r').map(|(_, state)| state)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn last_states_drops_what_was_rewritten() {
        for (text, expected) in [
            ("10%\r50%\r100%\ndone\n", "100%\ndone\n"),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\r\r\nb", "a\r\r\nb"),
            ("10%\r20%\r", "20%"),
            ("\r", ""),
            ("plain", "plain"),
        ] {
            assert_eq!(last_states(text), expected, "{text:?}");
        }
    }

    #[test]
    fn squeezed_keeps_a_return_before_the_last_state() {
        assert_eq!(squeezed("%\r20%\r30%\r\nnext\n1\r2"), "\r30%\r\nnext\n\r2");
        assert_eq!(squeezed("10%\r"), "10%\r");
    }

    #[test]
    fn lines_over_several_chunks_show_their_last_state() {
        let chunk = |(stream, text): (Stream, &str)| OutputChunk {
            attempt: 1,
            seq: 0,
            stream,
            at: DateTime::UNIX_EPOCH,
            text: text.into(),
        };
        let (out, err) = (Stream::Stdout, Stream::Stderr);
        let shown = |texts: &[(Stream, &str)]| {
            let mut chunks: Vec<OutputChunk> = texts.iter().copied().map(chunk).collect();
            leave_last_states(&mut chunks);
            chunks.into_iter().map(|chunk| chunk.text).collect::<Vec<_>>()
        };
        assert_eq!(
            shown(&[(out, "a\n10"), (err, "x"), (out, "%"), (out, "\r20%"), (out, "\r30%\nb")]),
            ["a\n", "x", "", "", "30%\nb"]
        );
        assert_eq!(shown(&[(out, "10%\r"), (out, "20%\r"), (out, "\nend")]), ["", "20%", "\nend"]);
        assert_eq!(shown(&[(out, "line\r"), (out, "\nline\r"), (out, ""), (out, "\n")]), ["line", "\nline", "", "\n"]);
    }
}
