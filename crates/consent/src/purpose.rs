//! A purpose: what data is used for, on which basis, under which terms.

use chrono::NaiveDate;
use kernel::{Channel, Digest, Instant, Period, PurposeKey, PurposeRef};
use serde::{Deserialize, Serialize};

use crate::{ChannelSet, Jurisdiction, Label, signal::mode::ConsentType};

/// The lawful bases of GDPR Art. 6(1), as DPV names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Basis {
    /// Consent.
    #[serde(rename = "A6-1-a")]
    Consent,
    /// Contract.
    #[serde(rename = "A6-1-b")]
    Contract,
    /// Legal obligation.
    #[serde(rename = "A6-1-c")]
    LegalObligation,
    /// Vital interests.
    #[serde(rename = "A6-1-d")]
    VitalInterests,
    /// Public task.
    #[serde(rename = "A6-1-e")]
    PublicTask,
    /// Legitimate interests.
    #[serde(rename = "A6-1-f")]
    LegitimateInterests,
}

impl Basis {
    /// The DPV name of the basis.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "A6-1-a",
            Self::Contract => "A6-1-b",
            Self::LegalObligation => "A6-1-c",
            Self::VitalInterests => "A6-1-d",
            Self::PublicTask => "A6-1-e",
            Self::LegitimateInterests => "A6-1-f",
        }
    }

    /// The provision it is.
    pub const fn cites(self) -> &'static str {
        match self {
            Self::Consent => "GDPR Art. 6(1)(a)",
            Self::Contract => "GDPR Art. 6(1)(b)",
            Self::LegalObligation => "GDPR Art. 6(1)(c)",
            Self::VitalInterests => "GDPR Art. 6(1)(d)",
            Self::PublicTask => "GDPR Art. 6(1)(e)",
            Self::LegitimateInterests => "GDPR Art. 6(1)(f)",
        }
    }
}

/// A basis with what it holds on; one per jurisdiction, fixed beforehand, without fall-through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "basis", deny_unknown_fields)]
pub enum BasisSpec {
    /// Holds while a grant stands.
    #[serde(rename = "A6-1-a")]
    Consent(ConsentTerms),
    /// Holds while a contract of the type is in force.
    #[serde(rename = "A6-1-b")]
    Contract {
        /// The type of contract that makes the purpose necessary.
        contract: Label,
    },
    /// Holds while the law is in force.
    #[serde(rename = "A6-1-c")]
    LegalObligation(Law),
    /// Holds during a documented emergency.
    #[serde(rename = "A6-1-d")]
    VitalInterests {},
    /// Holds while the law is in force, and the person has not objected.
    #[serde(rename = "A6-1-e")]
    PublicTask(Law),
    /// Holds while the assessment is passed and current, and the person has not objected.
    #[serde(rename = "A6-1-f")]
    LegitimateInterests(Assessment),
}

impl BasisSpec {
    /// Which basis it is.
    pub const fn basis(&self) -> Basis {
        match self {
            Self::Consent(_) => Basis::Consent,
            Self::Contract { .. } => Basis::Contract,
            Self::LegalObligation(_) => Basis::LegalObligation,
            Self::VitalInterests {} => Basis::VitalInterests,
            Self::PublicTask(_) => Basis::PublicTask,
            Self::LegitimateInterests(_) => Basis::LegitimateInterests,
        }
    }
}

/// What a grant must satisfy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentTerms {
    /// The notice that asks for it.
    pub notice: Label,
    /// The oldest version of the notice that still counts.
    pub notice_version_min: u32,
    /// The oldest version of the purpose whose grants cover this one.
    pub version_min: u32,
    /// How long a grant lasts.
    pub max_age: Period,
    /// Whether only an explicit statement counts.
    #[serde(default)]
    pub explicit: bool,
    /// Whether the address must confirm it (double opt-in).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub double_opt_in: bool,
}

/// A law that obliges or empowers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// Where it is found.
    pub law: Label,
    /// Who is empowered by it.
    pub authority: Label,
    /// In force from.
    pub in_force_from: Instant,
    /// In force until, where it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force_until: Option<Instant>,
    /// Where it applies; wherever the purpose rests on it, if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jurisdictions: Vec<Jurisdiction>,
}

impl Law {
    /// Whether it applies where the person lives.
    pub fn applies_in(&self, jurisdiction: Jurisdiction) -> bool {
        self.jurisdictions.is_empty() || self.jurisdictions.iter().any(|it| jurisdiction.is_in(*it))
    }
}

/// A balancing assessment (LIA).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// Where it is kept.
    pub assessment: Label,
    /// Whether the controller's interests prevail.
    pub passed: bool,
    /// The version of the purpose it assessed.
    pub of_version: u32,
    /// When it must have been reviewed.
    pub review_by: Instant,
}

/// What a purpose is, beyond its basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Direct marketing: Art. 21(2) applies whatever the basis.
    DirectMarketing,
    /// Contract-necessary or legal messages: preferences do not hold them back.
    ServiceMessage,
    /// Profiling in the sense of Art. 4(4).
    Profiling,
    /// Necessary for the contract.
    NecessaryForContract,
    /// Directed at children.
    ChildDirected,
    /// Decides solely by machine, with legal or similarly significant effect (Art. 22).
    SolelyAutomatedSignificant,
    /// Sells data, or shares it for advertising across contexts (CCPA 1798.140(ad), (ah)).
    SaleOrShare,
    /// Advertises by what was seen elsewhere.
    TargetedAds,
    /// Shares financial data with companies that are not affiliated (GLBA, 15 USC 6802).
    FinancialSharing,
}

/// A condition of Art. 9(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SpecialCondition {
    /// Explicit consent, of the grant itself.
    #[serde(rename = "A9-2-a")]
    ExplicitConsent,
    /// Employment, social security and social protection, by law.
    #[serde(rename = "A9-2-b")]
    SocialProtection,
    /// Vital interests of a person who cannot consent: a documented emergency.
    #[serde(rename = "A9-2-c")]
    VitalInterests,
    /// Legal claims, and courts acting as such.
    #[serde(rename = "A9-2-f")]
    LegalClaims,
    /// Substantial public interest, by law.
    #[serde(rename = "A9-2-g")]
    PublicInterest,
    /// Health or social care, by law and under professional secrecy.
    #[serde(rename = "A9-2-h")]
    Care,
    /// Public health, by law.
    #[serde(rename = "A9-2-i")]
    PublicHealth,
    /// Archiving, research and statistics, by law.
    #[serde(rename = "A9-2-j")]
    Research,
}

/// A purpose of the registry, as written in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// Its dotted name.
    pub key: PurposeKey,
    /// Its version; a new basis is a new version.
    pub version: u32,
    /// What people call it.
    pub name: String,
    /// What it is, in plain words for the person.
    pub text: String,
    /// Who answers for it.
    pub owner: Label,
    /// When it is next looked at.
    pub review_on: NaiveDate,
    /// From when it may be pursued.
    pub effective_from: Instant,
    /// Until when, where it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_until: Option<Instant>,
    /// What it is, beyond its basis.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// The channels it may use.
    pub channels: ChannelSet,
    /// The categories of data it may use.
    pub categories: Vec<Label>,
    /// On what special categories may be used, if at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special: Option<SpecialCondition>,
    /// The law such a condition rests on; every one but consent and an emergency needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special_law: Option<Law>,
    /// Its purposes in the IAB framework (1 to 24): a string that lacks one refuses it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tcf_purposes: Vec<u8>,
    /// The kinds of Google's consent mode it needs: one denied refuses it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consent_mode: Vec<ConsentType>,
    /// The law that authorises using data on offences (Art. 10), if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offences: Option<Law>,
    /// One basis per jurisdiction.
    pub bases: std::collections::BTreeMap<Jurisdiction, BasisSpec>,
}

impl Purpose {
    /// Whether the flag is set.
    pub fn is(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    /// Whether what a browser or app sends can refuse it, so that a signal nobody can read does.
    pub fn depends_on_signals(&self) -> bool {
        !self.tcf_purposes.is_empty()
            || !self.consent_mode.is_empty()
            || self.is(Flag::SaleOrShare)
            || self.is(Flag::TargetedAds)
    }

    /// Key and version.
    pub fn reference(&self) -> PurposeRef {
        PurposeRef { key: self.key.clone(), version: self.version }
    }

    /// Whether it needs an unsubscribe header on this channel (RFC 8058).
    pub fn needs_one_click(&self, channel: Option<Channel>) -> bool {
        channel == Some(Channel::Email)
            && (self.is(Flag::DirectMarketing)
                || self.bases.values().any(|it| it.basis() == Basis::Consent))
    }
}

/// A notice people are shown when they choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Its name.
    pub name: Label,
    /// Its version.
    pub version: u32,
    /// BCP 47 language.
    pub language: Label,
    /// The heading.
    pub title: String,
    /// The words.
    pub text: String,
    /// The purposes it asks for.
    pub purposes: Vec<PurposeKey>,
    /// Who decides on purposes and means.
    pub controller: Controller,
    /// Where the data is kept.
    pub storage_locations: Vec<Label>,
    /// How long, in words.
    pub retention_period: String,
    /// Who else receives it.
    pub recipients: Vec<String>,
    /// How to withdraw, in words.
    pub withdrawal_method: String,
}

/// The controller, as receipts name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// A stable identifier.
    pub id: Label,
    /// The name.
    pub name: String,
    /// The postal address.
    pub address: String,
    /// How to reach it.
    pub contact: String,
    /// Its e-mail address; some forms of a receipt demand it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its telephone; some forms of a receipt demand it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// A notice with the digest of its artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedNotice {
    /// The notice.
    pub notice: Notice,
    /// SHA-256 over its canonical artifact.
    pub digest: Digest,
}
