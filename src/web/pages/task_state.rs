//! The kept state on the task page.

use crate::domain::task::Task;
use crate::web::error::Failure;
use crate::web::request_context::RequestContext;
use crate::web::view::task::KeptState;
use crate::web::view::{Moment, pretty};

/// The state of a task; `None` if it has none.
pub(super) async fn kept(ctx: &RequestContext, task: &Task) -> Result<Option<KeptState>, Failure> {
    let found = ctx.services().tasks.state(ctx.actor()?, &task.id).await?;
    let zone = ctx.services().zone;
    Ok(found.and_then(|found| {
        let updated = Moment::new(found.updated_at, zone);
        Some(KeptState { json: pretty(&found.state?), updated })
    }))
}
