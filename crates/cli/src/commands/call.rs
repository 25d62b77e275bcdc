//! What commands over the API have in common: whom to ask, how to answer, and the words of the API as arguments.

use std::future::Future;

use clap::Args;
use reeve_client::{Client, ClientError, IdempotencyKey};
use reeve_protocol::Amount;
use reeve_types::did_you_mean_of;
use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer as _};

use crate::args::Remote;
use crate::exit::Failure;
use crate::{output, remote, system};

/// Options of every command over the API.
#[derive(Args, Clone, Debug)]
pub struct Call {
    /// Print the API's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Call {
    /// The client to call with.
    ///
    /// # Errors
    /// No key, or an address that is none.
    pub fn client(&self) -> Result<Client, Failure> {
        remote::client(&self.remote)
    }

    /// Prints an answer: as JSON when that was asked for, else as `table` does.
    ///
    /// # Errors
    /// Stdout cannot be written to.
    pub fn show<T: Serialize>(
        &self,
        answer: &T,
        table: impl FnOnce(&T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.json { output::json(answer) } else { table(answer) }
    }

    /// Tells that something was done whose answer has no body: people on stderr, programs as `json` on stdout.
    ///
    /// # Errors
    /// Stdout cannot be written to.
    pub fn done(&self, json: &impl Serialize, said: &str) -> Result<(), Failure> {
        if self.json {
            return output::json(json);
        }
        eprintln!("{said}");
        Ok(())
    }
}

/// The name of a change; repeats under it change nothing.
#[derive(Args, Clone, Debug)]
pub struct Named {
    /// Name of this change: a repeat under it changes nothing
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Named {
    /// For the client.
    pub fn key(&self) -> IdempotencyKey<'_> {
        self.idempotency_key.as_deref().map_or(IdempotencyKey::Fresh, IdempotencyKey::Given)
    }
}

/// Waits for an answer.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn wait<T>(answer: impl Future<Output = Result<T, ClientError>>) -> Result<T, Failure> {
    let answer = system::block_on(answer).map_err(|e| Failure::environment("cannot start threads", e))?;
    Ok(answer?)
}

/// An argument that is one of the API's words.
///
/// # Errors
/// Another word; the error lists those there are.
pub fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let words: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    T::deserialize(words).map_err(|e| {
        let message = e.to_string();
        let near = did_you_mean_of(&message);
        format!("{message}{near}")
    })
}

/// The word that the API has for a value.
pub fn say(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// An amount of credits.
///
/// # Errors
/// No number, or one with more than six decimals.
pub fn amount(text: &str) -> Result<Amount, String> {
    text.parse().map(Amount).map_err(|e: reeve_types::AmountError| e.to_string())
}

#[cfg(test)]
mod tests {
    use reeve_protocol::{Interval, MemberWindow};

    use super::*;

    #[test]
    fn words_are_those_of_the_api_and_read_back() {
        assert_eq!(word::<Interval>("year"), Ok(Interval::Year));
        assert_eq!(say(&MemberWindow::BillingMonth), "billing_month");
        assert!(word::<Interval>("week").is_err_and(|error| error.contains("month")));
    }
}
