//! Tag scopes: limit an account or token to the tasks with some tags.

/// The tasks an account may see and change: all, or those with at least one of its tags. A task outside the scope is
/// treated as nonexistent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TagScope(Option<Vec<String>>);

impl TagScope {
    /// All tasks.
    pub const ALL: TagScope = TagScope(None);

    /// The scope of an account with these tags; no tags: all tasks.
    pub fn from_tags(tags: &[String]) -> TagScope {
        TagScope((!tags.is_empty()).then(|| tags.to_vec()))
    }

    /// The scope of exactly these tags; no tags: no task.
    pub fn limited_to(tags: Vec<String>) -> TagScope {
        TagScope(Some(tags))
    }

    /// The intersection with the tags of a token; no tags: unchanged. An empty intersection includes no task.
    #[must_use]
    pub fn narrowed_to(self, tags: &[String]) -> TagScope {
        match self.0 {
            _ if tags.is_empty() => self,
            None => TagScope::from_tags(tags),
            Some(own) => TagScope(Some(own.into_iter().filter(|tag| tags.contains(tag)).collect())),
        }
    }

    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// The tags of the scope; `None`: all tasks.
    pub fn tags(&self) -> Option<&[String]> {
        self.0.as_deref()
    }

    /// Whether a task with these tags is in the scope.
    pub fn allows(&self, tags: &[String]) -> bool {
        self.0.as_ref().is_none_or(|own| tags.iter().any(|tag| own.contains(tag)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn tag_scope_allows_tasks_with_one_of_its_tags() {
        assert!(TagScope::ALL.allows(&[]) && TagScope::from_tags(&[]).is_all());
        let red = TagScope::from_tags(&tags(&["red"]));
        assert!(red.allows(&tags(&["x", "red"])) && !red.allows(&tags(&["blue"])) && !red.allows(&[]));
    }

    #[test]
    fn narrowed_to_is_the_intersection_of_tags() {
        let both = TagScope::from_tags(&tags(&["red", "blue"]));
        assert_eq!(both.clone().narrowed_to(&[]), both);
        assert_eq!(both.clone().narrowed_to(&tags(&["red", "green"])), TagScope::from_tags(&tags(&["red"])));
        assert_eq!(TagScope::ALL.narrowed_to(&tags(&["red"])), TagScope::from_tags(&tags(&["red"])));
        let nothing = both.narrowed_to(&tags(&["green"]));
        assert!(!nothing.is_all() && !nothing.allows(&tags(&["green", "red"])) && !nothing.allows(&[]));
    }
}
