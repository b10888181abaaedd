//! How the sections of the United States are laid out: the national one and one per state, as data.
//!
//! From the technical specifications of the IAB Tech Lab (CC BY 3.0), sections 7 to 27. Each field
//! holds values of two bits: 0 does not apply, 1 is yes (an opt-out, a notice; no consent), 2 is
//! no (no opt-out; consent); 3 means nothing.

/// A field of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as the specification names them")]
pub enum Field {
    SharingNotice,
    ProcessingNotice,
    SaleOptOutNotice,
    SharingOptOutNotice,
    TargetedAdvertisingOptOutNotice,
    SensitiveDataProcessingOptOutNotice,
    SensitiveDataLimitUseNotice,
    SaleOptOut,
    SharingOptOut,
    TargetedAdvertisingOptOut,
    SensitiveDataProcessing,
    KnownChildSensitiveDataConsents,
    AdditionalDataProcessingConsent,
    PersonalDataConsents,
    MspaVersion,
    MspaCoveredTransaction,
    MspaMode,
    MspaOptOutOptionMode,
    MspaServiceProviderMode,
}

/// What follows the first segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// Nothing.
    Nothing,
    /// A segment that carries the Global Privacy Control.
    Gpc,
    /// A segment of eight values on sensitive data, without a type of its own.
    Sensitive,
}

/// A section's layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The section.
    pub id: u16,
    /// Its name in the client-side interface.
    pub name: &'static str,
    /// The fields after the version, each with how many values it holds.
    pub fields: &'static [(Field, u8)],
    /// What may follow.
    pub behind: Behind,
}

impl Layout {
    /// How many values it holds.
    pub fn n_values(&self) -> usize {
        self.fields.iter().map(|it| usize::from(it.1)).sum()
    }
}

/// Whether a section of this id is laid out here.
pub fn is_known(id: u16) -> bool {
    LAYOUTS.iter().any(|it| it.id == id)
}

use Field::{
    AdditionalDataProcessingConsent as Additional, KnownChildSensitiveDataConsents as Child,
    MspaCoveredTransaction as Covered, MspaMode as Mode, MspaOptOutOptionMode as OptionMode,
    MspaServiceProviderMode as ProviderMode, PersonalDataConsents as Personal,
    ProcessingNotice as Processing, SaleOptOut as Sale, SaleOptOutNotice as SaleNotice,
    SensitiveDataLimitUseNotice as LimitNotice, SensitiveDataProcessing as Sensitive,
    SensitiveDataProcessingOptOutNotice as SensitiveNotice, SharingNotice, SharingOptOut as Share,
    SharingOptOutNotice as ShareNotice, TargetedAdvertisingOptOut as Ads,
    TargetedAdvertisingOptOutNotice as AdsNotice,
};

const fn layout(
    id: u16,
    name: &'static str,
    fields: &'static [(Field, u8)],
    behind: Behind,
) -> Layout {
    Layout { id, name, fields, behind }
}

macro_rules! fields {
    ($($field:ident $(* $n:literal)?),+ $(,)?) => { &[$(($field, fields!(@ $($n)?))),+] };
    (@) => { 1 };
    (@ $n:literal) => { $n };
}

/// Ascending by section; where a section grew without a new version, the longer layout is first.
pub const LAYOUTS: &[Layout] = &[
    layout(
        7,
        "usnat",
        fields![
            SharingNotice,
            SaleNotice,
            ShareNotice,
            AdsNotice,
            SensitiveNotice,
            LimitNotice,
            Sale,
            Share,
            Ads,
            Sensitive * 16,
            Child * 3,
            Personal,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Gpc,
    ),
    layout(
        7,
        "usnat",
        fields![
            SharingNotice,
            SaleNotice,
            ShareNotice,
            AdsNotice,
            SensitiveNotice,
            LimitNotice,
            Sale,
            Share,
            Ads,
            Sensitive * 12,
            Child * 2,
            Personal,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Gpc,
    ),
    layout(
        8,
        "usca",
        fields![
            SaleNotice,
            ShareNotice,
            LimitNotice,
            Sale,
            Share,
            Sensitive * 9,
            Child * 2,
            Personal,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Gpc,
    ),
    layout(
        9,
        "usva",
        fields![
            SharingNotice,
            SaleNotice,
            AdsNotice,
            Sale,
            Ads,
            Sensitive * 8,
            Child,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Nothing,
    ),
    layout(
        10,
        "usco",
        fields![
            SharingNotice,
            SaleNotice,
            AdsNotice,
            Sale,
            Ads,
            Sensitive * 7,
            Child,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Gpc,
    ),
    layout(
        11,
        "usut",
        fields![
            SharingNotice,
            SaleNotice,
            AdsNotice,
            SensitiveNotice,
            Sale,
            Ads,
            Sensitive * 8,
            Child,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Nothing,
    ),
    layout(
        12,
        "usct",
        fields![
            SharingNotice,
            SaleNotice,
            AdsNotice,
            Sale,
            Ads,
            Sensitive * 8,
            Child * 3,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Gpc,
    ),
    layout(13, "usfl", STATE_8_3, Behind::Nothing),
    layout(
        14,
        "usmt",
        fields![
            SharingNotice,
            SaleNotice,
            AdsNotice,
            Sale,
            Ads,
            Sensitive * 8,
            Child * 3,
            Additional,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Gpc,
    ),
    layout(
        15,
        "usor",
        fields![
            Processing,
            SaleNotice,
            AdsNotice,
            Sale,
            Ads,
            Sensitive * 11,
            Child * 3,
            Additional,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Gpc,
    ),
    layout(16, "ustx", STATE_8_1, Behind::Gpc),
    layout(
        17,
        "usde",
        fields![
            Processing,
            SaleNotice,
            AdsNotice,
            Sale,
            Ads,
            Sensitive * 9,
            Child * 5,
            Additional,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Gpc,
    ),
    layout(
        18,
        "usia",
        fields![
            Processing,
            SaleNotice,
            AdsNotice,
            SensitiveNotice,
            Sale,
            Ads,
            Sensitive * 8,
            Child,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Gpc,
    ),
    layout(19, "usne", STATE_8_1, Behind::Gpc),
    layout(20, "usnh", STATE_8_3, Behind::Gpc),
    layout(
        21,
        "usnj",
        fields![
            Processing,
            SaleNotice,
            AdsNotice,
            Sale,
            Ads,
            Sensitive * 10,
            Child * 5,
            Additional,
            Covered,
            OptionMode,
            ProviderMode,
        ],
        Behind::Gpc,
    ),
    layout(22, "ustn", STATE_8_1, Behind::Gpc),
    layout(23, "usmn", STATE_8_1, Behind::Gpc),
    layout(
        24,
        "usmd",
        fields![Covered, Mode, Processing, SaleNotice, AdsNotice, Sale, Ads, Additional],
        Behind::Gpc,
    ),
    layout(25, "usin", NEWER_8, Behind::Gpc),
    layout(26, "usky", NEWER_8, Behind::Gpc),
    layout(
        27,
        "usri",
        fields![Covered, Mode, Processing, SaleNotice, AdsNotice, Sale, Ads, Child, Additional],
        Behind::Sensitive,
    ),
];

const STATE_8_1: &[(Field, u8)] = fields![
    Processing,
    SaleNotice,
    AdsNotice,
    Sale,
    Ads,
    Sensitive * 8,
    Child,
    Additional,
    Covered,
    OptionMode,
    ProviderMode,
];

const STATE_8_3: &[(Field, u8)] = fields![
    Processing,
    SaleNotice,
    AdsNotice,
    Sale,
    Ads,
    Sensitive * 8,
    Child * 3,
    Additional,
    Covered,
    OptionMode,
    ProviderMode,
];

const NEWER_8: &[(Field, u8)] = fields![
    Covered,
    Mode,
    Processing,
    SaleNotice,
    AdsNotice,
    Sale,
    Ads,
    Child,
    Additional,
    Sensitive * 8,
];
