//! Words of shell commands, as far as naming a program needs them: quotes, substitutions and redirections.

/// Splits a command line at `;`, `&`, `|`, parentheses and line breaks outside quotes and substitutions.
pub(super) fn simple_commands(command: &str) -> Vec<String> {
    let mut commands = vec![String::new()];
    let mut scanner = Scanner::default();
    let mut before = ' ';
    for c in command.chars() {
        let is_redirection = c == '&' && matches!(before, '>' | '<') || (before == '&' && c == '>');
        if scanner.is_outside() && matches!(c, ';' | '&' | '|' | '(' | ')' | '\n') && !is_redirection && before != '$' {
            commands.push(String::new());
        } else if let Some(last) = commands.last_mut() {
            last.push(c);
        }
        scanner.step(c, before);
        before = if before == '\\' && c == '\\' { ' ' } else { c };
    }
    commands.retain(|command| !command.trim().is_empty());
    commands
}

/// Splits a simple command into words without quotes; redirections are left out.
pub(super) fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut any) = (Vec::new(), String::new(), false);
    let mut scanner = Scanner::default();
    let mut before = ' ';
    for c in command.chars() {
        let was_outside = scanner.is_outside();
        scanner.step(c, before);
        let is_quote = matches!(c, '\'' | '"') && before != '\\' && scanner.depth == 0 && (was_outside != scanner.is_outside());
        if was_outside && c.is_whitespace() && before != '\\' {
            if any {
                words.push(std::mem::take(&mut word));
            }
            any = false;
        } else {
            any = true;
            if !(is_quote || c == '\\' && was_outside) {
                word.push(c);
            }
        }
        before = if before == '\\' && c == '\\' { ' ' } else { c };
    }
    if any {
        words.push(word);
    }
    without_redirections(words)
}

/// What surrounds the current character.
#[derive(Default)]
struct Scanner {
    quote: Option<char>,
    /// Open `$(` and backquotes.
    depth: usize,
    in_backquotes: bool,
}

impl Scanner {
    fn is_outside(&self) -> bool {
        self.quote.is_none() && self.depth == 0 && !self.in_backquotes
    }

    fn step(&mut self, c: char, before: char) {
        match (self.quote, c) {
            _ if before == '\\' && self.quote != Some('\'') => {}
            (Some(quote), c) if c == quote && self.depth == 0 => self.quote = None,
            (None, '\'' | '"') if self.depth == 0 => self.quote = Some(c),
            (Some('\''), _) => {}
            (_, '(') if before == '$' || self.depth > 0 => self.depth += 1,
            (_, ')') => self.depth = self.depth.saturating_sub(1),
            (_, '`') => self.in_backquotes = !self.in_backquotes,
            _ => {}
        }
    }
}

/// Removes `>file`, `2>&1`, `< file` and the like.
fn without_redirections(words: Vec<String>) -> Vec<String> {
    let (mut kept, mut skip) = (Vec::new(), false);
    for word in words {
        if std::mem::take(&mut skip) {
            continue;
        }
        let operator = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&');
        if operator.starts_with(['<', '>']) {
            skip = operator.trim_start_matches(['<', '>', '|', '&']).is_empty();
        } else {
            kept.push(word);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_substitutions_are_kept_together() {
        assert_eq!(simple_commands("a 'x; y' && b \"$(c; d)\" | e &"), ["a 'x; y' ", " b \"$(c; d)\" ", " e "]);
        assert_eq!(words("a 'x; y' \"b c\"d\\ e >out 2>&1 > log f"), ["a", "x; y", "b cd e", "f"]);
        assert_eq!(words("$(which node) x"), ["$(which node)", "x"]);
        assert_eq!(words("a \"it's\" ''"), ["a", "it's", ""]);
        assert_eq!(simple_commands("cmd >&2 && other 2>&1"), ["cmd >&2 ", " other 2>&1"]);
    }
}
