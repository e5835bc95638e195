//! Delivery record: the outcome of each number. Stored as the result of the run and loaded by the next attempt, which sends the
//! remaining messages only.

use serde_json::{Value, json};

use super::exchange::Outcome;
use crate::i18n::{Message, message};
use crate::storage::{self, execution};
use crate::tasks::{RunContext, RunError, Toolbox};

/// The outcomes of a run so far, in the order of its numbers.
#[derive(Debug)]
pub(super) struct DeliveryRecord {
    sms: String,
    entries: Vec<(String, Option<Outcome>)>,
}

impl DeliveryRecord {
    /// All numbers, with the final outcomes of an earlier attempt. Fails if that result cannot be read, because messages could
    /// then be sent twice.
    pub async fn load(
        sms: &str,
        numbers: &[String],
        toolbox: &Toolbox,
        context: &RunContext,
    ) -> Result<DeliveryRecord, RunError> {
        let earlier = if context.attempt > 1 { earlier(toolbox, &context.execution_id).await? } else { Value::Null };
        let done = |number: &String| {
            let messages = earlier.get("messages").and_then(Value::as_array)?;
            let found = messages.iter().find(|message| message["to"] == number.as_str())?;
            Some(outcome(found)).filter(|outcome| !outcome.retry)
        };
        let entries = numbers.iter().map(|number| (number.clone(), done(number))).collect();
        Ok(DeliveryRecord { sms: sms.to_owned(), entries })
    }

    /// The numbers without an outcome.
    pub fn pending(&self) -> Vec<String> {
        self.entries.iter().filter(|(_, outcome)| outcome.is_none()).map(|(number, _)| number.clone()).collect()
    }

    pub fn set(&mut self, number: &str, outcome: Outcome) {
        if let Some(entry) = self.entries.iter_mut().find(|(to, _)| to == number) {
            entry.1 = Some(outcome);
        }
    }

    /// The result of the run, or the error if a message was refused. Retryable if a refused message is.
    pub fn finish(self) -> Result<Value, RunError> {
        let (all, accepted) = (self.entries.len(), self.accepted());
        let refused: Vec<_> = self.entries.iter().filter_map(|(to, outcome)| Some((to, outcome.as_ref()?))).collect();
        let mut refused = refused.into_iter().filter(|(_, outcome)| !outcome.accepted);
        let later = refused.clone().find(|(_, outcome)| outcome.retry);
        let Some((to, first)) = later.or_else(|| refused.next()) else { return Ok(self.result()) };
        let mut message = message!("run.detail", what = to.as_str(), detail = first.refusal());
        if all > 1 {
            message = message!("sms.partly_accepted", accepted, all, problem = message);
        }
        let error = if later.is_some() { RunError::retry(message) } else { RunError::fail(message) };
        Err(error.with_result(self.result()))
    }

    /// The error of a cancelled run, with the outcomes so far as its result.
    pub fn cancelled(self) -> RunError {
        let message = message!("sms.cancelled", accepted = self.accepted(), all = self.entries.len());
        RunError::fail(message).with_result(self.result())
    }

    pub fn accepted(&self) -> usize {
        self.entries.iter().filter(|(_, outcome)| outcome.as_ref().is_some_and(|outcome| outcome.accepted)).count()
    }

    fn result(&self) -> Value {
        let outcomes = self.entries.iter().filter_map(|(to, outcome)| Some((to, outcome.as_ref()?)));
        let messages: Vec<Value> = outcomes
            .map(|(to, outcome)| {
                json!({
                    "to": to, "accepted": outcome.accepted, "id": outcome.id, "code": outcome.code,
                    "message": outcome.explained().to_string(),
                    "fee": outcome.fee, "retry": outcome.retry,
                })
            })
            .collect();
        json!({"sms": self.sms, "accepted": self.accepted(), "messages": messages})
    }
}

async fn earlier(toolbox: &Toolbox, execution_id: &str) -> Result<Value, RunError> {
    let found = match toolbox.database.read().await {
        Ok(mut session) => execution::result(&mut session, execution_id).await,
        Err(error) => Err(error),
    };
    let unreadable = |error: storage::Error| message!("sms.result_unreadable", error = error.to_string());
    Ok(found.map_err(|error| RunError::retry(unreadable(error)))?.unwrap_or_default())
}

fn outcome(message: &Value) -> Outcome {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    Outcome {
        accepted: message["accepted"] == true,
        retry: message["retry"] == true,
        id: message["id"].as_str().map(str::to_owned),
        code: text("code"),
        message: Message::verbatim(text("message")),
        hint: None,
        fee: message["fee"].as_i64(),
    }
}
