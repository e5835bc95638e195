//! SQL statement with named parameters.

use std::collections::BTreeMap;

use super::cell::Cell;
use super::error::SqlError;
use crate::domain::profile::datasource::Engine;
use crate::i18n::message;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub(super) parts: Vec<Part>,
    /// Key words and unquoted names, in lower case.
    pub(super) words: Vec<String>,
    /// The line on which the statement begins, from 1.
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Sql(String),
    Named(String),
}

/// Values for the parameters of a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    None,
    /// For the database's own placeholders, in order.
    List(Vec<Cell>),
    /// For `:name`.
    Named(BTreeMap<String, Cell>),
}

/// The placeholder style of a database.
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

    /// Whether the statement contains a word outside quotes and comments.
    pub fn has_word(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }

    /// Whether the statement may change rows and so has a number of affected rows.
    pub fn changes_rows(&self) -> bool {
        let changes = ["insert", "update", "delete", "merge", "replace"];
        match self.verb() {
            "with" => changes[..4].iter().any(|word| self.has_word(word)),
            "explain" => false,
            verb => changes.contains(&verb),
        }
    }

    /// Whether the statement returns a result set, possibly empty.
    pub fn returns_rows(&self) -> bool {
        let verbs = ["select", "values", "table", "show", "describe", "desc", "explain", "pragma"];
        verbs.contains(&self.verb()) || self.has_word("returning") || (self.verb() == "with" && !self.changes_rows())
    }

    /// Whether the statement begins or ends a transaction; `rollback to` a savepoint does neither.
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

    /// The distinct names of the parameters.
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

    /// The original text.
    pub fn text(&self) -> String {
        self.render(|name| format!(":{name}"))
    }

    /// The text with each parameter replaced.
    pub fn render(&self, mut placeholder: impl FnMut(&str) -> String) -> String {
        let piece = |part: &Part| match part {
            Part::Sql(text) => text.clone(),
            Part::Named(name) => placeholder(name),
        };
        self.parts.iter().map(piece).collect()
    }

    /// The text with the database's own placeholders, and the values in order. Fails if a parameter has no value.
    pub fn bind(&self, values: &Values, style: Placeholder) -> Result<(String, Vec<Cell>), SqlError> {
        let given = match values {
            Values::None => return Ok((self.text(), Vec::new())),
            Values::List(list) => return Ok((self.text(), list.clone())),
            Values::Named(given) => given,
        };
        if let Some(missing) = self.names().into_iter().find(|name| !given.contains_key(*name)) {
            return Err(SqlError::fail(message!("sql.no_value", name = missing)));
        }
        let (mut cells, mut indexes) = (Vec::new(), BTreeMap::new());
        let text = self.render(|name| {
            let index = match indexes.get(name) {
                Some(index) if style != Placeholder::Question => *index,
                _ => {
                    cells.push(given[name].clone());
                    cells.len()
                }
            };
            indexes.insert(name.to_owned(), index);
            style.write(index)
        });
        Ok((text, cells))
    }
}

impl Placeholder {
    /// The placeholder style of an engine.
    pub fn for_engine(engine: Engine) -> Placeholder {
        match engine {
            Engine::Sqlite => Placeholder::Numbered,
            Engine::Postgres => Placeholder::Dollar,
            Engine::MySql | Engine::Odbc => Placeholder::Question,
            Engine::SqlServer => Placeholder::AtP,
            Engine::Oracle => Placeholder::Colon,
        }
    }

    /// The placeholder of the value at this position, from 1.
    pub fn write(self, index: usize) -> String {
        match self {
            Placeholder::Dollar => format!("${index}"),
            Placeholder::Question => "?".to_owned(),
            Placeholder::Numbered => format!("?{index}"),
            Placeholder::AtP => format!("@P{index}"),
            Placeholder::Colon => format!(":{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::split;
    use super::*;

    #[test]
    fn bind_renders_the_placeholders_of_the_database() {
        let statement = split("select :a, :b, :a", Engine::Postgres).remove(0);
        let given = Values::Named(BTreeMap::from([("a".to_owned(), Cell::Integer(1)), ("b".to_owned(), Cell::Null)]));
        let bound = |style| statement.bind(&given, style).unwrap();
        assert_eq!(bound(Placeholder::Dollar), ("select $1, $2, $1".into(), vec![Cell::Integer(1), Cell::Null]));
        assert_eq!(bound(Placeholder::Question), ("select ?, ?, ?".into(), vec![Cell::Integer(1), Cell::Null, Cell::Integer(1)]));
        assert_eq!(bound(Placeholder::AtP).0, "select @P1, @P2, @P1");
        let none = statement.bind(&Values::Named(BTreeMap::new()), Placeholder::Dollar).unwrap_err();
        assert_eq!(none.message.to_string(), "params: no value for the parameter :a");
    }

    #[test]
    fn statements_are_classified() {
        let parse = |text: &str| split(text, Engine::Postgres).remove(0);
        assert!(
            parse("INSERT into a values (1)").changes_rows()
                && parse("with x as (delete from a returning *) select 1").changes_rows()
        );
        assert!(!parse("select 'insert'").changes_rows() && parse("with x as (select 1) select * from x").returns_rows());
        assert!(
            parse("commit").controls_transaction()
                && parse("begin").controls_transaction()
                && parse("start transaction").controls_transaction()
        );
        assert!(!parse("rollback to savepoint a").controls_transaction() && parse("rollback").controls_transaction());
    }
}
