//! `belfry token`: programs' ways in.

use std::io::Write;
use std::path::PathBuf;

use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::Call;
use super::input::confirm;
use super::look::{Look, Tone, instant, text};
use super::reach::Reach;
use super::table::{Cell, Table};
use super::user::Role;
use crate::clock::{Clock, SystemClock};

/// Make, list and withdraw tokens, with which programs sign in.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry token add deploy --user alice --role operator --expires 90d
  belfry token add deploy --user alice --to-file token.txt
  belfry token list
  belfry token rm 01KAHW3R80Z8Q1T3B1C6N5M9XA

A token belongs to an account: on the local database the one named by --user, on a server that of the token it is asked with.")]
pub(super) struct Token {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token; its text is shown this once.
    Add {
        /// What it is for.
        name: String,
        /// The account it belongs to, on the local database.
        #[arg(long)]
        user: Option<String>,
        /// What it may do; by default what its account may.
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// When it ends: a span such as 90d, or a date; by default never.
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// Write its text into this file, which only you may read, instead of showing it.
        #[arg(long, value_name = "FILE")]
        to_file: Option<PathBuf>,
    },
    /// List tokens without their texts.
    #[command(visible_alias = "ls")]
    List,
    /// Withdraw a token; it is refused from the next request on.
    Rm {
        /// The token's id, as `token list` shows it.
        id: String,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

impl Token {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Token { reach, action } = self;
        match action {
            Action::Add { name, user, role, expires, to_file } => {
                let reach = match (user, reach.address()) {
                    (Some(user), _) => reach.in_the_name_of(&user)?,
                    (None, Some(_)) => reach,
                    (None, None) => return Err(Failure::Usage(reach.look()?.text("token.whose"))),
                };
                let mut new = json!({"name": name});
                if let Some(role) = role {
                    new["role"] = role.word().into();
                }
                if let Some(expires) = expires {
                    new["expires_at"] = end(&expires).into();
                }
                reach.run(async |caller, look| {
                    let mut made = caller.json(Call::post(&["tokens"]).json(&new), look).await?;
                    if let Some(file) = &to_file {
                        keep(file, text(&made["token"]))?;
                        made["token"] = Value::Null;
                        return look.show(&made, |_| look.line("token.kept", &[("file", &file.display().to_string())]));
                    }
                    if !look.is_json() {
                        look.note(&look.fill("token.made", &[("name", &name)]));
                    }
                    look.show(&made, |made| format!("{}\n", text(&made["token"])))
                })
            }
            Action::List => reach.run(async |caller, look| {
                let tokens = caller.json(Call::get(&["tokens"]), look).await?;
                look.show(&tokens, |tokens| table(tokens, look))
            }),
            Action::Rm { id, yes } => reach.run(async |caller, look| {
                confirm(&look.fill("token.ask", &[("id", &id)]), yes, look)?;
                caller.send(Call::delete(&["tokens", &id]), look).await?;
                look.say("token.gone", &[("id", &id)])
            }),
        }
    }
}

/// When a token ends: a span from now, or what the API reads.
fn end(given: &str) -> String {
    let span = super::task::parse_span(given).filter(|_| given.ends_with(|c: char| c.is_ascii_alphabetic()));
    match span.and_then(chrono::Duration::try_seconds) {
        Some(span) => (SystemClock.now() + span).to_rfc3339_opts(SecondsFormat::Millis, true),
        None => given.to_owned(),
    }
}

/// Writes a token into a new file of one's own.
fn keep(file: &std::path::Path, token: &str) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut open| writeln!(open, "{token}"));
    written.map_err(|error| {
        let why = crate::config::reason(&error);
        Failure::Failed(format!("--to-file: cannot write {}: {why}; the token {token} was made all the same", file.display()))
    })
}

fn table(tokens: &Value, look: &Look) -> String {
    let mut table = Table::new(&["id", "user", "name", "role", "expires", "used"]);
    for token in tokens.as_array().into_iter().flatten() {
        let expires = match token["expires_at"].is_string() {
            true => Cell::of(instant(&token["expires_at"])),
            false => Cell::toned(look.text("token.never"), Tone::Warning),
        };
        let of = |field: &str| Cell::of(text(&token[field]));
        let name = Cell::toned(text(&token["name"]), Tone::Strong);
        table.row(vec![of("id"), of("user"), name, of("role"), expires, Cell::of(instant(&token["used_at"]))]);
    }
    if table.is_empty() { look.line("token.none", &[]) } else { table.draw(look) }
}
