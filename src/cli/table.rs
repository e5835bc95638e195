//! Text tables: columns as wide as their content, limited to the terminal's width. Wide (Chinese) characters count as two columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::output_options::{OutputOptions, Tone};

/// Spaces between two columns.
const GAP: usize = 2;
/// The minimum column width.
const MIN_COLUMN_WIDTH: usize = 8;

/// A table cell.
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Cell {
        Cell::toned(text, Tone::Plain)
    }

    pub(super) fn toned(text: impl Into<String>, tone: Tone) -> Cell {
        // One line each; control characters must not reach the terminal.
        let text: String = text.into().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Cell { text, tone }
    }
}

impl From<(String, Tone)> for Cell {
    fn from((text, tone): (String, Tone)) -> Cell {
        Cell::toned(text, tone)
    }
}

/// A table to be filled.
pub(super) struct Table {
    /// The keys of the headings.
    heads: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// `heads` are keys of texts under `head`.
    pub(super) fn new(heads: &[&'static str]) -> Table {
        Table { heads: heads.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Renders the table, one line per row.
    pub(super) fn draw(&self, output: &OutputOptions) -> String {
        let heads: Vec<Cell> =
            self.heads.iter().map(|head| Cell::toned(output.text(&format!("head.{head}")), Tone::Strong)).collect();
        let widths = widths(&heads, &self.rows, output.width());
        let lines = std::iter::once(&heads).chain(&self.rows);
        lines.map(|row| line(row, &widths, output)).collect()
    }
}

/// The column widths; if their sum is too large, the widest shrink first.
fn widths(heads: &[Cell], rows: &[Vec<Cell>], limit: Option<usize>) -> Vec<usize> {
    let mut widths: Vec<usize> = heads.iter().map(|head| head.text.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.width());
        }
    }
    let Some(limit) = limit else { return widths };
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > limit {
        match widths.iter_mut().max() {
            Some(widest) if *widest > MIN_COLUMN_WIDTH => *widest -= 1,
            _ => break,
        }
    }
    widths
}

fn line(row: &[Cell], widths: &[usize], output: &OutputOptions) -> String {
    let mut line = String::new();
    for (place, (cell, width)) in row.iter().zip(widths).enumerate() {
        let shown = truncate(&cell.text, *width);
        let padding = if place + 1 == row.len() { 0 } else { width - shown.width() + GAP };
        line.push_str(&output.paint(cell.tone, &shown));
        line.extend(std::iter::repeat_n(' ', padding));
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

/// A text truncated to a number of columns, with an ellipsis.
pub(super) fn truncate(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// A list of names and values, one pair per line.
pub(super) fn pairs(pairs: &[(String, Cell)], output: &OutputOptions) -> String {
    let widest = pairs.iter().map(|(name, _)| name.width()).max().unwrap_or_default();
    let line = |(name, cell): &(String, Cell)| {
        let padding = " ".repeat(widest - name.width() + GAP);
        format!("{}{padding}{}\n", output.paint(Tone::Faint, name), output.paint(cell.tone, &cell.text))
    };
    pairs.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(texts: &[&str]) -> Vec<Cell> {
        texts.iter().map(|text| Cell::plain(*text)).collect()
    }

    #[test]
    fn widest_columns_shrink_first() {
        let rows = [cells(&["daily-report", "succeeded", &"x".repeat(100)])];
        assert_eq!(widths(&cells(&["ID", "STATUS", "ERROR"]), &rows, Some(60)), [12, 9, 35]);
        assert_eq!(widths(&cells(&["ID", "STATUS", "ERROR"]), &rows, None), [12, 9, 100]);
        assert_eq!(
            widths(&cells(&["ID", "STATUS", "ERROR"]), &rows, Some(5)),
            [8, 8, 8],
            "a narrow terminal still shows something"
        );
    }

    #[test]
    fn chinese_characters_are_two_columns_wide() {
        assert_eq!(truncate("每日报表", 8), "每日报表");
        assert_eq!(truncate("每日报表", 7), "每日报…");
        assert_eq!(truncate("每日报表", 6), "每日…");
        assert_eq!(truncate("abc", 2), "a…");
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(Cell::plain("a\x1b[31mb\nc").text, "a [31mb c");
    }
}
