//! What tasks use by name: secrets, and datasources.

use serde::Serialize;

use super::task_form::Fields;
use super::{Moment, View};
use crate::domain::secret::SecretInfo;
use crate::service::Trial;
use crate::tasks::sql::Source;
use crate::web::urls::with_query;
use crate::web::visit::Visit;

#[derive(Debug, Clone, Serialize)]
pub struct SecretList {
    pub rows: Vec<SecretRow>,
    pub message: String,
    pub form: Fields,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretRow {
    pub name: String,
    pub updated: Moment,
    pub updated_by: String,
    pub delete: String,
}

/// The address to delete a secret.
pub fn delete_href(name: &str) -> String {
    with_query("/settings/secrets/delete", &[("name", name)])
}

impl SecretRow {
    pub fn new(visit: &Visit, secret: &SecretInfo) -> SecretRow {
        SecretRow {
            delete: delete_href(&secret.name),
            name: secret.name.clone(),
            updated: Moment::new(secret.updated_at, visit.service().zone()),
            updated_by: secret.updated_by.clone(),
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct DatasourceList {
    pub rows: Vec<DatasourceRow>,
    /// What came of the trial that was just asked for.
    pub trial: Option<TrialView>,
}

/// A datasource, without who signs in to it, or how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatasourceRow {
    pub name: String,
    pub kind: &'static str,
    pub host: String,
    pub database: String,
    pub read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrialView {
    pub name: String,
    pub ok: bool,
    pub elapsed: i64,
    /// The server's own words for its version, or why there is none.
    pub text: String,
}

impl DatasourceRow {
    pub fn new(source: &Source) -> DatasourceRow {
        DatasourceRow {
            name: source.name.clone(),
            kind: source.engine().as_str(),
            host: source.host().unwrap_or_default(),
            database: source.database().unwrap_or_default().to_owned(),
            read_only: source.read_only(),
        }
    }
}

impl TrialView {
    pub fn new(name: &str, trial: Trial) -> TrialView {
        let elapsed = i64::try_from(trial.elapsed_ms).unwrap_or(i64::MAX);
        let ok = trial.outcome.is_ok();
        TrialView { name: name.to_owned(), ok, elapsed, text: trial.outcome.unwrap_or_else(|error| error) }
    }
}

impl View for SecretList {
    const TEMPLATE: &'static str = "pages/secrets.html";

    fn samples() -> Vec<Self> {
        let row = SecretRow {
            name: "<b>".into(),
            updated: Moment::new(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC),
            updated_by: "<b>".into(),
            delete: delete_href("x"),
        };
        let list = |rows, message: &str| SecretList { rows, message: message.into(), form: Fields::default() };
        vec![list(vec![row], "…"), list(vec![], "")]
    }
}

impl View for DatasourceList {
    const TEMPLATE: &'static str = "pages/datasources.html";

    fn samples() -> Vec<Self> {
        let row = |host: &str, read_only| DatasourceRow {
            name: "<b>".into(),
            kind: "sqlite",
            host: host.into(),
            database: host.into(),
            read_only,
        };
        let trial = |ok| Some(TrialView { name: "<b>".into(), ok, elapsed: 12, text: "<b>".into() });
        let rows = || vec![row("", false), row("<b>", true)];
        vec![
            DatasourceList { rows: rows(), trial: trial(true) },
            DatasourceList { rows: rows(), trial: trial(false) },
            DatasourceList { rows: vec![], trial: None },
        ]
    }
}
