//! The stages as types, and what travels through them.

use std::sync::Arc;

use chrono::TimeDelta;
use kernel::{Known, Reason};

use super::{Decided, guard, permit, settle};
use crate::{
    condition::{Cell, ERROR_BIT, HISTORY_BIT, Mask, Scope, TABLE_BIT},
    inputs::{Inputs, Mode, NodeInputs},
    node::{Action, FIELDS_MAX, Node, TABLES_MAX, Treatment},
    ports::Release,
    rank::Score,
    reasons,
};

/// How far a candidate came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reached {
    Gathered,
    Permitted,
    Qualified,
    Guarded,
    Ranked,
    Decided,
}

impl Reached {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gathered => "gathered",
            Self::Permitted => "permitted",
            Self::Qualified => "qualified",
            Self::Guarded => "guarded",
            Self::Ranked => "ranked",
            Self::Decided => "decided",
        }
    }
}

/// One thing that speaks against a candidate.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) stage: &'static str,
    pub(crate) reason: Reason,
    pub(crate) rule: Option<Arc<str>>,
    pub(crate) blame: Mask,
}

/// One action of one node.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) work: usize,
    pub(crate) action: usize,
    pub(crate) reached: Reached,
    pub(crate) failures: Vec<Failure>,
    /// The rules it passed, by index.
    pub(crate) passed: u64,
    pub(crate) treatment: Option<usize>,
    pub(crate) score: Option<Score>,
}

impl Candidate {
    pub(crate) fn fail(&mut self, stage: &'static str, reason: Reason) {
        self.failures.push(Failure { stage, reason, rule: None, blame: 0 });
    }

    pub(crate) const fn stands(&self) -> bool {
        self.failures.is_empty()
    }
}

/// One node at work.
#[derive(Debug, Clone)]
pub(crate) struct NodeWork<'a> {
    pub(crate) node: &'a Arc<Node>,
    pub(crate) inputs: &'a NodeInputs,
    /// The place in [`Inputs::nodes`].
    pub(crate) input: usize,
    pub(crate) tables: [Cell<'a>; TABLES_MAX],
}

impl<'a> NodeWork<'a> {
    pub(crate) fn scope<'s>(&'s self, inputs: &Inputs) -> Scope<'s> {
        Scope {
            fields: &self.inputs.cut.fields,
            types: &self.node.types,
            as_of: inputs.as_of,
            today: self.inputs.today,
            label: &self.inputs.label,
            object: self.inputs.object.as_ref().map_or("", |it| &*it.id),
            counts: &self.inputs.counts,
            tables: &self.tables,
        }
    }

    pub(crate) fn action(&self, index: usize) -> Option<&'a Action> {
        self.node.actions.get(index)
    }

    /// The treatments of an action that are made for this way of asking.
    pub(crate) fn treatments<'m>(
        &self,
        action: usize,
        mode: &'m Mode,
    ) -> impl Iterator<Item = (usize, &'a Treatment)> + use<'a, 'm> {
        let treatments = self.node.treatments.iter().enumerate();
        treatments.filter(move |(_, it)| it.action == action && it.fits(mode))
    }

    /// The names behind the bits of an unknown.
    pub(crate) fn blamed(&self, mask: Mask) -> Vec<Arc<str>> {
        let fields = self.node.cut.fields.iter().take(FIELDS_MAX).enumerate();
        let mut out: Vec<_> = fields
            .filter(|(slot, _)| mask >> slot & 1 == 1)
            .map(|(_, it)| Arc::clone(&it.name))
            .collect();
        for (bit, name) in [(TABLE_BIT, "table"), (HISTORY_BIT, "hist"), (ERROR_BIT, "arithmetic")]
        {
            if mask & bit != 0 {
                out.push(name.into());
            }
        }
        out
    }
}

/// Everything a decision carries from stage to stage.
#[derive(Debug, Clone)]
pub(crate) struct Work<'a> {
    pub(crate) release: &'a Release,
    pub(crate) inputs: &'a Inputs,
    pub(crate) nodes: Vec<NodeWork<'a>>,
    pub(crate) candidates: Vec<Candidate>,
}

pub(super) struct Asked<'a>(Work<'a>);
pub(super) struct Gathered<'a>(Work<'a>);
pub(super) struct Permitted<'a>(Work<'a>);
pub(super) struct Qualified<'a>(Work<'a>);
pub(super) struct Guarded<'a>(Work<'a>);
pub(super) struct Ranked<'a>(Work<'a>);

impl<'a> Asked<'a> {
    pub(super) fn new(release: &'a Release, inputs: &'a Inputs) -> Self {
        let mut nodes = Vec::with_capacity(inputs.nodes.len());
        for (input, asked) in inputs.nodes.iter().enumerate() {
            if let Some(node) = release.artifacts.node(&asked.node) {
                let tables = [Cell::Unknown(TABLE_BIT); TABLES_MAX];
                nodes.push(NodeWork { node, inputs: asked, input, tables });
            }
        }
        nodes.sort_by(|a, b| a.node.name.cmp(&b.node.name).then(a.inputs.key.cmp(&b.inputs.key)));
        let candidates = (nodes.iter().enumerate())
            .flat_map(|(work, it)| (0..it.node.actions.len()).map(move |action| (work, action)))
            .map(|(work, action)| Candidate {
                work,
                action,
                reached: Reached::Gathered,
                failures: Vec::new(),
                passed: 0,
                treatment: None,
                score: None,
            })
            .collect();
        Self(Work { release, inputs, nodes, candidates })
    }

    /// Refuses whoever lacks a required fact, or whose journey is over.
    pub(super) fn gather(self) -> Gathered<'a> {
        let mut work = self.0;
        let Work { nodes, candidates, inputs, .. } = &mut work;
        for candidate in candidates {
            let Some(at) = nodes.get(candidate.work) else { continue };
            lacking(candidate, at, inputs);
        }
        Gathered(work)
    }
}

fn lacking(candidate: &mut Candidate, at: &NodeWork<'_>, inputs: &Inputs) {
    let stage = Reached::Gathered.as_str();
    if at.inputs.today > at.node.expires_on {
        candidate.fail(stage, reasons::TRG_NODE_EXPIRED);
    }
    for objection in &at.inputs.objections {
        candidate.fail(stage, objection.clone());
    }
    let cut = &at.inputs.cut;
    match &cut.refusal {
        Some(it) if *it == reasons::CTX_UNREACHABLE => candidate.fail(stage, it.clone()),
        Some(_) => candidate.fail(stage, reasons::CTX_REFUSED),
        None if cut.fields.len() != at.node.cut.fields.len() => {
            candidate.fail(stage, reasons::ENG_INVARIANT);
        }
        None => {
            let asked = at.node.cut.fields.iter().zip(&cut.fields).enumerate();
            let blame = asked
                .filter(|(_, (ask, known))| ask.required && matches!(known, Known::Unknown(_)))
                .fold(0, |mask, (slot, _)| mask | (1_u64 << slot.min(63)));
            if blame != 0 {
                let reason = reasons::CTX_LACKING;
                candidate.failures.push(Failure { stage, reason, rule: None, blame });
            }
        }
    }
    let mut treatments = at.treatments(candidate.action, &inputs.mode);
    if treatments.next().is_none() {
        candidate.fail(stage, reasons::ARB_NO_TREATMENT);
    }
}

impl<'a> Gathered<'a> {
    /// Asks permission for whoever still stands.
    pub(super) fn permit(self) -> Permitted<'a> {
        let mut work = self.0;
        permit::permit(&mut work);
        Permitted(work)
    }
}

impl<'a> Permitted<'a> {
    /// Runs the tables and the three stages of rules, for the permitted only.
    pub(super) fn qualify(self) -> Qualified<'a> {
        let mut work = self.0;
        guard::tables(&mut work);
        guard::qualify(&mut work);
        Qualified(work)
    }
}

impl<'a> Qualified<'a> {
    /// Runs what nothing overrides.
    pub(super) fn guard(self) -> Guarded<'a> {
        let mut work = self.0;
        guard::guard(&mut work);
        Guarded(work)
    }
}

impl<'a> Guarded<'a> {
    /// Dresses, scores and orders whoever is left.
    pub(super) fn rank(self) -> Ranked<'a> {
        let mut work = self.0;
        settle::rank(&mut work);
        Ranked(work)
    }
}

impl Ranked<'_> {
    /// Draws, and says what becomes of everyone.
    pub(super) fn decide(self) -> Decided {
        settle::decide(&self.0)
    }
}

/// How long an outranked occurrence waits before it tries again.
pub(super) const DEFER: TimeDelta = TimeDelta::hours(24);
