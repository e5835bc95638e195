//! The menu that sets how a list looks.

use serde::Serialize;

use super::context::ViewContext;
use crate::domain::saved_view::ListKind;
use crate::web::display::{ListDisplay, SIZES, columns};

#[derive(Debug, Clone, Serialize)]
pub struct DisplayMenu {
    /// Name of the list.
    pub list: &'static str,
    /// The classes of its table.
    pub classes: String,
    pub size: u32,
    pub sizes: [u32; 3],
    pub density: &'static str,
    pub columns: Vec<ColumnChoice>,
}

/// A column that can be hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnChoice {
    pub name: &'static str,
    pub text: String,
    pub shown: bool,
}

impl DisplayMenu {
    pub fn new(ctx: &ViewContext, list: ListKind, display: &ListDisplay) -> DisplayMenu {
        let column = |(name, key): &(&'static str, &str)| ColumnChoice {
            name,
            text: ctx.t(key).to_owned(),
            shown: !display.is_hidden(list, name),
        };
        DisplayMenu {
            list: list.as_str(),
            classes: display.classes(list),
            size: display.size,
            sizes: SIZES,
            density: display.density.as_str(),
            columns: columns(list).iter().map(column).collect(),
        }
    }

    pub fn sample() -> DisplayMenu {
        let column = |name, shown| ColumnChoice { name, text: "…".into(), shown };
        DisplayMenu {
            list: "tasks",
            classes: "is-compact no-params".into(),
            size: 40,
            sizes: SIZES,
            density: "compact",
            columns: vec![column("type", true), column("params", false)],
        }
    }
}
