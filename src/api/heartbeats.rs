//! `/heartbeats`: monitors of jobs that run elsewhere.

use std::sync::Arc;

use poem::Request;
use poem::http::uri::Scheme;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::{Created, DeletedResponse, Found};
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, CreateErrors, Problem, ReadErrors, ReadOneErrors, WriteErrors};
use super::headers::IfMatch;
use super::model::heartbeat::{HeartbeatView, PingView};
use super::model::named::HeartbeatInput;
use super::query::QueryString;

use super::{AppState, Tag, params};
use crate::domain::heartbeat::Heartbeat;
use crate::domain::user::Action;
use crate::net::own_address;

/// The endpoints of heartbeats.
pub struct Heartbeats(pub Arc<AppState>);

/// The rows of a record in one answer.
const ROWS: i64 = 100;

#[OpenApi(tag = "Tag::Heartbeats")]
impl Heartbeats {
    /// List heartbeats
    ///
    /// All of them, ordered by id, without the addresses to ping.
    #[oai(path = "/heartbeats", method = "get", operation_id = "listHeartbeats")]
    async fn list(&self, caller: Caller) -> ApiResult<Json<Vec<HeartbeatView>>, ReadErrors> {
        let now = self.0.services.clock.now();
        let all = self.0.services.heartbeats.list(&caller.0).await?;
        Ok(Json(all.into_iter().map(|heartbeat| HeartbeatView::new(heartbeat, now, None)).collect()))
    }

    /// Create a heartbeat
    ///
    /// With `cron` or `period_seconds`. The response contains the address that the job pings at its end: `GET`, `POST` or `HEAD`, without
    /// a token; with `/start` at its start, `/fail` or `/` and its exit status to tell of a failure.
    #[oai(path = "/heartbeats", method = "post", operation_id = "createHeartbeat")]
    async fn create(
        &self,
        caller: Caller,
        request: &Request,
        body: Body<HeartbeatInput>,
    ) -> ApiResult<Created<HeartbeatView>, CreateErrors> {
        let heartbeat = self.0.services.heartbeats.create(&caller.0, &body.parse(&caller, Action::Edit)?).await?;
        let id = heartbeat.id.clone();
        Ok(Created::new(self.shown(&caller, request, heartbeat).await?, "/heartbeats", &id))
    }

    /// Get a heartbeat
    ///
    /// The `ETag` is its version.
    #[oai(path = "/heartbeats/:id", method = "get", operation_id = "getHeartbeat")]
    async fn get(
        &self,
        caller: Caller,
        /// The heartbeat's id.
        id: Path<String>,
        request: &Request,
    ) -> ApiResult<Found<HeartbeatView>, ReadOneErrors> {
        let heartbeat = self.0.services.heartbeats.get(&caller.0, &id).await?;
        Ok(self.answer(&caller, request, heartbeat).await?)
    }

    /// Replace a heartbeat
    ///
    /// Sets every writable field; omitted fields get their default. `id` cannot be changed.
    #[oai(path = "/heartbeats/:id", method = "put", operation_id = "replaceHeartbeat")]
    async fn replace(
        &self,
        caller: Caller,
        /// The heartbeat's id.
        id: Path<String>,
        if_match: IfMatch,
        request: &Request,
        body: Body<HeartbeatInput>,
    ) -> ApiResult<Found<HeartbeatView>, WriteErrors> {
        let body = body.parse(&caller, Action::Edit)?;
        let heartbeat = self.0.services.heartbeats.replace(&caller.0, &id, &body, if_match.0).await?;
        Ok(self.answer(&caller, request, heartbeat).await?)
    }

    /// Delete a heartbeat
    ///
    /// With its record; its address answers 404 from now on.
    #[oai(path = "/heartbeats/:id", method = "delete", operation_id = "deleteHeartbeat")]
    async fn delete(
        &self,
        caller: Caller,
        /// The heartbeat's id.
        id: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.heartbeats.delete(&caller.0, &id, if_match.0).await?;
        Ok(DeletedResponse::Deleted)
    }

    /// Rotate a heartbeat
    ///
    /// Gives it another address to ping; the former one ends at once.
    #[oai(path = "/heartbeats/:id/rotate", method = "post", operation_id = "rotateHeartbeat")]
    async fn rotate(
        &self,
        caller: Caller,
        /// The heartbeat's id.
        id: Path<String>,
        request: &Request,
    ) -> ApiResult<Found<HeartbeatView>, ChangeErrors> {
        let heartbeat = self.0.services.heartbeats.rotate(&caller.0, &id).await?;
        Ok(self.answer(&caller, request, heartbeat).await?)
    }

    /// List a heartbeat's pings
    ///
    /// What became of each expected ping, and the pings that were not expected; newest first, at most a hundred; continue with `before`.
    #[oai(path = "/heartbeats/:id/pings", method = "get", operation_id = "listHeartbeatPings")]
    async fn pings(
        &self,
        caller: Caller,
        /// The heartbeat's id.
        id: Path<String>,
        query: QueryString,
    ) -> ApiResult<Json<Vec<PingView>>, ReadOneErrors> {
        let mut reader = query.reader(&[params::PINGS]);
        let before = reader.text("before");
        let before = reader.finish(before)?;
        let rows = self.0.services.heartbeats.pings(&caller.0, &id, before.as_deref(), ROWS).await?;
        Ok(Json(rows.into_iter().map(PingView::from).collect()))
    }
}

impl Heartbeats {
    async fn answer(&self, caller: &Caller, request: &Request, heartbeat: Heartbeat) -> Result<Found<HeartbeatView>, Problem> {
        Ok(Found(self.shown(caller, request, heartbeat).await?))
    }

    async fn shown(&self, caller: &Caller, request: &Request, heartbeat: Heartbeat) -> Result<HeartbeatView, Problem> {
        let path = self.0.services.heartbeats.path(&caller.0, &heartbeat.id).await?;
        let (public_url, secure) = (self.0.services.public_url.as_deref(), request.scheme() == &Scheme::HTTPS);
        let url = path.map(|path| own_address(public_url, request.headers(), secure, &self.0.options.base_path, &path));
        Ok(HeartbeatView::new(heartbeat, self.0.services.clock.now(), url))
    }
}
