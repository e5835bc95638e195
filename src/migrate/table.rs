//! Read-only access to the databases of other schedulers, on SQLite, PostgreSQL and MySQL: every value of a table as text.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Row};

use crate::i18n::{Message, message};
use crate::long_path::without_limit;

/// Most rows read of a table.
pub(super) const MAX_ROWS: usize = 10_000;

/// Runs a statement without parameters, so that the server sends every value as text.
macro_rules! rows {
    ($options:expr, $sql:expr) => {{
        let mut connection = $options.connect().await.map_err(|error| failed(&error))?;
        let rows = sqlx::raw_sql(AssertSqlSafe($sql)).fetch_all(&mut connection).await.map_err(|error| failed(&error))?;
        let value = |row: &_, place| Row::try_get_unchecked::<Option<String>, _>(row, place).map_err(|error| failed(&error));
        rows.iter()
            .map(|row| {
                row.columns().iter().map(|column| Ok((column.name().to_lowercase(), value(row, column.ordinal())?))).collect()
            })
            .collect::<Result<Vec<TableRow>, Message>>()
    }};
}

/// A database of another scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableSource {
    /// The path of the file.
    Sqlite(String),
    /// The URL.
    Postgres(String),
    /// The URL.
    MySql(String),
}

/// A row: the values by column name in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableRow(BTreeMap<String, Option<String>>);

impl TableSource {
    /// Parses a URL as SQLAlchemy writes it, `dialect+driver://…`; the driver is ignored.
    ///
    /// # Errors
    /// What to write, without the URL's password.
    pub fn parse(url: &str) -> Result<TableSource, Message> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| message!("table.not_a_url"))?;
        match scheme.split('+').next().unwrap_or_default() {
            // Three slashes precede a relative path, four an absolute one.
            "sqlite" => match rest.split('?').next().and_then(|path| path.strip_prefix('/')).filter(|path| !path.is_empty()) {
                Some(path) => Ok(TableSource::Sqlite(path.to_owned())),
                None => Err(message!("table.in_memory")),
            },
            "postgresql" | "postgres" => Ok(TableSource::Postgres(format!("postgres://{rest}"))),
            // The query string configures the driver.
            "mysql" | "mariadb" => Ok(TableSource::MySql(format!("mysql://{}", rest.split('?').next().unwrap_or_default()))),
            _ => Err(message!("table.unknown_scheme")),
        }
    }

    /// What tells this database from others, without credentials and options.
    pub fn identity(&self) -> &str {
        match self {
            TableSource::Sqlite(path) => path,
            TableSource::Postgres(url) | TableSource::MySql(url) => {
                let rest = url.split("://").nth(1).unwrap_or_default();
                rest.rsplit('@').next().unwrap_or_default().split('?').next().unwrap_or_default()
            }
        }
    }

    /// Returns all rows of a table; `name` may be qualified with a schema.
    ///
    /// # Errors
    /// The database's error, or more than 10,000 rows.
    pub async fn rows(&self, name: &str) -> Result<Vec<TableRow>, Message> {
        check_name(name)?;
        let sql = format!("select * from {name} limit {}", MAX_ROWS + 1);
        let rows = match self {
            TableSource::Sqlite(path) => rows!(sqlite(path), sql),
            TableSource::Postgres(url) => rows!(url.parse::<PgConnectOptions>().map_err(|error| failed(&error))?, sql),
            TableSource::MySql(url) => rows!(url.parse::<MySqlConnectOptions>().map_err(|error| failed(&error))?, sql),
        }?;
        if rows.len() > MAX_ROWS { Err(message!("table.too_many_rows", table = name, max = MAX_ROWS)) } else { Ok(rows) }
    }
}

impl TableRow {
    /// The text of a column; `None` for NULL, an empty text, or a column that this version of the scheduler does not have.
    pub fn text(&self, column: &str) -> Option<&str> {
        self.0.get(column)?.as_deref().filter(|text| !text.is_empty())
    }

    pub fn integer(&self, column: &str) -> Option<i64> {
        match self.text(column)? {
            "t" | "true" => Some(1),
            "f" | "false" => Some(0),
            text => text.trim().parse().ok(),
        }
    }

    /// Whether a flag is set.
    pub fn is_set(&self, column: &str) -> bool {
        self.integer(column).is_some_and(|number| number != 0)
    }
}

impl FromIterator<(String, Option<String>)> for TableRow {
    fn from_iter<I: IntoIterator<Item = (String, Option<String>)>>(values: I) -> Self {
        TableRow(values.into_iter().collect())
    }
}

/// Refuses what is not the name of a table.
pub(super) fn check_name(name: &str) -> Result<(), Message> {
    let is_identifier = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if name.split('.').all(is_identifier) { Ok(()) } else { Err(message!("table.invalid_name", name)) }
}

pub(super) fn sqlite(path: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(without_limit(Path::new(path))).read_only(true)
}

pub(super) fn failed(error: &sqlx::Error) -> Message {
    message!("table.failed", error = error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_parsed() {
        for (url, expected) in [
            ("sqlite:///jobs.sqlite", TableSource::Sqlite("jobs.sqlite".into())),
            ("sqlite:////var/jobs.sqlite", TableSource::Sqlite("/var/jobs.sqlite".into())),
            ("sqlite+pysqlite:///C:/jobs.sqlite?timeout=5", TableSource::Sqlite("C:/jobs.sqlite".into())),
            ("postgresql+psycopg2://a:b@c/d", TableSource::Postgres("postgres://a:b@c/d".into())),
            ("mysql+pymysql://a:b@c:3306/d?charset=utf8mb4", TableSource::MySql("mysql://a:b@c:3306/d".into())),
        ] {
            assert_eq!(TableSource::parse(url), Ok(expected), "{url}");
        }
        for url in ["sqlite://", "jobs.sqlite", "oracle://a:secret@b/c"] {
            assert!(!TableSource::parse(url).unwrap_err().to_string().contains("secret"), "{url}");
        }
    }

    #[test]
    fn identity_has_no_credentials() {
        assert_eq!(TableSource::parse("mysql://a:p@ss@host:3306/xxl_job?x=1").unwrap().identity(), "host:3306/xxl_job");
    }

    #[tokio::test]
    async fn invalid_table_name_is_refused() {
        let source = TableSource::Sqlite("x".into());
        assert_eq!(source.rows("a; drop table b").await.unwrap_err().code(), "table.invalid_name");
    }
}
