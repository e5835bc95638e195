//! `/triggers`: previews of triggers.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, BatchErrors};
use super::headers::AcceptedLanguage;
use super::model::input;
use super::model::named::PreviewRequest;
use super::model::trigger::PreviewView;
use super::{AppState, Tag};
use crate::domain::user::Action;

/// The trigger endpoints.
pub struct Triggers(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Triggers")]
impl Triggers {
    /// Preview a trigger
    ///
    /// The schedule as text and its next fire times, of one trigger or of several, with calendars if there are any. A schedule that
    /// never fires again has none. Nothing is saved.
    #[oai(path = "/triggers/preview", method = "post", operation_id = "previewTrigger")]
    async fn preview(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        body: Body<PreviewRequest>,
    ) -> ApiResult<Json<PreviewView>, BatchErrors> {
        let question = input::preview(&body.parse(&caller, Action::See)?, self.0.services.zone)?;
        let preview = self.0.services.preview.schedule(&caller.0, &question.schedule, question.after, question.count).await?;
        Ok(Json(PreviewView::new(preview, language.0)))
    }
}
