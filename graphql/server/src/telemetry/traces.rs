//! Spans go to an OpenTelemetry collector: OTLP over HTTP with protobuf, in batches, from a thread of its own.
//!
//! The id of a trace is not left to chance: it is the `trace.id` of the span that begins it, which callers are told and lines
//! carry. A span below another has its trace.

use std::cell::Cell;
use std::time::Duration;

use opentelemetry::trace::{
    Link, SpanBuilder, SpanId, SpanKind, TraceContextExt as _, TraceId, TraceState, Tracer, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, SdkTracer, SdkTracerProvider,
    ShouldSample, Span,
};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// Where a collector takes spans, below its address.
const PATH: &str = "/v1/traces";
/// How long one batch may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The field of our spans that names the trace: 32 hexadecimal digits.
pub const TRACE_ID: &str = "trace.id";

/// The way to the collector; none goes nowhere.
#[derive(Debug, Default)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Opens the way. Nothing is sent yet, so that a collector which is not there is no error: it is told in the log.
    ///
    /// # Errors
    /// When the address cannot be one.
    pub fn to(endpoint: Option<&str>, ratio: f64) -> Result<Self, ExporterBuildError> {
        let Some(endpoint) = endpoint else { return Ok(Self::default()) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}{PATH}", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()?;
        let resource = Resource::builder()
            .with_service_name("sunlit")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_id_generator(Given::default())
            .with_sampler(Sampler::ParentBased(Box::new(Share(ratio))))
            .with_batch_exporter(exporter)
            .build();
        Ok(Self(Some(provider)))
    }

    /// What takes spans from `tracing`, as far as the filter of the log lets them pass: ours are of the highest level. None when they
    /// go nowhere. What the exporter itself does is no part of a span, so that nothing goes in circles.
    #[must_use]
    pub fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        let tracer = Named(self.0.as_ref()?.tracer("sunlit"));
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        Some(layer)
    }

    /// Sends what is left, and ends.
    pub fn stop(&self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown_with_timeout(PATIENCE)
        {
            tracing::warn!(%error, "the last spans did not reach the collector: see `otlp_endpoint`");
        }
    }
}

thread_local! {
    /// The trace that the span begins which is being made.
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Makes spans that begin the trace which they name.
#[derive(Debug, Clone)]
struct Named(SdkTracer);

impl Tracer for Named {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let named = builder.attributes.iter().flatten().find(|attribute| attribute.key.as_str() == TRACE_ID);
        NEXT.set(named.and_then(|attribute| TraceId::from_hex(&attribute.value.as_str()).ok()));
        let span = self.0.build_with_context(builder, parent);
        // A span below another took nothing.
        NEXT.set(None);
        span
    }
}

/// Gives the trace that was named, or any.
#[derive(Debug, Default)]
struct Given(RandomIdGenerator);

impl IdGenerator for Given {
    fn new_trace_id(&self) -> TraceId {
        NEXT.take().filter(|id| *id != TraceId::INVALID).unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

/// Takes this share of the traces. The library's own sampler compares the last eight bytes, of which the first bits of our ids,
/// which are UUIDs, are always the same: so they are stirred before.
#[derive(Debug, Clone)]
struct Share(f64);

impl Share {
    fn takes(&self, trace: TraceId) -> bool {
        let stirred = trace.to_bytes().chunks(8).fold(0_u64, |stirred, bytes| {
            let word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            // The constant of SplitMix64 (Steele, Lea and Flood 2014).
            let mixed = (stirred ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^ mixed >> 32
        });
        // 53 bits are what a number of this kind holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "of 53 bits none is lost")]
        let place = (stirred >> 11) as f64 / (1_u64 << 53) as f64;
        place < self.0
    }
}

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let decision = if self.takes(trace) { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        let trace_state =
            parent.map_or_else(TraceState::default, |parent| parent.span().span_context().trace_state().clone());
        SamplingResult { decision, attributes: Vec::new(), trace_state }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_share_of_all_traces_is_taken_also_where_their_ids_are_uuids() {
        for version in ["00000000-0000-4000-8000-000000000000", "019ab000-0000-7000-8000-000000000000"] {
            let base = version.parse::<Uuid>().unwrap().as_u128();
            for share in [0.0, 0.1, 0.5, 1.0] {
                let ids = (0..2_000_u128).map(|n| TraceId::from(base | n << 2 | n << 80));
                let taken = ids.filter(|id| Share(share).takes(*id)).count();
                let expect = 2_000.0 * share;
                #[expect(clippy::cast_precision_loss, reason = "small")]
                let off = (taken as f64 - expect).abs();
                assert!(off <= 120.0, "{version} {share}: {taken}");
                assert!(share > 0.0 || taken == 0);
                assert!(share < 1.0 || taken == 2_000);
            }
        }
    }
}
