//! Bar charts as SVG: sizes are computed here, the template only prints them. Colors are CSS classes, so that each theme
//! has its own.

use serde::Serialize;

/// Height of every chart in SVG units; the style sheet scales it.
pub const HEIGHT: i64 = 100;
/// Width of a slot and of the bar in it.
const SLOT_WIDTH: i64 = 10;
const BAR_WIDTH: i64 = 8;
/// Minimum number of slots, so that a few bars do not get too wide.
const MIN_SLOTS: i64 = 24;
/// Minimum height of a non-zero part.
const MIN_BAR_HEIGHT: i64 = 4;

/// A bar chart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Chart {
    pub width: i64,
    pub bars: Vec<Bar>,
    /// Value of a bar of full height.
    pub top: i64,
}

/// One bar; without `href` it is not a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bar {
    pub x: i64,
    pub width: i64,
    pub href: String,
    /// Text alternative.
    pub label: String,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// A status or `planned`; determines the color.
    pub kind: &'static str,
    pub y: i64,
    pub height: i64,
}

/// Data of a bar: URL, label and amounts from the bottom up.
pub struct Column {
    pub href: String,
    pub label: String,
    pub amounts: Vec<(&'static str, i64)>,
}

impl Chart {
    /// Builds a chart with all columns on one scale.
    pub fn new(columns: Vec<Column>) -> Chart {
        let total = |column: &Column| column.amounts.iter().map(|(_, amount)| amount.max(&0)).sum::<i64>();
        let top = columns.iter().map(total).max().unwrap_or_default();
        let width = SLOT_WIDTH * (columns.len() as i64).max(MIN_SLOTS);
        let bars = columns.into_iter().zip(0..).map(|(column, index)| Bar {
            x: index * SLOT_WIDTH + (SLOT_WIDTH - BAR_WIDTH) / 2,
            width: BAR_WIDTH,
            parts: stack(&column.amounts, top),
            href: column.href,
            label: column.label,
        });
        Chart { width, bars: bars.collect(), top }
    }

    pub fn sample() -> Chart {
        let column = |href: &str, amounts| Column { href: href.into(), label: "…".into(), amounts };
        Chart::new(vec![
            column("/executions", vec![("succeeded", 3), ("failed", 1)]),
            column("", vec![("planned", 2)]),
            column("", vec![]),
        ])
    }
}

fn stack(amounts: &[(&'static str, i64)], top: i64) -> Vec<Part> {
    let mut y = HEIGHT;
    let drawn = amounts.iter().filter(|(_, amount)| *amount > 0).map(|(kind, amount)| {
        let height = (amount.saturating_mul(HEIGHT) / top.max(1)).max(MIN_BAR_HEIGHT).min(y);
        y -= height;
        Part { kind, y, height }
    });
    drawn.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_share_a_scale_and_have_a_minimum_height() {
        let column = |amounts| Column { href: String::new(), label: String::new(), amounts };
        let chart =
            Chart::new(vec![column(vec![("succeeded", 1), ("failed", 1)]), column(vec![("succeeded", 1000)]), column(vec![])]);
        assert_eq!((chart.width, chart.top), (240, 1000), "minimum number of slots");
        assert_eq!(
            chart.bars[0].parts,
            [Part { kind: "succeeded", y: 96, height: 4 }, Part { kind: "failed", y: 92, height: 4 }]
        );
        assert_eq!(chart.bars[1].parts, [Part { kind: "succeeded", y: 0, height: 100 }]);
        assert!(chart.bars[2].parts.is_empty());
    }
}
