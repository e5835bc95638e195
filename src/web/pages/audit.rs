//! The audit, for administrators: who did what to what, filtered and paged by its address.

use std::sync::Arc;

use chrono_tz::Tz;

use crate::domain::audit::{Act, AuditFilter};
use crate::domain::page::{Cursor, PageRequest};
use crate::domain::trigger::{parse_asked, parse_zone};
use crate::web::urls::{Pairs, with_query};
use crate::web::view::Pager;
use crate::web::view::audit::{AuditPage, AuditRow, Filter, action_choices};
use crate::web::visit::{Answer, Visit};

/// `GET /audit`
pub async fn list(visit: Arc<Visit>) -> Answer {
    let typed = Filter::typed(&visit.query);
    let zone = visit.query.get("zone").and_then(|name| parse_zone(name).ok()).unwrap_or(visit.service().zone());
    let (filter, faults) = typed.read(zone);
    let page = PageRequest { cursor: visit.query.get("cursor").and_then(Cursor::decode), ..PageRequest::default() };
    let found = visit.service().audit(visit.actor()?, &filter, &page).await?;
    let view = AuditPage {
        actions: action_choices(&visit),
        rows: found.items.iter().map(|entry| AuditRow::new(&visit, entry)).collect(),
        pager: Pager::new(&found, |cursor| typed.address(zone, cursor)),
        fault: faults.iter().map(|fault| visit.said(fault)).collect::<Vec<_>>().join("; "),
        zone: if typed.has_times() { zone.name().to_owned() } else { String::new() },
        filter: typed,
    };
    visit.page("settings", &view)
}

impl Filter {
    fn typed(query: &Pairs) -> Filter {
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        let action = query.get("action").and_then(Act::parse).map_or("", Act::as_str).to_owned();
        let mut filter =
            Filter { actor: text("actor"), action, target: text("target"), from: text("from"), to: text("to"), active: false };
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
        let (actor, target) = (given(&self.actor), given(&self.target));
        (AuditFilter { actor, action: Act::parse(&self.action), target, from, to }, faults)
    }

    fn has_times(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty()
    }

    fn address(&self, zone: Tz, cursor: &str) -> String {
        let pairs = [
            ("actor", self.actor.as_str()),
            ("action", &self.action),
            ("target", &self.target),
            ("from", &self.from),
            ("to", &self.to),
            ("zone", if self.has_times() { zone.name() } else { "" }),
            ("cursor", cursor),
        ];
        with_query("/audit", &pairs)
    }
}
