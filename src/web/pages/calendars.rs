//! Calendars: list, a year of one, form and import. A change is shown with the firings that it moves before it counts.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use data_encoding::HEXLOWER;
use poem::http::StatusCode;
use sha2::{Digest, Sha256};

use super::form_errors;
use crate::domain::calendar::{Calendar, ImportedDays, YEARS};
use crate::domain::user::Action;
use crate::service::{CalendarChange, CalendarImport, Error};
use crate::web::error::Failure;
use crate::web::form::{Values, calendar as form};
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::calendars::{
    CalendarForm, CalendarImportPage, CalendarList, CalendarPage, CalendarRestorePage, CalendarRow, FiringRow, VersionLine,
    YearView, calendar_href,
};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;

const LIST: &str = "/calendars";

/// `GET /calendars`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let all = ctx.services().calendars.list(ctx.actor()?).await?;
    let rows = all.iter().map(|calendar| CalendarRow::new(&ctx.view(), calendar)).collect();
    ctx.page("settings", &CalendarList { rows })
}

/// `GET /calendars/{name}?year=…`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let (services, name) = (ctx.services(), ctx.id());
    let calendar = services.calendars.get(ctx.actor()?, name).await?;
    let today = services.clock.now().with_timezone(&services.zone).date_naive();
    let given = ctx.query.get("year").and_then(|year| year.parse().ok());
    let year = given.filter(|year| YEARS.contains(year)).unwrap_or(today.year());
    let day = |month, day| NaiveDate::from_ymd_opt(year, month, day).ok_or(Failure::NotFound);
    let days = services.calendars.days(ctx.actor()?, name, day(1, 1)?, day(12, 31)?).await?;
    let versions = services.calendars.versions(ctx.actor()?, name, None).await?;
    let row = CalendarRow::new(&ctx.view(), &calendar);
    let line = |version| VersionLine::new(&ctx.view(), version, row.can_change && calendar.version != version.version);
    let versions = versions.iter().map(line).collect();
    ctx.page(
        "settings",
        &CalendarPage {
            year: YearView::new(&ctx.view(), name, year, &days, today),
            row,
            closures: calendar.content.closures.iter().map(|one| (one.window.clone(), one.name.clone())).collect(),
            versions,
        },
    )
}

/// `GET /calendars/-/new`
pub async fn new(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let values = form::values(&Calendar::new("", "weekdays"));
    render(&ctx, StatusCode::OK, CalendarForm { form: fields(values), ..CalendarForm::empty() }).await
}

/// `POST /calendars/-/new`
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    match ctx.services().calendars.create(ctx.actor()?, &form::to_json(&ctx.form)).await {
        Ok(created) => {
            let name = &created.content.name;
            Ok(ctx.redirect_with_flash(&calendar_href(name), Some(&Flash::new("calendar_saved", name, ""))))
        }
        Err(error) => rejected(&ctx, error, CalendarForm::empty()).await,
    }
}

/// `GET /calendars/{name}/edit`
pub async fn edit(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let calendar = ctx.services().calendars.get(ctx.actor()?, ctx.id()).await?;
    let form = fields(form::values(&calendar.content));
    render(&ctx, StatusCode::OK, CalendarForm { form, version: calendar.version, ..CalendarForm::of(ctx.id()) }).await
}

/// `POST /calendars/{name}/edit`: shows the firings that would change, or saves the change that was shown.
pub async fn replace(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let (service, name) = (&ctx.services().calendars, ctx.id());
    let version = ctx.form.get("version").and_then(|text| text.parse().ok());
    let page = CalendarForm { version: version.unwrap_or_default(), ..CalendarForm::of(name) };
    let body = form::to_json(&ctx.form);
    let planned = match service.try_replace(ctx.actor()?, name, &body, version, true).await {
        Ok(planned) => planned,
        Err(error) => return rejected(&ctx, error, page).await,
    };
    let seen = seen(&body.to_string(), &planned);
    if !planned.tasks.is_empty() && ctx.form.get("seen") != Some(&seen) {
        let form = form_errors::submitted(&ctx, &[]);
        let firings = FiringRow::rows(&planned.tasks);
        return render(&ctx, StatusCode::OK, CalendarForm { form, seen, firings, ..page }).await;
    }
    match service.replace(ctx.actor()?, name, &body, version).await {
        Ok(_) => Ok(ctx.redirect_with_flash(&calendar_href(name), Some(&Flash::new("calendar_saved", name, "")))),
        Err(error) => rejected(&ctx, error, page).await,
    }
}

async fn rejected(ctx: &RequestContext, error: Error, page: CalendarForm) -> HandlerResult {
    let mut form = form_errors::submitted(ctx, &[]);
    let names: Vec<&str> = form::FIELDS.into_iter().chain([form::CLOSURES]).collect();
    let (status, message) = match error {
        Error::Stale { .. } => (StatusCode::PRECONDITION_FAILED, ctx.translate(&error.message())),
        error => form_errors::apply(ctx, error, &names, &mut form)?,
    };
    render(ctx, status, CalendarForm { form, message, ..page }).await
}

async fn render(ctx: &RequestContext, status: StatusCode, page: CalendarForm) -> HandlerResult {
    let all = ctx.services().calendars.list(ctx.actor()?).await?;
    let names = all.into_iter().map(|calendar| calendar.content.name);
    let bases = names.filter(|base| *base != page.name || base == "cn").collect();
    ctx.page_with(status, "settings", &CalendarForm { bases, ..page })
}

/// `GET /calendars/{name}/import`
pub async fn import_form(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    ctx.services().calendars.get(ctx.actor()?, ctx.id()).await?;
    ctx.page("settings", &CalendarImportPage::of(ctx.id()))
}

/// `POST /calendars/{name}/import`: shows what an import would change, or does the import that was shown.
pub async fn import(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let file = ctx.form.raw("file").filter(|text| !text.trim().is_empty());
    // A browser sends the lines of a text area with carriage returns.
    let text = file.or(ctx.form.raw("text")).unwrap_or_default().trim().replace("\r\n", "\n");
    let text = text.as_str();
    let import = CalendarImport { text, format: ImportedDays::guess_format(text), dry_run: true, if_match: None };
    let (service, name) = (&ctx.services().calendars, ctx.id());
    let page = CalendarImportPage { text: text.to_owned(), ..CalendarImportPage::of(name) };
    let planned = match service.import(ctx.actor()?, name, import).await {
        Ok(planned) => planned,
        Err(error) => return import_rejected(&ctx, error, page),
    };
    let seen = seen(text, &planned);
    if ctx.form.get("seen") != Some(&seen) {
        let firings = FiringRow::rows(&planned.tasks);
        return ctx.page("settings", &CalendarImportPage { seen, firings, days: planned.days, ..page });
    }
    match service.import(ctx.actor()?, name, CalendarImport { dry_run: false, ..import }).await {
        Ok(done) => {
            let flash = Flash::new("calendar_imported", &done.days.to_string(), "");
            Ok(ctx.redirect_with_flash(&calendar_href(name), Some(&flash)))
        }
        Err(error) => import_rejected(&ctx, error, page),
    }
}

fn import_rejected(ctx: &RequestContext, error: Error, page: CalendarImportPage) -> HandlerResult {
    let (status, message) = form_errors::apply(ctx, error, &[], &mut Fields::default())?;
    ctx.page_with(status, "settings", &CalendarImportPage { message, ..page })
}

/// `GET /calendars/{name}/restore?version=…`: shows the firings that would change.
pub async fn confirm_restore(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let version = number(ctx.query.get("version"))?;
    let planned = ctx.services().calendars.restore_version(ctx.actor()?, ctx.id(), version, None, true).await?;
    ctx.page("settings", &restore_page(ctx.id(), version, &planned))
}

/// `POST /calendars/{name}/restore`: restores, if the firings that were shown are still those that change.
pub async fn restore(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let (service, name, version) = (&ctx.services().calendars, ctx.id(), number(ctx.form.get("version"))?);
    let planned = service.restore_version(ctx.actor()?, name, version, None, true).await?;
    let page = restore_page(name, version, &planned);
    if ctx.form.get("seen") != Some(&page.seen) {
        return ctx.page("settings", &page);
    }
    service.restore_version(ctx.actor()?, name, version, None, false).await?;
    Ok(ctx.redirect_with_flash(&calendar_href(name), Some(&Flash::new("calendar_restored", name, ""))))
}

fn restore_page(name: &str, version: i64, planned: &CalendarChange) -> CalendarRestorePage {
    let firings = FiringRow::rows(&planned.tasks);
    CalendarRestorePage {
        name: name.to_owned(),
        href: calendar_href(name),
        version,
        seen: seen(&version.to_string(), planned),
        firings,
    }
}

fn number(text: Option<&str>) -> Result<i64, Failure> {
    text.and_then(|text| text.parse().ok()).ok_or(Failure::NotFound)
}

/// `GET /calendars/{name}/delete`
pub async fn confirm_delete(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let name = ctx.id();
    ctx.services().calendars.get(ctx.actor()?, name).await?;
    let dialog = ConfirmDialog::plain("delete_calendar", name, format!("{}/delete", calendar_href(name)), ctx.return_path(LIST));
    ctx.confirm(StatusCode::OK, "settings", &dialog)
}

/// `POST /calendars/{name}/delete`
pub async fn delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.id();
    ctx.services().calendars.delete(ctx.actor()?, name, None).await?;
    Ok(ctx.action_done(&Flash::new("calendar_deleted", name, ""), name, LIST))
}

fn fields(values: Values) -> Fields {
    Fields { values, ..Fields::default() }
}

/// A hash of a change and of the firings that were shown, so that what changed in the meantime is shown again.
fn seen(text: &str, planned: &CalendarChange) -> String {
    let mut digest = Sha256::new();
    digest.update(text);
    digest.update(planned.calendar.version.to_string());
    for change in &planned.tasks {
        digest.update(&change.task_id);
    }
    HEXLOWER.encode(&digest.finalize()[..16])
}
