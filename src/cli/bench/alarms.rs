//! Alarm benchmark: the time from a recorded failure until a webhook has accepted the message, and what a rule that covers all tasks costs a
//! burst of successful runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::burst::{self, Burst};
use super::rig::{self, DataLocation, Lateness, Rig, Running, now, sleep_until};
use super::{Fault, progress};
use crate::domain::notify::channel::{ChannelOptions, ChannelType};
use crate::domain::page::{ExecutionFilter, PageRequest};
use crate::domain::user::Actor;
use crate::service::{ChannelInput, CredentialsInput};

/// Between two failures: a webhook takes 20 messages a second.
const APART_MS: i64 = 100;
/// How long the last message is waited for.
const PATIENCE: chrono::Duration = chrono::Duration::seconds(30);
const CHANNEL: &str = "bench";

/// The result of the alarm benchmark.
#[derive(Debug, Clone, Serialize)]
pub struct Alarms {
    pub failures: u32,
    /// Failures that no message named.
    pub unreported: i64,
    /// From the recorded end of the run until the message was accepted.
    pub delay_ms: Lateness,
    /// A burst without rules, and one with a rule for failures of all tasks.
    pub burst_tasks: u32,
    pub burst_without_rules_ms: i64,
    pub burst_with_rules_ms: i64,
}

/// When the messages about each task came.
type Received = Arc<Mutex<HashMap<String, DateTime<Utc>>>>;

pub async fn measure(location: &DataLocation, failures: u32, burst_tasks: u32) -> Result<Alarms, Fault> {
    let receiver = Receiver::start().await?;
    let rig = Rig::new(location).await?;
    let server = rig.serve().await?;
    let reported = fail(&server, &receiver, failures).await;
    server.stop().await?;
    rig.remove().await?;
    let (unreported, delay_ms) = reported?;
    progress(&format!("alarms: {burst_tasks} tasks due at the same time, without rules and with one"));
    let without = burst::measure_after(location, burst_tasks, async |_| Ok(())).await?;
    let with = burst::measure_after(location, burst_tasks, async |server| cover_all(server, &receiver.url).await).await?;
    receiver.stop.cancel();
    let last = |burst: &Burst| burst.last_recorded_ms;
    let (burst_without_rules_ms, burst_with_rules_ms) = (last(&without), last(&with));
    Ok(Alarms { failures, unreported, delay_ms, burst_tasks, burst_without_rules_ms, burst_with_rules_ms })
}

/// A channel to the receiver, and a rule that sends the failures of all tasks through it.
async fn cover_all(server: &Running, url: &str) -> Result<(), Fault> {
    let actor = Actor::local("bench");
    let channel = ChannelInput {
        channel_type: ChannelType::Webhook,
        options: ChannelOptions::default(),
        credentials: CredentialsInput { url: Some(url.to_owned()), ..CredentialsInput::default() },
    };
    server.services.notify_channels.create(&actor, CHANNEL, &channel).await?;
    let rule = json!({"name": "all", "tasks": {"all": true}, "events": ["failed", "recovered", "missed"], "channels": [CHANNEL]});
    server.services.notify_rules.create(&actor, &rule).await?;
    Ok(())
}

/// Lets tasks fail one after the other. Returns how many no message named, and the delays.
async fn fail(server: &Running, receiver: &Receiver, failures: u32) -> Result<(i64, Lateness), Fault> {
    cover_all(server, &receiver.url).await?;
    let first = server.time_to_create(failures).await?;
    let at = |number: u32| first + chrono::Duration::milliseconds(i64::from(number) * APART_MS);
    let task = |number: u32| {
        json!({"id": format!("alarm-{number}"), "type": "echo", "params": {"fail": reason(number)},
            "trigger": {"type": "date", "run_date": at(number).to_rfc3339()}})
    };
    server.create((0..failures).map(task)).await?;
    rig::ensure_before(first)?;
    let latest = at(failures) + PATIENCE;
    sleep_until(at(failures)).await;
    while receiver.count() < failures as usize && now() < latest {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let ended = ends(server).await?;
    let received = receiver.received.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let delay = |(id, ended): (&String, &DateTime<Utc>)| Some((*received.get(id)? - *ended).num_milliseconds());
    let delays: Vec<i64> = ended.iter().filter_map(delay).collect();
    let unreported = i64::from(failures) - i64::try_from(delays.len()).unwrap_or(i64::MAX);
    Ok((unreported, Lateness::of(delays)))
}

/// An error that is a cause of its own: causes leave out numbers and hexadecimal values.
fn reason(number: u32) -> String {
    let letters = number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'g')).collect::<String>();
    format!("broken part {letters}z")
}

/// When the run of each task ended.
async fn ends(server: &Running) -> Result<HashMap<String, DateTime<Utc>>, Fault> {
    let (actor, mut ended) = (Actor::local("bench"), HashMap::new());
    let mut request = PageRequest { size: 500, cursor: None };
    loop {
        let page = server.services.executions.list(&actor, &ExecutionFilter::default(), &request).await?;
        ended.extend(page.items.into_iter().filter_map(|run| Some((run.task_id, run.finished_at?))));
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => return Ok(ended),
        }
    }
}

/// A webhook on this machine.
struct Receiver {
    url: String,
    received: Received,
    stop: CancellationToken,
}

impl Receiver {
    async fn start() -> Result<Receiver, Fault> {
        let (received, stop) = (Received::default(), CancellationToken::new());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let (stopped, noted) = (stop.clone(), received.clone());
        tokio::spawn(async move {
            while let Some(Ok((stream, _))) = stopped.run_until_cancelled(listener.accept()).await {
                tokio::spawn(answer(stream, noted.clone()));
            }
        });
        Ok(Receiver { url, received, stop })
    }

    fn count(&self) -> usize {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Answers the requests of a connection with 204.
async fn answer(mut stream: TcpStream, received: Received) -> std::io::Result<()> {
    let (mut request, mut part) = (Vec::new(), [0; 8192]);
    loop {
        let length = stream.read(&mut part).await?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(part.get(..length).unwrap_or_default());
        if let Some(body) = body(&request) {
            note(body, &received);
            request.clear();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
        }
    }
}

/// The body of a request that is complete.
fn body(request: &[u8]) -> Option<&[u8]> {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let head = text.split_once("\r\n\r\n")?.0;
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse().ok()?;
    let begin = request.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    request.get(begin..begin + length)
}

/// Notes the first message about each task.
fn note(body: &[u8], received: &Received) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let notices = body["data"]["notices"].as_array().cloned().unwrap_or_default();
    let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
    for subject in notices.iter().flat_map(|notice| notice["subjects"].as_array().into_iter().flatten()) {
        received.entry(subject.as_str().unwrap_or_default().to_owned()).or_insert_with(now);
    }
}
