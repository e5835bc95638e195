//! Conditions that find a text within columns.

use super::statement::QueryBuilder;

/// Pushes a condition: one of the columns contains the text, ignoring case. SQLite's `lower` and `like` know the case of ASCII
/// only, so other texts are matched as regular expressions.
pub(super) fn push_search(query: &mut QueryBuilder, columns: &[&str], search: &str) {
    query.push(" and (");
    for (index, column) in columns.iter().enumerate() {
        query.push(if index == 0 { "" } else { " or " });
        if search.is_ascii() {
            let pattern = like_literal(&search.to_ascii_lowercase());
            query.push(format!("lower(coalesce({column}, '')) like ")).push_bind(pattern).push(" escape '\\'");
        } else {
            query.push(format!("coalesce({column}, '') {{matches}} ")).push_bind(format!("(?i){}", regex::escape(search)));
        }
    }
    query.push(")");
}

/// Returns a LIKE pattern that finds the text literally, anywhere.
pub(super) fn like_literal(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}
