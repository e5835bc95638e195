//! Views of secrets and datasources.

use serde::Serialize;

use super::context::ViewContext;
use super::incidents::PageLink;
use super::managed::{Managed, sample_managed};
use super::task_form::Fields;
use super::tasks::task_href;
use super::{Moment, View};
use crate::domain::profile::ProfileKind;
use crate::domain::secret::SecretInfo;
use crate::i18n::Language;
use crate::service::ConnectionTest;
use crate::tasks::sql::Source;
use crate::web::urls::with_query;

/// The most tasks shown beside a secret.
const SHOWN_USES: usize = 5;

#[derive(Debug, Clone, Serialize)]
pub struct SecretList {
    pub rows: Vec<SecretRow>,
    pub message: String,
    pub form: Fields,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretRow {
    pub name: String,
    /// The tags and the ids of the tasks that may use it; empty: all.
    pub limits: Vec<String>,
    /// The first tasks that use it.
    pub used_by: Vec<PageLink>,
    /// How many more there are.
    pub used_by_more: usize,
    pub updated: Moment,
    pub updated_by: String,
    pub delete: String,
}

/// Returns the URL that deletes a secret.
pub fn delete_href(name: &str) -> String {
    with_query("/settings/secrets/delete", &[("name", name)])
}

impl SecretRow {
    /// `tasks`: the ids of the tasks that use it.
    pub fn new(ctx: &ViewContext, secret: &SecretInfo, tasks: &[String]) -> SecretRow {
        let link = |id: &String| PageLink { href: task_href(id), name: id.clone() };
        SecretRow {
            delete: delete_href(&secret.name),
            used_by: tasks.iter().take(SHOWN_USES).map(link).collect(),
            used_by_more: tasks.len().saturating_sub(SHOWN_USES),
            name: secret.name.clone(),
            limits: secret.limits.tags.iter().cloned().chain(secret.limits.ids()).collect(),
            updated: Moment::new(secret.updated_at, ctx.zone),
            updated_by: secret.updated_by.clone(),
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct DatasourceList {
    pub rows: Vec<DatasourceRow>,
    /// Those that cannot be decrypted.
    pub unreadable: Vec<PageLink>,
    /// Result of the connection test that was just run.
    pub test_result: Option<ConnectionTestView>,
}

/// A datasource, without its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatasourceRow {
    pub name: String,
    pub kind: &'static str,
    pub host: String,
    pub database: String,
    pub read_only: bool,
    pub managed: Managed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionTestView {
    pub name: String,
    pub ok: bool,
    pub elapsed: i64,
    /// The server's version, or the error.
    pub text: String,
}

impl DatasourceRow {
    pub fn new(source: &Source, from_file: bool) -> DatasourceRow {
        DatasourceRow {
            name: source.name.clone(),
            kind: source.engine().as_str(),
            host: source.host().unwrap_or_default(),
            database: source.database().unwrap_or_default().to_owned(),
            read_only: source.read_only(),
            managed: Managed::new(ProfileKind::Datasource, &source.name, from_file),
        }
    }
}

impl ConnectionTestView {
    pub fn new(name: &str, test_result: ConnectionTest, language: Language) -> ConnectionTestView {
        let elapsed = i64::try_from(test_result.elapsed_ms).unwrap_or(i64::MAX);
        let ok = test_result.outcome.is_ok();
        ConnectionTestView {
            name: name.to_owned(),
            ok,
            elapsed,
            text: test_result.outcome.unwrap_or_else(|error| error.text(language)),
        }
    }
}

impl View for SecretList {
    const TEMPLATE: &'static str = "pages/secrets.html";

    fn samples() -> Vec<Self> {
        let row = SecretRow {
            name: "<b>".into(),
            limits: vec!["<b>".into()],
            used_by: ["a", "<b>"].map(|id| PageLink { href: task_href(id), name: id.into() }).into(),
            used_by_more: 1,
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
            managed: sample_managed(read_only),
        };
        let test_result = |ok| Some(ConnectionTestView { name: "<b>".into(), ok, elapsed: 12, text: "<b>".into() });
        let rows = || vec![row("", false), row("<b>", true)];
        vec![
            DatasourceList { rows: rows(), unreadable: Vec::new(), test_result: test_result(true) },
            DatasourceList { rows: rows(), unreadable: Vec::new(), test_result: test_result(false) },
            DatasourceList { rows: vec![], unreadable: vec![], test_result: None },
        ]
    }
}
