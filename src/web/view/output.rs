//! The output of a run as numbered lines: its head and its tail, the lines around one of them, or what is new.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use serde::Serialize;

use super::View;
use crate::domain::execution::{OutputChunk, Stream};
use crate::web::ansi::{self, Span, TextStyle, spans};

/// The lines shown of the start and of the end.
const HEAD: usize = 500;
const TAIL: usize = 4_000;
/// The lines shown before and after a chosen one.
const AROUND: i64 = 400;
/// The most bytes shown of the end; one line may have more.
const MAX_BYTES: usize = 512 * 1024;
/// Words that mark a line as an error.
const ERROR_WORDS: [&str; 5] = ["error", "exception", "traceback", "fatal", "panic"];

/// Lines of an output, and where it continues.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OutputView {
    pub lines: Vec<LineView>,
    /// Lines that are not shown.
    pub omitted: i64,
    /// The number of the first line with an error, else of the first on standard error; 0 if there is none.
    pub first_error: i64,
    /// Position of the last chunk, `attempt.seq`; empty at the start.
    pub last: String,
    /// ANSI styles at its end, see [`ansi::to_token`].
    pub style: String,
    /// The number of the last line, and of the unfinished lines of standard output and standard error (0: none).
    pub place: String,
}

/// A line, or a gap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LineView {
    /// From 1, over all attempts.
    pub number: i64,
    pub stderr: bool,
    /// When its first part was written, in milliseconds since 1970.
    pub at: i64,
    pub spans: Vec<Span>,
    /// Attempt number if this is the first line of another attempt, else 0.
    pub attempt: i64,
    /// It continues a line that the page has.
    pub continues: bool,
    /// The number of lines left out here; then this is no line.
    pub gap: i64,
}

/// Where a page's output ends: what the next part continues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputPlace {
    attempt: i64,
    styles: [TextStyle; 2],
    line: i64,
    /// Numbers of the unfinished lines.
    open: [Option<i64>; 2],
}

impl OutputPlace {
    /// Reads what the page sent: the attempt of the last chunk, [`OutputView::style`] and [`OutputView::place`].
    pub fn read(attempt: i64, style: &str, place: &str) -> OutputPlace {
        let mut numbers = place.split('.').map(|number| number.parse::<i64>().ok().filter(|number| *number > 0));
        let mut next = || numbers.next().flatten();
        OutputPlace { attempt, styles: ansi::from_token(style), line: next().unwrap_or_default(), open: [next(), next()] }
    }

    fn to_token(&self) -> String {
        let [stdout, stderr] = self.open.map(Option::unwrap_or_default);
        format!("{}.{stdout}.{stderr}", self.line)
    }
}

impl OutputView {
    /// The head and the tail of an output, or the lines around `line`.
    pub fn whole(chunks: &[OutputChunk], line: Option<i64>) -> OutputView {
        let mut collector = Collector::new(OutputPlace::default(), HEAD);
        collector.window = line.map(|line| line.saturating_sub(AROUND)..=line.saturating_add(AROUND));
        collector.collect(chunks)
    }

    /// What follows the output that a page shows.
    pub fn after(chunks: &[OutputChunk], place: OutputPlace) -> OutputView {
        Collector::new(place, 0).collect(chunks)
    }
}

/// Makes lines of chunks and leaves out those in between.
struct Collector {
    place: OutputPlace,
    /// The number of the last line that the page has.
    before: i64,
    /// How many lines of the start are kept.
    head_size: usize,
    /// Only these lines are kept, if given.
    window: Option<RangeInclusive<i64>>,
    continued: Vec<LineView>,
    head: Vec<LineView>,
    tail: VecDeque<LineView>,
    tail_bytes: usize,
    /// The attempt that begins with the next line, if it is another one.
    new_attempt: i64,
    first_error: Option<i64>,
    first_stderr: Option<i64>,
    last: String,
}

impl Collector {
    fn new(place: OutputPlace, head_size: usize) -> Collector {
        Collector {
            before: place.line,
            place,
            head_size,
            window: None,
            continued: Vec::new(),
            head: Vec::new(),
            tail: VecDeque::new(),
            tail_bytes: 0,
            new_attempt: 0,
            first_error: None,
            first_stderr: None,
            last: String::new(),
        }
    }

    fn collect(mut self, chunks: &[OutputChunk]) -> OutputView {
        for chunk in chunks {
            self.add_chunk(chunk);
        }
        self.finish()
    }

    fn add_chunk(&mut self, chunk: &OutputChunk) {
        let stream = usize::from(chunk.stream == Stream::Stderr);
        if chunk.attempt != self.place.attempt {
            self.new_attempt = if chunk.attempt > 1 || self.place.attempt > 0 { chunk.attempt } else { 0 };
            self.place = OutputPlace { attempt: chunk.attempt, line: self.place.line, ..OutputPlace::default() };
        }
        for span in spans(&chunk.text, &mut self.place.styles[stream]) {
            for piece in span.text.split_inclusive('\n') {
                self.add_piece(chunk, stream, piece, &span.class);
            }
        }
        self.last = format!("{}.{}", chunk.attempt, chunk.seq);
    }

    fn add_piece(&mut self, chunk: &OutputChunk, stream: usize, piece: &str, class: &str) {
        let number = match self.place.open[stream] {
            Some(number) => number,
            None => self.begin_line(chunk, stream),
        };
        self.place.open[stream] = (!piece.ends_with('\n')).then_some(number);
        if self.first_error.is_none() && is_error(piece) {
            self.first_error = Some(number);
        }
        if self.tail.front().is_some_and(|first| number >= first.number) {
            self.tail_bytes += piece.len();
        }
        if let Some(line) = self.line(number, stream) {
            line.spans.push(Span { text: piece.to_owned(), class: class.to_owned() });
        }
    }

    /// Begins a line and returns its number.
    fn begin_line(&mut self, chunk: &OutputChunk, stream: usize) -> i64 {
        self.place.line += 1;
        let number = self.place.line;
        if stream == 1 && self.first_stderr.is_none() {
            self.first_stderr = Some(number);
        }
        let attempt = std::mem::take(&mut self.new_attempt);
        let line = LineView { number, stderr: stream == 1, at: chunk.at.timestamp_millis(), attempt, ..LineView::default() };
        match &self.window {
            Some(window) if !window.contains(&number) => {}
            None if self.head.len() < self.head_size => self.head.push(line),
            _ => self.tail.push_back(line),
        }
        while self.tail.len() > TAIL || (self.tail_bytes > MAX_BYTES && self.tail.len() > 1) {
            let dropped = self.tail.pop_front();
            let bytes: usize = dropped.iter().flat_map(|line| &line.spans).map(|span| span.text.len()).sum();
            self.tail_bytes = self.tail_bytes.saturating_sub(bytes);
        }
        number
    }

    /// The line with a number, if it is kept; one that the page has already is continued.
    fn line(&mut self, number: i64, stream: usize) -> Option<&mut LineView> {
        if number <= self.before {
            let known = self.continued.iter().position(|line| line.number == number);
            let place = known.unwrap_or_else(|| {
                self.continued.push(LineView { number, stderr: stream == 1, continues: true, ..LineView::default() });
                self.continued.len() - 1
            });
            return self.continued.get_mut(place);
        }
        let place = |first: Option<i64>| first.and_then(|first| usize::try_from(number - first).ok());
        if let Some(place) = place(self.tail.front().map(|line| line.number)) {
            return self.tail.get_mut(place);
        }
        let place = place(self.head.first().map(|line| line.number))?;
        self.head.get_mut(place)
    }

    fn finish(self) -> OutputView {
        let gap = |gap: i64| (gap > 0).then(|| LineView { gap, ..LineView::default() });
        let head_end = self.head.last().map_or(self.before, |line| line.number);
        let tail_start = self.tail.front().map_or(self.place.line + 1, |line| line.number);
        let tail_end = self.tail.back().map_or(self.place.line, |line| line.number);
        let (middle, rest) = (tail_start - head_end - 1, self.place.line - tail_end);
        let mut lines = self.continued;
        lines.extend(self.head);
        lines.extend(gap(middle));
        lines.extend(self.tail);
        lines.extend(gap(rest));
        OutputView {
            lines,
            omitted: middle.max(0) + rest.max(0),
            first_error: self.first_error.or(self.first_stderr).unwrap_or_default(),
            last: self.last,
            style: ansi::to_token(&self.place.styles),
            place: self.place.to_token(),
        }
    }
}

fn is_error(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ERROR_WORDS.iter().any(|word| text.contains(word))
}

/// New output of an execution.
#[derive(Debug, Clone, Serialize)]
pub struct MoreOutput {
    pub output: OutputView,
}

impl OutputView {
    pub fn sample() -> OutputView {
        let span = |text: &str, class: &str| Span { text: text.into(), class: class.into() };
        let line = |number, attempt| LineView {
            number,
            stderr: number > 1,
            at: 1_000,
            spans: vec![span("<out>", "ansi-1"), span("<b>\n", "")],
            attempt,
            ..LineView::default()
        };
        let gap = LineView { gap: 1234, ..LineView::default() };
        let continued = LineView { continues: true, ..line(4, 0) };
        OutputView {
            lines: vec![line(1, 0), gap, line(2, 2), continued],
            omitted: 1234,
            first_error: 2,
            last: "2.0".into(),
            style: "[]".into(),
            place: "3.0.0".into(),
        }
    }
}

impl View for MoreOutput {
    const TEMPLATE: &'static str = "fragments/output.html";

    fn samples() -> Vec<Self> {
        vec![MoreOutput { output: OutputView::sample() }, MoreOutput { output: OutputView::default() }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(seq: i64, stream: Stream, text: &str) -> OutputChunk {
        OutputChunk { attempt: 1, seq, stream, at: chrono::DateTime::UNIX_EPOCH, text: text.to_owned() }
    }

    fn texts(view: &OutputView) -> Vec<(i64, String)> {
        let text = |line: &LineView| line.spans.iter().map(|span| span.text.as_str()).collect::<String>();
        view.lines.iter().map(|line| (line.number, text(line))).collect()
    }

    #[test]
    fn chunks_become_lines_of_their_streams() {
        let chunks =
            [chunk(0, Stream::Stdout, "a\nb"), chunk(1, Stream::Stderr, "broken: error 1\n"), chunk(2, Stream::Stdout, "c\nd\n")];
        let whole = OutputView::whole(&chunks, None);
        let expected = [(1, "a\n"), (2, "bc\n"), (3, "broken: error 1\n"), (4, "d\n")];
        assert_eq!(texts(&whole), expected.map(|(number, text)| (number, text.to_owned())));
        assert_eq!((whole.first_error, whole.omitted, whole.last.as_str(), whole.place.as_str()), (3, 0, "1.2", "4.0.0"));
    }

    #[test]
    fn new_output_continues_unfinished_lines_and_colors() {
        let begun = OutputView::whole(&[chunk(0, Stream::Stdout, "a\n\u{1b}[31mb")], None);
        assert_eq!(begun.place, "2.2.0");
        let place = OutputPlace::read(1, &begun.style, &begun.place);
        let more = OutputView::after(&[chunk(1, Stream::Stdout, "c\nd")], place);
        assert_eq!(texts(&more), [(2, "c\n".to_owned()), (3, "d".to_owned())]);
        assert_eq!((more.lines[0].continues, more.lines[1].continues, more.place.as_str()), (true, false, "3.3.0"));
        assert_eq!(more.lines[1].spans[0].class, "ansi-1", "a color lasts until it is reset");
    }

    #[test]
    fn head_and_tail_of_a_long_output_are_kept() {
        let all: String = (1..=10_000).map(|n| format!("{n}\n")).collect();
        let view = OutputView::whole(&[chunk(0, Stream::Stdout, &all)], None);
        let gap = view.lines.iter().position(|line| line.gap > 0);
        assert_eq!((gap, view.lines.len(), view.omitted), (Some(HEAD), HEAD + 1 + TAIL, 5_500));
        assert_eq!(view.lines[HEAD - 1].spans[0].text, "500\n");
        assert_eq!(view.lines[HEAD + 1].spans[0].text, "6001\n");
        let around = OutputView::whole(&[chunk(0, Stream::Stdout, &all)], Some(5_000));
        let shown = around.lines.iter().filter(|line| line.gap == 0).map(|line| line.number);
        assert_eq!((shown.clone().min(), shown.max()), (Some(4_600), Some(5_400)));
        assert_eq!(
            (around.lines.first().map(|line| line.gap), around.lines.last().map(|line| line.gap)),
            (Some(4_599), Some(4_600))
        );
    }

    #[test]
    fn long_lines_take_the_place_of_others() {
        let long = format!("{}\n", "x".repeat(MAX_BYTES / 2));
        let all: Vec<_> =
            (0..HEAD as i64 + 5).map(|seq| chunk(seq, Stream::Stdout, if seq < HEAD as i64 { "a\n" } else { &long })).collect();
        let view = OutputView::whole(&all, None);
        assert!(view.omitted > 0 && view.lines.last().is_some_and(|line| line.number == HEAD as i64 + 5), "{}", view.omitted);
    }

    #[test]
    fn attempts_are_marked() {
        let second = OutputChunk { attempt: 2, ..chunk(0, Stream::Stdout, "again\n") };
        let view = OutputView::whole(&[chunk(0, Stream::Stdout, "once"), second], None);
        assert_eq!(view.lines.iter().map(|line| (line.number, line.attempt)).collect::<Vec<_>>(), [(1, 0), (2, 2)]);
    }
}
