//! References: the other tasks that a task names in its chain and in parameters named `from_task`. Each keeps the key of the task that
//! was meant, so that it does not reach a later task of the same id, and the scope of the account that set it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::chain::Link;
use super::schedule::RuleSettings;
use super::tag_scope::TagScope;

/// The parameter with which a task uses the result of another task.
pub const FROM_TASK: &str = "from_task";

/// One task that is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The key of the task that was meant; empty if there was none of this id.
    pub key: String,
    /// The tags of the account that set the reference; `None`: all tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The tags of the naming task, if the task that was meant did not exist yet. A later task of this id is reached if it has no tag
    /// that the naming task does not have: then it belongs to no other team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited_by: Option<Vec<String>>,
}

/// The references of a task, by the ids that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct References(BTreeMap<String, Reference>);

/// A task that references may reach.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    pub id: &'t str,
    pub key: &'t str,
    pub tags: &'t [String],
}

/// The parts of a task that name other tasks.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'t> {
    pub params: &'t Value,
    pub chain: &'t [Link],
    /// The rules, which may have parameters of their own.
    pub rules: &'t [RuleSettings],
    /// The tags of the task itself.
    pub tags: &'t [String],
}

impl Reference {
    fn new(target: Target<'_>, scope: &TagScope) -> Reference {
        Reference { key: target.key.to_owned(), tags: scope.tags().map(<[String]>::to_vec), awaited_by: None }
    }

    /// A reference to a task that does not exist. One that an account with limits sets reaches none, because it could name tasks that
    /// it does not see.
    fn to_missing(naming: Naming<'_>, scope: &TagScope) -> Reference {
        let tags = scope.tags().map(<[String]>::to_vec);
        let awaited_by = tags.is_none().then(|| naming.tags.to_vec());
        Reference { key: String::new(), tags, awaited_by }
    }

    /// Whether the task of this id is still the one that was meant, and in the scope of the account that named it.
    fn reaches(&self, target: Target<'_>) -> bool {
        let shares = |tags: &Vec<String>| target.tags.iter().any(|tag| tags.contains(tag));
        match &self.awaited_by {
            // Each task of a team has the tag of the team. A label that several teams use must not connect them.
            Some(tags) => target.tags.is_empty() == tags.is_empty() && target.tags.iter().all(|tag| tags.contains(tag)),
            None => self.key == target.key && self.tags.as_ref().is_none_or(shares),
        }
    }
}

impl References {
    /// Whether a run may use the target. An id that is not recorded comes from a template or from the request of a run, which are
    /// checked elsewhere.
    pub fn allow(&self, target: Target<'_>) -> bool {
        self.0.get(target.id).is_none_or(|reference| reference.reaches(target))
    }

    /// The references of a task once it is saved: those that are new in it are set by `scope` to the current tasks in `targets`; the
    /// others stay as they are in the `former` state, also if their target is gone.
    pub fn updated(
        naming: Naming<'_>,
        former: Option<(Naming<'_>, &References)>,
        targets: &[Target<'_>],
        scope: &TagScope,
    ) -> References {
        let set = former.map_or_else(|| naming.ids(), |(former, _)| naming.ids_not_in(former));
        let reference = |id: String| {
            let found = match set.contains(&id) {
                true => {
                    let found = targets.iter().find(|target| target.id == id);
                    Some(found.map_or_else(|| Reference::to_missing(naming, scope), |target| Reference::new(*target, scope)))
                }
                false => former.and_then(|(_, kept)| kept.0.get(&id)).cloned(),
            };
            found.map(|reference| (id, reference))
        };
        References(naming.ids().into_iter().filter_map(reference).collect())
    }
}

impl References {
    /// The references of an unchanged task that is saved again on purpose: those that do not reach their targets are set again.
    #[must_use]
    pub fn revived(&self, naming: Naming<'_>, targets: &[Target<'_>], scope: &TagScope) -> References {
        let ids = naming.ids();
        let dead = targets.iter().filter(|target| ids.contains(target.id) && !self.allow(**target));
        let mut references = self.clone();
        references.0.extend(dead.map(|target| (target.id.to_owned(), Reference::new(*target, scope))));
        references
    }
}

impl Naming<'_> {
    /// The ids of the tasks that are named.
    pub fn ids(self) -> BTreeSet<String> {
        let by_rules = self.rules.iter().flat_map(|rule| named_in_map(&rule.params));
        named_in(self.params).into_iter().chain(by_rules).chain(self.chain.iter().flat_map(named_by_link)).collect()
    }

    /// The ids that the former state does not name, or not this way.
    fn ids_not_in(self, former: Naming<'_>) -> BTreeSet<String> {
        let params = if self.params == former.params { BTreeSet::new() } else { named_in(self.params) };
        let links = self.chain.iter().filter(|link| !former.chain.contains(link));
        let is_new = |rule: &&RuleSettings| !former.rules.iter().any(|known| known.params == rule.params);
        let by_rules = self.rules.iter().filter(is_new).flat_map(|rule| named_in_map(&rule.params));
        params.into_iter().chain(by_rules).chain(links.flat_map(named_by_link)).collect()
    }
}

/// The ids that a link names: the task to start, and those in its parameters.
pub fn named_by_link(link: &Link) -> BTreeSet<String> {
    let inner = link.params.iter().flat_map(|(name, value)| named_in_member(name, value));
    inner.chain([link.task.clone()]).collect()
}

/// The texts of all members named `from_task`.
fn named_in(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(map) => named_in_map(map),
        Value::Array(items) => items.iter().flat_map(named_in).collect(),
        _ => BTreeSet::new(),
    }
}

fn named_in_map(map: &Map<String, Value>) -> BTreeSet<String> {
    map.iter().flat_map(|(name, value)| named_in_member(name, value)).collect()
}

fn named_in_member(name: &str, value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(id) if name == FROM_TASK => BTreeSet::from([id.clone()]),
        other => named_in(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chain;
    use super::*;

    fn target<'t>(id: &'t str, key: &'t str) -> Target<'t> {
        Target { id, key, tags: &[] }
    }

    fn links(value: Value) -> Vec<Link> {
        chain::parse(&value, "/chain").unwrap()
    }

    #[test]
    fn references_do_not_reach_a_later_task_of_the_same_id() {
        let params = json!({"attachments": [{"from_task": "b"}, {"from_task": "{{ x }}"}]});
        let chain = links(json!([{"task": "c", "params": {"from_task": "d"}}]));
        let targets = [target("b", "2"), target("c", "3"), target("d", "4")];
        let references =
            References::updated(Naming { params: &params, chain: &chain, rules: &[], tags: &[] }, None, &targets, &TagScope::ALL);
        assert!(targets.iter().all(|target| references.allow(*target)));
        for id in ["b", "c", "d"] {
            assert!(!references.allow(target(id, "later")), "{id}");
        }
        assert!(references.allow(target("e", "5")), "not recorded");
    }

    #[test]
    fn references_stay_dead_until_they_are_set_again() {
        let (params, later) = (json!({}), [target("b", "later")]);
        let (before, set_again) = (links(json!([{"task": "b"}])), links(json!([{"task": "b", "on": "always"}])));
        let naming = |chain| Naming { params: &params, chain, rules: &[], tags: &[] };
        let first = References::updated(naming(&before), None, &[target("b", "2")], &TagScope::ALL);
        let unchanged = References::updated(naming(&before), Some((naming(&before), &first)), &later, &TagScope::ALL);
        assert!(!unchanged.allow(later[0]), "another change of the task does not revive the link");
        let changed = References::updated(naming(&set_again), Some((naming(&before), &first)), &later, &TagScope::ALL);
        assert!(changed.allow(later[0]));
    }

    #[test]
    fn references_end_at_the_scope_of_the_account_that_set_them() {
        let (params, chain) = (json!({}), links(json!([{"task": "b"}])));
        let tags = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (red, blue, both) = (tags(&["red"]), tags(&["blue"]), tags(&["blue", "red"]));
        let with = |tags| Target { id: "b", key: "2", tags };
        let references = References::updated(
            Naming { params: &params, chain: &chain, rules: &[], tags: &[] },
            None,
            &[with(&red)],
            &TagScope::from_tags(&red),
        );
        assert!(references.allow(with(&both)));
        assert!(!references.allow(with(&blue)), "the task moved to another team");
        let round: References = serde_json::from_value(serde_json::to_value(&references).unwrap()).unwrap();
        assert_eq!(round, references);
    }

    #[test]
    fn a_reference_to_a_missing_task_reaches_a_later_one_of_the_same_team_only() {
        let (params, chain) = (json!({"from_task": "{{ previous }}"}), links(json!([{"task": "b"}])));
        let tags = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (red, blue, none) = (tags(&["red", "nightly"]), tags(&["blue"]), tags(&[]));
        let (one, shared) = (tags(&["red"]), tags(&["blue", "nightly"]));
        let later = |tags| Target { id: "b", key: "later", tags };
        let set = |own, scope: &TagScope| {
            References::updated(Naming { params: &params, chain: &chain, rules: &[], tags: own }, None, &[], scope)
        };
        let of_red = set(&red, &TagScope::ALL);
        assert!(of_red.allow(later(&one)));
        assert!(!of_red.allow(later(&blue)) && !of_red.allow(later(&none)));
        assert!(!of_red.allow(later(&shared)), "both teams use the tag nightly");
        let of_nobody = set(&none, &TagScope::ALL);
        assert!(of_nobody.allow(later(&none)) && !of_nobody.allow(later(&blue)));
        assert!(!set(&red, &TagScope::from_tags(&red)).allow(later(&red)), "an account with limits");
    }
}
