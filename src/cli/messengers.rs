//! `belfry smtp` and `belfry sms`: the mail servers and SMS providers that tasks may use.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::{Call, Caller};
use super::look::{Look, Tone, text};
use super::reach::Reach;
use super::table::{Cell, Table};
use super::trial::{self, Words};

/// List and try the mail servers that tasks may use.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry smtp list
  belfry smtp test office --to alice@example.com")]
pub(super) struct Smtp {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    action: MailAction,
}

#[derive(Debug, Subcommand)]
enum MailAction {
    /// List them.
    #[command(visible_alias = "ls")]
    List,
    /// Send a short mail; exit status 1 where it is not taken.
    Test {
        name: String,
        /// Who gets it.
        #[arg(long, value_name = "ADDRESS")]
        to: String,
    },
}

/// List and try the SMS providers that tasks may use.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry sms list
  belfry sms test gateway --to 13800138000 --text 'Belfry: a trial'
  belfry sms test aliyun --to 13800138000 --template SMS_154950909 --params '{\"code\": \"1234\"}'")]
pub(super) struct Sms {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    action: SmsAction,
}

#[derive(Debug, Subcommand)]
enum SmsAction {
    /// List them.
    #[command(visible_alias = "ls")]
    List,
    /// Send a text message, which costs what a message costs; exit status 1 where it is not taken.
    Test {
        name: String,
        /// Who gets it.
        #[arg(long, value_name = "NUMBER")]
        to: String,
        /// What to send.
        #[arg(long, conflicts_with = "template")]
        text: Option<String>,
        /// The code of a template that the provider knows.
        #[arg(long)]
        template: Option<String>,
        /// What the template's places are filled with: a JSON object or list.
        #[arg(long, value_name = "JSON", requires = "template", value_parser = read_json)]
        params: Option<Value>,
    },
}

impl Smtp {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.action {
            MailAction::List => {
                let heads = ["name", "host", "port", "tls", "sender"];
                self.reach.run(async |caller, look| list("smtp", &heads, "smtp.none", caller, look).await)
            }
            MailAction::Test { name, to } => {
                self.reach.run(async |caller, look| test("smtp", &name, &json!({"to": to}), caller, look).await)
            }
        }
    }
}

impl Sms {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.action {
            SmsAction::List => {
                let heads = ["name", "provider", "sign", "template"];
                self.reach.run(async |caller, look| list("sms", &heads, "sms.none", caller, look).await)
            }
            SmsAction::Test { name, to, text, template, params } => {
                let message = json!({"to": to, "text": text, "template": template, "params": params});
                self.reach.run(async |caller, look| test("sms", &name, &message, caller, look).await)
            }
        }
    }
}

fn read_json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))
}

async fn list(kind: &str, heads: &[&'static str], none: &str, caller: &Caller, look: &Look) -> Result<(), Failure> {
    let all = caller.json(Call::get(&[kind]), look).await?;
    look.show(&all, |all| {
        let mut table = Table::new(heads);
        for one in all.as_array().into_iter().flatten() {
            let cell = |head: &&'static str| match *head {
                "name" => Cell::toned(text(&one["name"]), Tone::Strong),
                "port" => Cell::of(one["port"].to_string()),
                field => Cell::of(text(&one[field])),
            };
            table.row(heads.iter().map(cell).collect());
        }
        if table.is_empty() { look.line(none, &[]) } else { table.draw(look) }
    })
}

async fn test(kind: &str, name: &str, message: &Value, caller: &Caller, look: &Look) -> Result<(), Failure> {
    let words = Words { good: "trial.taken", bad: "trial.refused", said: "said" };
    trial::ask(Call::post(&[kind, name, "test"]).json(message), name, &words, caller, look).await
}
