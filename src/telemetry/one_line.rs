//! One line per event: escapes line breaks and control characters, so that external text cannot forge log lines.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Wraps another format and escapes control characters in its output. The format must set explicitly whether it uses colours.
pub(super) struct OneLine<F>(pub F);

impl<S, N, F> FormatEvent<S, N> for OneLine<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::with_capacity(160);
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writeln!(writer, "{}", Escaped(line.strip_suffix('\n').unwrap_or(&line)))
    }
}

/// Text with escaped control characters. Colour codes stay: the format has already escaped those in external text.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_escaped = |c: char| (c.is_control() && c != '\u{1b}' && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}');
        let mut rest = self.0;
        while let Some(at) = rest.find(is_escaped) {
            let found = rest[at..].chars().next().unwrap_or_default();
            write!(f, "{}{}", &rest[..at], found.escape_default())?;
            rest = &rest[at + found.len_utf8()..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn escaped_replaces_line_breaks_and_control_characters() {
        assert_eq!(Escaped("plain 中文 \u{1b}[32m\ttext").to_string(), "plain 中文 \u{1b}[32m\ttext");
        assert_eq!(Escaped("a\r\n2026 INFO forged\u{2028}x\0").to_string(), "a\\r\\n2026 INFO forged\\u{2028}x\\u{0}");
    }
}
