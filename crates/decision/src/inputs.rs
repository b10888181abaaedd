//! Everything a decision is a function of, besides the release.

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;
use kernel::{
    Channel, DecisionId, Digest, Epochs, Instant, JourneyNode, Known, OccurrenceKey, Period,
    PersonAt, PurposeRef, Reason, SystemId, TenantId, Value,
};

use crate::{node::Node, occurrence::ObjectRef};

/// The most hints a request may carry.
pub const HINTS_MAX: usize = 16;

/// One field a node may read, and how old it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldAsk {
    /// `entity.attribute`.
    pub name: Arc<str>,
    /// The oldest acceptable age at `as_of`.
    pub max_age: Period,
    /// Whether lacking it refuses the candidate.
    pub required: bool,
}

/// What a node may know: purpose ∩ boundary ∩ allow-list. Fixed per released node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutSpec {
    /// The asking node.
    pub node: JourneyNode,
    /// For what.
    pub purpose: PurposeRef,
    /// The boundary artifact.
    pub boundary: Arc<str>,
    /// The home systems the node narrows it to.
    pub systems: Vec<SystemId>,
    /// Fields (or `entity.*`) the node denies itself; deny wins.
    pub deny_fields: Vec<Arc<str>>,
    /// The most fields.
    pub max_fields: usize,
    /// The allow-list; its order is the order of the answer.
    pub fields: Vec<FieldAsk>,
}

/// What one node is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// One value per field asked, in the order of [`CutSpec::fields`].
    pub fields: Vec<Known<Value>>,
    /// Fields withheld, and why; a field withheld for several reasons has an entry for each.
    pub withheld: Vec<(Arc<str>, Reason)>,
    /// Why the whole cut was refused, if it was.
    pub refusal: Option<Reason>,
    /// What the cut was made under (`boundary`, `catalogue`, …).
    pub digests: Vec<(Arc<str>, Digest)>,
}

impl Cut {
    /// A cut of which nothing is known, for one reason.
    pub fn refused(fields: usize, why: kernel::Why, refusal: Reason) -> Self {
        Self {
            fields: vec![Known::Unknown(why); fields],
            withheld: Vec::new(),
            refusal: Some(refusal),
            digests: Vec::new(),
        }
    }
}

/// What permission says about one purpose and channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Yes.
    Permitted,
    /// Not before then.
    Held {
        /// When to ask again.
        until: Instant,
    },
    /// No.
    Refused,
}

/// A verdict with everything it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub permission: Permission,
    /// Every reason, consent's codes.
    pub reasons: Vec<Reason>,
    /// The lawful basis (DPV `A6-1-a` to `A6-1-f`), where one was found.
    pub basis: Option<Arc<str>>,
    /// The jurisdiction under which it was judged.
    pub jurisdiction: Option<Arc<str>>,
    /// What must not have moved when the action is handed over.
    pub epochs: Epochs,
    /// Until when it holds by itself.
    pub good_until: Option<Instant>,
    /// Names the evidence behind it.
    pub evidence: Option<Digest>,
    /// What acting obliges to.
    pub obligations: Vec<Arc<str>>,
}

impl Verdict {
    /// A refusal because nobody could be asked.
    pub fn unreachable() -> Self {
        Self {
            permission: Permission::Refused,
            reasons: vec![crate::reasons::PRM_UNREACHABLE],
            basis: None,
            jurisdiction: None,
            epochs: Epochs::default(),
            good_until: None,
            evidence: None,
            obligations: Vec::new(),
        }
    }
}

/// Room under a node's contact caps: a hint, because the send gate reserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Headroom {
    /// At least one more contact.
    Free,
    /// None until then.
    Full {
        /// When room returns.
        until: Instant,
    },
    /// Nobody could be asked.
    Unknown,
}

/// A person's fate in a node's experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// The arm.
    pub arm: Arc<str>,
    /// Whether the arm withholds the action.
    pub holdout: bool,
    /// The probability of this arm in millionths.
    pub propensity_ppm: u32,
    /// The layer.
    pub layer: Arc<str>,
    /// The seed.
    pub seed: Arc<str>,
    /// The unit's bucket, 0 to 999,999.
    pub bucket: u32,
}

/// The zone a date was reckoned in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneUsed {
    /// The IANA name.
    pub name: Arc<str>,
    /// Whether it is the node's assumption rather than the person's own.
    pub assumed: bool,
}

/// Who asks, and in which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// A timer fired.
    Triggered,
    /// A web page, app or agent asks for a placement.
    Inbound {
        /// The placement.
        placement: Arc<str>,
    },
}

/// What one node decides on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInputs {
    /// The node.
    pub node: JourneyNode,
    /// The occasion's name.
    pub key: OccurrenceKey,
    /// The business object.
    pub object: Option<ObjectRef>,
    /// The offset label (`P7D`); empty where there is none.
    pub label: Arc<str>,
    /// When the timer was due; `as_of` for an inbound ask.
    pub due_at: Instant,
    /// The person's local date at `as_of`.
    pub today: NaiveDate,
    /// The zone of that date.
    pub zone: ZoneUsed,
    /// What the node is told.
    pub cut: Cut,
    /// One verdict per channel of [`Node::channels`], where it matters to the way of asking.
    pub verdicts: Vec<Option<Verdict>>,
    /// One count per counter of [`Node::counters`]; `None` is unknown.
    pub counts: Vec<Option<u32>>,
    /// Room under the caps.
    pub headroom: Headroom,
    /// What the life of the journey objects (re-entry, sequence).
    pub objections: Vec<Reason>,
    /// The draw, where the node experiments.
    pub draw: Option<Draw>,
}

impl NodeInputs {
    /// The verdict on a channel of the node.
    pub fn verdict(&self, node: &Node, channel: Channel) -> Option<&Verdict> {
        let at = node.channels.iter().position(|it| *it == channel)?;
        self.verdicts.get(at)?.as_ref()
    }
}

/// Everything [`crate::decide`] reads besides the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// The decision's id, minted before it is made.
    pub id: DecisionId,
    /// Whose.
    pub tenant: TenantId,
    /// The instant everything is judged at.
    pub as_of: Instant,
    /// Who asks.
    pub mode: Mode,
    /// Names the content of an inbound ask, so that one id means one question.
    pub request: Option<Digest>,
    /// The person.
    pub person: PersonAt,
    /// Which try this is, from 0.
    pub round: u8,
    /// The decision this one replaces.
    pub supersedes: Option<DecisionId>,
    /// What the asker says about the moment.
    pub hints: BTreeMap<Arc<str>, Arc<str>>,
    /// The nodes in contest.
    pub nodes: Vec<NodeInputs>,
}
