//! Paths of the service: it starts in a system folder, so all are absolute.

use std::ffi::OsString;
use std::path::{Path, PathBuf, absolute};

use super::Install;
use crate::cli::Failure;
use crate::cli::serve::Serve;
use crate::config::{Settings, Sources};

/// The settings file that is used if none is named.
const DEFAULT_CONFIG: &str = "belfry.toml";

/// How the service is started.
pub(super) struct Launch {
    /// The working folder.
    pub folder: PathBuf,
    pub data_dir: PathBuf,
    pub config: Option<PathBuf>,
}

impl Launch {
    /// Checks the settings and fills in the defaults: `belfry.toml` of this folder, and a data folder for the whole machine.
    pub fn new(serve: &Serve) -> Result<Launch, Failure> {
        let here = std::env::current_dir().map_err(Failure::failed)?;
        let named = serve.config.clone().or_else(|| Path::new(DEFAULT_CONFIG).is_file().then(|| DEFAULT_CONFIG.into()));
        // The environment of this console is not that of the service.
        let settings = Settings::load(&Sources { config: named.clone(), environment: Vec::new(), flags: serve.flags() })?;
        let is_default = settings.data_dir == Settings::default().data_dir && serve.data_dir.is_none();
        let data_dir = if is_default { common_data_folder() } else { settings.data_dir };
        let data_dir = absolute(data_dir).map_err(Failure::failed)?;
        let config = named.map(absolute).transpose().map_err(Failure::failed)?;
        let folder = if config.is_some() { here } else { data_dir.clone() };
        Ok(Launch { folder, data_dir, config })
    }

    /// The arguments of the program.
    pub fn arguments(&self, install: &Install) -> Result<Vec<OsString>, Failure> {
        let mut arguments: Vec<OsString> = ["service", "run", "--name", &install.named.name].map(OsString::from).into();
        let mut add = |flag: &str, value: OsString| arguments.extend([flag.into(), value]);
        add("--folder", self.folder.clone().into());
        add("--data-dir", self.data_dir.clone().into());
        if let Some(config) = &self.config {
            add("--config", config.into());
        }
        if let Some(listen) = &install.serve.listen {
            add("--listen", listen.into());
        }
        if let Some(tasks) = &install.serve.tasks {
            add("--tasks", absolute(tasks).map_err(Failure::failed)?.into());
        }
        for (name, value) in &install.serve.set {
            add("--set", format!("{name}={value}").into());
        }
        Ok(arguments)
    }
}

fn common_data_folder() -> PathBuf {
    std::env::var_os("ProgramData").map_or_else(|| PathBuf::from(r"C:\ProgramData"), PathBuf::from).join("Belfry")
}
