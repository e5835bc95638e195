//! `/nodes`: running processes, queues and current runs.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{ApiResult, ReadErrors};
use super::model::node::NodesView;
use super::{AppState, Tag};

/// The node endpoints.
pub struct Nodes(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Stats")]
impl Nodes {
    /// List nodes
    ///
    /// Every running process with its current runs (at most a thousand in all), and the number of waiting jobs in each queue.
    #[oai(path = "/nodes", method = "get", operation_id = "listNodes")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<NodesView>, ReadErrors> {
        Ok(Json(self.0.services.nodes.snapshot(&caller.0).await?.into()))
    }
}
