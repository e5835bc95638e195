//! Who may do what: the one table of permissions, and how far somebody reaches. `service` asks it before it does anything.

use super::user::{Action, Role};

/// What an action takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub action: Action,
    /// The least role that may.
    pub role: Role,
    /// It is about the server as a whole, so that those who are limited to tags may not, whatever their role.
    pub whole: bool,
    /// What a refusal calls it: "the role viewer may not …".
    pub says: &'static str,
}

/// The table. Dangerous types may besides be granted to editors one by one.
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
    /// What it takes.
    pub fn rule(self) -> Rule {
        RULES[self as usize]
    }
}

/// Safe task types whose runs look at everybody's tasks: who is limited to tags sets them up with a grant only.
pub const FAR_SIGHTED: [&str; 1] = ["query_log"];

/// Which tasks somebody sees and touches: all, or those with at least one of some tags. A task out of reach is to them as
/// one that does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach(Option<Vec<String>>);

impl Reach {
    /// All tasks.
    pub const ALL: Reach = Reach(None);

    /// The reach of an account with these tags; without any it is limited to none.
    pub fn of(tags: &[String]) -> Reach {
        Reach((!tags.is_empty()).then(|| tags.to_vec()))
    }

    /// What of it a token with these tags keeps. Where nothing is left of both it reaches no task at all.
    #[must_use]
    pub fn narrowed(self, tags: &[String]) -> Reach {
        match self.0 {
            _ if tags.is_empty() => self,
            None => Reach::of(tags),
            Some(own) => Reach(Some(own.into_iter().filter(|tag| tags.contains(tag)).collect())),
        }
    }

    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// The tags it is limited to; `None`: all tasks.
    pub fn tags(&self) -> Option<&[String]> {
        self.0.as_deref()
    }

    /// Whether a task with these tags is within it.
    pub fn holds(&self, tags: &[String]) -> bool {
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
    fn every_action_has_its_own_row() {
        for (place, rule) in RULES.iter().enumerate() {
            assert_eq!((rule.action as usize, rule.action.rule()), (place, *rule));
        }
    }

    #[test]
    fn a_reach_holds_tasks_with_one_of_its_tags() {
        assert!(Reach::ALL.holds(&[]) && Reach::of(&[]).is_all());
        let red = Reach::of(&tags(&["red"]));
        assert!(red.holds(&tags(&["x", "red"])) && !red.holds(&tags(&["blue"])) && !red.holds(&[]));
    }

    #[test]
    fn a_token_keeps_what_both_reach_and_never_more() {
        let both = Reach::of(&tags(&["red", "blue"]));
        assert_eq!(both.clone().narrowed(&[]), both);
        assert_eq!(both.clone().narrowed(&tags(&["red", "green"])), Reach::of(&tags(&["red"])));
        assert_eq!(Reach::ALL.narrowed(&tags(&["red"])), Reach::of(&tags(&["red"])));
        let nothing = both.narrowed(&tags(&["green"]));
        assert!(!nothing.is_all() && !nothing.holds(&tags(&["green", "red"])) && !nothing.holds(&[]));
    }
}
