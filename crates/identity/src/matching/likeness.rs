//! How alike two short texts are: Jaro-Winkler, and at most one edit, on whole registers.

use wide::u8x16;

/// The most bytes of a text that are compared for likeness; equality is on the whole value.
pub const TEXT_BYTES: usize = 16;

/// A short text: up to [`TEXT_BYTES`] bytes in one register, with which letters it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Text {
    bytes: u128,
    id: u32,
    letters: u32,
    len: u32,
}

impl Text {
    /// The first bytes of a value, under a digest of the whole; an empty value is missing.
    pub(super) fn new(value: &[u8], id: u32) -> Self {
        let head = value.iter().take(TEXT_BYTES);
        let len = u32::try_from(head.len()).unwrap_or(0);
        let letters = head.clone().fold(0, |all, it| all | 1_u32 << (it & 31));
        Self { bytes: register(value), id: if len == 0 { 0 } else { id.max(1) }, letters, len }
    }

    /// Whether there is a value.
    pub const fn is_some(&self) -> bool {
        self.id != 0
    }

    /// Whether both are the same whole value; two gaps are not.
    pub const fn same(&self, other: &Self) -> bool {
        self.id == other.id && self.id != 0 && self.bytes == other.bytes
    }

    /// A digest of the whole value; 0 where there is none.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// How many bytes are compared.
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is nothing to compare.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first `n` bytes, at most eight.
    pub const fn prefix(&self, n: u32) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
        let low = self.bytes as u64;
        if n >= 8 { low } else { low & ((1 << (8 * n)) - 1) }
    }

    /// The bytes, the first lowest.
    pub const fn register(&self) -> u128 {
        self.bytes
    }

    /// Jaro-Winkler likeness, or 0 where it is surely below the floor.
    pub fn likeness(&self, other: &Self, floor: f64) -> f64 {
        let (la, lb) = (f64::from(self.len), f64::from(other.len));
        // A letter the other does not have finds no partner: so many matches at most.
        let most_a = self.len - (self.letters & !other.letters).count_ones().min(self.len);
        let most_b = other.len - (other.letters & !self.letters).count_ones().min(other.len);
        let most = f64::from(most_a.min(most_b));
        let prefix = f64::from(
            ((self.bytes ^ other.bytes).trailing_zeros() / 8).min(4).min(self.len).min(other.len),
        );
        let bound = (most / la + most / lb + 1.0) / 3.0;
        if self.len == 0 || other.len == 0 || bound + prefix * 0.1 * (1.0 - bound) < floor {
            return 0.0;
        }
        let (matches, out_of_order) = agreement(self, other);
        if matches == 0 {
            return 0.0;
        }
        let m = f64::from(matches);
        let jaro = (m / la + m / lb + (m - f64::from(out_of_order / 2)) / m) / 3.0;
        if jaro > 0.7 { jaro + prefix * 0.1 * (1.0 - jaro) } else { jaro }
    }
}

/// Matches within the window, and how many of them stand in another order.
fn agreement(a: &Text, b: &Text) -> (u32, u32) {
    let window = (a.len.max(b.len) / 2).saturating_sub(1);
    let reach = (1_u32 << (2 * window + 1)) - 1;
    let mut free = (1_u32 << b.len) - 1;
    let (mut left, mut right) = (0_u32, 0_u32);
    let lanes = u8x16::new(b.bytes.to_le_bytes());
    let mut rest = a.bytes;
    for i in 0..a.len {
        #[expect(clippy::cast_possible_truncation, reason = "the lowest byte is what is meant")]
        let letter = rest as u8;
        rest >>= 8;
        let near = if i >= window { reach << (i - window) } else { reach >> (window - i) };
        let hits = lanes.simd_eq(u8x16::splat(letter)).to_bitmask() & near & free;
        let hit = hits & hits.wrapping_neg();
        free &= !hit;
        right |= hit;
        left |= u32::from(hit != 0) << i;
    }
    let matches = left.count_ones();
    let mut out_of_order = 0;
    while left != 0 {
        let (x, y) = (left.trailing_zeros(), right.trailing_zeros());
        out_of_order += u32::from((a.bytes >> (8 * x) ^ b.bytes >> (8 * y)) & 0xff != 0);
        left &= left - 1;
        right &= right - 1;
    }
    (matches, out_of_order)
}

/// Up to sixteen bytes in one register, the first lowest.
pub(super) fn register(value: &[u8]) -> u128 {
    value.iter().take(TEXT_BYTES).rev().fold(0, |all, it| all << 8 | u128::from(*it))
}

/// How many bytes a register holds; values hold no zero byte.
const fn bytes_of(register: u128) -> u32 {
    16 - register.leading_zeros() / 8
}

/// Whether one letter put in, left out, mistaken or swapped with its neighbour explains it all.
pub fn within_one(a: u128, b: u128) -> bool {
    if a == b {
        return true;
    }
    let (la, lb) = (bytes_of(a), bytes_of(b));
    let head = (a ^ b).trailing_zeros() / 8;
    if la == lb {
        let tail = (a ^ b).leading_zeros() / 8 - (16 - la);
        let middle = la - head - tail;
        let pair = |it: u128| (it >> (8 * head)) & 0xffff;
        let swapped = pair(a) == (pair(b) >> 8 | (pair(b) & 0xff) << 8);
        return middle == 1 || (middle == 2 && swapped);
    }
    if la.abs_diff(lb) != 1 {
        return false;
    }
    // Aligned at their ends, what is left after the common beginning must be the common end.
    let (long, short) = if la > lb { (a, b) } else { (b, a) };
    let shorter = la.min(lb);
    head >= shorter || long >> (8 * (head + 1)) == short >> (8 * head)
}
