//! An SQL text as the statements it holds, each with the places of its parameters.

use std::collections::BTreeMap;

use super::cell::Cell;
use super::error::SqlError;
use super::scan::{Scanner, Token};
use crate::domain::profile::datasource::Engine;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    parts: Vec<Part>,
    /// Its key words and names without quotes, in lower case.
    words: Vec<String>,
    /// The line of the text on which it begins, from 1.
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
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

/// Divides a text into its statements at the semicolons. SQL Server takes the whole text as one batch, because its variables
/// live as long as a batch; a block of Oracle's PL/SQL goes up to a line with a `/`.
pub fn split(text: &str, engine: Engine) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut current = Builder::new(engine);
    let mut scanner = Scanner::new(text, engine);
    let mut start = 0;
    while let Some(token) = scanner.next() {
        let end = scanner.at();
        let piece = &text[start..end];
        match token {
            Token::Semicolon if current.ends_here() => current.finish(&mut statements),
            Token::Other(_) if engine == Engine::Oracle && piece == "/" && is_alone(text, start) => {
                current.finish(&mut statements)
            }
            Token::Named(_) => current.named(&text[start + 1..end], line_of(text, start)),
            Token::Word(_) => current.word(piece, line_of(text, start)),
            Token::Blank(_) => current.blank(piece),
            Token::Semicolon | Token::Other(_) => current.other(piece, line_of(text, start)),
        }
        start = end;
    }
    current.finish(&mut statements);
    statements
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Whether the character at this place has its line for itself.
fn is_alone(text: &str, at: usize) -> bool {
    let before = text[..at].rsplit('\n').next().unwrap_or_default();
    let after = text[at + 1..].split('\n').next().unwrap_or_default();
    before.trim().is_empty() && after.trim().is_empty()
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

/// A statement while it is read.
struct Builder {
    engine: Engine,
    parts: Vec<Part>,
    words: Vec<String>,
    line: usize,
    /// Of `begin … end` and `case … end`, in the body of a trigger or routine.
    depth: i32,
    after_end: bool,
}

impl Builder {
    fn new(engine: Engine) -> Self {
        Self { engine, parts: Vec::new(), words: Vec::new(), line: 0, depth: 0, after_end: false }
    }

    fn blank(&mut self, piece: &str) {
        if !self.parts.is_empty() {
            self.push(piece);
        }
    }

    fn other(&mut self, piece: &str, line: usize) {
        self.begin(line);
        self.after_end = false;
        self.push(piece);
    }

    fn named(&mut self, name: &str, line: usize) {
        self.begin(line);
        self.after_end = false;
        self.parts.push(Part::Named(name.to_owned()));
    }

    fn word(&mut self, piece: &str, line: usize) {
        self.begin(line);
        let word = piece.to_lowercase();
        if self.is_routine() {
            self.count(&word);
        }
        self.words.push(word);
        self.push(piece);
    }

    /// Follows the nesting: `end if`, `end loop` and the like end what was not counted.
    fn count(&mut self, word: &str) {
        let after_end = std::mem::replace(&mut self.after_end, word == "end");
        match word {
            "end" => self.depth -= 1,
            "if" | "loop" | "while" | "repeat" | "for" if after_end => self.depth += 1,
            "case" if after_end => {}
            "begin" | "case" => self.depth += 1,
            _ => {}
        }
    }

    fn begin(&mut self, line: usize) {
        if self.parts.is_empty() {
            self.line = line;
        }
    }

    fn push(&mut self, piece: &str) {
        match self.parts.last_mut() {
            Some(Part::Sql(text)) => text.push_str(piece),
            _ => self.parts.push(Part::Sql(piece.to_owned())),
        }
    }

    /// A trigger, a routine or a block: what has semicolons within.
    fn is_routine(&self) -> bool {
        let head = &self.words[..self.words.len().min(12)];
        let is = |word: &str| head.iter().any(|known| known == word);
        match head.first().map(String::as_str) {
            Some("create" | "alter") => ["trigger", "procedure", "function", "event", "package", "type"].iter().any(|w| is(w)),
            Some("begin") => self.engine == Engine::Oracle || (self.engine == Engine::MySql && is("not")),
            Some("declare") => self.engine == Engine::Oracle,
            _ => false,
        }
    }

    fn ends_here(&self) -> bool {
        match self.engine {
            Engine::SqlServer => false,
            Engine::Oracle => !self.is_routine(),
            _ => self.depth <= 0,
        }
    }

    fn finish(&mut self, statements: &mut Vec<Statement>) {
        let done = std::mem::replace(self, Builder::new(self.engine));
        let Builder { mut parts, words, line, .. } = done;
        if let Some(Part::Sql(last)) = parts.last_mut() {
            last.truncate(last.trim_end().len());
        }
        if parts.iter().any(|part| !matches!(part, Part::Sql(text) if text.is_empty())) {
            statements.push(Statement { parts, words, line });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(engine: Engine, text: &str) -> Vec<String> {
        split(text, engine).iter().map(Statement::text).collect()
    }

    #[test]
    fn texts_are_divided_at_semicolons_that_count() {
        assert_eq!(texts(Engine::Postgres, " select 1;\n;-- a;b\n select ';', $$;$$ ;"), ["select 1", "select ';', $$;$$"]);
        assert_eq!(split("select 1;\n\n select 2", Engine::Sqlite)[1].line, 3);
        let trigger = "create trigger t after insert on a begin update b set n = case when 1 then 2 end; delete from c; end";
        assert_eq!(texts(Engine::Sqlite, &format!("{trigger}; select 1")), [trigger, "select 1"]);
        let routine = "create procedure p() begin if 1 then select 1; end if; while 0 do select 2; end while; end";
        assert_eq!(texts(Engine::MySql, &format!("{routine};call p()")), [routine, "call p()"]);
        assert_eq!(texts(Engine::SqlServer, "declare @x int = 1; select @x;"), ["declare @x int = 1; select @x;"]);
        let block = "begin x; y; end;";
        assert_eq!(
            texts(Engine::Oracle, &format!("select 1 from dual; {block}\n/\nselect 6/2 from dual")),
            ["select 1 from dual", block, "select 6/2 from dual"]
        );
        assert_eq!(texts(Engine::Postgres, " -- nothing\n ; "), [""; 0]);
    }

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
