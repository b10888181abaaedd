//! Links in messages: sealed tokens that open one page for one person.
//!
//! A token is AES-256-GCM over what it opens; the nonce is an HMAC of the content, so the same link
//! is minted twice as the same text and no two contents share a nonce. Nothing about the person can
//! be read from it, and a token of one kind never opens a page of another.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead, Payload},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use kernel::{Channel, DecisionId, DeliveryId, Instant, PurposeRef, SubjectId, TenantId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The longest token accepted; anything longer is no token of ours.
pub const TOKEN_BYTES_MAX: usize = 1_024;
const NONCE_BYTES: usize = 12;

/// The page a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opens {
    /// One-click unsubscribe (RFC 8058); only reduces and never expires.
    Unsubscribe,
    /// The preference centre.
    Preferences,
    /// Why one message was sent.
    Why,
}

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The page it opens.
    pub opens: Opens,
    /// Whose data.
    pub tenant: TenantId,
    /// The person.
    pub subject: SubjectId,
    /// The message it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryId>,
    /// The decision behind that message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
    /// The purpose it may end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<PurposeRef>,
    /// On this channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// When it stops opening anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// Makes and opens tokens.
#[derive(Clone)]
pub struct LinkSealer {
    key: [u8; 32],
}

impl fmt::Debug for LinkSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSealer(..)")
    }
}

impl LinkSealer {
    /// A sealer under this key.
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The token of a link; `None` only if the link cannot be encoded.
    pub fn seal(&self, link: &Link) -> Option<String> {
        let plain = serde_json::to_vec(link).ok()?;
        let nonce = self.nonce(&plain)?;
        let cipher = Aes256Gcm::new(&self.key.into());
        let sealed = cipher.encrypt(&nonce.into(), Payload { msg: &plain, aad: b"link/1" }).ok()?;
        let mut token = nonce.to_vec();
        token.extend_from_slice(&sealed);
        Some(URL_SAFE_NO_PAD.encode(token))
    }

    /// What a token stands for, if it is ours, whole, of this kind and still good.
    pub fn open(&self, token: &str, opens: Opens, now: Instant) -> Option<Link> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let cipher = Aes256Gcm::new(&self.key.into());
        let plain = cipher.decrypt(&nonce.into(), Payload { msg: sealed, aad: b"link/1" }).ok()?;
        let link: Link = serde_json::from_slice(&plain).ok()?;
        let good = link.expires_at.is_none_or(|it| now < it);
        (link.opens == opens && good).then_some(link)
    }

    fn nonce(&self, plain: &[u8]) -> Option<[u8; NONCE_BYTES]> {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&self.key).ok()?;
        mac.update(b"assent/link/nonce/1\0");
        mac.update(plain);
        mac.finalize().into_bytes().get(..NONCE_BYTES)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(opens: Opens, expires_at: Option<Instant>) -> Link {
        Link {
            opens,
            tenant: TenantId::new("acme").unwrap(),
            subject: "0198c0de-0000-7000-8000-000000000001".parse().unwrap(),
            delivery: None,
            decision: None,
            purpose: None,
            channel: Some(Channel::Email),
            expires_at,
        }
    }

    #[test]
    fn a_token_opens_only_its_own_page_until_it_expires() {
        let sealer = LinkSealer::new([7; 32]);
        let end = Instant::from_micros(1_000);
        let token = sealer.seal(&link(Opens::Preferences, Some(end))).unwrap();
        let before = Instant::from_micros(999);
        assert!(sealer.open(&token, Opens::Preferences, before).is_some());
        assert!(sealer.open(&token, Opens::Preferences, end).is_none());
        assert!(sealer.open(&token, Opens::Why, before).is_none());
        assert!(LinkSealer::new([8; 32]).open(&token, Opens::Preferences, before).is_none());
    }

    #[test]
    fn a_token_says_nothing_and_bends_to_nobody() {
        let sealer = LinkSealer::new([7; 32]);
        let token = sealer.seal(&link(Opens::Unsubscribe, None)).unwrap();
        assert_eq!(token, sealer.seal(&link(Opens::Unsubscribe, None)).unwrap());
        assert!(
            !String::from_utf8_lossy(&URL_SAFE_NO_PAD.decode(&token).unwrap()).contains("acme")
        );
        for i in 0..token.len() {
            let mut bent: Vec<char> = token.chars().collect();
            bent[i] = if bent[i] == 'A' { 'B' } else { 'A' };
            let bent: String = bent.into_iter().collect();
            if bent != token && URL_SAFE_NO_PAD.decode(&bent).is_ok() {
                assert!(sealer.open(&bent, Opens::Unsubscribe, Instant::EPOCH).is_none(), "{i}");
            }
        }
        assert!(sealer.open(&"A".repeat(TOKEN_BYTES_MAX), Opens::Why, Instant::EPOCH).is_none());
        assert!(
            sealer.open(&"A".repeat(TOKEN_BYTES_MAX + 1), Opens::Why, Instant::EPOCH).is_none()
        );
    }
}
