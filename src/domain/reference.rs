//! References: the other tasks that a task names in its chain and in parameters named `from_task`. Each keeps the key of the task that
//! was meant, so that it does not reach a later task of the same id, and the scope of the account that set it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::chain::Link;
use super::tag_scope::TagScope;

/// The parameter with which a task uses the result of another task.
pub const FROM_TASK: &str = "from_task";

/// One task that is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The key of the task that was meant.
    pub key: String,
    /// The tags of the account that set the reference; `None`: all tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
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
}

impl Reference {
    fn new(target: Target<'_>, scope: &TagScope) -> Reference {
        Reference { key: target.key.to_owned(), tags: scope.tags().map(<[String]>::to_vec) }
    }

    /// Whether the task of this id is still the one that was meant, and in the scope of the account that named it.
    fn reaches(&self, target: Target<'_>) -> bool {
        let in_scope = self.tags.as_ref().is_none_or(|tags| target.tags.iter().any(|tag| tags.contains(tag)));
        self.key == target.key && in_scope
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
                true => match targets.iter().find(|target| target.id == id) {
                    Some(target) => Some(Reference::new(*target, scope)),
                    // A deleted task: nothing that a limited account could name later by this id.
                    None => scope.tags().map(|tags| Reference { key: String::new(), tags: Some(tags.to_vec()) }),
                },
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
        named_in(self.params).into_iter().chain(self.chain.iter().flat_map(named_by_link)).collect()
    }

    /// The ids that the former state does not name, or not this way.
    fn ids_not_in(self, former: Naming<'_>) -> BTreeSet<String> {
        let params = if self.params == former.params { BTreeSet::new() } else { named_in(self.params) };
        let links = self.chain.iter().filter(|link| !former.chain.contains(link));
        params.into_iter().chain(links.flat_map(named_by_link)).collect()
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
        let references = References::updated(Naming { params: &params, chain: &chain }, None, &targets, &TagScope::ALL);
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
        let naming = |chain| Naming { params: &params, chain };
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
        let references =
            References::updated(Naming { params: &params, chain: &chain }, None, &[with(&red)], &TagScope::from_tags(&red));
        assert!(references.allow(with(&both)));
        assert!(!references.allow(with(&blue)), "the task moved to another team");
        let round: References = serde_json::from_value(serde_json::to_value(&references).unwrap()).unwrap();
        assert_eq!(round, references);
    }
}
