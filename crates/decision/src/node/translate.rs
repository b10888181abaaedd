//! The parts of a file that become parts of a node without a second look.

use std::sync::Arc;

use kernel::{Channel, Period, PurposeRef, SystemId};

use super::{
    Action, Arbitration, ContextPair, Degraded, Experiment, Fallback, Kpi, Life, OnHold, OnLose,
    Otherwise, Per, Sequence, Trigger, Unit, file,
};
use crate::inputs::{CutSpec, FieldAsk};

/// Ascending by name, so that slots do not depend on how the file was written.
pub(super) fn fields(data: &file::Data) -> Vec<FieldAsk> {
    let ask = |required: bool| {
        move |(name, age): (&Arc<str>, &Period)| FieldAsk {
            name: Arc::clone(name),
            max_age: *age,
            required,
        }
    };
    let mut out: Vec<_> =
        data.required.iter().map(ask(true)).chain(data.optional.iter().map(ask(false))).collect();
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

pub(super) fn channels(treatments: &[file::Treatment]) -> Vec<Channel> {
    let mut out: Vec<_> = treatments.iter().map(|it| it.channel).collect();
    out.sort_unstable();
    out.dedup();
    out
}

pub(super) fn cut(file: &file::File, purpose: PurposeRef, fields: Vec<FieldAsk>) -> CutSpec {
    CutSpec {
        node: file.node.name.clone(),
        purpose,
        boundary: Arc::clone(&file.boundary.name),
        systems: file.boundary.systems.iter().map(|it| SystemId::new(it)).collect(),
        deny_fields: file.boundary.deny_fields.clone(),
        max_fields: file.boundary.max_fields,
        fields,
    }
}

/// The part of a cut a timer rests on; a timer is set without what is lacking.
pub(super) fn timing(cut: &CutSpec, trigger: &Trigger) -> CutSpec {
    let slots = match trigger {
        Trigger::Date(it) => [Some(it.anchor), it.calendar.zone],
        Trigger::Inactivity(it) => [Some(it.last), it.calendar.zone],
        Trigger::Event(_) => [None, None],
    };
    let asks = slots.into_iter().flatten().filter_map(|slot| cut.fields.get(slot));
    let fields = asks.map(|it| FieldAsk { required: false, ..it.clone() }).collect();
    CutSpec { fields, ..cut.clone() }
}

pub(super) fn life(it: &file::Life) -> Life {
    Life {
        cancel_on: it.cancel_on.clone(),
        per: match it.per {
            file::Per::Object => Per::Object,
            file::Per::ObjectAnchor => Per::ObjectAnchor,
            file::Per::ObjectOffset => Per::ObjectOffset,
            file::Per::Episode => Per::Episode,
        },
        cooldown: it.cooldown,
        max: it.max,
        window: it.window,
    }
}

pub(super) fn sequence(it: &file::Sequence) -> Sequence {
    Sequence {
        label: Arc::clone(&it.label),
        after: Arc::clone(&it.after),
        state: Arc::clone(&it.state),
        otherwise: match it.otherwise {
            file::Otherwise::Act => Otherwise::Act,
            file::Otherwise::Skip => Otherwise::Skip,
        },
    }
}

pub(super) fn action(it: &file::Action) -> Action {
    Action {
        id: Arc::clone(&it.id),
        smallest: it.smallest,
        cost: it.cost,
        value: it.value,
        ttl: it.ttl,
        on_hold: match it.on_hold {
            file::OnHold::Redecide => OnHold::Redecide,
            file::OnHold::Wait => OnHold::Wait,
            file::OnHold::Drop => OnHold::Drop,
        },
    }
}

/// Without weights every success is certain and nothing tips the scales.
pub(super) fn arbitration(it: &file::Arbitration) -> Arbitration {
    let compete = it.compete.as_ref();
    let weights = it.weights.as_ref();
    Arbitration {
        group: compete.map(|it| Arc::clone(&it.group)),
        rank: compete.map_or(u8::MAX, |it| it.rank),
        on_lose: match compete.map(|it| it.on_lose) {
            Some(file::OnLose::Defer) => OnLose::Defer,
            Some(file::OnLose::Drop) | None => OnLose::Drop,
        },
        prior_ppm: weights.map_or(1_000_000, |it| it.prior_ppm),
        levers: weights.map_or(0, |it| it.levers.iter().fold(0, |a, b| a.saturating_add(*b))),
        context: weights.map_or(&[][..], |it| &it.context).iter().map(pair).collect(),
    }
}

pub(super) fn pair(it: &file::ContextPair) -> ContextPair {
    ContextPair { key: Arc::clone(&it.key), value: Arc::clone(&it.value), points: it.points }
}

pub(super) fn experiment(it: &file::Experiment) -> Experiment {
    Experiment {
        unit: match it.unit {
            file::Unit::Person => Unit::Person,
            file::Unit::Occurrence => Unit::Occurrence,
        },
        layer: Arc::clone(&it.layer),
        holdback_ppm: it.holdback_ppm,
    }
}

pub(super) fn kpi(it: &file::Kpi) -> Kpi {
    Kpi {
        metric: Arc::clone(&it.metric),
        primary: it.role == file::Role::Primary,
        up: it.direction == file::Direction::Up,
        horizon: it.horizon,
        counterfactual: Arc::clone(&it.counterfactual),
        margin_ppm: it.margin_ppm,
    }
}

pub(super) fn degraded(it: &file::Degraded) -> Degraded {
    let fallback = |it: file::Fallback| match it {
        file::Fallback::Retry => Fallback::Retry,
        file::Fallback::Refuse => Fallback::Refuse,
        file::Fallback::ProceedToGate => Fallback::ProceedToGate,
    };
    Degraded { context: fallback(it.context), history: fallback(it.history), retry: it.retry }
}
