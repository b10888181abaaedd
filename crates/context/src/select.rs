//! Cuts bundles: the smallest set of fields that one purpose, one action and one boundary allow.
//! Pure and total; every check leaves its mark.

use std::{collections::BTreeMap, sync::Arc};

use chrono::TimeDelta;
use kernel::{Digest, Epoch, Instant, Known, PersonAt, PurposeKey, Reason, SystemId, Value, Why};
use serde_json::json;

use crate::{
    Artifacts, BoundaryId, DataAction, FieldKey, ObjectRef, Region,
    boundary::{Boundary, FIELDS_MAX, denies},
    catalogue::FieldEntry,
    freshness::Board,
    ports::Standing,
    view::{Contribution, Reading, View, ViewVersion},
};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        $($(#[$doc])* pub const $name: Reason = Reason::of($code);)+

        /// Every code of a withheld field and of a refused bundle.
        pub const ALL: &[Reason] = &[$($name),+];
    };
}

codes! {
    /// Not in the live catalogue, or nobody vouches for its tag any more.
    UNTAGGED = "FD.UNTAGGED";
    /// System, field or action outside the boundary, or classified above its maximum.
    BOUNDARY = "FD.BOUNDARY";
    /// The tag does not allow the action.
    ACTION = "FD.ACTION";
    /// The tag does not allow the purpose.
    PURPOSE = "FD.PURPOSE";
    /// What it was collected under no longer stands.
    LINEAGE = "FD.LINEAGE";
    /// Past its end.
    RETENTION = "FD.RETENTION";
    /// Not to be read in this region.
    RESIDENCY = "FD.RESIDENCY";
    /// Nothing was ever seen.
    MISSING = "FD.MISSING";
    /// Something was seen that is not of the field's type.
    MALFORMED = "FD.MALFORMED";
    /// Older than the asker or the catalogue accepts, or its source is silent.
    STALE = "FD.STALE";
    /// The instant lies before what was read.
    OVERFLOW = "FD.OVERFLOW";
    /// A required field is withheld.
    REQUIRED = "BN.REQUIRED";
    /// There is no such boundary.
    NO_BOUNDARY = "BN.NO_BOUNDARY";
    /// The boundary does not serve the purpose, or nothing knows it.
    PURPOSE_UNKNOWN = "BN.PURPOSE_UNKNOWN";
    /// What stands could not be learned.
    STANDING_UNKNOWN = "BN.STANDING_UNKNOWN";
    /// More fields than the boundary or a bundle allows.
    TOO_LARGE = "BN.TOO_LARGE";
}

/// One question about one person: several cuts share one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Whose.
    pub person: PersonAt,
    /// At which instant.
    pub as_of: Instant,
    /// One bundle per cut; two purposes never see each other's fields.
    pub cuts: Vec<Cut>,
}

/// What one reader asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// For what.
    pub purpose: PurposeKey,
    /// To do what.
    pub action: DataAction,
    /// Within which boundary.
    pub boundary: BoundaryId,
    /// What the reader denies itself on top.
    pub narrowing: Narrowing,
    /// About which object.
    pub object: Option<ObjectRef>,
    /// The fields, each named once.
    pub wanted: Vec<Want>,
}

/// How a reader narrows its boundary; it can never widen it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Narrowing {
    /// The home systems it keeps to; `None` keeps the boundary's.
    pub systems: Option<Vec<SystemId>>,
    /// Fields (or `entity.*`) it denies itself.
    pub deny_fields: Vec<Arc<str>>,
    /// The most fields; `None` keeps the boundary's.
    pub fields_max: Option<usize>,
}

/// One field asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The field.
    pub field: FieldKey,
    /// Whether the bundle is refused without it.
    pub required: bool,
    /// The oldest age; `None` leaves it to the catalogue.
    pub max_age: Option<TimeDelta>,
}

/// One field in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The value, always known: what is not known is withheld.
    pub value: Known<Value>,
    /// The digest of its catalogue entry.
    pub tag: Digest,
}

/// What one reader is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The fields, by key.
    pub fields: BTreeMap<FieldKey, Field>,
    /// The fields withheld, by key, each with all reasons.
    pub withheld: Vec<(FieldKey, Vec<Reason>)>,
    /// What it was cut under: `kind/name` and digest, by name.
    pub artifacts: BTreeMap<Arc<str>, Digest>,
    /// Consent's epoch at which its standing held.
    pub standing_epoch: Epoch,
    /// The version of the view it was cut from.
    pub view: ViewVersion,
}

impl Bundle {
    /// A field as a rule sees it.
    pub fn known(&self, field: &FieldKey) -> Known<Value> {
        if let Some(it) = self.fields.get(field) {
            return it.value.clone();
        }
        let withheld = self.withheld.iter().find(|(it, _)| it == field);
        Known::Unknown(withheld.map_or(Why::Missing, |(_, reasons)| why(reasons)))
    }

    /// SHA-256 over its canonical form.
    pub fn digest(&self) -> Result<Digest, kernel::CanonicalError> {
        let fields: BTreeMap<_, _> = self
            .fields
            .iter()
            .map(|(key, it)| {
                let (value, source, as_of) = match &it.value {
                    Known::Is { value, source, as_of } => (value, source, as_of),
                    Known::Unknown(_) | Known::NotApplicable(_) => {
                        return (key.as_str(), json!({}));
                    }
                };
                let body =
                    json!({ "value": value, "source": source, "as_of": as_of, "tag": it.tag });
                (key.as_str(), body)
            })
            .collect();
        Digest::of_canonical(&json!({
            "artifacts": self.artifacts,
            "fields": fields,
            "standing_epoch": self.standing_epoch,
            "view": self.view.0,
            "withheld": self.withheld,
        }))
    }
}

/// What a rule may know of why it was not told: the cause if nothing else stood in the way.
fn why(reasons: &[Reason]) -> Why {
    match reasons {
        [it] if *it == MISSING => Why::Missing,
        [it] if *it == STALE => Why::Stale,
        [it] if *it == MALFORMED => Why::Malformed,
        [it] if *it == OVERFLOW => Why::Overflow,
        _ => Why::Withheld,
    }
}

/// Why no bundle was cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no bundle was cut: {reason}")]
pub struct BundleRefusal {
    /// The code.
    pub reason: Reason,
    /// Every field withheld, with all reasons, where the cut came that far.
    pub withheld: Vec<(FieldKey, Vec<Reason>)>,
}

impl BundleRefusal {
    /// A field as a rule sees it: what was not withheld is not told either.
    pub fn known(&self, field: &FieldKey) -> Known<Value> {
        let withheld = self.withheld.iter().find(|(it, _)| it == field);
        Known::Unknown(withheld.map_or(Why::Withheld, |(_, reasons)| why(reasons)))
    }

    /// A refusal of the whole cut.
    pub const fn whole(reason: Reason) -> Self {
        Self { reason, withheld: Vec::new() }
    }
}

/// What a cut is made from.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'g> {
    /// The fields kept.
    pub view: &'g View,
    /// The catalogue, boundaries and contracts.
    pub artifacts: &'g Artifacts,
    /// What the person lets stand.
    pub standing: &'g Standing,
    /// How fresh the sources are.
    pub freshness: &'g Board,
    /// Where this runs.
    pub region: &'g Region,
    /// The instant.
    pub as_of: Instant,
}

/// Cuts one bundle.
pub fn select(cut: &Cut, ground: Ground<'_>) -> Result<Bundle, BundleRefusal> {
    let whole = BundleRefusal::whole;
    let boundary = ground.artifacts.boundary(&cut.boundary).ok_or(whole(NO_BOUNDARY))?;
    if !boundary.purposes.contains(&cut.purpose) {
        return Err(whole(PURPOSE_UNKNOWN));
    }
    let narrowed = cut.narrowing.fields_max.unwrap_or(FIELDS_MAX);
    if cut.wanted.len() > boundary.fields_max.min(narrowed).min(FIELDS_MAX) {
        return Err(whole(TOO_LARGE));
    }
    let mut bundle = Bundle {
        fields: BTreeMap::new(),
        withheld: Vec::new(),
        artifacts: BTreeMap::from([boundary.artifact.clone()]),
        standing_epoch: ground.standing.epoch,
        view: ground.view.version(),
    };
    let mut lacking = false;
    for want in &cut.wanted {
        match weigh(cut, want, boundary, ground, &mut bundle.artifacts) {
            Ok(field) => {
                bundle.fields.insert(want.field.clone(), field);
            }
            Err(checks) => {
                lacking |= want.required;
                bundle.withheld.push((want.field.clone(), checks.reasons()));
            }
        }
    }
    bundle.withheld.sort();
    if lacking {
        Err(BundleRefusal { reason: REQUIRED, withheld: bundle.withheld })
    } else {
        Ok(bundle)
    }
}

/// One bit per check that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Checks(u16);

/// In the order in which reasons are listed.
const REASONS: [Reason; 11] = [
    UNTAGGED, BOUNDARY, ACTION, PURPOSE, LINEAGE, RETENTION, RESIDENCY, MISSING, MALFORMED, STALE,
    OVERFLOW,
];

impl Checks {
    fn mark(&mut self, failed: bool, reason: &Reason) {
        if failed && let Some(bit) = REASONS.iter().position(|it| it == reason) {
            self.0 |= 1 << bit;
        }
    }

    fn reasons(self) -> Vec<Reason> {
        let marked = |(bit, _): &(usize, &Reason)| self.0 >> bit & 1 == 1;
        REASONS.iter().enumerate().filter(marked).map(|(_, it)| it.clone()).collect()
    }
}

/// Weighs one field: the field, or every check that failed.
fn weigh(
    cut: &Cut,
    want: &Want,
    boundary: &Boundary,
    ground: Ground<'_>,
    artifacts: &mut BTreeMap<Arc<str>, Digest>,
) -> Result<Field, Checks> {
    let mut checks = Checks::default();
    let Some(entry) = ground.artifacts.field(&want.field) else {
        checks.mark(true, &UNTAGGED);
        return Err(checks);
    };
    artifacts.entry(entry.artifact.0.clone()).or_insert(entry.artifact.1);
    let tag = &entry.tag;
    let outside = !boundary.admits(entry, cut.action)
        || cut.narrowing.systems.as_ref().is_some_and(|it| !it.contains(&entry.system))
        || denies(&cut.narrowing.deny_fields, &entry.key);
    checks.mark(ground.as_of.utc().date_naive() >= tag.review_by, &UNTAGGED);
    checks.mark(outside, &BOUNDARY);
    checks.mark(!tag.actions.contains(&cut.action), &ACTION);
    checks.mark(!tag.serves(&cut.purpose), &PURPOSE);
    let elsewhere = !tag.regions.contains(ground.region) || !boundary.runs_in(ground.region);
    checks.mark(elsewhere, &RESIDENCY);
    // Whether a value exists is told only to a reader who might have had it.
    if checks != Checks::default() {
        return Err(checks);
    }
    let object = entry.object.as_ref().and(cut.object.as_ref());
    let homeless =
        entry.object.is_some() && object.is_none_or(|it| Some(&it.kind) != entry.object.as_ref());
    let reading = if homeless {
        Reading::Missing
    } else {
        ground.view.read(&want.field, object, ground.as_of)
    };
    match reading {
        Reading::Missing => checks.mark(true, &MISSING),
        Reading::Overflow => checks.mark(true, &OVERFLOW),
        Reading::Is(it) => age(it, want, entry, ground, artifacts, &mut checks),
    }
    match reading {
        Reading::Is(it) if checks == Checks::default() => {
            let (source, as_of) = (entry.system.clone(), it.time);
            let value = Known::Is { value: it.value.clone(), source, as_of };
            Ok(Field { value, tag: entry.digest })
        }
        _ => Err(checks),
    }
}

/// The checks of one value: type, lineage, retention, age and the state of its source.
fn age(
    it: &Contribution,
    want: &Want,
    entry: &FieldEntry,
    ground: Ground<'_>,
    artifacts: &mut BTreeMap<Arc<str>, Digest>,
    checks: &mut Checks,
) {
    let contract = ground.artifacts.contract(&it.kind);
    if let Some(contract) = contract {
        artifacts.entry(contract.artifact.0.clone()).or_insert(contract.artifact.1);
    }
    let (name, wanted) = (it.value.type_name(), entry.value.type_name());
    checks.mark(name != wanted, &MALFORMED);
    // A basis the person cannot end stands by itself; without a contract nothing does.
    let stands = contract.is_some_and(|contract| {
        !contract.basis.person_can_end() || ground.standing.purposes.contains(&it.collected_under)
    });
    checks.mark(!stands, &LINEAGE);
    let ends = [
        entry.tag.ends(it.time, it.received_at),
        contract.map(|contract| it.time.plus(contract.retention.span())),
    ];
    checks.mark(ends.iter().any(|end| end.is_none_or(|end| end <= ground.as_of)), &RETENTION);
    let max_age = want.max_age.map_or(entry.tag.max_age, |it| it.min(entry.tag.max_age));
    let live = contract.is_some_and(|contract| {
        ground.freshness.state(&it.source, contract, ground.as_of).usable()
    });
    checks.mark(!live || ground.as_of.since(it.time) > max_age, &STALE);
}
