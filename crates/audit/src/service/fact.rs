//! Entries for what other domains say happened: one entry a fact, however often it is relayed.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{Digest, Fact, Fault, TenantId, canonical};
use serde_json::json;

use super::{
    append::{AppendService, Appended},
    trail::Trail,
};
use crate::entry::{Custody, EntryKind, Group, IdemKey, RetentionClass, Submission};

/// How long the records of facts are kept.
const CLASS: RetentionClass = RetentionClass::of("fact");

/// The entry a fact becomes, if it becomes one.
///
/// A decision's own facts are in its record already; facts about work in progress prove nothing.
pub fn kind_of(name: &str) -> Option<EntryKind> {
    let (owner, rest) = name.split_once('.')?;
    match (owner, rest) {
        (
            "consent" | "objection" | "restriction" | "suppression" | "preference" | "permission",
            _,
        ) => Some(EntryKind::Consent),
        ("identity", "merged" | "attached") => Some(EntryKind::IdentityLink),
        ("identity", "split" | "detached") => Some(EntryKind::IdentityUnlink),
        ("release", "activated") => Some(EntryKind::ArtifactRelease),
        ("release", "rolled_back") => Some(EntryKind::ArtifactRollback),
        ("delivery", "planned" | "gated") => None,
        ("delivery", _) => Some(EntryKind::DeliveryAttempt),
        ("verdict", "changed") | ("srm", "detected") => Some(EntryKind::MeasurementReview),
        _ => None,
    }
}

/// Appends an entry for each fact that is to be proven later.
#[derive(Debug, Clone)]
pub struct FactEntryService {
    append: AppendService,
}

impl FactEntryService {
    /// Appends to this trail.
    pub const fn new(trail: Arc<Trail>) -> Self {
        Self { append: AppendService::new(trail) }
    }

    /// Appends these facts in order, once each.
    pub async fn observe(&self, facts: &[Fact]) -> Result<(), Fault> {
        let mut by_tenant: BTreeMap<&TenantId, Vec<Submission>> = BTreeMap::new();
        for fact in facts {
            if let Some(kind) = kind_of(&fact.name) {
                by_tenant.entry(&fact.tenant).or_default().push(submission(fact, kind)?);
            }
        }
        for submissions in by_tenant.into_values() {
            for appended in self.append.append_all(submissions).await? {
                match appended {
                    Appended::New(_) | Appended::Existing(..) => {}
                    Appended::Conflict => {
                        return Err(Fault::escalate("appending a fact whose id another one has"));
                    }
                    Appended::Vetoed(_) => {
                        return Err(Fault::escalate("appending a fact, which nobody may veto"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The entry of a fact: what is about a person goes under the person's key.
fn submission(fact: &Fact, kind: EntryKind) -> Result<Submission, Fault> {
    let bytes = |value: &serde_json::Value| {
        canonical(value).map_err(|it| Fault::escalate("encoding a fact").because(it))
    };
    let custody = match (fact.subject, fact.nodes.as_slice()) {
        (Some(_), _) => Custody::Subject,
        (None, [_, ..]) => Custody::Period,
        (None, []) => Custody::Plain,
    };
    let core = json!({ "fact": fact.name, "kind": kind.as_str(), "schema": "fact/1" });
    let whole =
        serde_json::to_value(fact).map_err(|it| Fault::escalate("encoding a fact").because(it))?;
    let fact_json = bytes(&whole)?;
    let fingerprint = Digest::of(&fact_json);
    let idem = IdemKey::from_uuid_v7(fact.id.uuid())
        .unwrap_or(IdemKey::new(*fact.id.uuid().as_bytes(), fact.at));
    Ok(Submission {
        tenant: fact.tenant.clone(),
        record: fact.id.into(),
        kind,
        class: CLASS,
        at: fact.at,
        subject: fact.subject,
        idem,
        fingerprint,
        groups: vec![
            Group { name: "core", custody: Custody::Period, json: bytes(&core)? },
            Group { name: "fact", custody, json: fact_json },
        ],
        facts: Vec::new(),
        companion: None,
    })
}
