//! `belfry user`: accounts, for whoever sits at the machine.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::Failure;
use super::call::Call;
use super::input::{confirm, read_value};
use super::look::{Look, Tone, instant, text};
use super::reach::Reach;
use super::table::{Cell, Table};

/// Make, change and delete accounts.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry user add alice --role admin            the password is read from the input
  belfry user add bot --role operator --no-password
  belfry user set bob --role editor --grant send_sql
  belfry user set bob --tag billing             only tasks with that tag
  belfry user passwd alice --from-file password.txt
  belfry user sign-out bob
  belfry user reset-2fa bob
  belfry user list

A password is read from the input or a file, never from the command line. A running server knows of a change at once.")]
pub(super) struct UserCommand {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an account.
    Add {
        name: String,
        /// What it may do.
        #[arg(long, value_enum, default_value = "viewer")]
        role: Role,
        /// A dangerous task type that it may set up though its role may not; may be given more than once.
        #[arg(long, value_name = "TYPE")]
        grant: Vec<String>,
        /// It sees and touches only tasks with this tag; may be given more than once.
        #[arg(long, value_name = "TAG")]
        tag: Vec<String>,
        /// Nobody signs in to it by password.
        #[arg(long, conflicts_with = "from_file")]
        no_password: bool,
        /// Read the password from this file instead of the input.
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
    },
    /// Change an account; what is not named stays.
    Set {
        name: String,
        /// What it may do.
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// The dangerous task types that it may set up, in place of those before; once with an empty text: none.
        #[arg(long, value_name = "TYPE")]
        grant: Vec<String>,
        /// The tags that it is limited to, in place of those before; once with an empty text: none, so all tasks.
        #[arg(long, value_name = "TAG")]
        tag: Vec<String>,
        /// It can neither sign in nor use its tokens.
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// It can again.
        #[arg(long)]
        enable: bool,
    },
    /// Give an account another password; its sessions end.
    Passwd {
        name: String,
        /// Read the password from this file instead of the input.
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
    },
    /// End all sessions of an account; its tokens stay.
    SignOut { name: String },
    /// Take away an account's second factor, for somebody who lost it.
    #[command(name = "reset-2fa")]
    ResetSecondFactor { name: String },
    /// List the accounts.
    List,
    /// Delete an account with its sessions and tokens.
    Rm {
        name: String,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// What an account may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Role {
    /// See.
    Viewer,
    /// Run, pause, resume, cancel, run again.
    Operator,
    /// Create, change and delete tasks of safe types.
    Editor,
    /// Everything.
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
        let UserCommand { reach, action } = self;
        match action {
            Action::Add { name, role, grant, tag, no_password, from_file } => {
                let mut new = json!({"name": name, "role": role.word(), "grants": grant, "tags": tag});
                if !no_password {
                    new["password"] = read_value("password", from_file)?.into();
                }
                let values = [("name", name.as_str()), ("role", role.word())];
                reach.run(async |caller, look| {
                    let user = caller.json(Call::post(&["users"]).json(&new), look).await?;
                    look.show(&user, |_| look.line("user.made", &values))
                })
            }
            Action::Set { name, role, grant, tag, disable, enable } => {
                let change = change(role, grant, tag, (disable || enable).then_some(disable));
                reach.run(async |caller, look| {
                    let user = caller.json(Call::put(&["users", &name]).json(&change), look).await?;
                    look.show(&user, |user| table(std::slice::from_ref(user), look))
                })
            }
            Action::Passwd { name, from_file } => {
                let change = json!({"password": read_value("password", from_file)?});
                reach.run(async |caller, look| {
                    let user = caller.json(Call::put(&["users", &name]).json(&change), look).await?;
                    look.show(&user, |_| look.line("user.password", &[("name", &name)]))
                })
            }
            Action::SignOut { name } => reach.run(async |caller, look| {
                caller.send(Call::delete(&["users", &name, "sessions"]), look).await?;
                look.say("user.signed_out", &[("name", &name)])
            }),
            Action::ResetSecondFactor { name } => reach.run(async |caller, look| {
                caller.send(Call::delete(&["users", &name, "second-factor"]), look).await?;
                look.say("user.reset", &[("name", &name)])
            }),
            Action::List => reach.run(async |caller, look| {
                let users = caller.json(Call::get(&["users"]), look).await?;
                look.show(&users, |users| table(users.as_array().map_or(&[], Vec::as_slice), look))
            }),
            Action::Rm { name, yes } => reach.run(async |caller, look| {
                confirm(&look.fill("user.ask", &[("name", &name)]), yes, look)?;
                caller.send(Call::delete(&["users", &name]), look).await?;
                look.say("user.gone", &[("name", &name)])
            }),
        }
    }
}

/// What is given of a change; what is left out stays.
fn change(role: Option<Role>, grants: Vec<String>, tags: Vec<String>, disabled: Option<bool>) -> Value {
    let mut change = Map::new();
    if let Some(role) = role {
        change.insert("role".to_owned(), role.word().into());
    }
    // An empty one stands for none.
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

fn table(users: &[Value], look: &Look) -> String {
    let mut table = Table::new(&["name", "role", "seen", "grants", "tags", "state"]);
    for user in users {
        let list = |member: &str| user[member].as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(", ");
        let state = match user["disabled"].as_bool() {
            Some(true) => Cell::toned(look.text("user.disabled"), Tone::Warning),
            _ if user["second_factor"] == true => Cell::of(look.text("user.second_factor")),
            _ if user["single_sign_on"] == true => Cell::of(look.text("user.single_sign_on")),
            _ => Cell::of(""),
        };
        let (name, role) = (Cell::of(text(&user["name"])), Cell::of(text(&user["role"])));
        table.row(vec![
            name,
            role,
            Cell::of(instant(&user["last_seen_at"])),
            Cell::of(list("grants")),
            Cell::of(list("tags")),
            state,
        ]);
    }
    table.draw(look)
}
