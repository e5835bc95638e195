//! Comments of crontabs: descriptions of the entry below, and entries that were commented out.

use super::schedule;
use crate::domain::input::truncate;

/// Most characters of a description.
const MAX_DESCRIPTION: usize = 3900;

/// The comment lines directly above the current line.
#[derive(Debug, Default)]
pub(super) struct Comments(Vec<String>);

impl Comments {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn push(&mut self, comment: &str) {
        let text = comment.trim_matches(|c: char| c.is_whitespace() || c == '#').trim();
        // A line without words, or the legend of the fields, ends what stands above it.
        if text.chars().filter(|c| c.is_alphanumeric()).count() < 2 || is_legend(text) {
            self.0.clear();
        } else {
            self.0.push(text.trim_matches(|c: char| "-=*~_".contains(c)).trim().to_owned());
        }
    }

    /// The description, and an end of the block.
    pub fn take(&mut self) -> String {
        truncate(&std::mem::take(&mut self.0).join("\n"), MAX_DESCRIPTION)
    }
}

/// Whether a comment explains the fields, such as `m h dom mon dow command`.
fn is_legend(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let names =
        ["dom", "mon", "dow", "day of month", "day of week", "minute (0", "hour (0", "month (1", "command to be executed"];
    names.iter().filter(|name| lower.contains(**name)).count() >= 2
        || lower.contains("command to be executed")
        || lower.contains("(0 - ")
}

/// Returns the text of a comment that has the form of an entry, without the mark.
pub(super) fn commented_entry(comment: &str) -> Option<&str> {
    let text = comment.trim_start_matches('#').trim();
    (schedule::begins_entry(text) && !is_legend(text)).then_some(text)
}
