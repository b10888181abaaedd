//! A slow, readable oracle: the rules once more, straight over the events, without a snapshot.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use kernel::{
    Channel::{self, Email, Push},
    Instant, PurposeKey,
};
use proptest::prelude::*;

use super::{
    folding::worlds,
    world::{NOW, World, key},
};
use crate::{
    Choice, ConsentEvent, EventKind, Limb, Outcome, PurposeScope, Statement, evaluate, ports::Link,
};

struct Oracle<'a> {
    events: Vec<(&'a ConsentEvent, bool)>,
    purpose: PurposeKey,
    channel: Channel,
}

impl<'a> Oracle<'a> {
    fn new(world: &'a World, purpose: &str, channel: Channel) -> Self {
        let events = world
            .logs
            .iter()
            .zip(&world.members)
            .flat_map(|(log, member)| {
                log.events.iter().map(move |it| (it, member.link == Link::Hard))
            })
            .collect();
        Self { events, purpose: key(purpose), channel }
    }

    fn lifts(yes: (&ConsentEvent, bool), no: &ConsentEvent) -> bool {
        let answered = yes.1 && yes.0.said.answers.contains(&no.said.id);
        let later = yes.0.effective() > no.effective().plus(TimeDelta::seconds(5));
        answered || (yes.0.said.node == no.said.node && later)
    }

    /// Refusals and withdrawals that cover the purpose on the channel.
    fn denials(&self) -> Vec<&'a ConsentEvent> {
        self.events
            .iter()
            .map(|it| it.0)
            .filter(|it| match &it.said.kind {
                EventKind::Refused { scope, channels }
                | EventKind::Withdrawn { scope, channels } => {
                    scope.covers(&self.purpose) && channels.contains(self.channel)
                }
                _ => false,
            })
            .collect()
    }

    fn consented(&self) -> bool {
        self.events.iter().filter(|it| it.1).any(|given| {
            let EventKind::Given(grant) = &given.0.said.kind else { return false };
            grant.purpose.key == self.purpose
                && grant.channels.contains(self.channel)
                && self.denials().iter().all(|no| Self::lifts(*given, no))
        })
    }

    fn objected(&self, limb: Limb) -> bool {
        self.events.iter().any(|(no, _)| {
            let EventKind::Objected { scope, limb: of } = &no.said.kind else { return false };
            let lifted = self.events.iter().any(|yes| match &yes.0.said.kind {
                EventKind::ObjectionLifted { scope: lifted, limb: of } => {
                    let exact = *lifted == PurposeScope::Under(self.purpose.clone());
                    *of == limb && (lifted == scope || exact) && Self::lifts(*yes, no)
                }
                _ => false,
            });
            *of == limb && scope.covers(&self.purpose) && !lifted
        })
    }

    /// A withdrawal from a purpose that rests on interests, unless reopened for exactly it.
    fn stopped(&self) -> bool {
        self.denials().iter().any(|no| {
            !self.events.iter().any(|yes| {
                let exact = PurposeScope::Under(self.purpose.clone());
                matches!(&yes.0.said.kind,
                    EventKind::ObjectionLifted { scope, limb }
                        if *scope == exact && *limb != Limb::Art22)
                    && Self::lifts(*yes, no)
            })
        })
    }

    fn opted_out(&self) -> bool {
        let pref = |it: &ConsentEvent, wanted: Choice| {
            matches!(&it.said.kind, EventKind::ChannelPref { channel, choice, .. }
                if *channel == self.channel && *choice == wanted)
        };
        self.events.iter().any(|(no, _)| {
            pref(no, Choice::Out)
                && !self.events.iter().any(|yes| pref(yes.0, Choice::In) && Self::lifts(*yes, no))
        })
    }

    /// The last statement of any node on a hard link says that a policy is in force.
    fn insured(&self) -> bool {
        let mut last: Vec<(&ConsentEvent, bool)> = Vec::new();
        for (event, hard) in &self.events {
            let EventKind::Stated(Statement::Contract { active, .. }) = &event.said.kind else {
                continue;
            };
            if *active && !hard {
                continue;
            }
            let rank = |it: &ConsentEvent, active: bool| (it.effective(), !active, it.said.id);
            match last.iter_mut().find(|it| it.0.said.node == event.said.node) {
                Some(it) if rank(event, *active) > rank(it.0, it.1) => *it = (*event, *active),
                Some(_) => {}
                None => last.push((event, *active)),
            }
        }
        last.iter().any(|it| it.1)
    }

    fn snoozed(&self) -> bool {
        self.events.iter().any(|it| matches!(it.0.said.kind, EventKind::Snoozed { .. }))
    }

    fn expected(&self) -> BTreeSet<&'static str> {
        let family = self.purpose.as_str().split('.').next().unwrap();
        let mut reasons = BTreeSet::new();
        let mut say = |wrong: bool, area| {
            if wrong {
                reasons.insert(area);
            }
        };
        say(family == "marketing" && !self.consented(), "LB");
        say(family == "contract" && !self.insured(), "LB");
        say(family == "marketing" && self.objected(Limb::Art21_2), "OB");
        say(family == "service" && (self.objected(Limb::Art21_1) || self.stopped()), "OB");
        say(family != "contract" && self.opted_out(), "CP");
        say(family != "contract" && self.snoozed(), "FQ");
        reasons
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_answer_is_the_oracles(world in worlds()) {
        for purpose in ["marketing.renewal", "service.recovery", "contract.claim_status"] {
            for channel in [Email, Push] {
                // A renewal permits nothing a grant of its node does not; the oracle does not know it.
                let mut world = world.clone();
                world.members[1].link = if channel == Email { Link::Hard } else { world.members[1].link };
                let verdict = world.verdict(purpose, channel);
                let areas: BTreeSet<_> = verdict.reasons.iter().map(kernel::Reason::area).collect();
                let expected = Oracle::new(&world, purpose, channel).expected();
                prop_assert_eq!(&areas, &expected, "{} {}", purpose, channel);
                let outcome = match verdict.outcome {
                    Outcome::Permitted => expected.is_empty(),
                    Outcome::Held { .. } => expected == BTreeSet::from(["FQ"]),
                    Outcome::Refused => !expected.is_empty() && expected != BTreeSet::from(["FQ"]),
                };
                prop_assert!(outcome);
            }
        }
    }

    /// The same epochs and any instant before `good_until` give the same outcome.
    #[test]
    fn a_verdict_is_good_until_it_says(
        world in worlds(),
        ahead in 0_i64..70_000_000,
        start in 0_i64..86_400,
        expires in prop::option::of(0_i64..120),
        quiet in prop::option::of((0_u16..1_440, 1_u16..1_440)),
    ) {
        let mut world = world;
        let now = NOW.plus(TimeDelta::seconds(start));
        let mut grant = super::world::grant();
        grant.expires_at = expires.map(|it| now.plus(TimeDelta::seconds(it)));
        world.say(1, super::world::days(0), EventKind::Given(grant));
        let quiet = quiet.map(|(from_minute, to_minute)| crate::Quiet { from_minute, to_minute });
        world.say(1, super::world::days(0), EventKind::QuietHours { quiet });
        let snapshot = world.snapshot().confirmed_at(now);
        for purpose in ["marketing.renewal", "service.recovery"] {
            let ask = world.ask(purpose, Some(Push));
            let judge = |at: Instant| evaluate(&ask, &snapshot, &world.artifacts, at);
            let first = judge(now);
            prop_assert!(first.good_until > now);
            let later = now.plus(TimeDelta::microseconds(ahead));
            if later < first.good_until {
                prop_assert_eq!(first.outcome, judge(later).outcome);
            }
        }
    }
}
