//! Settings: what can be set, and the layers that a value comes from.
//!
//! Used by the commands that start a server. The shipped file is the lowest layer and at the same time the list of
//! all keys: what is not in it is refused by file and key, so a slip of the pen never passes for a setting.

mod check;
mod engine;
mod layers;
mod limits;
mod lists;
mod settings;
mod webhooks;

pub use layers::{Survey, load, shipped, survey};
pub use settings::{LogFormat, LogSettings, ServerSettings, Settings, TelemetrySettings, TlsSettings};
