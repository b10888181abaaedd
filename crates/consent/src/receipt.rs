//! Receipts: one record of a choice, told in three forms.
//!
//! It binds the notice shown to the choice made, is derivable from the log and the registry at any
//! time, and names the person by a digest only this controller can recognise. A form whose
//! mandatory name would lack its value is not issued.

use kernel::{CanonicalError, Digest, Fault, Instant};
use serde_json::Value;

use crate::{
    Artifacts, BasisSpec, ConsentEvent, EventKind, Grant, Purpose, ReleasedNotice, document,
};

mod dpv;
mod iso27560;
mod kantara;

/// The form of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// ISO/IEC TS 27560:2023.
    Iso27560,
    /// Kantara Initiative Consent Receipt 1.1; it has words for a consent only.
    Kantara,
    /// W3C Data Privacy Vocabulary 2, as JSON-LD.
    Dpv,
}

impl Profile {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Iso27560, Self::Kantara, Self::Dpv];

    /// The name by which it is asked for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Iso27560 => "iso27560",
            Self::Kantara => "kantara",
            Self::Dpv => "dpv",
        }
    }

    /// The JSON Schema (2020-12) its documents keep.
    pub const fn schema(self) -> &'static str {
        match self {
            Self::Iso27560 => include_str!("../schemas/receipt.iso27560.json"),
            Self::Kantara => include_str!("../schemas/receipt.kantara.json"),
            Self::Dpv => include_str!("../schemas/receipt.dpv.json"),
        }
    }
}

impl std::str::FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or(UnknownProfile)
    }
}

/// A form nobody here writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of iso27560, kantara and dpv")]
pub struct UnknownProfile;

/// What every form tells.
struct Matter<'a> {
    event: &'a ConsentEvent,
    purposes: Vec<&'a Purpose>,
    grant: Option<&'a Grant>,
    notice: &'a ReleasedNotice,
    artifacts: &'a Artifacts,
    /// The person, as only this controller recognises them.
    principal: Digest,
}

impl Matter<'_> {
    /// The version of the notice that was shown; the one in force, where none is on record.
    fn notice_version(&self) -> u32 {
        let shown = self.grant.and_then(|it| it.proof.notice.as_ref());
        shown.map_or(self.notice.notice.version, |it| it.version)
    }

    /// Its categories of data, each once.
    fn categories(&self) -> Vec<&str> {
        let mut all: Vec<_> =
            self.purposes.iter().flat_map(|it| &it.categories).map(crate::Label::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether it is about special categories of data.
    fn is_special(&self) -> bool {
        self.purposes.iter().any(|it| it.special.is_some())
    }

    /// When a grant ends.
    fn ends_at(&self) -> Option<Instant> {
        let grant = self.grant?;
        let by_terms = self
            .purposes
            .iter()
            .flat_map(|it| it.bases.values())
            .filter_map(|it| match it {
                BasisSpec::Consent(terms) => {
                    Some(self.event.effective().plus(terms.max_age.span()))
                }
                _ => None,
            })
            .min();
        grant.expires_at.into_iter().chain(by_terms).min()
    }

    /// The state in DPV's words.
    const fn state(&self) -> &'static str {
        match self.event.said.kind {
            EventKind::Given(_) => "ConsentGiven",
            EventKind::Renewed(_) => "RenewedConsentGiven",
            EventKind::Refused { .. } => "ConsentRefused",
            EventKind::Withdrawn { .. } => "ConsentWithdrawn",
            _ => "ObjectionMade",
        }
    }
}

/// The receipt of a grant, refusal, withdrawal or objection in a form, unsigned; none for other
/// events, and none where a mandatory name would lack its value.
pub fn receipt(
    event: &ConsentEvent,
    artifacts: &Artifacts,
    profile: Profile,
) -> Result<Option<Value>, Fault> {
    let Some((purposes, grant)) = subject_matter(event, artifacts) else { return Ok(None) };
    let Some(notice) = notice_of(&purposes, grant, artifacts) else { return Ok(None) };
    let principal = principal(event, notice)
        .map_err(|it| Fault::escalate("naming the person in a receipt").because(it))?;
    let matter = Matter { event, purposes, grant, notice, artifacts, principal };
    Ok(match profile {
        Profile::Iso27560 => Some(iso27560::told(&matter)),
        Profile::Kantara => kantara::told(&matter),
        Profile::Dpv => Some(dpv::told(&matter)),
    })
}

/// The same, signed: it verifies offline.
pub fn signed(
    event: &ConsentEvent,
    artifacts: &Artifacts,
    profile: Profile,
    key: &document::DocumentKey,
) -> Result<Option<Value>, Fault> {
    let Some(body) = receipt(event, artifacts, profile)? else { return Ok(None) };
    let signed = key.sign(body);
    signed.map(Some).map_err(|it| Fault::escalate("signing a receipt").because(it))
}

fn principal(event: &ConsentEvent, notice: &ReleasedNotice) -> Result<Digest, CanonicalError> {
    Digest::of_canonical(&(
        "assent.principal/1",
        event.tenant.as_str(),
        notice.notice.controller.id.as_str(),
        event.said.node,
    ))
}

/// The purposes an event is about, with its grant if it is one.
fn subject_matter<'a>(
    event: &'a ConsentEvent,
    artifacts: &'a Artifacts,
) -> Option<(Vec<&'a Purpose>, Option<&'a Grant>)> {
    let grant = match &event.said.kind {
        EventKind::Given(grant) | EventKind::Renewed(grant) => Some(grant),
        EventKind::Refused { .. } | EventKind::Withdrawn { .. } | EventKind::Objected { .. } => {
            None
        }
        _ => return None,
    };
    if let Some(grant) = grant {
        return Some((vec![artifacts.purpose(&grant.purpose.key)?], Some(grant)));
    }
    let scope = event.widened.clone().or_else(|| event.said.kind.scope())?;
    let covered: Vec<_> = artifacts.purposes().iter().filter(|it| scope.covers(&it.key)).collect();
    (!covered.is_empty()).then_some((covered, None))
}

/// The notice that was shown, or else the one that asks for the first of the purposes.
fn notice_of<'a>(
    purposes: &[&Purpose],
    grant: Option<&Grant>,
    artifacts: &'a Artifacts,
) -> Option<&'a ReleasedNotice> {
    if let Some(shown) = grant.and_then(|it| it.proof.notice.as_ref()) {
        return artifacts.notice(&shown.name);
    }
    purposes
        .iter()
        .find_map(|purpose| {
            artifacts.notices().find(|it| it.notice.purposes.contains(&purpose.key))
        })
        .or_else(|| artifacts.notices().next())
}
