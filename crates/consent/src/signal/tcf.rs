//! Strings of the IAB Transparency and Consent Framework: Europe (TCF 2, policies of 2.2 on) and
//! Canada, read by a table of fields.
//!
//! Purposes count from 1, as the framework numbers them. What the string says of vendors is kept,
//! because it must be written back; what it says of purposes is what restricts.

use std::fmt;

use super::{
    SignalError,
    bits::{BitReader, BitWriter},
    bounded,
};

mod vendor;

pub use vendor::{PublisherRestriction, VendorSet};

/// The purposes a string has room for.
pub const PURPOSES_MAX: u8 = 24;
/// The policies of TCF 2.2 and 2.3; strings of older ones hold nothing since 2023.
pub const EU_POLICIES: std::ops::RangeInclusive<u64> = 4..=5;
/// The policies of the Canadian framework.
pub const CA_POLICIES: std::ops::RangeInclusive<u64> = 1..=2;

/// Whose framework it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// The European Economic Area and the United Kingdom.
    Europe,
    /// Canada.
    Canada,
}

/// A number at the head of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the specification names them")]
pub enum Number {
    Version,
    Created,
    LastUpdated,
    CmpId,
    CmpVersion,
    ConsentScreen,
    ConsentLanguage,
    VendorListVersion,
    PolicyVersion,
    IsServiceSpecific,
    UseNonStandardTexts,
    /// Special features opted in to; in Canada, agreed to expressly.
    SpecialFeatures,
    /// Purposes consented to; in Canada, expressly.
    Purposes,
    /// Purposes a legitimate interest was shown for and not objected to; in Canada, implied.
    PurposesBeside,
    PurposeOneTreatment,
    PublisherCountry,
}

use Number::{
    CmpId, CmpVersion, ConsentLanguage, ConsentScreen, Created, IsServiceSpecific, LastUpdated,
    PolicyVersion, PublisherCountry, PurposeOneTreatment, Purposes, PurposesBeside,
    SpecialFeatures, UseNonStandardTexts, VendorListVersion, Version,
};

/// The head of a European string: each number with how many bits it takes.
const EUROPE: &[(Number, u8)] = &[
    (Version, 6),
    (Created, 36),
    (LastUpdated, 36),
    (CmpId, 12),
    (CmpVersion, 12),
    (ConsentScreen, 6),
    (ConsentLanguage, 12),
    (VendorListVersion, 12),
    (PolicyVersion, 6),
    (IsServiceSpecific, 1),
    (UseNonStandardTexts, 1),
    (SpecialFeatures, 12),
    (Purposes, PURPOSES_MAX),
    (PurposesBeside, PURPOSES_MAX),
    (PurposeOneTreatment, 1),
    (PublisherCountry, 12),
];

/// The head of a Canadian string.
const CANADA: &[(Number, u8)] = &[
    (Version, 6),
    (Created, 36),
    (LastUpdated, 36),
    (CmpId, 12),
    (CmpVersion, 12),
    (ConsentScreen, 6),
    (ConsentLanguage, 12),
    (VendorListVersion, 12),
    (PolicyVersion, 6),
    (UseNonStandardTexts, 1),
    (SpecialFeatures, 12),
    (Purposes, PURPOSES_MAX),
    (PurposesBeside, PURPOSES_MAX),
];

const DISCLOSED: u64 = 1;
const ALLOWED: u64 = 2;
const PUBLISHER: u64 = 3;

impl Area {
    const fn head(self) -> &'static [(Number, u8)] {
        match self {
            Self::Europe => EUROPE,
            Self::Canada => CANADA,
        }
    }

    fn knows(self, version: u64) -> bool {
        match self {
            Self::Europe => version == 2,
            Self::Canada => matches!(version, 1 | 2),
        }
    }
}

/// A string of the framework.
#[derive(Debug, Clone, PartialEq, Eq)]
// Invariant: one number per entry of the area's head, each within its bits; a version known here.
pub struct TcString {
    area: Area,
    numbers: Vec<u64>,
    /// Vendors consented to; in Canada, expressly.
    pub vendors: VendorSet,
    /// Vendors a legitimate interest was shown for; in Canada, implied.
    pub vendors_beside: VendorSet,
    /// What the publisher restricts, purpose by purpose; a Canadian string may leave it out.
    pub restrictions: Option<Vec<PublisherRestriction>>,
    /// The segments behind, in order.
    pub segments: Vec<Segment>,
}

/// A segment behind the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Vendors shown to the person.
    Disclosed(VendorSet),
    /// Vendors allowed outside the service; deprecated.
    Allowed(VendorSet),
    /// What the publisher may do for purposes of its own.
    Publisher {
        /// Purposes consented to, the first in the highest of 24 bits.
        consents: u32,
        /// Purposes a legitimate interest stands for, likewise.
        beside: u32,
        /// The publisher's own purposes: consent, and interest.
        custom: Vec<(bool, bool)>,
    },
}

impl TcString {
    /// A string of the version in force in which nothing was agreed to.
    pub fn blank(area: Area) -> Self {
        let mut blank = Self {
            area,
            numbers: vec![0; area.head().len()],
            vendors: VendorSet::default(),
            vendors_beside: VendorSet::default(),
            restrictions: (area == Area::Europe).then(Vec::new),
            segments: Vec::new(),
        };
        blank.set(Version, 2);
        let policies = if area == Area::Europe { EU_POLICIES } else { CA_POLICIES };
        blank.set(PolicyVersion, *policies.end());
        blank
    }

    /// Reads a string of the area.
    pub fn parse(area: Area, text: &str) -> Result<Self, SignalError> {
        let mut segments = bounded(text)?.split('.');
        let mut bits = BitReader::new(segments.next().unwrap_or_default())?;
        let mut numbers = Vec::with_capacity(area.head().len());
        for (number, n_bits) in area.head() {
            let value = bits.take(usize::from(*n_bits))?;
            if *number == Version && !area.knows(value) {
                return Err(SignalError::UnknownVersion { what: "TCF version", version: value });
            }
            numbers.push(value);
        }
        let vendors = VendorSet::read(&mut bits)?;
        let vendors_beside = VendorSet::read(&mut bits)?;
        let some = area == Area::Europe || bits.left() >= vendor::COUNT_BITS;
        let restrictions =
            if some { Some(PublisherRestriction::read_all(&mut bits)?) } else { None };
        bits.finish()?;
        let segments = segments.map(Segment::read).collect::<Result<_, _>>()?;
        Ok(Self { area, numbers, vendors, vendors_beside, restrictions, segments })
    }

    /// Whose framework it is.
    pub const fn area(&self) -> Area {
        self.area
    }

    /// A number of the head; 0 where the area has none of that name.
    pub fn number(&self, number: Number) -> u64 {
        let at = self.area.head().iter().position(|it| it.0 == number);
        at.and_then(|it| self.numbers.get(it)).copied().unwrap_or(0)
    }

    /// Sets a number of the head; says no where it has no place or does not fit.
    pub fn set(&mut self, number: Number, value: u64) -> bool {
        let mut head = self.area.head().iter().zip(&mut self.numbers);
        let Some(((_, n_bits), kept)) = head.find(|it| it.0.0 == number) else { return false };
        let fits = value >> n_bits == 0 && (number != Version || self.area.knows(value));
        if fits {
            *kept = value;
        }
        fits
    }

    /// Whether its policy is one in force: a string of another means nothing certain.
    pub fn is_current(&self) -> bool {
        let policies = if self.area == Area::Europe { EU_POLICIES } else { CA_POLICIES };
        policies.contains(&self.number(PolicyVersion))
    }

    /// Whether the purpose was agreed to.
    pub fn agreed(&self, purpose: u8) -> bool {
        bit(self.number(Purposes), purpose)
    }

    /// Whether the purpose stands on an interest nobody objected to; in Canada, on implied consent.
    pub fn stands_beside(&self, purpose: u8) -> bool {
        bit(self.number(PurposesBeside), purpose)
    }

    /// Says of a purpose whether it was agreed to, and whether it stands otherwise.
    pub fn choose(&mut self, purpose: u8, agreed: bool, beside: bool) -> bool {
        if !(1..=PURPOSES_MAX).contains(&purpose) {
            return false;
        }
        let mask = 1 << (PURPOSES_MAX - purpose);
        for (number, on) in [(Purposes, agreed), (PurposesBeside, beside)] {
            let before = self.number(number);
            self.set(number, if on { before | mask } else { before & !mask });
        }
        true
    }
}

/// The bit of a purpose, the first being the highest of 24.
fn bit(bits: u64, purpose: u8) -> bool {
    (1..=PURPOSES_MAX).contains(&purpose) && (bits >> (PURPOSES_MAX - purpose)) & 1 == 1
}

impl Segment {
    fn read(text: &str) -> Result<Self, SignalError> {
        let mut bits = BitReader::new(text)?;
        let segment = match bits.take(3)? {
            DISCLOSED => Self::Disclosed(VendorSet::read(&mut bits)?),
            ALLOWED => Self::Allowed(VendorSet::read(&mut bits)?),
            PUBLISHER => Self::read_publisher(&mut bits)?,
            version => {
                return Err(SignalError::UnknownVersion { what: "TCF segment", version });
            }
        };
        bits.finish()?;
        Ok(segment)
    }

    fn read_publisher(bits: &mut BitReader<'_>) -> Result<Self, SignalError> {
        let wide = |it: u64| u32::try_from(it).unwrap_or_default();
        let consents = wide(bits.take(usize::from(PURPOSES_MAX))?);
        let beside = wide(bits.take(usize::from(PURPOSES_MAX))?);
        let n_custom = bits.take(6)?;
        let agreed: Vec<_> = (0..n_custom).map(|_| bits.flag()).collect::<Result<_, _>>()?;
        let stands: Vec<_> = (0..n_custom).map(|_| bits.flag()).collect::<Result<_, _>>()?;
        let custom = agreed.into_iter().zip(stands).collect();
        Ok(Self::Publisher { consents, beside, custom })
    }

    fn write(&self) -> String {
        let mut bits = BitWriter::default();
        match self {
            Self::Disclosed(vendors) | Self::Allowed(vendors) => {
                let of = if matches!(self, Self::Allowed(_)) { ALLOWED } else { DISCLOSED };
                bits.put(3, of);
                vendors.write(&mut bits);
            }
            Self::Publisher { consents, beside, custom } => {
                bits.put(3, PUBLISHER);
                bits.put(usize::from(PURPOSES_MAX), u64::from(*consents));
                bits.put(usize::from(PURPOSES_MAX), u64::from(*beside));
                bits.put(6, custom.len() as u64);
                for it in custom {
                    bits.flag(it.0);
                }
                for it in custom {
                    bits.flag(it.1);
                }
            }
        }
        bits.finish()
    }
}

impl fmt::Display for TcString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bits = BitWriter::default();
        for ((_, n_bits), value) in self.area.head().iter().zip(&self.numbers) {
            bits.put(usize::from(*n_bits), *value);
        }
        self.vendors.write(&mut bits);
        self.vendors_beside.write(&mut bits);
        if let Some(restrictions) = &self.restrictions {
            PublisherRestriction::write_all(restrictions, &mut bits);
        }
        f.write_str(&bits.finish())?;
        self.segments.iter().try_for_each(|it| write!(f, ".{}", it.write()))
    }
}
