//! A datasource as answers show it: never who signs in, nor how.

use poem_openapi::Object;

use crate::service::Trial;
use crate::tasks::sql::Source;

/// A database that tasks may use.
#[derive(Default, Object)]
#[oai(rename = "Datasource", read_only_all)]
pub struct DatasourceView {
    /// The name by which tasks name it.
    name: String,
    /// `sqlite`, `postgres`, `mysql` (MariaDB too), `mssql`, `oracle` or `odbc`.
    kind: String,
    /// Host and port. Null: it has none.
    host: Option<String>,
    /// The database's name; for SQLite the file. Null where only a connection string tells.
    database: Option<String>,
    /// Refuses whatever would change something.
    read_only: bool,
}

/// What came of trying a datasource.
#[derive(Default, Object)]
#[oai(rename = "DatasourceTest", read_only_all)]
pub struct TrialView {
    /// Whether it answered.
    ok: bool,
    /// How long that took, in milliseconds.
    elapsed_ms: i64,
    /// The server's own words for its version.
    server_version: Option<String>,
    /// Why it did not answer.
    error: Option<String>,
}

impl From<&Source> for DatasourceView {
    fn from(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            kind: source.engine().as_str().to_owned(),
            host: source.host(),
            database: source.database().map(str::to_owned),
            read_only: source.read_only(),
        }
    }
}

impl From<Trial> for TrialView {
    fn from(trial: Trial) -> Self {
        let elapsed_ms = i64::try_from(trial.elapsed_ms).unwrap_or(i64::MAX);
        let ok = trial.outcome.is_ok();
        let (server_version, error) = match trial.outcome {
            Ok(version) => (Some(version), None),
            Err(error) => (None, Some(error)),
        };
        Self { ok, elapsed_ms, server_version, error }
    }
}
