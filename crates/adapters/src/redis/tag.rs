//! What keys share: everything about one person is under one tag, and a tag is in one slot.

use identity::node::NodeKey;
use kernel::{NodeId, SubjectId, TenantId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How many slots a Redis Cluster has.
pub(super) const SLOTS: u16 = 16_384;

/// The hash tag of some keys.
// Invariant: no braces, so that Redis hashes exactly this.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag(String);

impl Tag {
    /// Everything about the person with this head.
    pub(super) fn of_subject(tenant: &TenantId, subject: SubjectId) -> Self {
        Self::of(tenant, subject.uuid())
    }

    /// Whose a node is; the head's own node is under the tag of the person.
    pub(super) fn of_node(tenant: &TenantId, node: NodeId) -> Self {
        Self::of(tenant, node.uuid())
    }

    /// Which node a blind key names.
    pub(super) fn of_key(tenant: &TenantId, key: &NodeKey) -> Self {
        let mut digest = Sha256::new();
        digest.update(key.namespace.as_str().as_bytes());
        digest.update([0]);
        digest.update(key.key.as_bytes());
        let mut bytes = [0_u8; 16];
        bytes.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
        Self(format!("{tenant}:k{}", Uuid::from_bytes(bytes).simple()))
    }

    fn of(tenant: &TenantId, uuid: Uuid) -> Self {
        Self(format!("{tenant}:{}", uuid.simple()))
    }

    /// The tag as it stands between the braces.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The slot of every key with this tag: CRC-16/XMODEM modulo [`SLOTS`], as the Redis Cluster
    /// specification has it.
    pub(super) fn slot(&self) -> u16 {
        slot(self.0.as_bytes())
    }
}

/// The slot of a key without a hash tag, or of the tag of one that has it.
pub(super) fn slot(bytes: &[u8]) -> u16 {
    crc16(bytes) % SLOTS
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use identity::node::{BlindKey, NamespaceId};

    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(Tag("foo".to_owned()).slot(), 12_182);
    }

    #[test]
    fn no_name_reaches_out_of_the_braces() {
        let tenant = TenantId::new("acme").unwrap();
        let namespace = NamespaceId::new("}{crm");
        let key = NodeKey { namespace, key: BlindKey::from_bytes([7; 16]) };
        assert!(!Tag::of_key(&tenant, &key).as_str().contains(['{', '}']));
    }

    #[test]
    fn a_head_is_under_the_tag_of_its_person() {
        let (tenant, uuid) = (TenantId::new("acme").unwrap(), Uuid::from_u128(7));
        assert_eq!(
            Tag::of_node(&tenant, NodeId::from_uuid(uuid)),
            Tag::of_subject(&tenant, SubjectId::from_uuid(uuid))
        );
        let other = TenantId::new("globex").unwrap();
        assert_ne!(
            Tag::of_node(&tenant, NodeId::from_uuid(uuid)),
            Tag::of_node(&other, NodeId::from_uuid(uuid))
        );
    }
}
