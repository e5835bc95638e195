//! `/audit`: the audit log.

use std::sync::Arc;

use chrono_tz::Tz;
use poem::Body;
use poem_openapi::payload::{Binary, Json};
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::Caller;
use super::error::{ApiResult, ReadErrors};
use super::model::audit::AuditList;
use super::query::{QueryString, Reader};
use super::{AppState, Tag, params};
use crate::domain::audit::{AuditEvent, AuditFilter};
use crate::domain::trigger::parse_timestamp;
use crate::service::AuditFormat;

/// The audit endpoints.
pub struct Audit(pub Arc<AppState>);

/// The audit log as a file.
#[derive(ApiResponse)]
pub enum AuditFile {
    /// The entries that match the filter, newest first: comma-separated values, or one JSON object per line.
    #[oai(status = 200, content_type = "text/csv")]
    File(
        Binary<Body>,
        /// The name of the file.
        #[oai(header = "Content-Disposition")]
        String,
        /// `application/jsonl` if requested.
        #[oai(header = "Content-Type")]
        String,
    ),
}

#[OpenApi(tag = "Tag::Accounts")]
impl Audit {
    /// List audit entries
    ///
    /// Every change and every sign-in, newest first, with the values before and after; secrets are hidden. Administrators only.
    #[oai(path = "/audit", method = "get", operation_id = "listAudit")]
    async fn list(&self, caller: Caller, query: QueryString) -> ApiResult<Json<AuditList>, ReadErrors> {
        let mut reader = query.reader(&[params::PAGE, params::AUDIT]);
        let page = reader.page();
        let filter = read_filter(&mut reader, self.0.services.zone);
        let (filter, page) = reader.finish((filter, page))?;
        Ok(Json(self.0.services.audit.list(&caller.0, &filter, &page).await?.into()))
    }

    /// Export audit entries
    ///
    /// All entries that match the filter as one file, streamed: CSV, in which text that a spreadsheet would interpret as a
    /// formula is escaped, or JSON Lines. Secrets are hidden. Administrators only.
    #[oai(path = "/audit/export", method = "get", operation_id = "exportAudit")]
    async fn export(&self, caller: Caller, query: QueryString) -> ApiResult<AuditFile, ReadErrors> {
        let mut reader = query.reader(&[params::AUDIT, params::AUDIT_FORMAT]);
        let names = AuditFormat::ALL.map(AuditFormat::as_str);
        let format = reader.word("format", AuditFormat::parse, &names).unwrap_or(AuditFormat::Csv);
        let filter = read_filter(&mut reader, self.0.services.zone);
        let (filter, format) = reader.finish((filter, format))?;
        let file = Body::from_bytes_stream(self.0.services.audit.file(&caller.0, filter, format)?);
        let name = format!("attachment; filename=\"audit.{}\"", format.as_str());
        Ok(AuditFile::File(Binary(file), name, format.media_type().to_owned()))
    }
}

/// Times without an offset are in `zone`.
fn read_filter(reader: &mut Reader, zone: Tz) -> AuditFilter {
    let actions: Vec<&str> = AuditEvent::ALL.iter().map(|event| event.as_str()).collect();
    AuditFilter {
        actor: reader.text("actor"),
        action: reader.word("action", AuditEvent::parse, &actions),
        target: reader.text("target"),
        from: reader.parse("from", |text| parse_timestamp(text, zone)),
        to: reader.parse("to", |text| parse_timestamp(text, zone)),
        search: reader.text("search"),
    }
}
