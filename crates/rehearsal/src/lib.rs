//! Catalogs tried before they are trusted: executable examples, scripts that play months in a moment, what-if.
//!
//! Pure: no clock, no randomness, no I/O. [`World`] is a store in memory around the same core that serves real
//! workspaces, so that an example tests what will really happen. Used by `reeve catalog check|play|replay`, by the
//! tests of the shipped catalogs, and by whoever publishes a catalog through the API.
//!
//! # The format of examples
//!
//! A file of examples stands next to its catalog, in the folder `examples`, under the same file name:
//!
//! ```toml
//! catalog = "mine"
//!
//! [[example]]
//! rule = "R-1"                                   # any number; the table of results shows it
//! title = "what is left over is carried, up to twice the allotment"
//! given = { plan = "basic", at = "2026-01-10T00:00:00Z", lots = [{ source = "plan", amount = 2500 }] }
//! when = [
//!     { advance = { to = "period_end" } },
//!     { expect = { available = 3000 } },
//!     { submit = { action = "image.generate", params = { outputs = 2 } }, expect = { held = 16 } },
//!     { at = "2026-02-11T00:00:00Z", complete = { landed = 1 } },
//! ]
//! then = { settled = 8, released = 8, available = 2992 }
//! ```
//!
//! - **given**: the workspace (`plan`, `allotment`, `interval`, `seats`, `user`, `identity`, `timezone`, `at`). It is
//!   opened as the catalog says, or with exactly the `lots` given (then `anchor_at` may lie before `at`); `credits`
//!   adds some by hand. `claimed` are keys of once-only grants that somebody else has. `catalog` is a part of a
//!   catalog that takes the place of what the file says, so that the other reading of a rule can be shown:
//!   `catalog = { renewal = "on_payment" }`, or `catalog = { carry = { renewal = { cap_on = "balance" } } }` (entries
//!   of arrays are named by number, `name`, `at` or `kind`), or the same as a text of TOML.
//! - **when**: steps in one world, in order. A step does one thing: see [`format::Action`] for all of them. `at` moves
//!   the clock first (never backward, and at most ten years beyond the start), `in` names another workspace than the
//!   given one (`create` it first, it is like the given one but for what it says), `refused` is the code of the refusal
//!   that must come, and `expect` is what must hold after the step: see [`format::Expect`] for all that can be said.
//!   Jobs are named with `as`; a step about a job without a name is about the latest one. A step that is refused
//!   without saying so fails the example.
//! - **then** is `expect` for the last step.
//! - `[[elsewhere]]` says of a rule that no example can say it, `why`, and which `test` does.
//!
//! Amounts, prices and instants are written as in catalogs. What is not said is not looked at.

mod act;
mod compare;
mod draft;
pub mod format;
mod play;
mod refused;
pub mod replay;
mod run;
mod world;

pub use act::{Answer, Outcome, Quoted, Rehearsal};
pub use draft::Draft;
pub use format::{Example, Examples, Script};
pub use play::{Happening, Story, What, play};
pub use refused::Refused;
pub use run::{ExampleResult, run_examples};
pub use world::{Life, Stop, World};
