//! Statements on either database: `execute!` changes rows, `fetch!` reads them. Both take the session, the operation that an
//! error names, the text, and its values. They bind the values as [`Bound`], so that the code that runs a statement is compiled
//! once, whatever it reads.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Database, Encode, FromRow, Postgres, Sqlite, Type};

use super::{Conn, Dialect, Error, Result};

/// Runs a statement and returns how many rows it changed: `execute!(session, "delete the task", text, id)`.
macro_rules! execute {
    ($session:expr, $context:literal, $text:expr $(, $value:expr)* $(,)?) => {{
        let values = vec![$($crate::storage::statement::Bound::from($value)),*];
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
        let values = vec![$($crate::storage::statement::Bound::from($value)),*];
        $crate::storage::statement::read($session.conn(), $context, $text, values, $crate::storage::statement::Extent::$extent)
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
        $crate::storage::statement::read($session.conn(), $context, &text, values, $crate::storage::statement::Extent::$extent)
            .await
            .and_then($crate::storage::statement::Rows::$form)
    }};
}
pub(super) use fetch_built;

/// Runs a statement. Returns how many rows it changed. See `execute!`.
pub(super) async fn run(conn: Conn<'_>, context: &'static str, text: &str, values: Vec<Bound>) -> Result<u64> {
    match conn {
        Conn::Sqlite(conn) => sqlite(text, values).execute(conn).await.map(|done| done.rows_affected()),
        Conn::Postgres(conn) => postgres(text, values).execute(conn).await.map(|done| done.rows_affected()),
    }
    .map_err(Error::on(context))
}

/// How many rows of a result are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    First,
    All,
}

/// Runs a statement that returns rows. See `fetch!`.
pub(super) async fn read(conn: Conn<'_>, context: &'static str, text: &str, values: Vec<Bound>, extent: Extent) -> Result<Rows> {
    let found = match (conn, extent) {
        (Conn::Sqlite(conn), Extent::All) => sqlite(text, values).fetch_all(conn).await.map(Found::Sqlite),
        (Conn::Sqlite(conn), Extent::First) => {
            sqlite(text, values).fetch_optional(conn).await.map(|row| Found::Sqlite(row.into_iter().collect()))
        }
        (Conn::Postgres(conn), Extent::All) => postgres(text, values).fetch_all(conn).await.map(Found::Postgres),
        (Conn::Postgres(conn), Extent::First) => {
            postgres(text, values).fetch_optional(conn).await.map(|row| Found::Postgres(row.into_iter().collect()))
        }
    };
    found.map(|found| Rows { context, found }).map_err(Error::on(context))
}

fn sqlite(text: &str, values: Vec<Bound>) -> Query<'static, Sqlite, SqliteArguments> {
    bind(sqlx::query(Dialect::Sqlite.sql(text)), values)
}

fn postgres(text: &str, values: Vec<Bound>) -> Query<'static, Postgres, PgArguments> {
    bind(sqlx::query(Dialect::Postgres.sql(text)), values)
}

fn bind<DB: Database>(query: Query<'static, DB, DB::Arguments>, values: Vec<Bound>) -> Query<'static, DB, DB::Arguments>
where
    Option<String>: for<'q> Encode<'q, DB> + Type<DB>,
    Option<i64>: for<'q> Encode<'q, DB> + Type<DB>,
    bool: for<'q> Encode<'q, DB> + Type<DB>,
{
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

/// What a row of either database is read as.
pub(super) trait FromEither: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

impl<T> FromEither for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

impl Rows {
    pub fn all<T: FromEither>(self) -> Result<Vec<T>> {
        match self.found {
            Found::Sqlite(rows) => rows.into_iter().map(|row| T::from_row(&row)).collect::<sqlx::Result<Vec<T>>>(),
            Found::Postgres(rows) => rows.into_iter().map(|row| T::from_row(&row)).collect::<sqlx::Result<Vec<T>>>(),
        }
        .map_err(Error::on(self.context))
    }

    pub fn optional<T: FromEither>(self) -> Result<Option<T>> {
        Ok(self.all()?.pop())
    }

    pub fn one<T: FromEither>(self) -> Result<T> {
        let context = self.context;
        self.optional()?.ok_or(sqlx::Error::RowNotFound).map_err(Error::on(context))
    }

    pub fn scalars<T>(self) -> Result<Vec<T>>
    where
        (T,): FromEither,
    {
        Ok(self.all::<(T,)>()?.into_iter().map(|(value,)| value).collect())
    }

    pub fn scalar<T>(self) -> Result<Option<T>>
    where
        (T,): FromEither,
    {
        Ok(self.scalars()?.pop())
    }

    pub fn only<T>(self) -> Result<T>
    where
        (T,): FromEither,
    {
        Ok(self.one::<(T,)>()?.0)
    }
}

/// A value that a statement binds; `None` is null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    Text(Option<String>),
    Integer(Option<i64>),
    Flag(bool),
}

/// Implements the conversion of types into [`Bound`].
macro_rules! bound {
    ($($type:ty: $form:ident $given:ident => $value:expr),* $(,)?) => {$(
        impl From<$type> for Bound {
            fn from($given: $type) -> Self {
                Self::$form($value)
            }
        }
    )*};
}

bound! {
    String: Text text => Some(text),
    &String: Text text => Some(text.clone()),
    &str: Text text => Some(text.to_owned()),
    Option<String>: Text text => text,
    &Option<String>: Text text => text.clone(),
    Option<&str>: Text text => text.map(str::to_owned),
    Option<&String>: Text text => text.cloned(),
    i64: Integer number => Some(number),
    &i64: Integer number => Some(*number),
    Option<i64>: Integer number => number,
    bool: Flag flag => flag,
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
