//! Row stream of sqlx, forwarded in the same way for each of its databases.

use std::sync::Arc;

use futures_util::{Stream, TryStreamExt};
use sqlx::{Database, Either, Row, TypeInfo};

use super::cell::Cell;
use super::error::SqlError;
use super::meter::Meter;
use super::session::{Column, Event, RowSender};

/// A column as the driver of a row describes it.
type ColumnOf<R> = <<R as Row>::Database as Database>::Column;

/// Forwards columns and rows as they arrive. Returns the number of changed rows and whether there was any row.
pub(super) async fn forward_rows<D, R: Row>(
    mut results: impl Stream<Item = Result<Either<D, R>, sqlx::Error>> + Unpin,
    out: &RowSender,
    meter: &Meter,
    changed_by: fn(&D) -> u64,
    columns: fn(&[ColumnOf<R>]) -> Arc<[Column]>,
    cell: fn(&R, usize) -> Result<Cell, SqlError>,
) -> Result<(u64, bool), SqlError> {
    let (mut changed, mut has_rows) = (0, false);
    meter.reset();
    while let Some(item) = results.try_next().await.map_err(|error| meter.explain(error.into()))? {
        match item {
            Either::Left(done) => changed += changed_by(&done),
            Either::Right(row) => {
                meter.reset();
                if !std::mem::replace(&mut has_rows, true) {
                    out.send(Event::Columns(columns(row.columns()))).await?;
                }
                out.send(Event::Row((0..row.len()).map(|index| cell(&row, index)).collect::<Result<_, _>>()?)).await?;
            }
        }
    }
    Ok((changed, has_rows))
}

/// Columns with their names and the database's names of their types.
pub(super) fn columns<C: sqlx::Column>(columns: &[C]) -> Arc<[Column]> {
    columns
        .iter()
        .map(|column| Column { name: column.name().to_owned(), kind: column.type_info().name().to_lowercase() })
        .collect()
}
