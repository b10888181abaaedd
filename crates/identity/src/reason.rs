//! Why an identifier was refused, or nobody was named.

use kernel::Reason;

/// The value is longer than [`VALUE_BYTES_MAX`](crate::normal::VALUE_BYTES_MAX).
pub const VALUE_TOO_LONG: Reason = Reason::of("ID.VALUE.TOO_LONG");
/// The value is not one of its kind.
pub const VALUE_MALFORMED: Reason = Reason::of("ID.VALUE.MALFORMED");
/// The value is a placeholder that stands for nobody.
pub const VALUE_JUNK: Reason = Reason::of("ID.VALUE.JUNK");
/// No artifact names the namespace.
pub const UNKNOWN_NAMESPACE: Reason = Reason::of("ID.WRITE.UNKNOWN_NAMESPACE");
/// The sighting names more identifiers than one record has.
pub const TOO_MANY: Reason = Reason::of("ID.RESOLVE.TOO_MANY");
/// No usable identifier.
pub const UNKNOWN: Reason = Reason::of("ID.RESOLVE.UNKNOWN");
/// The value belongs to more people than it can name.
pub const SHARED: Reason = Reason::of("ID.RESOLVE.SHARED");
/// The last sighting is too long ago.
pub const EXPIRED: Reason = Reason::of("ID.RESOLVE.EXPIRED");
/// The identifiers belong to different people.
pub const CONTRADICTORY: Reason = Reason::of("ID.RESOLVE.CONTRADICTORY");
/// Two anchors of the sighting stay two people; the event is kept at the better one.
pub const TWO_ANCHORS: Reason = Reason::of("ID.LINK.TWO_ANCHORS");
/// The link would join what was declared to be two people.
pub const NOT_SAME: Reason = Reason::of("ID.LINK.NOT_SAME");
/// The link would give a person more values than one may hold.
pub const CARDINALITY: Reason = Reason::of("ID.LINK.CARDINALITY");
/// The component is past its cap.
pub const OVER_CAP: Reason = Reason::of("ID.LINK.OVER_CAP");
