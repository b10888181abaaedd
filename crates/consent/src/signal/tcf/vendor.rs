//! Sets of vendors: a bit each, or ranges, whichever is shorter.

use super::super::{
    SignalError,
    bits::{BitReader, BitWriter},
};

/// How many bits a count takes.
pub(super) const COUNT_BITS: usize = 12;
const ID_BITS: usize = 16;
/// How many ranges a count can say.
const RANGES_MAX: usize = (1 << COUNT_BITS) - 1;

/// Vendors by their ids in the framework's list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
// Invariant: ranges ascend and neither overlap nor touch; each begins at 1 or later.
pub struct VendorSet(Vec<(u16, u16)>);

impl VendorSet {
    /// The vendors of these ids; 0 is nobody's.
    pub fn of(ids: impl IntoIterator<Item = u16>) -> Self {
        Self::merged(ids.into_iter().filter(|it| *it > 0).map(|it| (it, it)).collect())
    }

    /// Whether the vendor is in the set.
    pub fn contains(&self, id: u16) -> bool {
        let at = self.0.partition_point(|it| it.1 < id);
        self.0.get(at).is_some_and(|it| it.0 <= id)
    }

    /// How many vendors there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|it| usize::from(it.1 - it.0) + 1).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, from and to, both included.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    fn merged(mut ranges: Vec<(u16, u16)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            match merged.last_mut() {
                Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self, SignalError> {
        let id_max = bits.small(ID_BITS)?;
        if bits.flag()? {
            return Self::read_ranges(bits);
        }
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        let mut id = 0_u16;
        while id < id_max {
            let n = (id_max - id).min(32);
            let word = bits.take(usize::from(n))?;
            for i in 1..=n {
                if (word >> (n - i)) & 1 == 0 {
                    continue;
                }
                match ranges.last_mut() {
                    Some(last) if last.1 + 1 == id + i => last.1 = id + i,
                    _ => ranges.push((id + i, id + i)),
                }
            }
            id += n;
        }
        Ok(Self(ranges))
    }

    fn read_ranges(bits: &mut BitReader<'_>) -> Result<Self, SignalError> {
        let n_ranges = bits.take(COUNT_BITS)?;
        let mut ranges = Vec::new();
        for _ in 0..n_ranges {
            let is_range = bits.flag()?;
            let from = bits.small(ID_BITS)?;
            let to = if is_range { bits.small(ID_BITS)? } else { from };
            if from == 0 || to < from {
                return Err(SignalError::Malformed("a range of vendors that is none"));
            }
            ranges.push((from, to));
        }
        Ok(Self::merged(ranges))
    }

    pub(super) fn write(&self, bits: &mut BitWriter) {
        let id_max = self.0.last().map_or(0, |it| it.1);
        bits.put(ID_BITS, u64::from(id_max));
        let as_ranges: usize = COUNT_BITS + self.0.iter().copied().map(range_bits).sum::<usize>();
        let ranged = as_ranges < usize::from(id_max) && self.0.len() <= RANGES_MAX;
        bits.flag(ranged);
        if ranged {
            self.write_ranges(bits);
            return;
        }
        let mut next = 1;
        for (from, to) in &self.0 {
            (next..*from).for_each(|_| bits.flag(false));
            (*from..=*to).for_each(|_| bits.flag(true));
            next = to.saturating_add(1);
        }
    }

    fn write_ranges(&self, bits: &mut BitWriter) {
        bits.put(COUNT_BITS, self.0.len() as u64);
        for (from, to) in &self.0 {
            bits.flag(from != to);
            bits.put(ID_BITS, u64::from(*from));
            if from != to {
                bits.put(ID_BITS, u64::from(*to));
            }
        }
    }
}

const fn range_bits(range: (u16, u16)) -> usize {
    if range.0 == range.1 { 1 + ID_BITS } else { 1 + 2 * ID_BITS }
}

/// What a publisher restricts for some vendors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherRestriction {
    /// The purpose, from 1 to 63.
    pub purpose: u8,
    /// 0 not allowed, 1 only by consent, 2 only by interest, 3 undefined.
    pub kind: u8,
    /// For whom.
    pub vendors: VendorSet,
}

impl PublisherRestriction {
    pub(super) fn read_all(bits: &mut BitReader<'_>) -> Result<Vec<Self>, SignalError> {
        let n = bits.take(COUNT_BITS)?;
        let mut all = Vec::new();
        for _ in 0..n {
            let purpose = u8::try_from(bits.take(6)?).unwrap_or_default();
            let kind = u8::try_from(bits.take(2)?).unwrap_or_default();
            all.push(Self { purpose, kind, vendors: VendorSet::read_ranges(bits)? });
        }
        Ok(all)
    }

    pub(super) fn write_all(all: &[Self], bits: &mut BitWriter) {
        bits.put(COUNT_BITS, all.len() as u64);
        for it in all {
            bits.put(6, u64::from(it.purpose));
            bits.put(2, u64::from(it.kind));
            it.vendors.write_ranges(bits);
        }
    }
}
