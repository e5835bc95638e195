//! Columns: each type that is stored names its columns once for reading ([`stored!`]) and once for writing ([`written!`]).

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};

use super::stored_json::{
    parse_calendar, parse_chain, parse_heartbeat_rule, parse_inputs, parse_notify_rule, parse_policy, parse_schedule,
};
use super::{json, time_from_millis};
use crate::domain::audit::AuditEvent;
use crate::domain::backfill::Selection;
use crate::domain::calendar::Calendar;
use crate::domain::chain::Link;
use crate::domain::execution::{Cause, Status, Stream};
use crate::domain::heartbeat::{HeartbeatRule, HeartbeatStatus, PingStatus};
use crate::domain::hook::Signing;
use crate::domain::notify::channel::{ChannelOptions, ChannelType};
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::incident::Told;
use crate::domain::notify::message::{MessageState, Notice};
use crate::domain::notify::rule::NotifyRule;
use crate::domain::operation::{BulkAction, BulkError};
use crate::domain::policy::Policy;
use crate::domain::profile::ProfileKind;
use crate::domain::recent_outcomes::RecentOutcome;
use crate::domain::reference::References;
use crate::domain::run_data::HookCall;
use crate::domain::run_input::InputField;
use crate::domain::saved_view::ListKind;
use crate::domain::schedule::{Origin, ScheduleSettings};
use crate::domain::secret::SecretLimits;
use crate::domain::user::{Role, Via};
use crate::i18n::Message;
use crate::ids::execution_id;

/// A column of a row: its name, or its place counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'c> {
    Named(&'c str),
    At(usize),
}

impl<'c> From<&'c str> for Place<'c> {
    fn from(name: &'c str) -> Self {
        Self::Named(name)
    }
}

impl From<usize> for Place<'_> {
    fn from(place: usize) -> Self {
        Self::At(place)
    }
}

/// A row of either database.
pub trait StoredRow {
    fn text(&self, place: Place<'_>) -> sqlx::Result<Option<String>>;
    fn integer(&self, place: Place<'_>) -> sqlx::Result<Option<i64>>;
    fn flag(&self, place: Place<'_>) -> sqlx::Result<Option<bool>>;

    /// Returns a column as a value of a domain type.
    fn value<'c, T: Column>(&self, place: impl Into<Place<'c>>) -> sqlx::Result<T>
    where
        Self: Sized,
    {
        let place = place.into();
        T::read(self, place)?.ok_or_else(|| invalid(place, "it is null"))
    }
}

impl StoredRow for PgRow {
    fn text(&self, place: Place<'_>) -> sqlx::Result<Option<String>> {
        postgres(self, place)
    }

    fn integer(&self, place: Place<'_>) -> sqlx::Result<Option<i64>> {
        postgres(self, place)
    }

    fn flag(&self, place: Place<'_>) -> sqlx::Result<Option<bool>> {
        postgres(self, place)
    }
}

fn postgres<'r, T: Decode<'r, Postgres> + Type<Postgres>>(row: &'r PgRow, place: Place<'_>) -> sqlx::Result<T> {
    match place {
        Place::Named(name) => row.try_get(name),
        Place::At(place) => row.try_get(place),
    }
}

/// What a row is read as.
pub trait FromRow: Sized {
    fn from_row<R: StoredRow>(row: &R) -> sqlx::Result<Self>;
}

macro_rules! tuples {
    ($($($part:ident $place:tt),+;)+) => {$(
        impl<$($part: Column),+> FromRow for ($($part,)+) {
            fn from_row<R: StoredRow>(row: &R) -> sqlx::Result<Self> {
                Ok(($(row.value::<$part>($place)?,)+))
            }
        }
    )+};
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
}

/// A domain type that one column holds.
pub trait Column: Sized {
    /// Reads the column; `None` for null.
    fn read<R: StoredRow>(row: &R, place: Place<'_>) -> sqlx::Result<Option<Self>>;
}

pub(super) fn invalid(place: Place<'_>, error: impl Into<BoxDynError>) -> sqlx::Error {
    let index = match place {
        Place::Named(name) => name.to_owned(),
        Place::At(place) => place.to_string(),
    };
    sqlx::Error::ColumnDecode { index, source: error.into() }
}

/// Implements [`Column`]: `Type: stored form => conversion` with a result.
macro_rules! columns {
    ($($type:ty: $form:ident => $parse:expr),* $(,)?) => {$(
        impl Column for $type {
            fn read<R: StoredRow>(row: &R, place: Place<'_>) -> sqlx::Result<Option<Self>> {
                row.$form(place)?.map($parse).transpose().map_err(|error| invalid(place, error))
            }
        }
    )*};
}

columns! {
    String: text => Ok::<_, BoxDynError>,
    i64: integer => Ok::<_, BoxDynError>,
    bool: flag => Ok::<_, BoxDynError>,
    DateTime<Utc>: integer => time_from_millis,
    ExecutionId: integer => |key| Ok::<_, BoxDynError>(ExecutionId(execution_id(key))),
    Value: text => |text| json(&text),
    Vec<String>: text => |text| serde_json::from_str(&text),
    Message: text => |text| serde_json::from_str(&text),
    Calendar: text => |text| parse_calendar(&text),
    SecretLimits: text => |text| serde_json::from_str(&text),
    References: text => |text| serde_json::from_str(&text),
    ChannelOptions: text => |text| serde_json::from_str(&text),
    Notice: text => |text| serde_json::from_str(&text),
    Told: text => |text| serde_json::from_str(&text),
    NotifyRule: text => |text| parse_notify_rule(&text),
    Vec<i64>: text => |text| serde_json::from_str(&text),
    Vec<RecentOutcome>: text => |text| Ok::<_, BoxDynError>(RecentOutcome::parse_all(&text)),
    Policy: text => |text| parse_policy(&text),
    Vec<Link>: text => |text| parse_chain(&text),
    Vec<InputField>: text => |text| parse_inputs(&text),
    HookCall: text => |text| serde_json::from_str(&text),
    HeartbeatStatus: text => |text| HeartbeatStatus::parse(&text).ok_or_else(|| format!("status '{text}'")),
    PingStatus: text => |text| PingStatus::parse(&text).ok_or_else(|| format!("status '{text}'")),
    HeartbeatRule: text => |text| parse_heartbeat_rule(&text),
    Signing: text => |text| Signing::parse(&text).ok_or_else(|| format!("signing '{text}'")),
    ScheduleSettings: text => |text| parse_schedule(&text),
    Origin: text => |text| serde_json::from_str(&text),
    Vec<BulkError>: text => |text| serde_json::from_str(&text),
    BulkAction: text => |text| BulkAction::parse(&text).ok_or_else(|| format!("action '{text}'")),
    Status: text => |text| Status::parse(&text).ok_or_else(|| format!("status '{text}'")),
    Cause: text => |text| Cause::parse(&text).ok_or_else(|| format!("cause '{text}'")),
    Selection: text => |text| Selection::parse(&text).ok_or_else(|| format!("selection '{text}'")),
    Stream: text => |text| Stream::parse(&text).ok_or_else(|| format!("stream '{text}'")),
    Role: text => |text| Role::parse(&text).ok_or_else(|| format!("role '{text}'")),
    Via: text => |text| Via::parse(&text).ok_or_else(|| format!("interface '{text}'")),
    ListKind: text => |text| ListKind::parse(&text).ok_or_else(|| format!("list '{text}'")),
    ChannelType: text => |text| ChannelType::parse(&text).ok_or_else(|| format!("channel type '{text}'")),
    ProfileKind: text => |text| ProfileKind::parse(&text).ok_or_else(|| format!("kind of profile '{text}'")),
    NotifyEvent: text => |text| NotifyEvent::parse(&text).ok_or_else(|| format!("event '{text}'")),
    MessageState: text => |text| MessageState::parse(&text).ok_or_else(|| format!("message state '{text}'")),
    AuditEvent: text => |text| AuditEvent::parse(&text).ok_or_else(|| format!("action '{text}'")),
}

/// The id of an execution, stored as an integer.
#[derive(Debug, PartialEq, Eq)]
pub struct ExecutionId(String);

impl From<ExecutionId> for String {
    fn from(id: ExecutionId) -> String {
        id.0
    }
}

/// As [`ExecutionId`]; may be null.
#[derive(Debug, PartialEq, Eq)]
pub struct OptionalExecutionId(Option<String>);

impl From<OptionalExecutionId> for Option<String> {
    fn from(id: OptionalExecutionId) -> Option<String> {
        id.0
    }
}

impl<T: Column> Column for Option<T> {
    fn read<R: StoredRow>(row: &R, place: Place<'_>) -> sqlx::Result<Option<Self>> {
        T::read(row, place).map(Some)
    }
}

impl Column for OptionalExecutionId {
    fn read<R: StoredRow>(row: &R, place: Place<'_>) -> sqlx::Result<Option<Self>> {
        Ok(Some(Self(row.integer(place)?.map(execution_id))))
    }
}

/// Declares how a type is read: `COLUMNS: Type { field, field = column }` generates the select list and `FromRow`.
///
/// `field via Type` reads the column as that type and converts it. `; nested` introduces the fields of a nested type, `; with` a field
/// that a function reads from several columns, `; sql` one whose expression a macro generates. With `as u`, the columns are those of the
/// table with the alias `u`, read under the names `u_<field>`, so that joined tables may have columns of the same name. Without a name
/// for the columns only `FromRow` is generated, for a select list of its own.
macro_rules! stored {
    (
        $(#[$doc:meta])* $vis:vis $columns:ident: $type:ident {
            $first:ident $(via $first_via:ident)? $(, $field:ident $(= $column:ident)? $(via $via:ident)?)* $(,)?
            $(; nested $nested:ident: $nested_type:ident { $($inner:ident),+ $(,)? })?
            $(; with $computed:ident from $read:ident($($source:ident),+))*
            $(; sql $selected:ident from $sql:ident!($($argument:literal),+))*
        }
    ) => {
        $(#[$doc])*
        $vis const $columns: &str = concat!(
            stringify!($first) $(, ", ", $crate::storage::column::stored!(@name $field $($column)?))*
            $($(, ", ", stringify!($inner))+)? $($(, ", ", stringify!($source))+)*
            $(, ", ", $sql!($($argument),+), " as ", stringify!($selected))*
        );

        impl $crate::storage::column::FromRow for $type {
            fn from_row<R: $crate::storage::column::StoredRow>(row: &R) -> sqlx::Result<Self> {
                Ok($type {
                    $first: $crate::storage::column::stored!(@read row, stringify!($first) $(, $first_via)?),
                    $($field: $crate::storage::column::stored!(
                        @read row, $crate::storage::column::stored!(@name $field $($column)?) $(, $via)?
                    ),)*
                    $($nested: $nested_type { $($inner: row.value(stringify!($inner))?),+ },)?
                    $($computed: $read(row)?,)*
                    $($selected: row.value(stringify!($selected))?,)*
                })
            }
        }
    };
    ($(#[$doc:meta])* $vis:vis $columns:ident: $type:ident as $table:ident { $first:ident $(, $field:ident)* $(,)? }) => {
        $(#[$doc])*
        $vis const $columns: &str = concat!(
            stringify!($table), ".", stringify!($first), " as ", stringify!($table), "_", stringify!($first)
            $(, ", ", stringify!($table), ".", stringify!($field), " as ", stringify!($table), "_", stringify!($field))*
        );

        impl $crate::storage::column::FromRow for $type {
            fn from_row<R: $crate::storage::column::StoredRow>(row: &R) -> sqlx::Result<Self> {
                Ok($type {
                    $first: row.value(concat!(stringify!($table), "_", stringify!($first)))?,
                    $($field: row.value(concat!(stringify!($table), "_", stringify!($field)))?,)*
                })
            }
        }
    };
    ($type:ident { $($field:ident $(= $column:ident)? $(via $via:ident)?),+ $(,)? }) => {
        impl $crate::storage::column::FromRow for $type {
            fn from_row<R: $crate::storage::column::StoredRow>(row: &R) -> sqlx::Result<Self> {
                Ok($type { $($field: $crate::storage::column::stored!(
                    @read row, $crate::storage::column::stored!(@name $field $($column)?) $(, $via)?
                )),+ })
            }
        }
    };
    (@read $row:ident, $name:expr) => { $row.value($name)? };
    (@read $row:ident, $name:expr, $via:ident) => { $row.value::<$via>($name)?.into() };
    (@name $field:ident $column:ident) => { stringify!($column) };
    (@name $field:ident) => { stringify!($field) };
}
pub(super) use stored;

/// The form of a written column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Integer,
    Flag,
}

/// A column that a statement writes from a JSON row.
pub type WrittenColumn = (&'static str, Form);

/// Declares how a type is written: `Name of Type as pattern => { column Form = value }` generates a row that serializes as a
/// JSON array, and the list of its columns.
macro_rules! written {
    ($(#[$doc:meta])* $name:ident of $type:ty as $item:pat => { $($column:ident $form:ident = $value:expr),* $(,)? }) => {
        $(#[$doc])*
        struct $name<'a>(&'a $type);

        impl $name<'_> {
            const COLUMNS: &'static [$crate::storage::column::WrittenColumn] =
                &[$((stringify!($column), $crate::storage::column::Form::$form)),*];
        }

        impl serde::Serialize for $name<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                use serde::ser::SerializeSeq;
                let $item = self.0;
                let mut row = serializer.serialize_seq(Some(Self::COLUMNS.len()))?;
                $(row.serialize_element(&$value)?;)*
                row.end()
            }
        }
    };
}
pub(super) use written;

/// The text of a list in a written row.
pub fn json_text(list: &[String]) -> String {
    Value::from(list).to_string()
}

/// Returns the statement that inserts rows; `fixed` are columns with one expression for all rows.
pub fn insert_sql(table: &str, columns: &[WrittenColumn], fixed: &[(&str, &str)]) -> String {
    let names = columns.iter().map(|(name, _)| (*name).to_owned()).chain(fixed.iter().map(|(name, _)| (*name).to_owned()));
    let values = columns.iter().enumerate().map(|(place, column)| expression(place, column.1));
    let values = values.chain(fixed.iter().map(|(_, value)| (*value).to_owned()));
    let (names, values) = (names.collect::<Vec<_>>().join(", "), values.collect::<Vec<_>>().join(", "));
    format!("insert into {table} ({names}) select {values} from {{rows}} where true")
}

/// Returns the statement that updates the rows whose first column matches; the columns in `kept` stay as they are.
pub fn update_sql(table: &str, columns: &[WrittenColumn], kept: &[&str]) -> String {
    let changed = columns.iter().enumerate().skip(1).filter(|(_, (name, _))| !kept.contains(name));
    let changed: Vec<_> = changed.map(|(place, (name, form))| format!("{name} = {}", expression(place, *form))).collect();
    format!("update {table} set {} from {{rows}} where {table}.{} = j.value->>0", changed.join(", "), columns[0].0)
}

/// The value at a place of the JSON row.
fn expression(place: usize, form: Form) -> String {
    match form {
        Form::Text => format!("j.value->>{place}"),
        Form::Integer => format!("cast(j.value->>{place} as bigint)"),
        Form::Flag => format!("cast(j.value->>{place} as boolean)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[WrittenColumn] = &[("id", Form::Text), ("made_at", Form::Integer), ("on", Form::Flag)];

    #[test]
    fn insert_sql_lists_columns_and_their_expressions() {
        let expected = "insert into t (id, made_at, on, by) select j.value->>0, cast(j.value->>1 as bigint), \
            cast(j.value->>2 as boolean), $2 from {rows} where true";
        assert_eq!(insert_sql("t", COLUMNS, &[("by", "$2")]), expected);
    }

    #[test]
    fn update_sql_leaves_out_the_key_and_kept_columns() {
        let expected = "update t set on = cast(j.value->>2 as boolean) from {rows} where t.id = j.value->>0";
        assert_eq!(update_sql("t", COLUMNS, &["made_at"]), expected);
    }
}
