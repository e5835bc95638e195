//! Output of executions, stored in chunks as received.

use crate::domain::execution::OutputChunk;
use crate::ids::execution_key;
use crate::storage::column::stored;
use crate::storage::statement::{execute, fetch};
use crate::storage::{Result, Session, millis, rows};

/// A chunk of output with its execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutput {
    pub execution_id: String,
    pub chunk: OutputChunk,
}

/// Inserts output chunks.
pub async fn append_output(s: &mut dyn Session, output: &[NewOutput]) -> Result<()> {
    if output.is_empty() {
        return Ok(());
    }
    let row = |new: &NewOutput| {
        let chunk = &new.chunk;
        // PostgreSQL text and JSON cannot contain U+0000.
        let text = chunk.text.replace('\0', "\u{fffd}");
        (execution_key(&new.execution_id), chunk.attempt, chunk.seq, chunk.stream.as_str(), millis(chunk.at), text)
    };
    let list = rows(&output.iter().map(row).collect::<Vec<_>>())?;
    execute!(s, "save output", APPEND, list).map(drop)
}

/// Row: 0 execution, 1 attempt, 2 sequence number, 3 stream, 4 time, 5 text.
const APPEND: &str = "
    insert into outputs (execution_id, attempt, seq, stream, at, text)
    select cast(j.value->>0 as bigint), cast(j.value->>1 as bigint), cast(j.value->>2 as bigint), j.value->>3,
        cast(j.value->>4 as bigint), j.value->>5
    from {rows} where true
    on conflict do nothing";

/// Returns output in order: all of it, or the chunks after `after` (attempt, sequence number).
pub async fn output(s: &mut dyn Session, id: &str, after: Option<(i64, i64)>) -> Result<Vec<OutputChunk>> {
    let text = format!(
        "select {COLUMNS} from outputs
        where execution_id = $1 and (attempt > $2 or (attempt = $2 and seq > $3)) order by attempt, seq"
    );
    let (attempt, seq) = after.unwrap_or((0, -1));
    fetch!(all, s, "read output", &text, execution_key(id), attempt, seq)
}

stored! {
    COLUMNS: OutputChunk { attempt, seq, stream, at, text }
}
