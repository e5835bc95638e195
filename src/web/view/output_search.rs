//! Search in the whole output of a run.

use serde::Serialize;

use super::View;
use crate::domain::execution::{OutputChunk, Stream};
use crate::domain::input::truncate;
use crate::web::ansi::{TextStyle, spans};
use crate::web::urls::{encode, with_query};

/// The most lines listed.
const MAX_LISTED: usize = 100;
/// The longest text of a listed line, in characters.
const MAX_TEXT: usize = 300;

/// The lines that contain a text, ignoring case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OutputSearch {
    pub text: String,
    pub total: usize,
    /// The first ones.
    pub lines: Vec<FoundLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundLine {
    pub number: i64,
    /// URL of the page with this line.
    pub href: String,
    pub text: String,
}

impl OutputSearch {
    /// `id`: of the execution.
    pub fn new(id: &str, chunks: &[OutputChunk], text: &str) -> OutputSearch {
        let wanted = text.to_lowercase();
        let mut found = OutputSearch { text: text.to_owned(), ..OutputSearch::default() };
        for (number, line) in lines(chunks) {
            if wanted.is_empty() || !line.to_lowercase().contains(&wanted) {
                continue;
            }
            found.total += 1;
            if found.lines.len() < MAX_LISTED {
                let text = truncate(line.trim_end(), MAX_TEXT);
                found.lines.push(FoundLine { number, href: line_href(id, number), text });
            }
        }
        found
    }

    pub fn sample() -> OutputSearch {
        let line = FoundLine { number: 3, href: "/executions/01J?line=3#L3".into(), text: "<b>".into() };
        OutputSearch { text: "b".into(), total: 1200, lines: vec![line] }
    }
}

/// The URL of an execution's page at a line of its output.
pub fn line_href(id: &str, number: i64) -> String {
    format!("{}#L{number}", with_query(&format!("/executions/{}", encode(id)), &[("line", &number.to_string())]))
}

/// The lines with their numbers, without ANSI codes, as the page numbers them.
fn lines(chunks: &[OutputChunk]) -> Vec<(i64, String)> {
    let mut lines: Vec<(i64, String)> = Vec::new();
    let (mut attempt, mut open, mut styles) = (0, [None; 2], <[TextStyle; 2]>::default());
    for chunk in chunks {
        if chunk.attempt != attempt {
            (attempt, open, styles) = (chunk.attempt, [None; 2], Default::default());
        }
        let stream = usize::from(chunk.stream == Stream::Stderr);
        for span in spans(&chunk.text, &mut styles[stream]) {
            for piece in span.text.split_inclusive('\n') {
                let place = open[stream].unwrap_or_else(|| {
                    lines.push((lines.len() as i64 + 1, String::new()));
                    lines.len() - 1
                });
                lines[place].1.push_str(piece);
                open[stream] = (!piece.ends_with('\n')).then_some(place);
            }
        }
    }
    lines
}

impl View for OutputSearch {
    const TEMPLATE: &'static str = "fragments/output_search.html";

    fn samples() -> Vec<Self> {
        vec![OutputSearch::sample(), OutputSearch { text: "x".into(), ..OutputSearch::default() }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_are_searched_without_their_colors() {
        let chunk = |seq, stream, text: &str| OutputChunk {
            attempt: 1,
            seq,
            stream,
            at: chrono::DateTime::UNIX_EPOCH,
            text: text.to_owned(),
        };
        let chunks = [
            chunk(0, Stream::Stdout, "one\nTw\u{1b}[31mo bro"),
            chunk(1, Stream::Stderr, "broken\n"),
            chunk(2, Stream::Stdout, "ken\nthree\n"),
        ];
        let found = OutputSearch::new("01J", &chunks, "BROKEN");
        let lines: Vec<_> = found.lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!((found.total, lines), (2, vec![(2, "Two broken"), (3, "broken")]));
        assert_eq!(found.lines[0].href, "/executions/01J?line=2#L2");
        assert_eq!(OutputSearch::new("01J", &chunks, "").total, 0);
    }
}
