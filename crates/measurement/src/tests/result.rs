//! From statistics to what a reader is told.

use kernel::{Class, Reason};

use super::plan;
use crate::{
    assign::Arm,
    evidence::{Cell, Tally},
    result::{
        Balance, CELL_SMALL, CELL_UNITS_MIN, CONTAMINATED, IMMATURE, NOT_RANDOMIZED, SRM, UNKNOWN,
        evaluate,
    },
};

fn tally(treated: (u64, u64), control: (u64, u64)) -> Tally {
    let cell = |arm, (units, converted)| Cell {
        arm,
        propensity_ppm: 500_000,
        units,
        exposed: 0,
        converted,
        mature: units,
    };
    let cells = vec![cell(Arm::Control, control), cell(Arm::Treatment, treated)];
    Tally { cells: cells.into_iter().filter(|it| it.units > 0).collect(), contaminated: 0 }
}

fn told(class: Class, holdback_ppm: u32, tally: &Tally) -> (bool, Vec<Reason>) {
    let it = evaluate(&plan("renewal.day90", class, holdback_ppm), tally);
    (it.lift.is_some(), it.notes)
}

#[test]
fn a_lift_is_shown_only_where_it_means_something() {
    let small = CELL_UNITS_MIN - 1;
    let good = tally((100, 40), (100, 20));
    let cases = [
        (Class::Marketing, 500_000, good.clone(), true, vec![]),
        (Class::Service, 500_000, good.clone(), true, vec![]),
        (Class::Marketing, 500_000, tally((0, 0), (0, 0)), false, vec![UNKNOWN]),
        (Class::Marketing, 500_000, tally((CELL_UNITS_MIN, 1), (CELL_UNITS_MIN, 0)), true, vec![]),
        (
            Class::Marketing,
            500_000,
            tally((small, 1), (CELL_UNITS_MIN, 0)),
            false,
            vec![CELL_SMALL],
        ),
        (
            Class::Marketing,
            500_000,
            tally((CELL_UNITS_MIN, 1), (small, 0)),
            false,
            vec![CELL_SMALL],
        ),
        (Class::Marketing, 500_000, tally((300, 1), (100, 0)), false, vec![SRM]),
        (Class::Marketing, 0, good.clone(), false, vec![NOT_RANDOMIZED]),
        (Class::Obligation, 500_000, good, false, vec![NOT_RANDOMIZED]),
    ];
    for (class, holdback, tally, shown, notes) in cases {
        assert_eq!(told(class, holdback, &tally), (shown, notes), "{class} {tally:?}");
    }
}

#[test]
fn the_lift_is_the_difference_of_shares_in_decimals() {
    let it =
        evaluate(&plan("renewal.day90", Class::Marketing, 500_000), &tally((70, 56), (80, 48)));
    let lift = it.lift.unwrap();
    assert_eq!(lift.estimate.as_str(), "0.2");
    assert_eq!(lift.lower.as_str().get(..6), Some("0.0524"));
    assert_eq!(lift.upper.as_str().get(..6), Some("0.3338"));
    assert_eq!(lift.p_value.unwrap().as_str().get(..6), Some("0.0080"));
    assert!(matches!(it.srm, Balance::Even(_)));
    assert_eq!((it.treated.units, it.control.converted), (70, 48));
}

#[test]
fn nobody_converting_is_a_lift_of_zero_with_a_width_and_no_p() {
    let it = evaluate(&plan("renewal.day90", Class::Marketing, 500_000), &tally((70, 0), (80, 0)));
    let lift = it.lift.unwrap();
    assert_eq!((lift.estimate.as_str(), lift.p_value), ("0", None));
    assert!(lift.lower.to_f64() < 0.0 && lift.upper.to_f64() > 0.0);
}

#[test]
fn readers_learn_what_may_still_change_and_what_was_left_out() {
    let mut it = tally((100, 40), (100, 20));
    it.cells[0].mature = 99;
    it.contaminated = 3;
    assert_eq!(told(Class::Marketing, 500_000, &it), (true, vec![IMMATURE, CONTAMINATED]));
}

#[test]
fn too_few_units_to_judge_the_sizes_is_unknown_not_even() {
    let it = evaluate(&plan("renewal.day90", Class::Marketing, 500_000), &tally((3, 0), (4, 0)));
    assert_eq!(it.srm, Balance::Unknown);
}
