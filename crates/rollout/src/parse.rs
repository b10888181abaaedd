//! From the file an author writes to the one value that is digested.
//!
//! TOML and JSON parse to the same value, so comments, key order and spacing never change a digest.

use std::{path::Path, sync::Arc};

use kernel::{Finding, canonical};
use serde_json::Value;

use crate::artifact::{ARTIFACT_BYTES_MAX, Artifact, Kind, NAME_BYTES_MAX, SourceFile};

/// A file read as an artifact and the name it goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The name: the file's, without its extension.
    pub name: String,
    /// The artifact.
    pub artifact: Artifact,
}

/// Whether a file of a tree is meant to be an artifact: notes for people (`*.md`) and golden cases
/// (`*.cases.json`) lie beside artifacts and are none.
pub fn is_artifact(path: &str) -> bool {
    let note = Path::new(path).extension().is_some_and(|it| it == "md");
    !note && !path.ends_with(".cases.json")
}

/// Reads one file: `<kind>/<name>.toml` or `<kind>/<name>.json`.
pub fn parse(file: &SourceFile) -> Result<Parsed, Vec<Finding>> {
    let (kind, name, format) = place(&file.path).map_err(|it| vec![it])?;
    let at = format!("{kind}/{name}");
    let finding = |rule: &str, message: String| Finding {
        artifact: at.clone(),
        pointer: String::new(),
        rule: rule.to_owned(),
        message,
    };
    if file.bytes.len() > ARTIFACT_BYTES_MAX {
        let message = format!("the file is larger than {ARTIFACT_BYTES_MAX} bytes");
        return Err(vec![finding("RL.ARTIFACT_TOO_LARGE", message)]);
    }
    let body = match format {
        Format::Toml => read_toml(&file.bytes),
        Format::Json => canonical::parse(&file.bytes).map_err(|it| it.to_string()),
    }
    .map_err(|it| vec![finding("RL.ARTIFACT_INVALID", it)])?;
    if !body.is_object() {
        return Err(vec![finding("RL.ARTIFACT_INVALID", "the file is not an object".to_owned())]);
    }
    let mut findings = Vec::new();
    check(&body, &at, "", 0, &mut findings);
    if !findings.is_empty() {
        return Err(findings);
    }
    let artifact = Artifact::new(kind, Arc::new(body))
        .map_err(|it| vec![finding("RL.ARTIFACT_INVALID", it.to_string())])?;
    Ok(Parsed { name, artifact })
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Toml,
    Json,
}

fn place(path: &str) -> Result<(Kind, String, Format), Finding> {
    let finding = |message: String| Finding {
        artifact: path.chars().take(200).collect(),
        pointer: String::new(),
        rule: "RL.ARTIFACT_PATH".to_owned(),
        message,
    };
    let Some((directory, file)) = path.split_once('/').filter(|it| !it.1.contains('/')) else {
        return Err(finding("an artifact lies at `<kind>/<name>.toml` or `.json`".to_owned()));
    };
    let kind = Kind::new(directory).map_err(|it| finding(it.to_string()))?;
    let (name, format) = match file.rsplit_once('.') {
        Some((name, "toml")) => (name, Format::Toml),
        Some((name, "json")) => (name, Format::Json),
        _ => return Err(finding("the file is neither `.toml` nor `.json`".to_owned())),
    };
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(legal) {
        return Err(finding("a name is 1 to 96 of `[a-z0-9._-]`".to_owned()));
    }
    Ok((kind, name.to_owned(), format))
}

fn read_toml(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())?;
    let table: toml::Table = toml::from_str(text).map_err(|it| it.to_string().trim().to_owned())?;
    from_toml(toml::Value::Table(table))
}

fn from_toml(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(it) => Value::String(it),
        toml::Value::Integer(it) => it.into(),
        // A float survives as one and is found, with its place, by `check`; JSON has no NaN.
        toml::Value::Float(it) => {
            serde_json::Number::from_f64(it).map(Value::Number).ok_or("a float is not finite")?
        }
        toml::Value::Boolean(it) => it.into(),
        toml::Value::Datetime(it) => Value::String(it.to_string()),
        toml::Value::Array(it) => {
            Value::Array(it.into_iter().map(from_toml).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(it) => Value::Object(
            it.into_iter()
                .map(|(name, member)| from_toml(member).map(|it| (name, it)))
                .collect::<Result<_, _>>()?,
        ),
    })
}

/// Finds every member that has no canonical bytes, each with its place.
fn check(value: &Value, artifact: &str, at: &str, depth: usize, out: &mut Vec<Finding>) {
    let mut find = |rule: &str, message: &str| {
        out.push(Finding {
            artifact: artifact.to_owned(),
            pointer: at.to_owned(),
            rule: rule.to_owned(),
            message: message.to_owned(),
        });
    };
    // The artifact wraps its body once.
    if depth >= canonical::DEPTH_MAX {
        return find("RL.ARTIFACT_TOO_DEEP", "nested deeper than 63 levels");
    }
    match value {
        Value::Null => find("RL.ARTIFACT_NULL", "a null has no place here: omit the member"),
        Value::Bool(_) => {}
        Value::Number(it) if it.is_f64() => {
            find("RL.ARTIFACT_FLOAT", "a float has no place here: write ppm or minor units");
        }
        Value::Number(_) | Value::String(_) => match kernel::canonical::canonical_value(value) {
            Err(kernel::CanonicalError::Number(_)) => {
                find("RL.ARTIFACT_NUMBER_UNSAFE", "an integer outside ±(2^53-1): write a string");
            }
            Err(it) => find("RL.ARTIFACT_TEXT", &it.to_string()),
            Ok(_) => {}
        },
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                check(item, artifact, &child(at, &i.to_string()), depth + 1, out);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let place = child(at, name);
                let named = Value::String(name.clone());
                if kernel::canonical::canonical_value(&named).is_err() {
                    check(&named, artifact, &place, depth + 1, out);
                }
                check(member, artifact, &place, depth + 1, out);
            }
        }
    }
}

/// The JSON pointer (RFC 6901) of a member.
pub(crate) fn child(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}
