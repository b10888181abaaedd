//! The posted form of the preference centre.

use crate::problem::Problem;

/// What was ticked when the form was posted.
#[derive(Debug)]
pub(super) struct Form {
    /// As posted.
    pub(super) raw: String,
    /// The state the form showed.
    pub(super) seen: u64,
    /// The purposes that were ticked.
    pub(super) purposes: Vec<String>,
    /// The channels that were ticked.
    pub(super) channels: Vec<String>,
}

/// The most fields of a form that is read.
const FORM_FIELDS_MAX: usize = 256;

/// Reads the form of the preference centre.
pub(super) fn read_form(bytes: &[u8]) -> Result<Form, Problem> {
    let raw = std::str::from_utf8(bytes).map_err(|_| Problem::malformed("the form is not text"))?;
    let mut form =
        Form { raw: raw.to_owned(), seen: 0, purposes: Vec::new(), channels: Vec::new() };
    for (i, pair) in raw.split('&').enumerate() {
        if i >= FORM_FIELDS_MAX {
            return Err(Problem::malformed("the form has too many fields"));
        }
        match pair.split_once('=') {
            Some(("seen", it)) => {
                form.seen = it.parse().map_err(|_| Problem::malformed("the form was not ours"))?;
            }
            // Names of purposes and channels need no decoding: `[a-z0-9._-]`.
            Some(("purpose", it)) => form.purposes.push(it.to_owned()),
            Some(("channel", it)) => form.channels.push(it.to_owned()),
            _ => {}
        }
    }
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_what_was_ticked_up_to_its_limit() {
        let form = read_form(b"seen=7&purpose=marketing.renewal&channel=email&other=1").unwrap();
        assert_eq!((form.seen, form.purposes, form.channels).0, 7);
        let full = vec!["purpose=a"; FORM_FIELDS_MAX].join("&");
        assert!(read_form(full.as_bytes()).is_ok());
        assert!(read_form(format!("{full}&purpose=a").as_bytes()).is_err());
        assert!(read_form(b"seen=x").is_err());
        assert!(read_form(&[0xff]).is_err());
    }
}
