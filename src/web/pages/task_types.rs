//! Task types page.

use std::sync::Arc;

use super::task_form::offered_types;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::task_types::{TaskTypes, TypeView};

/// `GET /task-types`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let types = ctx.services().registry.all().iter().map(|entry| TypeView::new(&entry.spec, ctx.language)).collect();
    let usable = offered_types(&ctx).into_iter().map(|choice| choice.value).collect();
    ctx.page("task-types", &TaskTypes { types, usable })
}
