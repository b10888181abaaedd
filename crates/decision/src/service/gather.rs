//! Asking everyone once: context, permission, history, arms.

use std::sync::Arc;

use futures_util::future::join;
use kernel::{Instant, OccurrenceKey, Reason, TenantId, Why};

use super::Sources;
use crate::{
    inputs::{Cut, Headroom, Mode, NodeInputs, Verdict},
    node::{Fallback, Node, Otherwise, Sequence},
    occurrence::ObjectRef,
    person::Person,
    ports::{ContextAsk, CutAsk, DrawAsk, HISTORY_MAX, HistoryAsk, NodeHistory, PermissionAsk},
    reasons, schedule,
};

/// One node that is to decide, and its occasion.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) node: Arc<Node>,
    pub(super) key: OccurrenceKey,
    pub(super) object: Option<ObjectRef>,
    pub(super) label: Arc<str>,
    pub(super) due_at: Instant,
    /// What the life of the journey objects so far.
    pub(super) objections: Vec<Reason>,
    /// The key of the earlier step a sequence looks at.
    pub(super) earlier: Option<OccurrenceKey>,
}

/// What is asked of context for one person.
pub(super) fn context_ask(person: &Person, wanted: &[Wanted], as_of: Instant) -> ContextAsk {
    let cuts = wanted
        .iter()
        .map(|it| CutAsk { spec: Arc::clone(&it.node.cut), object: it.object.clone() })
        .collect();
    ContextAsk { person: person.alone(), as_of, cuts }
}

/// One cut per node; a context that cannot be asked refuses every one of them.
pub(super) async fn cuts(
    sources: &Sources,
    tenant: &TenantId,
    person: &Person,
    wanted: &[Wanted],
    as_of: Instant,
) -> Vec<Cut> {
    let ask = context_ask(person, wanted, as_of);
    let answer = sources.context.gather(tenant, &[ask]).await;
    let cuts = answer.ok().and_then(|it| it.into_iter().next());
    aligned(cuts, wanted)
}

/// An answer of the wrong length is no answer.
pub(super) fn aligned(cuts: Option<Vec<Cut>>, wanted: &[Wanted]) -> Vec<Cut> {
    match cuts {
        Some(cuts) if cuts.len() == wanted.len() => cuts,
        _ => wanted
            .iter()
            .map(|it| {
                Cut::refused(it.node.cut.fields.len(), Why::SourceDown, reasons::CTX_UNREACHABLE)
            })
            .collect(),
    }
}

/// What permission and contact history answered, aligned with what was wanted.
#[derive(Debug)]
pub(super) struct Answers {
    verdicts: Vec<Vec<Option<Verdict>>>,
    histories: Vec<Option<NodeHistory>>,
}

/// Permission and contact history, asked at once: neither depends on the other, nor on any cut.
pub(super) async fn answers(
    sources: &Sources,
    tenant: &TenantId,
    person: &Person,
    wanted: &[Wanted],
    mode: &Mode,
    as_of: Instant,
) -> Answers {
    let verdicts = verdicts(sources, tenant, person, wanted, mode, as_of);
    let histories = histories(sources, tenant, person, wanted, as_of);
    let (verdicts, histories) = join(verdicts, histories).await;
    Answers { verdicts, histories }
}

/// What each node decides from: what was answered, and what is drawn.
pub(super) fn inputs(
    sources: &Sources,
    tenant: &TenantId,
    person: &Person,
    wanted: Vec<Wanted>,
    cuts: Vec<Cut>,
    answers: Answers,
    as_of: Instant,
) -> Vec<NodeInputs> {
    let parts = wanted.into_iter().zip(cuts).zip(answers.verdicts).zip(answers.histories);
    parts
        .map(|(((wanted, cut), verdicts), history)| {
            let zone = schedule::zone(&wanted.node, &cut.fields);
            let draw = wanted.node.experiment.as_ref().map(|experiment| {
                let ask = DrawAsk {
                    node: &wanted.node.name,
                    experiment,
                    subject: person.at.subject,
                    occurrence: wanted.key,
                    as_of,
                };
                sources.arms.draw(tenant, ask)
            });
            let counts = counts(&wanted.node, history.as_ref(), as_of);
            let objections = objections(&wanted, history.as_ref());
            NodeInputs {
                node: wanted.node.name.clone(),
                key: wanted.key,
                object: wanted.object,
                label: wanted.label,
                due_at: wanted.due_at,
                today: zone.date(as_of),
                zone: zone.used(),
                cut,
                verdicts,
                counts,
                headroom: history.as_ref().map_or(Headroom::Unknown, |it| it.headroom),
                objections,
                draw,
            }
        })
        .collect()
}

/// One reading of permission for all nodes; each question is asked once.
async fn verdicts(
    sources: &Sources,
    tenant: &TenantId,
    person: &Person,
    wanted: &[Wanted],
    mode: &Mode,
    as_of: Instant,
) -> Vec<Vec<Option<Verdict>>> {
    let mut asks: Vec<PermissionAsk> = Vec::new();
    let mut places = Vec::with_capacity(wanted.len());
    for it in wanted {
        let mine = it.node.channels.iter().map(|channel| {
            if !it.node.uses(*channel, mode) {
                return None;
            }
            let ask = PermissionAsk {
                purpose: it.node.purpose.clone(),
                channel: *channel,
                class: it.node.class,
            };
            Some(asks.iter().position(|known| *known == ask).unwrap_or_else(|| {
                asks.push(ask);
                asks.len() - 1
            }))
        });
        places.push(mine.collect::<Vec<_>>());
    }
    let answer = sources.permission.verdicts(tenant, &person.at, &asks, as_of).await;
    let verdicts = answer.ok().filter(|it| it.len() == asks.len()).unwrap_or_default();
    let verdict = |place: usize| verdicts.get(place).cloned().unwrap_or_else(Verdict::unreachable);
    let all = |it: Vec<Option<usize>>| it.into_iter().map(|place| place.map(verdict)).collect();
    places.into_iter().map(all).collect()
}

/// One reading of contact history for the nodes that look at it; `None` where it failed.
async fn histories(
    sources: &Sources,
    tenant: &TenantId,
    person: &Person,
    wanted: &[Wanted],
    as_of: Instant,
) -> Vec<Option<NodeHistory>> {
    let asks: Vec<_> = wanted.iter().filter(|it| looks_back(&it.node)).map(ask).collect();
    let answer = if asks.is_empty() {
        Some(Vec::new())
    } else {
        let since = as_of.minus(HISTORY_MAX.span());
        sources.history.history(tenant, &person.at, &asks, since, as_of).await.ok()
    };
    let mut answer = answer.filter(|it| it.len() == asks.len()).map(Vec::into_iter);
    wanted
        .iter()
        .map(|it| {
            if looks_back(&it.node) {
                answer.as_mut().and_then(Iterator::next)
            } else {
                Some(NodeHistory { contacts: Vec::new(), headroom: Headroom::Free })
            }
        })
        .collect()
}

fn looks_back(node: &Node) -> bool {
    !node.sending.caps.is_empty() || !node.counters.is_empty() || node.sequence.is_some()
}

/// The sequence of which this occasion is a later step.
fn sequence(it: &Wanted) -> Option<&Sequence> {
    it.node.sequence.as_ref().filter(|sequence| sequence.label == it.label)
}

fn ask(it: &Wanted) -> HistoryAsk {
    HistoryAsk {
        node: it.node.name.clone(),
        caps: it.node.sending.caps.iter().map(|cap| Arc::clone(&cap.name)).collect(),
        occasions: sequence(it).is_some(),
    }
}

fn counts(node: &Node, history: Option<&NodeHistory>, as_of: Instant) -> Vec<Option<u32>> {
    let count = |history: &NodeHistory, counter: &crate::node::Counter| {
        let since = as_of.minus(counter.window.span());
        let mine = history
            .contacts
            .iter()
            .filter(|it| it.outcome == counter.outcome && it.at > since && it.at <= as_of);
        u32::try_from(mine.count()).unwrap_or(u32::MAX)
    };
    node.counters.iter().map(|it| history.map(|history| count(history, it))).collect()
}

/// The objections so far, with the sequence's: an earlier step that is not in its state.
fn objections(wanted: &Wanted, history: Option<&NodeHistory>) -> Vec<Reason> {
    let mut out = wanted.objections.clone();
    let Some(sequence) = sequence(wanted) else { return out };
    if sequence.otherwise == Otherwise::Act {
        return out;
    }
    let done = history.is_some_and(|it| {
        it.contacts.iter().any(|contact| {
            contact.occurrence.is_some()
                && contact.occurrence == wanted.earlier
                && contact.outcome == sequence.state
        })
    });
    let proceeds = history.is_none() && wanted.node.degraded.history == Fallback::ProceedToGate;
    if !done && !proceeds {
        out.push(reasons::TRG_SEQUENCE);
    }
    out
}
