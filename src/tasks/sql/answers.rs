//! What comes back over sqlx, handed on alike whichever of its databases answers.

use std::sync::Arc;

use futures_util::{Stream, TryStreamExt};
use sqlx::{Either, Row, TypeInfo};

use super::cell::Cell;
use super::error::SqlError;
use super::session::{Column, Event, Out};

/// Sends columns and rows on as they come. Answers how many rows were changed, and whether any row came.
pub(super) async fn hand_on<D, R: Row>(
    mut answers: impl Stream<Item = Result<Either<D, R>, sqlx::Error>> + Unpin,
    out: &Out,
    changed_by: fn(&D) -> u64,
    cell: fn(&R, usize) -> Result<Cell, SqlError>,
) -> Result<(u64, bool), SqlError> {
    let (mut changed, mut seen) = (0, false);
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(done) => changed += changed_by(&done),
            Either::Right(row) => {
                if !std::mem::replace(&mut seen, true) {
                    out.send(Event::Columns(columns(row.columns()))).await?;
                }
                out.send(Event::Row((0..row.len()).map(|place| cell(&row, place)).collect::<Result<_, _>>()?)).await?;
            }
        }
    }
    Ok((changed, seen))
}

/// Columns by their names and the database's own words for their types.
pub(super) fn columns<C: sqlx::Column>(columns: &[C]) -> Arc<[Column]> {
    columns
        .iter()
        .map(|column| Column { name: column.name().to_owned(), kind: column.type_info().name().to_lowercase() })
        .collect()
}
