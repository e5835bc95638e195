//! `belfry watch`: watches a server from another machine, and sends alarms through channels of its own.

mod check;
mod post;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;
use tokio_util::sync::CancellationToken;

use self::check::Checker;
use self::post::Post;
use super::Failure;
use super::environment::variable;
use super::output_options::{OutputFlags, OutputOptions};
use super::stop::on_signals;
use super::task::flags::span;
use crate::cli::words;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::domain::notify::channel::Channel;
use crate::i18n::message;
use crate::notify::watchdog::{Alarm, Watchdog};

/// Watch a server from another machine: tell by channels of this machine's settings when it does not answer, is not ready, or its
/// tasks are due and do not run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry watch --server https://belfry.example.com --config watch.toml
  belfry watch --server https://belfry.example.com --every 10s --channel ops --token-file token.txt

The settings file needs channels, [notify.<name>], and the [smtp.<name>] and [sms.<name>] that they name. With a token, `watch` also
sees that the tasks which are due are planned. It runs until it is stopped; two servers may watch each other.")]
pub(super) struct Watch {
    /// The server's address [env: BELFRY_SERVER_URL].
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// How often to look, such as 10s.
    #[arg(long, value_name = "SPAN", default_value = "30s")]
    every: String,
    /// How long an answer may take.
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    timeout: String,
    /// How many looks in a row must fail before it tells.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    failures: u32,
    /// How often to remind; 0 never.
    #[arg(long, value_name = "SPAN", default_value = "1h")]
    remind: String,
    /// A channel of the settings; repeatable; by default all of them.
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// The settings file with the channels; by default belfry.toml, if it exists [env: BELFRY_CONFIG].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A file with an access token of the server; a viewer's is enough [env: BELFRY_TOKEN, BELFRY_TOKEN_FILE].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputFlags,
}

impl Watch {
    pub(super) fn run(self) -> Result<(), Failure> {
        let output = self.output.output()?;
        let seconds = |flag: &str, text: &str| span(flag, text).map(|seconds| Duration::from_secs(seconds.unsigned_abs()));
        let every = seconds("--every", &self.every)?.max(Duration::from_secs(1));
        let timeout = seconds("--timeout", &self.timeout)?.max(Duration::from_secs(1));
        let remind = span("--remind", &self.remind)?;
        let watchdog = Watchdog::new(self.failures, (remind > 0).then(|| TimeDelta::seconds(remind)));
        let settings = Settings::from_process(self.config.clone(), Vec::new())?;
        let channels = self.channels(&settings)?;
        let server = self.server.clone().or_else(|| variable("BELFRY_SERVER_URL"));
        let server = server.ok_or_else(|| Failure::Usage(words(&message!("value.required").of("--server"))))?;
        let checker = Checker::new(&server, self.token()?, timeout)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        let stopped = CancellationToken::new();
        on_signals(stopped.clone()).map_err(Failure::failed)?;
        runtime.block_on(async {
            let post = Post::new(&settings, channels, &server).await?;
            let _ = stopped.run_until_cancelled(watch(checker, watchdog, post, every, &output)).await; // it looks until then
            Ok(())
        })
    }

    /// The named channels, or all of the settings.
    fn channels(&self, settings: &Settings) -> Result<Vec<Channel>, Failure> {
        let known: BTreeMap<&String, Channel> = settings
            .profiles
            .notify
            .iter()
            .filter_map(|(name, channel)| Some((name, Channel::from_settings(name, channel)?)))
            .collect();
        if let Some(unknown) = self.channel.iter().find(|name| !known.contains_key(name)) {
            let names: Vec<&str> = known.keys().map(|name| name.as_str()).collect();
            let message = message!("value.not_one_of", value = unknown, known = names.join(", "));
            return Err(Failure::Usage(words(&message.of("--channel"))));
        }
        let wanted = |name: &str| self.channel.is_empty() || self.channel.iter().any(|given| given == name);
        let chosen: Vec<Channel> = known.into_iter().filter(|(name, _)| wanted(name)).map(|(_, channel)| channel).collect();
        if chosen.is_empty() { Err(Failure::Usage(words(&message!("watch.no_channels")))) } else { Ok(chosen) }
    }

    fn token(&self) -> Result<Option<String>, Failure> {
        let file = self.token_file.clone().or_else(|| variable("BELFRY_TOKEN_FILE").map(PathBuf::from));
        match (variable("BELFRY_TOKEN"), file) {
            (Some(token), None) => Ok(Some(token)),
            (_, Some(path)) => super::input::read_value("token", Some(path)).map(|token| Some(token.trim().to_owned())),
            (None, None) => Ok(None),
        }
    }
}

/// Looks until the process is stopped.
async fn watch(checker: Checker, mut watchdog: Watchdog, mut post: Post, every: Duration, output: &OutputOptions) {
    output.note(&output.fill("watch.started", &[("server", checker.server()), ("channels", &post.names())]));
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let result = checker.check(SystemClock.now()).await;
        let now = SystemClock.now();
        if let Some(alarm) = watchdog.observe(result, now) {
            output.note(&format!("{} {}", now.format("%Y-%m-%dT%H:%M:%SZ"), told(&alarm, output)));
            post.queue(&alarm, now);
        }
        for problem in post.deliver(now).await {
            output.note(&problem);
        }
    }
}

/// An alarm as a line on standard error.
fn told(alarm: &Alarm, output: &OutputOptions) -> String {
    match alarm {
        Alarm::Opened { reason, .. } => output.fill("watch.opened", &[("reason", &output.translate(reason))]),
        Alarm::Reminder { reason, .. } => output.fill("watch.still", &[("reason", &output.translate(reason))]),
        Alarm::Recovered { .. } => output.text("watch.recovered"),
    }
}
