//! Packs of evidence as people and machines read them: audit's records and proofs, with the
//! artifacts they name, a page and a table.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use audit::{
    EntryKind,
    bag::Bag,
    service::{Draft, OpenedRecord, PackError, PackRequest, PackService},
};
use decision::record::{Record, StoredRecord};
use kernel::{DecisionId, Digest, Fault, TenantId, canonical};
use rollout::{LoadedBundle, service::ReleaseService};
use serde_json::{Value, json};

mod page;
mod replay;
mod table;

pub use replay::{Replayed, replay};

/// Below which the bundles lie that decisions of a pack were made under, by digest.
pub const RELEASES_PREFIX: &str = "data/releases/";
/// The page an auditor reads.
pub const PAGE_PATH: &str = "data/index.html";
/// The decisions as a table (RFC 4180).
pub const TABLE_PATH: &str = "data/exports/decisions.csv";
/// How a pack is checked.
pub const VERIFY_PATH: &str = "VERIFY.md";

/// Makes packs with everything a reader needs.
#[derive(Debug, Clone)]
pub struct EvidenceService {
    packs: PackService,
    releases: Arc<ReleaseService>,
}

/// One decision of a pack.
#[derive(Debug)]
struct Told<'a> {
    opened: &'a OpenedRecord,
    /// The decision's whole record, if every group of it is shown.
    record: Option<Record>,
}

impl EvidenceService {
    /// Makes packs from this log and these releases.
    pub const fn new(packs: PackService, releases: Arc<ReleaseService>) -> Self {
        Self { packs, releases }
    }

    /// A pack that answers the request; its export is logged before it is handed over.
    pub async fn pack(&self, request: PackRequest) -> Result<Bag, PackError> {
        let tenant = request.tenant.clone();
        let mut draft = self.packs.draft(request).await?;
        self.releases(&tenant, &mut draft).await?;
        let told: Vec<_> = draft.records.iter().map(tell).collect();
        let (html, csv) = (page::draw(&draft, &told)?, table::write(&told)?);
        draft.bag.put(PAGE_PATH, html);
        draft.bag.put(TABLE_PATH, csv);
        draft.bag.put(VERIFY_PATH, VERIFY);
        self.packs.close(draft).await
    }

    /// Puts in the bundles the records name, by digest, as far as they are kept.
    async fn releases(&self, tenant: &TenantId, draft: &mut Draft) -> Result<(), PackError> {
        let named = |it: &OpenedRecord| -> Option<Digest> {
            it.group("policies")?.get("release")?.as_str()?.parse().ok()
        };
        let digests: BTreeSet<_> = draft.records.iter().filter_map(named).collect();
        for digest in digests {
            if let Some(bundle) = self.releases.bundle(tenant, digest).await? {
                let bytes = canonical(&release(&bundle)).map_err(broken)?;
                draft.bag.put(release_path(digest), bytes);
            }
        }
        Ok(())
    }
}

fn release_path(digest: Digest) -> String {
    format!("{RELEASES_PREFIX}{}.json", hex::encode(digest.as_bytes()))
}

/// A bundle with every body: from it the digest can be computed again.
fn release(bundle: &LoadedBundle) -> Value {
    let entry = |it: &rollout::bundle::LoadedEntry| json!({ "body": it.body, "kind": it.kind.as_str(), "name": it.name });
    json!({ "entries": bundle.entries().iter().map(entry).collect::<Vec<_>>() })
}

fn tell(opened: &OpenedRecord) -> Told<'_> {
    let is_whole = opened.kind == EntryKind::Decision && opened.closed.is_empty();
    let record = is_whole.then(|| stored(opened.record.uuid(), &opened.groups)).flatten();
    Told { opened, record: record.and_then(|it| it.parse().ok()) }
}

/// The record of a decision's groups.
fn stored(id: uuid::Uuid, groups: &BTreeMap<String, Value>) -> Option<StoredRecord> {
    let bytes = canonical(groups).ok()?;
    Some(StoredRecord { id: DecisionId::from_uuid(id), bytes: bytes.into() })
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::escalate("writing a pack").because(error)
}

const VERIFY: &str = "\
# How to check this pack

It needs one binary, `assent`, and the public key of the log, which must come from elsewhere than
this pack: the operator's site, a contract, an earlier audit.

    assent verify . --key log.vkey
    assent verify . --key log.vkey --known-head checkpoint-of-last-year.note
    assent verify . --key log.vkey --replay

Nothing is asked of the network. The exit code says how it ended: 10 everything holds (no witness
vouches for it), 20 sound but nothing you trust vouches for it, 30 it contradicts a head you know,
31 something is withheld without a logged reason, 40 something does not hold and is named, 50 a
decision made again came out differently, 2 unreadable input.

Each file of `data/records/` is a receipt of its own and can be checked alone. `data/index.html`
shows what they say; it proves nothing by itself, but its bytes are bound by the log entry of this
export (`data/export/receipt.json`), as are those of every other file outside `data/export/`.
";
