//! Errors of the settings forms: shown at the field they belong to.

use poem::http::StatusCode;

use crate::service::Error;
use crate::web::error::Failure;
use crate::web::request_context::RequestContext;
use crate::web::view::task_form::Fields;

/// Assigns faults to the fields with these names; returns the response status and the messages that belong to no field.
///
/// # Errors
/// Errors that are not about the form's input.
pub fn apply(ctx: &RequestContext, error: Error, names: &[&str], form: &mut Fields) -> Result<(StatusCode, String), Failure> {
    match error {
        Error::Invalid(faults) => {
            let others = form.assign_to_fields(names, &ctx.translate_faults(&faults));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, others.join("; ")))
        }
        Error::TooManyRequests(_) => Ok((StatusCode::TOO_MANY_REQUESTS, ctx.t("login.too_many").to_owned())),
        Error::Conflict(message) => Ok((StatusCode::CONFLICT, ctx.translate(&message))),
        other => Err(other.into()),
    }
}

/// Returns the submitted form, without the `hidden` fields (passwords).
pub fn submitted(ctx: &RequestContext, hidden: &[&str]) -> Fields {
    let mut values = crate::web::form::submitted(&ctx.form);
    values.retain(|name, _| !hidden.contains(&name.as_str()));
    Fields { values, ..Fields::default() }
}
