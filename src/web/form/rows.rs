//! Repeated rows of fields in the task form (`/chain/0/on`, `/chain/0/task`). Blank rows are skipped and the others renumbered
//! from 0, so that the pointer of a fault identifies its row.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Values;
use crate::web::urls::Pairs;

/// Maximum number of rows read; above the limits of the lists, so that too many are rejected instead of dropped.
const MOST_ROWS: usize = 100;

/// One row as submitted: texts by member.
pub type Row<'f> = BTreeMap<&'f str, &'f str>;

/// A list in the form.
pub struct Rows {
    /// The field of the task.
    pub name: &'static str,
    pub members: &'static [&'static str],
    /// A row is blank if all of these are empty.
    pub texts: &'static [&'static str],
    /// Number of blank rows shown after those in use.
    pub spare: usize,
}

impl Rows {
    /// Whether the form has a field of this name.
    pub fn is_field(&self, name: &str) -> bool {
        name.strip_prefix('/') == Some(self.name) || self.row_and_member(name).is_some()
    }

    /// Whether the form has fields of the list at all; without any, the list is not changed.
    pub fn is_present(&self, form: &Pairs) -> bool {
        form.0.iter().any(|(name, _)| self.row_and_member(name).is_some())
    }

    /// Splits a field name into row and member.
    fn row_and_member<'n>(&self, name: &'n str) -> Option<(usize, &'n str)> {
        let (row, member) = name.strip_prefix('/')?.strip_prefix(self.name)?.strip_prefix('/')?.split_once('/')?;
        self.members.contains(&member).then_some(())?;
        Some((row.parse().ok().filter(|row| *row < MOST_ROWS)?, member))
    }

    /// The rows that are not blank, in order.
    pub fn read<'f>(&self, form: &'f Pairs) -> Vec<Row<'f>> {
        let mut rows: BTreeMap<usize, Row<'f>> = BTreeMap::new();
        for (name, value) in &form.0 {
            if let Some((row, member)) = self.row_and_member(name) {
                rows.entry(row).or_default().insert(member, value.trim());
            }
        }
        let used = |row: &Row<'_>| self.texts.iter().any(|member| row.get(member).is_some_and(|text| !text.is_empty()));
        rows.into_values().filter(used).collect()
    }

    /// Returns the submitted values, numbered as by [`Rows::read`].
    pub fn submitted(&self, form: &Pairs) -> Values {
        let rows = self.read(form).into_iter().enumerate();
        let values = rows.flat_map(|(row, texts)| texts.into_iter().map(move |(member, text)| (row, member, text)));
        values.map(|(row, member, text)| (format!("/{}/{row}/{member}", self.name), text.to_owned())).collect()
    }

    /// Converts the list's JSON to field values; `text` returns the text of a member.
    pub fn to_values(&self, list: &[Value], text: impl Fn(&Value) -> String) -> Values {
        let members = |(row, item): (usize, &'_ Value)| {
            let item = item.as_object().into_iter().flatten();
            item.map(|(member, value)| (format!("/{}/{row}/{member}", self.name), text(value))).collect::<Vec<_>>()
        };
        list.iter().enumerate().flat_map(members).collect()
    }

    /// Returns the rows to show: those in use, then the blank ones.
    pub fn numbers(&self, values: &Values) -> Vec<usize> {
        let used = values.keys().filter_map(|name| self.row_and_member(name)).map(|(row, _)| row + 1).max().unwrap_or(0);
        (0..used + self.spare).collect()
    }
}
