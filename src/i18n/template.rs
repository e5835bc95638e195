//! Templates of messages: text with `{name}` and `{count:singular|plural}` placeholders.

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// The value of an argument.
    Arg(String),
    /// A word that depends on a number: the first if it is 1, else the second.
    Plural {
        arg: String,
        one: String,
        other: String,
    },
}

/// Parses a template. An opening brace without a closing one is text.
pub fn parse(template: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, name, after)) = next_placeholder(rest) {
        parts.push(Part::Text(before.to_owned()));
        parts.push(placeholder(name));
        rest = after;
    }
    parts.push(Part::Text(rest.to_owned()));
    parts.retain(|part| *part != Part::Text(String::new()));
    parts
}

/// Fills a template: `value` returns the text of an argument. A placeholder without a value stays as it is.
pub fn fill(parts: &[Part], value: impl Fn(&str) -> Option<String>) -> String {
    let word = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Arg(name) => value(name).unwrap_or_else(|| format!("{{{name}}}")),
        Part::Plural { arg, one, other } => {
            if value(arg).as_deref() == Some("1") {
                one.clone()
            } else {
                other.clone()
            }
        }
    };
    parts.iter().map(word).collect()
}

fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, inner) = text.split_once('{')?;
    let (name, after) = inner.split_once('}')?;
    Some((before, name, after))
}

fn placeholder(text: &str) -> Part {
    match text.split_once(':').and_then(|(arg, words)| Some((arg, words.split_once('|')?))) {
        Some((arg, (one, other))) => Part::Plural { arg: arg.to_owned(), one: one.to_owned(), other: other.to_owned() },
        None => Part::Arg(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_parsed() {
        let plural = Part::Plural { arg: "n".into(), one: "run".into(), other: "runs".into() };
        assert_eq!(parse("{n} {n:run|runs}"), [Part::Arg("n".into()), Part::Text(" ".into()), plural]);
        assert_eq!(parse("a {b"), [Part::Text("a {b".into())]);
        assert_eq!(parse(""), []);
    }

    #[test]
    fn placeholders_are_filled_once() {
        let values = |name: &str| match name {
            "n" => Some("1".to_owned()),
            "text" => Some("{n}".to_owned()),
            _ => None,
        };
        assert_eq!(fill(&parse("{text}: {n} {n:run|runs}, {m} {m:run|runs}"), values), "{n}: 1 run, {m} runs");
    }
}
