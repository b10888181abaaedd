//! The bytes of a sealed record: fixed, bounded, with a leading version.

use kernel::Instant;
use uuid::Uuid;

use super::{RECORD_SEALED_BYTES_MAX, SealedGroup, SealedRecord};
use crate::{
    entry::{
        Custody, EntryKind, GROUP_NAME_BYTES_MAX, GROUPS_MAX, RecordId, RetentionClass, is_name,
    },
    key::Kid,
    tree::Hash,
};

const VERSION: u8 = 0x01;

/// Bytes that are not a sealed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sealed record")]
pub struct CodecError;

/// The bytes of a record.
pub fn encode(record: &SealedRecord) -> Vec<u8> {
    let n_bytes: usize = record.groups.iter().map(|it| it.body.len() + 104).sum();
    let mut out = Vec::with_capacity(n_bytes + 128);
    out.extend_from_slice(&[VERSION, record.kind.code()]);
    out.extend_from_slice(record.record.uuid().as_bytes());
    put_short(&mut out, record.class.as_str());
    out.extend_from_slice(&record.at.micros().to_be_bytes());
    out.extend_from_slice(record.period_kid.as_bytes());
    put_optional(&mut out, record.subject_kid.as_ref().map(|it| it.as_bytes().as_slice()));
    out.push(u8::try_from(record.groups.len()).unwrap_or(u8::MAX));
    for group in &record.groups {
        put_short(&mut out, &group.name);
        out.push(match group.custody {
            Custody::Subject => b'S',
            Custody::Period => b'C',
            Custody::Plain => b'P',
        });
        out.extend_from_slice(group.commitment.as_bytes());
        put_optional(&mut out, group.salt.as_ref().map(<[u8; 32]>::as_slice));
        out.extend_from_slice(&u32::try_from(group.body.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(&group.body);
    }
    out
}

fn put_short(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(text.as_bytes());
}

fn put_optional(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    out.push(u8::from(bytes.is_some()));
    out.extend_from_slice(bytes.unwrap_or_default());
}

/// The record of these bytes, all of them.
pub fn decode(bytes: &[u8]) -> Result<SealedRecord, CodecError> {
    if bytes.len() > RECORD_SEALED_BYTES_MAX {
        return Err(CodecError);
    }
    let mut rest = Reader(bytes);
    if rest.byte()? != VERSION {
        return Err(CodecError);
    }
    let kind = EntryKind::from_code(rest.byte()?).ok_or(CodecError)?;
    let record = RecordId::from_uuid(Uuid::from_bytes(*rest.array::<16>()?));
    let class = RetentionClass::new(rest.short()?).map_err(|_| CodecError)?;
    let at = Instant::from_micros(i64::from_be_bytes(*rest.array::<8>()?));
    let period_kid = Kid::from_bytes(*rest.array::<16>()?);
    let subject_kid = rest.optional::<16>()?.map(|it| Kid::from_bytes(*it));
    let n_groups = usize::from(rest.byte()?);
    if n_groups == 0 || n_groups > GROUPS_MAX {
        return Err(CodecError);
    }
    let groups = (0..n_groups).map(|_| rest.group()).collect::<Result<Vec<_>, _>>()?;
    let is_sorted = groups.windows(2).all(|it| matches!(it, [a, b] if a.name < b.name));
    if !is_sorted || !rest.0.is_empty() {
        return Err(CodecError);
    }
    Ok(SealedRecord { record, kind, class, at, subject_kid, period_kid, groups })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn group(&mut self) -> Result<SealedGroup, CodecError> {
        let name = self.short()?;
        if !is_name(name, GROUP_NAME_BYTES_MAX) {
            return Err(CodecError);
        }
        let custody = match self.byte()? {
            b'S' => Custody::Subject,
            b'C' => Custody::Period,
            b'P' => Custody::Plain,
            _ => return Err(CodecError),
        };
        let commitment = Hash::from_bytes(*self.array::<32>()?);
        let salt = self.optional::<32>()?.copied();
        let n_bytes = u32::from_be_bytes(*self.array::<4>()?);
        let body = self.bytes(usize::try_from(n_bytes).map_err(|_| CodecError)?)?.to_vec();
        Ok(SealedGroup { name: name.to_owned(), custody, commitment, salt, body })
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        self.array::<1>().map(|[it]| *it)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], CodecError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(CodecError)?;
        self.0 = tail;
        Ok(head)
    }

    fn bytes(&mut self, n: usize) -> Result<&'a [u8], CodecError> {
        let (head, tail) = self.0.split_at_checked(n).ok_or(CodecError)?;
        self.0 = tail;
        Ok(head)
    }

    fn short(&mut self) -> Result<&'a str, CodecError> {
        let n = usize::from(self.byte()?);
        std::str::from_utf8(self.bytes(n)?).map_err(|_| CodecError)
    }

    fn optional<const N: usize>(&mut self) -> Result<Option<&'a [u8; N]>, CodecError> {
        match self.byte()? {
            0 => Ok(None),
            1 => self.array().map(Some),
            _ => Err(CodecError),
        }
    }
}
