//! Splitting of an SQL text into statements.

use std::ops::Range;

use super::scan::{Scanner, Token};
use super::statement::{Part, Statement};
use crate::domain::profile::datasource::Engine;

/// Splits a text into statements at semicolons. For SQL Server the text is one batch up to a line with `GO`, because variables are
/// local to a batch; a PL/SQL block of Oracle ends at a line with a `/`. For MySQL `DELIMITER //` sets another separator until the
/// next such line.
pub fn split(text: &str, engine: Engine) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut current = Builder::new(engine);
    let mut scanner = Scanner::new(text, engine);
    let mut start = 0;
    let mut delimiter: Option<&str> = None;
    loop {
        while let Some(delimiter) = delimiter.filter(|delimiter| text[start..].starts_with(delimiter)) {
            current.finish(&mut statements);
            start += delimiter.len();
            scanner.go_to(start);
        }
        let Some(token) = scanner.next() else { break };
        if let Some(at) = delimiter.and_then(|delimiter| delimiter_within(text, start..scanner.at(), delimiter)) {
            scanner.go_to(at);
        }
        let end = scanner.at();
        let piece = &text[start..end];
        match token {
            Token::Word(_) if current.parts.is_empty() && sets_delimiter(engine, piece) => {
                let line = text[end..].lines().next().unwrap_or_default();
                delimiter = line.split_whitespace().next().filter(|given| *given != ";");
                scanner.go_to(end + line.len());
                start = scanner.at();
                continue;
            }
            Token::Semicolon if delimiter.is_some() => current.other(piece, line_of(text, start)),
            Token::Semicolon if current.ends_here() => current.finish(&mut statements),
            Token::Other(_) | Token::Word(_) if ends_batch(engine, piece) && is_alone(text, start..end) => {
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

/// Whether a word is the command `DELIMITER` of MySQL's clients.
fn sets_delimiter(engine: Engine, word: &str) -> bool {
    engine == Engine::MySql && word.eq_ignore_ascii_case("delimiter")
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The offset of a delimiter that begins within a word or a number: `end$$`.
fn delimiter_within(text: &str, token: Range<usize>, delimiter: &str) -> Option<usize> {
    let is_word = text[token.clone()].starts_with(|c: char| c == '_' || c.is_alphanumeric());
    token.filter(|at| is_word && text.is_char_boundary(*at)).find(|at| text[*at..].starts_with(delimiter))
}

/// Whether a token ends a batch if it is alone on its line: `/` in Oracle's clients, `GO` in SQL Server's.
fn ends_batch(engine: Engine, token: &str) -> bool {
    match engine {
        Engine::Oracle => token == "/",
        Engine::SqlServer => token.eq_ignore_ascii_case("go"),
        _ => false,
    }
}

/// Whether a token is alone on its line.
fn is_alone(text: &str, token: Range<usize>) -> bool {
    let before = text[..token.start].rsplit('\n').next().unwrap_or_default();
    let after = text[token.end..].split('\n').next().unwrap_or_default();
    before.trim().is_empty() && after.trim().is_empty()
}

/// A statement being read.
struct Builder {
    engine: Engine,
    parts: Vec<Part>,
    words: Vec<String>,
    line: usize,
    /// Nesting depth of `begin … end` and `case … end` in the body of a trigger or routine.
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

    /// Updates the nesting depth. `end if`, `end loop` and the like end blocks that were not counted.
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

    /// Whether the statement is a trigger, a routine or a block, which contains semicolons.
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
    fn split_ignores_semicolons_in_quotes_comments_and_bodies() {
        assert_eq!(texts(Engine::Postgres, " select 1;\n;-- a;b\n select ';', $$;$$ ;"), ["select 1", "select ';', $$;$$"]);
        assert_eq!(split("select 1;\n\n select 2", Engine::Sqlite)[1].line, 3);
        let trigger = "create trigger t after insert on a begin update b set n = case when 1 then 2 end; delete from c; end";
        assert_eq!(texts(Engine::Sqlite, &format!("{trigger}; select 1")), [trigger, "select 1"]);
        let routine = "create procedure p() begin if 1 then select 1; end if; while 0 do select 2; end while; end";
        assert_eq!(texts(Engine::MySql, &format!("{routine};call p()")), [routine, "call p()"]);
        assert_eq!(texts(Engine::SqlServer, "declare @x int = 1; select @x;"), ["declare @x int = 1; select @x;"]);
        assert_eq!(
            texts(Engine::SqlServer, "create view v as select 1 as go\nGO\r\nselect go from v\n go "),
            ["create view v as select 1 as go", "select go from v"]
        );
        let block = "begin x; y; end;";
        assert_eq!(
            texts(Engine::Oracle, &format!("select 1 from dual; {block}\n/\nselect 6/2 from dual")),
            ["select 1 from dual", block, "select 6/2 from dual"]
        );
        assert_eq!(texts(Engine::Postgres, " -- nothing\n ; "), [""; 0]);
    }

    #[test]
    fn delimiter_command_of_mysql_sets_the_separator() {
        let body = "create procedure p()\nbegin\n  select 'a//b$$', 6/2; -- $$ //\n  select 2;\nend";
        for delimiter in ["//", "$$", ";;", "|", "$", "END_OF_IT"] {
            let text = format!(
                "select 0;\nDELIMITER {delimiter}\r\n{body} {delimiter}\nselect 1{delimiter}\n\ndelimiter ;\nselect 2; select 3"
            );
            let found = split(&text, Engine::MySql);
            let texts: Vec<String> = found.iter().map(Statement::text).collect();
            assert_eq!(texts, ["select 0", body, "select 1", "select 2", "select 3"], "{delimiter}");
            assert_eq!((found[1].line, found[4].line), (3, 11), "{delimiter}");
        }
        assert_eq!(texts(Engine::MySql, "delimiter $$\nbegin not atomic select 1; end$$"), ["begin not atomic select 1; end"]);
        assert_eq!(texts(Engine::MySql, "delimiter //\nselect 1////select 2//"), ["select 1", "select 2"]);
        assert_eq!(texts(Engine::MySql, "delimiter //"), [""; 0]);
        assert_eq!(texts(Engine::MySql, "select delimiter from t; select 1"), ["select delimiter from t", "select 1"]);
    }
}
