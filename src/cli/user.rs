//! `belfry user`: manages accounts.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::input::{confirm, read_value};
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::table::{Cell, Table};

/// Create, change and delete accounts.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry user add alice --role admin            the password is read from standard input
  belfry user add bot --role operator --no-password
  belfry user set bob --role editor --grant send_sql
  belfry user set bob --tag billing             only tasks with that tag
  belfry user passwd alice --from-file password.txt
  belfry user sign-out bob
  belfry user reset-2fa bob
  belfry user list

Passwords are read from standard input or a file, never from the command line. Changes take effect at once on a running server.")]
pub(super) struct UserCommand {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create an account.
    Add {
        name: String,
        /// The account's role.
        #[arg(long, value_enum, default_value = "viewer")]
        role: Role,
        /// A dangerous task type that it may set up although its role does not allow it; repeatable.
        #[arg(long, value_name = "TYPE")]
        grant: Vec<String>,
        /// Limit the account to tasks with this tag; repeatable.
        #[arg(long, value_name = "TAG")]
        tag: Vec<String>,
        /// Create it without a password, for single sign-on only.
        #[arg(long, conflicts_with = "from_file")]
        no_password: bool,
        /// Read the password from this file instead of standard input.
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
    },
    /// Change an account; options not given stay unchanged.
    Set {
        name: String,
        /// The account's role.
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// The dangerous task types that it may set up, replacing the previous ones; an empty value for none.
        #[arg(long, value_name = "TYPE")]
        grant: Vec<String>,
        /// The tags that it is limited to, replacing the previous ones; an empty value for all tasks.
        #[arg(long, value_name = "TAG")]
        tag: Vec<String>,
        /// Disable the account and its tokens.
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Enable the account again.
        #[arg(long)]
        enable: bool,
    },
    /// Set a new password; ends the account's sessions.
    Passwd {
        name: String,
        /// Read the password from this file instead of standard input.
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
    },
    /// End all sessions of an account; its tokens stay valid.
    SignOut { name: String },
    /// Remove an account's second factor, for a user who lost it.
    #[command(name = "reset-2fa")]
    ResetSecondFactor { name: String },
    /// List the accounts.
    List,
    /// Delete an account with its sessions and tokens.
    Rm {
        name: String,
        /// Do not ask for confirmation.
        #[arg(long, short)]
        yes: bool,
    },
}

/// The roles of an account.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Role {
    /// Read only.
    Viewer,
    /// Run, pause, resume, cancel and rerun.
    Operator,
    /// Create, change and delete tasks of safe types.
    Editor,
    /// Everything, including accounts.
    Admin,
}

impl Role {
    pub(super) fn word(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Editor => "editor",
            Role::Admin => "admin",
        }
    }
}

impl UserCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let UserCommand { connection, action } = self;
        match action {
            Action::Add { name, role, grant, tag, no_password, from_file } => {
                let mut new = json!({"name": name, "role": role.word(), "grants": grant, "tags": tag});
                if !no_password {
                    new["password"] = read_value("password", from_file)?.into();
                }
                let values = [("name", name.as_str()), ("role", role.word())];
                connection.run(async |client, output| {
                    let user = client.json(Call::post(&["users"]).json(&new), output).await?;
                    output.show(&user, |_| output.line("user.created", &values))
                })
            }
            Action::Set { name, role, grant, tag, disable, enable } => {
                let change = change(role, grant, tag, (disable || enable).then_some(disable));
                connection.run(async |client, output| {
                    let user = client.json(Call::put(&["users", &name]).json(&change), output).await?;
                    output.show(&user, |user| table(std::slice::from_ref(user), output))
                })
            }
            Action::Passwd { name, from_file } => {
                let change = json!({"password": read_value("password", from_file)?});
                connection.run(async |client, output| {
                    let user = client.json(Call::put(&["users", &name]).json(&change), output).await?;
                    output.show(&user, |_| output.line("user.password", &[("name", &name)]))
                })
            }
            Action::SignOut { name } => connection.run(async |client, output| {
                client.send(Call::delete(&["users", &name, "sessions"]), output).await?;
                output.print_text("user.signed_out", &[("name", &name)])
            }),
            Action::ResetSecondFactor { name } => connection.run(async |client, output| {
                client.send(Call::delete(&["users", &name, "second-factor"]), output).await?;
                output.print_text("user.reset", &[("name", &name)])
            }),
            Action::List => connection.run(async |client, output| {
                let users = client.json(Call::get(&["users"]), output).await?;
                output.show(&users, |users| table(users.as_array().map_or(&[], Vec::as_slice), output))
            }),
            Action::Rm { name, yes } => connection.run(async |client, output| {
                confirm(&output.fill("user.ask", &[("name", &name)]), yes, output)?;
                client.send(Call::delete(&["users", &name]), output).await?;
                output.print_text("user.deleted", &[("name", &name)])
            }),
        }
    }
}

/// The given fields of a change; the others stay unchanged.
fn change(role: Option<Role>, grants: Vec<String>, tags: Vec<String>, disabled: Option<bool>) -> Value {
    let mut change = Map::new();
    if let Some(role) = role {
        change.insert("role".to_owned(), role.word().into());
    }
    // An empty value means none.
    for (member, given) in [("grants", grants), ("tags", tags)] {
        if !given.is_empty() {
            let named: Vec<String> = given.into_iter().filter(|name| !name.is_empty()).collect();
            change.insert(member.to_owned(), named.into());
        }
    }
    if let Some(disabled) = disabled {
        change.insert("disabled".to_owned(), disabled.into());
    }
    Value::Object(change)
}

fn table(users: &[Value], output: &OutputOptions) -> String {
    let mut table = Table::new(&["name", "role", "seen", "grants", "tags", "state"]);
    for user in users {
        let list = |member: &str| user[member].as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(", ");
        let state = match user["disabled"].as_bool() {
            Some(true) => Cell::toned(output.text("user.disabled"), Tone::Warning),
            _ if user["second_factor"] == true => Cell::plain(output.text("user.second_factor")),
            _ if user["single_sign_on"] == true => Cell::plain(output.text("user.single_sign_on")),
            _ => Cell::plain(""),
        };
        let (name, role) = (Cell::plain(text(&user["name"])), Cell::plain(text(&user["role"])));
        table.row(vec![
            name,
            role,
            Cell::plain(timestamp(&user["last_seen_at"])),
            Cell::plain(list("grants")),
            Cell::plain(list("tags")),
            state,
        ]);
    }
    table.draw(output)
}
