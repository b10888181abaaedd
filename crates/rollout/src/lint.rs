//! From files to a valid bundle, or to everything that is wrong with them.

use std::{collections::BTreeMap, fmt};

use kernel::{ArtifactRef, Digest, Finding};

use crate::{
    artifact::{Artifact, SourceFile},
    bundle::{Bundle, Entry, LoadedBundle},
    parse::{is_artifact, parse},
};

/// A pure function of a domain that checks the artifacts it understands; it sees the whole bundle,
/// because references cross kinds.
pub type Validator = Box<dyn Fn(&[ArtifactRef<'_>]) -> Vec<Finding> + Send + Sync>;

/// Every domain's validator, handed in at composition.
#[derive(Default)]
pub struct Validators(Vec<Validator>);

impl Validators {
    /// These validators.
    pub const fn new(validators: Vec<Validator>) -> Self {
        Self(validators)
    }

    /// Everything any domain finds, in order and once.
    pub fn check(&self, sources: &[ArtifactRef<'_>]) -> Vec<Finding> {
        let mut findings: Vec<_> = self.0.iter().flat_map(|it| it(sources)).collect();
        findings.sort_unstable();
        findings.dedup();
        findings
    }
}

impl fmt::Debug for Validators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Validators({})", self.0.len())
    }
}

/// Files put together: the bundle, its artifacts and their bodies in place.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// The bundle.
    pub bundle: Bundle,
    /// Its artifacts, each once.
    pub artifacts: Vec<Artifact>,
    /// The bundle with every body.
    pub loaded: LoadedBundle,
}

/// Everything wrong with these files; empty means they may be submitted.
pub fn lint(sources: &[SourceFile], validators: &Validators) -> Vec<Finding> {
    assemble(sources, validators).err().unwrap_or_default()
}

/// The bundle these files form. Domains are asked only about files that can be read.
pub fn assemble(
    sources: &[SourceFile],
    validators: &Validators,
) -> Result<Assembled, Vec<Finding>> {
    let mut findings = Vec::new();
    let mut entries = Vec::with_capacity(sources.len());
    let mut artifacts = BTreeMap::<Digest, Artifact>::new();
    for file in sources.iter().filter(|it| is_artifact(&it.path)) {
        match parse(file) {
            Ok(it) => {
                let (kind, digest) = (it.artifact.kind(), it.artifact.digest());
                entries.push(Entry { kind, name: it.name, digest });
                artifacts.insert(digest, it.artifact);
            }
            Err(it) => findings.extend(it),
        }
    }
    if !findings.is_empty() {
        findings.sort_unstable();
        return Err(findings);
    }
    let bundle = Bundle::new(entries).map_err(|it| vec![of_bundle(&it.to_string())])?;
    let loaded = LoadedBundle::assemble(&bundle, &artifacts)
        .map_err(|it| vec![of_bundle(&it.to_string())])?;
    let findings = validators.check(&loaded.refs());
    if findings.is_empty() {
        Ok(Assembled { bundle, artifacts: artifacts.into_values().collect(), loaded })
    } else {
        Err(findings)
    }
}

fn of_bundle(message: &str) -> Finding {
    Finding {
        artifact: "bundle".to_owned(),
        pointer: String::new(),
        rule: "RL.BUNDLE_INVALID".to_owned(),
        message: message.to_owned(),
    }
}
