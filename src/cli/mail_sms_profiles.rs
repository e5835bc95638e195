//! `belfry smtp` and `belfry sms`: list and test mail servers and SMS providers.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::{ApiClient, Call};
use super::connection_args::ConnectionArgs;
use super::connection_test::{self, TestTexts};
use super::output_options::{OutputOptions, Tone, text};
use super::table::{Cell, Table};
use crate::cli::words;
use crate::i18n::message;

/// List and test the mail servers that tasks may use.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry smtp list
  belfry smtp test office --to alice@example.com")]
pub(super) struct Smtp {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: MailAction,
}

#[derive(Debug, Subcommand)]
enum MailAction {
    /// List the mail servers.
    #[command(visible_alias = "ls")]
    List,
    /// Send a short mail; exit status 1 if the server does not accept it.
    Test {
        name: String,
        /// The recipient.
        #[arg(long, value_name = "ADDRESS")]
        to: String,
    },
}

/// List and test the SMS providers that tasks may use.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry sms list
  belfry sms test gateway --to 13800138000 --text 'Belfry: a test'
  belfry sms test aliyun --to 13800138000 --template SMS_154950909 --params '{\"code\": \"1234\"}'")]
pub(super) struct Sms {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: SmsAction,
}

#[derive(Debug, Subcommand)]
enum SmsAction {
    /// List the SMS providers.
    #[command(visible_alias = "ls")]
    List,
    /// Send a text message, which is charged as usual; exit status 1 if the provider does not accept it.
    Test {
        name: String,
        /// The recipient.
        #[arg(long, value_name = "NUMBER")]
        to: String,
        /// The text to send.
        #[arg(long, conflicts_with = "template")]
        text: Option<String>,
        /// The code of one of the provider's templates.
        #[arg(long)]
        template: Option<String>,
        /// Values for the template's placeholders: a JSON object or list.
        #[arg(long, value_name = "JSON", requires = "template", value_parser = read_json)]
        params: Option<Value>,
    },
}

impl Smtp {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.action {
            MailAction::List => {
                let heads = ["name", "host", "port", "tls", "sender"];
                self.connection.run(async |client, output| list("smtp", &heads, "smtp.none", client, output).await)
            }
            MailAction::Test { name, to } => {
                self.connection.run(async |client, output| test("smtp", &name, &json!({"to": to}), client, output).await)
            }
        }
    }
}

impl Sms {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.action {
            SmsAction::List => {
                let heads = ["name", "provider", "sign", "template"];
                self.connection.run(async |client, output| list("sms", &heads, "sms.none", client, output).await)
            }
            SmsAction::Test { name, to, text, template, params } => {
                let mut message = json!({"to": to});
                let given = [("text", text.map(Value::from)), ("template", template.map(Value::from)), ("params", params)];
                for (name, value) in given.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                    message[name] = value;
                }
                self.connection.run(async |client, output| test("sms", &name, &message, client, output).await)
            }
        }
    }
}

fn read_json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| words(&message!("cli.not_json", error = error.to_string())))
}

async fn list(kind: &str, heads: &[&'static str], none: &str, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
    let all = client.json(Call::get(&[kind]), output).await?;
    output.show(&all, |all| {
        let mut table = Table::new(heads);
        for one in all.as_array().into_iter().flatten() {
            let cell = |head: &&'static str| match *head {
                "name" => Cell::toned(text(&one["name"]), Tone::Strong),
                "port" => Cell::plain(one["port"].to_string()),
                field => Cell::plain(text(&one[field])),
            };
            table.row(heads.iter().map(cell).collect());
        }
        if table.is_empty() { output.line(none, &[]) } else { table.draw(output) }
    })
}

async fn test(kind: &str, name: &str, message: &Value, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
    let texts = TestTexts { success: "test.accepted", failure: "test.refused", detail_field: "said" };
    connection_test::run(Call::post(&[kind, name, "test"]).json(message), name, &texts, client, output).await
}
