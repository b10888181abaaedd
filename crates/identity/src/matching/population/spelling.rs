//! How generated people and places are called, and misspelt.

use crate::matching::dice::Dice;

/// The commonest given names, each with what friends say; the rest is made of syllables.
const GIVEN: [(&str, &str); 96] = [
    ("mary", "molly"),
    ("james", "jim"),
    ("elizabeth", "liz"),
    ("william", "bill"),
    ("margaret", "peggy"),
    ("robert", "bob"),
    ("katherine", "kate"),
    ("richard", "dick"),
    ("susan", "sue"),
    ("john", "jack"),
    ("jennifer", "jenny"),
    ("michael", "mike"),
    ("patricia", "pat"),
    ("thomas", "tom"),
    ("barbara", "babs"),
    ("charles", "chuck"),
    ("dorothy", "dot"),
    ("joseph", "joe"),
    ("rebecca", "becky"),
    ("edward", "ted"),
    ("victoria", "vicky"),
    ("christopher", "chris"),
    ("samantha", "sam"),
    ("daniel", "dan"),
    ("deborah", "debbie"),
    ("matthew", "matt"),
    ("jessica", "jess"),
    ("anthony", "tony"),
    ("alexandra", "sandra"),
    ("andrew", "drew"),
    ("caroline", "carrie"),
    ("steven", "steve"),
    ("christine", "tina"),
    ("kenneth", "ken"),
    ("theresa", "terry"),
    ("benjamin", "ben"),
    ("abigail", "abby"),
    ("nicholas", "nick"),
    ("cynthia", "cindy"),
    ("alexander", "alex"),
    ("frances", "fran"),
    ("gregory", "greg"),
    ("gabrielle", "gabby"),
    ("samuel", "sam"),
    ("jacqueline", "jackie"),
    ("frederick", "fred"),
    ("philippa", "pip"),
    ("lawrence", "larry"),
    ("sophia", "sophie"),
    ("ronald", "ron"),
    ("anna", "annie"),
    ("peter", "pete"),
    ("laura", "laurie"),
    ("stephen", "steve"),
    ("helen", "nell"),
    ("walter", "walt"),
    ("emily", "em"),
    ("henry", "harry"),
    ("julia", "julie"),
    ("arthur", "art"),
    ("sarah", "sally"),
    ("david", "dave"),
    ("nancy", "nan"),
    ("donald", "don"),
    ("karen", "kari"),
    ("george", "geo"),
    ("ruth", "ruthie"),
    ("paul", "paulie"),
    ("sharon", "shari"),
    ("mark", "marky"),
    ("michelle", "shelly"),
    ("kevin", "kev"),
    ("kimberly", "kim"),
    ("brian", "bri"),
    ("angela", "angie"),
    ("timothy", "tim"),
    ("melissa", "missy"),
    ("ryan", "ry"),
    ("brenda", "bren"),
    ("jacob", "jake"),
    ("amy", "ames"),
    ("gary", "gaz"),
    ("pamela", "pam"),
    ("eric", "rick"),
    ("nicole", "nicky"),
    ("jonathan", "jon"),
    ("martha", "marty"),
    ("scott", "scotty"),
    ("denise", "denny"),
    ("justin", "jus"),
    ("janet", "jan"),
    ("brandon", "bran"),
    ("olivia", "liv"),
    ("raymond", "ray"),
    ("isabella", "bella"),
    ("vincent", "vince"),
];

const ONSETS: [&str; 24] = [
    "b", "br", "d", "f", "g", "gr", "h", "k", "kr", "l", "m", "n", "p", "r", "s", "sch", "st", "t",
    "tr", "v", "w", "z", "ch", "bl",
];
const VOWELS: [&str; 9] = ["a", "e", "i", "o", "u", "ei", "au", "ie", "ou"];
const CODAS: [&str; 14] =
    ["", "n", "r", "l", "s", "t", "ck", "m", "nd", "rt", "ng", "ller", "ger", "mann"];
const WAYS: [&str; 6] = ["street", "road", "lane", "avenue", "square", "court"];

/// The given name of this rank of frequency.
pub(super) fn given_name(rank: usize) -> String {
    GIVEN.get(rank).map_or_else(|| syllables(rank * 7 + 3, 2), |it| it.0.to_owned())
}

/// What friends say.
pub(super) fn nickname(rank: usize) -> String {
    GIVEN.get(rank).map_or_else(|| given_name(rank).chars().take(3).collect(), |it| it.1.to_owned())
}

/// The surname of this rank of frequency.
pub(super) fn surname(rank: usize) -> String {
    syllables(rank, 2)
}

/// A street.
pub(super) fn street_name(n: usize) -> String {
    let way = WAYS.get(n % 6).copied().unwrap_or("street");
    format!("{} {way}", syllables(n * 31 + 11, 2))
}

/// A word of its own for every number below 9 million.
fn syllables(mut n: usize, count: usize) -> String {
    // An odd multiplier scatters neighbours, so that rank does not show in the spelling.
    n = n.wrapping_mul(7_919) % 9_144_576;
    let mut word = String::with_capacity(12);
    for _ in 0..count {
        for part in [&ONSETS[..], &VOWELS[..], &CODAS[..]] {
            word.push_str(part.get(n % part.len()).copied().unwrap_or_default());
            n /= part.len();
        }
    }
    word
}

/// A fraction of a number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a rank below 2^20"
)]
pub(super) fn scaled(fraction: f64, n: usize) -> usize {
    (fraction * n as f64) as usize
}

/// One slip of the fingers: a letter dropped, doubled, swapped or mistaken.
pub(super) fn typo(value: String, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = value.chars().collect();
    if letters.len() < 2 {
        return value;
    }
    let at = dice.below(letters.len());
    let kind = dice.below(4);
    let is_digit = letters.get(at).is_some_and(char::is_ascii_digit);
    let alphabet: &[u8] = if is_digit { b"0123456789" } else { b"abcdefghijklmnopqrstuvwxyz" };
    let other = char::from(alphabet.get(dice.below(alphabet.len())).copied().unwrap_or(b'a'));
    match kind {
        0 if !is_digit => drop(letters.remove(at)),
        1 if !is_digit => letters.insert(at, other),
        2 if at + 1 < letters.len() => letters.swap(at, at + 1),
        _ => {
            if let Some(it) = letters.get_mut(at) {
                *it = other;
            }
        }
    }
    letters.into_iter().collect()
}
