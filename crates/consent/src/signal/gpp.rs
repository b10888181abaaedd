//! IAB Global Privacy Platform strings, version 1: a header that lists sections, then the sections.
//!
//! A section nobody here knows stays as it came; one that is known but cannot be read is an error
//! of its own. Trailing empty sections are legal, and say that nobody was asked.

use std::fmt;

use super::{
    SignalError,
    bits::{BitReader, BitWriter},
    bounded,
    tcf::{Area, TcString},
};

pub mod layout;
pub mod us;

pub use layout::Field;
pub use us::UsSection;

/// The most sections of a string.
pub const SECTIONS_MAX: usize = 64;
/// The id of the section of the European framework.
pub const TCF_EU: u16 = 2;
/// The id of the section of the Canadian framework.
pub const TCF_CA: u16 = 5;
/// The id of the section that holds the older US string in clear text.
pub const US_PRIVACY: u16 = 6;

const HEADER: u64 = 3;
const VERSION: u64 = 1;

/// A GPP string.
#[derive(Debug, Clone, PartialEq, Eq)]
// Invariant: ids ascend, and there are at most `SECTIONS_MAX`.
pub struct GppString {
    sections: Vec<(u16, Section)>,
}

/// What a section says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section {
    /// Listed, and empty: nobody was asked, or the form failed.
    Empty,
    /// Europe or Canada.
    Tcf(TcString),
    /// The older string of the United States.
    UsPrivacy(UsPrivacy),
    /// A section of the United States, national or of a state.
    Us(UsSection),
    /// Known, but unreadable.
    Unreadable(SignalError),
    /// Not known here; kept as it came.
    Unknown(String),
}

/// The older string of the United States, such as `1YNN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsPrivacy {
    /// Whether the notice was given, where the law applies.
    pub notice: Option<bool>,
    /// Whether the person opted out of sale, where the law applies.
    pub opted_out: Option<bool>,
    /// Whether the agreement of limited service providers covers it, where the law applies.
    pub covered: Option<bool>,
}

impl GppString {
    /// A string of these sections, ascending by id; none where they are too many or out of order.
    pub fn of(sections: Vec<(u16, Section)>) -> Option<Self> {
        let ascend = sections.windows(2).all(|it| matches!(it, [a, b] if a.0 < b.0));
        let from_one = sections.first().is_none_or(|it| it.0 > 0);
        (ascend && from_one && sections.len() <= SECTIONS_MAX).then_some(Self { sections })
    }

    /// Reads a string.
    pub fn parse(text: &str) -> Result<Self, SignalError> {
        let mut parts = bounded(text)?.split('~');
        let ids = header(parts.next().unwrap_or_default())?;
        let mut sections = Vec::with_capacity(ids.len());
        for id in ids {
            sections.push((id, Section::read(id, parts.next().unwrap_or_default())));
        }
        if parts.next().is_some() {
            return Err(SignalError::Malformed("more sections than the header lists"));
        }
        Ok(Self { sections })
    }

    /// The sections, ascending by id.
    pub fn sections(&self) -> &[(u16, Section)] {
        &self.sections
    }

    /// The section of this id.
    pub fn section(&self, id: u16) -> Option<&Section> {
        self.sections.iter().find(|it| it.0 == id).map(|it| &it.1)
    }
}

/// The ids a header lists.
fn header(text: &str) -> Result<Vec<u16>, SignalError> {
    let mut bits = BitReader::new(text)?;
    if bits.take(6)? != HEADER {
        return Err(SignalError::Malformed("it does not begin with a GPP header"));
    }
    let version = bits.take(6)?;
    if version != VERSION {
        return Err(SignalError::UnknownVersion { what: "GPP version", version });
    }
    let n_items = bits.take(12)?;
    let mut ids: Vec<u16> = Vec::new();
    let too_many = || SignalError::Malformed("more sections than a string may have");
    for _ in 0..n_items {
        let is_range = bits.flag()?;
        let last = ids.last().copied().unwrap_or(0);
        let first = last.checked_add(bits.fibonacci()?).ok_or_else(too_many)?;
        let end = if is_range {
            first.checked_add(bits.fibonacci()?).ok_or_else(too_many)?
        } else {
            first
        };
        if ids.len() + usize::from(end - first) >= SECTIONS_MAX {
            return Err(too_many());
        }
        ids.extend(first..=end);
    }
    bits.finish()?;
    Ok(ids)
}

impl Section {
    fn read(id: u16, text: &str) -> Self {
        if text.is_empty() {
            return Self::Empty;
        }
        let read = match id {
            TCF_EU => TcString::parse(Area::Europe, text).map(Self::Tcf),
            TCF_CA => TcString::parse(Area::Canada, text).map(Self::Tcf),
            US_PRIVACY => UsPrivacy::parse(text).map(Self::UsPrivacy),
            _ if layout::is_known(id) => UsSection::parse(id, text).map(Self::Us),
            _ => Ok(Self::Unknown(text.to_owned())),
        };
        read.unwrap_or_else(Self::Unreadable)
    }
}

impl UsPrivacy {
    fn parse(text: &str) -> Result<Self, SignalError> {
        let said = |it: u8| match it {
            b'Y' | b'y' => Ok(Some(true)),
            b'N' | b'n' => Ok(Some(false)),
            b'-' => Ok(None),
            _ => Err(SignalError::Malformed("a character other than Y, N and -")),
        };
        match *text.as_bytes() {
            [b'1', notice, opted_out, covered] => Ok(Self {
                notice: said(notice)?,
                opted_out: said(opted_out)?,
                covered: said(covered)?,
            }),
            [version, _, _, _] if version.is_ascii_digit() => Err(SignalError::UnknownVersion {
                what: "US privacy version",
                version: u64::from(version - b'0'),
            }),
            _ => Err(SignalError::Malformed("not four characters")),
        }
    }
}

impl fmt::Display for UsPrivacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("1")?;
        [self.notice, self.opted_out, self.covered].iter().try_for_each(|it| {
            f.write_str(match it {
                Some(true) => "Y",
                Some(false) => "N",
                None => "-",
            })
        })
    }
}

/// Writes the string; an unreadable section is written empty, so that it never says more than it
/// was understood to say.
impl fmt::Display for GppString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ids: Vec<(u16, u16)> = Vec::new();
        for (id, _) in &self.sections {
            match ids.last_mut() {
                Some(last) if last.1 + 1 == *id => last.1 = *id,
                _ => ids.push((*id, *id)),
            }
        }
        let mut bits = BitWriter::default();
        bits.put(6, HEADER);
        bits.put(6, VERSION);
        bits.put(12, ids.len() as u64);
        let mut last = 0;
        for (first, end) in ids {
            bits.flag(first != end);
            bits.fibonacci(first - last);
            if first != end {
                bits.fibonacci(end - first);
            }
            last = end;
        }
        f.write_str(&bits.finish())?;
        self.sections.iter().try_for_each(|(_, section)| match section {
            Section::Empty | Section::Unreadable(_) => f.write_str("~"),
            Section::Tcf(it) => write!(f, "~{it}"),
            Section::UsPrivacy(it) => write!(f, "~{it}"),
            Section::Us(it) => write!(f, "~{it}"),
            Section::Unknown(it) => write!(f, "~{it}"),
        })
    }
}
