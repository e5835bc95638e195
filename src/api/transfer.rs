//! `/export` and `/import`: all tasks as one document.

use std::sync::Arc;

use poem::http::header;
use poem::{FromRequest, IntoResponse, Request, RequestBody, Response};
use poem_openapi::payload::Json;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::Caller;
use super::body::{DocumentBody, YAML};
use super::error::{ApiResult, CreateErrors, ReadErrors};
use super::model::named::{TaskDocument, TaskDocumentText};
use super::model::transfer::ImportResult;
use super::query::QueryString;
use super::{AppState, Tag, params};
use crate::domain::transfer::Format;
use crate::domain::user::Action;
use crate::service::Import;

/// The export and import endpoints.
pub struct Transfer(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Tasks")]
impl Transfer {
    /// Export all tasks
    ///
    /// One document in a stable order: the tasks by id, each without fields that have their default, and the names of
    /// the secrets, never their values. As JSON, or as YAML with `format` or `Accept: application/yaml`.
    #[oai(path = "/export", method = "get", operation_id = "exportTasks")]
    async fn export(&self, caller: Caller, accept: Accepted, query: QueryString) -> ApiResult<Exported, ReadErrors> {
        let mut reader = query.reader(&[params::EXPORT]);
        let words = Format::ALL.map(Format::as_str);
        let format = reader.word("format", Format::parse, &words);
        let format = reader.finish(format)?.unwrap_or(accept.0);
        Ok(Exported(format, format.write(&self.0.services.transfer.export(&caller.0).await?)))
    }

    /// Import tasks
    ///
    /// Imports a document completely or not at all: tasks in it are created or replaced; others
    /// are kept, or deleted with `prune`. With `tag` only tasks with that tag are replaced or deleted, and a document that names
    /// another existing task is refused. With `dry_run` nothing is saved and the response describes what would be done.
    /// Importing the same document again changes nothing. The document may also be sent as YAML (`Content-Type: application/yaml`).
    #[oai(path = "/import", method = "post", operation_id = "importTasks")]
    async fn import(
        &self,
        caller: Caller,
        query: QueryString,
        body: DocumentBody<TaskDocument>,
    ) -> ApiResult<Json<ImportResult>, CreateErrors> {
        let mut reader = query.reader(&[params::IMPORT]);
        let mut flag = |name| reader.word(name, |text| text.parse().ok(), &["true", "false"]).unwrap_or(false);
        let (dry_run, prune) = (flag("dry_run"), flag("prune"));
        let import = Import { dry_run, prune, tag: reader.text("tag") };
        reader.finish(())?;
        Ok(Json(self.0.services.transfer.import(&caller.0, &body.parse(&caller, Action::Edit)?, import).await?.into()))
    }
}

/// The format requested by `Accept`.
struct Accepted(Format);

impl<'a> FromRequest<'a> for Accepted {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let accept = request.header(header::ACCEPT).unwrap_or_default();
        let named = |kind: &str| accept.split([',', ';']).any(|part| part.trim().eq_ignore_ascii_case(kind));
        let yaml = YAML.iter().any(|kind| named(kind)) && !named("application/json");
        Ok(Self(if yaml { Format::Yaml } else { Format::Json }))
    }
}

/// A document as text, with a file name for downloads.
struct Exported(Format, String);

impl IntoResponse for Exported {
    fn into_response(self) -> Response {
        let Exported(format, text) = self;
        let kind = if format == Format::Json { "application/json" } else { YAML[0] };
        let name = format!("attachment; filename=\"tasks.{}\"", format.as_str());
        Response::builder().content_type(kind).header(header::CONTENT_DISPOSITION, name).body(text)
    }
}

impl ApiResponse for Exported {
    fn meta() -> MetaResponses {
        let content = vec![
            MetaMediaType { content_type: "application/json", schema: TaskDocument::schema_ref() },
            MetaMediaType { content_type: YAML[0], schema: TaskDocumentText::schema_ref() },
        ];
        let response =
            MetaResponse { description: "All tasks.", status: Some(200), status_range: None, content, headers: vec![] };
        MetaResponses { responses: vec![response] }
    }

    fn register(registry: &mut Registry) {
        TaskDocument::register(registry);
        TaskDocumentText::register(registry);
    }
}
