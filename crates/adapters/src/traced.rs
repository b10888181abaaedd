//! A span around every port call, a count and duration of it, and an end where it has none.
//!
//! The decorator passes the contract suite of the port it wraps. Spans are named
//! `domain.port.method` and hold no argument: a subject's data never reaches telemetry. A server
//! that falls silent is a fault after [`CALL_MAX`], and what was asked of it may be asked again.

use std::time::Duration;

use ::kernel::Fault;

pub mod audit;
pub mod consent;
pub mod context;
pub mod decision;
pub mod delivery;
pub mod identity;
pub mod kernel;
pub mod measurement;
pub mod rollout;

/// How long a call may take: longer than a transition waits for its turn, or the server lets a
/// statement run, so that whoever can say what is wrong says it first.
pub const CALL_MAX: Duration = Duration::from_secs(20);

/// A port inside a span.
#[derive(Debug, Clone)]
pub struct Traced<P> {
    inner: P,
    limit: Duration,
}

impl<P> Traced<P> {
    /// The port, traced from here on.
    pub const fn new(inner: P) -> Self {
        Self::within(inner, CALL_MAX)
    }

    /// The port, whose calls take no longer than this.
    pub const fn within(inner: P, limit: Duration) -> Self {
        Self { inner, limit }
    }

    /// What is wrapped.
    pub const fn inner(&self) -> &P {
        &self.inner
    }
}

/// The answer of a call, or the fault that there was none in time.
pub(crate) async fn bounded<T, E: From<Fault>>(
    limit: Duration,
    name: &'static str,
    call: impl Future<Output = Result<T, E>> + Send,
) -> Result<T, E> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer,
        Err(late) => Err(Fault::retry(name).because(late).into()),
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
                    let answer = $crate::traced::bounded(
                        self.limit,
                        concat!($name, ".", stringify!($method)),
                        self.inner().$method($($arg),*).instrument(span.clone()),
                    )
                    .await;
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
