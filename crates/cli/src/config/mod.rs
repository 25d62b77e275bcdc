//! Settings: what can be set, and the layers that a value comes from.
//!
//! Used by the commands that start a server. The shipped file is the lowest layer and at the same time the list of
//! all keys: what is not in it is refused by file and key, so a slip of the pen never passes for a setting.

mod check;
mod engine;
mod layers;
mod settings;
mod webhooks;

pub use layers::{load, shipped};
pub use settings::{LimitSettings, LogFormat, LogSettings, ServerSettings, Settings, TlsSettings};
