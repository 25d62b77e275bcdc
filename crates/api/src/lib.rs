//! The HTTP API: resources, auth, problem details, event streams, OpenAPI.
//!
//! Called by the composition root alone. A handler turns a request into one call of the engine and the answer into
//! a shape of `protocol`; it holds no rule about credits, jobs or queues. What is the same for every route (request
//! id, problem details, keys and roles) is done once, around the routes, from the one table in [`mod@routes`].

mod app;
mod auth;
mod error;
mod idempotency;
mod json;
mod link;
mod openapi;
mod problem;
mod query;
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
mod upload;
mod verify;
mod view;
mod worker;

pub use auth::KeyTable;
pub use openapi::document;
pub use resources::reload::ReloadPort;
pub use routes::routes;
pub use secret::{KeySpec, key_of_secret, new_secret};
pub use server::{ServeError, ServerOptions, serve};
pub use standby::stand_by;
pub use state::{ApiSettings, ApiState};
pub use verify::VerifyPort;
