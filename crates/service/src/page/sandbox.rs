//! The sandbox inbox: what would have been sent, as it would have been read.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use delivery::ports::Letter;
use kernel::{Channel, Cursor, DeliveryId, Limit};

use super::console::{After, ROWS, page};
use crate::{app::App, auth::Visitor, http::Asked, problem::Problem, words};

/// How much of a link in a message is shown; all of it is followed.
const LINK_CHARS_SHOWN: usize = 44;

#[derive(Debug, Template)]
#[template(path = "sandbox.html")]
struct SandboxPage {
    here: &'static str,
    letters: Vec<LetterView>,
    next: Option<String>,
}

#[derive(Debug)]
struct LetterView {
    channel: String,
    subject: String,
    to: String,
    at: String,
    parts: Vec<Part>,
    why: String,
    decision: String,
    preferences: Option<String>,
    unsubscribe: Option<String>,
}

/// A piece of a message.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Link { href: String, shown: String },
}

/// What would have been sent, newest first.
pub async fn sandbox(
    State(app): State<Arc<App>>,
    Visitor(caller): Visitor,
    Asked(after): Asked<After>,
) -> Result<Response, Problem> {
    let limit = Limit::new(ROWS).unwrap_or_default();
    let is_cursor = |it: &String| it.parse::<DeliveryId>().is_ok();
    if !after.after.iter().all(is_cursor) {
        return Err(Problem::malformed("`after` is not a cursor"));
    }
    let letters = app.inbox.page(&caller.tenant, None, after.after.map(Cursor), limit).await?;
    let next = letters.next.map(|it| it.0);
    let letters = letters.items.into_iter().map(letter).collect();
    page(&SandboxPage { here: "sandbox", letters, next })
}

fn letter(it: Letter) -> LetterView {
    let untitled = match it.channel {
        Channel::Sms => "Text message",
        Channel::Push => "Notification",
        _ => "Message",
    };
    LetterView {
        channel: it.channel.to_string(),
        subject: it.message.subject.clone().unwrap_or_else(|| untitled.to_owned()),
        to: it.to,
        at: words::instant(it.at),
        why: it.message.why.clone(),
        decision: it.decision.to_string(),
        preferences: find_link(&it.message.text, "/p/"),
        unsubscribe: one_click(&it.message.headers),
        parts: parts(&it.message.text),
    }
}

fn is_link(word: &str) -> bool {
    word.starts_with("https://") || word.starts_with("http://")
}

/// A text with its links apart, each shown short.
fn parts(text: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut plain = String::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if !is_link(word) {
            plain.push_str(piece);
            continue;
        }
        out.push(Part::Text(std::mem::take(&mut plain)));
        let mut shown: String = word.chars().take(LINK_CHARS_SHOWN).collect();
        if shown.len() < word.len() {
            shown.push('\u{2026}');
        }
        out.push(Part::Link { href: word.to_owned(), shown });
        plain.push_str(piece.get(word.len()..).unwrap_or_default());
    }
    out.push(Part::Text(plain));
    out.retain(|it| *it != Part::Text(String::new()));
    out
}

/// The first link of a kind in a text.
fn find_link(text: &str, kind: &str) -> Option<String> {
    text.split_whitespace().find(|it| is_link(it) && it.contains(kind)).map(str::to_owned)
}

/// The HTTPS link of a `List-Unsubscribe` header (RFC 2369).
fn one_click(headers: &[(String, String)]) -> Option<String> {
    let value = &headers.iter().find(|it| it.0.eq_ignore_ascii_case("list-unsubscribe"))?.1;
    let start = value.find("<http")? + 1;
    let rest = value.get(start..)?;
    rest.split('>').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_its_links_short_and_follows_them_whole() {
        let href = format!("https://acme.example/w/{}", "x".repeat(80));
        let read = parts(&format!("Hello,\n\nwhy: {href}\nBye http://a.example/p/1"));
        let text = |it: &str| Part::Text(it.to_owned());
        let shown = format!("https://acme.example/w/{}\u{2026}", "x".repeat(21));
        let short = "http://a.example/p/1".to_owned();
        assert_eq!(
            read,
            [
                text("Hello,\n\nwhy: "),
                Part::Link { href, shown },
                text("\nBye "),
                Part::Link { href: short.clone(), shown: short },
            ]
        );
        assert_eq!(parts("javascript:alert(1)"), [text("javascript:alert(1)")]);
    }
}
