//! Deciding again from a record alone, and comparing every byte.

use std::{collections::BTreeSet, sync::Arc};

use kernel::{Channel, Digest, Epoch, Instant, Known, PersonAt, Value, Why};

use crate::{
    artifacts::Artifacts,
    inputs::{Cut, Draw, Headroom, Inputs, Mode, NodeInputs, Permission, Verdict, ZoneUsed},
    node::Node,
    pipeline::decide,
    ports::Release,
    record::{
        DrawEntry, FieldEntry, NodeEntry, OccurrenceEntry, Record, RecordError, SEMANTICS,
        StoredRecord, VerdictEntry,
    },
};

/// Why a record did not replay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It is not a record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The bundle it names is not at hand.
    #[error("release {0} is not at hand")]
    Release(Digest),
    /// It was decided under evaluation rules this engine no longer has.
    #[error("semantics version {0} is not known")]
    Semantics(u32),
    /// The first place, in order of members, at which the two differ.
    #[error("the replayed record differs at `{pointer}`")]
    Differs {
        /// JSON pointer (RFC 6901).
        pointer: String,
    },
}

/// Decides again what a record says was decided: equal bytes, or where they differ.
pub fn replay(
    stored: &StoredRecord,
    artifacts: &dyn Fn(Digest) -> Option<Arc<Artifacts>>,
) -> Result<(), Mismatch> {
    let record = stored.parse()?;
    if record.core.semantics != SEMANTICS {
        return Err(Mismatch::Semantics(record.core.semantics));
    }
    let digest = record.policies.release;
    let bundle = artifacts(digest).ok_or(Mismatch::Release(digest))?;
    let release = Release { digest, sequence: record.policies.sequence, artifacts: bundle };
    let inputs = inputs(&record, &release.artifacts)?;
    let mut again = decide(&release, &inputs).record;
    // Who computed is recorded but computes nothing.
    again.core.engine.clone_from(&record.core.engine);
    again.core.tzdb.clone_from(&record.core.tzdb);
    if again.store()?.bytes == stored.bytes {
        return Ok(());
    }
    Err(Mismatch::Differs { pointer: first_difference(&record, &again) })
}

/// The inputs a record was decided on.
pub fn inputs(record: &Record, artifacts: &Artifacts) -> Result<Inputs, Mismatch> {
    let mode = match (&*record.core.mode, &record.core.placement) {
        ("triggered", None) => Mode::Triggered,
        ("inbound", Some(it)) => Mode::Inbound { placement: Arc::clone(it) },
        _ => return Err(malformed("/core/mode")),
    };
    let mut verdicts = record.consent.verdicts.iter();
    let mut draws = record.model.draws.iter().peekable();
    let mut nodes = Vec::with_capacity(record.inputs.nodes.len());
    for (occurrence, told) in record.subject.occurrences.iter().zip(&record.inputs.nodes) {
        let node = artifacts.node(&told.node).ok_or_else(|| malformed("/core/nodes"))?;
        let mut mine = Vec::with_capacity(node.channels.len());
        for channel in &node.channels {
            let entry = node.uses(*channel, &mode).then(|| verdicts.next()).flatten();
            mine.push(entry.map(|it| verdict(*channel, it)).transpose()?);
        }
        let draw = draws.next_if(|it| it.node == node.name);
        nodes.push(node_inputs(node, occurrence, told, mine, draw)?);
    }
    Ok(Inputs {
        id: record.core.id,
        tenant: record.core.tenant.clone(),
        as_of: Instant::from_micros(record.core.as_of_us),
        mode,
        request: record.core.request,
        person: PersonAt {
            subject: record.subject.subject_ref,
            nodes: Vec::new(),
            identity: Epoch(record.subject.identity),
        },
        round: record.core.round,
        supersedes: record.core.supersedes,
        hints: record.inputs.hints.clone(),
        nodes,
    })
}

fn malformed(pointer: &str) -> Mismatch {
    Mismatch::Record(RecordError::Malformed(pointer.to_owned()))
}

fn node_inputs(
    node: &Node,
    occurrence: &OccurrenceEntry,
    told: &NodeEntry,
    verdicts: Vec<Option<Verdict>>,
    draw: Option<&DrawEntry>,
) -> Result<NodeInputs, Mismatch> {
    let headroom = match (&*told.headroom, told.headroom_until_us) {
        ("free", None) => Headroom::Free,
        ("full", Some(it)) => Headroom::Full { until: Instant::from_micros(it) },
        ("unknown", None) => Headroom::Unknown,
        _ => return Err(malformed("/inputs/nodes")),
    };
    let fields = told.fields.iter().map(field).collect::<Result<_, _>>()?;
    Ok(NodeInputs {
        node: node.name.clone(),
        key: occurrence.key,
        object: occurrence.object.clone(),
        label: Arc::clone(&occurrence.label),
        due_at: Instant::from_micros(occurrence.due_us),
        today: occurrence.today.parse().map_err(|_| malformed("/subject/occurrences"))?,
        zone: ZoneUsed { name: Arc::clone(&occurrence.zone), assumed: occurrence.zone_assumed },
        cut: Cut {
            fields,
            withheld: (told.withheld.iter())
                .map(|it| (Arc::clone(&it.field), it.reason.clone()))
                .collect(),
            refusal: told.refusal.clone(),
            digests: told.digests.iter().map(|it| (Arc::clone(&it.name), it.digest)).collect(),
        },
        verdicts,
        counts: told.counts.iter().map(|it| it.count).collect(),
        headroom,
        objections: told.objections.clone(),
        draw: draw.map(|it| Draw {
            arm: Arc::clone(&it.arm),
            holdout: it.holdout,
            propensity_ppm: it.propensity_ppm,
            layer: Arc::clone(&it.layer),
            seed: Arc::clone(&it.seed),
            bucket: it.bucket,
        }),
    })
}

fn field(it: &FieldEntry) -> Result<Known<Value>, Mismatch> {
    let why = match (&*it.state, &it.value, &it.source, it.as_of_us, &it.rule) {
        ("is", Some(value), Some(source), Some(as_of), None) => {
            return Ok(Known::Is {
                value: value.clone(),
                source: source.clone(),
                as_of: Instant::from_micros(as_of),
            });
        }
        ("not_applicable", None, None, None, Some(rule)) => {
            return Ok(Known::NotApplicable(rule.clone()));
        }
        ("missing", ..) => Why::Missing,
        ("stale", ..) => Why::Stale,
        ("malformed", ..) => Why::Malformed,
        ("withheld", ..) => Why::Withheld,
        ("source_down", ..) => Why::SourceDown,
        ("overflow", ..) => Why::Overflow,
        _ => return Err(malformed("/inputs/nodes")),
    };
    Ok(Known::Unknown(why))
}

fn verdict(channel: Channel, it: &VerdictEntry) -> Result<Verdict, Mismatch> {
    let permission = match (&*it.permission, it.until_us) {
        ("permitted", None) => Permission::Permitted,
        ("held", Some(until)) => Permission::Held { until: Instant::from_micros(until) },
        ("refused", None) => Permission::Refused,
        _ => return Err(malformed("/consent/verdicts")),
    };
    if it.channel != channel {
        return Err(malformed("/consent/verdicts"));
    }
    Ok(Verdict {
        permission,
        reasons: it.reasons.clone(),
        basis: it.basis.clone(),
        jurisdiction: it.jurisdiction.clone(),
        epochs: it.epochs,
        good_until: it.good_until_us.map(Instant::from_micros),
        evidence: it.evidence,
        obligations: it.obligations.clone(),
    })
}

fn first_difference(left: &Record, right: &Record) -> String {
    let json = |it: &Record| serde_json::to_value(it).unwrap_or_default();
    let mut pointer = String::new();
    descend(&json(left), &json(right), &mut pointer);
    pointer
}

fn descend(left: &serde_json::Value, right: &serde_json::Value, pointer: &mut String) -> bool {
    use serde_json::Value::{Array, Object};
    if left == right {
        return false;
    }
    let before = pointer.len();
    match (left, right) {
        (Object(a), Object(b)) => {
            let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for name in names {
                pointer.push('/');
                pointer.push_str(name);
                let null = serde_json::Value::Null;
                if descend(a.get(name).unwrap_or(&null), b.get(name).unwrap_or(&null), pointer) {
                    return true;
                }
                pointer.truncate(before);
            }
        }
        (Array(a), Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                pointer.push('/');
                pointer.push_str(&i.to_string());
                if descend(a, b, pointer) {
                    return true;
                }
                pointer.truncate(before);
            }
        }
        _ => {}
    }
    true
}
