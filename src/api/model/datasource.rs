//! Response models of datasources, without credentials.

use poem_openapi::Object;

use super::profile::managed_by;
use crate::service::ConnectionTest;
use crate::tasks::sql::Source;

/// A database that tasks may use.
#[derive(Default, Object)]
#[oai(rename = "Datasource", read_only_all)]
pub struct DatasourceView {
    /// The name that tasks use.
    name: String,
    /// `sqlite`, `postgres`, `mysql` (MariaDB too), `mssql`, `oracle` or `odbc`.
    kind: String,
    /// Host and port; null if it has none.
    host: Option<String>,
    /// The database's name; for SQLite the file; null if only a connection string defines it.
    database: Option<String>,
    /// Whether it rejects statements that change data.
    read_only: bool,
    /// `file` for a datasource of the settings file, which can be changed only there; otherwise null.
    managed_by: Option<String>,
}

/// The result of a datasource test.
#[derive(Default, Object)]
#[oai(rename = "DatasourceTest", read_only_all)]
pub struct ConnectionTestView {
    /// Whether the connection succeeded.
    ok: bool,
    /// The duration of the test, in milliseconds.
    elapsed_ms: i64,
    /// The version as reported by the server.
    server_version: Option<String>,
    /// Why the connection failed.
    error: Option<String>,
}

impl DatasourceView {
    pub fn new(source: &Source, from_file: bool) -> Self {
        Self {
            name: source.name.clone(),
            kind: source.engine().as_str().to_owned(),
            host: source.host(),
            database: source.database().map(str::to_owned),
            read_only: source.read_only(),
            managed_by: managed_by(from_file),
        }
    }
}

impl From<ConnectionTest> for ConnectionTestView {
    fn from(result: ConnectionTest) -> Self {
        let elapsed_ms = i64::try_from(result.elapsed_ms).unwrap_or(i64::MAX);
        let ok = result.outcome.is_ok();
        let (server_version, error) = match result.outcome {
            Ok(version) => (Some(version), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self { ok, elapsed_ms, server_version, error }
    }
}
