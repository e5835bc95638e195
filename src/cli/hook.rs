//! `belfry hook`: manages the addresses that start a task.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::input::confirm;
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::table::{Cell, Table};

/// Manage hooks: addresses that start a task when something sends a POST request to them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry hook add deploy --name ci                 prints the address, which is shown only once
  belfry hook add deploy --name github --sign github
  belfry hook list deploy
  belfry hook rotate deploy 01KAHW3R80Z8Q1T3B1C6N5M9XA
  belfry hook rm deploy 01KAHW3R80Z8Q1T3B1C6N5M9XA")]
pub(super) struct Hook {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a hook of a task and print its address.
    Add {
        /// The task's id.
        task: String,
        /// The hook's name.
        #[arg(long)]
        name: Option<String>,
        /// How calls are signed; the key is printed with the address.
        #[arg(long, value_enum, default_value = "none")]
        sign: Sign,
    },
    /// List the hooks of a task.
    #[command(visible_alias = "ls")]
    List {
        /// The task's id.
        task: String,
    },
    /// Give a hook another address; the former one ends at once.
    Rotate {
        /// The task's id.
        task: String,
        /// The hook's id.
        hook: String,
    },
    /// Revoke a hook.
    Rm {
        /// The task's id.
        task: String,
        /// The hook's id.
        hook: String,
        /// Do not ask for confirmation.
        #[arg(long, short)]
        yes: bool,
    },
}

/// How the calls of a hook are signed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sign {
    None,
    StandardWebhooks,
    Github,
}

impl Sign {
    fn word(self) -> &'static str {
        match self {
            Sign::None => "none",
            Sign::StandardWebhooks => "standard_webhooks",
            Sign::Github => "github",
        }
    }
}

impl Hook {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Hook { connection, action } = self;
        match action {
            Action::Add { task, name, sign } => connection.run(async |client, output| {
                let mut new = json!({"hmac": sign.word()});
                if let Some(name) = name {
                    new["name"] = name.into();
                }
                let created = client.json(Call::post(&["tasks", &task, "hooks"]).json(&new), output).await?;
                output.show(&created, |created| shown(created, output))
            }),
            Action::List { task } => connection.run(async |client, output| {
                let all = client.json(Call::get(&["tasks", &task, "hooks"]), output).await?;
                output.show(&all, |all| table(all, output))
            }),
            Action::Rotate { task, hook } => connection.run(async |client, output| {
                let rotated = client.json(Call::post(&["tasks", &task, "hooks", &hook, "rotate"]), output).await?;
                output.show(&rotated, |rotated| shown(rotated, output))
            }),
            Action::Rm { task, hook, yes } => connection.run(async |client, output| {
                confirm(&output.fill("hook.ask", &[("id", &hook)]), yes, output)?;
                client.send(Call::delete(&["tasks", &task, "hooks", &hook]), output).await?;
                output.print_text("hook.revoked", &[("id", &hook)])
            }),
        }
    }
}

/// The address, with the key of the signatures if there is a new one.
fn shown(hook: &Value, output: &OutputOptions) -> String {
    output.note(&output.text("hook.shown_once"));
    match hook["secret"].as_str() {
        Some(key) => format!("{}\n{key}\n", text(&hook["url"])),
        None => format!("{}\n", text(&hook["url"])),
    }
}

fn table(hooks: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["id", "name", "kind", "by", "used"]);
    for hook in hooks.as_array().into_iter().flatten() {
        let of = |field: &str| Cell::plain(text(&hook[field]));
        let name = Cell::toned(text(&hook["name"]), Tone::Strong);
        table.row(vec![of("id"), name, of("hmac"), of("created_by"), Cell::plain(timestamp(&hook["used_at"]))]);
    }
    if table.is_empty() { output.line("hook.none", &[]) } else { table.draw(output) }
}
