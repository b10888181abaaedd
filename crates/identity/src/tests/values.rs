//! Normal forms and blind keys.

use kernel::TenantId;

use crate::{
    Blinder, NamespaceId,
    normal::{Normaliser, VALUE_BYTES_MAX, ValueError},
};

fn check(normaliser: Normaliser, table: &[(&str, Result<&str, ValueError>)]) {
    for (value, expected) in table {
        let normal = normaliser.normal(value);
        assert_eq!(normal.as_deref().map_err(|it| *it), *expected, "{value}");
        if let Ok(it) = normal {
            assert_eq!(normaliser.normal(&it), Ok(it.clone()), "a normal form is its own");
        }
    }
}

#[test]
fn text_is_folded() {
    check(
        Normaliser::Text,
        &[
            (" U000123 ", Ok("u000123")),
            ("ＡＢＣ", Ok("abc")),
            ("STRASSE", Ok("strasse")),
            ("Straße", Ok("strasse")),
            ("ΟΔΟΣ", Ok("οδοσ")),
            ("e\u{301}", Ok("é")),
            ("  ", Err(ValueError::Malformed)),
            ("a\u{0}b", Err(ValueError::Malformed)),
        ],
    );
}

#[test]
fn only_the_domain_of_an_address_is_folded() {
    check(
        Normaliser::Email,
        &[
            ("Ada@Mail.Example", Ok("Ada@mail.example")),
            ("a.b+tag@x.example", Ok("a.b+tag@x.example")),
            ("ada@localhost", Err(ValueError::Malformed)),
            ("ada@@x.example", Err(ValueError::Malformed)),
            ("a da@x.example", Err(ValueError::Malformed)),
            ("@x.example", Err(ValueError::Malformed)),
            ("ada@-x.example", Err(ValueError::Malformed)),
            ("ada@x..example", Err(ValueError::Malformed)),
        ],
    );
}

#[test]
fn phones_are_e164() {
    check(
        Normaliser::Phone,
        &[
            ("+49 (30) 123-456", Ok("+4930123456")),
            ("0049 30 123456", Ok("+4930123456")),
            ("030 123456", Err(ValueError::Malformed)),
            ("+1234567", Err(ValueError::Malformed)),
            ("+12345678", Ok("+12345678")),
            ("+123456789012345", Ok("+123456789012345")),
            ("+1234567890123456", Err(ValueError::Malformed)),
            ("+49 30 12a456", Err(ValueError::Malformed)),
        ],
    );
}

#[test]
fn a_value_is_as_long_as_the_limit_and_no_longer() {
    let normal = |n: usize| Normaliser::Text.normal(&"x".repeat(n));
    assert!(normal(VALUE_BYTES_MAX).is_ok());
    assert_eq!(normal(VALUE_BYTES_MAX + 1), Err(ValueError::TooLong));
}

#[test]
fn a_blind_key_depends_on_everything_it_is_of() {
    let (acme, other) = (TenantId::new("acme").unwrap(), TenantId::new("other").unwrap());
    let (email, phone) = (NamespaceId::new("email"), NamespaceId::new("phone"));
    let blinder = Blinder::new(&[1; 32]);
    let key = blinder.key(&acme, &email, "x");
    assert_eq!(key, blinder.key(&acme, &email, "x"));
    for different in [
        blinder.key(&acme, &email, "y"),
        blinder.key(&acme, &phone, "x"),
        blinder.key(&other, &email, "x"),
        Blinder::new(&[2; 32]).key(&acme, &email, "x"),
    ] {
        assert_ne!(key, different);
    }
    // Frozen: HMAC-SHA-256 of "acme\0email\0x" under 32 bytes of 1, left half.
    assert_eq!(key.to_string(), "bdd40ded12fced432243a170ecec81a6");
    assert_eq!(format!("{blinder:?}"), "Blinder(..)");
}
