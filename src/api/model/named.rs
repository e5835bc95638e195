//! Types with hand-written schemas (`document/schemas.rs`), which describe more than the generator can: these types only name
//! them.

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Defines a type that refers to the named schema in the document and serialises as its inner value.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident($inner:ty), $name:literal) => {
        $(#[$doc])*
        #[derive(Default)]
        pub struct $type(pub $inner);

        impl Type for $type {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                $name.into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Reference($name.to_owned())
            }

            fn register(registry: &mut Registry) {
                registry.create_schema::<Self, _>($name.to_owned(), |_| MetaSchema::new("object"));
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }

        impl ToJSON for $type {
            fn to_json(&self) -> Option<Value> {
                Some(Value::from(self.0.clone()))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }
    };
}

named!(/// A time as text.
    Timestamp(String), "Timestamp");
named!(/// A trigger as given by the user.
    TriggerRule(Value), "Trigger");
named!(/// Parameters of a task type.
    Params(Value), "Params");
named!(/// The result of a run.
    RunResult(Value), "RunResult");
named!(/// The status of an execution.
    StatusWord(&'static str), "ExecutionStatus");
named!(/// The cause of an execution.
    CauseWord(&'static str), "ExecutionCause");
named!(/// What happens to a run at the limit of concurrent runs.
    OverlapWord(&'static str), "OnOverlap");
named!(/// The days of its calendars on which a task runs.
    CalendarRuleWord(&'static str), "CalendarRule");
named!(/// What becomes of an occurrence while a calendar is closed.
    OnClosedWord(&'static str), "OnClosed");
named!(/// How a retry's delay grows.
    BackoffWord(&'static str), "Backoff");
named!(/// The role of an account.
    RoleWord(&'static str), "Role");
named!(/// A number of seconds.
    Seconds(Value), "Seconds");
named!(/// A JSON Schema.
    JsonSchema(Value), "JsonSchema");

// Bodies: only their schema is used; the value is not parsed into the type.
named!(/// The writable fields of a task.
    TaskInput(Value), "TaskInput");
named!(/// A JSON merge patch of a task.
    TaskPatch(Value), "TaskPatch");
named!(/// Overrides for one run.
    RunRequest(Value), "RunRequest");
named!(/// The end of a pause and its reason.
    PauseInput(Value), "PauseRequest");
named!(/// The span and the choice of a backfill.
    BackfillInput(Value), "BackfillRequest");
named!(/// An action on many tasks.
    BulkRequest(Value), "BulkRequest");
named!(/// A new account.
    UserInput(Value), "UserInput");
named!(/// The fields of an account to change.
    UserChange(Value), "UserChange");
named!(/// A token to create.
    TokenInput(Value), "TokenInput");
named!(/// The current and the new password.
    PasswordInput(Value), "PasswordInput");
named!(/// The fields of a task at a version.
    TaskContent(Value), "TaskContent");
named!(/// A secret's value.
    SecretInput(Value), "SecretInput");
named!(/// The definition of a calendar.
    CalendarInput(Value), "CalendarInput");
named!(/// The days of years.
    CalendarDays(Value), "CalendarDays");
named!(/// A freeze to begin.
    FreezeInput(Value), "FreezeInput");
named!(/// The recipient of a test mail.
    MailTestInput(Value), "MailTestInput");
named!(/// The recipient and content of a test message.
    SmsTestInput(Value), "SmsTestInput");
named!(/// A new mail server.
    MailServerInput(Value), "MailServerInput");
named!(/// The settings of a mail server.
    MailServerChange(Value), "MailServerChange");
named!(/// A new SMS provider.
    SmsProviderInput(Value), "SmsProviderInput");
named!(/// The settings of an SMS provider.
    SmsProviderChange(Value), "SmsProviderChange");
named!(/// A new datasource.
    DatasourceInput(Value), "DatasourceInput");
named!(/// The settings of a datasource.
    DatasourceChange(Value), "DatasourceChange");
named!(/// A new HTTP profile.
    HttpProfileInput(Value), "HttpProfileInput");
named!(/// The settings of an HTTP profile.
    HttpProfileChange(Value), "HttpProfileChange");
named!(/// Where a test request goes.
    HttpTestInput(Value), "HttpTestInput");
named!(/// A new notification channel.
    NotifyChannelInput(Value), "NotifyChannelInput");
named!(/// The fields of a notification channel.
    NotifyChannelChange(Value), "NotifyChannelChange");
named!(/// The tasks that start when a run ends.
    Chain(Value), "Chain");
named!(/// The values that a run of a task asks for.
    Inputs(Value), "Inputs");
named!(/// The writable fields of a heartbeat.
    HeartbeatInput(Value), "HeartbeatInput");
named!(/// A new hook.
    HookInput(Value), "HookInput");
named!(/// All tasks, as one document.
    TaskDocument(Value), "TaskDocument");
named!(/// A document of tasks as YAML.
    TaskDocumentText(String), "TaskDocumentText");
named!(/// Runs that ended elsewhere.
    PastExecutions(Value), "PastExecutions");
named!(/// A notification rule.
    NotifyRuleInput(Value), "NotifyRuleInput");
named!(/// Until when a task is muted.
    MuteInput(Value), "MuteInput");
named!(/// Any JSON value.
    AnyValue(Value), "AnyValue");
named!(/// A trigger to preview.
    PreviewRequest(Value), "PreviewRequest");
