//! Reading a sighting: which identifiers are usable, and what it claims about them.

use std::collections::BTreeSet;

use kernel::{Digest, Instant, Reason, TenantId};

use crate::{
    IDENTIFIERS_PER_EVENT_MAX,
    assertion::{self, Strength},
    identifier::{Identifier, RawValue, Sighting},
    namespace::{Artifacts, Class, Namespace},
    node::{Blinder, NodeKey},
    reason,
};

/// One usable identifier.
#[derive(Debug, Clone)]
pub struct Seen<'r> {
    /// Its namespace.
    pub namespace: &'r Namespace,
    /// Its key.
    pub key: NodeKey,
    /// Its value, if somebody is reached by it.
    pub value: Option<RawValue>,
    /// Whether its source has proof of it.
    pub verified: bool,
}

/// What an assertion says, before it is one: over keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Both identify one person.
    Same,
    /// The first was sighted with the second.
    Attach,
    /// The value was proven.
    Verify,
}

/// One claim of a sighting.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What is said.
    pub verb: Verb,
    /// Of whom.
    pub a: NodeKey,
    /// And whom.
    pub b: Option<NodeKey>,
    /// Since when.
    pub at: Instant,
    /// The digest of what is said and by whom, whenever.
    pub claim: Digest,
    /// The digest with when.
    pub content: Digest,
}

/// A sighting, read.
#[derive(Debug)]
pub struct Reading<'r> {
    /// The usable identifiers, in the order given, each once.
    pub seen: Vec<Seen<'r>>,
    /// What was refused.
    pub reasons: Vec<Reason>,
    /// What it says.
    pub claims: Vec<Claim>,
}

/// Reads identifiers: normal forms, blind keys, refusals.
pub fn identifiers<'r>(
    rules: &'r Artifacts,
    blinder: &Blinder,
    tenant: &TenantId,
    identifiers: &[Identifier],
) -> Reading<'r> {
    let mut reading = Reading { seen: Vec::new(), reasons: Vec::new(), claims: Vec::new() };
    if identifiers.len() > IDENTIFIERS_PER_EVENT_MAX {
        reading.reasons.push(reason::TOO_MANY);
        return reading;
    }
    let mut keys = BTreeSet::new();
    for identifier in identifiers {
        let Some(namespace) = rules.namespace(&identifier.namespace) else {
            reading.reasons.push(reason::UNKNOWN_NAMESPACE);
            continue;
        };
        match namespace.normal(&identifier.value) {
            Err(reason) => reading.reasons.push(reason),
            Ok(normal) => {
                let key = blinder.key(tenant, &namespace.id, &normal);
                let key = NodeKey { namespace: namespace.id.clone(), key };
                if keys.insert(key.clone()) {
                    let verified = identifier.verified && namespace.class == Class::Contact;
                    let value = namespace
                        .addressable
                        .then(|| RawValue::new(identifier.value.trim().to_owned()));
                    reading.seen.push(Seen { namespace, key, value, verified });
                } else if identifier.verified
                    && namespace.class == Class::Contact
                    && let Some(it) = reading.seen.iter_mut().find(|it| it.key == key)
                {
                    it.verified = true;
                }
            }
        }
    }
    reading
}

/// Reads a sighting: its identifiers and its claims.
///
/// A record has one anchor, the best by priority: everything else is linked to that one.
pub fn sighting<'r>(
    rules: &'r Artifacts,
    blinder: &Blinder,
    tenant: &TenantId,
    sighting: &Sighting,
) -> Reading<'r> {
    let mut reading = identifiers(rules, blinder, tenant, &sighting.identifiers);
    let anchor = reading
        .seen
        .iter()
        .filter(|it| it.namespace.class == Class::Anchor)
        .min_by_key(|it| (it.namespace.priority, &it.key))
        .map(|it| it.key.clone());
    for seen in &reading.seen {
        if seen.verified {
            let at = sighting.at;
            reading.claims.push(claim(sighting, Verb::Verify, seen.key.clone(), None, at));
        }
        let Some(anchor) = anchor.as_ref().filter(|it| **it != seen.key) else { continue };
        let promoted = seen.verified && seen.namespace.verified_joins;
        let (verb, a, b, at) = if promoted || seen.namespace.class == Class::Anchor {
            (Verb::Same, anchor.clone(), seen.key.clone(), sighting.at)
        } else {
            let at = seen.namespace.seen(sighting.at);
            (Verb::Attach, seen.key.clone(), anchor.clone(), at)
        };
        reading.claims.push(claim(sighting, verb, a, Some(b), at));
    }
    reading
}

fn claim(sighting: &Sighting, verb: Verb, a: NodeKey, b: Option<NodeKey>, at: Instant) -> Claim {
    let evidence: (Strength, _) = (sighting.strength, &sighting.source);
    let kind = match verb {
        Verb::Same => "same".to_owned(),
        Verb::Verify => "verify".to_owned(),
        // A sighting in another window is another claim: it extends how far the link reaches.
        Verb::Attach => format!("attach@{}", at.micros()),
    };
    let (claim, content) = assertion::digests(&kind, &a, b.as_ref(), None, evidence, at);
    Claim { verb, a, b, at, claim, content }
}
