//! Problem details (RFC 9457): every refusal over HTTP, with a stable code.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::{Fault, Reason, Recovery};
use serde::Serialize;

/// A refusal over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Details>);

/// The members of a problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// `/problems/{domain}/{kebab-name}`; permanent.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This occurrence in words; never a person's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Reason codes, where it refuses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub reasons: Vec<Reason>,
    /// Places in the body (RFC 6901) and what is wrong there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Place>,
}

/// One place in a body and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Place {
    /// JSON pointer.
    pub pointer: String,
    /// What is wrong.
    pub detail: String,
}

impl Problem {
    /// A problem of `/problems/{domain}/{name}`.
    pub fn new(status: StatusCode, domain: &str, name: &str) -> Self {
        let title = name.replace('-', " ");
        Self(Box::new(Details {
            kind: format!("/problems/{domain}/{name}"),
            title,
            status: status.as_u16(),
            detail: None,
            reasons: Vec::new(),
            errors: Vec::new(),
        }))
    }

    /// The same problem, with this occurrence in words.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The same problem, with its reason codes.
    #[must_use]
    pub fn reasons(mut self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        self.0.reasons = reasons.into_iter().collect();
        self
    }

    /// The same problem, with a place in the body.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(Place { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// The members.
    pub fn details(&self) -> &Details {
        &self.0
    }

    /// Nothing of that name, or not for this caller.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "http", "not-found").because(format!("no such {what}"))
    }

    /// A body, path or header that cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "http", "malformed").because(detail)
    }

    /// A well-formed request that makes no sense.
    pub fn unprocessable(domain: &str, name: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, domain, name).because(detail)
    }
}

impl From<Fault> for Problem {
    /// Logs the chain once, where it is handled; the caller learns only whether to try again.
    fn from(fault: Fault) -> Self {
        let mut chain = fault.to_string();
        let mut source = std::error::Error::source(&fault);
        while let Some(it) = source {
            chain.push_str(": ");
            chain.push_str(&it.to_string());
            source = it.source();
        }
        match fault.recovery() {
            Recovery::Retry => {
                tracing::warn!(fault = %chain, "a call failed and may be tried again");
            }
            Recovery::Escalate => tracing::error!(fault = %chain, "a call failed"),
        }
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "http", "unavailable")
            .because("nothing was changed; try again later")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
