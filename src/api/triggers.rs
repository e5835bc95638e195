//! `/triggers`: what a trigger means, before it is saved.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::body::Body;
use super::error::{Answer, Asking};
use super::headers::Language;
use super::model::input;
use super::model::named::PreviewRequest;
use super::model::trigger::PreviewView;
use super::{Shared, Tag};

/// The calls about triggers.
pub struct Triggers(pub Arc<Shared>);

#[OpenApi(tag = "Tag::Triggers")]
impl Triggers {
    /// Preview a trigger
    ///
    /// The rule in words and its coming firings. A trigger that never fires again gives no times. Nothing is saved.
    #[oai(path = "/triggers/preview", method = "post", operation_id = "previewTrigger")]
    async fn preview(&self, caller: Caller, language: Language, body: Body<PreviewRequest>) -> Answer<Json<PreviewView>, Asking> {
        let question = input::preview(&body.0, self.0.service.zone())?;
        let preview = self.0.service.preview(&caller.0, &question.trigger, question.after, question.count)?;
        Ok(Json(PreviewView::new(preview, language.0)))
    }
}
