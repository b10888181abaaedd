//! Signals: the strings of the frameworks against vectors of their reference implementations, and
//! what each takes away.

use kernel::{Channel::Web, Instant, Known, RuleId, SystemId, Why};
use proptest::prelude::*;
use serde_json::json;

use super::{
    house::House,
    world::{NOW, World, days, grant, label, tenant, with},
};
use crate::{
    Actor, Ask, EventKind, Expression, Flag, NewEvent, Practice, Signals, Verdict,
    signal::{
        Raw, SIGNAL_BYTES_MAX, SignalError, gpc,
        gpp::{Field, GppString, Section, UsSection, layout::LAYOUTS},
        keyword::{MESSAGE_BYTES_MAX, asks_to_stop},
        mode::{ConsentMode, ConsentState, ConsentType, told_to_tags},
        tcf::{Area, Number, PublisherRestriction, Segment, TcString, VendorSet},
    },
};

const RENEWAL: &str = "marketing.renewal";
/// A string of 772 vendors, and what it is known to hold.
const EUROPE: &str = "CPi8wgAPi8wgAAOACBENCuCoAP_AAEfAACiQJHNd_H__bX9n-f7_6ft0eY1f9_r37uQzDhfNk-8F3L_W_LwX_2E7NF36tq4KmR4ku1LBIUNtHMnUDUmxaokVrzHsak2cpzNKJ_BkknsZe2dYGF9vm5tj-QKZ7_5_d3f52T_9_9v-39z33913v3d93-_13LjdV5_9H_v9fR_b8_Kf9_5-_4v8_____3_e______8AEEggCTDVuIAuxLHAm0DCKBECMKwkKoFABBQDC0QGADg4KdlYBPrCBAAgFAEYEQIcAUYEAgAAAgCQiACQIsEAAAIgEAAIAEQiEABAwCCgAsDAIAAQDQMUQoABAkIMiAiKUwICIEggJbKhBKC6Q0wgCrLACgkRsFAAiAAAUgACAsHAMESAlYsECTFG-QAjBCgFEqFaAGGgAwABBI4RABgACCRwqADAAEEjgA";
const CANADA: &str = "CPSG_8APSG_8AAyACAENGdCgf_gfgAfgfgBgABABAAABAB4AACAC.fHHHA4444ao";

/// A section's id, sensitive values, values on children, signal, and text.
type Row<'a> = (u16, &'a [u8], &'a [u8], Option<bool>, &'a str);

/// The section with every field set as the vectors set it.
fn section(id: u16, sensitive: &[u8], child: &[u8], gpc: Option<bool>) -> UsSection {
    let mut section = UsSection::blank(id).unwrap();
    let layout = LAYOUTS.iter().find(|it| it.id == id).unwrap();
    for (field, n) in layout.fields {
        let values = match field {
            Field::SensitiveDataProcessing => sensitive,
            Field::KnownChildSensitiveDataConsents => child,
            Field::MspaServiceProviderMode => &[2],
            _ => &[1][..],
        };
        assert_eq!(values.len(), usize::from(*n), "{id} {field:?}");
        assert!(section.set(*field, values));
    }
    if let Some(gpc) = gpc {
        assert!(section.set_gpc(gpc));
    }
    section
}

#[test]
fn sections_of_the_states_are_those_of_the_reference_implementation() {
    let eight = &[2, 1, 0, 2, 1, 0, 2, 1][..];
    let sixteen = &[2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2][..];
    let rows: [Row<'_>; 12] = [
        (7, sixteen, &[2, 1, 0], Some(true), "BVVVkkkkkpFY.Y"),
        (8, &[2, 1, 0, 2, 1, 0, 2, 1, 0], &[2, 1], Some(true), "BVWSSSVY.Y"),
        (13, eight, &[2, 1, 2], None, "BVWSSZlY"),
        (15, &[2, 1, 0, 2, 1, 0, 2, 1, 0, 1, 2], &[2, 1, 0], Some(true), "BVWSSRpFY.Y"),
        (16, eight, &[1], Some(true), "BVWSSVW.Y"),
        (17, &[2, 1, 0, 2, 1, 0, 2, 1, 0], &[2, 1, 0, 2, 1], Some(true), "BVWSSSSVY.Y"),
        (18, eight, &[1], Some(true), "BVVkklW.Y"),
        (19, eight, &[1], None, "BVWSSVW"),
        (20, eight, &[2, 1, 0], Some(true), "BVWSSZFY.Y"),
        (23, eight, &[1], Some(true), "BVWSSVW.Y"),
        (25, eight, &[1], Some(true), "BVVVkkk.Y"),
        (26, eight, &[1], Some(true), "BVVVkkk.Y"),
    ];
    for (id, sensitive, child, gpc, text) in rows {
        let made = section(id, sensitive, child, gpc);
        assert_eq!(made.to_string(), text, "{id}");
        assert_eq!(UsSection::parse(id, text).unwrap(), made, "{id}");
    }
    // Encoders that pad to bytes, or to 24 bits, say the same.
    for (id, text, padded) in [
        (15, "BVWSSRpFY.Y", "BVWSSRpFYA.YA"),
        (17, "BVWSSSSVY.Y", "BVWSSSSVYA.YA"),
        (18, "BVVkklW.Y", "BVVkklWA.YAAA"),
    ] {
        assert_eq!(UsSection::parse(id, padded).unwrap(), UsSection::parse(id, text).unwrap());
    }
    let mut island = UsSection::parse(27, "BVVV.kkk").unwrap();
    assert_eq!(island.values(Field::SensitiveDataProcessing), Some(eight));
    assert!(island.set(Field::SensitiveDataProcessing, &[0; 8]) && !island.set_gpc(true));
    assert_eq!(island.to_string(), "BVVV.AAA");
}

#[test]
fn the_national_section_is_read_in_both_its_lengths() {
    let long = UsSection::parse(7, "BVVVkkkkkpFY.YA").unwrap();
    assert_eq!(long.values(Field::SensitiveDataProcessing).unwrap().len(), 16);
    let short = UsSection::parse(7, "BVQqAAAACg").unwrap();
    assert_eq!(short.values(Field::SensitiveDataProcessing).unwrap().len(), 12);
    assert_eq!(short.value(Field::SharingOptOut), Some(2));
    assert_eq!((short.name(), short.gpc()), ("usnat", None));
    assert_eq!(short.to_string(), "BVQqAAAACg");
}

#[test]
fn headers_are_those_of_the_specification() {
    for (header, ids) in [
        ("DBABM", &[2][..]),
        ("DBACNY", &[2, 6]),
        ("DBABjw", &[5, 6]),
        ("DBACNYA", &[2, 6]),
        ("DBAA", &[]),
    ] {
        let read = GppString::parse(header).unwrap();
        let listed: Vec<_> = read.sections().iter().map(|it| it.0).collect();
        assert_eq!(listed, ids);
        // Nobody was asked: sections that are listed and missing are empty.
        assert!(read.sections().iter().all(|it| it.1 == Section::Empty));
        let written = read.to_string();
        assert!(header.starts_with(written.trim_end_matches('~')), "{header} {written}");
    }
}

#[test]
fn a_string_of_europe_holds_what_its_vector_says() {
    let read = TcString::parse(Area::Europe, EUROPE).unwrap();
    let numbers = [
        (Number::CmpId, 14),
        (Number::CmpVersion, 2),
        (Number::ConsentScreen, 1),
        (Number::VendorListVersion, 174),
        (Number::PolicyVersion, 2),
        (Number::IsServiceSpecific, 1),
        (Number::SpecialFeatures, 1 << 11),
    ];
    for (number, value) in numbers {
        assert_eq!(read.number(number), value, "{number:?}");
    }
    let listed =
        |f: fn(&TcString, u8) -> bool| (1..=24).filter(|it| f(&read, *it)).collect::<Vec<u8>>();
    assert_eq!(listed(TcString::agreed), (1..=10).collect::<Vec<_>>());
    assert_eq!(listed(TcString::stands_beside), [2, 6, 7, 8, 9, 10]);
    assert_eq!((read.vendors.len(), read.vendors_beside.len()), (772, 280));
    // TCF 2.0 is over: the string is whole, and means nothing any more.
    assert!(!read.is_current());
    let again = TcString::parse(Area::Europe, &read.to_string()).unwrap();
    assert_eq!(again, read);
}

#[test]
fn a_string_of_canada_holds_what_its_vector_says() {
    let read = TcString::parse(Area::Canada, CANADA).unwrap();
    assert_eq!(read.vendors, VendorSet::of([12, 24, 48]));
    assert_eq!(read.vendors_beside, VendorSet::of([18, 30]));
    assert!(read.agreed(1) && !read.agreed(7) && read.stands_beside(7));
    assert_eq!(read.to_string(), CANADA);
    let Segment::Publisher { custom, .. } = &read.segments[0] else { panic!("a publisher's") };
    assert_eq!(custom, &[(false, true), (true, false), (false, true)]);
}

#[test]
fn vendors_and_restrictions_of_three_segments_come_back() {
    let text = "CPcqBNJPcqBNJNwAAAENAwCAAAAAAAAAAAAAAAAAAAAA.YAAAAAAAAAA.QGLtV_T9fb2vj-_Z99_tkeYwf95y3p-wzhheMs-8NyZeH_B4Wv2MyvBX4JiQKGRgksjLBAQdtHGlcTQgBwIlViTLMYk2MjzNKJrJEilsbO2dYGD9Pn8HT3ZCY70-vv__7v3ff_3g.IGLtV_T9fb2vj-_Z99_tkeYwf95y3p-wzhheMs-8NyZeH_B4Wv2MyvBX4JiQKGRgksjLBAQdtHGlcTQgBwIlViTLMYk2MjzNKJrJEilsbO2dYGD9Pn8HT3ZCY70-vv__7v3ff_3g";
    let read = TcString::parse(Area::Europe, text).unwrap();
    let [_, Segment::Allowed(allowed), Segment::Disclosed(disclosed)] = read.segments.as_slice()
    else {
        panic!("three segments")
    };
    assert_eq!((allowed.len(), disclosed.len()), (434, 434));
    assert!([1, 2, 4, 6, 8, 10, 782, 786, 791].iter().all(|it| allowed.contains(*it)));
    assert!(![3, 5, 787, 792].iter().any(|it| allowed.contains(*it)));
    assert_eq!(TcString::parse(Area::Europe, &read.to_string()).unwrap(), read);
    let mut made = TcString::blank(Area::Europe);
    made.restrictions = Some(vec![PublisherRestriction {
        purpose: 3,
        kind: 1,
        vendors: VendorSet::of([2, 3, 4, 900]),
    }]);
    made.vendors = VendorSet::of([u16::MAX]);
    assert_eq!(TcString::parse(Area::Europe, &made.to_string()).unwrap(), made);
}

/// A string under the policy in force that agrees to these purposes and stands on those.
fn europe(agreed: &[u8], beside: &[u8]) -> String {
    let mut string = TcString::blank(Area::Europe);
    for purpose in 1..=11 {
        string.choose(purpose, agreed.contains(&purpose), beside.contains(&purpose));
    }
    string.to_string()
}

/// Renewal offers in an app that advertises.
fn advertising(flags: &[Flag]) -> World {
    let mut world = World::new();
    world.artifacts = with(RENEWAL, |body| {
        let flags = [json!("direct_marketing")]
            .into_iter()
            .chain(flags.iter().map(|it| serde_json::to_value(it).unwrap()));
        body["flags"] = flags.collect();
        body["tcf_purposes"] = json!([3, 4]);
        body["consent_mode"] = json!(["ad_storage"]);
    });
    world.say(1, days(-9), EventKind::Given(grant()));
    world
}

fn asked(world: &World, signals: Known<Signals>) -> Verdict {
    world.judge(&Ask { signals, ..world.ask(RENEWAL, Some(Web)) })
}

fn sent(raw: &Raw) -> Known<Signals> {
    let reading = Signals::read(raw);
    match reading.unknown {
        Some(_) => Known::Unknown(Why::Malformed),
        None => Known::Is { value: reading.signals, source: SystemId::new("test"), as_of: NOW },
    }
}

fn codes(world: &World, raw: &Raw) -> Vec<String> {
    asked(world, sent(raw)).reasons.iter().map(ToString::to_string).collect()
}

#[test]
fn each_signal_refuses_what_depends_on_it_and_nothing_else() {
    let both = advertising(&[Flag::SaleOrShare, Flag::TargetedAds]);
    let framed = advertising(&[]);
    let plain = {
        let mut world = World::new();
        world.say(1, days(-9), EventKind::Given(grant()));
        world
    };
    let gpc = Raw { gpc: true, ..Raw::default() };
    let tcf = |agreed: &[u8]| Raw { tcf: Some(europe(agreed, &[2, 7])), ..Raw::default() };
    let gpp = |text: &str| Raw { gpp: Some(text.to_owned()), ..Raw::default() };
    let mode = |kind| Raw {
        consent_mode: ConsentMode::from([(kind, ConsentState::Denied)]),
        ..Raw::default()
    };
    let rows: [(&World, Raw, &[&str]); 14] = [
        (&both, Raw::default(), &[]),
        (&both, gpc.clone(), &["JX.GPC"]),
        (&framed, gpc.clone(), &[]),
        (&plain, gpc, &[]),
        (&framed, tcf(&[1, 3, 4]), &[]),
        (&framed, tcf(&[1, 3]), &["LB.CONSENT.REFUSED"]),
        (&plain, tcf(&[]), &[]),
        (&both, gpp("DBABTA~1YNN"), &[]),
        (&both, gpp("DBABTA~1YYN"), &["JX.CCPA.OPTOUT"]),
        (&both, gpp("DBABTA~"), &["FR.UNKNOWN.SIGNALS"]),
        (&plain, gpp("DBABTA~1Z"), &[]),
        (&framed, mode(ConsentType::AdStorage), &["LB.CONSENT.REFUSED"]),
        (&both, mode(ConsentType::AdUserData), &["JX.CCPA.OPTOUT"]),
        (&framed, mode(ConsentType::AnalyticsStorage), &[]),
    ];
    for (n, (world, raw, expected)) in rows.iter().enumerate() {
        assert_eq!(codes(world, raw), *expected, "row {n}: {raw:?}");
    }
}

#[test]
fn what_cannot_be_read_refuses_what_depends_on_it() {
    let world = advertising(&[Flag::TargetedAds]);
    let mut old = TcString::blank(Area::Europe);
    old.set(Number::PolicyVersion, 3);
    old.choose(3, true, false);
    old.choose(4, true, false);
    let tcf = |text: &str| Raw { tcf: Some(text.to_owned()), ..Raw::default() };
    let gpp = |text: &str| Raw { gpp: Some(text.to_owned()), ..Raw::default() };
    for raw in [
        tcf(""),
        tcf("BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"),
        tcf(&old.to_string()),
        tcf(&"C".repeat(SIGNAL_BYTES_MAX + 1)),
        gpp(""),
        gpp("DCAA"),
        gpp("CBAA"),
        gpp("DBABM~CP"),
        gpp("DBABTA~1YNN~1YNN"),
    ] {
        assert!(Signals::read(&raw).unknown.is_some(), "{raw:?}");
        let refused = asked(&world, sent(&raw));
        assert_eq!(refused.first_reason().unwrap().code(), "FR.UNKNOWN.SIGNALS", "{raw:?}");
    }
    for unknown in [Why::Missing, Why::Malformed, Why::Stale] {
        assert!(!asked(&world, Known::Unknown(unknown)).is_permitted());
    }
    let none = Known::NotApplicable(RuleId::new("test.no_browser"));
    assert!(asked(&world, none).is_permitted());
}

#[test]
fn a_section_that_cannot_be_read_hides_no_opt_out_beside_it() {
    let mut texas = UsSection::blank(16).unwrap();
    texas.set(Field::SaleOptOut, &[1]);
    let sections = vec![(6, Section::Unknown("2YNN".into())), (16, Section::Us(texas))];
    let text = GppString::of(sections).unwrap().to_string();
    let reading = Signals::read(&Raw { gpp: Some(text), ..Raw::default() });
    assert!(reading.signals.opts_out_of(Practice::SaleOrShare));
    assert!(!reading.signals.opts_out_of(Practice::TargetedAds));
    let version = SignalError::UnknownVersion { what: "US privacy version", version: 2 };
    assert_eq!(reading.unknown, Some(version));
}

#[test]
fn a_signal_as_long_as_may_be_is_read_and_no_longer_one() {
    let longest = "1".repeat(SIGNAL_BYTES_MAX);
    assert_ne!(GppString::parse(&longest), Err(SignalError::TooLong));
    assert_eq!(GppString::parse(&format!("{longest}1")), Err(SignalError::TooLong));
    assert_ne!(TcString::parse(Area::Europe, &longest), Err(SignalError::TooLong));
    assert_eq!(TcString::parse(Area::Europe, &format!("{longest}1")), Err(SignalError::TooLong));
}

#[test]
fn only_the_value_one_is_the_global_privacy_control() {
    let counts = |values: &[&str]| gpc::counts(values.iter().map(|it| it.as_bytes()));
    assert!(counts(&["1"]) && counts(&["0", "1"]));
    for values in [&[][..], &["0"], &[""], &["true"], &["01"], &["1 "], &["1;a"], &["1,1"]] {
        assert!(!counts(values), "{values:?}");
    }
    let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 25).unwrap();
    let told = serde_json::to_value(gpc::Support::since(day)).unwrap();
    assert_eq!(told, json!({ "gpc": true, "lastUpdate": "2026-11-25" }));
}

#[test]
fn a_person_stops_text_messages_in_any_reasonable_words() {
    for text in [
        "STOP",
        "stop.",
        " Quit ",
        "END",
        "revoke",
        "Opt out",
        "opt-out!",
        "CANCEL",
        "unsubscribe",
        "please stop texting me",
        "Arrêt",
        "leave me alone",
        "abmelden",
    ] {
        assert!(asks_to_stop(text), "{text}");
    }
    for text in ["", "yes", "START", "help", "spend it", "stopwatch", "opt in and out there"] {
        assert!(!asks_to_stop(text), "{text}");
    }
    assert!(!asks_to_stop(&"a".repeat(MESSAGE_BYTES_MAX)));
    assert!(asks_to_stop(&"a".repeat(MESSAGE_BYTES_MAX + 1)));
}

#[test]
fn tags_are_told_no_more_than_every_purpose_permits() {
    let world = advertising(&[]);
    let purpose = world.artifacts.purpose(&super::world::key(RENEWAL)).unwrap();
    let told = |rows: &[bool]| {
        let rows: Vec<_> = rows.iter().map(|it| (purpose, *it)).collect();
        told_to_tags(&rows)[&ConsentType::AdStorage]
    };
    assert_eq!(told(&[true, true]), ConsentState::Granted);
    assert_eq!(told(&[true, false]), ConsentState::Denied);
    assert_eq!(told(&[]), ConsentState::Denied);
    let all = told_to_tags(&[(purpose, true)]);
    assert_eq!(all.values().filter(|it| **it == ConsentState::Granted).count(), 1);
}

fn opted_out(world: &mut World, when: Instant, by: Actor) -> uuid::Uuid {
    world.n_events += 1;
    let id = super::world::uuid(9_000 + world.n_events);
    world.keep(NewEvent {
        id,
        source: label("web"),
        node: super::world::node(3),
        kind: EventKind::OptedOut { practice: Practice::SaleOrShare },
        event_time: when,
        actor: by,
        answers: Vec::new(),
    });
    id
}

#[test]
fn only_an_explicit_yes_that_shows_the_conflict_outweighs_a_signal() {
    let by_gpc = || Actor::Signal { kind: label(gpc::ACTOR) };
    let sell = || advertising(&[Flag::SaleOrShare]);
    let gpc = Raw { gpc: true, ..Raw::default() };
    let mut world = sell();
    let id = opted_out(&mut world, NOW.plus(days(-3)), by_gpc());
    assert_eq!(codes(&world, &Raw::default()), ["JX.GPC"]);
    let mut later = world.clone();
    later.say(3, days(-1), EventKind::Given(grant()));
    assert_eq!(codes(&later, &Raw::default()), ["JX.GPC"]);
    let mut answered = world.clone();
    answered.answer(3, days(-1), EventKind::Given(grant()), vec![id]);
    assert_eq!(codes(&answered, &Raw::default()), ["JX.GPC"], "not explicit");
    let mut explicit = grant();
    explicit.expression = Expression::Explicit;
    world.answer(3, days(-1), EventKind::Given(explicit), vec![id]);
    assert!(codes(&world, &Raw::default()).is_empty());
    // The browser goes on sending what was answered; another browser is heard anew.
    assert!(codes(&world, &gpc).is_empty());
    opted_out(&mut world, NOW, by_gpc());
    assert_eq!(codes(&world, &Raw::default()), ["JX.GPC"]);
    let mut by_hand = sell();
    opted_out(&mut by_hand, NOW.plus(days(-3)), Actor::Subject);
    assert_eq!(codes(&by_hand, &Raw::default()), ["JX.CCPA.OPTOUT"]);
    assert_eq!(codes(&by_hand, &gpc), ["JX.CCPA.OPTOUT", "JX.GPC"]);
}

#[tokio::test]
async fn a_signal_is_kept_once_at_every_identifier_and_heard_anew_when_it_changes() {
    let house = House::new();
    let hear = async |raw: &Raw, message: u128| {
        let message = super::world::uuid(message);
        house.consent.hear(&tenant(), &house.person, raw, &label("web"), message).await.unwrap()
    };
    let silent = hear(&Raw::default(), 1).await;
    assert_eq!((silent.acknowledgement, house.log(1).await.len()), (None, 0));
    let gpc = Raw { gpc: true, ..Raw::default() };
    let first = hear(&gpc, 2).await.acknowledgement.unwrap();
    let kept = house.log(1).await;
    let kinds: Vec<_> = kept.iter().map(|it| it.said.kind.name()).collect();
    assert_eq!(kinds, ["opted_out"; 2]);
    assert_eq!(house.log(2).await.len(), 2);
    let again = hear(&gpc, 3).await.acknowledgement.unwrap();
    assert_eq!(again.certificate.events, first.certificate.events);
    assert_eq!(house.log(1).await, kept);
    // Beside another signal it is still the same one, and the other is new.
    let beside = Raw { gpp: Some("DBABTA~1YYN".into()), ..gpc };
    hear(&beside, 4).await;
    assert_eq!(house.log(1).await.len(), 3);
    assert_eq!(house.fact_names(), ["objection.recorded"; 3]);
    // Each text message is an act of its own, and the same message is the same act.
    let stop = Raw { sms: Some("STOP".into()), ..Raw::default() };
    for message in [5, 5, 6] {
        hear(&stop, message).await;
    }
    assert_eq!(house.log(1).await.len(), 5);
    let unread = hear(&Raw { tcf: Some("?".into()), ..Raw::default() }, 7).await;
    assert!(unread.unknown.is_some() && unread.acknowledgement.is_none());
}

fn us_sections() -> impl Strategy<Value = UsSection> {
    (7_u16..=27, proptest::collection::vec(0_u8..=2, 64), any::<Option<bool>>()).prop_map(
        |(id, values, gpc)| {
            let mut section = UsSection::blank(id).unwrap();
            let layout = LAYOUTS.iter().find(|it| it.id == id).unwrap();
            let mut at = 0;
            for (field, n) in layout.fields {
                let end = at + usize::from(*n);
                assert!(section.set(*field, &values[at..end]));
                at = end;
            }
            if let Some(gpc) = gpc {
                section.set_gpc(gpc);
            }
            section
        },
    )
}

fn tc_strings() -> impl Strategy<Value = TcString> {
    let vendors = || proptest::collection::vec(1_u16.., 0..40).prop_map(VendorSet::of);
    (any::<[u64; 14]>(), vendors(), vendors(), any::<bool>()).prop_map(
        |(numbers, vendors, vendors_beside, canada)| {
            let area = if canada { Area::Canada } else { Area::Europe };
            let mut string = TcString::blank(area);
            let named = [
                (Number::Created, 36),
                (Number::CmpId, 12),
                (Number::ConsentLanguage, 12),
                (Number::Purposes, 24),
                (Number::PurposesBeside, 24),
            ];
            for ((number, n_bits), value) in named.into_iter().zip(numbers) {
                assert!(string.set(number, value & ((1 << n_bits) - 1)));
            }
            string.segments.push(Segment::Disclosed(vendors.clone()));
            string.vendors = vendors;
            string.vendors_beside = vendors_beside;
            string
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(sections in proptest::collection::btree_map(7_u16..=27, us_sections(), 0..6), string in tc_strings()) {
        let area = string.area();
        prop_assert_eq!(&TcString::parse(area, &string.to_string()).unwrap(), &string);
        let id = if area == Area::Europe { 2 } else { 5 };
        let sections: Vec<_> = [(id, Section::Tcf(string))]
            .into_iter()
            .chain(sections.into_values().map(|it| (it.id(), it)).collect::<std::collections::BTreeMap<_, _>>()
                .into_iter().map(|(id, it)| (id, Section::Us(it))))
            .chain([(60, Section::Unknown("AAAA".into()))])
            .collect();
        let made = GppString::of(sections).unwrap();
        prop_assert_eq!(GppString::parse(&made.to_string()).unwrap(), made);
    }

    #[test]
    fn no_text_panics_and_none_permits_more_than_silence(text in "[A-Za-z0-9_~.-]{0,120}") {
        let world = advertising(&[Flag::SaleOrShare, Flag::TargetedAds]);
        for raw in [
            Raw { gpp: Some(text.clone()), ..Raw::default() },
            Raw { gpp: Some(format!("DBABM~{text}")), ..Raw::default() },
            Raw { gpp: Some(format!("DBAC7Y~{text}~{text}")), ..Raw::default() },
            Raw { tcf: Some(text.clone()), ..Raw::default() },
            Raw { tcf: Some(format!("C{text}")), ..Raw::default() },
        ] {
            let silent = asked(&world, sent(&Raw::default()));
            let heard = asked(&world, sent(&raw));
            prop_assert!(silent.is_permitted() || !heard.is_permitted());
            let mut refused = world.clone();
            refused.say(1, days(-1), super::world::withdrawn(crate::PurposeScope::All));
            prop_assert!(!asked(&refused, sent(&raw)).is_permitted());
        }
    }

    #[test]
    fn a_bit_turned_is_read_or_refused_and_never_panics(at in 0_usize..400, to in 0_u8..64) {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for text in [EUROPE, CANADA, "DBABrw~BVVVkkkkkpFY.YA"] {
            let mut bent = text.as_bytes().to_vec();
            let at = at % bent.len();
            bent[at] = alphabet[usize::from(to)];
            let bent = String::from_utf8(bent).unwrap();
            for area in [Area::Europe, Area::Canada] {
                if let Ok(read) = TcString::parse(area, &bent) {
                    prop_assert_eq!(TcString::parse(area, &read.to_string()).unwrap(), read);
                }
            }
            if let Ok(read) = GppString::parse(&bent) {
                let again = GppString::parse(&read.to_string()).unwrap();
                prop_assert_eq!(again.sections().len(), read.sections().len());
            }
        }
    }
}
