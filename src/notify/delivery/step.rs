//! One step of a channel: claim messages, send them, record the answer.

use chrono::{DateTime, Utc};

use super::gate::{Admission, Gate};
use super::{Delivery, batch};
use crate::domain::notify::channel::Channel;
use crate::domain::notify::message::{Message, NewMessage};
use crate::i18n::message;
use crate::notify::channels::{Item, Outcome, Parcel, provider};
use crate::notify::courier::RuleText;
use crate::storage::{Result, Tx, notify_message, notify_rule};

/// The most messages read for one request.
const READ_MAX: i64 = 300;

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A request was made, whatever its answer.
    Sent,
    /// The channel has to wait.
    Wait(DateTime<Utc>),
    Nothing,
}

/// Messages claimed for one request.
struct Claim {
    messages: Vec<Message>,
    group_id: String,
}

enum Claimed {
    Messages(Claim),
    Wait(DateTime<Utc>),
    Nothing,
}

impl Delivery {
    /// Sends one message of a channel, or several as one.
    pub(super) async fn step(&self, name: &str) -> Result<Step> {
        let channels = self.courier.directory.all().await?;
        let Some(channel) = channels.get(name) else { return self.give_up(name).await };
        let gate = Gate::new(channel, &self.node_id);
        let claim = match self.claim(&gate).await? {
            Claimed::Messages(claim) => claim,
            Claimed::Wait(at) => return Ok(Step::Wait(at)),
            Claimed::Nothing => return Ok(Step::Nothing),
        };
        let parcel = self.parcel(&claim);
        let rule = self.rule_text(&claim).await?;
        let outcome = self.courier.send(channel, &parcel, &rule).await;
        self.record(&gate, &claim.messages, &claim.group_id, &outcome).await?;
        Ok(Step::Sent)
    }

    /// Takes the account and fixes which messages go under one id.
    async fn claim(&self, gate: &Gate<'_>) -> Result<Claimed> {
        let now = self.clock.now();
        // Without a write transaction while the rate limit is used up.
        if let Admission::At(at) = gate.look(&mut self.database.read_engine().await?, now, true).await? {
            return Ok(Claimed::Wait(at));
        }
        let mut tx = self.database.write().await?;
        let due = notify_message::due(&mut tx, &gate.channel.name, now, READ_MAX).await?;
        let Some(first) = due.first() else { return Ok(Claimed::Nothing) };
        let admitted = match gate.take(&mut tx, now, first.urgent).await? {
            Admission::Now(admitted) => admitted,
            Admission::At(at) => return Ok(Claimed::Wait(at)),
        };
        // Read before the account was taken: another process may have sent them meanwhile.
        let due = notify_message::due(&mut tx, &gate.channel.name, now, READ_MAX).await?;
        if due.is_empty() {
            return Ok(Claimed::Nothing);
        }
        let claim = group(&mut tx, gate.channel, due, admitted).await?;
        tx.commit().await?;
        Ok(Claimed::Messages(claim))
    }

    /// Sends a message at once, past the queue but within the rate limit, and records it.
    pub async fn send_now(&self, channel: &Channel, message: &NewMessage) -> Result<std::result::Result<Outcome, DateTime<Utc>>> {
        let (gate, now, id) = (Gate::new(channel, &self.node_id), self.clock.now(), message.id.as_str());
        let mut tx = self.database.write().await?;
        if let Admission::At(at) = gate.take(&mut tx, now, true).await? {
            return Ok(Err(at));
        }
        notify_message::insert(&mut tx, std::slice::from_ref(message)).await?;
        notify_message::set_group(&mut tx, &[id], id).await?;
        let messages = notify_message::group(&mut tx, id).await?;
        tx.commit().await?;
        let claim = Claim { messages, group_id: id.to_owned() };
        let outcome = self.courier.send(channel, &self.parcel(&claim), &RuleText::default()).await;
        self.record(&gate, &claim.messages, id, &outcome).await?;
        Ok(Ok(outcome))
    }

    /// The rule of a message that goes alone; several in one request have a text that lists them.
    async fn rule_text(&self, claim: &Claim) -> Result<RuleText> {
        let [only] = &claim.messages[..] else { return Ok(RuleText::default()) };
        let found = notify_rule::get(&mut self.database.read_engine().await?, &only.rule).await?;
        let templates = found.map(|rule| rule.definition.templates).unwrap_or_default();
        Ok(RuleText { name: only.rule.clone(), templates })
    }

    fn parcel(&self, claim: &Claim) -> Parcel {
        let item = |message: &Message| Item { notice: message.notice.clone(), incident_id: message.incident_id.clone() };
        Parcel {
            id: claim.group_id.clone(),
            items: claim.messages.iter().map(item).collect(),
            public_url: self.courier.public_url.clone(),
            now: self.clock.now(),
        }
    }

    /// Gives up the messages of a channel that does not exist any more.
    async fn give_up(&self, name: &str) -> Result<Step> {
        let mut tx = self.database.write().await?;
        let given_up = notify_message::give_up(&mut tx, name, &message!("channel.gone")).await?;
        tx.commit().await?;
        tracing::warn!(channel = name, messages = given_up, "gave up notifications of a channel that does not exist");
        Ok(Step::Nothing)
    }
}

/// The group of the first message: the one it was sent in before, or a new one.
async fn group(tx: &mut Tx, channel: &Channel, due: Vec<Message>, admitted: usize) -> Result<Claim> {
    let size = batch::size(&due, admitted, provider(channel.channel_type));
    let Some(first) = due.first() else { return Ok(Claim { messages: Vec::new(), group_id: String::new() }) };
    if let Some(group_id) = first.group_id.clone() {
        return Ok(Claim { messages: notify_message::group(tx, &group_id).await?, group_id });
    }
    let group_id = first.id.clone();
    let messages: Vec<Message> = due.into_iter().take(size.max(1)).collect();
    let ids: Vec<&str> = messages.iter().map(|message| message.id.as_str()).collect();
    notify_message::set_group(tx, &ids, &group_id).await?;
    Ok(Claim { messages, group_id })
}
