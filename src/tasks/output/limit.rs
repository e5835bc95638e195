//! Output limit: the beginning of the output is passed on at once, its end when it is complete. What is between them is left out.

use std::collections::VecDeque;

use crate::domain::execution::Stream;

/// The share of the limit that belongs to the end.
const TAIL_SHARE: usize = 4;

/// The part of the output that is kept.
pub(super) struct OutputLimit {
    head_left: usize,
    tail_max: usize,
    tail: VecDeque<(Stream, String)>,
    tail_bytes: usize,
    left_out: u64,
}

impl OutputLimit {
    /// Keeps `limit` bytes in total.
    pub fn new(limit: usize) -> OutputLimit {
        let tail_max = limit / TAIL_SHARE;
        OutputLimit { head_left: limit - tail_max, tail_max, tail: VecDeque::new(), tail_bytes: 0, left_out: 0 }
    }

    /// Takes text; returns the part that belongs to the beginning.
    pub fn push<'t>(&mut self, stream: Stream, text: &'t str) -> &'t str {
        let (head, tail) = text.split_at(text.floor_char_boundary(self.head_left));
        self.head_left = if tail.is_empty() { self.head_left - head.len() } else { 0 };
        if !tail.is_empty() {
            self.keep(stream, tail);
        }
        head
    }

    fn keep(&mut self, stream: Stream, text: &str) {
        self.tail.push_back((stream, text.to_owned()));
        self.tail_bytes += text.len();
        while self.tail_bytes > self.tail_max {
            let Some((_, first)) = self.tail.front_mut() else { return };
            let dropped = first.ceil_char_boundary(self.tail_bytes - self.tail_max);
            first.drain(..dropped);
            if first.is_empty() {
                self.tail.pop_front();
            }
            self.tail_bytes -= dropped;
            self.left_out += dropped as u64;
        }
    }

    /// The end of the output, after a mark if something was left out.
    pub fn finish(&mut self) -> Vec<(Stream, String)> {
        let left_out = std::mem::take(&mut self.left_out);
        let mark = (left_out > 0).then(|| (Stream::Stdout, omission_mark(left_out)));
        self.tail_bytes = 0;
        mark.into_iter().chain(self.tail.drain(..)).collect()
    }
}

/// What stands in place of `bytes` bytes of output.
#[must_use]
pub fn omission_mark(bytes: u64) -> String {
    format!("\n[… {bytes} bytes of output left out: the output limit of this run was reached …]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: usize, texts: &[&str]) -> String {
        let mut kept = OutputLimit::new(limit);
        let mut all: String = texts.iter().map(|text| kept.push(Stream::Stdout, text)).collect();
        all.extend(kept.finish().into_iter().map(|(_, text)| text));
        all
    }

    #[test]
    fn beginning_and_end_are_kept() {
        let lines: Vec<String> = (0..1_000).map(|n| format!("{n}\n")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let total: usize = lines.concat().len();
        let all = kept(400, &lines);
        let mark = omission_mark(total as u64 - 400);
        assert!(all.starts_with("0\n1\n") && all.ends_with("998\n999\n") && all.contains(&mark), "{all}");
        assert_eq!(all.len(), 400 + mark.len());
        assert_eq!(kept(400, &[&lines.concat()]), all, "in one piece");
    }

    #[test]
    fn output_within_the_limit_is_whole() {
        for limit in [10, 11, 12, 1_000] {
            assert_eq!(kept(limit, &["01234", "56", "789"]), "0123456789");
        }
    }

    #[test]
    fn characters_are_not_split() {
        assert_eq!(kept(16, &["四四四四四四四四"]), format!("四四四四{}四", omission_mark(9)));
    }
}
