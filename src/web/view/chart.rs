//! Charts of bars, as the server draws them: all sizes are worked out here, the template only writes them down. Colours are
//! classes, so that both themes have their own.

use serde::Serialize;

/// The height of every chart, in units of its own; the style sheet stretches it.
pub const HEIGHT: i64 = 100;
/// The width of a bar's place, and of the bar in it.
const PLACE: i64 = 10;
const WIDTH: i64 = 8;
/// Places at least, so that a few bars are no walls.
const FEWEST: i64 = 24;
/// The least height of what is there at all.
const LEAST: i64 = 4;

/// A chart of bars, side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Chart {
    pub width: i64,
    pub bars: Vec<Bar>,
    /// What a bar of full height stands for.
    pub top: i64,
}

/// One bar; without an address it is drawn without a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bar {
    pub x: i64,
    pub width: i64,
    pub href: String,
    /// What it shows, in words.
    pub label: String,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// A status, or `planned`: it says the colour.
    pub kind: &'static str,
    pub y: i64,
    pub height: i64,
}

/// What a bar is made of: its address, its label, and amounts from the bottom up.
pub struct Column {
    pub href: String,
    pub label: String,
    pub amounts: Vec<(&'static str, i64)>,
}

impl Chart {
    /// Draws columns on one scale.
    pub fn new(columns: Vec<Column>) -> Chart {
        let total = |column: &Column| column.amounts.iter().map(|(_, amount)| amount.max(&0)).sum::<i64>();
        let top = columns.iter().map(total).max().unwrap_or_default();
        let width = PLACE * (columns.len() as i64).max(FEWEST);
        let bars = columns.into_iter().zip(0..).map(|(column, place)| Bar {
            x: place * PLACE + (PLACE - WIDTH) / 2,
            width: WIDTH,
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
        let height = (amount.saturating_mul(HEIGHT) / top.max(1)).max(LEAST).min(y);
        y -= height;
        Part { kind, y, height }
    });
    drawn.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_one_scale_and_the_smallest_is_seen() {
        let column = |amounts| Column { href: String::new(), label: String::new(), amounts };
        let chart =
            Chart::new(vec![column(vec![("succeeded", 1), ("failed", 1)]), column(vec![("succeeded", 1000)]), column(vec![])]);
        assert_eq!((chart.width, chart.top), (240, 1000), "room for more");
        assert_eq!(
            chart.bars[0].parts,
            [Part { kind: "succeeded", y: 96, height: 4 }, Part { kind: "failed", y: 92, height: 4 }]
        );
        assert_eq!(chart.bars[1].parts, [Part { kind: "succeeded", y: 0, height: 100 }]);
        assert!(chart.bars[2].parts.is_empty());
    }
}
