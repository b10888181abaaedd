//! Partners' endpoints: structured CloudEvents, signed as Standard Webhooks 1.0.0 asks.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use delivery::{
    attempt::Attempt,
    ports::{HandOffError, Sender},
    reason,
    sender::{Accepted, Capabilities, Destination, Rendered, Route},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{Clock, TenantId};
use reqwest::{StatusCode, header};
use sha2::Sha256;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::{
    http::{Egress, Exceptions, is_unsafe},
    traced::Traced,
};

/// How long a hand-off to an endpoint may take.
const BUDGET: TimeDelta = TimeDelta::seconds(15);
/// The client gives up this long before the attempt's deadline.
const MARGIN: TimeDelta = TimeDelta::milliseconds(100);
/// The bytes of a secret.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The most secrets of an endpoint at a time: the new one and the one it replaces.
pub const SECRETS_MAX: usize = 2;

/// Where a tenant's webhook deliveries go, and the secrets they are signed with.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    /// Invariant: one to [`SECRETS_MAX`].
    secrets: Vec<Zeroizing<Vec<u8>>>,
}

/// What is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The URL has no host, or names a user.
    #[error("a webhook endpoint is an absolute URL without a user or a password")]
    Url,
    /// What is sent could be read on its way.
    #[error("a webhook endpoint is reached over HTTPS, or over HTTP on the loopback address")]
    Plain,
    /// A secret is none.
    #[error("a webhook secret is `whsec_` and base64 of 24 to 64 bytes")]
    Secret,
    /// There is no secret, or there are too many.
    #[error("a webhook endpoint has one secret, or two while one replaces the other")]
    Secrets,
}

impl Endpoint {
    /// The endpoint at this URL with these secrets. Every message is signed with each, so that a
    /// receiver may hold either while one replaces the other.
    pub fn new<'a>(
        url: &str,
        secrets: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, EndpointError> {
        let url = Url::parse(url).map_err(|_| EndpointError::Url)?;
        if url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Url);
        }
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(EndpointError::Plain);
        }
        let secrets = secrets.into_iter().map(secret).collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() || secrets.len() > SECRETS_MAX {
            return Err(EndpointError::Secrets);
        }
        Ok(Self { url, secrets })
    }

    /// Whether messages stay on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Where it is, as an operator writes it.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The operator's exception for exactly this host and port.
    pub fn exception(&self) -> Exceptions {
        let host = self.url.host_str().map(str::to_owned);
        Exceptions::new(host.zip(self.url.port_or_known_default()))
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let signatures = self.secrets.iter().map(|it| sign(it, id, timestamp, body));
        signatures.collect::<Vec<_>>().join(" ")
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(it)) => it.is_loopback(),
        Some(Host::Ipv6(it)) => it.is_loopback(),
        Some(Host::Domain(it)) => it == "localhost",
        None => false,
    }
}

fn secret(text: &str) -> Result<Zeroizing<Vec<u8>>, EndpointError> {
    let encoded = text.strip_prefix("whsec_").ok_or(EndpointError::Secret)?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| EndpointError::Secret)?);
    if SECRET_BYTES.contains(&bytes.len()) { Ok(bytes) } else { Err(EndpointError::Secret) }
}

/// Neither the secrets nor the path, in which partners hide theirs.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// A sender to tenants' endpoints.
#[derive(Debug, Clone)]
pub struct WebhookSender {
    egress: Egress,
    endpoints: Arc<BTreeMap<TenantId, Endpoint>>,
    clock: Arc<dyn Clock>,
}

impl WebhookSender {
    /// A sender to these endpoints.
    pub fn new(
        egress: Egress,
        endpoints: BTreeMap<TenantId, Endpoint>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { egress, endpoints: Arc::new(endpoints), clock }
    }

    /// This sender with what it can do: receivers deduplicate on `webhook-id`.
    pub fn route(self) -> Route {
        let capabilities = Capabilities { deduplicates: true, budget: BUDGET };
        Route { provider: "webhook", capabilities, sender: Arc::new(Traced::new(self)) }
    }
}

/// The signature of a body: `v1,` and base64 of HMAC-SHA-256 over `{id}.{timestamp}.{body}`.
pub fn sign(secret: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        // HMAC takes keys of any length.
        return String::new();
    };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn body(attempt: &Attempt, message: &Rendered) -> Option<Vec<u8>> {
    let mut data = serde_json::json!({
        "decision_id": attempt.decision(),
        "text": message.text,
        "why": message.why,
    });
    if let (Some(title), Some(members)) = (&message.subject, data.as_object_mut()) {
        members.insert("title".to_owned(), title.as_str().into());
    }
    let event = serde_json::json!({
        "specversion": "1.0",
        "id": attempt.id().delivery,
        "source": format!("/assent/{}", attempt.tenant()),
        "type": "assent.action.v1",
        "subject": attempt.subject(),
        "time": attempt.committed_at(),
        "datacontenttype": "application/json",
        "data": data,
    });
    serde_json::to_vec(&event).ok()
}

#[async_trait]
impl Sender for WebhookSender {
    async fn hand_off(
        &self,
        attempt: &Attempt,
        message: &Rendered,
        _: &Destination,
    ) -> Result<Accepted, HandOffError> {
        let permanent = |code| HandOffError::Permanent { code };
        let endpoint =
            self.endpoints.get(attempt.tenant()).ok_or_else(|| permanent(reason::NO_ROUTE))?;
        let url =
            self.egress.vet(endpoint.url()).map_err(|_| permanent(reason::UNSAFE_DESTINATION))?;
        let body = body(attempt, message).ok_or(HandOffError::NotStarted)?;
        let now = self.clock.now();
        let left = (attempt.deadline().since(now) - MARGIN).to_std().unwrap_or(Duration::ZERO);
        if left.is_zero() {
            return Err(HandOffError::NotStarted);
        }
        let id = attempt.id().delivery.to_string();
        let timestamp = now.micros().div_euclid(1_000_000);
        let answer = self
            .egress
            .post(url)
            .timeout(left)
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", endpoint.sign(&id, timestamp, &body))
            .header(header::CONTENT_TYPE, "application/cloudevents+json")
            .body(body)
            .send()
            .await
            .map_err(|it| failed(&it))?;
        let after = answer.headers().get(header::RETRY_AFTER);
        let after = after.and_then(|it| it.to_str().ok()?.parse().ok()).map(seconds);
        answered(answer.status(), after)
    }
}

/// At most a week: what asks for longer asks for never.
fn seconds(n: u32) -> TimeDelta {
    TimeDelta::seconds(i64::from(n.min(604_800)))
}

/// What an error says about the message: it left only if the connection stood.
fn failed(error: &reqwest::Error) -> HandOffError {
    if is_unsafe(error) {
        HandOffError::Permanent { code: reason::UNSAFE_DESTINATION }
    } else if error.is_connect() {
        HandOffError::Retryable { code: reason::RETRYABLE, after: None }
    } else if error.is_builder() {
        HandOffError::NotStarted
    } else {
        HandOffError::Ambiguous { code: reason::AMBIGUOUS }
    }
}

/// What an answer says: gone and moved are final, everything else that is no success may pass.
fn answered(status: StatusCode, after: Option<TimeDelta>) -> Result<Accepted, HandOffError> {
    if status.is_success() {
        Ok(Accepted::default())
    } else if status == StatusCode::GONE || status.is_redirection() {
        Err(HandOffError::Permanent { code: reason::PERMANENT })
    } else {
        Err(HandOffError::Retryable { code: reason::RETRYABLE, after })
    }
}

#[cfg(test)]
mod tests {
    //! Signatures and what answers mean.

    use super::*;

    const URL: &str = "https://hooks.example.com/";
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn signatures_are_those_of_the_standard() {
        // The example of the Standard Webhooks reference libraries.
        let endpoint = Endpoint::new(URL, [SECRET]).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signed = endpoint.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_24_to_64_bytes() {
        let of = |n: usize| format!("whsec_{}", STANDARD.encode(vec![7; n]));
        for (n, legal) in [(23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(Endpoint::new(URL, [&*of(n)]).is_ok(), legal, "{n}");
        }
        assert_eq!(Endpoint::new(URL, ["secret"]).unwrap_err(), EndpointError::Secret);
        let debug = format!("{:?}", Endpoint::new(URL, [&*of(24)]).unwrap());
        assert!(!debug.contains('7'), "{debug}");
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let next = format!("whsec_{}", STANDARD.encode([7; 24]));
        let both = Endpoint::new(URL, [&*next, SECRET]).unwrap().sign("id", 1, b"{}");
        let alone = |it| Endpoint::new(URL, [it]).unwrap().sign("id", 1, b"{}");
        assert_eq!(both, format!("{} {}", alone(&next), alone(SECRET)));
        for secrets in [vec![], vec![SECRET; SECRETS_MAX + 1]] {
            assert_eq!(Endpoint::new(URL, secrets).unwrap_err(), EndpointError::Secrets);
        }
        assert!(Endpoint::new(URL, vec![SECRET; SECRETS_MAX]).is_ok());
    }

    #[test]
    fn an_endpoint_is_reached_over_tls_or_on_this_machine() {
        for (url, expected) in [
            ("https://hooks.example.com/in?x=1", None),
            ("https://10.0.0.7:8443/in", None),
            ("http://127.0.0.1:9000/in", None),
            ("http://[::1]:9000/in", None),
            ("http://localhost:9000/in", None),
            ("http://hooks.example.com/in", Some(EndpointError::Plain)),
            ("http://10.0.0.7/in", Some(EndpointError::Plain)),
            ("http://localhost.example.com/", Some(EndpointError::Plain)),
            ("ftp://127.0.0.1/in", Some(EndpointError::Plain)),
            ("https://user@hooks.example.com/", Some(EndpointError::Url)),
            ("https://:pass@hooks.example.com/", Some(EndpointError::Url)),
            ("hooks.example.com/in", Some(EndpointError::Url)),
            ("mailto:hooks@example.com", Some(EndpointError::Url)),
            ("", Some(EndpointError::Url)),
        ] {
            assert_eq!(Endpoint::new(url, [SECRET]).err(), expected, "{url}");
        }
    }

    #[test]
    fn answers_mean_what_the_schedule_needs() {
        let permanent = Err(HandOffError::Permanent { code: reason::PERMANENT });
        let retry = |after| Err(HandOffError::Retryable { code: reason::RETRYABLE, after });
        let after = Some(seconds(30));
        for (status, expected) in [
            (200, Ok(Accepted::default())),
            (204, Ok(Accepted::default())),
            (301, permanent.clone()),
            (410, permanent),
            (400, retry(after)),
            (401, retry(after)),
            (408, retry(after)),
            (429, retry(after)),
            (500, retry(after)),
            (503, retry(after)),
        ] {
            assert_eq!(answered(StatusCode::from_u16(status).unwrap(), after), expected);
        }
        assert_eq!(seconds(u32::MAX), TimeDelta::days(7));
    }
}
