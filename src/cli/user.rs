//! `belfry user`: accounts, for whoever sits at the machine.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::local::{Local, read_value};
use super::{Failure, answer};
use crate::domain::user::{Role, User};
use crate::service::{NewUser, UserChange};

/// Make, change and delete accounts.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry user add alice --role admin            the password is read from the input
  belfry user add bot --role operator --no-password
  belfry user set bob --role editor --grant send_sql
  belfry user passwd alice --from-file password.txt
  belfry user list

A password is read from the input or a file, never from the command line. A running server knows of a change at once.")]
pub(super) struct UserCommand {
    #[command(flatten)]
    local: Local,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an account.
    Add {
        name: String,
        /// viewer, operator, editor or admin.
        #[arg(long, default_value = "viewer", value_parser = read_role)]
        role: Role,
        /// A dangerous task type that it may set up though its role may not; may be given more than once.
        #[arg(long, value_name = "TYPE")]
        grant: Vec<String>,
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
        /// viewer, operator, editor or admin.
        #[arg(long, value_parser = read_role)]
        role: Option<Role>,
        /// The dangerous task types that it may set up, in place of those before; once with an empty text: none.
        #[arg(long, value_name = "TYPE")]
        grant: Vec<String>,
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
    /// List the accounts.
    List,
    /// Delete an account with its sessions and tokens.
    Rm { name: String },
}

fn read_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "use viewer, operator, editor or admin".to_owned())
}

impl UserCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let UserCommand { local, action } = self;
        match action {
            Action::Add { name, role, grant, no_password, from_file } => {
                let password = if no_password { None } else { Some(read_value("password", from_file)?) };
                let new = NewUser { name, role, password, grants: grant };
                let user = local.ask(async |service, actor| service.create_user(&actor, &new).await)?;
                answer(&format!("{} is made, as {}\n", user.name, user.role.as_str()))
            }
            Action::Set { name, role, grant, disable, enable } => {
                let grants = (!grant.is_empty()).then(|| grant.into_iter().filter(|name| !name.is_empty()).collect());
                let disabled = (disable || enable).then_some(disable);
                let change = UserChange { role, grants, disabled, password: None };
                let user = local.ask(async |service, actor| service.update_user(&actor, &name, &change).await)?;
                answer(&line(&user))
            }
            Action::Passwd { name, from_file } => {
                let change = UserChange { password: Some(read_value("password", from_file)?), ..UserChange::default() };
                local.ask(async |service, actor| service.update_user(&actor, &name, &change).await)?;
                answer(&format!("{name} has another password\n"))
            }
            Action::List => {
                let users = local.ask(async |service, actor| service.users(&actor).await)?;
                answer(&users.iter().map(line).collect::<String>())
            }
            Action::Rm { name } => {
                local.ask(async |service, actor| service.delete_user(&actor, &name).await)?;
                answer(&format!("{name} is deleted\n"))
            }
        }
    }
}

fn line(user: &User) -> String {
    let seen = user.last_seen_at.map_or("never seen".to_owned(), |at| format!("seen {}", at.format("%Y-%m-%d %H:%M UTC")));
    let mut line = format!("{:<32} {:<9} {seen}", user.name, user.role.as_str());
    if user.disabled {
        line.push_str("  disabled");
    }
    if !user.grants.is_empty() {
        let _cannot_fail = write!(line, "  may set up {}", user.grants.join(", "));
    }
    line + "\n"
}
