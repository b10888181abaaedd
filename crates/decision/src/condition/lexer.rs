//! Text into tokens.

use std::sync::Arc;

use super::{ConditionError, SOURCE_BYTES_MAX, TEXT_BYTES_MAX};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Int(i64),
    Text(Arc<str>),
    Word(String),
    Sign(&'static str),
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) at: usize,
    pub(super) token: Token,
}

/// Longer signs first, so that `<=` is never read as `<`.
const SIGNS: [&str; 22] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "?", ":", "+", "-", "(", ")", "[", "]", ",",
    ".", "{", "}", "*",
];

pub(super) fn tokens(source: &str) -> Result<Vec<Placed>, ConditionError> {
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("a condition has at most {SOURCE_BYTES_MAX} bytes");
        return Err(ConditionError::new("cel.too_long", SOURCE_BYTES_MAX, message));
    }
    let mut out = Vec::new();
    let mut rest = source;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let at = source.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            out.push(Placed { at, token: Token::End });
            return Ok(out);
        };
        let (token, after) = match first {
            '0'..='9' => number(rest, at)?,
            '\'' | '"' => text(rest, first, at)?,
            'a'..='z' | 'A'..='Z' | '_' => word(rest),
            _ => sign(rest, at)?,
        };
        out.push(Placed { at, token });
        rest = after;
    }
}

fn number(rest: &str, at: usize) -> Result<(Token, &str), ConditionError> {
    let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    let number = digits
        .parse::<i64>()
        .ok()
        .filter(|it| *it <= kernel::canonical::INTEGER_MAX)
        .ok_or_else(|| ConditionError::new("cel.number", at, "a number is past 2^53-1"))?;
    if after.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_') {
        return Err(ConditionError::new("cel.number", at, "a number runs into a name"));
    }
    Ok((Token::Int(number), after))
}

fn text(rest: &str, quote: char, at: usize) -> Result<(Token, &str), ConditionError> {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((i, it)) = chars.next() {
        if it == quote {
            if out.len() > TEXT_BYTES_MAX {
                return Err(ConditionError::new("cel.text", at, "a string has at most 1 KiB"));
            }
            let after = rest.get(i + 1..).unwrap_or_default();
            return Ok((Token::Text(out.into()), after));
        }
        if it != '\\' {
            out.push(it);
            continue;
        }
        match chars.next() {
            Some((_, escaped @ ('\\' | '\'' | '"'))) => out.push(escaped),
            _ => return Err(ConditionError::new("cel.text", at + i, "an unknown escape")),
        }
    }
    Err(ConditionError::new("cel.text", at, "a string does not end"))
}

fn word(rest: &str) -> (Token, &str) {
    let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    (Token::Word(word.to_owned()), after)
}

fn sign(rest: &str, at: usize) -> Result<(Token, &str), ConditionError> {
    SIGNS
        .into_iter()
        .find_map(|it| rest.strip_prefix(it).map(|after| (Token::Sign(it), after)))
        .ok_or_else(|| ConditionError::new("cel.sign", at, "an unexpected character"))
}
