//! `/notify-rules`: which events of which tasks are told through which channels.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadErrors, ReadOneErrors, WriteErrors};
use super::headers::{self, IfMatch};
use super::model::named::NotifyRuleInput;
use super::model::notify_rule::NotifyRuleView;
use super::tasks::DeletedResponse;
use super::{AppState, Tag};
use crate::domain::input::percent_encoded;
use crate::domain::user::Action;
use crate::service::StoredRule;

/// The endpoints of notification rules.
pub struct NotifyRules(pub Arc<AppState>);

/// A rule with its version.
#[derive(ApiResponse)]
pub enum NotifyRuleAnswer {
    /// The rule.
    #[oai(status = 200)]
    Found(
        Json<NotifyRuleView>,
        /// The rule's version, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
}

/// A new rule.
#[derive(ApiResponse)]
pub enum CreatedNotifyRule {
    /// The new rule.
    #[oai(status = 201)]
    Created(
        Json<NotifyRuleView>,
        /// The rule's version, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// The rule's URL.
        #[oai(header = "Location")]
        String,
    ),
}

#[OpenApi(tag = "Tag::Notifications")]
impl NotifyRules {
    /// List notification rules
    ///
    /// By name. Accounts limited to tags see the rules for these tags and for tasks of theirs alone.
    #[oai(path = "/notify-rules", method = "get", operation_id = "listNotifyRules")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<Vec<NotifyRuleView>>, ReadErrors> {
        let all = self.0.services.notify_rules.list(&caller.0).await?;
        Ok(Json(all.into_iter().map(NotifyRuleView::from).collect()))
    }

    /// Create a notification rule
    ///
    /// `tasks`, `channels` and `events` or `digest` are required. 409 if the name is taken. Accounts limited to tags name these tags or single
    /// tasks of theirs.
    #[oai(path = "/notify-rules", method = "post", operation_id = "createNotifyRule")]
    async fn create(&self, caller: Caller, body: Body<NotifyRuleInput>) -> ApiResult<CreatedNotifyRule, CreateErrors> {
        let created = self.0.services.notify_rules.create(&caller.0, &body.parse(&caller, Action::Edit)?).await?;
        let location = format!("/api/v1/notify-rules/{}", percent_encoded(&created.definition.name));
        let tag = headers::etag(created.version);
        Ok(CreatedNotifyRule::Created(Json(NotifyRuleView::from(created)), tag, location))
    }

    /// Get a notification rule
    ///
    /// The `ETag` is its version.
    #[oai(path = "/notify-rules/:name", method = "get", operation_id = "getNotifyRule")]
    async fn get(
        &self,
        caller: Caller,
        /// The rule's name.
        name: Path<String>,
    ) -> ApiResult<NotifyRuleAnswer, ReadOneErrors> {
        Ok(answer(self.0.services.notify_rules.get(&caller.0, &name).await?))
    }

    /// Replace a notification rule
    ///
    /// Sets every field; omitted ones get their default. What the rule has told of open incidents stays told.
    #[oai(path = "/notify-rules/:name", method = "put", operation_id = "replaceNotifyRule")]
    async fn replace(
        &self,
        caller: Caller,
        /// The rule's name.
        name: Path<String>,
        if_match: IfMatch,
        body: Body<NotifyRuleInput>,
    ) -> ApiResult<NotifyRuleAnswer, WriteErrors> {
        let body = body.parse(&caller, Action::Edit)?;
        Ok(answer(self.0.services.notify_rules.replace(&caller.0, &name, &body, if_match.0).await?))
    }

    /// Delete a notification rule
    ///
    /// Its messages stay on record; open incidents stay open.
    #[oai(path = "/notify-rules/:name", method = "delete", operation_id = "deleteNotifyRule")]
    async fn delete(
        &self,
        caller: Caller,
        /// The rule's name.
        name: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.notify_rules.delete(&caller.0, &name, if_match.0).await?;
        Ok(DeletedResponse::Deleted)
    }
}

fn answer(rule: StoredRule) -> NotifyRuleAnswer {
    let tag = headers::etag(rule.version);
    NotifyRuleAnswer::Found(Json(NotifyRuleView::from(rule)), tag)
}
