//! Request bodies: read up to a limit, and parsed once it is known that the caller may make the call. They are not validated;
//! `domain` and `service` report every fault. `T` is only the documented schema.

use std::marker::PhantomData;
use std::sync::Arc;

use poem::error::ReadBodyError;
use poem::http::{Method, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::{Map, Value};

use super::AppState;
use super::auth::Caller;
use super::error::Problem;
use crate::domain::calendar::{ImportFormat, MAX_FILE};
use crate::domain::fault::Fault;
use crate::domain::input::json_syntax;
use crate::domain::json;
use crate::domain::transfer::{self, MAX_DOCUMENT, find_nul};
use crate::domain::user::Action;
use crate::i18n::message;
use crate::service::allow;

/// A JSON body with the documented schema `T`. If it is not `REQUIRED`, an empty body and `null` are read as `{}`.
pub struct Body<T, const REQUIRED: bool = true>(RawBody, PhantomData<fn() -> T>);

/// The bytes of a body and whether it is declared as JSON.
struct RawBody {
    bytes: Vec<u8>,
    declared: bool,
}

impl<T, const REQUIRED: bool> Body<T, REQUIRED> {
    /// The JSON of the body, for a caller who may do `action`.
    pub fn parse(&self, caller: &Caller, action: Action) -> Result<Value, Problem> {
        allow(&caller.0, action)?;
        let RawBody { bytes, declared } = &self.0;
        if bytes.is_empty() {
            return if REQUIRED {
                Err(Problem::malformed(message!("request.body_required")))
            } else {
                Ok(Value::Object(Map::new()))
            };
        }
        if !declared {
            return Err(Problem::unsupported_media_type(message!("request.no_content_type", types = "application/json")));
        }
        match parse(bytes)? {
            Value::Null if !REQUIRED => Ok(Value::Object(Map::new())),
            value => Ok(value),
        }
    }
}

/// A body that may be omitted.
pub type OptionalBody<T> = Body<T, false>;

impl<'a, T: Type, const REQUIRED: bool> ApiExtractor<'a> for Body<T, REQUIRED> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    const PARAM_IS_REQUIRED: bool = REQUIRED;
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
        Some(MetaRequest { description: None, content, required: REQUIRED })
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(read(request, body).await.map(|raw| Body(raw, PhantomData))?)
    }
}

/// Makes a type an extractor whose content `$read` reads. Other media types than JSON are mentioned in the description only: some
/// client generators fail if a body has two.
macro_rules! described_as_json {
    ($type:ident, $read:ident) => {
        impl<'a, T: Type> ApiExtractor<'a> for $type<T> {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
            const PARAM_IS_REQUIRED: bool = true;
            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                Body::<T>::register(registry);
            }

            fn request_meta() -> Option<MetaRequest> {
                Body::<T>::request_meta()
            }

            async fn from_request(
                request: &'a Request,
                body: &mut RequestBody,
                _: ExtractParamOptions<()>,
            ) -> poem::Result<Self> {
                Ok($read(request, body).await.map(|content| Self(content, PhantomData))?)
            }
        }
    };
}
described_as_json!(DocumentBody, read_document);
described_as_json!(CalendarFileBody, read_calendar_file);

/// The media types of YAML; the first is the one that is sent.
pub(super) const YAML: [&str; 4] = ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"];

/// A document of tasks with the documented schema `T`, as JSON or YAML. Its size limit is larger than that of other bodies.
pub struct DocumentBody<T>(Vec<u8>, PhantomData<fn() -> T>);

impl<T> DocumentBody<T> {
    /// The value of the document, for a caller who may do `action`.
    pub fn parse(&self, caller: &Caller, action: Action) -> Result<Value, Problem> {
        allow(&caller.0, action)?;
        parse_document(&self.0)
    }
}

/// A file of days as JSON with the documented schema `T`, as iCalendar or as CSV.
pub struct CalendarFileBody<T>((Vec<u8>, ImportFormat), PhantomData<fn() -> T>);

/// The media types of a file of days.
const CALENDAR_FILES: [(&str, ImportFormat); 3] =
    [("application/json", ImportFormat::Json), ("text/calendar", ImportFormat::Ics), ("text/csv", ImportFormat::Csv)];

impl<T> CalendarFileBody<T> {
    /// The text of the file and its format, for a caller who may do `action`.
    pub fn parse(&self, caller: &Caller, action: Action) -> Result<(&str, ImportFormat), Problem> {
        allow(&caller.0, action)?;
        let (bytes, format) = &self.0;
        let text = std::str::from_utf8(bytes).map_err(|_| Problem::malformed(message!("request.body_not_utf8")))?;
        if text.is_empty() {
            return Err(Problem::malformed(message!("request.body_required")));
        }
        Ok((text, *format))
    }
}

async fn read_calendar_file(request: &Request, body: &mut RequestBody) -> Result<(Vec<u8>, ImportFormat), Problem> {
    let kind = request.header(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let found = CALENDAR_FILES.iter().find(|(known, _)| known.eq_ignore_ascii_case(kind));
    let Some((_, format)) = found else {
        let types = CALENDAR_FILES.map(|(kind, _)| kind).join(", ");
        return Err(Problem::unsupported_media_type(message!("request.no_content_type", types)));
    };
    Ok((bytes(body, MAX_FILE).await?, *format))
}

async fn read_document(request: &Request, body: &mut RequestBody) -> Result<Vec<u8>, Problem> {
    let kind = request.header(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !YAML.iter().any(|yaml| yaml.eq_ignore_ascii_case(kind)) && !check_content_type(request)? {
        return Err(Problem::unsupported_media_type(message!(
            "request.no_content_type",
            types = "application/json, application/yaml"
        )));
    }
    bytes(body, MAX_DOCUMENT).await
}

fn parse_document(bytes: &[u8]) -> Result<Value, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::malformed(message!("request.body_not_utf8")))?;
    transfer::read(text).map_err(|fault| match fault.pointer.is_empty() {
        true => Problem::malformed(fault.message),
        false => Problem::invalid(vec![fault]),
    })
}

async fn bytes(body: &mut RequestBody, limit: usize) -> Result<Vec<u8>, Problem> {
    let body = body.take().map_err(|_| Problem::internal())?;
    body.into_bytes_limit(limit).await.map(Into::into).map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => Problem::too_large(limit),
        other => Problem::malformed(message!("request.unreadable_body", problem = other.to_string())),
    })
}

async fn read(request: &Request, body: &mut RequestBody) -> Result<RawBody, Problem> {
    let declared = check_content_type(request)?;
    let limit = request.data::<Arc<AppState>>().ok_or_else(Problem::internal)?.options.body_limit;
    Ok(RawBody { bytes: bytes(body, limit).await?, declared })
}

/// Whether the body is declared as JSON; other declarations are an error.
fn check_content_type(request: &Request) -> Result<bool, Problem> {
    let Some(given) = request.headers().get(header::CONTENT_TYPE) else { return Ok(false) };
    let given = given.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = given.split(';').map(str::trim);
    let known = match parts.next().unwrap_or_default() {
        "application/json" => true,
        "application/merge-patch+json" => request.method() == Method::PATCH,
        _ => false,
    };
    let utf8 =
        parts.filter_map(|part| part.strip_prefix("charset=")).all(|name| matches!(name.trim_matches('"'), "utf-8" | "utf8"));
    if known && utf8 {
        return Ok(true);
    }
    let shown = crate::domain::input::truncate(&given, 80);
    Err(Problem::unsupported_media_type(message!("request.media_type", given = shown)))
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let value =
        json::read(bytes).map_err(|error| Problem::malformed(message!("request.not_json", problem = json_syntax(&error))))?;
    match find_nul(&value, &mut String::new()) {
        Some(pointer) => Err(Problem::invalid(vec![Fault::new(pointer, message!("value.nul_not_stored"))])),
        None => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nul_characters_are_found_at_any_depth() {
        let find = |value: Value| find_nul(&value, &mut String::new());
        assert_eq!(find(json!({"a": [1, {"b/c": "x\0"}]})).as_deref(), Some("/a/1/b~1c"));
        assert_eq!(find(json!("\0")).as_deref(), Some(""));
        assert_eq!(find(json!({"a": "b", "c": [null, true]})), None);
    }

    #[test]
    fn deep_nesting_is_rejected() {
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }
}
