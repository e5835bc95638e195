//! Statements on either database: `execute!` changes rows, `fetch!` reads them. Both take the session, the operation that an
//! error names, the text, and its values.

/// Runs a statement and returns how many rows it changed: `execute!(session, "delete the task", text, id)`.
macro_rules! execute {
    ($session:expr, $context:literal, $text:expr $(, $value:expr)* $(,)?) => {
        $crate::storage::on_session!($session, |conn, dialect| {
            let query = sqlx::query(dialect.sql($text))$(.bind($value))*;
            query.execute(&mut *conn).await.map(|done| done.rows_affected())
        })
        .map_err($crate::storage::Error::on($context))
    };
}
pub(super) use execute;

/// Reads rows: `fetch!(all, session, "read tasks", &text, ids)`. `all`, `optional` and `one` say how many rows; `scalars`,
/// `scalar` and `only` are the same for the first column.
macro_rules! fetch {
    (all, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ query_as fetch_all $($rest)*) };
    (optional, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ query_as fetch_optional $($rest)*) };
    (one, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ query_as fetch_one $($rest)*) };
    (scalars, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ query_scalar fetch_all $($rest)*) };
    (scalar, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ query_scalar fetch_optional $($rest)*) };
    (only, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ query_scalar fetch_one $($rest)*) };
    (@ $query:ident $fetch:ident $session:expr, $context:literal, $text:expr $(, $value:expr)* $(,)?) => {
        $crate::storage::on_session!($session, |conn, dialect| {
            sqlx::$query(dialect.sql($text))$(.bind($value))*.$fetch(&mut *conn).await
        })
        .map_err($crate::storage::Error::on($context))
    };
}
pub(super) use fetch;

/// Reads rows by a statement of a [`QueryBuilder`], like `fetch!`: `fetch_built!(all, session, "list tasks", query)`.
macro_rules! fetch_built {
    (all, $($rest:tt)*) => { $crate::storage::statement::fetch_built!(@ query_as fetch_all $($rest)*) };
    (one, $($rest:tt)*) => { $crate::storage::statement::fetch_built!(@ query_as fetch_one $($rest)*) };
    (scalars, $($rest:tt)*) => { $crate::storage::statement::fetch_built!(@ query_scalar fetch_all $($rest)*) };
    (only, $($rest:tt)*) => { $crate::storage::statement::fetch_built!(@ query_scalar fetch_one $($rest)*) };
    (@ $query:ident $fetch:ident $session:expr, $context:literal, $built:expr) => {
        $crate::storage::on_session!($session, |conn, dialect| {
            let (text, values) = $built.into_parts();
            let query = values.into_iter().fold(sqlx::$query(dialect.sql(&text)), |query, value| match value {
                $crate::storage::statement::Bound::Text(text) => query.bind(text),
                $crate::storage::statement::Bound::Integer(number) => query.bind(number),
                $crate::storage::statement::Bound::Flag(flag) => query.bind(flag),
            });
            query.$fetch(&mut *conn).await
        })
        .map_err($crate::storage::Error::on($context))
    };
}
pub(super) use fetch_built;

/// A bound value of a [`QueryBuilder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    Text(String),
    Integer(i64),
    Flag(bool),
}

impl From<String> for Bound {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Bound {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Bound {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// A statement built piece by piece, with its bound values.
#[derive(Debug)]
pub struct QueryBuilder {
    text: String,
    values: Vec<Bound>,
}

impl QueryBuilder {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// Appends text.
    pub fn push(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.text.push_str(text.as_ref());
        self
    }

    /// Appends the placeholder of a value.
    pub fn push_bind(&mut self, value: impl Into<Bound>) -> &mut Self {
        self.values.push(value.into());
        self.text.push_str(&format!("${}", self.values.len()));
        self
    }

    /// The text and the values in the order of their placeholders.
    pub fn into_parts(self) -> (String, Vec<Bound>) {
        (self.text, self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_bind_numbers_the_placeholders() {
        let mut query = QueryBuilder::new("select id from tasks where id > ");
        query.push_bind("a".to_owned()).push(" and enabled = ").push_bind(true).push(" limit ").push_bind(3);
        let (text, values) = query.into_parts();
        assert_eq!(text, "select id from tasks where id > $1 and enabled = $2 limit $3");
        assert_eq!(values, [Bound::Text("a".to_owned()), Bound::Flag(true), Bound::Integer(3)]);
    }
}
