//! Bits packed into the URL alphabet of base64, six to a character, as TCF and GPP pack them.
//!
//! Segments end on any character, which base64 proper does not allow; so it is read here.

use super::SignalError;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BITS_PER_CHAR: usize = 6;
const NOT_ONE: u8 = 0xff;

const SYMBOLS: [u8; 256] = {
    let mut table = [NOT_ONE; 256];
    let mut i = 0;
    while i < ALPHABET.len() {
        #[expect(clippy::cast_possible_truncation, clippy::indexing_slicing, reason = "i < 64")]
        {
            table[ALPHABET[i] as usize] = i as u8;
        }
        i += 1;
    }
    table
};

/// What a character stands for.
fn symbol(byte: u8) -> u8 {
    SYMBOLS.get(usize::from(byte)).copied().unwrap_or(NOT_ONE)
}

/// Reads bits from the first to the last.
#[derive(Debug, Clone)]
pub(super) struct BitReader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    /// A reader of a text in the alphabet.
    pub(super) fn new(text: &'a str) -> Result<Self, SignalError> {
        if text.bytes().any(|it| symbol(it) == NOT_ONE) {
            return Err(SignalError::Malformed("a character outside the base64url alphabet"));
        }
        Ok(Self { text: text.as_bytes(), at: 0 })
    }

    /// How many bits there are.
    pub(super) const fn len(&self) -> usize {
        self.text.len() * BITS_PER_CHAR
    }

    /// How many bits are left.
    pub(super) const fn left(&self) -> usize {
        self.len() - self.at
    }

    /// The next bits as a number, the highest first; 64 at most.
    pub(super) fn take(&mut self, n_bits: usize) -> Result<u64, SignalError> {
        let mut value = 0_u64;
        let mut wanted = n_bits;
        while wanted > 0 {
            let byte = self.text.get(self.at / BITS_PER_CHAR);
            let byte = byte.ok_or(SignalError::Malformed("it ends too early"))?;
            let unread = BITS_PER_CHAR - self.at % BITS_PER_CHAR;
            let now = unread.min(wanted);
            let bits = (symbol(*byte) >> (unread - now)) & ((1 << now) - 1);
            value = (value << now) | u64::from(bits);
            self.at += now;
            wanted -= now;
        }
        Ok(value)
    }

    /// The next bits as a small number.
    pub(super) fn small(&mut self, n_bits: usize) -> Result<u16, SignalError> {
        let value = self.take(n_bits)?;
        u16::try_from(value).map_err(|_| SignalError::Malformed("a number out of range"))
    }

    /// The next bit.
    pub(super) fn flag(&mut self) -> Result<bool, SignalError> {
        Ok(self.take(1)? == 1)
    }

    /// The next number in Fibonacci coding: sums of 1, 2, 3, 5, 8, ending in two ones.
    pub(super) fn fibonacci(&mut self) -> Result<u16, SignalError> {
        let (mut this, mut next) = (1_u32, 2_u32);
        let (mut sum, mut before) = (0_u32, false);
        // One place more than the largest term: the one that ends it.
        while this <= 2 * u32::from(u16::MAX) {
            let one = self.flag()?;
            if one && before {
                let too_large = SignalError::Malformed("a number out of range");
                return u16::try_from(sum).map_err(|_| too_large);
            }
            if one {
                sum += this;
            }
            before = one;
            (this, next) = (next, this + next);
        }
        Err(SignalError::Malformed("a number out of range"))
    }

    /// Whether nothing but padding is left.
    pub(super) fn finish(mut self) -> Result<(), SignalError> {
        while self.left() > 0 {
            if self.take(self.left().min(48))? != 0 {
                return Err(SignalError::Malformed("it goes on after its end"));
            }
        }
        Ok(())
    }
}

/// Writes bits from the first to the last.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    symbols: Vec<u8>,
    n_bits: usize,
}

impl BitWriter {
    /// Appends the lowest bits of a number, the highest first.
    pub(super) fn put(&mut self, n_bits: usize, value: u64) {
        for i in (0..n_bits).rev() {
            if self.n_bits.is_multiple_of(BITS_PER_CHAR) {
                self.symbols.push(0);
            }
            let shift = BITS_PER_CHAR - 1 - self.n_bits % BITS_PER_CHAR;
            if let Some(last) = self.symbols.last_mut() {
                *last |= u8::from((value >> i) & 1 == 1) << shift;
            }
            self.n_bits += 1;
        }
    }

    /// Appends a bit.
    pub(super) fn flag(&mut self, value: bool) {
        self.put(1, u64::from(value));
    }

    /// Appends a number from 1 on in Fibonacci coding.
    pub(super) fn fibonacci(&mut self, value: u16) {
        let mut terms = vec![1_u32, 2];
        while let [.., a, b] = terms.as_slice()
            && a + b <= u32::from(value)
        {
            terms.push(a + b);
        }
        let mut rest = u32::from(value);
        let mut word = 0_u64;
        let mut highest = None;
        for (i, term) in terms.iter().enumerate().rev() {
            if *term <= rest {
                rest -= term;
                word |= 1 << i;
                highest = highest.or(Some(i));
            }
        }
        for i in 0..=highest.unwrap_or(0) {
            self.flag((word >> i) & 1 == 1);
        }
        self.flag(true);
    }

    /// The characters, the last one filled up with zeros.
    pub(super) fn finish(self) -> String {
        let char_of = |it: &u8| ALPHABET.get(usize::from(*it)).copied().map_or('A', char::from);
        self.symbols.iter().map(char_of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_fibonacci_coding_are_those_of_the_specification() {
        for (value, bits) in [(1, "11"), (2, "011"), (3, "0011"), (4, "1011"), (7, "01011")] {
            let mut writer = BitWriter::default();
            writer.fibonacci(value);
            assert_eq!(writer.n_bits, bits.len());
            let text = writer.finish();
            let mut reader = BitReader::new(&text).unwrap();
            let read: String =
                (0..bits.len()).map(|_| if reader.flag().unwrap() { '1' } else { '0' }).collect();
            assert_eq!(read, bits);
        }
        for value in 1..=u16::MAX {
            let mut writer = BitWriter::default();
            writer.fibonacci(value);
            let text = writer.finish();
            let mut reader = BitReader::new(&text).unwrap();
            assert_eq!(reader.fibonacci().unwrap(), value);
            reader.finish().unwrap();
        }
    }

    #[test]
    fn what_is_put_is_taken() {
        let mut writer = BitWriter::default();
        for (n_bits, value) in [(6, 3), (36, 0xf_edcb_a987), (1, 1), (16, 65_535), (3, 0)] {
            writer.put(n_bits, value);
        }
        let text = writer.finish();
        let mut reader = BitReader::new(&text).unwrap();
        for (n_bits, value) in [(6, 3), (36, 0xf_edcb_a987), (1, 1), (16, 65_535), (3, 0)] {
            assert_eq!(reader.take(n_bits).unwrap(), value);
        }
        assert_eq!(reader.left(), 4);
        reader.clone().finish().unwrap();
        assert!(reader.take(5).is_err());
    }

    #[test]
    fn what_is_no_padding_is_no_end() {
        assert!(BitReader::new("AB").unwrap().finish().is_err());
        assert!(BitReader::new("AA").unwrap().finish().is_ok());
        assert!(BitReader::new("A=").is_err());
    }
}
