//! The SQL that Belfry writes itself: rows into a table, in the words of each kind of database.

use super::statement::Placeholder;
use crate::domain::profile::datasource::Engine;

/// A table and what becomes of rows that are there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its name, maybe with its schema's before it: `schema.table`.
    pub table: String,
    /// The columns that tell rows apart; empty: rows are only added.
    pub key: Vec<String>,
}

/// How many parameters a statement may have.
fn most_parameters(engine: Engine) -> usize {
    match engine {
        Engine::Sqlite => 30_000,
        Engine::Postgres | Engine::MySql => 60_000,
        Engine::SqlServer => 2_000,
        Engine::Oracle | Engine::Odbc => 1_000,
    }
}

/// How many rows of so many columns go into one statement.
pub fn rows_at_once(engine: Engine, columns: usize) -> usize {
    match engine {
        // Neither has had lists of rows for long, or with every driver.
        Engine::Oracle | Engine::Odbc => 1,
        // A list of rows has a thousand at most.
        Engine::SqlServer => (most_parameters(engine) / columns.max(1)).clamp(1, 1000),
        _ => (most_parameters(engine) / columns.max(1)).max(1),
    }
}

/// A name in quotes.
///
/// # Errors
/// Where it holds something that no name has.
pub fn quoted(engine: Engine, name: &str) -> Result<String, String> {
    if name.is_empty() || name.chars().any(|c| c.is_control()) {
        return Err(format!("'{}' cannot be a name", crate::domain::input::cut(name, 40)));
    }
    Ok(match engine {
        Engine::MySql => format!("`{}`", name.replace('`', "``")),
        Engine::SqlServer => format!("[{}]", name.replace(']', "]]")),
        // Oracle's names are in capitals unless they are quoted.
        Engine::Oracle if name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '#')) => name.to_uppercase(),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    })
}

/// The statement that puts so many rows in; its values stand row after row.
///
/// # Errors
/// Where a name cannot be one, a key is no column, or the database cannot do it.
pub fn insert(engine: Engine, into: &Destination, columns: &[String], rows: usize) -> Result<String, String> {
    let table: Vec<String> = into.table.split('.').map(|part| quoted(engine, part)).collect::<Result<_, _>>()?;
    let table = table.join(".");
    let names: Vec<String> = columns.iter().map(|name| quoted(engine, name)).collect::<Result<_, _>>()?;
    if let Some(missing) = into.key.iter().find(|key| !columns.contains(key)) {
        return Err(format!("the query gives no column '{missing}', which key names; it gives {}", columns.join(", ")));
    }
    let is_key = |place: &usize| into.key.contains(&columns[*place]);
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
        Engine::Odbc => Err("over ODBC rows can only be inserted: there is no upsert that all databases know".to_owned()),
    }
}

fn pick(names: &[String], places: &[usize]) -> Vec<String> {
    places.iter().map(|place| names[*place].clone()).collect()
}

fn each(names: &[String], write: impl Fn(&String) -> String) -> String {
    names.iter().map(write).collect::<Vec<_>>().join(", ")
}

/// `($1, $2), ($3, $4)`
fn values(engine: Engine, columns: usize, rows: usize) -> String {
    let style = Placeholder::of(engine);
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
            let cells: Vec<String> = names.iter().enumerate().map(|(place, name)| format!(":{} as {name}", place + 1)).collect();
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

    fn of(engine: Engine, key: &[&str]) -> String {
        let key = key.iter().map(|name| (*name).to_owned()).collect();
        insert(engine, &Destination { table: "s.t".into(), key }, &["id".into(), "a b".into()], 2).unwrap()
    }

    #[test]
    fn each_kind_has_its_own_words() {
        assert_eq!(of(Engine::Sqlite, &[]), "insert into \"s\".\"t\" (\"id\", \"a b\") values (?1, ?2), (?3, ?4)");
        assert!(
            of(Engine::Postgres, &["id"])
                .ends_with("($1, $2), ($3, $4) on conflict (\"id\") do update set \"a b\" = excluded.\"a b\"")
        );
        assert!(of(Engine::Postgres, &["id", "a b"]).ends_with("do nothing"));
        assert!(of(Engine::MySql, &["id"]).ends_with("on duplicate key update `a b` = values(`a b`)"));
        assert_eq!(
            of(Engine::SqlServer, &["id"]),
            "merge into [s].[t] with (holdlock) old using (values (@P1, @P2), (@P3, @P4)) as new ([id], [a b]) on (old.[id] = new.[id]) \
                when matched then update set old.[a b] = new.[a b] when not matched then insert ([id], [a b]) values (new.[id], new.[a b]);"
        );
        let fault =
            insert(Engine::Sqlite, &Destination { table: "t".into(), key: vec!["k".into()] }, &["id".into()], 1).unwrap_err();
        assert_eq!(fault, "the query gives no column 'k', which key names; it gives id");
    }

    #[test]
    fn names_cannot_break_out_of_their_quotes() {
        assert_eq!(quoted(Engine::MySql, "a`b").unwrap(), "`a``b`");
        assert_eq!(quoted(Engine::SqlServer, "a]b").unwrap(), "[a]]b]");
        assert_eq!(quoted(Engine::Postgres, "a\"b").unwrap(), "\"a\"\"b\"");
        assert!(quoted(Engine::Sqlite, "a\0").is_err());
    }
}
