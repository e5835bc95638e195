//! The audit log. Entries are inserted and read, never updated or deleted.

use sqlx::{Encode, FromRow, QueryBuilder, Type};

use super::database::on_session;
use super::execution_list::{COUNT_LIMIT, into_page, push_cursor};
use super::{Error, Result, Session, first_id_at, json, millis, rows, time_from_millis};
use crate::domain::audit::{AuditEvent, AuditFilter, Entry};
use crate::domain::page::{Page, PageRequest};
use crate::domain::user::Via;

/// Inserts an entry.
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
    .map_err(Error::on("write the audit log"))
}

/// Inserts entries in one statement.
pub async fn add_all(s: &mut dyn Session, entries: &[Entry]) -> Result<()> {
    let text = "insert into audit (id, at, actor, via, address, action, target, before, after)
        select j.value->>0, cast(j.value->>1 as bigint), j.value->>2, j.value->>3, j.value->>4, j.value->>5, j.value->>6,
            j.value->>7, j.value->>8
        from {rows} where true";
    let row = |entry: &Entry| {
        serde_json::json!([
            entry.id,
            millis(entry.at),
            entry.actor,
            entry.via.as_str(),
            entry.address,
            entry.action.as_str(),
            entry.target,
            entry.before.as_ref().map(ToString::to_string),
            entry.after.as_ref().map(ToString::to_string)
        ])
    };
    let list = rows(&entries.iter().map(row).collect::<Vec<_>>())?;
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(list).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("write the audit log"))
}

/// Returns one page of the matching entries, newest first, with their count.
pub async fn page(s: &mut dyn Session, filter: &AuditFilter, request: &PageRequest) -> Result<Page<Entry>> {
    let total = count(s, filter).await?;
    let found = rows_of(s, filter, request).await?;
    Ok(into_page(found, |entry| &entry.id, request, (total, total <= COUNT_LIMIT)))
}

/// Returns one page of the matching entries, newest first, without counting all matches.
pub async fn newest(s: &mut dyn Session, filter: &AuditFilter, request: &PageRequest) -> Result<Vec<Entry>> {
    Ok(into_page(rows_of(s, filter, request).await?, |entry| &entry.id, request, (0, true)).items)
}

async fn rows_of(s: &mut dyn Session, filter: &AuditFilter, request: &PageRequest) -> Result<Vec<Entry>> {
    let limit = i64::from(request.size) + 1;
    let found: Vec<Row> = on_session!(s, |conn, _dialect| {
        let mut query =
            QueryBuilder::new("select id, at, actor, via, address, action, target, before, after from audit where true");
        push_filter(&mut query, filter);
        push_cursor(&mut query, request.cursor.as_ref());
        query.push(if request.is_backwards() { " order by id limit " } else { " order by id desc limit " }).push_bind(limit);
        query.build_query_as().fetch_all(&mut *conn).await
    })
    .map_err(Error::on("list audit entries"))?;
    found.into_iter().map(Entry::try_from).collect()
}

async fn count(s: &mut dyn Session, filter: &AuditFilter) -> Result<i64> {
    on_session!(s, |conn, _dialect| {
        let mut query = QueryBuilder::new("select count(*) from (select 1 from audit where true");
        push_filter(&mut query, filter);
        query.push(" limit ").push_bind(COUNT_LIMIT + 1).push(") as matching");
        query.build_query_scalar().fetch_one(&mut *conn).await
    })
    .map_err(Error::on("count audit entries"))
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
        // `kind:` matches every target of that kind: `;` is the character after `:`.
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
    if let Some(search) = &filter.search {
        let columns = ["actor", "address", "target", "before", "after"];
        super::task_list::push_search(query, &columns, search);
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
        let unreadable = |what: &str, text: &str| Error::InvalidValue(format!("{what} '{text}'"));
        Ok(Entry {
            at: time_from_millis(row.at)?,
            via: Via::parse(&row.via).ok_or_else(|| unreadable("via", &row.via))?,
            action: AuditEvent::parse(&row.action).ok_or_else(|| unreadable("action", &row.action))?,
            before: row.before.as_deref().map(json).transpose()?,
            after: row.after.as_deref().map(json).transpose()?,
            id: row.id,
            actor: row.actor,
            address: row.address,
            target: row.target,
        })
    }
}
