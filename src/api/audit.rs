//! `/audit`: who did what to what.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{Answer, Reading};
use super::model::audit::AuditList;
use super::query::QueryString;
use super::{Shared, Tag, params};
use crate::domain::audit::{Act, AuditFilter};
use crate::domain::trigger::parse_asked;

/// The calls on the audit.
pub struct Audit(pub Arc<Shared>);

#[OpenApi(tag = "Tag::Accounts")]
impl Audit {
    /// List the audit
    ///
    /// Every change and every sign-in, newest first, with before and after; secrets are hidden. For administrators.
    #[oai(path = "/audit", method = "get", operation_id = "listAudit")]
    async fn list(&self, caller: Caller, query: QueryString) -> Answer<Json<AuditList>, Reading> {
        let mut reader = query.by(&[params::PAGE, params::AUDIT]);
        let zone = self.0.service.zone();
        let acts: Vec<&str> = Act::ALL.iter().map(|act| act.as_str()).collect();
        let page = reader.page();
        let filter = AuditFilter {
            actor: reader.text("actor"),
            action: reader.word("action", Act::parse, &acts),
            target: reader.text("target"),
            from: reader.parse("from", |text| parse_asked(text, zone)),
            to: reader.parse("to", |text| parse_asked(text, zone)),
        };
        let (filter, page) = reader.finish((filter, page))?;
        Ok(Json(self.0.service.audit(&caller.0, &filter, &page).await?.into()))
    }
}
