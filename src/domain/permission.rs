//! Permissions: the table of actions and roles.

use super::user::{Action, Role};

/// The requirements of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub action: Action,
    /// The minimum role.
    pub role: Role,
    /// True: the action concerns the whole server, so accounts limited to tags are refused whatever their role.
    pub whole: bool,
    /// The code of its words in a refusal: "the role viewer may not …".
    pub says: &'static str,
}

/// The permission table. Editors may in addition be granted dangerous task types one by one.
pub const RULES: [Rule; 6] = [
    rule(Action::See, Role::Viewer, false, "action.see"),
    rule(Action::SeeServer, Role::Viewer, true, "action.see_server"),
    rule(Action::Run, Role::Operator, false, "action.run"),
    rule(Action::Edit, Role::Editor, false, "action.edit"),
    rule(Action::EditDangerous, Role::Admin, false, "action.edit_dangerous"),
    rule(Action::Administer, Role::Admin, true, "action.administer"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_in_the_order_of_actions() {
        for (place, rule) in RULES.iter().enumerate() {
            assert_eq!((rule.action as usize, rule.action.rule()), (place, *rule));
        }
    }
}
