//! What other services tell this server, each in its own words.

pub(crate) mod stripe;
