//! The JSON surface: routes by domain, and how every one of them reads its input.

pub mod consent;
pub mod console;
pub mod decisions;
pub mod intake;
pub mod log;
pub mod person;
pub mod witness;

use axum::{
    Router,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::problem::Problem;

/// The largest JSON body, in bytes; intake of events has its own limit.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The largest form, in bytes.
pub const FORM_BYTES_MAX: usize = 1 << 16;

/// A JSON body: of the right content type, within the limit, without duplicate or unknown members.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        content(request.headers(), "application/json")?;
        let bytes = whole(request, state, BODY_BYTES_MAX).await?;
        read(&bytes).map(Self)
    }
}

/// A query string; what cannot be read is a problem.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(it)| Self(it)).map_err(|it| Problem::malformed(it.body_text()))
    }
}

/// A submitted form, undecoded.
#[derive(Debug)]
pub struct Submitted(pub String);

impl Submitted {
    /// The values of one field; ours need no decoding.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .split('&')
            .filter_map(|it| it.split_once('='))
            .filter(move |it| it.0 == name)
            .map(|it| it.1)
    }
}

impl<S: Send + Sync> FromRequest<S> for Submitted {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        content(request.headers(), "application/x-www-form-urlencoded")?;
        let bytes = whole(request, state, FORM_BYTES_MAX).await?;
        let text = String::from_utf8(bytes.into());
        text.map(Self).map_err(|_| Problem::malformed("the form is not text"))
    }
}

/// A body that says nothing more than its request, read to its end so that the answer can be too.
#[derive(Debug)]
pub struct Ignored;

impl<S: Send + Sync> FromRequest<S> for Ignored {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        whole(request, state, FORM_BYTES_MAX).await.map(|_| Self)
    }
}

/// A raw body within the limit the router sets.
#[derive(Debug)]
pub struct Raw(pub HeaderMap, pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        Ok(Self(headers, whole(request, state, usize::MAX).await?))
    }
}

/// A path segment that names something; what cannot be read names nothing.
#[derive(Debug)]
pub struct Named<T>(pub T);

impl<S, T> FromRequestParts<S> for Named<T>
where
    S: Send + Sync,
    T: std::str::FromStr + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let axum::extract::Path(text) =
            axum::extract::Path::<String>::from_request_parts(parts, state)
                .await
                .map_err(|_| Problem::not_found("path"))?;
        text.parse().map(Self).map_err(|_| Problem::not_found("id"))
    }
}

/// The caller's own id of a change, so that a retry is the same change.
#[derive(Debug, Clone, Copy)]
pub struct IdempotencyKey(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let value = parts.headers.get("idempotency-key").and_then(|it| it.to_str().ok());
        let Some(value) = value else {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "http", "idempotency-key-missing")
                .because("send an `Idempotency-Key` header with a UUID of your own"));
        };
        Uuid::try_parse(value.trim_matches('"')).map(Self).map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "http", "idempotency-key-malformed")
                .because("`Idempotency-Key` is not a UUID")
        })
    }
}

fn content(headers: &HeaderMap, wanted: &str) -> Result<(), Problem> {
    let value =
        headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "http", "unsupported-media-type")
        .because(format!("send `Content-Type: {wanted}`")))
}

async fn whole<S: Send + Sync>(
    request: Request,
    state: &S,
    bytes_max: usize,
) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "http", "too-large")
            .because("the body is larger than this route takes")
    };
    let bytes = Bytes::from_request(request, state).await.map_err(|it| {
        if it.status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large()
        } else {
            Problem::malformed("the body could not be read")
        }
    })?;
    if bytes.len() > bytes_max { Err(too_large()) } else { Ok(bytes) }
}

/// Reads a JSON body; refuses members named twice, and says where the rest went wrong.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let value = kernel::canonical::parse(bytes)
        .map_err(|_| Problem::malformed("the body is not JSON, or names a member twice"))?;
    serde_json::from_value(value)
        .map_err(|it| Problem::unprocessable("http", "invalid-body", it.to_string()))
}

/// The answers for what no route serves.
pub(crate) fn with_fallbacks(router: Router) -> Router {
    router.fallback(|| async { Problem::not_found("route") }).method_not_allowed_fallback(
        || async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "http", "method-not-allowed")
                .because("this path does not take that method")
        },
    )
}
