//! Statements on either database: `execute!` changes rows, `fetch!` reads them. Both take the session, the operation that an
//! error names, the text, and its values. They bind the values as [`Bound`], so that the code that runs a statement is compiled
//! once, whatever it reads.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};

use super::bound::{Bound, Extent};
use super::column::FromRow;
use super::sqlite::SqliteRow;
use super::{Conn, Dialect, Error, Result};

/// Runs a statement and returns how many rows it changed: `execute!(session, "delete the task", text, id)`.
macro_rules! execute {
    ($session:expr, $context:literal, $text:expr $(, $value:expr)* $(,)?) => {{
        let values = vec![$($crate::storage::bound::Bound::from($value)),*];
        $crate::storage::statement::run($session.conn(), $context, $text, values).await
    }};
}
pub(super) use execute;

/// Reads rows: `fetch!(all, session, "read tasks", &text, ids)`. `all`, `optional` and `one` say how many rows; `scalars`,
/// `scalar` and `only` are the same for the first column.
macro_rules! fetch {
    (all, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ All all $($rest)*) };
    (optional, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ First optional $($rest)*) };
    (one, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ First one $($rest)*) };
    (scalars, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ All scalars $($rest)*) };
    (scalar, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ First scalar $($rest)*) };
    (only, $($rest:tt)*) => { $crate::storage::statement::fetch!(@ First only $($rest)*) };
    (@ $extent:ident $form:ident $session:expr, $context:literal, $text:expr $(, $value:expr)* $(,)?) => {{
        let values = vec![$($crate::storage::bound::Bound::from($value)),*];
        $crate::storage::statement::read($session.conn(), $context, $text, values, $crate::storage::bound::Extent::$extent)
            .await
            .and_then($crate::storage::statement::Rows::$form)
    }};
}
pub(super) use fetch;

/// Reads rows by a statement of a [`QueryBuilder`], like `fetch!`: `fetch_built!(all, session, "list tasks", query)`.
macro_rules! fetch_built {
    (all, $($rest:tt)*) => { $crate::storage::statement::fetch_built!(@ All all $($rest)*) };
    (one, $($rest:tt)*) => { $crate::storage::statement::fetch_built!(@ First one $($rest)*) };
    (scalars, $($rest:tt)*) => { $crate::storage::statement::fetch_built!(@ All scalars $($rest)*) };
    (only, $($rest:tt)*) => { $crate::storage::statement::fetch_built!(@ First only $($rest)*) };
    (@ $extent:ident $form:ident $session:expr, $context:literal, $built:expr) => {{
        let (text, values) = $built.into_parts();
        $crate::storage::statement::read($session.conn(), $context, &text, values, $crate::storage::bound::Extent::$extent)
            .await
            .and_then($crate::storage::statement::Rows::$form)
    }};
}
pub(super) use fetch_built;

/// Runs a statement. Returns how many rows it changed. See `execute!`.
pub(super) async fn run(conn: Conn<'_>, context: &'static str, text: &str, values: Vec<Bound>) -> Result<u64> {
    match conn {
        Conn::Sqlite(conn) => conn.run(&Dialect::Sqlite.sql(text), &values),
        Conn::Postgres(conn) => postgres(text, values).execute(conn).await.map(|done| done.rows_affected()),
    }
    .map_err(Error::on(context))
}

/// Runs a statement that returns rows. See `fetch!`.
pub(super) async fn read(conn: Conn<'_>, context: &'static str, text: &str, values: Vec<Bound>, extent: Extent) -> Result<Rows> {
    let found = match (conn, extent) {
        (Conn::Sqlite(conn), _) => conn.read(&Dialect::Sqlite.sql(text), &values, extent).map(Found::Sqlite),
        (Conn::Postgres(conn), Extent::All) => postgres(text, values).fetch_all(conn).await.map(Found::Postgres),
        (Conn::Postgres(conn), Extent::First) => {
            postgres(text, values).fetch_optional(conn).await.map(|row| Found::Postgres(row.into_iter().collect()))
        }
    };
    found.map(|found| Rows { context, found }).map_err(Error::on(context))
}

fn postgres(text: &str, values: Vec<Bound>) -> Query<'static, Postgres, PgArguments> {
    let query = sqlx::query(AssertSqlSafe(Dialect::Postgres.sql(text)));
    values.into_iter().fold(query, |query, value| match value {
        Bound::Text(text) => query.bind(text),
        Bound::Integer(number) => query.bind(number),
        Bound::Flag(flag) => query.bind(flag),
    })
}

enum Found {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

/// The rows that a statement returned.
pub(super) struct Rows {
    /// The operation that an error names.
    context: &'static str,
    found: Found,
}

impl Rows {
    pub fn all<T: FromRow>(self) -> Result<Vec<T>> {
        match self.found {
            Found::Sqlite(rows) => rows.into_iter().map(|row| T::from_row(&row)).collect::<sqlx::Result<Vec<T>>>(),
            Found::Postgres(rows) => rows.into_iter().map(|row| T::from_row(&row)).collect::<sqlx::Result<Vec<T>>>(),
        }
        .map_err(Error::on(self.context))
    }

    pub fn optional<T: FromRow>(self) -> Result<Option<T>> {
        Ok(self.all()?.pop())
    }

    pub fn one<T: FromRow>(self) -> Result<T> {
        let context = self.context;
        self.optional()?.ok_or(sqlx::Error::RowNotFound).map_err(Error::on(context))
    }

    pub fn scalars<T>(self) -> Result<Vec<T>>
    where
        (T,): FromRow,
    {
        Ok(self.all::<(T,)>()?.into_iter().map(|(value,)| value).collect())
    }

    pub fn scalar<T>(self) -> Result<Option<T>>
    where
        (T,): FromRow,
    {
        Ok(self.scalars()?.pop())
    }

    pub fn only<T>(self) -> Result<T>
    where
        (T,): FromRow,
    {
        Ok(self.one::<(T,)>()?.0)
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
        assert_eq!(values, [Bound::Text(Some("a".to_owned())), Bound::Flag(true), Bound::Integer(Some(3))]);
    }
}
