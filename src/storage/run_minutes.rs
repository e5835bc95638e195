//! How many runs that began within a minute ended in which way. The counters move in the transaction that records the
//! results, so that charts cost the same however long the log is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::counters::Counted;
use super::database::on_session;
use super::execution::read_status;
use super::{Error, Result, Session, instant, millis, rows};
use crate::domain::execution::Status;
use crate::domain::stats::Outcome;

/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;

/// Counts results; those that are not final, and what never began, do not count.
pub(super) async fn count(s: &mut dyn Session, counted: &[Counted]) -> Result<()> {
    // In order, so that two nodes that count the same minutes never wait for each other.
    let mut sums: BTreeMap<(i64, &str), i64> = BTreeMap::new();
    for run in counted {
        let is_final = Status::parse(&run.status).is_some_and(Status::is_final);
        if let Some(started) = run.started_at.filter(|_| is_final) {
            *sums.entry((started.div_euclid(MINUTE) * MINUTE, &run.status)).or_default() += 1;
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    let list = rows(&sums.into_iter().map(|((minute, status), runs)| (minute, status, runs)).collect::<Vec<_>>())?;
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(COUNT)).bind(list).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("count runs by the minute"))
}

/// Of each row: 0 the minute, 1 the status, 2 how many.
const COUNT: &str = "
    insert into run_minutes (minute, status, runs)
    select cast(j.value->>0 as bigint), j.value->>1, cast(j.value->>2 as bigint) from {rows} where true
    on conflict (minute, status) do update set runs = run_minutes.runs + excluded.runs";

/// The runs that began from `from` to before `to`, summed up in steps of so many milliseconds (a multiple of a minute,
/// counted from 1970 UTC).
///
/// # Errors
/// Where the database fails.
pub async fn outcomes(s: &mut dyn Session, from: DateTime<Utc>, to: DateTime<Utc>, step_ms: i64) -> Result<Vec<Outcome>> {
    let found: Vec<(i64, String, i64)> = on_session!(s, |conn, dialect| {
        let query = sqlx::query_as(dialect.sql(OUTCOMES)).bind(millis(from)).bind(millis(to)).bind(step_ms);
        query.fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read runs by the minute"))?;
    let outcome = |(at, status, runs): (i64, String, i64)| Ok(Outcome { at: instant(at)?, status: read_status(&status)?, runs });
    found.into_iter().map(outcome).collect()
}

pub(super) const OUTCOMES: &str = "
    select minute / $3 * $3 as step, status, cast(sum(runs) as bigint) from run_minutes where minute >= $1 and minute < $2
    group by minute / $3 * $3, status order by step, status";

/// Forgets the minutes before an instant.
///
/// # Errors
/// Where the database fails.
pub async fn remove_before(s: &mut dyn Session, before: DateTime<Utc>) -> Result<()> {
    let text = "delete from run_minutes where minute < $1";
    on_session!(s, |conn, dialect| sqlx::query(dialect.sql(text)).bind(millis(before)).execute(&mut *conn).await.map(drop))
        .map_err(Error::on("forget old minutes"))
}
