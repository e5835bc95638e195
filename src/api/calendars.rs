//! `/calendars`: working days and closures.

use std::sync::Arc;

use chrono::NaiveDate;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::{Created, DeletedResponse, Found};
use super::auth::Caller;
use super::body::{Body, CalendarFileBody};
use super::error::{ApiResult, ChangeErrors, CreateErrors, ReadErrors, ReadOneErrors, WriteErrors};
use super::headers::{AcceptedLanguage, IfMatch};
use super::model::calendar::{
    CalendarImportView, CalendarRestoreView, CalendarSummaryView, CalendarVersionView, CalendarView, DaysView,
};
use super::model::named::{CalendarDays, CalendarInput};
use super::query::QueryString;

use super::{AppState, Tag, params};
use crate::domain::input::truncate;
use crate::domain::user::Action;
use crate::i18n::message;
use crate::service::CalendarImport;

/// The calendar endpoints.
pub struct Calendars(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Calendars")]
impl Calendars {
    /// List calendars
    ///
    /// The built-in ones first, then by name, without their days, each with the tasks that use it.
    #[oai(path = "/calendars", method = "get", operation_id = "listCalendars")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<Vec<CalendarSummaryView>>, ReadErrors> {
        let all = self.0.services.calendars.list(&caller.0).await?;
        Ok(Json(all.into_iter().map(CalendarSummaryView::from).collect()))
    }

    /// Create a calendar
    ///
    /// Only `name` is required. 409 if it is taken.
    #[oai(path = "/calendars", method = "post", operation_id = "createCalendar")]
    async fn create(&self, caller: Caller, body: Body<CalendarInput>) -> ApiResult<Created<CalendarView>, CreateErrors> {
        let created = self.0.services.calendars.create(&caller.0, &body.parse(&caller, Action::Edit)?).await?;
        let name = created.content.name.clone();
        Ok(Created::new(created.into(), "/calendars", &name))
    }

    /// Get a calendar
    ///
    /// Its definition and the tasks that use it. The `ETag` is its version.
    #[oai(path = "/calendars/:name", method = "get", operation_id = "getCalendar")]
    async fn get(
        &self,
        caller: Caller,
        /// The calendar's name.
        name: Path<String>,
    ) -> ApiResult<Found<CalendarView>, ReadOneErrors> {
        Ok(Found(self.0.services.calendars.get(&caller.0, &name).await?.into()))
    }

    /// Replace a calendar
    ///
    /// Sets every field; omitted ones get their default. The tasks that use it are replanned. The built-in `cn` is changed in the
    /// same way, by administrators: a calendar of that name stands in its place until it is deleted.
    #[oai(path = "/calendars/:name", method = "put", operation_id = "replaceCalendar")]
    async fn replace(
        &self,
        caller: Caller,
        /// The calendar's name.
        name: Path<String>,
        if_match: IfMatch,
        body: Body<CalendarInput>,
    ) -> ApiResult<Found<CalendarView>, WriteErrors> {
        let body = body.parse(&caller, Action::Edit)?;
        Ok(Found(self.0.services.calendars.replace(&caller.0, &name, &body, if_match.0).await?.into()))
    }

    /// Delete a calendar
    ///
    /// 409 with their ids while tasks use it. A built-in calendar that was changed is as it was before.
    #[oai(path = "/calendars/:name", method = "delete", operation_id = "deleteCalendar")]
    async fn delete(
        &self,
        caller: Caller,
        /// The calendar's name.
        name: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.calendars.delete(&caller.0, &name, if_match.0).await?;
        Ok(DeletedResponse::Deleted)
    }

    /// List the days of a calendar
    ///
    /// Each day from `from` to `to`, both inclusive: whether it is a working day, its name, and where that is known from.
    #[oai(path = "/calendars/:name/days", method = "get", operation_id = "listCalendarDays")]
    async fn days(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The calendar's name.
        name: Path<String>,
        query: QueryString,
    ) -> ApiResult<Json<DaysView>, ReadOneErrors> {
        let mut reader = query.reader(&[params::CALENDAR_DAYS]);
        let date = |text: &str| text.parse().map_err(|_| message!("calendar.invalid_date", text = truncate(text, 20)));
        let (from, to) = (reader.required("from", date), reader.required("to", date));
        let (from, to): (NaiveDate, NaiveDate) = (from.unwrap_or_default(), to.unwrap_or_default());
        reader.finish(())?;
        let days = self.0.services.calendars.days(&caller.0, &name, from, to).await?;
        Ok(Json(DaysView::new(days, language.0)))
    }

    /// Import days into a calendar
    ///
    /// A file of whole years as JSON, or of days as iCalendar (`text/calendar`) or CSV (`text/csv`: `date,off|work[,name]`). Days that
    /// the file names replace those of the calendar; JSON replaces its years in full. With `dry_run` nothing is saved and the response
    /// lists the tasks whose next ten firings change.
    #[oai(path = "/calendars/:name/import", method = "post", operation_id = "importCalendar")]
    async fn import(
        &self,
        caller: Caller,
        /// The calendar's name.
        name: Path<String>,
        if_match: IfMatch,
        query: QueryString,
        body: CalendarFileBody<CalendarDays>,
    ) -> ApiResult<Json<CalendarImportView>, WriteErrors> {
        let mut reader = query.reader(&[params::CALENDAR_IMPORT]);
        let dry_run = reader.word("dry_run", |text| text.parse().ok(), &["true", "false"]).unwrap_or(false);
        reader.finish(())?;
        let (text, format) = body.parse(&caller, Action::Edit)?;
        let import = CalendarImport { text, format, dry_run, if_match: if_match.0 };
        Ok(Json(self.0.services.calendars.import(&caller.0, &name, import).await?.into()))
    }

    /// List a calendar's versions
    ///
    /// Newest first, at most a hundred; continue with `before`. Those of a deleted calendar stay.
    #[oai(path = "/calendars/:name/versions", method = "get", operation_id = "listCalendarVersions")]
    async fn versions(
        &self,
        caller: Caller,
        /// The calendar's name.
        name: Path<String>,
        query: QueryString,
    ) -> ApiResult<Json<Vec<CalendarVersionView>>, ReadOneErrors> {
        let mut reader = query.reader(&[params::VERSIONS]);
        let before = reader.integer("before", 1, i64::MAX);
        let before = reader.finish(before)?;
        let versions = self.0.services.calendars.versions(&caller.0, &name, before).await?;
        Ok(Json(versions.into_iter().map(CalendarVersionView::from).collect()))
    }

    /// Restore a version of a calendar
    ///
    /// Sets the calendar to an earlier version, which creates a new version; a deleted calendar is there again. The tasks that use it are
    /// replanned. With `dry_run` nothing is saved and the response lists the tasks whose next ten firings change. 409 for a version that is
    /// a deletion.
    #[oai(path = "/calendars/:name/versions/:version/restore", method = "post", operation_id = "restoreCalendarVersion")]
    async fn restore(
        &self,
        caller: Caller,
        /// The calendar's name.
        name: Path<String>,
        /// The version's number.
        version: Path<i64>,
        if_match: IfMatch,
        query: QueryString,
    ) -> ApiResult<Json<CalendarRestoreView>, WriteErrors> {
        let mut reader = query.reader(&[params::CALENDAR_IMPORT]);
        let dry_run = reader.word("dry_run", |text| text.parse().ok(), &["true", "false"]).unwrap_or(false);
        reader.finish(())?;
        let calendars = &self.0.services.calendars;
        Ok(Json(calendars.restore_version(&caller.0, &name, version.0, if_match.0, dry_run).await?.into()))
    }
}
