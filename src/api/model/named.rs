//! Types whose schema is written by hand (`document/schemas.rs`), because it says more than the generator could: here they
//! only name it.

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use serde_json::Value;

/// Makes a type that stands in the document as the named schema, and in answers as its inner value.
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
    };
}

named!(/// An instant as text.
    Instant(String), "Instant");
named!(/// A trigger as it was given.
    TriggerRule(Value), "Trigger");
named!(/// Parameters, as their type takes them.
    Params(Value), "Params");
named!(/// What a run gave.
    RunResult(Value), "RunResult");
named!(/// Where an execution stands.
    StatusWord(&'static str), "ExecutionStatus");
named!(/// Why an execution exists.
    CauseWord(&'static str), "ExecutionCause");
named!(/// How a retry's wait grows.
    BackoffWord(&'static str), "Backoff");
named!(/// What an account may do.
    RoleWord(&'static str), "Role");
named!(/// A number of seconds.
    Seconds(Value), "Seconds");
named!(/// A JSON Schema.
    JsonSchema(Value), "JsonSchema");

// Bodies: only their schema is used, the value is read raw.
named!(/// A new task, or all of a task that can change.
    TaskInput(Value), "TaskInput");
named!(/// A JSON merge patch of a task.
    TaskPatch(Value), "TaskPatch");
named!(/// What one run should do otherwise.
    RunRequest(Value), "RunRequest");
named!(/// One action on many tasks.
    BulkRequest(Value), "BulkRequest");
named!(/// A new account.
    UserInput(Value), "UserInput");
named!(/// What should change of an account.
    UserChange(Value), "UserChange");
named!(/// A token to be made.
    TokenInput(Value), "TokenInput");
named!(/// One's present and new password.
    PasswordInput(Value), "PasswordInput");
named!(/// How a task was.
    TaskContent(Value), "TaskContent");
named!(/// A secret's value.
    SecretInput(Value), "SecretInput");
named!(/// Who gets a mail that tries a mail server.
    MailTestInput(Value), "MailTestInput");
named!(/// Who gets which message that tries an SMS provider.
    SmsTestInput(Value), "SmsTestInput");
named!(/// The tasks that start when a run ends.
    Chain(Value), "Chain");
named!(/// All tasks, as one document.
    TaskDocument(Value), "TaskDocument");
named!(/// That document as YAML.
    TaskDocumentText(String), "TaskDocumentText");
named!(/// Runs that ended elsewhere.
    PastExecutions(Value), "PastExecutions");
named!(/// Any JSON value.
    AnyValue(Value), "AnyValue");
named!(/// A question about a trigger.
    PreviewRequest(Value), "PreviewRequest");
