//! Suppressions and preferences: whether the person may be met there, and now.

use chrono::TimeDelta;
use chrono_tz::Tz;
use kernel::{Channel, Instant, Opening, Windows, Zones, next_open, window::HORIZON_DAYS_MAX};

use super::{Gates, is_addressed, is_pulled};
use crate::{
    Choice, Flag, Jurisdiction, Purpose, Quiet, SuppressionReason, SuppressionScope, minor, reason,
    snapshot::Contact,
};

impl Gates<'_> {
    /// Whom nobody may contact, or not there: after an objection (Art. 21(3)), on an opt-out list
    /// (ePrivacy Art. 13(2), (3)), by order (Art. 58(2)(f)), or because the data is wrong (Art.
    /// 5(1)(d)).
    pub(super) fn suppression(&mut self, purpose: &Purpose) {
        let state = self.state;
        let service = purpose.is(Flag::ServiceMessage);
        for it in &state.suppressions {
            if service && it.reason == SuppressionReason::Unsubscribe {
                continue;
            }
            let reached = match &it.scope {
                SuppressionScope::Person => true,
                SuppressionScope::Channel(channel) => self.ask.channel == Some(*channel),
                SuppressionScope::List(list) => !service && purpose.key.is_or_under(list),
                // One of several addresses may still do; the last one may not.
                SuppressionScope::Address => {
                    self.addresses().any(|at| at.node == it.place.node)
                        && self.addresses().all(|at| self.is_suppressed(at, service))
                }
            };
            self.refuse_if(
                reached,
                match it.reason {
                    SuppressionReason::Legal => reason::SP_LEGAL,
                    SuppressionReason::Deceased => reason::SP_DECEASED,
                    SuppressionReason::Complaint => reason::SP_COMPLAINT,
                    SuppressionReason::Dnc => reason::SP_DNC,
                    SuppressionReason::Bounce => reason::SP_BOUNCE,
                    SuppressionReason::Vulnerable => reason::SP_VULNERABLE,
                    SuppressionReason::Unsubscribe => reason::SP_UNSUBSCRIBED,
                },
            );
        }
    }

    /// The contact points the ask could use.
    fn addresses(&self) -> impl Iterator<Item = &Contact> {
        let asked = self.ask.channel.filter(|it| is_addressed(*it));
        self.state.contacts.iter().filter(move |it| {
            Some(it.channel) == asked && self.ask.address.is_none_or(|node| node == it.node)
        })
    }

    fn is_suppressed(&self, contact: &Contact, service: bool) -> bool {
        self.state.suppressions.iter().any(|it| {
            it.scope == SuppressionScope::Address
                && it.place.node == contact.node
                && !(service && it.reason == SuppressionReason::Unsubscribe)
        })
    }

    /// What the person prefers, which fairness keeps (Art. 5(1)(a)), and an address known to be right
    /// (Art. 5(1)(d)).
    pub(super) fn preferences(&mut self) {
        let Some(channel) = self.ask.channel else { return };
        let state = self.state;
        let key = &self.ask.purpose.key;
        let unwanted =
            state.unwanted.iter().any(|it| it.channel == channel && it.scope.covers(key));
        self.refuse_if(unwanted, reason::CP_OPTED_OUT);
        if is_addressed(channel) {
            let none = self.addresses().next().is_none();
            let usable = self.addresses().any(|it| it.verified && !self.is_suppressed(it, false));
            self.refuse_if(none, reason::CP_NO_ADDRESS);
            self.refuse_if(!none && !usable, reason::CP_UNVERIFIED);
        }
        if let Some(topic) = &self.ask.topic {
            let chosen =
                state.topics.iter().any(|it| it.topic == *topic && it.choice == Choice::In);
            self.refuse_if(!chosen, reason::TP_OPTED_OUT);
        }
        self.pauses(channel);
    }

    fn pauses(&mut self, channel: Channel) {
        let snoozed = self.state.snoozed_until.filter(|it| *it > self.as_of);
        if let Some(until) = snoozed {
            self.edge(until);
            self.refuse(reason::FQ_SNOOZED);
        }
        let from = snoozed.unwrap_or(self.as_of);
        let laws = std::mem::take(&mut self.by_law);
        if (self.state.quiet.is_empty() && laws.is_empty()) || is_pulled(channel) {
            self.held_until = snoozed;
            return;
        }
        let zones = zones(self.state.zones.iter().map(|it| it.0), &self.state.jurisdictions);
        let mut quiet = self.state.quiet.clone();
        let as_of = self.as_of;
        let now = |quiet: &[Quiet]| opens(quiet, zones.as_ref(), as_of, TimeDelta::zero());
        self.refuse_if(now(&quiet) != Some(as_of), reason::FQ_QUIET);
        for (hours, code) in &laws {
            self.refuse_if(now(std::slice::from_ref(hours)) != Some(as_of), code.clone());
            quiet.push(*hours);
        }
        self.by_law = laws;
        let quiet = &quiet;
        let is_open = |at| opens(quiet, zones.as_ref(), at, TimeDelta::zero()) == Some(at);
        let open = is_open(self.as_of);
        // Windows and offsets change on whole minutes, and a verdict lives for one.
        let minute = Instant::from_micros((self.as_of.micros() / 60_000_000 + 1) * 60_000_000);
        if is_open(minute) != open {
            self.edge(minute);
        }
        let ahead = opens(quiet, zones.as_ref(), from, TimeDelta::days(HORIZON_DAYS_MAX));
        self.held_until = ahead.filter(|it| *it > self.as_of);
        if let Some(until) = self.held_until {
            self.edge(until);
        }
    }
}

/// The zones the person may be in: stated, or else every zone of where the person may live.
fn zones(stated: impl Iterator<Item = Tz>, jurisdictions: &[Jurisdiction]) -> Option<Zones> {
    let mut all: Vec<Tz> = stated.collect();
    if all.is_empty() {
        for it in jurisdictions {
            all.extend_from_slice(match minor::regime(*it).as_str() {
                "EU" => &[Tz::Atlantic__Azores, Tz::Europe__Berlin, Tz::Europe__Helsinki],
                "GB" => &[Tz::Europe__London],
                _ if it.as_str().starts_with("US") => AMERICA,
                _ => ANYWHERE,
            });
        }
    }
    if all.is_empty() {
        all.extend_from_slice(ANYWHERE);
    }
    Zones::new(all).ok()
}

/// The ends and the middle of the clocks of the United States.
const AMERICA: &[Tz] = &[
    Tz::America__New_York,
    Tz::America__Chicago,
    Tz::America__Denver,
    Tz::America__Phoenix,
    Tz::America__Los_Angeles,
    Tz::America__Anchorage,
    Tz::Pacific__Honolulu,
];

/// The ends and the middle of the world's clocks.
const ANYWHERE: &[Tz] =
    &[Tz::Etc__GMTPlus12, Tz::Etc__GMTPlus6, Tz::Etc__GMT, Tz::Etc__GMTMinus6, Tz::Etc__GMTMinus14];

/// The first instant at or after `from`, within the horizon, that is quiet in no zone.
fn opens(
    quiet: &[Quiet],
    zones: Option<&Zones>,
    from: Instant,
    horizon: TimeDelta,
) -> Option<Instant> {
    let zones = zones?;
    let end = from.plus(horizon);
    let mut at = from;
    loop {
        let before = at;
        for it in quiet {
            // What is not quiet is open; a window that opens at midnight closes at 24:00.
            let closes = if it.from_minute == 0 { 1_440 } else { it.from_minute };
            let windows = Windows::daily(it.to_minute, closes).ok()?;
            match next_open(at, &windows, zones, end.since(at)) {
                Opening::Open => {}
                Opening::At(next, _) => at = next,
                Opening::Never => return None,
            }
        }
        if at == before {
            return Some(at);
        }
    }
}
