//! Where a person may be: every zone the evidence allows, so that doubt never widens a window.

use chrono_tz::Tz;
use kernel::Zones;

/// What is known of a person's time zone, strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneEvidence {
    /// The person's own setting, or a verified address's (IANA name).
    Zone(String),
    /// The country alone (ISO 3166-1 alpha-2).
    Country(String),
    /// Nothing.
    Unknown,
}

/// The zones of a country, as tz's `zone1970.tab` and common use divide it.
const COUNTRIES: &[(&str, &[Tz])] = &[
    ("AT", &[Tz::Europe__Vienna]),
    ("BE", &[Tz::Europe__Brussels]),
    ("BG", &[Tz::Europe__Sofia]),
    ("CH", &[Tz::Europe__Zurich]),
    ("CY", &[Tz::Asia__Nicosia, Tz::Asia__Famagusta]),
    ("CZ", &[Tz::Europe__Prague]),
    ("DE", &[Tz::Europe__Berlin, Tz::Europe__Busingen]),
    ("DK", &[Tz::Europe__Copenhagen]),
    ("EE", &[Tz::Europe__Tallinn]),
    ("ES", &[Tz::Europe__Madrid, Tz::Africa__Ceuta, Tz::Atlantic__Canary]),
    ("FI", &[Tz::Europe__Helsinki]),
    ("FR", &[Tz::Europe__Paris]),
    ("GB", &[Tz::Europe__London]),
    ("GR", &[Tz::Europe__Athens]),
    ("HR", &[Tz::Europe__Zagreb]),
    ("HU", &[Tz::Europe__Budapest]),
    ("IE", &[Tz::Europe__Dublin]),
    ("IS", &[Tz::Atlantic__Reykjavik]),
    ("IT", &[Tz::Europe__Rome]),
    ("LI", &[Tz::Europe__Vaduz]),
    ("LT", &[Tz::Europe__Vilnius]),
    ("LU", &[Tz::Europe__Luxembourg]),
    ("LV", &[Tz::Europe__Riga]),
    ("MT", &[Tz::Europe__Malta]),
    ("NL", &[Tz::Europe__Amsterdam]),
    ("NO", &[Tz::Europe__Oslo]),
    ("PL", &[Tz::Europe__Warsaw]),
    ("PT", &[Tz::Europe__Lisbon, Tz::Atlantic__Madeira, Tz::Atlantic__Azores]),
    ("RO", &[Tz::Europe__Bucharest]),
    ("SE", &[Tz::Europe__Stockholm]),
    ("SI", &[Tz::Europe__Ljubljana]),
    ("SK", &[Tz::Europe__Bratislava]),
    (
        "US",
        &[
            Tz::America__New_York,
            Tz::America__Detroit,
            Tz::America__Indiana__Indianapolis,
            Tz::America__Chicago,
            Tz::America__Denver,
            Tz::America__Phoenix,
            Tz::America__Los_Angeles,
            Tz::America__Anchorage,
            Tz::America__Adak,
            Tz::Pacific__Honolulu,
        ],
    ),
];

/// One zone for every wall clock shown in the countries above, the United States apart, and one
/// each at the ends of the day beyond them: what is open in all of these is open for whoever we
/// know nothing about.
const ANYWHERE: &[Tz] = &[
    Tz::Atlantic__Azores,
    Tz::Atlantic__Reykjavik,
    Tz::Europe__Lisbon,
    Tz::Europe__London,
    Tz::Europe__Dublin,
    Tz::Atlantic__Canary,
    Tz::Europe__Paris,
    Tz::Europe__Berlin,
    Tz::Europe__Athens,
    Tz::Europe__Helsinki,
    Tz::Europe__Bucharest,
    Tz::Asia__Nicosia,
];

/// Every zone the evidence allows; a name nobody knows is no evidence.
pub fn candidates(evidence: &ZoneEvidence) -> Zones {
    let zones = match evidence {
        ZoneEvidence::Zone(name) => {
            if let Ok(zone) = name.parse::<Tz>() {
                return Zones::known(zone);
            }
            ANYWHERE
        }
        ZoneEvidence::Country(country) => {
            COUNTRIES.iter().find(|(it, _)| it == country).map_or(ANYWHERE, |(_, zones)| zones)
        }
        ZoneEvidence::Unknown => ANYWHERE,
    };
    Zones::new(zones.to_vec()).unwrap_or_else(|_| Zones::known(Tz::UTC))
}
