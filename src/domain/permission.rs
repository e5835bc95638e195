//! Permissions: the table of actions and roles, and the tag scope that limits an account to some tasks.

use super::user::{Action, Role};

/// The requirements of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub action: Action,
    /// The minimum role.
    pub role: Role,
    /// True: the action concerns the whole server, so accounts limited to tags are refused whatever their role.
    pub whole: bool,
    /// The action in a refusal: "the role viewer may not …".
    pub says: &'static str,
}

/// The permission table. Editors may in addition be granted dangerous task types one by one.
pub const RULES: [Rule; 6] = [
    rule(Action::See, Role::Viewer, false, "see this"),
    rule(Action::SeeServer, Role::Viewer, true, "see what belongs to the whole server"),
    rule(Action::Run, Role::Operator, false, "run, pause or cancel tasks"),
    rule(Action::Edit, Role::Editor, false, "create, change or delete tasks"),
    rule(Action::EditDangerous, Role::Admin, false, "set up tasks that run commands"),
    rule(Action::Administer, Role::Admin, true, "see or change this"),
];

const fn rule(action: Action, role: Role, whole: bool, says: &'static str) -> Rule {
    Rule { action, role, whole, says }
}

impl Action {
    /// The requirements of this action.
    pub fn rule(self) -> Rule {
        RULES[self as usize]
    }
}

/// Safe task types whose runs read the executions of other tasks; an account limited to tags needs a grant for them.
pub const CROSS_TASK_TYPES: [&str; 1] = ["query_log"];

/// The tasks an account may see and change: all, or those with at least one of its tags. A task outside the scope is
/// treated as nonexistent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagScope(Option<Vec<String>>);

impl TagScope {
    /// All tasks.
    pub const ALL: TagScope = TagScope(None);

    /// The scope of an account with these tags; no tags: all tasks.
    pub fn from_tags(tags: &[String]) -> TagScope {
        TagScope((!tags.is_empty()).then(|| tags.to_vec()))
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
    pub fn includes(&self, tags: &[String]) -> bool {
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
    fn rules_are_in_the_order_of_actions() {
        for (place, rule) in RULES.iter().enumerate() {
            assert_eq!((rule.action as usize, rule.action.rule()), (place, *rule));
        }
    }

    #[test]
    fn tag_scope_includes_tasks_with_one_of_its_tags() {
        assert!(TagScope::ALL.includes(&[]) && TagScope::from_tags(&[]).is_all());
        let red = TagScope::from_tags(&tags(&["red"]));
        assert!(red.includes(&tags(&["x", "red"])) && !red.includes(&tags(&["blue"])) && !red.includes(&[]));
    }

    #[test]
    fn narrowed_to_is_the_intersection_of_tags() {
        let both = TagScope::from_tags(&tags(&["red", "blue"]));
        assert_eq!(both.clone().narrowed_to(&[]), both);
        assert_eq!(both.clone().narrowed_to(&tags(&["red", "green"])), TagScope::from_tags(&tags(&["red"])));
        assert_eq!(TagScope::ALL.narrowed_to(&tags(&["red"])), TagScope::from_tags(&tags(&["red"])));
        let nothing = both.narrowed_to(&tags(&["green"]));
        assert!(!nothing.is_all() && !nothing.includes(&tags(&["green", "red"])) && !nothing.includes(&[]));
    }
}
