//! The HTTP API: resources, auth, problem details, event streams, OpenAPI.
//!
//! Called by the composition root alone. A handler turns a request into one call of the engine and the answer into
//! a shape of `protocol`; it holds no rule about credits, jobs or queues. What is the same for every route (request
//! id, problem details, keys and roles) is done once, around the routes, from the one table in `routes`.

mod access;
mod app;
mod auth;
mod bounds;
mod disk;
mod docs;
mod ending;
mod error;
mod forwarded;
mod header;
#[cfg(test)]
mod hostile;
mod idempotency;
mod integrations;
mod json;
mod keeper;
mod key_table;
mod link;
mod openapi;
mod peers;
mod problem;
mod query;
mod rate;
mod repeats;
mod request_id;
mod resources;
mod roles;
mod routes;
mod secret;
mod server;
mod spent;
mod sse;
mod standby;
mod state;
mod task;
mod text;
mod tls;
mod traced;
mod upkeep;
mod upload;
mod verify;
mod view;
mod webhooks;
mod worker;

pub use bounds::{Bounds, Limits};
pub use integrations::stripe::{PriceEntry, PriceError, Stripe, StripeRules, StripeSettings};
pub use key_table::KeyTable;
pub use openapi::document;
pub use rate::{Rate, RoleRates};
pub use resources::reload::ReloadPort;
pub use routes::routes;
pub use secret::{KeySpec, key_of_secret, new_secret};
pub use server::{ServeError, ServerOptions, serve};
pub use standby::{Waiting, stand_by};
pub use state::{ApiSettings, ApiState};
pub use tls::{Certificate, CertificateError, Fresh};
pub use upkeep::{UpkeepFigures, UpkeepPart, UpkeepPort};
pub use verify::{OnProgress, VerifyPort};
pub use webhooks::{Asked, WebhookFigures, WebhookPort};
