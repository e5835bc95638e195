//! Checks of SQL before it is run: no changes on read-only datasources, no transaction control inside Belfry's own transaction,
//! and a value for each named parameter.

use crate::domain::profile::datasource::Engine;
use crate::i18n::{Message, message};
use crate::tasks::sql::source::Source;
use crate::tasks::sql::statement::{Statement, Values};

/// The statements allowed on a read-only datasource.
const READ_VERBS: [&str; 9] = ["select", "with", "values", "table", "show", "describe", "desc", "explain", "pragma"];
/// Key words of changes, rejected anywhere in a statement on a read-only datasource.
const WRITE_WORDS: [&str; 10] = ["insert", "update", "delete", "merge", "into", "exec", "execute", "truncate", "drop", "create"];

/// Checks that the statements may be run.
pub fn check(statements: &[Statement], values: &Values, source: &Source, transaction: bool) -> Result<(), Message> {
    if statements.is_empty() {
        return Err(message!("sql.no_statement"));
    }
    if let Values::List(_) = values
        && statements.len() > 1
    {
        return Err(message!("sql.list_for_several"));
    }
    check_names(statements, values, source)?;
    for statement in statements {
        if statement.verb() == "delimiter" {
            return Err(message!("sql.delimiter"));
        }
        if source.read_only() {
            check_read_only(statement, source)?;
        }
        if (transaction || source.read_only()) && statement.controls_transaction() && !sends_one_batch(source) {
            return Err(message!("sql.transaction_control", verb = statement.verb()));
        }
    }
    Ok(())
}

/// Whether the text is sent as one batch, which may control transactions by itself (SQL Server).
fn sends_one_batch(source: &Source) -> bool {
    matches!(source.engine(), Engine::SqlServer) && !source.read_only()
}

fn check_names(statements: &[Statement], values: &Values, source: &Source) -> Result<(), Message> {
    let named = || statements.iter().flat_map(Statement::names);
    match values {
        Values::Named(given) => {
            if let Some(missing) = named().find(|name| !given.contains_key(*name)) {
                return Err(message!("sql.no_value", name = missing));
            }
            match given.keys().find(|name| !named().any(|known| known == name.as_str())) {
                Some(unused) => Err(message!("sql.unused_value", name = unused)),
                None => Ok(()),
            }
        }
        // SQLite would silently use NULL.
        Values::None if source.engine() == Engine::Sqlite => match named().next() {
            Some(missing) => Err(message!("sql.no_value", name = missing)),
            None => Ok(()),
        },
        Values::None | Values::List(_) => Ok(()),
    }
}

fn check_read_only(statement: &Statement, source: &Source) -> Result<(), Message> {
    let rejection = |word: &str| Err(message!("sql.read_only_word", name = source.name.as_str(), word));
    if !READ_VERBS.contains(&statement.verb()) {
        return rejection(statement.verb());
    }
    match WRITE_WORDS.iter().find(|word| statement.has_word(word)) {
        Some(word) => rejection(word),
        None => Ok(()),
    }
}
