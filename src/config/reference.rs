//! The settings reference: renders the table of settings as the Markdown of docs/settings.md.

use std::fmt::Write;

use super::setting::Setting;
use super::table;

/// A group of settings: section, heading and introduction.
struct Group {
    section: &'static str,
    heading: &'static str,
    introduction: &'static str,
}

const fn group(section: &'static str, heading: &'static str, introduction: &'static str) -> Group {
    Group { section, heading, introduction }
}

const GROUPS: &[Group] = &[
    group("", "General", "Keys at the top of the file, before the first section."),
    group("server", "[server]", "The HTTP server: address, TLS, reverse proxies and limits."),
    group("database", "[database]", "The database: SQLite by default, PostgreSQL for several nodes."),
    group("log", "[log]", "The log on standard error and in scheduler.log of the data folder."),
    group("workers", "[workers]", "The workers that run executions."),
    group("workers.queues", "[workers.queues]", "Named queues, each with its own limit of concurrent runs."),
    group("history", "[history]", "Retention of executions, unless the policy of a task sets its own."),
    group("auth", "[auth]", "Sessions and two-factor authentication."),
    group("oidc", "[oidc]", "Single sign-on with OpenID Connect; see [sign-in.md](sign-in.md)."),
    group("commands", "[commands]", "Restrictions of task types that run commands."),
    group("tasks", "[tasks]", "Task types from executables, and the tasks file."),
    group("files", "[files]", "Folders available to task types that read and write files."),
    group(
        "files.*",
        "[files.&lt;name&gt;]",
        "Folders for the files of tasks with given tags, each with a name of your choice; see [permissions.md](permissions.md).",
    ),
    group("backup", "[backup]", "Folders of backups."),
    group("network", "[network]", "Restrictions of task types that connect to other machines."),
    group("secrets", "[secrets]", "Encryption of the secrets that tasks use."),
    group("smtp.*", "[smtp.&lt;name&gt;]", "Mail servers, each with a name of your choice."),
    group("sms.*", "[sms.&lt;name&gt;]", "SMS providers, each with a name of your choice."),
    group("datasource.*", "[datasource.&lt;name&gt;]", "Databases for tasks, each with a name of your choice."),
    group(
        "notify.*",
        "[notify.&lt;name&gt;]",
        "Channels of notifications, each with a name of your choice; see [notifications.md](notifications.md).",
    ),
    group("http.*", "[http.&lt;name&gt;]", "HTTP services for tasks, each with a name of your choice."),
];

const INTRODUCTION: &str = "# Settings

<!-- Generated from src/config. Renew with: BELFRY_WRITE_DOCS=1 cargo test --test settings -->

All settings are optional. Sources, each overriding the ones before:

1. the default;
2. `belfry.toml` in the working directory, or the file set by `--config` or `BELFRY_CONFIG`
   (example: [belfry.example.toml](../belfry.example.toml));
3. environment variables `BELFRY_<SECTION>_<KEY>`; an empty value counts as unset;
4. flags: `--listen`, `--data-dir`, and `--set section.key=value` for any setting.

Lists in environment variables and flags are separated by commas. A secret may also come from a file, whose path is in the variable
with the suffix `_FILE`. An invalid setting stops the start with one line such as
`belfry.toml:12: [server] lisen: unknown key; did you mean listen?`.
";

const FURTHER_VARIABLES: &str = "
## Further environment variables

| environment variable | what it does |
| --- | --- |
| `BELFRY_CONFIG` | The settings file, like `--config`. |
| `BELFRY_ADMIN_USER` | The name of the first administrator, for unattended setup; by default admin. |
| `BELFRY_ADMIN_PASSWORD`, `BELFRY_ADMIN_PASSWORD_FILE` | The password of the first administrator. |
| `BELFRY_ADMIN_TOKEN`, `BELFRY_ADMIN_TOKEN_FILE` | An API token of the first administrator. |
| `BELFRY_SERVER_URL` | Command line: the server to connect to, like `--server`. |
| `BELFRY_TOKEN`, `BELFRY_TOKEN_FILE` | Command line: the API token. |
| `BELFRY_LANG` | Command line: the language, en or zh. |
| `RUST_LOG` | Log rules per module, such as info,belfry=debug; overrides `[log] level`. |
";

/// The content of docs/settings.md.
pub fn markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    for group in GROUPS {
        let _ = write!(text, "\n## {}\n\n{}\n\n", group.heading, group.introduction); // writing to a String cannot fail
        text.push_str("| setting | type | default | environment variable | what it does |\n| --- | --- | --- | --- | --- |\n");
        table::all().filter(|setting| setting.section == group.section).for_each(|setting| text.push_str(&row(setting)));
    }
    text + FURTHER_VARIABLES
}

fn row(setting: &Setting) -> String {
    let key = if setting.key == "*" { "<name>" } else { setting.key };
    let secret = if setting.secret { ", secret" } else { "" };
    let default = if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
    let variable = setting.variable().replace('*', "<NAME>");
    let help = setting.help.replace('|', "\\|").replace('<', "\\<");
    format!("| `{key}` | {}{secret} | {default} | `{variable}` | {help} |\n", setting.value_type.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_has_a_group() {
        for setting in table::all() {
            assert!(GROUPS.iter().any(|group| group.section == setting.section), "[{}] has no group", setting.section);
        }
    }
}
