//! From a finished pipeline to its record.

use std::sync::Arc;

use kernel::{Known, Value, Why};

use super::{
    ActionEntry, ArtifactEntry, CandidateEntry, ConsentGroup, CoreGroup, CountEntry, DrawEntry,
    FailureEntry, FieldEntry, InputsGroup, ModelGroup, NamedDigest, NodeEntry, OccurrenceEntry,
    OutcomeGroup, PoliciesGroup, RationaleGroup, Record, SCHEMA, SEMANTICS, ScoreEntry,
    SubjectGroup, TableEntry, VerdictEntry, WithheldEntry,
};
use crate::{
    condition::Cell,
    inputs::{Headroom, Mode, NodeInputs, Permission},
    node::ArtifactPin,
    pipeline::{Candidate, Chosen, NodeWork, Outcome, Work},
    rank::Score,
};

/// The engine that decided.
const ENGINE: &str = concat!("assent/", env!("CARGO_PKG_VERSION"));

pub(crate) fn build(work: &Work<'_>, outcome: &Outcome) -> Record {
    Record {
        consent: ConsentGroup {
            verdicts: work.nodes.iter().flat_map(|it| verdicts(it, &work.inputs.mode)).collect(),
        },
        core: core(work, outcome),
        inputs: InputsGroup {
            hints: work.inputs.hints.clone(),
            nodes: work.nodes.iter().map(node).collect(),
        },
        model: ModelGroup { draws: work.nodes.iter().filter_map(draw).collect() },
        outcome: outcome_group(outcome),
        policies: policies(work, outcome),
        rationale: RationaleGroup {
            candidates: work.candidates.iter().filter_map(|it| candidate(work, it)).collect(),
            tables: work.nodes.iter().flat_map(tables).collect(),
        },
        subject: SubjectGroup {
            identity: work.inputs.person.identity.0,
            occurrences: work.nodes.iter().map(|it| occurrence(it.inputs)).collect(),
            subject_ref: work.inputs.person.subject,
        },
    }
}

fn chosen(outcome: &Outcome) -> Option<&Chosen> {
    match outcome {
        Outcome::Act(it) | Outcome::Holdout(it) => Some(it),
        Outcome::None(_) => None,
    }
}

fn core(work: &Work<'_>, outcome: &Outcome) -> CoreGroup {
    let inputs = work.inputs;
    let lead = chosen(outcome).map(Chosen::node).or_else(|| work.nodes.first().map(|it| it.node));
    let (mode, placement) = match &inputs.mode {
        Mode::Triggered => ("triggered", None),
        Mode::Inbound { placement } => ("inbound", Some(Arc::clone(placement))),
    };
    CoreGroup {
        as_of_us: inputs.as_of.micros(),
        class: lead.map_or("none", |it| it.class.as_str()).into(),
        engine: ENGINE.into(),
        id: inputs.id,
        kind: "decision".into(),
        mode: mode.into(),
        nodes: work.nodes.iter().map(|it| it.node.name.clone()).collect(),
        placement,
        request: inputs.request,
        round: inputs.round,
        schema: SCHEMA.into(),
        semantics: SEMANTICS,
        supersedes: inputs.supersedes,
        tenant: inputs.tenant.clone(),
        tier: lead.map_or("none", |it| it.tier.as_str()).into(),
        tzdb: chrono_tz::IANA_TZDB_VERSION.into(),
    }
}

fn occurrence(it: &NodeInputs) -> OccurrenceEntry {
    OccurrenceEntry {
        due_us: it.due_at.micros(),
        key: it.key,
        label: Arc::clone(&it.label),
        node: it.node.clone(),
        object: it.object.clone(),
        today: it.today.to_string().into(),
        zone: Arc::clone(&it.zone.name),
        zone_assumed: it.zone.assumed,
    }
}

fn verdicts(at: &NodeWork<'_>, mode: &Mode) -> Vec<VerdictEntry> {
    let verdicts = at.node.channels.iter().zip(&at.inputs.verdicts);
    verdicts
        .filter(|(channel, _)| at.node.uses(**channel, mode))
        .filter_map(|(channel, it)| Some((channel, it.as_ref()?)))
        .map(|(channel, it)| {
            let (permission, until_us) = match it.permission {
                Permission::Permitted => ("permitted", None),
                Permission::Held { until } => ("held", Some(until.micros())),
                Permission::Refused => ("refused", None),
            };
            VerdictEntry {
                basis: it.basis.clone(),
                channel: *channel,
                epochs: it.epochs,
                evidence: it.evidence,
                good_until_us: it.good_until.map(kernel::Instant::micros),
                jurisdiction: it.jurisdiction.clone(),
                node: at.node.name.clone(),
                obligations: it.obligations.clone(),
                permission: permission.into(),
                purpose: Arc::clone(&at.node.purpose_text),
                reasons: it.reasons.clone(),
                until_us,
            }
        })
        .collect()
}

fn node(at: &NodeWork<'_>) -> NodeEntry {
    let inputs = at.inputs;
    let (headroom, headroom_until_us) = match inputs.headroom {
        Headroom::Free => ("free", None),
        Headroom::Full { until } => ("full", Some(until.micros())),
        Headroom::Unknown => ("unknown", None),
    };
    let counters = at.node.counters.iter().zip(&inputs.counts);
    NodeEntry {
        counts: counters
            .map(|(it, count)| CountEntry {
                count: *count,
                outcome: Arc::clone(&it.outcome),
                window: it.window,
            })
            .collect(),
        digests: (inputs.cut.digests.iter())
            .map(|(name, digest)| NamedDigest { digest: *digest, name: Arc::clone(name) })
            .collect(),
        fields: (at.node.cut.fields.iter().zip(&inputs.cut.fields))
            .map(|(ask, known)| field(&ask.name, known))
            .collect(),
        headroom: headroom.into(),
        headroom_until_us,
        node: at.node.name.clone(),
        objections: inputs.objections.clone(),
        refusal: inputs.cut.refusal.clone(),
        withheld: (inputs.cut.withheld.iter())
            .map(|(field, reason)| WithheldEntry {
                field: Arc::clone(field),
                reason: reason.clone(),
            })
            .collect(),
    }
}

fn field(name: &Arc<str>, known: &Known<Value>) -> FieldEntry {
    let empty = FieldEntry {
        as_of_us: None,
        name: Arc::clone(name),
        rule: None,
        source: None,
        state: "is".into(),
        value: None,
    };
    match known {
        Known::Is { value, source, as_of } => FieldEntry {
            as_of_us: Some(as_of.micros()),
            source: Some(source.clone()),
            value: Some(value.clone()),
            ..empty
        },
        Known::NotApplicable(rule) => {
            FieldEntry { rule: Some(rule.clone()), state: "not_applicable".into(), ..empty }
        }
        Known::Unknown(why) => FieldEntry { state: why_text(*why).into(), ..empty },
    }
}

const fn why_text(why: Why) -> &'static str {
    match why {
        Why::Missing => "missing",
        Why::Stale => "stale",
        Why::Malformed => "malformed",
        Why::Withheld => "withheld",
        Why::SourceDown => "source_down",
        Why::Overflow => "overflow",
    }
}

fn draw(at: &NodeWork<'_>) -> Option<DrawEntry> {
    let it = at.inputs.draw.as_ref()?;
    Some(DrawEntry {
        arm: Arc::clone(&it.arm),
        bucket: it.bucket,
        holdout: it.holdout,
        layer: Arc::clone(&it.layer),
        node: at.node.name.clone(),
        propensity_ppm: it.propensity_ppm,
        seed: Arc::clone(&it.seed),
    })
}

fn policies(work: &Work<'_>, outcome: &Outcome) -> PoliciesGroup {
    let mut artifacts: Vec<ArtifactEntry> = Vec::with_capacity(work.nodes.len() * 3 + 4);
    for at in &work.nodes {
        artifacts.push(ArtifactEntry {
            digest: Arc::clone(&at.node.digest_text),
            kind: "node".into(),
            name: at.node.name.as_str().into(),
        });
        artifacts.extend(at.node.pins.iter().map(|(kind, it)| pinned(kind, it)));
        for cap in &at.node.sending.caps {
            if !artifacts.iter().any(|it| it.kind == "cap" && it.name == cap.name) {
                artifacts.push(pinned("cap", cap));
            }
        }
    }
    artifacts.extend(chosen(outcome).map(|it| pinned("template", &it.treatment().template)));
    PoliciesGroup { artifacts, release: work.release.digest, sequence: work.release.sequence }
}

fn pinned(kind: &'static str, it: &ArtifactPin) -> ArtifactEntry {
    ArtifactEntry { digest: Arc::clone(&it.text), kind: kind.into(), name: Arc::clone(&it.name) }
}

fn candidate(work: &Work<'_>, it: &Candidate) -> Option<CandidateEntry> {
    let at = work.nodes.get(it.work)?;
    let passed = at.node.rules.iter().enumerate().filter(|(i, _)| it.passed >> i & 1 == 1);
    Some(CandidateEntry {
        action: Arc::clone(&at.action(it.action)?.id),
        failures: (it.failures.iter())
            .map(|failure| FailureEntry {
                blame: at.blamed(failure.blame),
                reason: failure.reason.clone(),
                rule: failure.rule.clone(),
                stage: failure.stage.into(),
            })
            .collect(),
        node: at.node.name.clone(),
        passed: passed.map(|(_, rule)| Arc::clone(&rule.id)).collect(),
        score: it.score.map(score),
        stage: it.reached.as_str().into(),
        treatment: it
            .treatment
            .and_then(|i| at.node.treatments.get(i))
            .map(|it| Arc::clone(&it.id)),
    })
}

fn score(it: Score) -> ScoreEntry {
    ScoreEntry {
        c_ppm: it.c_ppm,
        cost: it.cost,
        l_ppm: it.l_ppm,
        p_ppm: it.p_ppm,
        s: it.total.to_string(),
        v: it.value,
    }
}

fn tables(at: &NodeWork<'_>) -> Vec<TableEntry> {
    let tables = at.node.tables.iter().zip(at.tables);
    tables
        .map(|(table, cell)| TableEntry {
            blame: at.blamed(cell.blame()),
            node: at.node.name.clone(),
            table: Arc::clone(&table.id),
            value: match cell {
                Cell::Text(it) => Some(it.into()),
                _ => None,
            },
        })
        .collect()
}

fn outcome_group(outcome: &Outcome) -> OutcomeGroup {
    let (kind, effect, reason) = match outcome {
        Outcome::Act(_) => ("act", "serve", None),
        Outcome::Holdout(_) => ("holdout", "suppress", Some(crate::reasons::EXP_HOLDOUT)),
        Outcome::None(it) if it.area() == "PRM" => ("none", "deny", Some(it.clone())),
        Outcome::None(it) => ("none", "suppress", Some(it.clone())),
    };
    OutcomeGroup {
        action: chosen(outcome).map(action),
        effect: effect.into(),
        kind: kind.into(),
        reason,
    }
}

fn action(it: &Chosen) -> ActionEntry {
    let (node, treatment) = (it.node(), it.treatment());
    ActionEntry {
        action: Arc::clone(&it.action().id),
        channel: it.channel(),
        expires_us: it.expires_at().micros(),
        node: node.name.clone(),
        on_hold: it.action().on_hold.as_str().into(),
        placement: treatment.placement.clone(),
        purpose: Arc::clone(&node.purpose_text),
        template: pinned("template", &treatment.template),
        treatment: Arc::clone(&treatment.id),
    }
}
