//! View of an execution's result, with query rows, HTTP response and failed tests shown separately.

use serde::Serialize;
use serde_json::Value;

use super::pretty;
use crate::domain::input::truncate;

/// Maximum number of table rows on the page; the full result has all of them.
const MAX_ROWS: usize = 200;
/// Maximum number of characters of a cell.
const MAX_CELL: usize = 300;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ResultView {
    pub exists: bool,
    pub http_status: Option<i64>,
    pub exit_code: Option<i64>,
    pub body: String,
    pub table: Option<Table>,
    /// Test counts by kind (`total`, `passed`, …).
    pub counts: Vec<(&'static str, i64)>,
    pub failed_tests: Vec<FailedTest>,
    pub json: String,
}

/// Query rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Table {
    pub columns: Vec<String>,
    /// `None`: SQL null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Number of rows not shown.
    pub more: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FailedTest {
    pub name: String,
    pub message: String,
}

impl ResultView {
    pub fn new(result: Option<&Value>) -> ResultView {
        let Some(result) = result.filter(|value| !value.is_null()) else { return ResultView::default() };
        let body = match result.get("body") {
            Some(Value::String(text)) => text.clone(),
            Some(other) => pretty(other),
            None => String::new(),
        };
        let failed = result.get("failed_tests").and_then(Value::as_array);
        ResultView {
            exists: true,
            http_status: result.get("status").and_then(Value::as_i64),
            exit_code: result.get("exit_code").and_then(Value::as_i64),
            body,
            table: table(result),
            counts: if failed.is_some() { counts(result) } else { Vec::new() },
            failed_tests: failed.map(|list| list.iter().map(failed_test).collect()).unwrap_or_default(),
            json: pretty(result),
        }
    }
}

/// Reads `columns` (strings, or objects with a `name`) and `rows` (arrays, or objects by column).
fn table(result: &Value) -> Option<Table> {
    let columns = result.get("columns")?.as_array()?;
    let rows = result.get("rows")?.as_array()?;
    let name = |column: &Value| column.as_str().or_else(|| column.get("name")?.as_str()).map(str::to_owned);
    let columns = columns.iter().map(name).collect::<Option<Vec<String>>>()?;
    let read = |row: &Value| {
        columns.iter().enumerate().map(|(index, column)| cell(row.get(index).or_else(|| row.get(column)))).collect()
    };
    let shown: Vec<Vec<Option<String>>> = rows.iter().take(MAX_ROWS).map(read).collect();
    Some(Table { more: rows.len() - shown.len(), rows: shown, columns })
}

fn cell(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) => Some(truncate(text, MAX_CELL)),
        other => Some(truncate(&other.to_string(), MAX_CELL)),
    }
}

fn counts(result: &Value) -> Vec<(&'static str, i64)> {
    let tests = result.get("tests").filter(|tests| tests.is_object()).unwrap_or(result);
    let names = [("total", "total"), ("passed", "passed"), ("failed", "failed"), ("error", "errors"), ("skipped", "skipped")];
    names.into_iter().filter_map(|(given, shown)| Some((shown, tests.get(given)?.as_i64()?))).collect()
}

fn failed_test(test: &Value) -> FailedTest {
    let text = |name: &str| test.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match test {
        Value::String(name) => FailedTest { name: name.clone(), message: String::new() },
        _ => {
            let class = text("class");
            let name = if class.is_empty() { text("name") } else { format!("{class} {}", text("name")) };
            FailedTest { name, message: text("message") }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn http_status_exit_code_and_body() {
        let view = ResultView::new(Some(&json!({"status": 502, "body": {"a": 1}})));
        assert_eq!((view.http_status, view.exit_code, view.body.as_str()), (Some(502), None, "{\n  \"a\": 1\n}"));
        assert!(!ResultView::new(None).exists && !ResultView::new(Some(&Value::Null)).exists);
    }

    #[test]
    fn rows_as_arrays_and_objects() {
        let arrays = ResultView::new(Some(&json!({"columns": ["a", "b"], "rows": [[1, null], ["x"]]})));
        let table = arrays.table.unwrap();
        assert_eq!(table.rows, [[Some("1".to_owned()), None], [Some("x".to_owned()), None]]);
        let objects = ResultView::new(Some(&json!({"columns": [{"name": "a"}], "rows": [{"a": true}]})));
        assert_eq!(objects.table.unwrap().rows, [[Some("true".to_owned())]]);
        let many = ResultView::new(Some(&json!({"columns": ["n"], "rows": vec![[1]; 201]}))).table.unwrap();
        assert_eq!((many.rows.len(), many.more), (200, 1));
        for odd in [json!({"columns": 1, "rows": []}), json!({"columns": [1], "rows": []}), json!({"rows": []}), json!([1])] {
            assert_eq!(ResultView::new(Some(&odd)).table, None, "{odd}");
        }
    }

    #[test]
    fn failed_tests_and_counts() {
        let result = json!({"tests": {"total": 3, "passed": 1, "error": 2},
            "failed_tests": ["a::b", {"name": "c", "class": "d", "message": "no"}]});
        let view = ResultView::new(Some(&result));
        assert_eq!(view.counts, [("total", 3), ("passed", 1), ("errors", 2)]);
        assert_eq!((view.failed_tests[0].name.as_str(), view.failed_tests[1].name.as_str()), ("a::b", "d c"));
        assert_eq!(view.failed_tests[1].message, "no");
    }
}
