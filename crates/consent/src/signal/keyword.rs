//! Words by which a person ends text messages (47 CFR 64.1200(a)(10), counsel to confirm).
//!
//! The rule names seven, and any other reasonable way of saying it counts as well: so one of the
//! words anywhere in a message is enough. Taking a "no" too many is an annoyance, one too few a
//! breach.

/// The longest message that is read, in bytes: ten segments of the longest kind.
pub const MESSAGE_BYTES_MAX: usize = 1_600;

/// The words of the rule, and those of the languages we write in.
const STOP: &[&str] = &[
    "stop",
    "quit",
    "end",
    "revoke",
    "cancel",
    "unsubscribe",
    "optout",
    "stopall",
    "stopp",
    "abmelden",
    "abbestellen",
    "arret",
    "arrêt",
    "desabonner",
    "désabonner",
    "alto",
    "baja",
];

/// Two words that mean it together.
const STOP_PAIRS: &[(&str, &str)] = &[("opt", "out"), ("leave", "me"), ("remove", "me")];

/// Whether a text message asks us to stop; one too long to be read does.
pub fn asks_to_stop(message: &str) -> bool {
    if message.len() > MESSAGE_BYTES_MAX {
        return true;
    }
    let message = message.to_lowercase();
    let words: Vec<&str> =
        message.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty()).collect();
    words.iter().any(|it| STOP.contains(it))
        || words.windows(2).any(
            |it| matches!(it, [a, b] if STOP_PAIRS.iter().any(|pair| (pair.0, pair.1) == (*a, *b))),
        )
}
