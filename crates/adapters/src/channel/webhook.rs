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
use zeroize::Zeroizing;

use crate::http::{Egress, is_unsafe};

/// How long a hand-off to an endpoint may take.
const BUDGET: TimeDelta = TimeDelta::seconds(15);
/// The client gives up this long before the attempt's deadline.
const MARGIN: TimeDelta = TimeDelta::milliseconds(100);
/// The bytes of a secret.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Where a tenant's webhook deliveries go, and the secret they are signed with.
#[derive(Clone)]
pub struct Endpoint {
    url: String,
    secret: Zeroizing<Vec<u8>>,
}

/// A secret that is not `whsec_` and base64 of 24 to 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is `whsec_` and base64 of 24 to 64 bytes")]
pub struct SecretError;

impl Endpoint {
    /// The endpoint at this URL with this secret.
    pub fn new(url: &str, secret: &str) -> Result<Self, SecretError> {
        let encoded = secret.strip_prefix("whsec_").ok_or(SecretError)?;
        let secret = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| SecretError)?);
        if SECRET_BYTES.contains(&secret.len()) {
            Ok(Self { url: url.to_owned(), secret })
        } else {
            Err(SecretError)
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).finish_non_exhaustive()
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
        Route { provider: "webhook", capabilities, sender: Arc::new(self) }
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
            self.egress.vet(&endpoint.url).map_err(|_| permanent(reason::UNSAFE_DESTINATION))?;
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
            .header("webhook-signature", sign(&endpoint.secret, &id, timestamp, &body))
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

    #[test]
    fn signatures_are_those_of_the_standard() {
        // The example of the Standard Webhooks reference libraries.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let endpoint = Endpoint::new("https://hooks.example.com/", secret).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signed = sign(&endpoint.secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_24_to_64_bytes() {
        let of = |n: usize| format!("whsec_{}", STANDARD.encode(vec![7; n]));
        let url = "https://hooks.example.com/";
        for (n, legal) in [(23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(Endpoint::new(url, &of(n)).is_ok(), legal, "{n}");
        }
        assert_eq!(Endpoint::new(url, "secret").unwrap_err(), SecretError);
        let debug = format!("{:?}", Endpoint::new(url, &of(24)).unwrap());
        assert!(!debug.contains('7'), "{debug}");
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
