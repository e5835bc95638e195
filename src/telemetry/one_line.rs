//! One event, one line: a text from outside that holds line breaks or other controls must not pass for lines of the log's own.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Writes what another form writes, with the controls inside it escaped. The form must set whether it uses colours.
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

/// Text without controls. Colours stay: those in texts from outside were escaped by the form itself.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let breaks = |c: char| (c.is_control() && c != '\u{1b}' && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}');
        let mut rest = self.0;
        while let Some(at) = rest.find(breaks) {
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
    fn breaks_are_written_out_and_the_rest_stays() {
        assert_eq!(Escaped("plain 中文 \u{1b}[32m\ttext").to_string(), "plain 中文 \u{1b}[32m\ttext");
        assert_eq!(Escaped("a\r\n2026 INFO forged\u{2028}x\0").to_string(), "a\\r\\n2026 INFO forged\\u{2028}x\\u{0}");
    }
}
