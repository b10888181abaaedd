//! The reason codes this crate owns; `service` has a sentence for each in every locale.

use kernel::Reason;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        $($(#[$doc])* pub const $name: Reason = Reason::of($code);)+

        /// Every code of this crate.
        pub const ALL: &[Reason] = &[$($name),+];
    };
}

reasons! {
    /// The verdict refused; consent's own codes follow.
    BLOCKED = "SG.BLOCKED";
    /// The person, their choices or the policy kept moving while it was gated.
    EPOCH_CHANGED = "SG.EPOCH_CHANGED";
    /// The gate, or something it must read, was out of reach.
    GATE_DOWN = "SG.GATE_DOWN";
    /// A cap is full.
    CAP = "FQ.CAP";
    /// A cap it names is not released: uncertainty is refusal.
    CAP_UNKNOWN = "FQ.CAP.UNKNOWN";
    /// Too soon after another contact.
    GAP = "FQ.GAP";
    /// The law's or the person's quiet hours, from the verdict.
    QUIET = "FQ.QUIET";
    /// Outside the tenant's or the channel's sending window.
    WINDOW = "FQ.WINDOW";
    /// Its class of window is not released, or never opens in time.
    WINDOW_NEVER = "FQ.WINDOW.NEVER";
    /// Its time to live passed.
    EXPIRED = "DL.EXPIRED";
    /// Its time has not come.
    NOT_BEFORE = "DL.NOT_BEFORE";
    /// The occurrence was served on this channel already.
    DUPLICATE = "DL.DUPLICATE";
    /// The decided action could not be read.
    MALFORMED = "DL.MALFORMED";
    /// Unknown for longer than anybody could still settle it.
    HORIZON = "DL.HORIZON";
    /// The verdict asks for an unsubscribe link and the message has none.
    NO_UNSUBSCRIBE = "MS.NO_UNSUB";
    /// The verdict asks for the sender's identity and the message has none.
    NO_SENDER = "MS.NO_SENDER";
    /// The verdict asks for a person's review and the channel has none.
    NO_REVIEW = "MS.NO_REVIEW";
    /// The template is not in the release the decision named.
    TEMPLATE = "RN.TEMPLATE";
    /// A required field is unknown.
    FIELD = "RN.FIELD";
    /// The rendered message is too long for its channel.
    SIZE = "RN.SIZE";
    /// Rendering took too long or failed.
    FUEL = "RN.FUEL";
    /// The provider failed in a way that may pass.
    RETRYABLE = "PV.RETRYABLE";
    /// The provider refused for good.
    PERMANENT = "PV.PERMANENT";
    /// The hand-off may or may not have happened.
    AMBIGUOUS = "PV.AMBIGUOUS";
    /// The hand-off did not start.
    NOT_STARTED = "PV.NOT_STARTED";
    /// The attempt ended without an outcome: its process died.
    LOST = "PV.LOST";
    /// The retry schedule is exhausted.
    EXHAUSTED = "PV.EXHAUSTED";
    /// The destination lies in a network no message may reach.
    UNSAFE_DESTINATION = "PV.SSRF";
    /// No sender is composed for the channel.
    NO_ROUTE = "PV.NO_ROUTE";
    /// No address of the person is usable on the channel.
    UNRESOLVED = "AD.UNRESOLVED";
    /// The person is not known any more.
    NO_PERSON = "AD.NO_PERSON";
}
