//! What a node achieved: its lift with an interval, or why there is none.

use kernel::{Class, JourneyNode, Reason};

use crate::{
    assign::Arm,
    decimal::Decimal,
    evidence::{ArmTally, Tally},
    plan::{Direction, NodePlan},
    statistics::{Share, newcombe, pooled_z, srm},
};

/// The fewest units of an arm that are shown as a number.
pub const CELL_UNITS_MIN: u64 = 20;
/// The p below which the sizes of the arms raise an alarm.
pub const SRM_ALARM: f64 = 0.001;

/// Nothing was measured yet.
pub const UNKNOWN: Reason = Reason::of("ME.UNKNOWN");
/// An arm is too small to be shown.
pub const CELL_SMALL: Reason = Reason::of("ME.CELL_SMALL");
/// Nobody is held out, so there is nothing to compare with.
pub const NOT_RANDOMIZED: Reason = Reason::of("ME.COMPARISON_NOT_RANDOMIZED");
/// The arms have not the sizes that the logged probabilities imply.
pub const SRM: Reason = Reason::of("ME.SRM");
/// Some units may still convert.
pub const IMMATURE: Reason = Reason::of("ME.IMMATURE");
/// Some units were seen in both arms and are left out.
pub const CONTAMINATED: Reason = Reason::of("ME.CONTAMINATED");

/// An estimate with its 95 % interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// The estimate.
    pub estimate: Decimal,
    /// The lower end.
    pub lower: Decimal,
    /// The upper end.
    pub upper: Decimal,
    /// The two-sided p of no difference (pooled z, fixed horizon); absent where it has none.
    pub p_value: Option<Decimal>,
}

/// Whether the arms have the sizes they should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Balance {
    /// Too few units to tell.
    Unknown,
    /// As the logged probabilities imply, with this p.
    Even(Decimal),
    /// Not as they imply, with this p: no effect is shown.
    Alarm(Decimal),
}

/// What a node achieved, by intention to treat: all assigned units, by assigned arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeResult {
    /// The node.
    pub node: JourneyNode,
    /// Its class.
    pub class: Class,
    /// Its primary measure.
    pub kpi: String,
    /// Which way is good.
    pub direction: Direction,
    /// The treated.
    pub treated: ArmTally,
    /// The held out.
    pub control: ArmTally,
    /// Units seen in both arms, left out.
    pub contaminated: u64,
    /// Treated minus control, in shares of units; absent with the first note saying why.
    pub lift: Option<Interval>,
    /// Whether the arms have the sizes they should have.
    pub srm: Balance,
    /// What a reader must know, gravest first.
    pub notes: Vec<Reason>,
}

/// The result of a node: a pure function of its plan and its statistics.
pub fn evaluate(plan: &NodePlan, tally: &Tally) -> NodeResult {
    let (treated, control) = (tally.arm(Arm::Treatment), tally.arm(Arm::Control));
    let srm = balance(tally, treated);
    let barred = barrier(plan, treated, control, &srm);
    let lift = if barred.is_none() { lift(treated, control) } else { None };
    let mut notes: Vec<_> = barred.into_iter().collect();
    if treated.mature < treated.units || control.mature < control.units {
        notes.push(IMMATURE);
    }
    if tally.contaminated > 0 {
        notes.push(CONTAMINATED);
    }
    NodeResult {
        node: plan.node.clone(),
        class: plan.class,
        kpi: plan.kpi.name.clone(),
        direction: plan.kpi.direction,
        treated,
        control,
        contaminated: tally.contaminated,
        lift,
        srm,
        notes,
    }
}

fn balance(tally: &Tally, treated: ArmTally) -> Balance {
    let Some(p) = srm(treated.units, tally.strata()) else { return Balance::Unknown };
    match Decimal::new(p) {
        None => Balance::Unknown,
        Some(it) if p < SRM_ALARM => Balance::Alarm(it),
        Some(it) => Balance::Even(it),
    }
}

/// Why no effect may be shown, if so.
fn barrier(plan: &NodePlan, treated: ArmTally, control: ArmTally, srm: &Balance) -> Option<Reason> {
    if plan.class == Class::Obligation || plan.holdback_ppm == 0 {
        return Some(NOT_RANDOMIZED);
    }
    if treated.units == 0 && control.units == 0 {
        return Some(UNKNOWN);
    }
    if matches!(srm, Balance::Alarm(_)) {
        return Some(SRM);
    }
    (treated.units.min(control.units) < CELL_UNITS_MIN).then_some(CELL_SMALL)
}

fn lift(treated: ArmTally, control: ArmTally) -> Option<Interval> {
    let a = Share::new(treated.converted, treated.units)?;
    let b = Share::new(control.converted, control.units)?;
    let it = newcombe(a, b);
    Some(Interval {
        estimate: Decimal::new(it.estimate)?,
        lower: Decimal::new(it.lower)?,
        upper: Decimal::new(it.upper)?,
        p_value: pooled_z(a, b).and_then(Decimal::new),
    })
}
