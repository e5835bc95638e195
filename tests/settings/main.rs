//! Settings: sources, precedence, validation and documentation.

mod authentication;
mod documents;
mod errors;
mod http_profiles;
mod mail_and_sms;
mod precedence;

use std::path::{Path, PathBuf};

use belfry::config::{Flag, Settings, SettingsError, Sources};

/// A settings file of its own.
struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new(text: &str) -> File {
        let folder = tempfile::tempdir().expect("create a temporary folder");
        std::fs::write(folder.path().join("belfry.toml"), text).expect("write a file");
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

/// The error for a settings file, without its folder.
fn file_error(text: &str) -> String {
    let file = File::new(text);
    let refused = load(Some(&file.path()), &[], &[]).expect_err("an error").to_string();
    refused.replace(&format!("{}{}", file.folder.path().display(), std::path::MAIN_SEPARATOR), "")
}

fn variables_error(variables: &[(&str, &str)]) -> String {
    load(None, variables, &[]).expect_err("an error").to_string()
}
