//! The audit, for administrators: who did what to what, filtered and paged by its address.

use std::sync::Arc;

use chrono_tz::Tz;
use poem::http::header;
use poem::{Body, Response};

use crate::domain::audit::{Act, AuditFilter};
use crate::domain::page::{Cursor, PageRequest};
use crate::domain::trigger::{parse_asked, parse_zone};
use crate::service::AuditFormat;
use crate::web::error::Failure;
use crate::web::urls::{Pairs, with_query};
use crate::web::view::Pager;
use crate::web::view::audit::{AuditPage, AuditRow, Filter, action_choices};
use crate::web::visit::{Answer, Visit};

/// `GET /audit`
pub async fn list(visit: Arc<Visit>) -> Answer {
    let typed = Filter::typed(&visit.query);
    let zone = zone(&visit);
    let (filter, faults) = typed.read(zone);
    let page = PageRequest { cursor: visit.query.get("cursor").and_then(Cursor::decode), ..PageRequest::default() };
    let found = visit.service().audit(visit.actor()?, &filter, &page).await?;
    let view = AuditPage {
        actions: action_choices(&visit),
        rows: found.items.iter().map(|entry| AuditRow::new(&visit, entry)).collect(),
        pager: Pager::new(&found, |cursor| typed.address("/audit", zone, ("cursor", cursor))),
        csv: typed.address("/audit/export", zone, ("format", AuditFormat::Csv.extension())),
        jsonl: typed.address("/audit/export", zone, ("format", AuditFormat::JsonLines.extension())),
        fault: faults.iter().map(|fault| visit.said(fault)).collect::<Vec<_>>().join("; "),
        zone: if typed.has_times() { zone.name().to_owned() } else { String::new() },
        filter: typed,
    };
    visit.page("settings", &view)
}

/// `GET /audit/export?format=csv|jsonl`: all that the filter lets through, as a file.
pub async fn export(visit: Arc<Visit>) -> Answer {
    let format = visit.query.get("format").and_then(AuditFormat::parse);
    let format = format.ok_or_else(|| Failure::BadRequest("format: csv or jsonl".to_owned()))?;
    let (filter, faults) = Filter::typed(&visit.query).read(zone(&visit));
    if !faults.is_empty() {
        return Err(Failure::BadRequest(faults.join("; ")));
    }
    let file = visit.service().audit_file(visit.actor()?, filter, format)?;
    let name = format!("attachment; filename=\"audit.{}\"", format.extension());
    let answer = Response::builder().content_type(format.media_type()).header(header::CONTENT_DISPOSITION, name);
    Ok(answer.body(Body::from_bytes_stream(file)))
}

fn zone(visit: &Visit) -> Tz {
    visit.query.get("zone").and_then(|name| parse_zone(name).ok()).unwrap_or(visit.service().zone())
}

impl Filter {
    fn typed(query: &Pairs) -> Filter {
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        let action = query.get("action").and_then(Act::parse).map_or("", Act::as_str).to_owned();
        let mut filter = Filter {
            actor: text("actor"),
            action,
            target: text("target"),
            from: text("from"),
            to: text("to"),
            search: text("search"),
            active: false,
        };
        filter.active = filter != Filter::default();
        filter
    }

    /// What to look for, and what could not be read.
    fn read(&self, zone: Tz) -> (AuditFilter, Vec<String>) {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut faults = Vec::new();
        let mut instant = |name: &str, text: &str| match given(text).map(|text| parse_asked(&text, zone)) {
            None => None,
            Some(Ok(at)) => Some(at),
            Some(Err(message)) => {
                faults.push(format!("{name}: {message}"));
                None
            }
        };
        let (from, to) = (instant("from", &self.from), instant("to", &self.to));
        let (actor, target, search) = (given(&self.actor), given(&self.target), given(&self.search));
        (AuditFilter { actor, action: Act::parse(&self.action), target, from, to, search }, faults)
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
