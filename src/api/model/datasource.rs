//! Response models of datasources, without credentials.

use super::profile::managed_by;
use crate::i18n::Language;
use crate::service::ConnectionTest;
use crate::tasks::sql::Source;

view! {
    /// A database that tasks may use.
    #[oai(rename = "Datasource", read_only_all)]
    pub struct DatasourceView new(source: &Source, from_file: bool) {
        /// The name that tasks use.
        name: String = source.name.clone(),
        /// `sqlite`, `postgres`, `mysql` (MariaDB too), `mssql`, `oracle` or `odbc`.
        kind: String = source.engine().as_str().to_owned(),
        /// Host and port; null if it has none.
        host: Option<String> = source.host(),
        /// The database's name; for SQLite the file; null if only a connection string defines it.
        database: Option<String> = source.database().map(str::to_owned),
        /// Whether it rejects statements that change data.
        read_only: bool = source.read_only(),
        /// `file` for a datasource of the settings file, which can be changed only there; otherwise null.
        managed_by: Option<String> = managed_by(from_file),
    }
}

view! {
    /// The result of a datasource test.
    #[oai(rename = "DatasourceTest", read_only_all)]
    pub struct ConnectionTestView new(result: ConnectionTest, language: Language) where
        elapsed_ms = i64::try_from(result.elapsed_ms).unwrap_or(i64::MAX);
        ok = result.outcome.is_ok();
        (server_version, error) = match result.outcome {
            Ok(version) => (Some(version), None),
            Err(error) => (None, Some(error.text(language))),
        };
    {
        /// Whether the connection succeeded.
        ok: bool = ok,
        /// The duration of the test, in milliseconds.
        elapsed_ms: i64 = elapsed_ms,
        /// The version as reported by the server.
        server_version: Option<String> = server_version,
        /// Why the connection failed.
        error: Option<String> = error,
    }
}
