//! Grants, denials, objections, restrictions, suppressions.

use kernel::{Instant, PurposeKey};
use uuid::Uuid;

use super::{Act, Acts, DOI_TTL};
use crate::{
    Actor, ChannelSet, EventKind, Expression, Grant, Limb, PurposeScope, State, signal,
    snapshot::{Denial, Objection, OptOut, Restriction, StandingGrant, Suppression},
};

pub(super) fn fold(acts: &Acts<'_>, state: &mut State) {
    let denials: Vec<_> = acts.iter().filter_map(denied).collect();
    let grants = grants(acts, &denials, &mut state.ignored);
    state.denials = standing_denials(acts, &denials, &grants);
    let confirmed = confirmed(acts);
    let standing = grants.iter().filter_map(|it| it.standing(&denials, &confirmed));
    state.grants = undominated(standing.collect());
    state.objections = objections(acts);
    state.opt_outs = opt_outs(acts);
    state.restrictions = restrictions(acts);
    state.suppressions = suppressions(acts);
}

/// A refusal or withdrawal as said.
struct Denied<'a> {
    act: Act<'a>,
    scope: &'a PurposeScope,
    channels: ChannelSet,
    withdrawn: bool,
}

fn denied<'a>(act: &Act<'a>) -> Option<Denied<'a>> {
    let (said, channels, withdrawn) = match &act.event.said.kind {
        EventKind::Refused { scope, channels } => (scope, *channels, false),
        EventKind::Withdrawn { scope, channels } => (scope, *channels, true),
        _ => return None,
    };
    let scope = act.event.widened.as_ref().unwrap_or(said);
    Some(Denied { act: *act, scope, channels, withdrawn })
}

/// A grant as said; a renewal with the grant it confirms.
struct Granted<'a> {
    act: Act<'a>,
    grant: &'a Grant,
    /// No more than what it renews.
    channels: ChannelSet,
    renews: Option<Act<'a>>,
}

impl Granted<'_> {
    /// A renewal lifts what the grant it renews lifts, and nothing more.
    fn lifts(&self, denied: &Denied<'_>) -> bool {
        self.renews.unwrap_or(self.act).lifts(&denied.act)
    }

    /// The channels nothing defeats.
    fn left(&self, denials: &[Denied<'_>]) -> ChannelSet {
        denials
            .iter()
            .filter(|it| it.scope.covers(&self.grant.purpose.key) && !self.lifts(it))
            .fold(self.channels, |left, it| left.without(it.channels))
    }

    fn standing(&self, denials: &[Denied<'_>], confirmed: &[Uuid]) -> Option<StandingGrant> {
        let channels = self.left(denials);
        (!channels.is_empty()).then(|| StandingGrant {
            key: self.grant.purpose.key.clone(),
            version: self.grant.purpose.version,
            given_at: self.act.at(),
            place: self.act.event.place(),
            channels,
            expression: self.grant.expression,
            by_guardian: matches!(self.act.event.said.actor, Actor::Guardian { .. }),
            proven: self.grant.proof.is_complete(),
            // A renewal is as confirmed as what it renews.
            confirmed: confirmed.contains(&self.renews.unwrap_or(self.act).event.said.id),
            conditional: self.grant.proof.condition_of_service,
            competent: !matches!(self.act.event.said.actor, Actor::Signal { .. }),
            notice: self.grant.proof.notice.as_ref().into(),
            expires_at: self.grant.expires_at,
        })
    }
}

/// The grants an address confirmed in time, by the token that was sent there and to no other.
fn confirmed(acts: &Acts<'_>) -> Vec<Uuid> {
    let hard = || acts.iter().filter(|it| it.hard);
    let asked = |answer: &Act<'_>, grant: Uuid, token: kernel::Digest| {
        hard().any(|it| {
            it.event.said.kind == (EventKind::ConfirmationSent { grant, token })
                && it.node() == answer.node()
                && it.at() <= answer.at()
        })
    };
    let in_time = |answer: &Act<'_>, grant: Uuid| {
        hard().any(|it| {
            it.event.said.id == grant
                && matches!(it.event.said.kind, EventKind::Given(_))
                && answer.at() < it.at().plus(DOI_TTL)
        })
    };
    hard()
        .filter_map(|it| match it.event.said.kind {
            EventKind::Confirmed { grant, token }
                if asked(it, grant, token) && in_time(it, grant) =>
            {
                Some(grant)
            }
            _ => None,
        })
        .collect()
}

fn grants<'a>(acts: &Acts<'a>, denials: &[Denied<'a>], ignored: &mut u32) -> Vec<Granted<'a>> {
    let mut grants: Vec<Granted<'a>> = Vec::new();
    for act in acts.iter().filter(|it| it.hard) {
        match &act.event.said.kind {
            EventKind::Given(grant) => {
                grants.push(Granted { act: *act, grant, channels: grant.channels, renews: None });
            }
            EventKind::Renewed(grant) => match renewed(act, grant, &grants, denials) {
                Some((of, within)) => {
                    let channels = grant.channels.intersection(within);
                    grants.push(Granted { act: *act, grant, channels, renews: Some(of) });
                }
                None => *ignored = ignored.saturating_add(1),
            },
            _ => {}
        }
    }
    grants
}

/// The latest grant of the same node and purpose that still stood when it was renewed.
fn renewed<'a>(
    act: &Act<'a>,
    renewal: &Grant,
    grants: &[Granted<'a>],
    denials: &[Denied<'a>],
) -> Option<(Act<'a>, ChannelSet)> {
    let until = act.at().plus(super::SKEW);
    let stood = |it: &&Granted<'a>| {
        it.act.node() == act.node()
            && it.grant.purpose.key == renewal.purpose.key
            && it.grant.expires_at.is_none_or(|end| act.at() < end)
            && !denials.iter().any(|denied| {
                denied.act.at() <= until
                    && denied.scope.covers(&renewal.purpose.key)
                    && !denied.channels.intersection(renewal.channels).is_empty()
                    && !it.lifts(denied)
            })
    };
    grants.iter().rev().find(stood).map(|it| (it.renews.unwrap_or(it.act), it.channels))
}

/// Drops a grant that a newer one covers in every respect, and sorts by purpose, newest first.
fn undominated(mut grants: Vec<StandingGrant>) -> Vec<StandingGrant> {
    grants.sort_by(|a, b| {
        a.key.cmp(&b.key).then(b.given_at.cmp(&a.given_at)).then(a.place.cmp(&b.place))
    });
    let lasts = |it: &StandingGrant| it.expires_at.map_or(i64::MAX, Instant::micros);
    let mut kept: Vec<StandingGrant> = Vec::with_capacity(grants.len());
    for grant in grants {
        let covered = kept.iter().any(|newer| {
            newer.key == grant.key
                && newer.version >= grant.version
                && newer.channels.includes(grant.channels)
                && newer.expression >= grant.expression
                && newer.by_guardian >= grant.by_guardian
                && newer.proven >= grant.proven
                && newer.confirmed >= grant.confirmed
                && newer.conditional <= grant.conditional
                && newer.competent >= grant.competent
                && newer.notice.is_as_new_as(&grant.notice)
                && lasts(newer) >= lasts(&grant)
        });
        if !covered {
            kept.push(grant);
        }
    }
    kept
}

/// Denials, each with the exact purposes a grant or a lifted objection took out of it.
fn standing_denials(
    acts: &Acts<'_>,
    denials: &[Denied<'_>],
    grants: &[Granted<'_>],
) -> Vec<Denial> {
    let mut all: Vec<_> = denials
        .iter()
        .map(|denied| {
            let granted = grants
                .iter()
                .filter(|it| it.channels.includes(denied.channels) && it.lifts(denied))
                .map(|it| it.grant.purpose.key.clone());
            let reopened = lifted_keys(acts, denied.scope, &denied.act, |limb| limb != Limb::Art22);
            Denial {
                scope: denied.scope.clone(),
                channels: denied.channels,
                withdrawn: denied.withdrawn,
                lifted_for: sorted(
                    granted.chain(reopened).filter(|it| denied.scope.covers(it)).collect(),
                ),
                place: denied.act.event.place(),
            }
        })
        .collect();
    all.sort_unstable();
    all.dedup_by(|a, b| {
        (&a.scope, a.channels, a.withdrawn, &a.lifted_for)
            == (&b.scope, b.channels, b.withdrawn, &b.lifted_for)
    });
    all
}

/// The exact purposes for which a lifted objection speaks against the restrictive act.
fn lifted_keys(
    acts: &Acts<'_>,
    scope: &PurposeScope,
    restriction: &Act<'_>,
    of_limb: impl Fn(Limb) -> bool,
) -> Vec<PurposeKey> {
    acts.iter()
        .filter_map(|it| match &it.event.said.kind {
            EventKind::ObjectionLifted { scope: PurposeScope::Under(key), limb }
                if of_limb(*limb) && scope.covers(key) && it.lifts(restriction) =>
            {
                Some(key.clone())
            }
            _ => None,
        })
        .collect()
}

fn sorted(mut keys: Vec<PurposeKey>) -> Vec<PurposeKey> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn objections(acts: &Acts<'_>) -> Vec<Objection> {
    let mut all: Vec<_> = acts
        .iter()
        .filter_map(|act| {
            let EventKind::Objected { scope, limb } = &act.event.said.kind else { return None };
            let scope = act.event.widened.as_ref().unwrap_or(scope);
            let taken_back = acts.iter().any(|it| {
                matches!(&it.event.said.kind,
                    EventKind::ObjectionLifted { scope: of, limb: lifted }
                        if of == scope && lifted == limb)
                    && it.lifts(act)
            });
            (!taken_back).then(|| Objection {
                scope: scope.clone(),
                limb: *limb,
                lifted_for: sorted(lifted_keys(acts, scope, act, |it| it == *limb)),
                place: act.event.place(),
            })
        })
        .collect();
    all.sort_unstable();
    all.dedup_by(|a, b| (&a.scope, a.limb, &a.lifted_for) == (&b.scope, b.limb, &b.lifted_for));
    all
}

/// Opt-outs of practices. Only an explicit grant that names one in its answers takes its purpose
/// out: a yes that did not show the conflict is none (CCPA regulations 7025(c)).
fn opt_outs(acts: &Acts<'_>) -> Vec<OptOut> {
    let answered = |opt_out: &Act<'_>| {
        let grants = acts.iter().filter(|it| it.hard);
        let keys = grants.filter_map(|it| match &it.event.said.kind {
            EventKind::Given(grant)
                if grant.expression == Expression::Explicit
                    && it.event.said.answers.contains(&opt_out.event.said.id) =>
            {
                Some(grant.purpose.key.clone())
            }
            _ => None,
        });
        sorted(keys.collect())
    };
    let mut all: Vec<_> = acts
        .iter()
        .filter_map(|act| {
            let EventKind::OptedOut { practice } = act.event.said.kind else { return None };
            let by_gpc = matches!(&act.event.said.actor,
                Actor::Signal { kind } if kind.as_str() == signal::gpc::ACTOR);
            Some(OptOut { practice, by_gpc, lifted_for: answered(act), place: act.event.place() })
        })
        .collect();
    all.sort_unstable();
    all.dedup_by(|a, b| {
        (a.practice, a.by_gpc, &a.lifted_for) == (b.practice, b.by_gpc, &b.lifted_for)
    });
    all
}

fn restrictions(acts: &Acts<'_>) -> Vec<Restriction> {
    let mut all: Vec<_> = acts
        .iter()
        .filter_map(|act| {
            let EventKind::Restricted { scope: said, ground } = &act.event.said.kind else {
                return None;
            };
            let scope = act.event.widened.as_ref().unwrap_or(said);
            let lifted = acts.iter().any(|it| {
                matches!(&it.event.said.kind,
                    EventKind::RestrictionLifted { scope: of, ground: lifted, .. }
                        if (of == scope || of == said) && lifted == ground)
                    && it.lifts(act)
            });
            (!lifted).then(|| Restriction {
                scope: scope.clone(),
                ground: *ground,
                place: act.event.place(),
            })
        })
        .collect();
    all.sort_unstable();
    all.dedup_by(|a, b| (&a.scope, a.ground) == (&b.scope, b.ground));
    all
}

fn suppressions(acts: &Acts<'_>) -> Vec<Suppression> {
    let mut all: Vec<_> = acts
        .iter()
        .filter_map(|act| {
            let EventKind::Suppressed { scope, reason } = &act.event.said.kind else {
                return None;
            };
            let lifted = acts.iter().any(|it| {
                matches!(&it.event.said.kind,
                    EventKind::SuppressionLifted { scope: of, reason: lifted, .. }
                        if of == scope && lifted == reason)
                    && it.lifts(act)
            });
            (!lifted).then(|| Suppression {
                scope: scope.clone(),
                reason: *reason,
                place: act.event.place(),
            })
        })
        .collect();
    all.sort_unstable();
    all
}
