//! Normal forms: two spellings of one value become one, and nothing else does.

use unicode_normalization::UnicodeNormalization;

/// The longest value taken, in bytes.
pub const VALUE_BYTES_MAX: usize = 512;

/// How a namespace's values are brought to their normal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normaliser {
    /// NFKC and case folded: ids, numbers, names.
    Text,
    /// NFKC with a lower-case domain; the local part belongs to its mail server.
    Email,
    /// E.164: `+` and 8 to 15 digits.
    Phone,
}

/// Why a value has no normal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Longer than [`VALUE_BYTES_MAX`].
    #[error("value is longer than 512 bytes")]
    TooLong,
    /// Not a value of its kind.
    #[error("value is malformed")]
    Malformed,
}

impl Normaliser {
    /// The normal form of a value.
    pub fn normal(self, value: &str) -> Result<String, ValueError> {
        if value.len() > VALUE_BYTES_MAX {
            return Err(ValueError::TooLong);
        }
        let compatible: String = value.trim().nfkc().collect();
        if compatible.is_empty() || compatible.chars().any(char::is_control) {
            return Err(ValueError::Malformed);
        }
        match self {
            Self::Text => Ok(fold(&compatible)),
            Self::Email => email(&compatible).ok_or(ValueError::Malformed),
            Self::Phone => phone(&compatible).ok_or(ValueError::Malformed),
        }
    }
}

/// Up and down again, letter by letter: the sharp s becomes `ss`, both sigmas become one.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

fn email(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let label = |it: &str| {
        (1..=63).contains(&it.len())
            && !it.starts_with('-')
            && !it.ends_with('-')
            && it.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let local_legal = (1..=64).contains(&local.len())
        && !local.contains('@')
        && !local.contains(char::is_whitespace);
    let domain = fold(domain);
    (local_legal && domain.contains('.') && domain.split('.').all(label))
        .then(|| format!("{local}@{domain}"))
}

fn phone(text: &str) -> Option<String> {
    let bare: String = text.chars().filter(|c| !" -().\u{2010}\u{2011}/".contains(*c)).collect();
    let digits = bare.strip_prefix('+').or_else(|| bare.strip_prefix("00"))?;
    let legal = (8..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit());
    legal.then(|| format!("+{digits}"))
}
