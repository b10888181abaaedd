//! A span around every port call, and a count and duration of it.
//!
//! The decorator passes the contract suite of the port it wraps. Spans are named
//! `domain.port.method` and hold no argument: a subject's data never reaches telemetry.

pub mod audit;
pub mod consent;
pub mod context;
pub mod decision;
pub mod delivery;
pub mod identity;
pub mod kernel;
pub mod measurement;
pub mod rollout;

/// A port inside a span.
#[derive(Debug, Clone)]
pub struct Traced<P>(P);

impl<P> Traced<P> {
    /// The port, traced from here on.
    pub const fn new(inner: P) -> Self {
        Self(inner)
    }

    /// What is wrapped.
    pub const fn inner(&self) -> &P {
        &self.0
    }
}

/// Implements a port for [`Traced`] over any implementation of it.
///
/// ```text
/// traced_port! {
///     impl kernel::FactFeed as "kernel.fact_feed" {
///         fn take(consumer: &str, limit: Limit) -> Result<Vec<Positioned>, Fault>;
///         fn done(consumer: &str, through: u64) -> Result<(), Fault>;
///     }
/// }
/// ```
macro_rules! traced_port {
    (impl $port:path as $name:literal { $(fn $method:ident($($arg:ident: $type:ty),* $(,)?) -> $answer:ty;)+ }) => {
        #[async_trait::async_trait]
        impl<P: $port> $port for $crate::traced::Traced<P> {
            $(
                async fn $method(&self, $($arg: $type),*) -> $answer {
                    use tracing::Instrument as _;
                    let span = tracing::debug_span!(
                        target: "assent::port",
                        concat!($name, ".", stringify!($method)),
                        error = tracing::field::Empty
                    );
                    let begun = std::time::Instant::now();
                    let answer = self.inner().$method($($arg),*).instrument(span.clone()).await;
                    if answer.is_err() {
                        span.record("error", true);
                    }
                    $crate::telemetry::port_called(
                        concat!($name, ".", stringify!($method)),
                        answer.is_err(),
                        begun.elapsed().as_secs_f64(),
                    );
                    answer
                }
            )+
        }
    };
}
pub(crate) use traced_port;
