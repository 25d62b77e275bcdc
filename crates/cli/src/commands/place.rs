//! Which data a command is about that works on them without a server.

use std::path::PathBuf;

use clap::Args;

use crate::config::{self, Settings};
use crate::exit::Failure;

/// Where the data is, said as to `serve`.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// Data folder of the server [default: ./reeve-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Its database, such as sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the data folder]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Its own settings, as given to `serve`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// The server's settings, as far as they were said.
    ///
    /// # Errors
    /// A setting that is wrong, or a SQLite file that is not there.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = config::load(self.config.as_deref()).map_err(|e| Failure::usage(e.to_string()))?;
        if let Some(dir) = &self.data {
            settings.data.dir.clone_from(dir);
        }
        if let Some(url) = &self.database {
            settings.database.url.clone_from(url);
        }
        match settings.database_missing() {
            Some(path) => Err(Failure::environment("there is no database", path.display())),
            None => Ok(settings),
        }
    }

    /// The file of settings of its own.
    pub const fn config(&self) -> Option<&PathBuf> {
        self.config.as_ref()
    }
}
