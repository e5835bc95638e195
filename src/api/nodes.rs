//! `/nodes`: the running processes, the queues, and what runs now.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{Answer, Reading};
use super::model::node::NodesView;
use super::{Shared, Tag};

/// The calls on nodes.
pub struct Nodes(pub Arc<Shared>);

#[OpenApi(tag = "Tag::Stats")]
impl Nodes {
    /// List nodes
    ///
    /// Every running process with what it runs now (at most a thousand runs in all), and how many jobs wait in each queue.
    #[oai(path = "/nodes", method = "get", operation_id = "listNodes")]
    async fn list(&self, caller: Caller) -> Answer<Json<NodesView>, Reading> {
        Ok(Json(self.0.service.nodes(&caller.0).await?.into()))
    }
}
