//! Folding values so that two spellings of one value become one: letters, digits, dates.

use unicode_normalization::UnicodeNormalization;

/// How a date of three groups without a leading year is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// Day, month, year.
    #[default]
    Dmy,
    /// Month, day, year.
    Mdy,
}

/// What systems write for want of a value.
const PLACEHOLDERS: [&[u8]; 8] = [
    b"null",
    b"none",
    b"nan",
    b"unknown",
    b"notknown",
    b"notprovided",
    b"notavailable",
    b"anonymous",
];

/// Letters and digits only, in lower case without marks; nothing for a placeholder.
///
/// Latin letters become ASCII. A letter of another script becomes one byte of its own half: the low
/// seven bits of its code point, which tell the letters of one alphabet apart.
pub(super) fn letters(value: &str, out: &mut Vec<u8>) {
    out.clear();
    if value.is_ascii() {
        out.extend(
            value.bytes().filter(u8::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()),
        );
    } else {
        for letter in value.nfkd().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase) {
            match letter {
                'ß' => out.extend(b"ss"),
                'æ' => out.extend(b"ae"),
                'œ' => out.extend(b"oe"),
                'ø' => out.push(b'o'),
                'đ' | 'ð' => out.push(b'd'),
                'ł' => out.push(b'l'),
                'ı' => out.push(b'i'),
                'þ' => out.extend(b"th"),
                it if it.is_ascii() => out.extend(u8::try_from(it)),
                it => out.extend(u8::try_from(0x80 | (u32::from(it) & 0x7f))),
            }
        }
    }
    if PLACEHOLDERS.contains(&out.as_slice()) {
        out.clear();
    }
}

/// An address in lower case, and the length of what stands before its `@`; nothing if there is none.
pub(super) fn email(value: &str, out: &mut Vec<u8>) -> usize {
    out.clear();
    let value = value.trim();
    let Some(at) = value.rfind('@').filter(|it| *it > 0 && it + 1 < value.len()) else { return 0 };
    out.extend(value.bytes().map(|it| it.to_ascii_lowercase()));
    at
}

/// The last nine digits of a phone, four bits each, under a guard bit; 0 for none.
///
/// Nine, because country and trunk prefixes are written or left out as people please.
pub(super) fn phone(value: &str) -> u64 {
    let mut digits = 0_u64;
    let mut count = 0_u32;
    let mut same = true;
    for digit in value.bytes().filter(u8::is_ascii_digit).map(|it| u64::from(it - b'0')) {
        same = same && (count == 0 || digits & 15 == digit);
        digits = (digits << 4 | digit) & 0xf_ffff_ffff;
        count += 1;
    }
    if count < 6 || same { 0 } else { digits | 1 << 36 }
}

/// A date as eight decimal digits of four bits each, `0xYYYYMMDD`; 0 for none.
///
/// Impossible days are kept: a slip in a date is evidence, a gap is not.
pub(super) fn date(value: &str, order: DateOrder) -> u32 {
    let mut groups = [(0_u32, 0_u32); 3];
    let mut at = 0_usize;
    let day = value.split(['T', ' ']).find(|it| !it.is_empty()).unwrap_or_default();
    for byte in day.bytes() {
        if byte.is_ascii_digit() {
            let Some((digits, count)) = groups.get_mut(at) else { return 0 };
            *digits = (*digits << 4) | u32::from(byte - b'0');
            *count += 1;
            if *count > 8 {
                return 0;
            }
        } else if matches!(byte, b'-' | b'.' | b'/') {
            at += 1;
        } else {
            return 0;
        }
    }
    let date = match (groups, order) {
        ([(all, 8), (_, 0), (_, 0)], _) => all,
        ([(year, 4), (month, 1 | 2), (day, 1 | 2)], _)
        | ([(day, 1 | 2), (month, 1 | 2), (year, 4)], DateOrder::Dmy)
        | ([(month, 1 | 2), (day, 1 | 2), (year, 4)], DateOrder::Mdy) => {
            year << 16 | month << 8 | day
        }
        _ => 0,
    };
    if date >> 16 == 0 { 0 } else { date }
}
