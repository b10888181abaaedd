//! Links in messages: sealed tokens that open one page for one person.
//!
//! A token is `version ‖ nonce ‖ AES-256-GCM(what it opens)` in base64url. Version and kind of page
//! are authenticated with it, so a token of one kind never opens a page of another; the nonce is an
//! HMAC of kind and content, so the same link is minted twice as the same text and no two contents
//! share a nonce. Nothing about the person can be read from it. A token travels in text messages,
//! so it says no more than its page must know.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead, Payload},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use kernel::{
    Channel, DecisionId, DeliveryId, Instant, PurposeKey, SubjectId, TenantId, word::NAME_BYTES_MAX,
};
use sha2::Sha256;
use uuid::Uuid;

use self::wire::Reader;

mod confirm;
mod wire;

pub use confirm::ConfirmLink;

/// The shape of what is sealed; a token of another shape is not opened.
const VERSION: u8 = 2;
const VERSION_BYTES: usize = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const ID_BYTES: usize = 16;
/// What a tenant's name takes at most, with its length.
const TENANT_BYTES_MAX: usize = 1 + 40;
/// What is sealed at most: an unsubscribe link of the longest tenant about the longest purpose.
const PLAIN_BYTES_MAX: usize = TENANT_BYTES_MAX + 2 * ID_BYTES + 1 + NAME_BYTES_MAX;
/// The longest token; anything longer is no token of ours.
pub const TOKEN_CHARS_MAX: usize =
    ((VERSION_BYTES + NONCE_BYTES + PLAIN_BYTES_MAX + TAG_BYTES) * 4).div_ceil(3);

/// Opens one-click unsubscribe (RFC 8058): it ends one purpose on one channel. It only reduces, so
/// it never expires, and it stands on its own, so that it works when the message is forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsubscribeLink {
    /// Whose data.
    pub tenant: TenantId,
    /// The person.
    pub subject: SubjectId,
    /// The message it came with.
    pub delivery: Option<DeliveryId>,
    /// The purpose it ends.
    pub purpose: PurposeKey,
    /// On this channel.
    pub channel: Channel,
}

/// Opens the preference centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferencesLink {
    /// Whose data.
    pub tenant: TenantId,
    /// The person.
    pub subject: SubjectId,
    /// When it stops opening anything.
    pub expires_at: Instant,
}

/// Opens the page that says why; everything else is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyLink {
    /// Whose data.
    pub tenant: TenantId,
    /// What the page is about.
    pub about: About,
}

/// What a why page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A decision and all that came of it: the link in an answer.
    Decision(DecisionId),
    /// One message and the decision behind it: the link in that message.
    Delivery(DeliveryId),
}

/// A kind of link: one page, one shape.
pub trait Link: Sized {
    /// Names the page in what the seal authenticates; never used for another.
    const KIND: u8;

    /// The tenant, which every link names first.
    fn tenant(&self) -> &TenantId;
    /// Writes what follows the tenant.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads what follows the tenant.
    fn read(tenant: TenantId, from: &mut Reader<'_>) -> Option<Self>;
    /// When it stops opening anything.
    fn expires_at(&self) -> Option<Instant> {
        None
    }
}

impl Link for UnsubscribeLink {
    const KIND: u8 = 1;

    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.subject.uuid().as_bytes());
        let delivery = self.delivery.map_or(Uuid::nil(), DeliveryId::uuid);
        out.extend_from_slice(delivery.as_bytes());
        out.push(wire::channel(self.channel));
        out.extend_from_slice(self.purpose.as_str().as_bytes());
    }

    fn read(tenant: TenantId, from: &mut Reader<'_>) -> Option<Self> {
        let subject = SubjectId::from_uuid(from.uuid()?);
        let delivery = Some(from.uuid()?).filter(|it| !it.is_nil()).map(DeliveryId::from_uuid);
        let channel = from.channel()?;
        let purpose = PurposeKey::new(from.rest()?).ok()?;
        Some(Self { tenant, subject, delivery, purpose, channel })
    }
}

impl Link for PreferencesLink {
    const KIND: u8 = 2;

    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.subject.uuid().as_bytes());
        out.extend_from_slice(&self.expires_at.micros().to_be_bytes());
    }

    fn read(tenant: TenantId, from: &mut Reader<'_>) -> Option<Self> {
        let subject = SubjectId::from_uuid(from.uuid()?);
        let expires_at = Instant::from_micros(i64::from_be_bytes(from.take()?));
        from.end()?;
        Some(Self { tenant, subject, expires_at })
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.expires_at)
    }
}

impl Link for WhyLink {
    const KIND: u8 = 3;

    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (which, id) = match self.about {
            About::Decision(it) => (1, it.uuid()),
            About::Delivery(it) => (2, it.uuid()),
        };
        out.push(which);
        out.extend_from_slice(id.as_bytes());
    }

    fn read(tenant: TenantId, from: &mut Reader<'_>) -> Option<Self> {
        let ([which], id) = (from.take()?, from.uuid()?);
        from.end()?;
        let about = match which {
            1 => About::Decision(DecisionId::from_uuid(id)),
            2 => About::Delivery(DeliveryId::from_uuid(id)),
            _ => return None,
        };
        Some(Self { tenant, about })
    }
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

    /// The token of a link; `None` only if the cipher fails, which it does for no link there is.
    pub fn seal<L: Link>(&self, link: &L) -> Option<String> {
        let mut plain = Vec::with_capacity(PLAIN_BYTES_MAX);
        let tenant = link.tenant().as_str().as_bytes();
        plain.push(u8::try_from(tenant.len()).ok()?);
        plain.extend_from_slice(tenant);
        link.write(&mut plain);
        let nonce = self.nonce(L::KIND, &plain)?;
        let cipher = Aes256Gcm::new(&self.key.into());
        let sealed =
            cipher.encrypt(&nonce.into(), Payload { msg: &plain, aad: &bound(L::KIND) }).ok()?;
        let mut token = Vec::with_capacity(VERSION_BYTES + NONCE_BYTES + sealed.len());
        token.push(VERSION);
        token.extend_from_slice(&nonce);
        token.extend_from_slice(&sealed);
        Some(URL_SAFE_NO_PAD.encode(token))
    }

    /// What a token stands for, if it is ours, whole, of this kind and still good.
    pub fn open<L: Link>(&self, token: &str, now: Instant) -> Option<L> {
        if token.len() > TOKEN_CHARS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let mut outer = Reader::new(&bytes);
        let [version] = outer.take()?;
        if version != VERSION {
            return None;
        }
        let nonce: [u8; NONCE_BYTES] = outer.take()?;
        let cipher = Aes256Gcm::new(&self.key.into());
        let sealed = Payload { msg: outer.remains(), aad: &bound(L::KIND) };
        let plain = cipher.decrypt(&nonce.into(), sealed).ok()?;
        let mut inner = Reader::new(&plain);
        let tenant = inner.tenant()?;
        let link = L::read(tenant, &mut inner)?;
        link.expires_at().is_none_or(|it| now < it).then_some(link)
    }

    fn nonce(&self, kind: u8, plain: &[u8]) -> Option<[u8; NONCE_BYTES]> {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&self.key).ok()?;
        mac.update(b"assent/link/nonce\0");
        mac.update(&[VERSION, kind]);
        mac.update(plain);
        mac.finalize().into_bytes().get(..NONCE_BYTES)?.try_into().ok()
    }
}

/// What a seal authenticates beside its content.
const fn bound(kind: u8) -> [u8; 6] {
    [b'l', b'i', b'n', b'k', VERSION, kind]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ID: &str = "0198c0de-0000-7000-8000-000000000001";
    const SEALER: LinkSealer = LinkSealer::new([7; 32]);

    fn unsubscribe(tenant: &str, purpose: &str) -> UnsubscribeLink {
        UnsubscribeLink {
            tenant: TenantId::new(tenant).unwrap(),
            subject: ID.parse().unwrap(),
            delivery: Some(ID.parse().unwrap()),
            purpose: PurposeKey::new(purpose).unwrap(),
            channel: Channel::Email,
        }
    }

    fn preferences(expires_at: Instant) -> PreferencesLink {
        let (tenant, subject) = (TenantId::new("acme").unwrap(), ID.parse().unwrap());
        PreferencesLink { tenant, subject, expires_at }
    }

    fn why() -> [WhyLink; 2] {
        let id = ID.parse().unwrap();
        [About::Decision(DecisionId::from_uuid(id)), About::Delivery(DeliveryId::from_uuid(id))]
            .map(|about| WhyLink { tenant: TenantId::new("acme").unwrap(), about })
    }

    #[test]
    fn a_token_opens_what_it_was_sealed_for_whatever_the_channel() {
        for channel in Channel::ALL {
            for delivery in [None, Some(ID.parse().unwrap())] {
                let base = unsubscribe("acme", "service.recovery");
                let link = UnsubscribeLink { channel: *channel, delivery, ..base };
                let token = SEALER.seal(&link).unwrap();
                assert_eq!(SEALER.open(&token, Instant::EPOCH), Some(link));
            }
        }
        let codes: BTreeSet<_> = Channel::ALL.iter().map(|it| wire::channel(*it)).collect();
        assert_eq!(codes.len(), Channel::ALL.len());
        for link in why() {
            let token = SEALER.seal(&link).unwrap();
            assert_eq!(SEALER.open(&token, Instant::EPOCH), Some(link));
        }
    }

    #[test]
    fn a_token_opens_only_its_own_page_until_it_expires() {
        let end = Instant::from_micros(1_000);
        let token = SEALER.seal(&preferences(end)).unwrap();
        let before = Instant::from_micros(999);
        assert_eq!(SEALER.open(&token, before), Some(preferences(end)));
        assert_eq!(SEALER.open::<PreferencesLink>(&token, end), None);
        assert_eq!(SEALER.open::<WhyLink>(&token, before), None);
        assert_eq!(SEALER.open::<UnsubscribeLink>(&token, before), None);
        let other = LinkSealer::new([8; 32]);
        assert_eq!(other.open::<PreferencesLink>(&token, before), None);
    }

    #[test]
    fn a_token_says_nothing_and_bends_to_nobody() {
        let link = unsubscribe("acme", "marketing.renewal");
        let token = SEALER.seal(&link).unwrap();
        assert_eq!(token, SEALER.seal(&link).unwrap());
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("acme"));
        for (i, bit) in (0..bytes.len()).flat_map(|it| (0..8).map(move |bit| (it, bit))) {
            let mut bent = bytes.clone();
            bent[i] ^= 1 << bit;
            let bent = URL_SAFE_NO_PAD.encode(bent);
            assert_eq!(SEALER.open::<UnsubscribeLink>(&bent, Instant::EPOCH), None, "{i}.{bit}");
        }
        for length in 0..bytes.len() {
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..length]);
            assert_eq!(SEALER.open::<UnsubscribeLink>(&cut, Instant::EPOCH), None, "{length}");
        }
    }

    #[test]
    fn the_longest_link_is_as_long_as_a_token_may_be_and_no_longer_one_is_read() {
        let link = unsubscribe(&"t".repeat(40), &"p".repeat(NAME_BYTES_MAX));
        let token = SEALER.seal(&link).unwrap();
        assert_eq!(token.len(), TOKEN_CHARS_MAX);
        assert_eq!(SEALER.open(&token, Instant::EPOCH), Some(link));
        let longer = format!("{token}A");
        assert_eq!(SEALER.open::<UnsubscribeLink>(&longer, Instant::EPOCH), None);
    }

    #[test]
    fn a_link_fits_into_a_text_message() {
        let lengths = [
            SEALER.seal(&why()[0]).unwrap().len(),
            SEALER.seal(&preferences(Instant::EPOCH)).unwrap().len(),
            SEALER.seal(&unsubscribe("acme", "marketing.renewal")).unwrap().len(),
        ];
        assert_eq!(lengths, [68, 78, 112]);
    }
}
