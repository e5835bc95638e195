//! Audit log page, for administrators: filtered and paged by its URL.

use std::sync::Arc;

use chrono_tz::Tz;
use poem::http::header;
use poem::{Body, Response};

use super::executions::zone;
use crate::domain::audit::{AuditEvent, AuditFilter};
use crate::domain::page::{Cursor, PageRequest};
use crate::domain::trigger::parse_timestamp;
use crate::i18n::{Message, message};
use crate::service::AuditFormat;
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::urls::{Pairs, with_query};
use crate::web::view::Pager;
use crate::web::view::audit::{AuditPage, AuditRow, Filter, action_choices};

/// `GET /audit`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let submitted = Filter::from_query(&ctx.query)?;
    let zone = zone(&ctx);
    let (filter, faults) = submitted.read(zone);
    let page = PageRequest { cursor: ctx.query.get("cursor").and_then(Cursor::decode), ..PageRequest::default() };
    let found = ctx.services().audit.list(ctx.actor()?, &filter, &page).await?;
    let view = AuditPage {
        actions: action_choices(&ctx.view()),
        rows: found.items.iter().map(|entry| AuditRow::new(&ctx.view(), entry)).collect(),
        pager: Pager::new(&found, |cursor| submitted.address("/audit", zone, ("cursor", cursor))),
        csv: submitted.address("/audit/export", zone, ("format", AuditFormat::Csv.as_str())),
        jsonl: submitted.address("/audit/export", zone, ("format", AuditFormat::JsonLines.as_str())),
        fault: ctx.translate_all(&faults),
        zone: if submitted.has_times() { zone.name().to_owned() } else { String::new() },
        filter: submitted,
    };
    ctx.page("settings", &view)
}

/// `GET /audit/export?format=csv|jsonl`: all entries that match the filter, as a file.
pub async fn export(ctx: Arc<RequestContext>) -> HandlerResult {
    let format = ctx.query.get("format").and_then(AuditFormat::parse);
    let format = format.ok_or_else(|| Failure::BadRequest(message!("value.choose", known = "csv, jsonl").of("format")))?;
    let (filter, faults) = Filter::from_query(&ctx.query)?.read(zone(&ctx));
    if !faults.is_empty() {
        return Err(Failure::unreadable(faults));
    }
    let file = ctx.services().audit.file(ctx.actor()?, filter, format)?;
    let name = format!("attachment; filename=\"audit.{}\"", format.as_str());
    let answer = Response::builder().content_type(format.media_type()).header(header::CONTENT_DISPOSITION, name);
    Ok(answer.body(Body::from_bytes_stream(file)))
}

impl Filter {
    fn from_query(query: &Pairs) -> Result<Filter, Failure> {
        query.one_of("action", &AuditEvent::ALL.map(AuditEvent::as_str))?;
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        let mut filter = Filter {
            actor: text("actor"),
            action: text("action"),
            target: text("target"),
            from: text("from"),
            to: text("to"),
            search: text("search"),
            active: false,
        };
        filter.active = filter != Filter::default();
        Ok(filter)
    }

    /// Returns the filter and the error messages.
    fn read(&self, zone: Tz) -> (AuditFilter, Vec<Message>) {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut faults = Vec::new();
        let mut parse_time = |name: &str, text: &str| match given(text).map(|text| parse_timestamp(&text, zone)) {
            None => None,
            Some(Ok(at)) => Some(at),
            Some(Err(message)) => {
                faults.push(message.of(name));
                None
            }
        };
        let (from, to) = (parse_time("from", &self.from), parse_time("to", &self.to));
        let (actor, target, search) = (given(&self.actor), given(&self.target), given(&self.search));
        (AuditFilter { actor, action: AuditEvent::parse(&self.action), target, from, to, search }, faults)
    }

    fn has_times(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty()
    }

    fn address(&self, path: &str, zone: Tz, more: (&str, &str)) -> String {
        let pairs = [
            ("actor", self.actor.as_str()),
            ("action", &self.action),
            ("target", &self.target),
            ("from", &self.from),
            ("to", &self.to),
            ("zone", if self.has_times() { zone.name() } else { "" }),
            ("search", &self.search),
            more,
        ];
        with_query(path, &pairs)
    }
}
