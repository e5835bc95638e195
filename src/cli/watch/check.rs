//! The check of a server: it answers, is ready, and plans the tasks that are due.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Client;
use serde_json::Value;

use super::super::Failure;
use crate::cli::words;
use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// How long a task may be due before its server is said to stand still; more than clocks differ.
const STANDSTILL: TimeDelta = TimeDelta::minutes(3);
/// The longest text of an answer that is told.
const DETAIL_MAX: usize = 300;

/// Checks one server.
pub(super) struct Checker {
    client: Client,
    server: String,
    token: Option<String>,
}

impl Checker {
    /// `timeout` is the time limit of each request.
    pub fn new(server: &str, token: Option<String>, timeout: Duration) -> Result<Checker, Failure> {
        let server = server.trim_end_matches('/').to_owned();
        let valid = reqwest::Url::parse(&server).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if valid.is_none() {
            return Err(Failure::Usage(words(&message!("cli.not_server", address = &server).of("--server"))));
        }
        // Fails if another part of the process has installed a provider already, which is fine.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeout)
            .timeout(timeout)
            // A connection that is kept would hide that no new one is accepted.
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Failure::failed)?;
        Ok(Checker { client, server, token })
    }

    pub fn server(&self) -> &str {
        &self.server
    }

    /// Checks once.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check(&self, now: DateTime<Utc>) -> Result<(), Message> {
        let (status, body) = self.get("/readyz").await?;
        if status != 200 {
            return Err(message!("watch.not_ready", status, detail = detail(&body)));
        }
        match &self.token {
            Some(_) => self.check_ledger(now).await,
            None => Ok(()),
        }
    }

    /// Whether the task that is due next is not due for long already.
    async fn check_ledger(&self, now: DateTime<Utc>) -> Result<(), Message> {
        let (status, body) = self.get("/api/v1/stats").await?;
        if status != 200 {
            return Err(message!("watch.refused", status, detail = detail(&body)));
        }
        let stats: Value = serde_json::from_str(&body).unwrap_or_default();
        let first = &stats["due_next"][0];
        let due = first["next_run_at"].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        match due {
            Some(due) if now - due.to_utc() > STANDSTILL => {
                let task = first["task_id"].as_str().unwrap_or_default();
                Err(message!("watch.standstill", task, due = due.to_rfc3339()))
            }
            _ => Ok(()),
        }
    }

    async fn get(&self, path: &str) -> Result<(u16, String), Message> {
        let mut request = self.client.get(format!("{}{path}", self.server));
        if let Some(token) = self.token.as_ref().filter(|_| path.starts_with("/api/")) {
            request = request.bearer_auth(token);
        }
        let failed = |error: reqwest::Error| {
            let error = error.without_url();
            let why = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source()).last();
            message!("watch.no_answer", why = why.map_or_else(String::new, ToString::to_string))
        };
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await.map_err(failed)?))
    }
}

/// The detail of a problem document, or the beginning of another answer.
fn detail(body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    truncate(problem["detail"].as_str().unwrap_or(body).trim(), DETAIL_MAX)
}
