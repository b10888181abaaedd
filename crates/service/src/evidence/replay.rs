//! Deciding again from a pack alone.

use std::{collections::BTreeMap, sync::Arc};

use audit::{evidence::RECORDS_PREFIX, receipt::Receipt, verify::Files};
use decision::replay::replay as again;
use kernel::Digest;
use rollout::{Artifact, Bundle, LoadedBundle, artifact::Kind, bundle::Entry};
use serde::Deserialize;
use serde_json::Value;

use super::{release_path, stored};

/// What making the decisions of a pack again found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many came out the same, byte for byte.
    pub same: u64,
    /// How many are not shown in full, so that they cannot be made again.
    pub withheld: u64,
    /// Those that came out differently or could not be made again: the file, and why.
    pub differ: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    entries: Vec<ReleaseEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseEntry {
    body: Arc<Value>,
    kind: String,
    name: String,
}

/// Makes every decision of a pack again from its record and the bundle it names, both of the pack.
pub fn replay(files: &dyn Files) -> Replayed {
    let mut replayed = Replayed::default();
    let mut known: BTreeMap<Digest, Option<Arc<decision::Artifacts>>> = BTreeMap::new();
    let mut paths = files.paths();
    paths.retain(|it| it.starts_with(RECORDS_PREFIX));
    paths.sort_unstable();
    for path in paths {
        let Some(receipt) = files.read(&path).and_then(|it| Receipt::from_bytes(&it)) else {
            replayed.differ.push((path, "not a receipt".to_owned()));
            continue;
        };
        // Anything else than a decision has no such group.
        let Some(policies) = receipt.groups.iter().find(|it| it.name == "policies") else {
            continue;
        };
        let release =
            policies.json.as_ref().and_then(|it| it.get("release")?.as_str()?.parse().ok());
        let groups = receipt.groups.iter().map(|it| Some((it.name.clone(), it.json.clone()?)));
        let (Some(release), Some(groups)) = (release, groups.collect::<Option<BTreeMap<_, _>>>())
        else {
            replayed.withheld += 1;
            continue;
        };
        known.entry(release).or_insert_with(|| artifacts(files, release));
        let outcome = stored(uuid::Uuid::nil(), &groups)
            .map(|it| again(&it, &|digest| known.get(&digest).cloned().flatten()));
        match outcome {
            Some(Ok(())) => replayed.same += 1,
            Some(Err(mismatch)) => replayed.differ.push((path, mismatch.to_string())),
            None => replayed.differ.push((path, "not a decision record".to_owned())),
        }
    }
    replayed
}

/// The compiled nodes of a bundle of the pack, if it is the one its name says.
fn artifacts(files: &dyn Files, digest: Digest) -> Option<Arc<decision::Artifacts>> {
    let bytes = files.read(&release_path(digest))?;
    let release: Release = serde_json::from_slice(&bytes).ok()?;
    let mut bodies = BTreeMap::new();
    let mut entries = Vec::with_capacity(release.entries.len());
    for it in release.entries {
        let kind = Kind::new(&it.kind).ok()?;
        let artifact = Artifact::new(kind, it.body).ok()?;
        entries.push(Entry { kind, name: it.name, digest: artifact.digest() });
        bodies.insert(artifact.digest(), artifact);
    }
    let bundle = Bundle::new(entries).ok().filter(|it| it.digest() == digest)?;
    let loaded = LoadedBundle::assemble(&bundle, &bodies).ok()?;
    decision::Artifacts::compile(&loaded.refs()).ok().map(Arc::new)
}
