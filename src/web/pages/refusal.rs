//! What the forms of the settings have in common: a refusal is shown in the form, at the field it is about.

use poem::http::StatusCode;

use crate::service::Error;
use crate::web::error::Failure;
use crate::web::view::task_form::Fields;
use crate::web::visit::Visit;

/// Puts faults to the fields of these names. Gives the answer's status and what no field shows.
///
/// # Errors
/// Whatever is no matter of the form.
pub fn shown(visit: &Visit, error: Error, names: &[&str], form: &mut Fields) -> Result<(StatusCode, String), Failure> {
    match error {
        Error::Invalid(faults) => {
            let others = form.place_among(names, &visit.translated(&faults));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, others.join("; ")))
        }
        Error::TooManyRequests(_) => Ok((StatusCode::TOO_MANY_REQUESTS, visit.t("login.too_many").to_owned())),
        Error::Conflict(message) => Ok((StatusCode::CONFLICT, visit.said(&message))),
        other => Err(other.into()),
    }
}

/// A form with what was typed, but for what must not be shown again.
pub fn typed(visit: &Visit, hidden: &[&str]) -> Fields {
    let mut values = crate::web::form::typed(&visit.form);
    values.retain(|name, _| !hidden.contains(&name.as_str()));
    Fields { values, ..Fields::default() }
}
