//! The YAML block with diagnostics below a test point. Only its duration and its message are read.

use crate::tasks::auto_test::report::Case;

/// Bytes kept of a message.
const MESSAGE_MAX: usize = 8 << 10;

/// An open block.
pub(super) struct Block {
    /// The indentation of its lines.
    indent: usize,
    /// The indentation of the key whose text of several lines is being read.
    message_key: Option<usize>,
}

impl Block {
    pub fn new(indent: usize) -> Self {
        Self { indent, message_key: None }
    }

    /// Whether a line belongs to the block; one that is indented less ends a block without an end mark.
    pub fn holds(&self, line: &str) -> bool {
        line.trim().is_empty() || indent(line) >= self.indent
    }

    /// Reads a line for the test above. Returns whether the block ends with it.
    pub fn line(&mut self, line: &str, case: Option<&mut Case>) -> bool {
        if indent(line) == self.indent && line.trim() == "..." {
            return true;
        }
        let Some(case) = case else { return false };
        if let Some(key) = self.message_key {
            if line.trim().is_empty() || indent(line) > key {
                add_line(&mut case.message, line.trim());
                return false;
            }
            self.message_key = None;
        }
        let Some((key, value)) = line.split_once(':') else { return false };
        let value = value.trim();
        match key.trim() {
            "duration_ms" => case.duration_ms = value.parse::<f64>().map_or(0, |ms| ms.clamp(0.0, 1e15) as u64),
            "message" | "error" if case.message.is_empty() => match value.trim_end_matches(['-', '+']) {
                "|" | ">" => self.message_key = Some(indent(line)),
                _ => unquoted(value).clone_into(&mut case.message),
            },
            _ => {}
        }
        false
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn add_line(message: &mut String, line: &str) {
    if message.len() + line.len() < MESSAGE_MAX {
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str(line);
    }
}

fn unquoted(value: &str) -> &str {
    let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    quoted.unwrap_or(value)
}
