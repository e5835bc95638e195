//! Settings: where they come from, which wins, and what is said of those that are not right.

mod documents;
mod http_profiles;
mod mail_and_sms;
mod order;
mod refusals;
mod sign_in;

use std::path::{Path, PathBuf};

use belfry::config::{Flag, Settings, SettingsError, Sources};

/// A settings file of its own.
struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new(text: &str) -> File {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("belfry.toml"), text).expect("writes");
        File { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("belfry.toml")
    }
}

fn load(config: Option<&Path>, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let flag = |(setting, text): &(&str, &str)| Flag {
        shown: format!("--set {setting}"),
        setting: (*setting).to_owned(),
        text: (*text).to_owned(),
    };
    Settings::load(&Sources {
        config: config.map(Path::to_owned),
        environment: variables.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        flags: flags.iter().map(flag).collect(),
    })
}

/// What is said of a file, without its folder.
fn refusal(text: &str) -> String {
    let file = File::new(text);
    let refused = load(Some(&file.path()), &[], &[]).expect_err("is refused").to_string();
    refused.replace(&format!("{}{}", file.folder.path().display(), std::path::MAIN_SEPARATOR), "")
}

fn refused_variables(variables: &[(&str, &str)]) -> String {
    load(None, variables, &[]).expect_err("is refused").to_string()
}
