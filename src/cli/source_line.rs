//! The line of a text in which something is wrong, as a message shows it: the part around the place, which is marked below.

use unicode_width::UnicodeWidthStr;

/// The most characters that are shown of a line, and how many of them stand before the place.
const SHOWN: usize = 160;
const BEFORE: usize = 60;

/// Returns the line and the carets below it. `column` counts characters from 0; a long line is cut at both ends.
pub(super) fn marked(line: &str, column: usize, length: usize) -> (String, String) {
    let line = line.trim_end();
    let is_long = line.chars().nth(SHOWN).is_some();
    let start = if is_long { column.saturating_sub(BEFORE) } else { 0 };
    let mut rest = line.chars().skip(start);
    let part: String = rest.by_ref().take(SHOWN).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if rest.next().is_some() { "…" } else { "" };
    let place = column - start;
    let blank = |c: char| if c == '\t' { c.to_string() } else { " ".repeat(c.to_string().width()) };
    let indent: String = before.chars().chain(part.chars().take(place)).map(blank).collect();
    let under: String = part.chars().skip(place).take(length.max(1)).collect();
    (format!("{before}{part}{after}"), format!("{indent}{}", "^".repeat(under.width().max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_marked_below_the_line() {
        assert_eq!(marked("  hour: 25\r", 8, 2), ("  hour: 25".to_owned(), "        ^^".to_owned()));
        assert_eq!(marked("\ta: 1", 1, 1), ("\ta: 1".to_owned(), "\t^".to_owned()));
        assert_eq!(marked("名称: x", 4, 1), ("名称: x".to_owned(), "      ^".to_owned()), "wide characters");
        assert_eq!(marked("", 5, 1), (String::new(), "^".to_owned()), "behind the end");
    }

    #[test]
    fn long_line_is_cut_around_the_place() {
        let line = format!("{}X{}", "a".repeat(100_000), "b".repeat(100_000));
        let (shown, carets) = marked(&line, 100_000, 1);
        assert_eq!(shown.chars().count(), SHOWN + 2);
        assert!(shown.starts_with("…a") && shown.ends_with("b…"), "{shown}");
        assert_eq!(shown.chars().position(|c| c == 'X'), Some(carets.len() - 1));
        let (shown, carets) = marked(&line, 0, 200_000);
        assert!(shown.starts_with('a') && shown.ends_with('…') && carets.len() == SHOWN, "{carets}");
        let (shown, _) = marked(&line, line.len() - 1, 1);
        assert!(shown.starts_with('…') && shown.ends_with('b'), "{shown}");
    }
}
