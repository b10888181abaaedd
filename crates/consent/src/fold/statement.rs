//! What was stated about the person: evidence for a basis, or for the law that applies.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use kernel::NodeId;

use super::{Act, Acts};
use crate::{
    EventKind, Label, State, Statement,
    snapshot::{Contract, Emergency},
};

/// The longest a request for a contract may be relied on.
pub(crate) const PRECONTRACT_TTL_MAX: TimeDelta = TimeDelta::days(90);
/// The longest an emergency may be relied on.
pub(crate) const VITAL_TTL_MAX: TimeDelta = TimeDelta::hours(72);

pub(super) fn fold(acts: &Acts<'_>, state: &mut State) {
    let mut jurisdictions = BTreeMap::new();
    let mut born = BTreeMap::new();
    let mut zones = BTreeMap::new();
    let mut contracts = BTreeMap::new();
    let mut emergencies = BTreeSet::new();
    for act in acts.iter() {
        let EventKind::Stated(statement) = &act.event.said.kind else { continue };
        let node = act.node();
        match statement {
            Statement::Jurisdiction { jurisdiction } => {
                jurisdictions.insert(node, *jurisdiction);
            }
            Statement::BirthYear { year } => {
                born.insert(node, *year);
            }
            Statement::TimeZone { zone } => {
                zones.insert(node, *zone);
            }
            Statement::Contract { of_type, reference, active, until } if act.hard || !active => {
                let contract = Contract {
                    of_type: of_type.clone(),
                    active: *active,
                    until: *until,
                    pending: false,
                    place: act.event.place(),
                };
                contracts.insert(ContractKey::of(act, of_type, reference.as_ref()), contract);
            }
            Statement::PreContract { of_type, until } if act.hard => {
                let until = (*until).min(act.at().plus(PRECONTRACT_TTL_MAX));
                let (of_type, place) = (of_type.clone(), act.event.place());
                let key = ContractKey::Asked(of_type.clone(), node);
                let asked =
                    Contract { of_type, active: true, until: Some(until), pending: true, place };
                contracts.insert(key, asked);
            }
            Statement::Emergency { until, last_resort, .. } if act.hard => {
                let until = (*until).min(act.at().plus(VITAL_TTL_MAX));
                let (last_resort, place) = (*last_resort, act.event.place());
                emergencies.insert(Emergency { until, last_resort, place });
            }
            Statement::Contract { .. }
            | Statement::PreContract { .. }
            | Statement::Emergency { .. } => {}
        }
    }
    state.jurisdictions = distinct(jurisdictions.into_values());
    // The youngest anyone stated: a child is a child whoever says so.
    state.born = born.into_values().max().unwrap_or(0);
    let mut zones: Vec<_> = zones.into_values().collect();
    zones.sort_by_key(|it| it.0.name());
    zones.dedup();
    state.zones = zones;
    state.contracts = distinct(contracts.into_values());
    state.emergencies = emergencies.into_iter().collect();
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What makes two statements speak of the same contract: its reference, or else the node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum ContractKey {
    Referenced(Label, Label),
    OfNode(Label, NodeId),
    /// Asked for at a node, and not made yet.
    Asked(Label, NodeId),
}

impl ContractKey {
    fn of(act: &Act<'_>, of_type: &Label, reference: Option<&Label>) -> Self {
        match reference {
            Some(it) => Self::Referenced(of_type.clone(), it.clone()),
            None => Self::OfNode(of_type.clone(), act.node()),
        }
    }
}
