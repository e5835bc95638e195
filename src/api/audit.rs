//! `/audit`: who did what to what.

use std::sync::Arc;

use chrono_tz::Tz;
use poem::Body;
use poem_openapi::payload::{Binary, Json};
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::Caller;
use super::error::{Answer, Reading};
use super::model::audit::AuditList;
use super::query::{QueryString, Reader};
use super::{Shared, Tag, params};
use crate::domain::audit::{Act, AuditFilter};
use crate::domain::trigger::parse_asked;
use crate::service::AuditFormat;

/// The calls on the audit.
pub struct Audit(pub Arc<Shared>);

/// The audit as a file.
#[derive(ApiResponse)]
pub enum AuditFile {
    /// All that the filter lets through, newest first: comma-separated values, or one JSON object a line.
    #[oai(status = 200, content_type = "text/csv")]
    File(
        Binary<Body>,
        /// The name of the file.
        #[oai(header = "Content-Disposition")]
        String,
        /// `application/jsonl` where that was asked for.
        #[oai(header = "Content-Type")]
        String,
    ),
}

#[OpenApi(tag = "Tag::Accounts")]
impl Audit {
    /// List the audit
    ///
    /// Every change and every sign-in, newest first, with before and after; secrets are hidden. For administrators.
    #[oai(path = "/audit", method = "get", operation_id = "listAudit")]
    async fn list(&self, caller: Caller, query: QueryString) -> Answer<Json<AuditList>, Reading> {
        let mut reader = query.by(&[params::PAGE, params::AUDIT]);
        let page = reader.page();
        let filter = read_filter(&mut reader, self.0.service.zone());
        let (filter, page) = reader.finish((filter, page))?;
        Ok(Json(self.0.service.audit(&caller.0, &filter, &page).await?.into()))
    }

    /// Export the audit
    ///
    /// All that the filter lets through as one file, written while it is read: CSV, in which a text that a spreadsheet would
    /// take for a formula is marked as text, or JSON Lines. Secrets are hidden. For administrators.
    #[oai(path = "/audit/export", method = "get", operation_id = "exportAudit")]
    async fn export(&self, caller: Caller, query: QueryString) -> Answer<AuditFile, Reading> {
        let mut reader = query.by(&[params::AUDIT, params::AUDIT_FORMAT]);
        let names = AuditFormat::ALL.map(AuditFormat::extension);
        let format = reader.word("format", AuditFormat::parse, &names).unwrap_or(AuditFormat::Csv);
        let filter = read_filter(&mut reader, self.0.service.zone());
        let (filter, format) = reader.finish((filter, format))?;
        let file = Body::from_bytes_stream(self.0.service.audit_file(&caller.0, filter, format)?);
        let name = format!("attachment; filename=\"audit.{}\"", format.extension());
        Ok(AuditFile::File(Binary(file), name, format.media_type().to_owned()))
    }
}

/// Times without an offset are in `zone`.
fn read_filter(reader: &mut Reader, zone: Tz) -> AuditFilter {
    let acts: Vec<&str> = Act::ALL.iter().map(|act| act.as_str()).collect();
    AuditFilter {
        actor: reader.text("actor"),
        action: reader.word("action", Act::parse, &acts),
        target: reader.text("target"),
        from: reader.parse("from", |text| parse_asked(text, zone)),
        to: reader.parse("to", |text| parse_asked(text, zone)),
        search: reader.text("search"),
    }
}
