//! Mail and SMS profile pages: visible to all, tested by administrators.

use std::sync::Arc;

use poem::http::StatusCode;

use super::form_errors;
use crate::domain::fault::Fault;
use crate::service::{Error, SmsTest};
use crate::web::form;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::mail_sms_profiles::{MailPage, MailRow, SmsPage, SmsRow};
use crate::web::view::resources::ConnectionTestView;
use crate::web::view::task_form::Fields;

/// `GET /settings/mail`
pub async fn mail(ctx: Arc<RequestContext>) -> HandlerResult {
    render_mail(&ctx, StatusCode::OK, None, String::new(), Fields::default())
}

/// `POST /settings/mail`: sends a test mail; shows the page with the result.
pub async fn test_mail(ctx: Arc<RequestContext>) -> HandlerResult {
    let (name, to) = (ctx.form.get("/name").unwrap_or_default(), ctx.form.get("/to").unwrap_or_default());
    let mut form = form_errors::submitted(&ctx, &[]);
    match ctx.service().test_mail(ctx.actor()?, name, to).await {
        Ok(test_result) => {
            render_mail(&ctx, StatusCode::OK, Some(ConnectionTestView::new(name, test_result)), String::new(), form)
        }
        Err(error) => {
            let (status, message) = shown(&ctx, error, &["/to"], &mut form)?;
            render_mail(&ctx, status, None, message, form)
        }
    }
}

fn render_mail(
    ctx: &RequestContext,
    status: StatusCode,
    test_result: Option<ConnectionTestView>,
    message: String,
    form: Fields,
) -> HandlerResult {
    let profiles = ctx.service().profiles(ctx.actor()?)?;
    let rows = profiles.smtp.iter().map(|(name, smtp)| MailRow::new(name, smtp)).collect();
    ctx.page_with(status, "settings", &MailPage { rows, test_result, message, form })
}

/// `GET /settings/sms`
pub async fn sms(ctx: Arc<RequestContext>) -> HandlerResult {
    render_sms(&ctx, StatusCode::OK, None, String::new(), Fields::default())
}

/// `POST /settings/sms`: sends a test message; shows the page with the result.
pub async fn test_sms(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.form.get("/name").unwrap_or_default();
    let mut form = form_errors::submitted(&ctx, &[]);
    let sent = match message(&ctx) {
        Ok(message) => ctx.service().test_sms(ctx.actor()?, name, &message).await,
        Err(fault) => Err(Error::Invalid(vec![fault])),
    };
    match sent {
        Ok(test_result) => {
            render_sms(&ctx, StatusCode::OK, Some(ConnectionTestView::new(name, test_result)), String::new(), form)
        }
        Err(error) => {
            let (status, message) = shown(&ctx, error, &["/to", "/text", "/template", "/params"], &mut form)?;
            render_sms(&ctx, status, None, message, form)
        }
    }
}

fn message(ctx: &RequestContext) -> Result<SmsTest, Fault> {
    let text = |name: &str| ctx.form.get(name).map(str::to_owned);
    let params = ctx.form.get("/params").map(form::to_params).transpose()?.unwrap_or_default();
    Ok(SmsTest { to: text("/to").unwrap_or_default(), text: text("/text"), template: text("/template"), params })
}

fn render_sms(
    ctx: &RequestContext,
    status: StatusCode,
    test_result: Option<ConnectionTestView>,
    message: String,
    form: Fields,
) -> HandlerResult {
    let profiles = ctx.service().profiles(ctx.actor()?)?;
    let rows = profiles.sms.iter().map(|(name, sms)| SmsRow::new(name, sms)).collect();
    ctx.page_with(status, "settings", &SmsPage { rows, test_result, message, form })
}

/// Like [`form_errors::apply`], but shows how long to wait after too many tests.
fn shown(
    ctx: &RequestContext,
    error: Error,
    names: &[&str],
    form: &mut Fields,
) -> Result<(StatusCode, String), crate::web::error::Failure> {
    match error {
        Error::TooManyRequests(message) => Ok((StatusCode::TOO_MANY_REQUESTS, ctx.translate(&message))),
        other => form_errors::apply(ctx, other, names, form),
    }
}
