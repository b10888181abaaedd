//! A journey node: when it may act, for which purpose, on which facts, and how.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use kernel::{Channel, Class, Currency, Digest, JourneyNode, Known, Period, PurposeRef, Tier, Why};

use crate::{
    condition::{Program, Type},
    inputs::{Cut, CutSpec, FieldAsk},
};

mod compile;
mod file;
mod lint;

pub(crate) use compile::compile;

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

    /// Whether some treatment is made for this placement.
    pub fn serves(&self, placement: &str) -> bool {
        self.treatments.iter().any(|it| it.placement.as_deref() == Some(placement))
    }
}

/// What sets a node off.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// Something happened.
    Event(EventTrigger),
    /// A date is near.
    Date(DateTrigger),
    /// Nothing happened for a while.
    Inactivity(InactivityTrigger),
}

impl Trigger {
    /// How long after its due instant an occurrence may still be decided.
    pub const fn missed(&self) -> Period {
        match self {
            Self::Event(it) => it.missed,
            Self::Date(it) => it.calendar.missed,
            Self::Inactivity(it) => it.calendar.missed,
        }
    }
}

/// An event, perhaps after a delay.
#[derive(Debug, Clone)]
pub struct EventTrigger {
    /// The event type.
    pub event: Arc<str>,
    /// Which of them.
    pub when: Option<Program>,
    /// The payload members the condition reads, by slot.
    pub payload: Vec<Arc<str>>,
    /// The types they are used as, by slot.
    pub types: Vec<Option<Type>>,
    /// How long to wait.
    pub delay: Period,
    /// Older events are too late.
    pub max_age: Period,
    /// How late it may be decided.
    pub missed: Period,
}

/// A date of the person's, moved by offsets.
#[derive(Debug, Clone)]
pub struct DateTrigger {
    /// The field that holds the date, as a slot of the cut.
    pub anchor: usize,
    /// The offsets, each an occurrence of its own.
    pub offsets: Vec<Offset>,
    /// The local time of day.
    pub calendar: Calendar,
}

/// One offset and its label.
#[derive(Debug, Clone)]
pub struct Offset {
    /// As written.
    pub label: Arc<str>,
    /// How far from the anchor.
    pub period: Period,
}

/// A pause after activity.
#[derive(Debug, Clone)]
pub struct InactivityTrigger {
    /// The activity.
    pub since: Arc<str>,
    /// The field that holds its last instant, as a slot of the cut.
    pub last: usize,
    /// How long a pause.
    pub after: Period,
    /// The local time of day.
    pub calendar: Calendar,
}

/// Local time: hour, spread and zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The local time of day.
    pub at: NaiveTime,
    /// Occurrences spread evenly over this span, by their key.
    pub spread: Period,
    /// The field that holds the person's zone, as a slot of the cut.
    pub zone: Option<usize>,
    /// The zone assumed where it is not known; for the date only.
    pub zone_unknown: Tz,
    /// How late it may be decided.
    pub missed: Period,
}

/// When a journey ends and may begin again.
#[derive(Debug, Clone)]
pub struct Life {
    /// Events that end it.
    pub cancel_on: Vec<Arc<str>>,
    /// What re-entry counts per.
    pub per: Per,
    /// The least time between two entries.
    pub cooldown: Period,
    /// The most entries within the window.
    pub max: u32,
    /// The window.
    pub window: Period,
}

/// What re-entry counts per.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// The business object.
    Object,
    /// The object at one anchor date.
    ObjectAnchor,
    /// The object at one offset.
    ObjectOffset,
    /// The person.
    Episode,
}

/// What a later step needs of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// The offset this governs.
    pub label: Arc<str>,
    /// The earlier offset.
    pub after: Arc<str>,
    /// The state of contact it needs.
    pub state: Arc<str>,
    /// What happens without it.
    pub otherwise: Otherwise,
}

/// What happens when an earlier step is not in the state a later one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// The duty stands.
    Act,
    /// The step is left out.
    Skip,
}

/// One thing a node may do.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its id within the node.
    pub id: Arc<str>,
    /// Whether it is the smallest one.
    pub smallest: bool,
    /// What it costs, in minor units.
    pub cost: i64,
    /// What success is worth, in minor units.
    pub value: i64,
    /// How long it stays sensible.
    pub ttl: Period,
    /// What happens while it is held.
    pub on_hold: OnHold,
}

/// What happens to an action that is held at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnHold {
    /// Decide again.
    Redecide,
    /// Wait as it is.
    Wait,
    /// Give up.
    Drop,
}

impl OnHold {
    /// The name in files and facts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redecide => "redecide",
            Self::Wait => "wait",
            Self::Drop => "drop",
        }
    }
}

/// One way an action may look.
#[derive(Debug, Clone)]
pub struct Treatment {
    /// Its id within the node.
    pub id: Arc<str>,
    /// The action, as an index.
    pub action: usize,
    /// The channel.
    pub channel: Channel,
    /// The channel, as an index of [`Node::channels`].
    pub(crate) channel_idx: usize,
    /// The placement; without one it is sent.
    pub placement: Option<Arc<str>>,
    /// The template.
    pub template: ArtifactPin,
    /// Which people it fits.
    pub when: Option<Program>,
    /// The fields it cannot do without, as slots.
    pub needs: Vec<usize>,
}

/// A name pinned by the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactPin {
    /// The name.
    pub name: Arc<str>,
    /// The digest.
    pub digest: Digest,
    /// The digest as records print it.
    pub(crate) text: Arc<str>,
}

/// A decision table: the first row that holds gives the value.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its id within the node.
    pub id: Arc<str>,
    /// Whether two rows that hold make it unknown.
    pub unique: bool,
    /// Conditions and values.
    pub rows: Vec<(Program, Arc<str>)>,
}

/// A stage of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Who may.
    Eligibility,
    /// Whether it matters now.
    Applicability,
    /// Whether it is in the person's interest.
    Suitability,
    /// What nothing overrides.
    Guardrail,
}

impl Stage {
    /// The name in files and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eligibility => "eligibility",
            Self::Applicability => "applicability",
            Self::Suitability => "suitability",
            Self::Guardrail => "guardrail",
        }
    }
}

/// A condition with a name.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its id within the node.
    pub id: Arc<str>,
    /// Its stage.
    pub stage: Stage,
    /// The condition.
    pub condition: Program,
    /// The sentence that explains it.
    pub say: Arc<str>,
    /// The actions it governs, as a bit mask.
    pub actions: u16,
}

impl Rule {
    /// Whether it governs this action.
    pub const fn governs(&self, action: usize) -> bool {
        self.actions >> action & 1 == 1
    }
}

/// A count of contact history: outcomes of this node within a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The outcome.
    pub outcome: Arc<str>,
    /// The window.
    pub window: Period,
}

/// How a node competes.
#[derive(Debug, Clone)]
pub struct Arbitration {
    /// Nodes of one group have one winner; obligations do not compete.
    pub group: Option<Arc<str>>,
    /// Smaller goes first among equals.
    pub rank: u8,
    /// What becomes of a loser.
    pub on_lose: OnLose,
    /// The probability of success in millionths.
    pub prior_ppm: u32,
    /// The sum of the business levers, in points.
    pub levers: i64,
    /// Points for hints of the moment.
    pub context: Vec<ContextPair>,
}

/// Points for a hint that matches.
#[derive(Debug, Clone)]
pub struct ContextPair {
    /// The hint.
    pub key: Arc<str>,
    /// The value it must have.
    pub value: Arc<str>,
    /// The points.
    pub points: i64,
}

/// What becomes of an outranked occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLose {
    /// It tries again later.
    Defer,
    /// It is settled.
    Drop,
}

/// What limits sending.
#[derive(Debug, Clone)]
pub struct Sending {
    /// The contact caps.
    pub caps: Vec<ArtifactPin>,
    /// The class of quiet hours.
    pub quiet_hours: Arc<str>,
}

/// What an experiment is randomised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The person.
    Person,
    /// The occurrence.
    Occurrence,
}

impl Unit {
    /// The name in files and facts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Occurrence => "occurrence",
        }
    }
}

/// The experiment a node is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// What is randomised.
    pub unit: Unit,
    /// The layer of bucketing.
    pub layer: Arc<str>,
    /// The share held back, in millionths.
    pub holdback_ppm: u32,
}

/// A measure of success or harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kpi {
    /// The metric.
    pub metric: Arc<str>,
    /// Whether it is the primary one.
    pub primary: bool,
    /// Whether up is good.
    pub up: bool,
    /// How long after the decision it counts.
    pub horizon: Period,
    /// Where the comparison comes from.
    pub counterfactual: Arc<str>,
    /// The margin in millionths.
    pub margin_ppm: u32,
}

/// What a node does when a source is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Degraded {
    /// Context.
    pub context: Fallback,
    /// Contact history.
    pub history: Fallback,
    /// When to try again.
    pub retry: Period,
}

/// The choices for a source that is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Try again later; an inbound ask gets nothing.
    Retry,
    /// Say no.
    Refuse,
    /// The send gate decides; obligations only.
    ProceedToGate,
}

/// What a person is told about a decision.
#[derive(Debug, Clone)]
pub struct Explain {
    /// The opening sentence.
    pub because: Arc<str>,
    /// One sentence per `say` code.
    pub sentences: BTreeMap<Arc<str>, Arc<str>>,
    /// The fields whose values may be shown, as slots.
    pub facts: Vec<usize>,
}
