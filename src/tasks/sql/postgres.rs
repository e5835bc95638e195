//! PostgreSQL sessions. Results are read in text format, which every type supports; parameters are bound by the server
//! (`PREPARE`, `EXECUTE`), which infers their types.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use data_encoding::HEXLOWER;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgQueryResult, PgRow, PgSslMode, PgValueFormat};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row, SqlSafeStr, Statement as _, TypeInfo, ValueRef};

use super::cell::Cell;
use super::error::SqlError;
use super::meter::Meter;
use super::relay::{self, Endpoint};
use super::row_stream::{columns, forward_rows};
use super::session::{Event, RowSender, Step, Stopper, sqlx_session};
use super::statement::{Placeholder, Statement, Values};
use super::target::Target;
use crate::domain::profile::datasource::Tls;
use crate::i18n::message;

/// Prefix of a statement with parameters.
const PREPARE: &str = "prepare belfry as ";

/// A connection to PostgreSQL.
pub struct Postgres {
    connection: PgConnection,
    options: PgConnectOptions,
    pid: i32,
    read_only: bool,
    meter: Meter,
}

impl Postgres {
    pub async fn connect(target: &Target) -> Result<Postgres, SqlError> {
        let options = options(target);
        let meter = Meter::default();
        let endpoint = relay::open(target, &format!(".s.PGSQL.{}", target.address.port), &meter).await?;
        let mut connection = through(endpoint.as_ref(), options.clone()).connect().await?;
        // Names of zones contain no quotes. The session runs in Belfry's zone, so that current_date is the user's.
        let zone = format!("set time zone '{}'", target.zone.name());
        connection.execute(AssertSqlSafe(zone)).await?;
        let pid = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut connection).await?;
        Ok(Postgres { connection, options, pid, read_only: target.read_only, meter })
    }

    async fn run_all(&mut self, statement: &Statement, values: &Values, out: &RowSender) -> Result<u64, SqlError> {
        let (text, cells) = statement.bind(values, Placeholder::Dollar)?;
        if cells.is_empty() {
            return self.stream(text, statement, out).await;
        }
        if statement.verb() == "call" {
            return self.stream(inline_values(statement, values)?, statement, out).await;
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

    async fn stream(&mut self, text: String, statement: &Statement, out: &RowSender) -> Result<u64, SqlError> {
        let executed = text.clone();
        let results = sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(&mut self.connection);
        let (changed, has_rows) = forward_rows(results, out, &self.meter, PgQueryResult::rows_affected, columns, cell).await?;
        if !has_rows && statement.returns_rows() && !executed.starts_with("execute ") {
            let prepared = self.connection.prepare(AssertSqlSafe(executed).into_sql_str()).await?;
            out.send(Event::Columns(columns(prepared.columns()))).await?;
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

/// Options that lead through a relay.
fn through(endpoint: Option<&Endpoint>, options: PgConnectOptions) -> PgConnectOptions {
    match endpoint {
        None => options,
        #[cfg(unix)]
        Some(Endpoint::Socket { folder, .. }) => options.socket(folder.path()),
        #[cfg(any(not(unix), test))]
        Some(Endpoint::Port(port)) => options.host("127.0.0.1").port(*port),
    }
}

sqlx_session!(Postgres);

impl Postgres {
    fn step_text(&self, step: Step) -> &'static str {
        match step {
            // After the first query a transaction can no longer be switched to read-write.
            Step::Begin { .. } if self.read_only => "begin read only; select 1",
            Step::Begin { .. } => "begin",
            Step::Commit => "commit",
            Step::Rollback => "rollback",
        }
    }

    fn new_stopper(&self) -> Stopper {
        Stopper::Postgres(Box::new(self.options.clone()), self.pid)
    }
}

/// The statement with its values inlined, for statements that cannot be prepared (`call`).
fn inline_values(statement: &Statement, values: &Values) -> Result<String, SqlError> {
    let Values::Named(given) = values else {
        return Err(SqlError::fail(message!("sql.named_only")));
    };
    statement.bind(values, Placeholder::Dollar)?;
    let texts = given.iter().map(|(name, cell)| Ok((name.as_str(), literal(cell)?)));
    let texts: std::collections::BTreeMap<&str, String> = texts.collect::<Result<_, SqlError>>()?;
    Ok(statement.render(|name| texts[name].clone()))
}

/// A value as a literal: `E'…'` is independent of the server's settings and takes the type that its context requires.
fn literal(cell: &Cell) -> Result<String, SqlError> {
    let text = match cell {
        Cell::Null => return Ok("null".to_owned()),
        Cell::Bytes(bytes) => format!("\\x{}", HEXLOWER.encode(bytes)),
        Cell::Float(float) if float.is_infinite() => (if *float > 0.0 { "infinity" } else { "-infinity" }).to_owned(),
        other => other.text(),
    };
    if text.contains('\0') {
        return Err(SqlError::fail(message!("sql.nul")));
    }
    Ok(format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''")))
}

fn cell(row: &PgRow, index: usize) -> Result<Cell, SqlError> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    if value.format() != PgValueFormat::Text {
        return Err(SqlError::fail(message!("sql.binary")));
    }
    let text = value.as_str().map_err(|_| SqlError::fail(message!("sql.not_utf8")))?;
    Ok(read(value.type_info().name(), text))
}

/// Reads a value by its type's name and text. A value that cannot be parsed as its type (`infinity` as a date) stays text.
fn read(kind: &str, text: &str) -> Cell {
    let typed = match kind {
        "BOOL" => Some(Cell::Bool(text == "t")),
        "INT2" | "INT4" | "INT8" | "OID" => text.parse().ok().map(Cell::Integer),
        "FLOAT4" | "FLOAT8" => text.parse().ok().map(Cell::Float),
        "NUMERIC" => Some(Cell::Decimal(text.to_owned())),
        "JSON" | "JSONB" => Some(Cell::Json(text.to_owned())),
        "BYTEA" => bytes(text).map(Cell::Bytes),
        "TIMESTAMPTZ" => DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").ok().map(Cell::TimestampTz),
        "TIMESTAMP" => NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok().map(Cell::Timestamp),
        "DATE" => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Cell::Date),
        _ => None,
    };
    typed.unwrap_or_else(|| Cell::Text(text.to_owned()))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    HEXLOWER.decode(text.strip_prefix("\\x")?.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_escapes_quotes_and_backslashes() {
        assert_eq!(literal(&Cell::Text("a'b\\'; drop".into())).unwrap(), "E'a''b\\\\''; drop'");
        assert_eq!(literal(&Cell::Bytes(vec![1, 255])).unwrap(), "E'\\\\x01ff'");
        assert!(literal(&Cell::Text("\0".into())).is_err());
    }

    #[test]
    fn unparsable_values_stay_text() {
        assert_eq!(read("DATE", "infinity"), Cell::Text("infinity".into()));
        assert_eq!(read("TIMESTAMPTZ", "2026-11-21 08:00:00.5+08").to_json(), "2026-11-21T08:00:00.500+08:00");
        assert_eq!(read("BYTEA", "\\x01ff"), Cell::Bytes(vec![1, 255]));
    }
}
