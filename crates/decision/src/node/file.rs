//! The shape of a node file, as written.

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;
use kernel::{Channel, Class, Currency, JourneyNode, Period, PurposeKey, Tier};
use serde::Deserialize;

pub(super) const SCHEMA: &str = "node/1";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) node: Head,
    pub(super) purpose: Purpose,
    pub(super) boundary: Boundary,
    pub(super) trigger: Trigger,
    pub(super) life: Life,
    pub(super) sequence: Option<Sequence>,
    pub(super) data: Data,
    pub(super) actions: Vec<Action>,
    pub(super) treatments: Vec<Treatment>,
    #[serde(default)]
    pub(super) tables: Vec<Table>,
    #[serde(default)]
    pub(super) rules: Vec<Rule>,
    #[serde(default)]
    pub(super) guardrails: Vec<Guardrail>,
    #[serde(default)]
    pub(super) arbitration: Arbitration,
    pub(super) sending: Sending,
    pub(super) experiment: Option<Experiment>,
    pub(super) kpis: Vec<Kpi>,
    pub(super) degraded: Degraded,
    pub(super) explain: Explain,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) schema: String,
    pub(super) name: JourneyNode,
    pub(super) owner: Arc<str>,
    pub(super) class: Class,
    pub(super) tier: Tier,
    pub(super) object: Arc<str>,
    pub(super) currency: Currency,
    pub(super) expires_on: NaiveDate,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Purpose {
    pub(super) key: PurposeKey,
    pub(super) version: u32,
    pub(super) basis: BTreeMap<Arc<str>, Arc<str>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Boundary {
    #[serde(rename = "ref")]
    pub(super) name: Arc<str>,
    pub(super) systems: Vec<String>,
    #[serde(default)]
    pub(super) deny_fields: Vec<Arc<str>>,
    pub(super) max_fields: usize,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Trigger {
    Event {
        event: Arc<str>,
        when: Option<String>,
        delay: Period,
        max_age: Period,
        missed: Period,
    },
    Date {
        anchor: String,
        offsets: Vec<Period>,
        at: String,
        spread: Period,
        zone: Option<String>,
        zone_unknown: String,
        missed: Period,
    },
    Inactivity {
        since: Arc<str>,
        last: String,
        after: Period,
        at: String,
        spread: Period,
        zone: Option<String>,
        zone_unknown: String,
        missed: Period,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Life {
    pub(super) cancel_on: Vec<Arc<str>>,
    pub(super) per: Per,
    pub(super) cooldown: Period,
    pub(super) max: u32,
    pub(super) window: Period,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) enum Per {
    #[serde(rename = "object")]
    Object,
    #[serde(rename = "object+anchor")]
    ObjectAnchor,
    #[serde(rename = "object+offset")]
    ObjectOffset,
    #[serde(rename = "episode")]
    Episode,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sequence {
    pub(super) label: Arc<str>,
    pub(super) after: Arc<str>,
    pub(super) state: Arc<str>,
    pub(super) otherwise: Otherwise,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Otherwise {
    Act,
    Skip,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    #[serde(default)]
    pub(super) required: BTreeMap<Arc<str>, Period>,
    #[serde(default)]
    pub(super) optional: BTreeMap<Arc<str>, Period>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    pub(super) id: Arc<str>,
    #[serde(default)]
    pub(super) smallest: bool,
    pub(super) cost: i64,
    pub(super) value: i64,
    pub(super) ttl: Period,
    pub(super) on_hold: OnHold,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnHold {
    Redecide,
    Wait,
    Drop,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Treatment {
    pub(super) id: Arc<str>,
    pub(super) action: String,
    pub(super) channel: Channel,
    pub(super) template: Arc<str>,
    pub(super) placement: Option<Arc<str>>,
    pub(super) when: Option<String>,
    #[serde(default)]
    pub(super) needs: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) id: Arc<str>,
    pub(super) hit: Hit,
    pub(super) rows: Vec<(String, Arc<str>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Hit {
    First,
    Unique,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) id: Arc<str>,
    pub(super) stage: Stage,
    pub(super) require: String,
    pub(super) say: Arc<str>,
    pub(super) actions: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    Eligibility,
    Applicability,
    Suitability,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Guardrail {
    pub(super) id: Arc<str>,
    pub(super) forbid: String,
    pub(super) say: Arc<str>,
    pub(super) actions: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arbitration {
    pub(super) compete: Option<Compete>,
    pub(super) weights: Option<Weights>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Compete {
    pub(super) group: Arc<str>,
    pub(super) rank: u8,
    pub(super) on_lose: OnLose,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnLose {
    Defer,
    Drop,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weights {
    pub(super) prior_ppm: u32,
    #[serde(default)]
    pub(super) levers: Vec<i64>,
    #[serde(default)]
    pub(super) context: Vec<ContextPair>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContextPair {
    pub(super) key: Arc<str>,
    pub(super) value: Arc<str>,
    pub(super) points: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sending {
    pub(super) caps: Vec<Arc<str>>,
    pub(super) quiet_hours: Arc<str>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Experiment {
    pub(super) unit: Unit,
    pub(super) layer: Arc<str>,
    pub(super) holdback_ppm: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unit {
    Person,
    Occurrence,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kpi {
    pub(super) metric: Arc<str>,
    pub(super) role: Role,
    pub(super) direction: Direction,
    pub(super) horizon: Period,
    pub(super) counterfactual: Arc<str>,
    pub(super) margin_ppm: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    Primary,
    Guardrail,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    Up,
    Down,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Degraded {
    pub(super) context: Fallback,
    pub(super) history: Fallback,
    pub(super) retry: Period,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fallback {
    Retry,
    Refuse,
    ProceedToGate,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Explain {
    pub(super) because: Arc<str>,
    #[serde(default)]
    pub(super) facts: Vec<String>,
    #[serde(default)]
    pub(super) sentences: BTreeMap<Arc<str>, Arc<str>>,
}
