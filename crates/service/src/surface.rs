//! The HTTP surface of a process: routes of its roles, limits, spans; served, or asked in process.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use kernel::Limit;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use tracing::Instrument as _;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::App,
    http::{self, BODY_BYTES_MAX},
    page,
    problem::{Details, Problem},
};

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the systems of record may take until a process says that it is not ready.
const READY_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest answer read in process.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// The most request bytes any route takes; events and imports need more than [`BODY_BYTES_MAX`].
const INTAKE_BYTES_MAX: usize = 8 << 20;

/// Which surfaces a process serves.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "one switch per role of architecture.md")]
pub struct Surfaces {
    /// `POST /v1/decisions` and reading them.
    pub decide: bool,
    /// Choices and the public pages.
    pub consent: bool,
    /// Events and imports.
    pub ingest: bool,
    /// The console.
    pub console: bool,
}

impl Surfaces {
    /// Every surface.
    pub const ALL: Self = Self { decide: true, consent: true, ingest: true, console: true };
}

/// The surface of a process.
#[derive(Debug, Clone)]
pub struct Surface(Router);

/// A request made in process.
#[derive(Debug)]
pub struct Asked<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: Vec<u8>,
}

/// An answer made in process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Assent",
        description = "Consent-first, real-time personalization for regulated brands.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Details))
)]
struct Api;

impl Surface {
    /// The routes of these surfaces over this app.
    pub fn new(app: &Arc<App>, surfaces: Surfaces) -> Self {
        let mut api = OpenApiRouter::with_openapi(Api::openapi()).merge(http::log::routes());
        if surfaces.decide {
            api = api.merge(http::decisions::routes());
        }
        if surfaces.consent {
            api = api.merge(http::consent::routes());
        }
        if surfaces.ingest {
            api = api.merge(http::intake::routes());
        }
        if surfaces.console {
            api = api.merge(http::console::routes());
        }
        let (router, description) = api.split_for_parts();
        let mut router = router
            .route("/v1/openapi.json", get(move || async move { Json(description) }))
            .route("/health/live", get(|| async { "live\n" }))
            .route("/health/ready", get(ready));
        if surfaces.consent {
            router = router.merge(public_pages());
        }
        if surfaces.console {
            router = router.merge(console_pages());
        }
        let router = http::with_fallbacks(assets(router).with_state(app.clone()))
            .layer(middleware::from_fn_with_state(app.clone(), spanned))
            .layer(DefaultBodyLimit::max(INTAKE_BYTES_MAX.max(BODY_BYTES_MAX)))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, REQUEST_TIMEOUT));
        Self(router)
    }

    /// Asks in process, through every layer a socket would lead through.
    pub async fn ask(&self, asked: Asked<'_>) -> Answered {
        let mut request = Request::builder().method(asked.method).uri(asked.path);
        for (name, value) in asked.headers {
            request = request.header(*name, *value);
        }
        let answer = match request.body(Body::from(asked.body)) {
            Ok(request) => self.0.clone().oneshot(request).await,
            Err(_) => Ok(Problem::malformed("not a request").into_response()),
        };
        let answer = answer.unwrap_or_else(|never| match never {});
        let status = answer.status().as_u16();
        let body =
            to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await.unwrap_or_else(|_| Bytes::new());
        Answered { status, body: body.into() }
    }

    /// Serves until cancelled; requests under way are finished.
    pub async fn serve(
        self,
        listener: TcpListener,
        until: CancellationToken,
    ) -> std::io::Result<()> {
        axum::serve(listener, self.0).with_graceful_shutdown(until.cancelled_owned()).await
    }
}

fn public_pages() -> Router<Arc<App>> {
    Router::new()
        .route("/o/{token}", get(page::message::unsubscribe).post(page::message::one_click))
        .route("/u/{token}", post(page::message::unsubscribed))
        .route("/w/{token}", get(page::why::why))
        .route("/p/{token}", get(page::preferences::show).post(page::preferences::save))
        .route("/c/{token}", get(page::confirm::ask).post(page::confirm::confirmed))
        .route("/.well-known/gpc.json", get(http::consent::signal::support))
        .route("/p/{token}/stop", post(page::preferences::stop))
}

fn console_pages() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/console") }))
        .route("/console", get(page::home::home))
        .route("/console/decisions", get(page::console::decisions))
        .route("/console/decisions/{id}", get(page::console::decision))
        .route("/console/log", get(page::log::log))
        .route("/console/sign-in", get(page::console::sign_in).post(page::console::signed_in))
        .route("/sandbox", get(page::sandbox::sandbox))
}

fn assets(router: Router<Arc<App>>) -> Router<Arc<App>> {
    const STYLE: &str = include_str!("../assets/style.css");
    const MARK: &str = include_str!("../assets/mark.svg");
    let asset = |kind: &'static str, text: &'static str| {
        get(move || async move {
            ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=3600")], text)
        })
    };
    router
        .route("/assets/style.css", asset("text/css; charset=utf-8", STYLE))
        .route("/assets/mark.svg", asset("image/svg+xml", MARK))
}

/// Ready when the systems of record answer, the log is open and something is live.
async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    let not_ready =
        |why| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "http", "not-ready").because(why);
    let asked = async {
        // Read anew: what is remembered says nothing of whether it can still be read.
        let one = Limit::new(1).unwrap_or_default();
        let moves = app.releases.history(&app.tenant, None, one).await?;
        if moves.items.is_empty() || app.live.current(&app.tenant).await?.is_none() {
            return Err(not_ready("nothing is live"));
        }
        app.prove.checkpoint(&app.tenant).await?;
        Ok("ready\n")
    };
    let answered = tokio::time::timeout(READY_TIMEOUT, asked).await;
    answered.unwrap_or_else(|_| Err(not_ready("the systems of record do not answer")))
}

/// A span per request: method and route, never a path with an id or a token in it.
async fn spanned(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let span = tracing::info_span!(
        target: "assent::http",
        "http.request",
        method = %method(request.method()),
        route = route.unwrap_or("unmatched"),
        status = tracing::field::Empty,
    );
    let parent = request.headers().get("traceparent").and_then(|it| it.to_str().ok());
    if let Some(parent) = parent {
        (app.continue_trace)(&span, parent);
    }
    let response = next.run(request).instrument(span.clone()).await;
    span.record("status", response.status().as_u16());
    response
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::HEAD => "HEAD",
        _ => "OTHER",
    }
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a request panicked");
    let mut response =
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "http", "internal").into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
