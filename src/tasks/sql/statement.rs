//! An SQL text as the statements it holds, each with the places of its parameters.

use std::collections::BTreeMap;

use super::cell::Cell;
use super::error::SqlError;
use crate::domain::profile::datasource::Engine;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub(super) parts: Vec<Part>,
    /// Its key words and names without quotes, in lower case.
    pub(super) words: Vec<String>,
    /// The line of the text on which it begins, from 1.
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Sql(String),
    Named(String),
}

/// What is given for the parameters of a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    None,
    /// For the database's own placeholders, in their order.
    List(Vec<Cell>),
    /// For `:name`.
    Named(BTreeMap<String, Cell>),
}

/// How a database writes placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// `$1`
    Dollar,
    /// `?`, once for each use.
    Question,
    /// `?1`
    Numbered,
    /// `@P1`
    AtP,
    /// `:1`
    Colon,
}

impl Statement {
    /// The first word, in lower case: `select`, `insert`, …
    pub fn verb(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Whether a word stands in it outside of quotes and comments.
    pub fn has_word(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }

    /// Whether it may change rows, and so has a number of rows affected.
    pub fn changes_rows(&self) -> bool {
        let changes = ["insert", "update", "delete", "merge", "replace"];
        match self.verb() {
            "with" => changes[..4].iter().any(|word| self.has_word(word)),
            "explain" => false,
            verb => changes.contains(&verb),
        }
    }

    /// Whether it answers with rows, even if there are none.
    pub fn answers_rows(&self) -> bool {
        let asks = ["select", "values", "table", "show", "describe", "desc", "explain", "pragma"];
        asks.contains(&self.verb()) || self.has_word("returning") || (self.verb() == "with" && !self.changes_rows())
    }

    /// Whether it begins or ends a transaction; `rollback to` a savepoint does neither.
    pub fn controls_transaction(&self) -> bool {
        let second = self.words.get(1).map_or("", String::as_str);
        match self.verb() {
            "commit" | "abort" => true,
            "rollback" => !self.has_word("to"),
            "begin" => second != "not" && !self.has_word("declare") && !self.has_word("end"),
            "end" => true,
            "start" => second == "transaction",
            "prepare" => second == "transaction",
            _ => false,
        }
    }

    /// The names of its parameters, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for part in &self.parts {
            if let Part::Named(name) = part
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        names
    }

    /// The text as it was written.
    pub fn text(&self) -> String {
        self.render(|name| format!(":{name}"))
    }

    /// The text with something else in the place of each parameter.
    pub fn render(&self, mut placeholder: impl FnMut(&str) -> String) -> String {
        let piece = |part: &Part| match part {
            Part::Sql(text) => text.clone(),
            Part::Named(name) => placeholder(name),
        };
        self.parts.iter().map(piece).collect()
    }

    /// The text with the database's own placeholders, and the values in their order.
    ///
    /// # Errors
    /// Where a parameter has no value.
    pub fn bind(&self, values: &Values, style: Placeholder) -> Result<(String, Vec<Cell>), SqlError> {
        let given = match values {
            Values::None => return Ok((self.text(), Vec::new())),
            Values::List(list) => return Ok((self.text(), list.clone())),
            Values::Named(given) => given,
        };
        if let Some(missing) = self.names().into_iter().find(|name| !given.contains_key(*name)) {
            return Err(SqlError::fail(format!("the SQL names :{missing}, for which params has no value")));
        }
        let (mut cells, mut places) = (Vec::new(), BTreeMap::new());
        let text = self.render(|name| {
            let place = match places.get(name) {
                Some(place) if style != Placeholder::Question => *place,
                _ => {
                    cells.push(given[name].clone());
                    cells.len()
                }
            };
            places.insert(name.to_owned(), place);
            style.write(place)
        });
        Ok((text, cells))
    }
}

impl Placeholder {
    /// That of a kind of database.
    pub fn of(engine: Engine) -> Placeholder {
        match engine {
            Engine::Sqlite => Placeholder::Numbered,
            Engine::Postgres => Placeholder::Dollar,
            Engine::MySql | Engine::Odbc => Placeholder::Question,
            Engine::SqlServer => Placeholder::AtP,
            Engine::Oracle => Placeholder::Colon,
        }
    }

    /// The placeholder of the value at this place, from 1.
    pub fn write(self, place: usize) -> String {
        match self {
            Placeholder::Dollar => format!("${place}"),
            Placeholder::Question => "?".to_owned(),
            Placeholder::Numbered => format!("?{place}"),
            Placeholder::AtP => format!("@P{place}"),
            Placeholder::Colon => format!(":{place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::split;
    use super::*;

    #[test]
    fn names_become_what_the_database_writes() {
        let statement = split("select :a, :b, :a", Engine::Postgres).remove(0);
        let given = Values::Named(BTreeMap::from([("a".to_owned(), Cell::Integer(1)), ("b".to_owned(), Cell::Null)]));
        let bound = |style| statement.bind(&given, style).unwrap();
        assert_eq!(bound(Placeholder::Dollar), ("select $1, $2, $1".into(), vec![Cell::Integer(1), Cell::Null]));
        assert_eq!(bound(Placeholder::Question), ("select ?, ?, ?".into(), vec![Cell::Integer(1), Cell::Null, Cell::Integer(1)]));
        assert_eq!(bound(Placeholder::AtP).0, "select @P1, @P2, @P1");
        let none = statement.bind(&Values::Named(BTreeMap::new()), Placeholder::Dollar).unwrap_err();
        assert_eq!(none.message, "the SQL names :a, for which params has no value");
    }

    #[test]
    fn statements_are_known_by_what_they_do() {
        let of = |text: &str| split(text, Engine::Postgres).remove(0);
        assert!(
            of("INSERT into a values (1)").changes_rows() && of("with x as (delete from a returning *) select 1").changes_rows()
        );
        assert!(!of("select 'insert'").changes_rows() && of("with x as (select 1) select * from x").answers_rows());
        assert!(
            of("commit").controls_transaction()
                && of("begin").controls_transaction()
                && of("start transaction").controls_transaction()
        );
        assert!(!of("rollback to savepoint a").controls_transaction() && of("rollback").controls_transaction());
    }
}
