//! Traces: from the spans of all crates to a collector of OpenTelemetry, where the settings name one.
//!
//! Used by `serve`. Spans are queued and sent by a thread of the exporter's own: a queue that is full loses spans, a
//! collector that is away loses batches, and no request waits for either. While the settings name no collector, nothing is
//! started and no span is made.

mod post;

use std::time::Duration;

use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::runtime::Handle;

use crate::config::TelemetrySettings;
use crate::exit::Failure;
use crate::system;

use post::Post;

/// Where spans go below a collector's address.
const PATH: &str = "/v1/traces";
/// How long a stop waits for the last spans.
const LAST_SECONDS_MAX: u64 = 3;

/// Spans on their way to a collector.
pub struct Telemetry {
    provider: SdkTracerProvider,
}

/// Starts to send spans; `None` where the settings name no collector. Must be called inside a runtime.
///
/// # Errors
/// An exporter that cannot be built from the settings.
pub fn start(settings: &TelemetrySettings) -> Result<Option<Telemetry>, Failure> {
    if settings.otlp_url.is_empty() {
        return Ok(None);
    }
    let wrong = |e: String| Failure::usage(format!("`telemetry.otlp_url` is `{}`: {e}", settings.otlp_url));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Post::new(Handle::current())?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint(&settings.otlp_url))
        // Of all tries of one batch together.
        .with_timeout(post::ANSWER_MAX)
        .build()
        .map_err(|e| wrong(e.to_string()))?;
    let resource = Resource::builder()
        .with_service_name(settings.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let ratio = f64::from(settings.sample_permille) / 1_000.0;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        // Whoever sent a trace has decided whether it is kept.
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
        .with_resource(resource)
        .build();
    global::set_tracer_provider(provider.clone());
    reeve_telemetry::install();
    tracing::info!(collector = %shown(&settings.otlp_url), "requests are traced");
    Ok(Some(Telemetry { provider }))
}

impl Telemetry {
    /// Sends what is queued, if that is soon done.
    pub async fn stop(self) {
        let last = Duration::from_secs(LAST_SECONDS_MAX);
        // It blocks until the exporter's thread is done. What is lost then was said by the exporter.
        let ended = system::blocking(move || self.provider.shutdown_with_timeout(last)).await;
        if let Some(Err(error)) = ended {
            tracing::debug!(%error, "the last spans may be lost");
        }
    }
}

/// The whole address: some write it out, most give the collector's alone.
fn endpoint(url: &str) -> String {
    let base = url.trim_end_matches('/');
    if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") }
}

/// Without what may stand before the host: it could be a password.
fn shown(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_given_with_or_without_the_path() {
        for url in ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces", "http://c:4318/v1/traces/"]
        {
            assert_eq!(endpoint(url), "http://c:4318/v1/traces", "{url}");
        }
        assert_eq!(endpoint("https://c/otlp"), "https://c/otlp/v1/traces");
        assert_eq!(shown("https://user:secret@c/otlp"), "c/otlp");
    }
}
