//! The audit log. Entries are inserted and read, never updated or deleted.

use super::column::{insert_sql, stored, written};
use super::execution_list::{COUNT_LIMIT, push_cursor};
use super::statement::{QueryBuilder, execute, fetch_built};
use super::{Result, Session, first_id_at, millis, rows};
use crate::domain::audit::{AuditFilter, Entry};
use crate::domain::page::{Page, PageRequest};

/// Inserts an entry.
pub async fn add(s: &mut dyn Session, entry: &Entry) -> Result<()> {
    add_all(s, std::slice::from_ref(entry)).await
}

/// Inserts entries in one statement.
pub async fn add_all(s: &mut dyn Session, entries: &[Entry]) -> Result<()> {
    let text = insert_sql("audit", EntryRow::COLUMNS, &[]);
    let list = rows(&entries.iter().map(EntryRow).collect::<Vec<_>>())?;
    execute!(s, "write the audit log", &text, list).map(drop)
}

written! {
    EntryRow of Entry as entry => {
        id Text = entry.id,
        at Integer = millis(entry.at),
        actor Text = entry.actor,
        via Text = entry.via.as_str(),
        address Text = entry.address,
        action Text = entry.action.as_str(),
        target Text = entry.target,
        before Text = entry.before.as_ref().map(ToString::to_string),
        after Text = entry.after.as_ref().map(ToString::to_string),
    }
}

stored! {
    COLUMNS: Entry { id, at, actor, via, address, action, target, before, after }
}

/// Returns one page of the matching entries, newest first, with their count.
pub async fn page(s: &mut dyn Session, filter: &AuditFilter, request: &PageRequest) -> Result<Page<Entry>> {
    let total = count(s, filter).await?;
    let found = rows_of(s, filter, request).await?;
    Ok(Page::from_rows(found, |entry| (None, entry.id.clone()), request, (total, total <= COUNT_LIMIT)))
}

/// Returns one page of the matching entries, newest first, without counting all matches.
pub async fn newest(s: &mut dyn Session, filter: &AuditFilter, request: &PageRequest) -> Result<Vec<Entry>> {
    let found = rows_of(s, filter, request).await?;
    Ok(Page::from_rows(found, |entry| (None, entry.id.clone()), request, (0, true)).items)
}

async fn rows_of(s: &mut dyn Session, filter: &AuditFilter, request: &PageRequest) -> Result<Vec<Entry>> {
    let limit = i64::from(request.size) + 1;
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from audit where true"));
    push_filter(&mut query, filter);
    push_cursor(&mut query, request.cursor.as_ref(), str::to_owned);
    query.push(if request.is_backwards() { " order by id limit " } else { " order by id desc limit " }).push_bind(limit);
    fetch_built!(all, s, "list audit entries", query)
}

async fn count(s: &mut dyn Session, filter: &AuditFilter) -> Result<i64> {
    let mut query = QueryBuilder::new("select count(*) from (select 1 from audit where true");
    push_filter(&mut query, filter);
    query.push(" limit ").push_bind(COUNT_LIMIT + 1).push(") as matching");
    fetch_built!(only, s, "count audit entries", query)
}

fn push_filter(query: &mut QueryBuilder, filter: &AuditFilter) {
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
        super::text_search::push_search(query, &columns, search);
    }
}
