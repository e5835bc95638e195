//! `belfry token`: manages access tokens for programs.

use std::io::Write;
use std::path::PathBuf;

use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::input::confirm;
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::table::{Cell, Table};
use super::user::Role;
use crate::cli::words;
use crate::clock::{Clock, SystemClock};
use crate::i18n::message;

/// Create, list and revoke access tokens for programs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry token add deploy --user alice --role operator --expires 90d
  belfry token add deploy --user alice --to-file token.txt
  belfry token list
  belfry token rm 01KAHW3R80Z8Q1T3B1C6N5M9XA

A token belongs to an account: on the local database the one named by --user, on a server the one of the token in use.")]
pub(super) struct Token {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a token; its text is shown only once.
    Add {
        /// The token's name.
        name: String,
        /// The account it belongs to; required on the local database.
        #[arg(long)]
        user: Option<String>,
        /// The token's role; by default its account's.
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// When it expires: a span such as 90d, or a date; by default never.
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// Write the token to this file, readable only by you, instead of printing it.
        #[arg(long, value_name = "FILE")]
        to_file: Option<PathBuf>,
    },
    /// List tokens without their texts.
    #[command(visible_alias = "ls")]
    List,
    /// Revoke a token; further requests with it are refused.
    Rm {
        /// The token's id, as `token list` shows it.
        id: String,
        /// Do not ask for confirmation.
        #[arg(long, short)]
        yes: bool,
    },
}

impl Token {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Token { connection, action } = self;
        match action {
            Action::Add { name, user, role, expires, to_file } => {
                let connection = match (user, connection.address()) {
                    (Some(user), _) => connection.acting_as(&user)?,
                    (None, Some(_)) => connection,
                    (None, None) => return Err(Failure::Usage(connection.output()?.text("token.account_required"))),
                };
                let mut new = json!({"name": name});
                if let Some(role) = role {
                    new["role"] = role.word().into();
                }
                if let Some(expires) = expires {
                    new["expires_at"] = expiry(&expires).into();
                }
                connection.run(async |client, output| {
                    let mut token = client.json(Call::post(&["tokens"]).json(&new), output).await?;
                    if let Some(file) = &to_file {
                        write_token_file(file, text(&token["token"]))?;
                        token["token"] = Value::Null;
                        return output.show(&token, |_| output.line("token.saved", &[("file", &file.display().to_string())]));
                    }
                    if !output.is_json() {
                        output.note(&output.fill("token.created", &[("name", &name)]));
                    }
                    output.show(&token, |token| format!("{}\n", text(&token["token"])))
                })
            }
            Action::List => connection.run(async |client, output| {
                let tokens = client.json(Call::get(&["tokens"]), output).await?;
                output.show(&tokens, |tokens| table(tokens, output))
            }),
            Action::Rm { id, yes } => connection.run(async |client, output| {
                confirm(&output.fill("token.ask", &[("id", &id)]), yes, output)?;
                client.send(Call::delete(&["tokens", &id]), output).await?;
                output.print_text("token.revoked", &[("id", &id)])
            }),
        }
    }
}

/// When a token expires: a span from now, or a time as the API takes it.
fn expiry(given: &str) -> String {
    let span = super::task::flags::parse_span(given).filter(|_| given.ends_with(|c: char| c.is_ascii_alphabetic()));
    match span.and_then(chrono::Duration::try_seconds) {
        Some(span) => (SystemClock.now() + span).to_rfc3339_opts(SecondsFormat::Millis, true),
        None => given.to_owned(),
    }
}

/// Writes a token to a new file that only the user can read.
fn write_token_file(file: &std::path::Path, token: &str) -> Result<(), Failure> {
    let written = crate::private_files::create_new(file).and_then(|mut open| writeln!(open, "{token}"));
    written.map_err(|error| {
        let why = crate::config::reason(&error);
        Failure::Failed(words(&message!("cli.token_not_written", path = file.display().to_string(), why, token)))
    })
}

fn table(tokens: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["id", "user", "name", "role", "expires", "used"]);
    for token in tokens.as_array().into_iter().flatten() {
        let expires = match token["expires_at"].is_string() {
            true => Cell::plain(timestamp(&token["expires_at"])),
            false => Cell::toned(output.text("token.never"), Tone::Warning),
        };
        let of = |field: &str| Cell::plain(text(&token[field]));
        let name = Cell::toned(text(&token["name"]), Tone::Strong);
        table.row(vec![of("id"), of("user"), name, of("role"), expires, Cell::plain(timestamp(&token["used_at"]))]);
    }
    if table.is_empty() { output.line("token.none", &[]) } else { table.draw(output) }
}
