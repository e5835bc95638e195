//! SQL scanner: splits a text into the tokens needed to find the ends of statements and the named parameters, skipping quoted
//! texts and comments.

use std::ops::Range;

use crate::domain::profile::datasource::Engine;

/// A token of an SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A key word or an unquoted name.
    Word(Range<usize>),
    /// `:name`; the range excludes the colon.
    Named(Range<usize>),
    Semicolon,
    /// A comment or white space.
    Blank(Range<usize>),
    /// Anything else: quoted texts and names, numbers, operators.
    Other(Range<usize>),
}

/// Iterator over the tokens of an SQL text.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
    engine: Engine,
}

impl<'t> Scanner<'t> {
    pub fn new(text: &'t str, engine: Engine) -> Self {
        Self { text, at: 0, engine }
    }

    /// The offset of the next token, in bytes.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Continues at this offset.
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    fn byte(&self, offset: usize) -> u8 {
        self.text.as_bytes().get(self.at + offset).copied().unwrap_or(0)
    }

    /// Skips `skip` bytes, then everything up to and including `end`, or to the end of the text.
    fn skip_past(&mut self, skip: usize, end: &str) {
        let from = (self.at + skip).min(self.text.len());
        self.at = self.text[from..].find(end).map_or(self.text.len(), |found| from + found + end.len());
    }

    /// Skips a quoted text. A doubled quote does not end it, nor a quote after a backslash if backslashes escape.
    fn skip_quoted(&mut self, close: u8, backslashes: bool) {
        self.at += 1;
        while self.at < self.text.len() {
            match self.byte(0) {
                b'\\' if backslashes => self.at += 2,
                byte if byte == close && self.byte(1) == close => self.at += 2,
                byte if byte == close => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.text.len();
    }

    fn skip_comment(&mut self) {
        let nests = matches!(self.engine, Engine::Postgres | Engine::SqlServer);
        let mut depth = 0;
        while self.at < self.text.len() {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') if depth == 0 || nests => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    fn skip_while(&mut self, matches: impl Fn(char) -> bool) {
        let rest = &self.text[self.at..];
        self.at += rest.find(|c| !matches(c)).unwrap_or(rest.len());
    }

    /// Skips PostgreSQL's `$tag$ … $tag$`; returns `false` if none begins here.
    fn skip_dollar_quoted(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let Some(end) = rest[1..].find('$') else { return false };
        let tag = &rest[..end + 2];
        let name = &tag[1..tag.len() - 1];
        if name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(|c| c == '_' || c.is_alphanumeric()) {
            return false;
        }
        let tag = tag.to_owned();
        self.skip_past(tag.len(), &tag);
        true
    }

    /// Reads a word, including a quoted text that it introduces (`E'…'` in PostgreSQL, `q'[…]'` in Oracle).
    fn word(&mut self) -> Token {
        let start = self.at;
        self.skip_while(is_word_char);
        if self.byte(0) == b'\'' {
            match (self.engine, self.text[start..self.at].to_ascii_lowercase().as_str()) {
                (Engine::Postgres, "e") => {
                    self.skip_quoted(b'\'', true);
                    return Token::Other(start..self.at);
                }
                (Engine::Oracle, "q" | "nq") => {
                    self.skip_oracle_quoted();
                    return Token::Other(start..self.at);
                }
                _ => {}
            }
        }
        Token::Word(start..self.at)
    }

    fn skip_oracle_quoted(&mut self) {
        let open = self.text[self.at + 1..].chars().next().unwrap_or('\'');
        let close = match open {
            '[' => ']',
            '(' => ')',
            '{' => '}',
            '<' => '>',
            other => other,
        };
        self.skip_past(1 + open.len_utf8(), &format!("{close}'"));
    }

    fn colon(&mut self) -> Token {
        let start = self.at;
        let next = self.text[start + 1..].chars().next().unwrap_or(' ');
        if next.is_alphabetic() || next == '_' {
            self.at += 1;
            self.skip_while(|c| c == '_' || c.is_alphanumeric());
            return Token::Named(start + 1..self.at);
        }
        self.at += if next == ':' || next == '=' { 2 } else { 1 };
        Token::Other(start..self.at)
    }

    /// Whether a line comment begins here.
    fn is_line_comment(&self) -> bool {
        let my_sql = self.engine == Engine::MySql;
        match (self.byte(0), self.byte(1)) {
            // In MySQL `5--3` is an expression; a comment needs white space after `--`.
            (b'-', b'-') => !my_sql || self.byte(2) <= b' ',
            (b'#', _) => my_sql,
            _ => false,
        }
    }
}

impl Iterator for Scanner<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let first = self.text[start..].chars().next()?;
        if first.is_whitespace() {
            self.skip_while(char::is_whitespace);
            return Some(Token::Blank(start..self.at));
        }
        if self.is_line_comment() {
            self.skip_past(0, "\n");
            return Some(Token::Blank(start..self.at));
        }
        if first == '/' && self.byte(1) == b'*' {
            self.skip_comment();
            return Some(Token::Blank(start..self.at));
        }
        if first == ';' {
            self.at += 1;
            return Some(Token::Semicolon);
        }
        if first == ':' {
            return Some(self.colon());
        }
        if is_word_char(first) && !first.is_ascii_digit() && first != '$' {
            return Some(self.word());
        }
        let my_sql = self.engine == Engine::MySql;
        match first {
            '\'' => self.skip_quoted(b'\'', my_sql),
            '"' => self.skip_quoted(b'"', my_sql),
            '`' if matches!(self.engine, Engine::MySql | Engine::Sqlite) => self.skip_quoted(b'`', false),
            '[' if matches!(self.engine, Engine::SqlServer | Engine::Sqlite) => self.skip_quoted(b']', false),
            '$' if self.engine == Engine::Postgres && self.skip_dollar_quoted() => {}
            digit if digit.is_ascii_digit() => self.skip_while(|c| c.is_ascii_alphanumeric() || c == '.'),
            other => self.at += other.len_utf8(),
        }
        Some(Token::Other(start..self.at))
    }
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the parameters in a text.
    fn names(engine: Engine, text: &str) -> Vec<&str> {
        let found = Scanner::new(text, engine);
        found.filter_map(|token| if let Token::Named(range) = token { Some(&text[range]) } else { None }).collect()
    }

    #[test]
    fn named_parameters_are_found_outside_quotes_and_comments() {
        let pg = |text| names(Engine::Postgres, text);
        assert_eq!(pg("select :a, x::int, ':b', \":c\", :日期 -- :d\n /* :e /* :f */ :g */ , :a"), ["a", "日期", "a"]);
        assert_eq!(pg("select $$ :a $$, $t$ :b $ $t$, E'\\':c', a[1:2], $1, :d"), ["d"]);
        assert_eq!(names(Engine::MySql, "select `:a`, 'it\\'s :b', 5--:c\n # :d\n, @x := :e -- :f"), ["c", "e"]);
        assert_eq!(names(Engine::Sqlite, "select [:a], '\\', :b"), ["b"]);
        assert_eq!(names(Engine::SqlServer, "select [x]]:a], :b /* /* :c */ :d */"), ["b"]);
        assert_eq!(names(Engine::Oracle, "select q'[it's :a]', nq'!:b!', :c from dual"), ["c"]);
    }

    #[test]
    fn unterminated_quotes_and_comments_end_with_the_text() {
        for text in ["'a", "\"a", "/* a", "$$ a", "`a", "[a", "E'\\", "q'[a", ":", "$", "--", "'\\"] {
            for engine in [Engine::Sqlite, Engine::Postgres, Engine::MySql, Engine::SqlServer, Engine::Oracle] {
                let mut scanner = Scanner::new(text, engine);
                while scanner.next().is_some() {}
                assert_eq!(scanner.at(), text.len(), "{engine} {text}");
            }
        }
    }
}
