//! A journey node: when it may act, for which purpose, on which facts, and how.

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;
use kernel::{Channel, Class, Currency, Digest, JourneyNode, Known, PurposeRef, Tier, Why};

use crate::{
    condition::Type,
    inputs::{Cut, CutSpec, FieldAsk, Mode},
};

mod action;
mod compile;
mod file;
mod lint;
mod terms;
mod translate;
mod trigger;

pub use action::{Action, ArtifactPin, Counter, OnHold, Rule, Stage, Table, Treatment};
pub(crate) use compile::compile;
pub use terms::{
    Arbitration, ContextPair, Degraded, Experiment, Explain, Fallback, Kpi, OnLose, Sending, Unit,
};
pub use trigger::{
    Calendar, DateTrigger, EventTrigger, InactivityTrigger, Life, Offset, Otherwise, Per, Sequence,
    Trigger,
};

/// The most fields a node may read.
pub const FIELDS_MAX: usize = 60;
/// The most actions a node may choose from.
pub const ACTIONS_MAX: usize = 16;
/// The most treatments.
pub const TREATMENTS_MAX: usize = 32;
/// The most rules, guardrails included.
pub const RULES_MAX: usize = 64;
/// The most tables.
pub const TABLES_MAX: usize = 8;
/// The most rows of a table.
pub const ROWS_MAX: usize = 64;
/// The most counters of contact history.
pub const COUNTERS_MAX: usize = 16;
/// The largest value or cost of an action, in minor units.
pub const WORTH_MAX: i64 = 1_000_000_000_000;

/// A released journey node, checked and compiled.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its stable name.
    pub name: JourneyNode,
    /// The digest of its artifact.
    pub digest: Digest,
    /// The digest as records print it.
    pub(crate) digest_text: Arc<str>,
    /// Who answers for it.
    pub owner: Arc<str>,
    /// Why it acts.
    pub class: Class,
    /// Its risk tier.
    pub tier: Tier,
    /// The kind of business object an instance is about; `person` for none.
    pub object: Arc<str>,
    /// The currency of its costs and values.
    pub currency: Currency,
    /// The day after which it decides nothing.
    pub expires_on: NaiveDate,
    /// The purpose it acts for.
    pub purpose: PurposeRef,
    /// The purpose as records print it.
    pub(crate) purpose_text: Arc<str>,
    /// The boundary and purpose artifacts, pinned.
    pub(crate) pins: Vec<(&'static str, ArtifactPin)>,
    /// The lawful basis claimed per jurisdiction.
    pub basis: BTreeMap<Arc<str>, Arc<str>>,
    /// What it may know.
    pub cut: Arc<CutSpec>,
    /// What setting a timer needs to know: the anchor and the zone, nothing else.
    pub timing: Arc<CutSpec>,
    /// The type each field is used as, by slot.
    pub types: Vec<Option<Type>>,
    /// What sets it off.
    pub trigger: Trigger,
    /// When a journey ends and may begin again.
    pub life: Life,
    /// What a later step needs of an earlier one.
    pub sequence: Option<Sequence>,
    /// The allow-list of actions.
    pub actions: Vec<Action>,
    /// How an action may look, in order of preference.
    pub treatments: Vec<Treatment>,
    /// The distinct channels of the treatments, ascending.
    pub channels: Vec<Channel>,
    /// Decision tables.
    pub tables: Vec<Table>,
    /// What must hold.
    pub rules: Vec<Rule>,
    /// What must not hold.
    pub guardrails: Vec<Rule>,
    /// The counts of contact history its conditions read.
    pub counters: Vec<Counter>,
    /// How it competes.
    pub arbitration: Arbitration,
    /// What limits sending.
    pub sending: Sending,
    /// The experiment it is part of.
    pub experiment: Option<Experiment>,
    /// What it is measured by.
    pub kpis: Vec<Kpi>,
    /// What happens when a source is down.
    pub degraded: Degraded,
    /// What a person is told.
    pub explain: Explain,
}

impl Node {
    /// Whether instances are about the person rather than an object.
    pub fn is_about_person(&self) -> bool {
        &*self.object == "person"
    }

    /// The slot of a field in the cut.
    pub fn slot(&self, field: &str) -> Option<usize> {
        self.cut.fields.iter().position(|it| &*it.name == field)
    }

    /// The full cut of which a timing cut is a part; what was not asked is missing.
    pub fn full(&self, timing: &Cut) -> Cut {
        let field = |ask: &FieldAsk| {
            let at = self.timing.fields.iter().position(|it| it.name == ask.name);
            let known = at.and_then(|it| timing.fields.get(it));
            known.cloned().unwrap_or(Known::Unknown(Why::Missing))
        };
        let fields = self.cut.fields.iter().map(field).collect();
        Cut { fields, ..timing.clone() }
    }

    /// Whether a channel of the node matters to this way of asking.
    pub fn uses(&self, channel: Channel, mode: &Mode) -> bool {
        self.treatments.iter().any(|it| it.channel == channel && it.fits(mode))
    }

    /// Whether some treatment is made for this placement.
    pub fn serves(&self, placement: &str) -> bool {
        self.treatments.iter().any(|it| it.placement.as_deref() == Some(placement))
    }
}
