//! SQL dialects: the insert and upsert statements that Belfry generates for each database.

use super::statement::Placeholder;
use crate::domain::profile::datasource::Engine;
use crate::i18n::{Message, message};

/// A target table and its key for upserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The table name, optionally with its schema: `schema.table`.
    pub table: String,
    /// The columns of a unique index; empty: rows are only inserted.
    pub key: Vec<String>,
}

/// The maximum number of parameters of a statement.
fn max_parameters(engine: Engine) -> usize {
    match engine {
        Engine::Sqlite => 30_000,
        Engine::Postgres | Engine::MySql => 60_000,
        Engine::SqlServer => 2_000,
        Engine::Oracle | Engine::Odbc => 1_000,
    }
}

/// The maximum number of rows per statement, given the number of columns.
pub fn max_rows_per_statement(engine: Engine, columns: usize) -> usize {
    match engine {
        // Older versions and some drivers do not support several rows per insert.
        Engine::Oracle | Engine::Odbc => 1,
        // SQL Server allows 1000 rows in `values`.
        Engine::SqlServer => (max_parameters(engine) / columns.max(1)).clamp(1, 1000),
        _ => (max_parameters(engine) / columns.max(1)).max(1),
    }
}

/// A quoted identifier. The error says that it contains a character that no identifier may contain.
pub fn quoted(engine: Engine, name: &str) -> Result<String, Message> {
    if name.is_empty() || name.chars().any(|c| c.is_control()) {
        return Err(message!("sql.invalid_name", name = crate::domain::input::truncate(name, 40)));
    }
    Ok(match engine {
        Engine::MySql => format!("`{}`", name.replace('`', "``")),
        Engine::SqlServer => format!("[{}]", name.replace(']', "]]")),
        // Oracle stores unquoted names in upper case.
        Engine::Oracle if name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '#')) => name.to_uppercase(),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    })
}

/// The statement that inserts or upserts this number of rows; parameters are numbered row by row.
///
/// # Errors
/// If a name is invalid, a key is not among the columns, or the database does not support upserts (ODBC).
pub fn insert(engine: Engine, destination: &Destination, columns: &[String], rows: usize) -> Result<String, Message> {
    let table: Vec<String> = destination.table.split('.').map(|part| quoted(engine, part)).collect::<Result<_, _>>()?;
    let table = table.join(".");
    let names: Vec<String> = columns.iter().map(|name| quoted(engine, name)).collect::<Result<_, _>>()?;
    if let Some(missing) = destination.key.iter().find(|key| !columns.contains(key)) {
        return Err(message!("sql.key_not_in_query", column = missing, columns = columns.join(", ")));
    }
    let is_key = |index: &usize| destination.key.contains(&columns[*index]);
    let (keys, others): (Vec<usize>, Vec<usize>) = (0..columns.len()).partition(is_key);
    let (keys, others) = (pick(&names, &keys), pick(&names, &others));
    let list = names.join(", ");
    let plain = || format!("insert into {table} ({list}) values {}", values(engine, columns.len(), rows));
    if keys.is_empty() {
        return Ok(plain());
    }
    match engine {
        Engine::Postgres | Engine::Sqlite => {
            let set = each(&others, |name| format!("{name} = excluded.{name}"));
            let then = if set.is_empty() { "nothing".to_owned() } else { format!("update set {set}") };
            Ok(format!("{} on conflict ({}) do {then}", plain(), keys.join(", ")))
        }
        Engine::MySql => {
            let changed = if others.is_empty() { &keys } else { &others };
            Ok(format!("{} on duplicate key update {}", plain(), each(changed, |name| format!("{name} = values({name})"))))
        }
        Engine::SqlServer | Engine::Oracle => Ok(merge(engine, &table, &names, &keys, &others, rows)),
        Engine::Odbc => Err(message!("sql.no_upsert")),
    }
}

fn pick(names: &[String], indexes: &[usize]) -> Vec<String> {
    indexes.iter().map(|index| names[*index].clone()).collect()
}

fn each(names: &[String], write: impl Fn(&String) -> String) -> String {
    names.iter().map(write).collect::<Vec<_>>().join(", ")
}

/// `($1, $2), ($3, $4)`
fn values(engine: Engine, columns: usize, rows: usize) -> String {
    let style = Placeholder::for_engine(engine);
    let row = |row: usize| {
        let names: Vec<String> = (1..=columns).map(|column| style.write(row * columns + column)).collect();
        format!("({})", names.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

fn merge(engine: Engine, table: &str, names: &[String], keys: &[String], others: &[String], rows: usize) -> String {
    let list = names.join(", ");
    let new = match engine {
        Engine::Oracle => {
            let cells: Vec<String> = names.iter().enumerate().map(|(index, name)| format!(":{} as {name}", index + 1)).collect();
            format!("(select {} from dual) new", cells.join(", "))
        }
        _ => format!("(values {}) as new ({list})", values(engine, names.len(), rows)),
    };
    let hold = if engine == Engine::SqlServer { " with (holdlock)" } else { "" };
    let on = keys.iter().map(|key| format!("old.{key} = new.{key}")).collect::<Vec<_>>().join(" and ");
    let update = match others.is_empty() {
        true => String::new(),
        false => format!(" when matched then update set {}", each(others, |name| format!("old.{name} = new.{name}"))),
    };
    let insert = format!(" when not matched then insert ({list}) values ({})", each(names, |name| format!("new.{name}")));
    let end = if engine == Engine::SqlServer { ";" } else { "" };
    format!("merge into {table}{hold} old using {new} on ({on}){update}{insert}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upsert_sql(engine: Engine, key: &[&str]) -> String {
        let key = key.iter().map(|name| (*name).to_owned()).collect();
        insert(engine, &Destination { table: "s.t".into(), key }, &["id".into(), "a b".into()], 2).unwrap()
    }

    #[test]
    fn insert_uses_the_dialect_of_each_database() {
        assert_eq!(upsert_sql(Engine::Sqlite, &[]), "insert into \"s\".\"t\" (\"id\", \"a b\") values (?1, ?2), (?3, ?4)");
        assert!(
            upsert_sql(Engine::Postgres, &["id"])
                .ends_with("($1, $2), ($3, $4) on conflict (\"id\") do update set \"a b\" = excluded.\"a b\"")
        );
        assert!(upsert_sql(Engine::Postgres, &["id", "a b"]).ends_with("do nothing"));
        assert!(upsert_sql(Engine::MySql, &["id"]).ends_with("on duplicate key update `a b` = values(`a b`)"));
        assert_eq!(
            upsert_sql(Engine::SqlServer, &["id"]),
            "merge into [s].[t] with (holdlock) old using (values (@P1, @P2), (@P3, @P4)) as new ([id], [a b]) on (old.[id] = new.[id]) \
                when matched then update set old.[a b] = new.[a b] when not matched then insert ([id], [a b]) values (new.[id], new.[a b]);"
        );
        let fault =
            insert(Engine::Sqlite, &Destination { table: "t".into(), key: vec!["k".into()] }, &["id".into()], 1).unwrap_err();
        assert_eq!(fault.to_string(), "key: the query returns no column 'k'; it returns id");
    }

    #[test]
    fn quoted_escapes_closing_quotes() {
        assert_eq!(quoted(Engine::MySql, "a`b").unwrap(), "`a``b`");
        assert_eq!(quoted(Engine::SqlServer, "a]b").unwrap(), "[a]]b]");
        assert_eq!(quoted(Engine::Postgres, "a\"b").unwrap(), "\"a\"\"b\"");
        assert!(quoted(Engine::Sqlite, "a\0").is_err());
    }
}
