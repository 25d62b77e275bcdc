//! Gets inputs from, and results to, a server that may be away for a while.

use std::borrow::Cow;
use std::future::Future;

use reeve_protocol::{
    Code, CompleteRequest, FailRequest, Fate, InputView, LeaseView, OutputOutcome, OutputReport,
};

use super::shared::Shared;
use super::{Control, Landed, Stop};
use crate::retry::RetryPolicy;
use crate::{Client, ClientError, Download, Upload, entropy, task};

/// Why a delivery was given up.
#[derive(Debug)]
pub(super) enum GaveUp {
    /// Told to stop meanwhile, or the lease turned out to be gone.
    Stopped(Stop),
    /// The server will not take it, or was away for too long.
    Refused(ClientError),
}

/// True when the server no longer knows the lease as this worker's.
pub(super) fn is_gone(error: &ClientError) -> bool {
    matches!(error.code(), Some(Code::StaleLease | Code::NotFound))
}

/// One job's way to the server.
pub(super) struct Delivery<'a> {
    pub(super) shared: &'a Shared,
    pub(super) lease: &'a LeaseView,
    pub(super) control: &'a Control,
}

impl Delivery<'_> {
    /// Fetches an input. That it is not there says nothing about the lease.
    pub(super) async fn input(&self, input: &InputView) -> Result<Download, GaveUp> {
        let fetch = || self.shared.client.input(input, self.shared.settings.input_bytes_max);
        tokio::select! {
            biased;
            stop = self.control.stopped_for(&[Stop::Cancelled, Stop::Lost, Stop::ShuttingDown]) => Err(GaveUp::Stopped(stop)),
            result = insist(self.shared.settings.outage_ms_max, fetch) => result.map_err(GaveUp::Refused),
        }
    }

    /// Uploads a finished output; its report says landed, or failed when the server refuses the bytes.
    pub(super) async fn upload(
        &self,
        index: u32,
        landed: Landed,
        upload: Upload,
    ) -> Result<OutputReport, GaveUp> {
        let lease = self.lease.lease;
        let client = self.client();
        let put = || client.put_output(lease, index, &upload);
        match self.persist(&[Stop::Lost, Stop::Cancelled], put).await {
            Ok(_) => Ok(OutputReport {
                units: landed.units,
                stages: landed.stages,
                ..OutputReport::new(index, OutputOutcome::Landed)
            }),
            Err(GaveUp::Refused(error)) if !error.is_retryable() => {
                let request = self.lease.request_id.as_deref();
                tracing::error!(%lease, index, %error, request.id = request, "the server refused an output");
                let reason = Some(format!("the upload was refused: {error}"));
                Ok(OutputReport { reason, ..OutputReport::new(index, OutputOutcome::Failed) })
            }
            Err(gave_up) => Err(gave_up),
        }
    }

    /// Closes the job with its outputs.
    pub(super) async fn complete(&self, mut outputs: Vec<OutputReport>) -> Result<(), GaveUp> {
        outputs.sort_by_key(|output| output.index);
        let body = CompleteRequest { outputs };
        let client = self.client();
        self.persist(&[Stop::Lost], || client.complete(self.lease.lease, &body)).await.map(drop)
    }

    /// Gives the attempt up with a reason.
    pub(super) async fn fail(&self, reason: &str, retryable: bool, fate: Option<Fate>) -> Result<(), GaveUp> {
        let body = FailRequest { reason: reason.to_owned(), retryable, fate };
        let client = self.client();
        self.persist(&[Stop::Lost], || client.fail(self.lease.lease, &body)).await.map(drop)
    }

    /// Calls for this lease are part of the trace that it came with.
    fn client(&self) -> Cow<'_, Client> {
        match &self.lease.traceparent {
            Some(trace) => Cow::Owned(self.shared.client.in_trace(trace)),
            None => Cow::Borrowed(&self.shared.client),
        }
    }

    /// Insists until told to stop; an answer that the lease is gone is the same as being told.
    async fn persist<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        stops: &[Stop],
        call: impl Fn() -> F,
    ) -> Result<T, GaveUp> {
        tokio::select! {
            biased;
            stop = self.control.stopped_for(stops) => Err(GaveUp::Stopped(stop)),
            result = insist(self.shared.settings.outage_ms_max, call) => result.map_err(|error| {
                if is_gone(&error) { GaveUp::Stopped(Stop::Lost) } else { GaveUp::Refused(error) }
            }),
        }
    }
}

/// Calls until there is an answer that is not an outage, for as long as an outage may last.
async fn insist<T, F: Future<Output = Result<T, ClientError>>>(
    outage_ms_max: u64,
    call: impl Fn() -> F,
) -> Result<T, ClientError> {
    let policy = RetryPolicy { deadline_ms: outage_ms_max, first_ms: 200, pause_ms_max: 5_000 };
    let start = task::Mark::now();
    let mut tries = 0_u32;
    loop {
        tries = tries.saturating_add(1);
        let error = match call().await {
            Err(error) if error.is_retryable() => error,
            result => return result,
        };
        let asked_ms = error.retry_after_seconds().map(|s| s.saturating_mul(1_000));
        match policy.pause_ms(tries, start.elapsed_ms(), asked_ms, entropy::jitter_permille()) {
            Some(pause_ms) => task::sleep_ms(pause_ms).await,
            None => return Err(error),
        }
    }
}
