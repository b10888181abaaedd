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
pub(super) fn read_form(raw: String) -> Result<Form, Problem> {
    let (mut seen, mut purposes, mut channels) = (0, Vec::new(), Vec::new());
    for (i, pair) in raw.split('&').enumerate() {
        if i >= FORM_FIELDS_MAX {
            return Err(Problem::malformed("the form has too many fields"));
        }
        match pair.split_once('=') {
            Some(("seen", it)) => {
                seen = it.parse().map_err(|_| Problem::malformed("the form was not ours"))?;
            }
            // Names of purposes and channels need no decoding: `[a-z0-9._-]`.
            Some(("purpose", it)) => purposes.push(it.to_owned()),
            Some(("channel", it)) => channels.push(it.to_owned()),
            _ => {}
        }
    }
    Ok(Form { raw, seen, purposes, channels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_what_was_ticked_up_to_its_limit() {
        let read = |text: &str| read_form(text.to_owned());
        let form = read("seen=7&purpose=marketing.renewal&channel=email&other=1").unwrap();
        assert_eq!(form.seen, 7);
        assert_eq!(
            (form.purposes.concat(), form.channels.concat()),
            ("marketing.renewal".to_owned(), "email".to_owned())
        );
        let full = vec!["purpose=a"; FORM_FIELDS_MAX].join("&");
        assert!(read(&full).is_ok());
        assert!(read(&format!("{full}&purpose=a")).is_err());
        assert!(read("seen=x").is_err());
    }
}
