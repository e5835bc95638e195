//! `belfry import crontab`: imports crontab lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::source::{ImportSource, SourceFlags};
use super::text_file::{TextFile, identity};
use crate::cli::Failure;
use crate::cli::environment::variable;
use crate::cli::output_options::OutputOptions;
use crate::i18n::message;
use crate::migrate::crontab::{CrontabOptions, Users, read};
use crate::migrate::{Found, ImportContext};

/// Import the lines of a crontab as tasks that run their commands.
#[derive(Debug, Args)]
#[command(
    after_help = "As under cron, commands start in the owner's home folder with cron's environment, runs have no time limit and may overlap, \
        and what was missed is not caught up; the options change this. A line is imported as a whole or left out with the reason; \
        if lines are left out, the exit status is 3. Disable the crontab before the tasks fire here."
)]
pub(super) struct Crontab {
    #[command(flatten)]
    input: TextFile,
    /// The file has a user column, like /etc/crontab and /etc/cron.d; by default recognised by the names in it.
    #[arg(long)]
    system: bool,
    /// The file has no user column.
    #[arg(long, conflicts_with = "system")]
    no_system: bool,
    /// Run entries of other users through runuser; the server must run as root.
    #[arg(long)]
    runuser: bool,
    /// A file like /etc/passwd with the accounts against which a user column is checked.
    #[arg(long, value_name = "FILE", default_value = "/etc/passwd")]
    passwd: PathBuf,
    /// The folder in which commands start unless the crontab sets HOME; by default the owner's.
    #[arg(long, value_name = "FOLDER")]
    home: Option<String>,
    /// An environment variable for all commands, before those of the crontab; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// Import commented-out entries as paused tasks.
    #[arg(long)]
    commented: bool,
    /// Make one task with several rules of lines with the same command; it has the id of the first.
    #[arg(long)]
    merge: bool,
    /// In lines with six fields the first is seconds.
    #[arg(long)]
    seconds: bool,
    /// The time limit of each run in seconds; by default none.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(1..))]
    timeout: Option<i64>,
    /// The runs of a task that may overlap; by default as many as fall due.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..=1000))]
    max_instances: Option<i64>,
    /// How late a missed run is still started, in seconds; by default missed runs are not caught up.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(0..))]
    catch_up: Option<i64>,
    #[command(flatten)]
    source: SourceFlags,
}

impl ImportSource for Crontab {
    const KIND: &'static str = "crontab";

    fn flags(&self) -> &SourceFlags {
        &self.source
    }

    fn identity(&self) -> Result<String, Failure> {
        Ok(identity(&self.input.file))
    }

    fn read(&self, context: ImportContext<'_>, output: &OutputOptions) -> Result<Found, Failure> {
        let (text, encoding) = self.input.read(output)?;
        let mut found = read(&text, &self.options(), context);
        if let Some(encoding) = encoding {
            found.note(message!("migrate.file"), message!("migrate.read_as", encoding));
        }
        let kept = [
            (self.timeout.is_none(), "timeout"),
            (self.max_instances.is_none(), "overlap"),
            (self.catch_up.is_none(), "catch_up"),
        ];
        if !output.is_json() && !found.entries.is_empty() {
            let kept = kept.iter().filter(|(kept, _)| *kept).map(|(_, name)| output.text(&format!("import.cron_{name}")));
            let kept = [output.text("import.cron_home")].into_iter().chain(kept).collect::<Vec<_>>();
            output.note(&output.fill("import.cron", &[("kept", &kept.join("; "))]));
        }
        Ok(found)
    }
}

impl Crontab {
    fn options(&self) -> CrontabOptions {
        let users = Users::parse(&std::fs::read_to_string(&self.passwd).unwrap_or_default());
        let file = &self.input.file;
        let user = owner(file).or_else(|| variable("LOGNAME")).or_else(|| variable("USER"));
        let is_own = owner(file).is_none();
        let home = self.home.clone().or_else(|| is_own.then(|| variable("HOME")).flatten());
        let home = home.or_else(|| user.as_deref().and_then(|user| users.home(user)).map(str::to_owned));
        let is_system_path = file == Path::new("/etc/crontab") || file.parent() == Some(Path::new("/etc/cron.d"));
        CrontabOptions {
            system: (self.system || self.no_system || is_system_path).then_some(!self.no_system),
            users,
            user,
            home,
            environment: self.env.iter().cloned().collect::<BTreeMap<_, _>>(),
            commented: self.commented,
            merge: self.merge,
            runuser: self.runuser,
            seconds: self.seconds,
            timeout: self.timeout,
            max_instances: self.max_instances,
            catch_up: self.catch_up,
        }
    }
}

/// The owner of a crontab in cron's own folder, whose files are named after their owners.
fn owner(file: &Path) -> Option<String> {
    let folder = file.parent()?;
    let is_spool =
        folder.starts_with("/var/spool/cron") || folder.starts_with("/var/cron/tabs") || folder.starts_with("/usr/lib/cron/tabs");
    is_spool.then(|| file.file_name()?.to_str().map(str::to_owned)).flatten()
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
