//! The audit: entries are added, listed, and never changed.

use sqlx::{Encode, FromRow, QueryBuilder, Type};

use super::database::on_session;
use super::execution_list::{edges, push_cursor};
use super::{Error, Result, Session, first_id_at, instant, json, millis};
use crate::domain::audit::{Act, AuditFilter, Entry};
use crate::domain::page::{Direction, Page, PageRequest};
use crate::domain::user::Via;

/// Matching rows are counted up to here; beyond it the total is a lower bound.
const COUNT_LIMIT: i64 = 10_000;

/// Adds an entry.
///
/// # Errors
/// Where the database fails.
pub async fn add(s: &mut dyn Session, entry: &Entry) -> Result<()> {
    let text = "insert into audit (id, at, actor, via, address, action, target, before, after)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text))
            .bind(&entry.id)
            .bind(millis(entry.at))
            .bind(&entry.actor)
            .bind(entry.via.as_str())
            .bind(&entry.address)
            .bind(entry.action.as_str())
            .bind(&entry.target)
            .bind(entry.before.as_ref().map(ToString::to_string))
            .bind(entry.after.as_ref().map(ToString::to_string))
            .execute(&mut *conn)
            .await
            .map(drop)
    })
    .map_err(Error::on("add to the audit"))
}

/// One page of the entries that a filter lets through, newest first.
///
/// # Errors
/// Where the database fails.
pub async fn page(s: &mut dyn Session, filter: &AuditFilter, request: &PageRequest) -> Result<Page<Entry>> {
    let limit = i64::from(request.size) + 1;
    let backwards = matches!(&request.cursor, Some(cursor) if cursor.direction == Direction::Previous);
    let found: Vec<Row> = on_session!(s, |conn, _dialect| {
        let mut query =
            QueryBuilder::new("select id, at, actor, via, address, action, target, before, after from audit where true");
        push_filter(&mut query, filter);
        push_cursor(&mut query, request.cursor.as_ref());
        query.push(if backwards { " order by id limit " } else { " order by id desc limit " }).push_bind(limit);
        query.build_query_as().fetch_all(&mut *conn).await
    })
    .map_err(Error::on("list the audit"))?;
    let more = found.len() as i64 == limit;
    let mut items = found.into_iter().take(request.size as usize).map(Entry::try_from).collect::<Result<Vec<_>>>()?;
    if backwards {
        items.reverse();
    }
    let (next, previous) = edges(&items, |entry| &entry.id, request.cursor.as_ref(), more);
    let total = count(s, filter).await?;
    Ok(Page { items, next, previous, total, total_is_exact: total <= COUNT_LIMIT })
}

async fn count(s: &mut dyn Session, filter: &AuditFilter) -> Result<i64> {
    on_session!(s, |conn, _dialect| {
        let mut query = QueryBuilder::new("select count(*) from (select 1 from audit where true");
        push_filter(&mut query, filter);
        query.push(" limit ").push_bind(COUNT_LIMIT + 1).push(") as matching");
        query.build_query_scalar().fetch_one(&mut *conn).await
    })
    .map_err(Error::on("count the audit"))
}

fn push_filter<DB>(query: &mut QueryBuilder<DB>, filter: &AuditFilter)
where
    DB: sqlx::Database,
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    if let Some(actor) = &filter.actor {
        query.push(" and actor = ").push_bind(actor.clone());
    }
    if let Some(action) = filter.action {
        query.push(" and action = ").push_bind(action.as_str().to_owned());
    }
    match &filter.target {
        // Behind the colon of a kind stand its names: those that are less than the kind with the sign after the colon.
        Some(kind) if kind.ends_with(':') => {
            query.push(" and target >= ").push_bind(kind.clone());
            query.push(" and target < ").push_bind(format!("{};", kind.trim_end_matches(':')));
        }
        Some(target) => {
            query.push(" and target = ").push_bind(target.clone());
        }
        None => {}
    }
    if let Some(from) = filter.from {
        query.push(" and id >= ").push_bind(first_id_at(from));
    }
    if let Some(to) = filter.to {
        query.push(" and id < ").push_bind(first_id_at(to));
    }
}

#[derive(Debug, FromRow)]
struct Row {
    id: String,
    at: i64,
    actor: String,
    via: String,
    address: Option<String>,
    action: String,
    target: String,
    before: Option<String>,
    after: Option<String>,
}

impl TryFrom<Row> for Entry {
    type Error = Error;

    fn try_from(row: Row) -> Result<Entry> {
        let unreadable = |what: &str, text: &str| Error::Unreadable(format!("{what} '{text}'"));
        Ok(Entry {
            at: instant(row.at)?,
            via: Via::parse(&row.via).ok_or_else(|| unreadable("via", &row.via))?,
            action: Act::parse(&row.action).ok_or_else(|| unreadable("action", &row.action))?,
            before: row.before.as_deref().map(json).transpose()?,
            after: row.after.as_deref().map(json).transpose()?,
            id: row.id,
            actor: row.actor,
            address: row.address,
            target: row.target,
        })
    }
}
