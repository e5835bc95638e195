//! Heartbeats of a document of tasks: exported without their addresses, and imported in the transaction of its tasks. One that the import
//! creates has a new address; one that exists keeps its own.

use serde_json::Value;

use super::{HeartbeatService, MAX_HEARTBEATS, exists};
use crate::domain::fault::{Fault, MAX_FAULTS};
use crate::domain::heartbeat::{Heartbeat, HeartbeatInput};
use crate::domain::user::Actor;
use crate::i18n::message;
use crate::service::{Error, Result, tag_scope};
use crate::storage::{Session, Tx, heartbeat};

/// A heartbeat of a document that differs from the one stored, if there is one.
pub(in crate::service) struct ChangedHeartbeat {
    input: HeartbeatInput,
    former: Option<Heartbeat>,
}

impl HeartbeatService {
    /// The heartbeats to export, by id.
    pub(in crate::service) async fn definitions(&self, s: &mut dyn Session, actor: &Actor) -> Result<Vec<Heartbeat>> {
        let mut all = heartbeat::list(s).await?;
        all.retain(|heartbeat| actor.scope.allows(&heartbeat.tags));
        Ok(all)
    }

    /// Reads the heartbeats of a document.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault, also for an id that is named twice.
    pub(in crate::service) fn read_document(&self, list: &[Value]) -> Result<Vec<HeartbeatInput>> {
        let (mut inputs, mut faults): (Vec<HeartbeatInput>, Vec<Fault>) = (Vec::new(), Vec::new());
        for (place, body) in list.iter().enumerate() {
            if faults.len() >= MAX_FAULTS {
                break;
            }
            match HeartbeatInput::parse(body, self.zone) {
                Ok(input) if inputs.iter().any(|other| other.id == input.id) => {
                    let message = message!("transfer.id_twice", id = &input.id).of("id");
                    faults.push(Fault::new(format!("/heartbeats/{place}/id"), message));
                }
                Ok(input) => inputs.push(input),
                Err(more) => faults.extend(below(place, more)),
            }
        }
        if faults.is_empty() { Ok(inputs) } else { Err(Error::Invalid(faults)) }
    }

    /// Those of a document that an import creates or changes.
    ///
    /// # Errors
    /// [`Error::Conflict`] for an id that is taken outside the actor's scope, or if there are too many; [`Error::Invalid`] for tags that the
    /// actor may not set.
    pub(in crate::service) async fn changed_of_document(
        &self,
        s: &mut dyn Session,
        actor: &Actor,
        wanted: &[HeartbeatInput],
    ) -> Result<Vec<ChangedHeartbeat>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let all = heartbeat::list(s).await?;
        let mut changed = Vec::new();
        for (place, input) in wanted.iter().enumerate() {
            let mut input = input.clone();
            let former = all.iter().find(|heartbeat| heartbeat.id == input.id);
            if former.is_some_and(|former| !actor.scope.allows(&former.tags)) {
                return Err(exists(&input.id));
            }
            let tags = former.map_or(&[] as &[String], |former| &former.tags);
            let kept = tag_scope::keep_in_scope(s, actor, &mut input.tags, tags, &self.rules.reserved_tags).await;
            kept.map_err(|error| match error {
                Error::Invalid(faults) => Error::Invalid(below(place, faults).collect()),
                other => other,
            })?;
            let content = Heartbeat::new(&input, self.clock.now()).to_input();
            if former.is_none_or(|former| former.to_input() != content) {
                changed.push(ChangedHeartbeat { input, former: former.cloned() });
            }
        }
        let created = changed.iter().filter(|one| one.former.is_none()).count();
        if all.len() + created > MAX_HEARTBEATS {
            return Err(Error::Conflict(message!("heartbeat.too_many", max = MAX_HEARTBEATS)));
        }
        Ok(changed)
    }

    /// Saves the heartbeats of a document in the transaction of the import; whether an incident has ended thereby.
    ///
    /// # Errors
    /// As [`HeartbeatService::changed_of_document`].
    pub(in crate::service) async fn import(&self, tx: &mut Tx, actor: &Actor, wanted: &[HeartbeatInput]) -> Result<bool> {
        let mut told = false;
        for ChangedHeartbeat { input, former } in self.changed_of_document(tx, actor, wanted).await? {
            match former {
                None => drop(self.insert(tx, actor, &input).await?),
                Some(former) => {
                    let locked = heartbeat::lock(tx, &former.id).await?.unwrap_or(former);
                    told |= self.update(tx, actor, &locked, &input).await?.1;
                }
            }
        }
        Ok(told)
    }
}

fn below(place: usize, faults: Vec<Fault>) -> impl Iterator<Item = Fault> {
    faults.into_iter().map(move |fault| Fault { pointer: format!("/heartbeats/{place}{}", fault.pointer), ..fault })
}
