//! Committing and sealing a record: groups of fields under derived salts and keys.
//!
//! Every label here is a promise: a record sealed today must verify in ten years. The golden file
//! of the tests pins them.

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{AeadInOut as _, KeyInit as _},
};
use hmac::{Hmac, Mac as _};
use kernel::{Entropy, Instant};
use sha2::{Digest as _, Sha256};

use crate::{
    entry::{
        Custody, EntryKind, GROUP_NAME_BYTES_MAX, GROUPS_MAX, Group, Leaf, RecordId,
        RetentionClass, is_name,
    },
    key::{Key, Kid},
    tree::{self, Hash},
};

mod codec;

pub use codec::{CodecError, decode, encode};

/// The most bytes of a sealed record.
pub const RECORD_SEALED_BYTES_MAX: usize = 64 * 1024;
/// Plaintexts are padded to a multiple of this, so that lengths say little.
pub const PAD_BYTES: usize = 64;

type HmacSha256 = Hmac<Sha256>;

/// The keys of a record, as far as they exist.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The subject's, where the record is about someone.
    pub subject: Option<Key>,
    /// The month's.
    pub period: Option<Key>,
}

/// A group that cannot be read without its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedGroup {
    /// The group's name.
    pub name: String,
    /// Under whose keys.
    pub custody: Custody,
    /// What the tree binds.
    pub commitment: Hash,
    /// The salt of a plain group; the others derive theirs.
    pub salt: Option<[u8; 32]>,
    /// Ciphertext, or the canonical bytes of a plain group.
    pub body: Vec<u8>,
}

/// A record as the fat plane keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRecord {
    /// The record's id.
    pub record: RecordId,
    /// What sort of thing happened.
    pub kind: EntryKind,
    /// How long it is kept.
    pub class: RetentionClass,
    /// When it happened.
    pub at: Instant,
    /// The subject key's name, where the record is about someone.
    pub subject_kid: Option<Kid>,
    /// The period key's name.
    pub period_kid: Kid,
    /// The groups, by rising name.
    pub groups: Vec<SealedGroup>,
}

/// A group in the clear, with what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedGroup {
    /// Canonical bytes of the JSON object.
    pub json: Vec<u8>,
    /// The salt of its commitment.
    pub salt: [u8; 32],
}

/// Why a record cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// More than [`GROUPS_MAX`] groups, or none.
    #[error("a record has between 1 and 16 groups")]
    GroupCount,
    /// A group's name is illegal or used twice.
    #[error("a group's name is illegal or used twice")]
    GroupName,
    /// A group needs a key the record does not have.
    #[error("a group needs the key of a subject or period the record does not name")]
    KeyMissing,
    /// More than [`RECORD_SEALED_BYTES_MAX`] bytes.
    #[error("sealed record is larger than 64 KiB")]
    TooLarge,
}

/// Why a group cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A key is gone or withheld.
    #[error("a key of the group is not available")]
    KeyMissing,
    /// What was stored is not what was committed.
    #[error("group does not open to what was committed")]
    Broken,
}

/// The head of a record: all of it but its groups.
#[derive(Debug, Clone)]
pub struct RecordHead {
    /// The record's id.
    pub record: RecordId,
    /// What sort of thing happened.
    pub kind: EntryKind,
    /// How long it is kept.
    pub class: RetentionClass,
    /// When it happened.
    pub at: Instant,
}

/// Seals a record's groups under its keys; chance salts the plain ones.
pub fn seal(
    head: RecordHead,
    mut groups: Vec<Group>,
    keys: &Keys,
    entropy: &dyn Entropy,
) -> Result<SealedRecord, SealError> {
    if groups.is_empty() || groups.len() > GROUPS_MAX {
        return Err(SealError::GroupCount);
    }
    groups.sort_by_key(|it| it.name);
    let is_twice = groups.windows(2).any(|it| matches!(it, [a, b] if a.name == b.name));
    if is_twice || groups.iter().any(|it| !is_name(it.name, GROUP_NAME_BYTES_MAX)) {
        return Err(SealError::GroupName);
    }
    let period = keys.period.as_ref().ok_or(SealError::KeyMissing)?;
    let secrets = Secrets::derive(head.record, keys);
    let groups = groups
        .into_iter()
        .map(|it| seal_group(head.record, it, &secrets, entropy))
        .collect::<Result<_, _>>()?;
    Ok(SealedRecord {
        record: head.record,
        kind: head.kind,
        class: head.class,
        at: head.at,
        subject_kid: keys.subject.as_ref().map(Key::kid),
        period_kid: period.kid(),
        groups,
    })
}

fn seal_group(
    record: RecordId,
    group: Group,
    secrets: &Secrets,
    entropy: &dyn Entropy,
) -> Result<SealedGroup, SealError> {
    let Group { name, custody, json } = group;
    let sealed = |commitment, salt, body| SealedGroup {
        name: name.to_owned(),
        custody,
        commitment,
        salt,
        body,
    };
    if custody == Custody::Plain {
        let mut salt = [0; 32];
        entropy.fill(&mut salt);
        return Ok(sealed(commit(name, &salt, &json), Some(salt), json));
    }
    let secret = secrets.of(custody).ok_or(SealError::KeyMissing)?;
    let commitment = commit(name, &salt(secret, name), &json);
    let mut body = json;
    pad(&mut body);
    cipher(secret, name, &commitment)
        .encrypt_in_place(&Nonce::default(), &bound(record, name), &mut body)
        .map_err(|_| SealError::TooLarge)?;
    Ok(sealed(commitment, None, body))
}

impl SealedRecord {
    /// Opens a group, if its keys are there and it is what was committed.
    pub fn open(&self, group: &SealedGroup, keys: &Keys) -> Result<OpenedGroup, OpenError> {
        let opened = match (group.custody, group.salt) {
            (Custody::Plain, Some(salt)) => OpenedGroup { json: group.body.clone(), salt },
            (Custody::Plain, None) => return Err(OpenError::Broken),
            (custody, _) => {
                let secrets = Secrets::derive(self.record, keys);
                let secret = secrets.of(custody).ok_or(OpenError::KeyMissing)?;
                let mut json = group.body.clone();
                cipher(secret, &group.name, &group.commitment)
                    .decrypt_in_place(
                        &Nonce::default(),
                        &bound(self.record, &group.name),
                        &mut json,
                    )
                    .map_err(|_| OpenError::Broken)?;
                unpad(&mut json)?;
                OpenedGroup { json, salt: salt(secret, &group.name) }
            }
        };
        // GCM need not commit to its key: the commitment decides what was sealed.
        if commit(&group.name, &opened.salt, &opened.json) == group.commitment {
            Ok(opened)
        } else {
            Err(OpenError::Broken)
        }
    }

    /// The names of the keys a group is sealed under.
    pub fn kids(&self, custody: Custody) -> Vec<Kid> {
        match custody {
            Custody::Subject => self.subject_kid.into_iter().chain([self.period_kid]).collect(),
            Custody::Period => vec![self.period_kid],
            Custody::Plain => Vec::new(),
        }
    }

    /// The thin leaf this record stands behind.
    pub fn leaf(&self) -> Leaf {
        let leaves = self
            .groups
            .iter()
            .map(|it| group_leaf(&it.name, &self.kids(it.custody), &it.commitment));
        Leaf::new(self.kind, &tree::root_of(leaves))
    }
}

/// What the tree binds of a group: unguessable without the salt, which derives from keys.
pub fn commit(name: &str, salt: &[u8; 32], json: &[u8]) -> Hash {
    let hash = Sha256::new_with_prefix(b"assent/audit/commit/1\0")
        .chain_update([length(name)])
        .chain_update(name)
        .chain_update(salt)
        .chain_update(json)
        .finalize();
    Hash::from_bytes(hash.into())
}

/// A group's leaf in the small tree of its record.
pub fn group_leaf(name: &str, kids: &[Kid], commitment: &Hash) -> Hash {
    let mut hash = Sha256::new_with_prefix([0x00, length(name)]);
    hash.update(name);
    hash.update([u8::try_from(kids.len()).unwrap_or(u8::MAX)]);
    for kid in kids {
        hash.update(kid.as_bytes());
    }
    hash.update(commitment.as_bytes());
    Hash::from_bytes(hash.finalize().into())
}

/// A key derived from a subject's for another use, under a label of its own.
pub fn derived(key: &Key, label: &[u8]) -> [u8; 32] {
    tag(keyed(key.secret()).chain_update(label))
}

/// The record's secrets, ready to key.
struct Secrets {
    subject: Option<HmacSha256>,
    period: Option<HmacSha256>,
}

impl Secrets {
    fn derive(record: RecordId, keys: &Keys) -> Self {
        // RFC 5869: extract is an HMAC under the salt, and one block of expand an HMAC over
        // `info || 0x01`.
        let expand = |prk: [u8; 32]| {
            let secret = keyed(&prk)
                .chain_update(b"assent/audit/record/1\0")
                .chain_update(record.uuid().as_bytes())
                .chain_update([0x01]);
            keyed(&tag(secret))
        };
        let period = keys.period.as_ref();
        let subject = keys.subject.as_ref().zip(period).map(|(subject, period)| {
            expand(tag(keyed(period.secret()).chain_update(subject.secret())))
        });
        let extract = |it: &Key| tag(keyed(b"assent/audit/c/1").chain_update(it.secret()));
        Self { subject, period: period.map(|it| expand(extract(it))) }
    }

    const fn of(&self, custody: Custody) -> Option<&HmacSha256> {
        match custody {
            Custody::Subject => self.subject.as_ref(),
            Custody::Period => self.period.as_ref(),
            Custody::Plain => None,
        }
    }
}

/// HMAC-SHA256 under a key of at most a block: padding with zeros is what RFC 2104 does.
fn keyed(key: &[u8]) -> HmacSha256 {
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    HmacSha256::new(&block.into())
}

fn tag(mac: HmacSha256) -> [u8; 32] {
    mac.finalize().into_bytes().into()
}

fn salt(secret: &HmacSha256, name: &str) -> [u8; 32] {
    tag(secret.clone().chain_update(b"salt\0").chain_update(name))
}

/// The key is bound to the content, so that the fixed nonce never meets two plaintexts under one.
fn cipher(secret: &HmacSha256, name: &str, commitment: &Hash) -> Aes256Gcm {
    let key = tag(secret
        .clone()
        .chain_update(b"seal\0")
        .chain_update([length(name)])
        .chain_update(name)
        .chain_update(commitment.as_bytes()));
    Aes256Gcm::new(&key.into())
}

fn bound(record: RecordId, name: &str) -> Vec<u8> {
    [record.uuid().as_bytes().as_slice(), name.as_bytes()].concat()
}

fn length(name: &str) -> u8 {
    u8::try_from(name.len()).unwrap_or(u8::MAX)
}

fn pad(body: &mut Vec<u8>) {
    let padded = (body.len() + 1).next_multiple_of(PAD_BYTES);
    body.reserve_exact(padded + 16 - body.len());
    body.push(0x80);
    body.resize(padded, 0);
}

fn unpad(body: &mut Vec<u8>) -> Result<(), OpenError> {
    let end = body.iter().rposition(|it| *it != 0).ok_or(OpenError::Broken)?;
    if body.get(end) != Some(&0x80) {
        return Err(OpenError::Broken);
    }
    body.truncate(end);
    Ok(())
}
