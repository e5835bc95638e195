//! PostgreSQL. Answers are taken in their text form, in which every type of the server reads; parameters are bound by the
//! server itself (`PREPARE`, `EXECUTE`), which finds out what type each of them has.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgQueryResult, PgRow, PgSslMode, PgValueFormat};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row, SqlSafeStr, Statement as _, TypeInfo, ValueRef};

use super::answers::{columns, hand_on};
use super::cell::Cell;
use super::error::SqlError;
use super::session::{Event, Out, Session, Step, Stopper};
use super::source::Target;
use super::statement::{Placeholder, Statement, Values};
use crate::domain::profile::datasource::Tls;

/// Put in front of a statement that has parameters.
const PREPARE: &str = "prepare belfry as ";

/// A connection to PostgreSQL.
pub struct Postgres {
    connection: PgConnection,
    options: PgConnectOptions,
    pid: i32,
    read_only: bool,
}

impl Postgres {
    pub async fn connect(target: &Target) -> Result<Postgres, SqlError> {
        let options = options(target);
        let mut connection = options.connect().await?;
        // The names of zones hold no quotes. Dates without a zone mean those of Belfry's own.
        let zone = format!("set time zone '{}'", target.zone.name());
        connection.execute(AssertSqlSafe(zone)).await?;
        let pid = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut connection).await?;
        Ok(Postgres { connection, options, pid, read_only: target.read_only })
    }

    async fn run_all(&mut self, statement: &Statement, values: &Values, out: &Out) -> Result<u64, SqlError> {
        let (text, cells) = statement.bind(values, Placeholder::Dollar)?;
        if cells.is_empty() {
            return self.stream(text, statement, out).await;
        }
        if statement.verb() == "call" {
            return self.stream(in_place(statement, values)?, statement, out).await;
        }
        let prepared = self.connection.execute(AssertSqlSafe(format!("{PREPARE}{text}"))).await;
        prepared.map_err(|error| {
            let error = SqlError::from(error);
            SqlError { position: error.position.map(|at| at.saturating_sub(PREPARE.len())), ..error }
        })?;
        let list: Vec<String> = cells.iter().map(literal).collect::<Result<_, _>>()?;
        let changed = self.stream(format!("execute belfry({})", list.join(", ")), statement, out).await?;
        self.connection.execute("deallocate belfry").await?;
        Ok(changed)
    }

    async fn stream(&mut self, text: String, statement: &Statement, out: &Out) -> Result<u64, SqlError> {
        let executed = text.clone();
        let answers = sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(&mut self.connection);
        let (changed, seen) = hand_on(answers, out, PgQueryResult::rows_affected, cell).await?;
        if !seen && statement.answers_rows() && !executed.starts_with("execute ") {
            let asked = self.connection.prepare(AssertSqlSafe(executed).into_sql_str()).await?;
            out.send(Event::Columns(columns(asked.columns()))).await?;
        }
        Ok(if statement.changes_rows() { changed } else { 0 })
    }
}

fn options(target: &Target) -> PgConnectOptions {
    let address = &target.address;
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&address.host)
        .port(address.port)
        .application_name(address.option("application_name").unwrap_or("belfry"))
        .ssl_mode(match target.tls {
            Tls::Off => PgSslMode::Disable,
            Tls::Prefer => PgSslMode::Prefer,
            Tls::Require => PgSslMode::Require,
            Tls::Verify => PgSslMode::VerifyFull,
        });
    if let Some(user) = &address.user {
        options = options.username(user);
    }
    if let Some(password) = &address.password {
        options = options.password(password.reveal());
    }
    if !address.database.is_empty() {
        options = options.database(&address.database);
    }
    if let Some(file) = &target.tls_ca {
        options = options.ssl_root_cert(file);
    }
    if target.read_only {
        options = options.options([("default_transaction_read_only", "on")]);
    }
    options.disable_statement_logging()
}

impl Session for Postgres {
    fn run<'a>(&'a mut self, statement: &'a Statement, values: &'a Values, out: Out) -> BoxFuture<'a, Result<u64, SqlError>> {
        Box::pin(async move { self.run_all(statement, values, &out).await })
    }

    fn step(&mut self, step: Step) -> BoxFuture<'_, Result<(), SqlError>> {
        let text = match step {
            // Once something was asked, a transaction cannot be made to write any more.
            Step::Begin { .. } if self.read_only => "begin read only; select 1",
            Step::Begin { .. } => "begin",
            Step::Commit => "commit",
            Step::Rollback => "rollback",
        };
        Box::pin(async move {
            sqlx::raw_sql(text).execute(&mut self.connection).await?;
            Ok(())
        })
    }

    fn stopper(&self) -> Stopper {
        Stopper::Postgres(Box::new(self.options.clone()), self.pid)
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let _gone_anyway = self.connection.close().await;
        })
    }
}

/// The statement with its values in it, for the few that cannot be prepared.
fn in_place(statement: &Statement, values: &Values) -> Result<String, SqlError> {
    let Values::Named(given) = values else {
        return Err(SqlError::fail("call takes named parameters (:name) only"));
    };
    statement.bind(values, Placeholder::Dollar)?;
    let texts = given.iter().map(|(name, cell)| Ok((name.as_str(), literal(cell)?)));
    let texts: std::collections::BTreeMap<&str, String> = texts.collect::<Result<_, SqlError>>()?;
    Ok(statement.render(|name| texts[name].clone()))
}

/// A value as PostgreSQL reads it whatever its settings are: `E'…'` means the same under all of them, and takes the type that
/// its place asks for.
fn literal(cell: &Cell) -> Result<String, SqlError> {
    let text = match cell {
        Cell::Null => return Ok("null".to_owned()),
        Cell::Bytes(bytes) => format!("\\x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        Cell::Float(float) if float.is_infinite() => (if *float > 0.0 { "infinity" } else { "-infinity" }).to_owned(),
        other => other.text(),
    };
    if text.contains('\0') {
        return Err(SqlError::fail("a value holds the character U+0000, which PostgreSQL cannot keep"));
    }
    Ok(format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''")))
}

fn cell(row: &PgRow, place: usize) -> Result<Cell, SqlError> {
    let value = row.try_get_raw(place)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    if value.format() != PgValueFormat::Text {
        return Err(SqlError::fail("the server answered in a form that was not asked for"));
    }
    let text = value.as_str().map_err(|_| SqlError::fail("the server answered with text that is not UTF-8"))?;
    Ok(read(value.type_info().name(), text))
}

/// A value by its type's name and text. What does not read as its type (`infinity` as a date) stays text.
fn read(kind: &str, text: &str) -> Cell {
    let typed = match kind {
        "BOOL" => Some(Cell::Bool(text == "t")),
        "INT2" | "INT4" | "INT8" | "OID" => text.parse().ok().map(Cell::Integer),
        "FLOAT4" | "FLOAT8" => text.parse().ok().map(Cell::Float),
        "NUMERIC" => Some(Cell::Decimal(text.to_owned())),
        "JSON" | "JSONB" => serde_json::from_str(text).ok().map(Cell::Json),
        "BYTEA" => bytes(text).map(Cell::Bytes),
        "TIMESTAMPTZ" => DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").ok().map(Cell::Instant),
        "TIMESTAMP" => NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok().map(Cell::Local),
        "DATE" => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Cell::Date),
        _ => None,
    };
    typed.unwrap_or_else(|| Cell::Text(text.to_owned()))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_break_out_of_their_quotes() {
        assert_eq!(literal(&Cell::Text("a'b\\'; drop".into())).unwrap(), "E'a''b\\\\''; drop'");
        assert_eq!(literal(&Cell::Bytes(vec![1, 255])).unwrap(), "E'\\\\x01ff'");
        assert!(literal(&Cell::Text("\0".into())).is_err());
    }

    #[test]
    fn what_does_not_read_stays_text() {
        assert_eq!(read("DATE", "infinity"), Cell::Text("infinity".into()));
        assert_eq!(read("TIMESTAMPTZ", "2026-11-21 08:00:00.5+08").to_json(), "2026-11-21T08:00:00.500+08:00");
        assert_eq!(read("BYTEA", "\\x01ff"), Cell::Bytes(vec![1, 255]));
    }
}
