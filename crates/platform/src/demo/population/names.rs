//! Where people live and what they are called.

/// A market of the insurer.
#[derive(Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub code: &'static str,
    /// The regime people there live under.
    pub jurisdiction: &'static str,
    /// BCP 47.
    pub language: &'static str,
    /// Where most people live.
    pub time_zone: &'static str,
    /// Where a few do: islands in another zone.
    pub islands: &'static str,
    /// ISO 4217.
    pub currency: &'static str,
    /// Calling code.
    pub dial: &'static str,
    /// First digits of a mobile number.
    pub mobile: &'static str,
    pub(super) first_names: &'static [&'static str],
    pub(super) last_names: &'static [&'static str],
}

/// The markets by weight.
pub(super) const COUNTRIES: [(Country, u16); 8] = [
    (
        Country {
            code: "DE",
            jurisdiction: "EU",
            language: "de",
            time_zone: "Europe/Berlin",
            islands: "Europe/Berlin",
            currency: "EUR",
            dial: "49",
            mobile: "151",
            first_names: &[
                "Anna", "Jörg", "Lena", "Jürgen", "Sophie", "Matthias", "Käthe", "Felix", "Mia",
                "Björn", "Emilia", "Paul", "Greta", "Moritz",
            ],
            last_names: &[
                "Müller", "Schäfer", "Weiß", "Krüger", "Fischer", "Vogel", "Hofmann", "Lange",
                "Brandt", "Günther", "Sommer", "Böhm",
            ],
        },
        30,
    ),
    (
        Country {
            code: "FR",
            jurisdiction: "EU",
            language: "fr",
            time_zone: "Europe/Paris",
            islands: "Indian/Reunion",
            currency: "EUR",
            dial: "33",
            mobile: "6",
            first_names: &[
                "Chloé",
                "Léo",
                "Manon",
                "Hélène",
                "Théo",
                "Camille",
                "Zoé",
                "François",
                "Inès",
                "Jules",
                "Anaïs",
                "René",
            ],
            last_names: &[
                "Lefèvre",
                "Moreau",
                "Garnier",
                "Chevalier",
                "Noël",
                "Fontaine",
                "Besson",
                "Caron",
                "Dupré",
                "Marchand",
                "Perrin",
                "Rivière",
            ],
        },
        20,
    ),
    (
        Country {
            code: "ES",
            jurisdiction: "EU",
            language: "es",
            time_zone: "Europe/Madrid",
            islands: "Atlantic/Canary",
            currency: "EUR",
            dial: "34",
            mobile: "6",
            first_names: &[
                "Lucía", "Hugo", "María", "Íñigo", "Sofía", "Martín", "Begoña", "Álvaro", "Elena",
                "Joaquín", "Nuria", "Rubén",
            ],
            last_names: &[
                "Muñoz",
                "Ibáñez",
                "Castillo",
                "Peña",
                "Vega",
                "Navarro",
                "Ortega",
                "Cabrera",
                "Domínguez",
                "Gil",
                "Prieto",
                "Lozano",
            ],
        },
        15,
    ),
    (
        Country {
            code: "GB",
            jurisdiction: "GB",
            language: "en",
            time_zone: "Europe/London",
            islands: "Europe/London",
            currency: "GBP",
            dial: "44",
            mobile: "7",
            first_names: &[
                "Olivia", "Noah", "Amelia", "George", "Isla", "Harriet", "Arthur", "Priya",
                "Oliver", "Aisha", "Callum", "Grace",
            ],
            last_names: &[
                "Smith", "Patel", "O'Brien", "Hughes", "Begum", "Walker", "Campbell", "Khan",
                "Wright", "Evans", "Fletcher", "Okafor",
            ],
        },
        15,
    ),
    (
        Country {
            code: "IT",
            jurisdiction: "EU",
            language: "it",
            time_zone: "Europe/Rome",
            islands: "Europe/Rome",
            currency: "EUR",
            dial: "39",
            mobile: "3",
            first_names: &[
                "Giulia",
                "Nicolò",
                "Chiara",
                "Matteo",
                "Aurora",
                "Lorenzo",
                "Francesca",
                "Pietro",
                "Alice",
                "Davide",
            ],
            last_names: &[
                "Rossi", "D'Angelo", "Esposito", "Ricci", "Gallo", "Conti", "Marino", "Greco",
                "Bianchi", "Barbieri",
            ],
        },
        8,
    ),
    (
        Country {
            code: "IE",
            jurisdiction: "EU",
            language: "en",
            time_zone: "Europe/Dublin",
            islands: "Europe/Dublin",
            currency: "EUR",
            dial: "353",
            mobile: "8",
            first_names: &[
                "Aoife", "Conor", "Saoirse", "Seán", "Niamh", "Cian", "Róisín", "Oisín", "Emma",
                "Jack",
            ],
            last_names: &[
                "Murphy", "Ó Sé", "Byrne", "Kelly", "Walsh", "O'Connor", "Doyle", "Nolan", "Brady",
                "Keane",
            ],
        },
        5,
    ),
    (
        Country {
            code: "PT",
            jurisdiction: "EU",
            language: "pt",
            time_zone: "Europe/Lisbon",
            islands: "Atlantic/Azores",
            currency: "EUR",
            dial: "351",
            mobile: "9",
            first_names: &[
                "Leonor", "João", "Matilde", "Tomás", "Inês", "Gonçalo", "Beatriz", "Simão",
                "Carolina", "Rui",
            ],
            last_names: &[
                "Silva",
                "Conceição",
                "Magalhães",
                "Sousa",
                "Araújo",
                "Pires",
                "Lourenço",
                "Brandão",
                "Teixeira",
                "Matos",
            ],
        },
        5,
    ),
    (
        Country {
            code: "CH",
            jurisdiction: "CH",
            language: "de",
            time_zone: "Europe/Zurich",
            islands: "Europe/Zurich",
            currency: "CHF",
            dial: "41",
            mobile: "7",
            first_names: &["Nina", "Urs", "Vreni", "Luca", "Ladina", "Reto", "Seraina", "Beat"],
            last_names: &["Keller", "Bühler", "Zürcher", "Frei", "Gerber", "Baumann", "Wyss"],
        },
        2,
    ),
];
