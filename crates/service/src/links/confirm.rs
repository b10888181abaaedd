//! The link in a message that asks to confirm an agreement.

use kernel::{Instant, NodeId, SubjectId, TenantId};
use uuid::Uuid;

use super::{Link, wire::Reader};

/// Confirms a grant from the address it was sent to. It expires with the grant's time to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmLink {
    /// Whose data.
    pub tenant: TenantId,
    /// The person.
    pub subject: SubjectId,
    /// The agreement.
    pub grant: Uuid,
    /// The address it was sent to.
    pub at: NodeId,
    /// When it stops opening anything.
    pub expires_at: Instant,
}

impl Link for ConfirmLink {
    const KIND: u8 = 4;

    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.subject.uuid().as_bytes());
        out.extend_from_slice(self.grant.as_bytes());
        out.extend_from_slice(self.at.uuid().as_bytes());
        out.extend_from_slice(&self.expires_at.micros().to_be_bytes());
    }

    fn read(tenant: TenantId, from: &mut Reader<'_>) -> Option<Self> {
        let subject = SubjectId::from_uuid(from.uuid()?);
        let grant = from.uuid()?;
        let at = NodeId::from_uuid(from.uuid()?);
        let expires_at = Instant::from_micros(i64::from_be_bytes(from.take()?));
        from.end()?;
        Some(Self { tenant, subject, grant, at, expires_at })
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::LinkSealer, *};

    #[test]
    fn a_link_to_confirm_opens_what_it_was_sealed_for_until_it_expires() {
        let id: Uuid = "0198c0de-0000-7000-8000-000000000001".parse().unwrap();
        let expires_at = Instant::from_micros(1_000);
        let link = ConfirmLink {
            tenant: TenantId::new("acme").unwrap(),
            subject: SubjectId::from_uuid(id),
            grant: id,
            at: NodeId::from_uuid(id),
            expires_at,
        };
        let sealer = LinkSealer::new([7; 32]);
        let token = sealer.seal(&link).unwrap();
        assert_eq!(sealer.open(&token, Instant::from_micros(999)), Some(link));
        assert_eq!(sealer.open::<ConfirmLink>(&token, expires_at), None);
        assert_eq!(sealer.open::<super::super::WhyLink>(&token, Instant::EPOCH), None);
        assert!(token.len() <= super::super::TOKEN_CHARS_MAX);
    }
}
