//! What signals take away, from whatever form they came in.

use serde::{Deserialize, Serialize};

use super::{
    SignalError,
    gpp::{Field, GppString, Section, UsSection},
    keyword,
    mode::{ConsentMode, ConsentState, ConsentType},
    tcf::{Area, PURPOSES_MAX, TcString},
};
use crate::{Basis, Flag, Purpose};

/// Something done with data that a person can say no to at large, whatever the purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Practice {
    /// Sale of data, or sharing it for advertising across contexts.
    SaleOrShare,
    /// Advertising targeted by what was seen elsewhere.
    TargetedAds,
    /// Sharing financial data with companies that are not affiliated.
    FinancialSharing,
}

impl Practice {
    /// Every practice.
    pub const ALL: [Self; 3] = [Self::SaleOrShare, Self::TargetedAds, Self::FinancialSharing];

    /// The flag of the purposes it reaches.
    pub const fn flag(self) -> Flag {
        match self {
            Self::SaleOrShare => Flag::SaleOrShare,
            Self::TargetedAds => Flag::TargetedAds,
            Self::FinancialSharing => Flag::FinancialSharing,
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Signals as they were sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Raw {
    /// Whether the browser sent the Global Privacy Control.
    pub gpc: bool,
    /// A string of the European framework.
    pub tcf: Option<String>,
    /// A GPP string.
    pub gpp: Option<String>,
    /// What the page's consent mode says.
    pub consent_mode: ConsentMode,
    /// A text message the person sent.
    pub sms: Option<String>,
}

/// What signals take away; nothing they say permits anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signals {
    /// Whether the Global Privacy Control is among them.
    pub gpc: bool,
    /// Whether the person asked for no more text messages.
    pub stop_sms: bool,
    practices: u8,
    /// Bit n: the framework's purpose n was not agreed to.
    not_agreed: u32,
    /// Bit n: the framework's purpose n stands on nothing at all.
    unfounded: u32,
    denied_types: u8,
}

/// Signals that were read, and the first that could not be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// What they take away.
    pub signals: Signals,
    /// Why something among them says nothing certain: whatever depends on it is refused.
    pub unknown: Option<SignalError>,
}

impl Signals {
    /// Reads what was sent. What can be read counts even where something else cannot.
    pub fn read(raw: &Raw) -> Reading {
        let mut reading = Reading::default();
        if raw.gpc {
            reading.signals.hear_gpc();
        }
        if let Some(text) = &raw.tcf {
            match TcString::parse(Area::Europe, text) {
                Ok(it) => reading.tcf(&it),
                Err(error) => reading.does_not_know(error),
            }
        }
        if let Some(text) = &raw.gpp {
            match GppString::parse(text) {
                Ok(it) => it.sections().iter().for_each(|(id, it)| reading.section(*id, it)),
                Err(error) => reading.does_not_know(error),
            }
        }
        for (kind, state) in &raw.consent_mode {
            if *state == ConsentState::Denied {
                reading.signals.deny(*kind);
            }
        }
        reading.signals.stop_sms = raw.sms.as_deref().is_some_and(keyword::asks_to_stop);
        reading
    }

    /// Whether they opt the person out of a practice.
    pub const fn opts_out_of(self, practice: Practice) -> bool {
        self.practices & practice.bit() != 0
    }

    /// Whether they refuse this purpose by its numbers in a framework, or by its kinds of storage.
    pub fn refuses(self, purpose: &Purpose) -> bool {
        let by_consent = purpose.bases.values().any(|it| it.basis() == Basis::Consent);
        let bits = if by_consent { self.not_agreed } else { self.unfounded };
        purpose.tcf_purposes.iter().any(|it| *it <= PURPOSES_MAX && bits & (1 << it) != 0)
            || purpose.consent_mode.iter().any(|it| self.denied_types & it.bit() != 0)
    }

    /// Whether they take anything away.
    pub fn is_silent(self) -> bool {
        self == Self::default()
    }

    const fn opt_out_of(&mut self, practice: Practice) {
        self.practices |= practice.bit();
    }

    const fn hear_gpc(&mut self) {
        self.gpc = true;
        self.opt_out_of(Practice::SaleOrShare);
        self.opt_out_of(Practice::TargetedAds);
    }

    const fn deny(&mut self, kind: ConsentType) {
        self.denied_types |= kind.bit();
        match kind {
            ConsentType::AdUserData => self.opt_out_of(Practice::SaleOrShare),
            ConsentType::AdPersonalization => self.opt_out_of(Practice::TargetedAds),
            _ => {}
        }
    }

    fn us(&mut self, section: &UsSection) {
        let is_yes = |field| section.value(field) == Some(1);
        if is_yes(Field::SaleOptOut) || is_yes(Field::SharingOptOut) {
            self.opt_out_of(Practice::SaleOrShare);
        }
        if is_yes(Field::TargetedAdvertisingOptOut) {
            self.opt_out_of(Practice::TargetedAds);
        }
        // A child nobody consented for: 1 is "no consent" here.
        let children = section.values(Field::KnownChildSensitiveDataConsents);
        if children.is_some_and(|it| it.contains(&1)) {
            self.opt_out_of(Practice::SaleOrShare);
            self.opt_out_of(Practice::TargetedAds);
        }
        if section.gpc() == Some(true) {
            self.hear_gpc();
        }
    }
}

impl Reading {
    fn does_not_know(&mut self, error: SignalError) {
        self.unknown.get_or_insert(error);
    }

    fn tcf(&mut self, string: &TcString) {
        if !string.is_current() {
            let version = string.number(super::tcf::Number::PolicyVersion);
            self.does_not_know(SignalError::UnknownVersion { what: "TCF policy", version });
        }
        let canada = string.area() == Area::Canada;
        for purpose in 1..=PURPOSES_MAX {
            // In Canada, implied consent is consent; in Europe an interest is none.
            let beside = string.stands_beside(purpose);
            let agreed = string.agreed(purpose) || (canada && beside);
            self.signals.not_agreed |= u32::from(!agreed) << purpose;
            self.signals.unfounded |= u32::from(!agreed && !beside) << purpose;
        }
    }

    fn section(&mut self, id: u16, section: &Section) {
        match section {
            Section::Tcf(it) => self.tcf(it),
            Section::Us(it) => self.signals.us(it),
            Section::UsPrivacy(it) => {
                if it.opted_out == Some(true) {
                    self.signals.opt_out_of(Practice::SaleOrShare);
                }
            }
            Section::Empty => self.does_not_know(SignalError::Malformed("a section left empty")),
            Section::Unreadable(error) => self.does_not_know(error.clone()),
            Section::Unknown(_) => {
                let version = u64::from(id);
                self.does_not_know(SignalError::UnknownVersion { what: "GPP section", version });
            }
        }
    }
}
