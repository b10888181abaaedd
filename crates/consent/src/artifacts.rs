//! The compiled registry: purposes and notices as one immutable value with one digest.

use std::collections::BTreeMap;

use kernel::{ArtifactRef, Digest, Finding, PurposeKey, PurposeRef};
use serde::de::DeserializeOwned;

use crate::{Jurisdiction, Label, Notice, Overlay, Purpose, ReleasedNotice, overlay::OVERLAYS_MAX};

mod rules;

/// The most purposes a tenant may register.
pub const PURPOSES_MAX: usize = 128;
/// The most jurisdictions a purpose may have a basis for.
pub const REGIMES_MAX: usize = 8;

/// The artifact kind of a purpose.
pub const PURPOSE_KIND: &str = "purpose";
/// The artifact kind of a notice.
pub const NOTICE_KIND: &str = "notice";

/// The artifact kind of an overlay.
pub const OVERLAY_KIND: &str = "overlay";

/// The live purposes, notices and overlays of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
// Invariant: purposes ascend by key, overlays by id; every rule of `rules` holds.
pub struct Artifacts {
    digest: Digest,
    purposes: Vec<Purpose>,
    notices: BTreeMap<Label, ReleasedNotice>,
    overlays: Vec<Overlay>,
}

impl Artifacts {
    /// Compiles the purposes, notices and overlays among the sources, or says everything that is wrong.
    pub fn compile(sources: &[ArtifactRef<'_>]) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut purposes = BTreeMap::new();
        let mut notices = BTreeMap::new();
        let mut overlays = BTreeMap::new();
        for source in sources {
            match source.kind {
                PURPOSE_KIND => {
                    if let Some(it) = read::<Purpose>(source, &mut findings) {
                        rules::purpose(source, &it, &mut findings);
                        purposes.insert(it.key.clone(), (it, *source));
                    }
                }
                NOTICE_KIND => {
                    if let Some(it) = read::<Notice>(source, &mut findings) {
                        rules::notice(source, &it, &mut findings);
                        let released = ReleasedNotice { notice: it, digest: source.digest };
                        notices.insert(released.notice.name.clone(), released);
                    }
                }
                OVERLAY_KIND => {
                    if let Some(it) = read::<Overlay>(source, &mut findings) {
                        rules::overlay(source, &it, &mut findings);
                        overlays.insert(it.id.clone(), (it, *source));
                    }
                }
                _ => {}
            }
        }
        if let Some((_, source)) = purposes.values().nth(PURPOSES_MAX) {
            let message = format!("a tenant registers at most {PURPOSES_MAX} purposes");
            findings.push(Finding::at(source, "", "consent.purpose.count", message));
        }
        if let Some((_, source)) = overlays.values().nth(OVERLAYS_MAX) {
            let message = format!("a tenant registers at most {OVERLAYS_MAX} overlays");
            findings.push(Finding::at(source, "", "consent.overlay.count", message));
        }
        for (purpose, source) in purposes.values() {
            rules::notices_asked(source, purpose, &notices, &mut findings);
        }
        if !findings.is_empty() {
            findings.sort();
            return Err(findings);
        }
        let digest = digest_of(sources);
        let purposes = purposes.into_values().map(|it| it.0).collect();
        let overlays = overlays.into_values().map(|it| it.0).collect();
        Ok(Self { digest, purposes, notices, overlays })
    }

    /// One digest over every purpose, notice and overlay.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The purpose of this key.
    pub fn purpose(&self, key: &PurposeKey) -> Option<&Purpose> {
        let at = self.purposes.binary_search_by(|it| it.key.cmp(key)).ok()?;
        self.purposes.get(at)
    }

    /// The purpose of this key at exactly this version.
    pub fn purpose_at(&self, purpose: &PurposeRef) -> Option<&Purpose> {
        self.purpose(&purpose.key).filter(|it| it.version == purpose.version)
    }

    /// Every purpose, ascending by key.
    pub fn purposes(&self) -> &[Purpose] {
        &self.purposes
    }

    /// The notice of this name.
    pub fn notice(&self, name: &Label) -> Option<&ReleasedNotice> {
        self.notices.get(name)
    }

    /// Every notice, ascending by name.
    pub fn notices(&self) -> impl Iterator<Item = &ReleasedNotice> {
        self.notices.values()
    }

    /// Every overlay, ascending by id.
    pub fn overlays(&self) -> &[Overlay] {
        &self.overlays
    }

    /// Every jurisdiction some purpose has a basis for, ascending.
    pub fn jurisdictions(&self) -> Vec<Jurisdiction> {
        let mut all: Vec<_> =
            self.purposes.iter().flat_map(|it| it.bases.keys().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The same registry with one purpose otherwise: for asking what would be, never for what is.
    pub(crate) fn supposing(&self, key: &PurposeKey, otherwise: impl FnOnce(&mut Purpose)) -> Self {
        let mut supposed = self.clone();
        if let Some(it) = supposed.purposes.iter_mut().find(|it| it.key == *key) {
            otherwise(it);
        }
        supposed
    }

    /// Whether a purpose of this key, or one under it, is registered.
    pub fn knows(&self, key: &PurposeKey) -> bool {
        self.purposes.iter().any(|it| it.key.is_or_under(key))
    }
}

fn read<T: DeserializeOwned>(source: &ArtifactRef<'_>, findings: &mut Vec<Finding>) -> Option<T> {
    match serde_json::from_value(source.body.clone()) {
        Ok(it) => Some(it),
        Err(error) => {
            let rule = format!("consent.{}.schema", source.kind);
            findings.push(Finding::at(source, "", &rule, error.to_string()));
            None
        }
    }
}

fn digest_of(sources: &[ArtifactRef<'_>]) -> Digest {
    let mut lines: Vec<_> = sources
        .iter()
        .filter(|it| [PURPOSE_KIND, NOTICE_KIND, OVERLAY_KIND].contains(&it.kind))
        .map(|it| format!("{}/{} {}\n", it.kind, it.name, it.digest))
        .collect();
    lines.sort_unstable();
    Digest::of(lines.concat().as_bytes())
}
