//! Logs to the console, and traces and metrics over OTLP when an endpoint is configured.
//!
//! Exporters are the blocking ones: the async client kills its thread silently under the batch
//! processor. Nothing about a person is an attribute; tests scan for it.

use std::{collections::HashMap, io::IsTerminal, time::Duration};

use kernel::Fault;
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource, metrics::SdkMeterProvider, propagation::TraceContextPropagator,
    trace::SdkTracerProvider,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// How long one export may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// What is logged when nobody says otherwise.
const FILTER: &str = "info,sqlx=warn,sea_orm=warn,sea_orm_migration=warn,hyper=warn,reqwest=warn";
/// What is traced: our own spans, not the drivers'.
const TRACE_FILTER: &str = "off,assent=debug,service=debug,adapters=debug,platform=debug";

/// Where telemetry goes.
#[derive(Debug, Clone, Default)]
pub struct TelemetryConfig {
    /// The base of an OTLP/HTTP collector (`http://127.0.0.1:4318`); absent: nothing is exported.
    pub endpoint: Option<String>,
    /// Which service this is, in every trace and metric.
    pub service: String,
    /// What to log, in `tracing` filter syntax.
    pub filter: Option<String>,
    /// JSON lines instead of text.
    pub json: bool,
}

/// The exporters of a process; dropped without [`Self::end`], the last seconds are lost.
#[derive(Debug, Default)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

impl Telemetry {
    /// Installs logging and, where an endpoint is given, the exporters. Once per process.
    pub fn install(config: &TelemetryConfig) -> Result<Self, Fault> {
        let filter = config.filter.as_deref().unwrap_or(FILTER);
        let filter = EnvFilter::try_new(filter)
            .map_err(|it| Fault::escalate("reading the log filter").because(it))?;
        let ansi = std::io::stderr().is_terminal();
        let text = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
        let lines = if config.json { text.json().boxed() } else { text.boxed() };
        let telemetry = Self::exporters(config)?;
        let spans = telemetry.traces.as_ref().map(|it| {
            tracing_opentelemetry::layer()
                .with_location(false)
                .with_threads(false)
                .with_tracer(it.tracer("assent"))
                .with_filter(EnvFilter::new(TRACE_FILTER))
        });
        tracing_subscriber::registry()
            .with(lines.with_filter(filter))
            .with(spans)
            .try_init()
            .map_err(|it| Fault::escalate("installing telemetry").because(it))?;
        Ok(telemetry)
    }

    /// The exporters alone, for a process that has seen to its logs and spans itself.
    pub fn exporters(config: &TelemetryConfig) -> Result<Self, Fault> {
        let Some(endpoint) = config.endpoint.as_deref().map(|it| it.trim_end_matches('/')) else {
            return Ok(Self::default());
        };
        let fault = |what: &'static str| move |it| Fault::escalate(what).because(it);
        let resource = Resource::builder().with_service_name(config.service.clone()).build();
        let spans = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(fault("building the trace exporter"))?;
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_batch_exporter(spans)
            .build();
        let numbers = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/metrics"))
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(fault("building the metric exporter"))?;
        let metrics = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_periodic_exporter(numbers)
            .build();
        opentelemetry::global::set_meter_provider(metrics.clone());
        Ok(Self { traces: Some(traces), metrics: Some(metrics) })
    }

    /// Sends what is left and stops.
    pub fn end(self) {
        if let Some(Err(error)) = self.traces.map(|it| it.shutdown()) {
            tracing::warn!(%error, "the last traces were not sent");
        }
        if let Some(Err(error)) = self.metrics.map(|it| it.shutdown()) {
            tracing::warn!(%error, "the last metrics were not sent");
        }
    }
}

/// Counts port calls by name and outcome; a no-op until an exporter is installed.
pub(crate) fn port_called(port: &'static str, failed: bool, seconds: f64) {
    use std::sync::LazyLock;

    use opentelemetry::metrics::Histogram;

    static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
        opentelemetry::global::meter("assent")
            .f64_histogram("assent.port.duration")
            .with_unit("s")
            .with_description("Duration of a port call, by port method and outcome.")
            .build()
    });
    DURATION.record(seconds, &[KeyValue::new("port", port), KeyValue::new("failed", failed)]);
}

/// Counts how long a transition waited for a connection and its turn to write.
pub(crate) fn transition_waited(name: &'static str, failed: bool, seconds: f64) {
    use std::sync::LazyLock;

    use opentelemetry::metrics::Histogram;

    static WAIT: LazyLock<Histogram<f64>> = LazyLock::new(|| {
        opentelemetry::global::meter("assent")
            .f64_histogram("assent.sql.wait")
            .with_unit("s")
            .with_description("Wait of a transition for a connection and its turn, by transition.")
            .build()
    });
    WAIT.record(seconds, &[KeyValue::new("transition", name), KeyValue::new("failed", failed)]);
}

/// Counts a transition that is begun again, because its connection was lost or its turn not had.
pub(crate) fn transition_begun_again(name: &'static str) {
    use std::sync::LazyLock;

    use opentelemetry::metrics::Counter;

    static AGAIN: LazyLock<Counter<u64>> = LazyLock::new(|| {
        opentelemetry::global::meter("assent")
            .u64_counter("assent.sql.begun_again")
            .with_unit("{transition}")
            .with_description("Transitions begun again on another connection, by transition.")
            .build()
    });
    AGAIN.add(1, &[KeyValue::new("transition", name)]);
}

/// The W3C `traceparent` of the span we are in, if it is traced.
pub fn trace_parent() -> Option<String> {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = Carrier::default();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.0.remove("traceparent")
}

/// Makes a span the child of a `traceparent`; a malformed one changes nothing.
pub fn continue_trace(span: &Span, trace_parent: &str) {
    let mut carrier = Carrier::default();
    carrier.0.insert("traceparent".to_owned(), trace_parent.to_owned());
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    if context.span().span_context().is_valid() && span.set_parent(context).is_err() {
        tracing::debug!("a span could not join its trace");
    }
}

#[derive(Debug, Default)]
struct Carrier(HashMap<String, String>);

impl Injector for Carrier {
    fn set(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }
}

impl Extractor for Carrier {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}
