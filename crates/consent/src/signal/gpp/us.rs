//! A section of the United States, read by its layout.

use std::fmt;

use super::{
    super::{
        SignalError,
        bits::{BitReader, BitWriter},
    },
    Field,
    layout::{Behind, LAYOUTS, Layout},
};

const VERSION: u64 = 1;
/// The highest value that means something.
const VALUE_MAX: u8 = 2;
/// The type of the segment that carries the Global Privacy Control.
const GPC_TYPE: u64 = 1;
/// How many values Rhode Island's second segment holds.
const SENSITIVE_BEHIND: usize = 8;
/// The most padding an encoder adds: up to a multiple of 24 bits, as base64 does.
const PADDING_BITS_MAX: usize = 24;

/// A section of the United States.
#[derive(Debug, Clone, PartialEq, Eq)]
// Invariant: as many values as the layout holds, each at most `VALUE_MAX`.
pub struct UsSection {
    layout: &'static Layout,
    values: Vec<u8>,
    gpc: Option<bool>,
    sensitive_behind: Option<Vec<u8>>,
}

impl UsSection {
    /// A section in which nothing applies, laid out as the specification says now; none for an id
    /// that is not laid out here.
    pub fn blank(id: u16) -> Option<Self> {
        let layout = LAYOUTS.iter().find(|it| it.id == id)?;
        let values = vec![0; layout.n_values()];
        Some(Self { layout, values, gpc: None, sensitive_behind: None })
    }

    /// Reads a section.
    pub fn parse(id: u16, text: &str) -> Result<Self, SignalError> {
        let mut segments = text.split('.');
        let core = segments.next().unwrap_or_default();
        let mut bits = BitReader::new(core)?;
        let version = bits.take(6)?;
        if version != VERSION {
            return Err(SignalError::UnknownVersion { what: "US section version", version });
        }
        let layout = fitting(id, bits.len())
            .ok_or(SignalError::Malformed("it is not as long as its section"))?;
        let values = two_bits(&mut bits, layout.n_values())?;
        bits.finish()?;
        let mut section = Self { layout, values, gpc: None, sensitive_behind: None };
        for segment in segments {
            section.read_behind(segment)?;
        }
        Ok(section)
    }

    fn read_behind(&mut self, segment: &str) -> Result<(), SignalError> {
        let twice = || Err(SignalError::Malformed("a segment nobody expects"));
        let mut bits = BitReader::new(segment)?;
        match self.layout.behind {
            Behind::Gpc if self.gpc.is_none() => {
                if bits.take(2)? != GPC_TYPE {
                    return twice();
                }
                self.gpc = Some(bits.flag()?);
            }
            Behind::Sensitive if self.sensitive_behind.is_none() => {
                self.sensitive_behind = Some(two_bits(&mut bits, SENSITIVE_BEHIND)?);
            }
            _ => return twice(),
        }
        bits.finish()
    }

    /// The section's id.
    pub const fn id(&self) -> u16 {
        self.layout.id
    }

    /// The section's name.
    pub const fn name(&self) -> &'static str {
        self.layout.name
    }

    /// Whether the browser sent the Global Privacy Control, where the section says.
    pub const fn gpc(&self) -> Option<bool> {
        self.gpc
    }

    /// The values of a field; none where the section has no such field.
    pub fn values(&self, field: Field) -> Option<&[u8]> {
        let range = self.place(field);
        if range.is_none() && field == Field::SensitiveDataProcessing {
            return self.sensitive_behind.as_deref();
        }
        self.values.get(range?)
    }

    /// The value of a field that holds one.
    pub fn value(&self, field: Field) -> Option<u8> {
        self.values(field).and_then(|it| it.first().copied())
    }

    /// Sets every value of a field; says no where there is no such field, the number of values is
    /// another, or a value means nothing.
    pub fn set(&mut self, field: Field, to: &[u8]) -> bool {
        if to.iter().any(|it| *it > VALUE_MAX) {
            return false;
        }
        match self.place(field).and_then(|it| self.values.get_mut(it)) {
            Some(values) if values.len() == to.len() => {
                values.copy_from_slice(to);
                true
            }
            None if field == Field::SensitiveDataProcessing
                && self.layout.behind == Behind::Sensitive
                && to.len() == SENSITIVE_BEHIND =>
            {
                self.sensitive_behind = Some(to.to_vec());
                true
            }
            _ => false,
        }
    }

    /// Says whether the browser sent the Global Privacy Control; no where the section cannot.
    pub fn set_gpc(&mut self, to: bool) -> bool {
        let can = self.layout.behind == Behind::Gpc;
        if can {
            self.gpc = Some(to);
        }
        can
    }

    fn place(&self, field: Field) -> Option<std::ops::Range<usize>> {
        let mut at = 0;
        for (it, n) in self.layout.fields {
            let end = at + usize::from(*n);
            if *it == field {
                return Some(at..end);
            }
            at = end;
        }
        None
    }
}

/// The layout of a section a segment of this length can be: the one padded least.
fn fitting(id: u16, n_bits: usize) -> Option<&'static Layout> {
    LAYOUTS
        .iter()
        .filter(|it| it.id == id)
        .filter_map(|it| Some((n_bits.checked_sub(6 + 2 * it.n_values())?, it)))
        .filter(|(padding, _)| *padding < PADDING_BITS_MAX)
        .min_by_key(|it| it.0)
        .map(|it| it.1)
}

fn two_bits(bits: &mut BitReader<'_>, n: usize) -> Result<Vec<u8>, SignalError> {
    (0..n)
        .map(|_| match u8::try_from(bits.take(2)?) {
            Ok(it) if it <= VALUE_MAX => Ok(it),
            _ => Err(SignalError::Malformed("a value that means nothing")),
        })
        .collect()
}

impl fmt::Display for UsSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bits = BitWriter::default();
        bits.put(6, VERSION);
        for it in &self.values {
            bits.put(2, u64::from(*it));
        }
        f.write_str(&bits.finish())?;
        if let Some(gpc) = self.gpc {
            let mut bits = BitWriter::default();
            bits.put(2, GPC_TYPE);
            bits.flag(gpc);
            write!(f, ".{}", bits.finish())?;
        }
        if let Some(values) = &self.sensitive_behind {
            let mut bits = BitWriter::default();
            for it in values {
                bits.put(2, u64::from(*it));
            }
            write!(f, ".{}", bits.finish())?;
        }
        Ok(())
    }
}
