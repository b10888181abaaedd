//! Sending windows: when a class of message may go out on a channel.

use std::collections::BTreeMap;

use kernel::{ArtifactRef, Channel, Finding, Windows, window::Window};
use serde::Deserialize;

use crate::message::WindowClass;

/// The windows of one class, for every channel.
#[derive(Debug, Clone, PartialEq, Eq)]
// Invariant: every channel is named.
pub struct SendingWindows(BTreeMap<Channel, Option<Windows>>);

impl SendingWindows {
    /// The windows of a channel: `Some(None)` is always open, `None` is a channel nobody named.
    pub fn of(&self, channel: Channel) -> Option<&Option<Windows>> {
        self.0.get(&channel)
    }

    /// Reads an artifact of kind `window`.
    pub(crate) fn compile(source: &ArtifactRef<'_>) -> Result<Self, Vec<Finding>> {
        let read: Source = crate::content::read(source, "window/1", |it: &Source| &it.schema)?;
        let mut findings = Vec::new();
        if WindowClass::parse(source.name).is_none() {
            let message = "the classes are standard, business and urgent_safety";
            findings.push(Finding::at(source, "", "window.class", message));
        }
        let mut channels = BTreeMap::new();
        for channel in &read.always {
            channels.insert(*channel, None);
        }
        for (channel, stretches) in &read.open {
            let windows = stretches.iter().map(Stretch::window).collect::<Option<Vec<_>>>();
            let pointer = format!("/open/{channel}");
            let Some(windows) = windows.and_then(|it| Windows::new(it).ok()) else {
                let message = "a stretch names days (mon to sun) and local times (HH:MM)";
                findings.push(Finding::at(source, pointer, "window.stretch", message));
                continue;
            };
            if channels.insert(*channel, Some(windows)).is_some() {
                let message = "a channel is always open or has windows, not both";
                findings.push(Finding::at(source, pointer, "window.twice", message));
            }
        }
        for channel in Channel::ALL.iter().filter(|it| !channels.contains_key(it)) {
            let message =
                format!("channel `{channel}` is not named; silence is not an open window");
            findings.push(Finding::at(source, "", "window.channel", message));
        }
        if findings.is_empty() { Ok(Self(channels)) } else { Err(findings) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    schema: String,
    #[serde(default)]
    always: Vec<Channel>,
    #[serde(default)]
    open: BTreeMap<Channel, Vec<Stretch>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    days: Vec<Day>,
    from: String,
    to: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Stretch {
    fn window(&self) -> Option<Window> {
        let days = self.days.iter().fold(0, |bits, day| bits | 1_u8 << (*day as u8));
        let window =
            Window { days, from_minute: minute(&self.from)?, to_minute: minute(&self.to)? };
        (days != 0).then_some(window)
    }
}

/// Minutes after midnight of `HH:MM`, up to `24:00`.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |it: &str| it.len() == 2 && it.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (minutes < 60 && hours * 60 + minutes <= 1_440).then_some(hours * 60 + minutes)
}
