//! Preferences of a reader for the lists.

use std::sync::Arc;

use crate::domain::saved_view::ListKind;
use crate::web::display::{self, ListDisplay};
use crate::web::request_context::{HandlerResult, RequestContext, redirect, set_cookie};
use crate::web::session::choice_cookie;
use crate::web::urls;

/// `POST /preferences/lists`: stores page size, density and columns in a cookie and returns to the list.
pub async fn set_lists(ctx: Arc<RequestContext>) -> HandlerResult {
    let mut wanted = ListDisplay::from_headers(&ctx.headers);
    wanted.set_size(ctx.form.get("size").unwrap_or_default());
    wanted.set_density(ctx.form.get("density").unwrap_or_default());
    if let Some(list) = ctx.form.get("list").and_then(ListKind::parse) {
        wanted.show_only(list, &ctx.form.all("column").collect::<Vec<_>>());
    }
    let mut response = redirect(ctx.form.get("back").and_then(urls::local).unwrap_or("/tasks"));
    set_cookie(&mut response, &choice_cookie(display::COOKIE, &wanted.to_cookie(), ctx.secure));
    Ok(response)
}
