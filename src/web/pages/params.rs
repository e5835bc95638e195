//! Parameters in forms: what was submitted as fields or as JSON, put together, and how they are drawn again.

use std::sync::Arc;

use poem::http::StatusCode;

use crate::domain::fault::Fault;
use crate::tasks::registry::Entry;
use crate::web::error::Failure;
use crate::web::form;
use crate::web::form::params::{self, PARAMS};
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::urls::Pairs;
use crate::web::view::params::{KnownNames, ParamsPart, ParamsView, Shown};
use crate::web::view::task_form::Fields;
use crate::web::view::{View, pretty};

/// A submitted form in which [`PARAMS`] holds all parameters as JSON, whether they were edited as fields or as JSON.
pub struct Submitted {
    pub form: Pairs,
    /// Fields that cannot be read.
    pub faults: Vec<Fault>,
    pub shown: Shown,
    /// The names of the fields; none of JSON.
    pub names: Vec<String>,
}

impl Submitted {
    /// The text of the parameters.
    pub fn params(&self) -> &str {
        self.form.raw(PARAMS).unwrap_or_default()
    }
}

/// Reads the submitted form. Its fields are those of the type that drew them, also if another type is chosen by now.
pub fn read(ctx: &RequestContext) -> Submitted {
    let drawn_by = ctx.form.get("filled_by").or(ctx.form.get("/type"));
    read_as(ctx, drawn_by.and_then(|name| ctx.services().registry.get(name)).as_deref())
}

/// Reads the submitted form with the fields of a type.
pub fn read_as(ctx: &RequestContext, entry: Option<&Entry>) -> Submitted {
    let is_field = |name: &str| name.strip_prefix(PARAMS).is_some_and(|rest| rest.starts_with('/'));
    let mut form = Pairs(ctx.form.0.iter().filter(|(name, _)| !is_field(name)).cloned().collect());
    let (mut faults, mut names) = (Vec::new(), Vec::new());
    let shown = Shown::read(ctx.form.get("params_view"));
    if let Some(entry) = entry.filter(|_| shown == Shown::Fields) {
        match form::to_params(ctx.form.raw(PARAMS).unwrap_or_default()) {
            Err(fault) => faults.push(fault),
            Ok(former) => {
                let (changed, unreadable) = params::apply(&entry.spec.params_schema, &former, &ctx.form);
                faults = unreadable;
                names = params::names(&entry.spec.params_schema, &former);
                form.0.retain(|(name, _)| name != PARAMS);
                form.0.push((PARAMS.to_owned(), pretty(&changed)));
            }
        }
    }
    Submitted { form, faults, shown, names }
}

/// The view that somebody asks for with a button of the form that saves nothing; `None` if the form is to be saved.
pub fn asked_view(ctx: &RequestContext) -> Option<Shown> {
    match ctx.form.get("params_to")? {
        // Without scripts: the fields of the chosen type.
        "type" => Some(Shown::read(ctx.form.get("params_view"))),
        view => Some(Shown::read(Some(view))),
    }
}

/// Draws parameters, with what was typed into their fields if they were submitted.
pub async fn draw(
    ctx: &RequestContext,
    entry: Option<&Entry>,
    text: &str,
    shown: Shown,
    was_submitted: bool,
) -> Result<ParamsView, Failure> {
    let mut view = ParamsView::new(&ctx.view(), entry.map(|entry| &entry.spec), text, shown, &known_names(ctx).await?);
    if was_submitted && shown == Shown::Fields {
        view.keep_typed(&ctx.form);
    }
    Ok(view)
}

/// What pickers offer to the user.
async fn known_names(ctx: &RequestContext) -> Result<KnownNames, Failure> {
    let (actor, services) = (ctx.actor()?, ctx.services());
    let mut names = KnownNames::default();
    if let Ok(sources) = services.datasources.list(actor).await {
        names.datasources = sources.iter().map(|source| source.name.clone()).collect();
    }
    if let Ok(profiles) = services.profiles.list(actor).await {
        names.http = profiles.http.keys().cloned().collect();
        names.smtp = profiles.smtp.keys().cloned().collect();
        names.sms = profiles.sms.keys().cloned().collect();
    }
    if let Ok(secrets) = services.secrets.list(actor).await {
        names.secrets = secrets.into_iter().map(|secret| secret.name).collect();
    }
    Ok(names)
}

/// `POST /tasks/-/params`: the parameters in the other view; as JSON as long as they are none.
pub async fn switch(ctx: Arc<RequestContext>) -> HandlerResult {
    let registry = &ctx.services().registry;
    let entry = ctx.form.get("filled_by").or(ctx.form.get("/type")).and_then(|name| registry.get(name));
    let submitted = read_as(&ctx, entry.as_deref());
    let faults = ctx.translate_faults(&submitted.faults);
    // A field that cannot be read stays where it is.
    let shown = if faults.is_empty() { asked_view(&ctx).unwrap_or(submitted.shown) } else { Shown::Fields };
    let mut view = draw(&ctx, entry.as_deref(), submitted.params(), shown, !faults.is_empty()).await?;
    view.is_checked = ctx.form.get("is_checked") == Some("true");
    let mut form = Fields::default();
    form.assign(&faults, &view.names());
    view.put_faults(&form.faults);
    let part = ParamsPart { params: view };
    ctx.fragment(StatusCode::OK, ParamsPart::TEMPLATE, &part)
}
