//! Behaviour of the shared words.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use serde_json::json;

use crate::{
    contract::{FeedFixture, hint::HintFixture, lease::LeaseFixture},
    memory::{MemoryFeed, MemoryHints, MemoryLeases},
    window::Window,
    *,
};

#[derive(Debug)]
struct Memory(Arc<MemoryFeed>);

#[async_trait::async_trait]
impl FeedFixture for Memory {
    fn feed(&self) -> &dyn FactFeed {
        &*self.0
    }

    async fn commit(&self, facts: &[Fact]) {
        self.0.push(facts);
    }
}

crate::feed_suite!(memory_feed, async { super::Memory(std::sync::Arc::default()) });

impl LeaseFixture for MemoryLeases {
    fn book(&self) -> &dyn LeaseBook {
        self
    }
}

crate::lease_suite!(memory_leases, async {
    super::MemoryLeases::new(std::sync::Arc::new(super::ManualClock::at(super::Instant::EPOCH)))
});

impl HintFixture for MemoryHints {
    fn one(&self) -> &dyn HintBus {
        self
    }

    fn other(&self) -> &dyn HintBus {
        self
    }
}

crate::hint_suite!(memory_hints, async { super::MemoryHints::default() });

#[tokio::test]
async fn an_outage_is_a_fault_that_may_pass() {
    let feed = MemoryFeed::default();
    feed.set_outage(true);
    let fault = feed.take("one", Limit::default()).await.unwrap_err();
    assert_eq!(fault.recovery(), Recovery::Retry);
}

#[test]
fn ids_print_their_kind_and_read_back() {
    let entropy = SeededEntropy::new(7);
    let id = SubjectId::mint(Instant::from_micros(1_700_000_000_000_000), &entropy);
    assert!(id.to_string().starts_with("sub_"));
    assert_eq!(id.to_string().parse::<SubjectId>().unwrap(), id);
    assert_eq!(id.uuid().to_string().parse::<SubjectId>().unwrap(), id);
    assert_eq!(id.uuid().get_version_num(), 7);
    assert!("dec_nonsense".parse::<DecisionId>().is_err());
    assert!(NodeId::from_uuid(id.uuid()).to_string().parse::<SubjectId>().is_err());
}

#[test]
fn names_hold_their_limits() {
    assert!(TenantId::new(&"a".repeat(40)).is_ok());
    assert!(TenantId::new(&"a".repeat(41)).is_err());
    assert!(TenantId::new("").is_err());
    assert!(TenantId::new("Acme").is_err());
    assert!(PurposeKey::new("marketing.renewal").is_ok());
    assert!(PurposeKey::new("marketing..renewal").is_err());
    assert!(PurposeKey::new(&"a".repeat(word::NAME_BYTES_MAX)).is_ok());
    assert!(PurposeKey::new(&"a".repeat(word::NAME_BYTES_MAX + 1)).is_err());
    assert!(Limit::new(LIMIT_MAX).is_ok());
    assert!(Limit::new(LIMIT_MAX + 1).is_err());
    assert!(Limit::new(0).is_err());
}

#[test]
fn a_denial_reaches_by_prefix_of_whole_segments() {
    let key = |it: &str| PurposeKey::new(it).unwrap();
    assert!(key("marketing.email").is_or_under(&key("marketing")));
    assert!(key("marketing").is_or_under(&key("marketing")));
    assert!(!key("marketing").is_or_under(&key("marketing.email")));
    assert!(!key("marketingx").is_or_under(&key("marketing")));
}

#[test]
fn canonical_bytes_are_rfc_8785() {
    let value = json!({"b": 1, "a": [true, "é\n\"\u{7f}"], "€": -5, "\u{1f600}": "x"});
    assert_eq!(
        String::from_utf8(canonical(&value).unwrap()).unwrap(),
        "{\"a\":[true,\"é\\n\\\"\u{7f}\"],\"b\":1,\"€\":-5,\"\u{1f600}\":\"x\"}"
    );
    assert_eq!(canonical(&json!({"a": null})), Err(CanonicalError::Null));
    assert!(matches!(canonical(&json!(1.5)), Err(CanonicalError::Number(_))));
    assert!(canonical(&json!(canonical::INTEGER_MAX)).is_ok());
    assert!(canonical(&json!(canonical::INTEGER_MAX + 1)).is_err());
    assert_eq!(canonical(&json!("e\u{301}")), Err(CanonicalError::NotNfc));
}

#[test]
fn a_member_named_twice_is_refused() {
    assert!(canonical::parse(br#"{"a":1,"b":{"c":2}}"#).is_ok());
    assert!(canonical::parse(br#"{"a":1,"b":{"c":2,"c":2}}"#).is_err());
    assert!(canonical::parse(b"{").is_err());
}

#[test]
fn digests_read_back() {
    let digest = Digest::of(b"abc");
    assert_eq!(
        digest.to_string(),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
    assert!("sha256:00".parse::<Digest>().is_err());
}

#[test]
fn buckets_match_the_frozen_vectors() {
    let key = BucketKey::new(std::array::from_fn(|i| u8::try_from(i).unwrap()));
    let person = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (layer, seed, unit, id, hash, expected) in [
        ("rollout:decide", "r1", "person", person, 0x5d29_b57a_73b8_ebb8, 363_917),
        ("holdout:global", "2027q1", "person", person, 0x196e_1de4_b68f_1e6e, 99_336),
        ("node:renewal", "n1", "external", "zoë", 0x243f_2004_5d9f_7cdc, 141_588),
        ("node:renewal", "n1", "external", "zoe\u{308}", 0x243f_2004_5d9f_7cdc, 141_588),
    ] {
        assert_eq!(bucket::hash(&key, layer, seed, unit, id), hash, "{layer}");
        assert_eq!(bucket(&key, layer, seed, unit, id), expected, "{layer}");
    }
}

#[test]
fn periods_read_shift_and_print() {
    for (text, printed) in [
        ("P90D", "P90D"),
        ("-P90D", "-P90D"),
        ("PT2H", "PT2H"),
        ("P1M", "P1M"),
        ("P2W", "P14D"),
        ("P1Y", "P12M"),
        ("P1DT1H30M5S", "P1DT1H30M5S"),
        ("P0D", "P0D"),
        ("PT90M", "PT1H30M"),
    ] {
        let period: Period = text.parse().unwrap();
        let canonical: Period = printed.parse().unwrap();
        assert_eq!(period, canonical, "{text}");
        assert_eq!(period.to_string().parse::<Period>().unwrap(), period, "{text}");
    }
    for text in ["", "P", "PT", "P1", "90D", "P1H", "PT1D", "P-1D", "P1.5D", "P9999999D", "P101Y"] {
        assert!(text.parse::<Period>().is_err(), "{text}");
    }
    let leap = NaiveDate::from_ymd_opt(2028, 2, 29).unwrap();
    assert_eq!("P1Y".parse::<Period>().unwrap().shift(leap), NaiveDate::from_ymd_opt(2029, 2, 28));
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

#[test]
fn the_door_opens_at_the_first_instant_open_in_every_zone() {
    let berlin = chrono_tz::Europe::Berlin;
    let sydney = chrono_tz::Australia::Sydney;
    let day = Windows::daily(8 * 60, 20 * 60).unwrap();
    let week = TimeDelta::days(8);
    let check = |now: &str, zones: Vec<chrono_tz::Tz>, expected: &str| {
        let zones = Zones::new(zones).unwrap();
        match next_open(at(now), &day, &zones, week) {
            Opening::Open => assert_eq!(expected, "open", "{now}"),
            Opening::At(instant, _) => assert_eq!(instant, at(expected), "{now}"),
            Opening::Never => assert_eq!(expected, "never", "{now}"),
        }
    };
    check("2026-06-01T10:00:00Z", vec![berlin], "open");
    check("2026-06-01T18:00:00Z", vec![berlin], "2026-06-02T06:00:00Z");
    check("2026-06-01T06:00:00Z", vec![berlin], "open");
    check("2026-06-01T05:59:59.999999Z", vec![berlin], "2026-06-01T06:00:00Z");
    // Berlin is open 06:00–18:00 UTC, Sydney 22:00–10:00 UTC.
    check("2026-06-01T11:00:00Z", vec![berlin, sydney], "2026-06-02T06:00:00Z");
    // In the gap of 29 March 2026 the day starts an hour earlier in UTC.
    check("2026-03-28T20:00:00Z", vec![berlin], "2026-03-29T06:00:00Z");
    let never = Windows::new(vec![]).unwrap();
    assert_eq!(
        next_open(at("2026-06-01T10:00:00Z"), &never, &Zones::known(berlin), week),
        Opening::Never
    );
}

#[test]
fn gaps_open_at_the_next_valid_instant_and_folds_at_the_first() {
    let berlin = chrono_tz::Europe::Berlin;
    let two_thirty = Windows::daily(150, 240).unwrap();
    let zones = Zones::known(berlin);
    let opens = |now: &str| match next_open(at(now), &two_thirty, &zones, TimeDelta::days(1)) {
        Opening::At(instant, _) => instant,
        other => panic!("{other:?}"),
    };
    assert_eq!(opens("2026-03-29T00:00:00Z"), at("2026-03-29T01:00:00Z"));
    assert_eq!(opens("2026-10-25T00:00:00Z"), at("2026-10-25T00:30:00Z"));
}

#[test]
fn windows_hold_their_limits() {
    let window = Window { days: 1, from_minute: 0, to_minute: 1 };
    assert!(Windows::new(vec![window; window::WINDOWS_MAX]).is_ok());
    assert!(Windows::new(vec![window; window::WINDOWS_MAX + 1]).is_err());
    assert!(Windows::new(vec![Window { to_minute: 0, ..window }]).is_err());
    assert!(Windows::new(vec![Window { from_minute: 1_440, ..window }]).is_err());
    assert!(Zones::new(vec![]).is_err());
    assert!(Zones::new(chrono_tz::TZ_VARIANTS[..window::ZONES_MAX].to_vec()).is_ok());
    assert!(Zones::new(chrono_tz::TZ_VARIANTS[..=window::ZONES_MAX].to_vec()).is_err());
}

#[test]
fn money_keeps_one_currency_and_its_range() {
    let eur = |minor| Money { currency: "EUR".parse().unwrap(), minor };
    let usd = Money { currency: "USD".parse().unwrap(), minor: 1 };
    assert_eq!(eur(1).plus(eur(2)), Ok(eur(3)));
    assert_eq!(eur(1).plus(usd), Err(MoneyError::Currencies));
    assert_eq!(eur(i64::MAX).plus(eur(1)), Err(MoneyError::Range));
    assert!("eur".parse::<Currency>().is_err());
}

#[test]
fn reasons_are_areas_and_names() {
    assert_eq!(Reason::of("LB.CONSENT.WITHDRAWN").area(), "LB");
    for text in ["", "LB", "LB.", ".LB", "LB..X", "lb.x", "LB X.Y"] {
        assert!(Reason::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_manual_clock_moves_only_when_told() {
    let clock = ManualClock::at(at("2026-01-01T00:00:00Z"));
    assert_eq!(clock.now(), clock.now());
    assert_eq!(clock.advance(TimeDelta::days(1)), at("2026-01-02T00:00:00Z"));
}

proptest! {
    #[test]
    fn instants_read_back(micros in any::<i64>()) {
        let instant = Instant::from_micros(micros);
        prop_assert_eq!(instant.to_string().parse::<Instant>().unwrap(), instant);
    }

    #[test]
    fn a_wider_candidate_set_never_opens_earlier(
        start in 0_i64..4_000_000, from in 0_u16..1_440, to in 1_u16..=1_440, a in 0_usize..500, b in 0_usize..500,
    ) {
        let now = Instant::from_micros(start * 1_000_000 * 400);
        let windows = Windows::daily(from, to).unwrap();
        let narrow = Zones::known(chrono_tz::TZ_VARIANTS[a]);
        let wide = Zones::new(vec![chrono_tz::TZ_VARIANTS[a], chrono_tz::TZ_VARIANTS[b]]).unwrap();
        let when = |zones| match next_open(now, &windows, zones, TimeDelta::days(3)) {
            Opening::Open => now,
            Opening::At(instant, _) => instant,
            Opening::Never => Instant::from_micros(i64::MAX),
        };
        prop_assert!(when(&narrow) <= when(&wide));
    }

    #[test]
    fn canonical_bytes_do_not_depend_on_member_order(mut members in prop::collection::vec(("[a-z]{1,4}", -5_i64..5), 0..6)) {
        let build = |members: &[(String, i64)]| {
            let mut map = serde_json::Map::new();
            for (name, value) in members { map.entry(name.clone()).or_insert((*value).into()); }
            map
        };
        members.dedup_by(|x, y| x.0 == y.0);
        let forward = build(&members);
        let mut sorted: Vec<_> = forward.iter().map(|(k, v)| (k.clone(), v.as_i64().unwrap())).collect();
        sorted.reverse();
        prop_assert_eq!(canonical(&forward).unwrap(), canonical(&build(&sorted)).unwrap());
    }
}
