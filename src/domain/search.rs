//! The search syntax of lists: `type:send_email status:failed tag:report enabled:no "daily report"`. A qualifier sets the
//! filter of that name; unknown qualifiers and invalid values are searched as text.

use super::execution::{Cause, Status};
use super::page::{ExecutionFilter, TaskFilter};

/// One term of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// `name:value` or `name:"a value"`.
    Qualifier(String, String),
    Text(String),
}

impl TaskFilter {
    /// Applies the qualifiers of the search text to the filter: `type:`, `status:`, `tag:`, `enabled:` (yes, no) and `is:`
    /// (enabled, paused).
    #[must_use]
    pub fn resolved(&self) -> TaskFilter {
        let mut filter = self.clone();
        filter.search = resolve(self.search.as_deref(), |name, value| {
            match name {
                "type" => filter.task_type = Some(value.to_owned()),
                "tag" => filter.tag = Some(value.to_owned()),
                "status" => filter.status = Some(Status::parse(value)?),
                "enabled" => filter.enabled = Some(yes_or_no(value)?),
                "is" => filter.enabled = Some(state(value)?),
                _ => return None,
            }
            Some(())
        });
        filter
    }
}

impl ExecutionFilter {
    /// Applies the qualifiers of the search text to the filter: `task:`, `type:`, `status:` (several, comma-separated or
    /// repeated) and `cause:`.
    #[must_use]
    pub fn resolved(&self) -> ExecutionFilter {
        let mut filter = self.clone();
        filter.search = resolve(self.search.as_deref(), |name, value| {
            match name {
                "task" => filter.task_id = Some(value.to_owned()),
                "type" => filter.task_type = Some(value.to_owned()),
                "status" => filter.statuses.extend(value.split(',').map(Status::parse).collect::<Option<Vec<_>>>()?),
                "cause" => filter.cause = Some(Cause::parse(value)?),
                _ => return None,
            }
            Some(())
        });
        filter
    }
}

/// Passes each qualifier to `take`, which returns `None` for unknown ones; returns the remaining text.
fn resolve(search: Option<&str>, mut take: impl FnMut(&str, &str) -> Option<()>) -> Option<String> {
    let mut texts = Vec::new();
    for word in words(search?) {
        match word {
            Word::Qualifier(name, value) => {
                if take(&name, &value).is_none() {
                    texts.push(format!("{name}:{value}"));
                }
            }
            Word::Text(text) => texts.push(text),
        }
    }
    (!texts.is_empty()).then(|| texts.join(" "))
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

fn state(value: &str) -> Option<bool> {
    match value {
        "enabled" => Some(true),
        "paused" => Some(false),
        _ => None,
    }
}

/// Splits a search at whitespace outside of quotes.
fn words(search: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = search.trim_start();
    while !rest.is_empty() {
        let (word, left) = next(rest);
        words.extend(word);
        rest = left.trim_start();
    }
    words
}

fn next(text: &str) -> (Option<Word>, &str) {
    if let Some(quoted) = text.strip_prefix('"') {
        let (inner, rest) = quoted.split_once('"').unwrap_or((quoted, ""));
        return ((!inner.trim().is_empty()).then(|| Word::Text(inner.to_owned())), rest);
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    match word.split_once(':') {
        Some((name, value)) if is_name(name) && value.starts_with('"') => {
            let (inner, rest) = text[name.len() + 2..].split_once('"').unwrap_or((&text[name.len() + 2..], ""));
            (Some(Word::Qualifier(name.to_owned(), inner.to_owned())), rest)
        }
        Some((name, value)) if is_name(name) && !value.is_empty() => {
            (Some(Word::Qualifier(name.to_owned(), value.to_owned())), rest)
        }
        _ => (Some(Word::Text(word.to_owned())), rest),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(search: &str) -> TaskFilter {
        TaskFilter { search: Some(search.into()), ..TaskFilter::default() }.resolved()
    }

    #[test]
    fn qualifiers_set_the_filters() {
        let filter = tasks("daily type:echo is:paused status:failed a:b tag:");
        assert_eq!(filter.search.as_deref(), Some("daily a:b tag:"));
        assert_eq!(
            (filter.task_type.as_deref(), filter.enabled, filter.status),
            (Some("echo"), Some(false), Some(Status::Failed))
        );
        let filter = tasks("enabled:no tag:日报");
        assert_eq!((filter.search, filter.enabled, filter.tag.as_deref()), (None, Some(false), Some("日报")));
        assert_eq!(tasks("status:odd enabled:perhaps").search.as_deref(), Some("status:odd enabled:perhaps"));
    }

    #[test]
    fn quoted_text_is_one_term() {
        assert_eq!(tasks(r#""type:echo" x"#).search.as_deref(), Some("type:echo x"));
        assert_eq!(tasks(r#"type:"two words" y"#).task_type.as_deref(), Some("two words"));
        assert_eq!(tasks(r#""open"#).search.as_deref(), Some("open"));
        for odd in ["\"", "\"\"", "", "  "] {
            assert_eq!(tasks(odd).search, None, "{odd:?}");
        }
    }

    #[test]
    fn execution_search_accepts_several_statuses() {
        let search = Some("task:a status:failed,timed_out cause:manual status:running boom".to_owned());
        let filter = ExecutionFilter { search, ..ExecutionFilter::default() }.resolved();
        assert_eq!(filter.statuses, [Status::Failed, Status::TimedOut, Status::Running]);
        assert_eq!((filter.task_id.as_deref(), filter.cause), (Some("a"), Some(Cause::Manual)));
        assert_eq!(filter.search.as_deref(), Some("boom"));
    }
}
