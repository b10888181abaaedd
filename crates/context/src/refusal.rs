//! Why an event or a row was not admitted: a permanent code, a pointer, and no value.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal $status:literal),+ $(,)?) => {
        /// A permanent code: a problem's name and a dead letter's reason.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant),+
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as written in problems and listings.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The HTTP status of its problem.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }
        }
    };
}

codes! {
    /// Past a limit of size or number.
    TooLarge = "too-large" 413,
    /// Not a CloudEvents format this door reads.
    UnsupportedMediaType = "unsupported-media-type" 415,
    /// Not UTF-8, not JSON, not percent-encoding, or text that is not in NFC.
    BadEncoding = "bad-encoding" 400,
    /// Nested too deep, or too many nodes.
    TooDeep = "too-deep" 400,
    /// A member named twice.
    DuplicateMember = "duplicate-member" 400,
    /// A number that is not an integer within ±(2⁵³−1).
    NumberOutOfRange = "number-out-of-range" 400,
    /// The caller may not speak for this source, or the source may not send this type.
    SourceNotAllowed = "source-not-allowed" 403,
    /// A required attribute is absent or empty.
    MissingAttribute = "missing-attribute" 400,
    /// An attribute that is not what the specification says.
    BadAttribute = "bad-attribute" 400,
    /// A time that is not RFC 3339.
    BadTime = "bad-time" 400,
    /// Not CloudEvents 1.0.
    BadSpecversion = "bad-specversion" 400,
    /// No contract covers the type.
    UnknownType = "unknown-type" 422,
    /// `dataschema` names a schema that is not registered for the type.
    SchemaUnregistered = "schema-unregistered" 422,
    /// The data breaks its schema.
    SchemaViolation = "schema-violation" 422,
    /// The event is about nobody.
    SubjectMissing = "subject-missing" 422,
    /// The same id with other content.
    IdConflict = "id-conflict" 409,
    /// More than five minutes in the future.
    ClockFuture = "clock-future" 422,
    /// Later than its contract admits.
    TooLate = "too-late" 202,
    /// Nobody could be found behind the identifiers.
    IdentityUnresolvable = "identity-unresolvable" 422,
}

impl Code {
    /// Reads a code.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why something was not admitted; holds no value of the event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// JSON pointer (RFC 6901) to the place, empty for the whole.
    pub pointer: String,
    /// One sentence naming the rule, never the value.
    pub detail: &'static str,
}

impl Refusal {
    /// A refusal at a place.
    pub fn at(code: Code, pointer: impl Into<String>, detail: &'static str) -> Self {
        Self { code, pointer: pointer.into(), detail }
    }
}
