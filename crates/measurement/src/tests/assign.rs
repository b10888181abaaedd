//! The draw.

use kernel::{BucketKey, JourneyNode, OccurrenceKey, SubjectId, bucket};
use proptest::prelude::*;

use crate::assign::{Arm, Draw, Unit, WHOLE_PPM, assign};

const KEY: BucketKey = BucketKey::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

fn node(name: &str) -> JourneyNode {
    JourneyNode::new(name).unwrap()
}

fn person(n: u128) -> SubjectId {
    SubjectId::from_uuid(uuid_of(n))
}

fn uuid_of(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0189_0a5d_ac96_774b_8000_0000_0000_0000 + n)
}

fn draw(n: u128, holdback_ppm: u32) -> Draw {
    assign(&KEY, &node("renewal.day90"), Unit::Person(person(n)), holdback_ppm)
}

#[test]
fn the_draw_names_the_layer_the_seed_and_the_probability_of_its_arm() {
    let it = draw(7, 100_000);
    assert_eq!((&*it.layer, it.seed), ("node:renewal.day90", "n1"));
    let wanted = bucket(&KEY, "node:renewal.day90", "n1", "person", &uuid_of(7).to_string());
    assert_eq!(it.bucket, wanted);
    for n in 0..200 {
        let it = draw(n, 300_000);
        let (arm, ppm) =
            if it.bucket < 700_000 { (Arm::Treatment, 700_000) } else { (Arm::Control, 300_000) };
        assert_eq!((it.arm, it.propensity_ppm), (arm, ppm));
    }
}

#[test]
fn nobody_is_held_out_of_a_node_without_holdback_and_everybody_of_a_whole_one() {
    for n in 0..500 {
        assert_eq!((draw(n, 0).arm, draw(n, 0).propensity_ppm), (Arm::Treatment, WHOLE_PPM));
        for whole in [WHOLE_PPM, WHOLE_PPM + 1, u32::MAX] {
            assert_eq!(
                (draw(n, whole).arm, draw(n, whole).propensity_ppm),
                (Arm::Control, WHOLE_PPM)
            );
        }
    }
}

#[test]
fn occasions_of_one_person_draw_each_for_themselves() {
    let at = |it: u8| {
        let key = OccurrenceKey([it; 32]);
        assign(&KEY, &node("service.recovery"), Unit::Occurrence(person(1), &key), 500_000).arm
    };
    let arms: std::collections::BTreeSet<_> = (0..64).map(at).collect();
    assert_eq!(arms.len(), 2);
    assert_eq!(at(3), at(3));
}

#[test]
fn the_share_held_out_is_the_share_asked_for() {
    let held = (0..20_000).filter(|it| draw(*it, 100_000).arm == Arm::Control).count();
    // Four standard deviations of the binomial.
    assert!((1_830..=2_170).contains(&held), "{held} of 20000");
}

#[test]
fn arms_have_names() {
    for arm in [Arm::Control, Arm::Treatment] {
        assert_eq!(arm.as_str().parse(), Ok(arm));
    }
    assert!("treated".parse::<Arm>().is_err());
}

proptest! {
    /// Growing a holdback never moves anybody out of it.
    #[test]
    fn a_growing_holdback_only_gains_members(n: u64, a in 0..=WHOLE_PPM, b in 0..=WHOLE_PPM) {
        let (small, large) = (a.min(b), a.max(b));
        if draw(n.into(), small).arm == Arm::Control {
            prop_assert_eq!(draw(n.into(), large).arm, Arm::Control);
        }
    }

    /// The arm at one node says nothing about the arm at another: layers differ.
    #[test]
    fn nodes_draw_from_layers_of_their_own(n: u64) {
        let other = assign(&KEY, &node("onboarding.stalled"), Unit::Person(person(n.into())), 1);
        prop_assert_eq!(&*other.layer, "node:onboarding.stalled");
    }
}
