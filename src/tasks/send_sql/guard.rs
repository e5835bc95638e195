//! What a text may not hold: changes where the database is only read, the end of a transaction that Belfry ends itself,
//! values for parameters that are not there.

use crate::domain::profile::datasource::Engine;
use crate::tasks::sql::source::Source;
use crate::tasks::sql::statement::{Statement, Values};

/// The statements that may begin a text on a database that is only read.
const READING: [&str; 9] = ["select", "with", "values", "table", "show", "describe", "desc", "explain", "pragma"];
/// Words that change something, wherever they stand.
const CHANGING: [&str; 10] = ["insert", "update", "delete", "merge", "into", "exec", "execute", "truncate", "drop", "create"];

/// Whether the statements may be run.
///
/// # Errors
/// Why not, for people.
pub fn check(statements: &[Statement], values: &Values, source: &Source, transaction: bool) -> Result<(), String> {
    if statements.is_empty() {
        return Err("sql: holds no statement".to_owned());
    }
    if let Values::List(_) = values
        && statements.len() > 1
    {
        return Err("params: a list goes with one statement; name the parameters (:name) to use them in several".to_owned());
    }
    check_names(statements, values, source)?;
    for statement in statements {
        if source.read_only() {
            check_reading(statement, source)?;
        }
        if (transaction || source.read_only()) && statement.controls_transaction() && !has_own_batch(source) {
            return Err(format!(
                "sql: '{}' ends or begins the transaction in which Belfry runs all statements; give transaction: false to do it yourself",
                statement.verb()
            ));
        }
    }
    Ok(())
}

/// Within one batch of SQL Server or a block of Oracle these words are the business of whoever wrote it.
fn has_own_batch(source: &Source) -> bool {
    matches!(source.engine(), Engine::SqlServer) && !source.read_only()
}

fn check_names(statements: &[Statement], values: &Values, source: &Source) -> Result<(), String> {
    let named = || statements.iter().flat_map(Statement::names);
    match values {
        Values::Named(given) => {
            if let Some(missing) = named().find(|name| !given.contains_key(*name)) {
                return Err(format!("params: the SQL names :{missing}, for which there is no value"));
            }
            match given.keys().find(|name| !named().any(|known| known == name.as_str())) {
                Some(unused) => Err(format!("params: the SQL does not name :{unused}")),
                None => Ok(()),
            }
        }
        // SQLite would take NULL for them, in silence.
        Values::None if source.engine() == Engine::Sqlite => match named().next() {
            Some(missing) => Err(format!("params: the SQL names :{missing}, for which there is no value")),
            None => Ok(()),
        },
        Values::None | Values::List(_) => Ok(()),
    }
}

fn check_reading(statement: &Statement, source: &Source) -> Result<(), String> {
    let refusal = |word: &str| Err(format!("sql: the datasource {} is read only; '{word}' may change something", source.name));
    if !READING.contains(&statement.verb()) {
        return refusal(statement.verb());
    }
    match CHANGING.iter().find(|word| statement.has_word(word)) {
        Some(word) => refusal(word),
        None => Ok(()),
    }
}
