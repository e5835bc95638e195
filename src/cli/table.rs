//! Tables for people: columns as wide as what stands in them, folded to the terminal's width. Chinese characters count as the two
//! columns that they take.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::look::{Look, Tone};

/// Between two columns.
const GAP: usize = 2;
/// A column is not made narrower than this.
const NARROWEST: usize = 8;

/// A piece of a table.
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(super) fn of(text: impl Into<String>) -> Cell {
        Cell::toned(text, Tone::Plain)
    }

    pub(super) fn toned(text: impl Into<String>, tone: Tone) -> Cell {
        // One line each, whatever it holds; nothing in it may steer the terminal.
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
    /// `heads` are keys of texts below `head`.
    pub(super) fn new(heads: &[&'static str]) -> Table {
        Table { heads: heads.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table, each row a line.
    pub(super) fn draw(&self, look: &Look) -> String {
        let heads: Vec<Cell> =
            self.heads.iter().map(|head| Cell::toned(look.text(&format!("head.{head}")), Tone::Strong)).collect();
        let widths = widths(&heads, &self.rows, look.width());
        let lines = std::iter::once(&heads).chain(&self.rows);
        lines.map(|row| line(row, &widths, look)).collect()
    }
}

/// How wide each column is; where all together are too wide, the widest give way first.
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
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => break,
        }
    }
    widths
}

fn line(row: &[Cell], widths: &[usize], look: &Look) -> String {
    let mut line = String::new();
    for (place, (cell, width)) in row.iter().zip(widths).enumerate() {
        let shown = cut(&cell.text, *width);
        let padding = if place + 1 == row.len() { 0 } else { width - shown.width() + GAP };
        line.push_str(&look.paint(cell.tone, &shown));
        line.extend(std::iter::repeat_n(' ', padding));
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

/// A text of at most so many columns; what is cut off is shown by an ellipsis.
pub(super) fn cut(text: &str, width: usize) -> String {
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

/// Names and values under one another, the values in one line of columns.
pub(super) fn pairs(pairs: &[(String, Cell)], look: &Look) -> String {
    let widest = pairs.iter().map(|(name, _)| name.width()).max().unwrap_or_default();
    let line = |(name, cell): &(String, Cell)| {
        let padding = " ".repeat(widest - name.width() + GAP);
        format!("{}{padding}{}\n", look.paint(Tone::Faint, name), look.paint(cell.tone, &cell.text))
    };
    pairs.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(texts: &[&str]) -> Vec<Cell> {
        texts.iter().map(|text| Cell::of(*text)).collect()
    }

    #[test]
    fn the_widest_columns_give_way() {
        let rows = [cells(&["daily-report", "succeeded", &"x".repeat(100)])];
        assert_eq!(widths(&cells(&["ID", "STATUS", "ERROR"]), &rows, Some(60)), [12, 9, 35]);
        assert_eq!(widths(&cells(&["ID", "STATUS", "ERROR"]), &rows, None), [12, 9, 100]);
        assert_eq!(
            widths(&cells(&["ID", "STATUS", "ERROR"]), &rows, Some(5)),
            [8, 8, 8],
            "a phone's width still shows something"
        );
    }

    #[test]
    fn chinese_takes_two_columns() {
        assert_eq!(cut("每日报表", 8), "每日报表");
        assert_eq!(cut("每日报表", 7), "每日报…");
        assert_eq!(cut("每日报表", 6), "每日…");
        assert_eq!(cut("abc", 2), "a…");
    }

    #[test]
    fn nothing_in_a_cell_steers_the_terminal() {
        assert_eq!(Cell::of("a\x1b[31mb\nc").text, "a [31mb c");
    }
}
