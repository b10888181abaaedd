//! What the trail promises, on the reference implementations.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{
    Digest, Entropy, Fact, FactFeed as _, Instant, Limit, ManualClock, SeededEntropy, SubjectId,
    TenantId, memory::MemoryFeed,
};
use uuid::Uuid;

use crate::{
    contract::{self, LogFixture},
    entry::{Custody, EntryKind, Group, IdemKey, RecordId, RetentionClass, Submission},
    memory::{MemoryKeyring, MemoryLog, MemorySigner},
    note::VerifierKey,
    ports::{Journal, Records},
    service::{
        AppendService, FactEntryService, LogService, ProveService, RecordService, Trail, TrailPorts,
    },
    verify::{self, Report, Trust},
};

mod append;
mod erase;
mod fact;
mod golden;
mod log;
mod note;
mod overtaken;
mod pack;
mod proof;
mod seal;
mod sequence;
mod tree;
mod witness;

struct Fixture {
    log: MemoryLog,
    feed: Arc<MemoryFeed>,
}

impl Fixture {
    fn new() -> Self {
        let feed = Arc::new(MemoryFeed::default());
        Self { log: MemoryLog::new(Arc::clone(&feed), contract::judged), feed }
    }
}

#[async_trait]
impl LogFixture for Fixture {
    fn journal(&self) -> &dyn Journal {
        &self.log
    }

    fn records(&self) -> &dyn Records {
        &self.log
    }

    async fn facts(&self) -> Vec<Fact> {
        let taken = self.feed.take("law", Limit::MAX).await.unwrap();
        taken.into_iter().map(|it| it.fact).collect()
    }

    async fn companions(&self) -> Vec<Vec<u8>> {
        self.log.applied().into_iter().map(|it| it.body).collect()
    }
}

crate::log_suite!(memory_log, async { crate::tests::Fixture::new() });
crate::keyring_suite!(memory_keyring, async { crate::memory::MemoryKeyring::default() });
crate::signer_suite!(memory_signer, async { crate::memory::MemorySigner::new([3; 32]) });

crate::witness_store_suite!(memory_witness_store, async {
    crate::memory::MemoryWitnessStore::default()
});
crate::witness_suite!(memory_witness, async { crate::tests::witness::fixture().await });

/// A trail on memory with everything within reach.
struct World {
    log: Arc<MemoryLog>,
    keyring: Arc<MemoryKeyring>,
    signer: Arc<MemorySigner>,
    feed: Arc<MemoryFeed>,
    clock: Arc<ManualClock>,
    trail: Arc<Trail>,
}

impl World {
    fn new() -> Self {
        let feed = Arc::new(MemoryFeed::default());
        let log = Arc::new(MemoryLog::new(Arc::clone(&feed), contract::judged));
        let keyring = Arc::new(MemoryKeyring::default());
        let signer = Arc::new(MemorySigner::new([1; 32]));
        let clock = Arc::new(ManualClock::at(now()));
        let mut world = Self { log, keyring, signer, feed, clock, trail: Arc::new(blank()) };
        world.restart();
        world
    }

    /// Another process on the same stores.
    fn restart(&mut self) {
        let ports = TrailPorts {
            journal: Arc::<MemoryLog>::clone(&self.log),
            records: Arc::<MemoryLog>::clone(&self.log),
            keyring: Arc::<MemoryKeyring>::clone(&self.keyring),
            signer: Arc::<MemorySigner>::clone(&self.signer),
        };
        let clock = Arc::<ManualClock>::clone(&self.clock);
        let entropy = Arc::new(SeededEntropy::new(7));
        self.trail = Arc::new(Trail::new(ports, "example.org", clock, entropy));
    }

    fn append(&self) -> AppendService {
        AppendService::new(Arc::clone(&self.trail))
    }

    fn prove(&self) -> ProveService {
        ProveService::new(Arc::clone(&self.trail))
    }

    fn thin(&self) -> LogService {
        LogService::new(Arc::clone(&self.trail))
    }

    fn records(&self) -> RecordService {
        RecordService::new(Arc::clone(&self.trail))
    }

    fn facts(&self) -> FactEntryService {
        FactEntryService::new(Arc::clone(&self.trail))
    }
}

fn blank() -> Trail {
    let feed = Arc::new(MemoryFeed::default());
    let log = Arc::new(MemoryLog::new(feed, contract::judged));
    let ports = TrailPorts {
        journal: Arc::<MemoryLog>::clone(&log),
        records: log,
        keyring: Arc::new(MemoryKeyring::default()),
        signer: Arc::new(MemorySigner::new([0; 32])),
    };
    let clock = Arc::new(ManualClock::at(now()));
    Trail::new(ports, "example.org", clock, Arc::new(SeededEntropy::new(0)))
}

/// Verifies a document with this key, and nothing else, to trust.
fn verify(document: &[u8], key: Option<&VerifierKey>) -> Report {
    verify::document(document, &Trust { key: key.cloned(), ..Trust::default() })
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// 2026-01-05T10:00:00Z.
fn now() -> Instant {
    "2026-01-05T10:00:00Z".parse().unwrap()
}

fn subject(n: u8) -> SubjectId {
    SubjectId::from_uuid(Uuid::from_bytes([n; 16]))
}

fn record(n: u64) -> RecordId {
    RecordId::from_uuid(Uuid::from_u64_pair(0x5eed, n))
}

fn group(name: &'static str, custody: Custody, json: &str) -> Group {
    Group { name, custody, json: json.into() }
}

/// The `n`th decision; a subject for every `n` mod 3.
fn submission(n: u64) -> Submission {
    let mut key = [0; 16];
    SeededEntropy::new(n).fill(&mut key);
    Submission {
        tenant: acme(),
        record: record(n),
        kind: EntryKind::Decision,
        class: RetentionClass::of("decision"),
        at: now(),
        subject: Some(subject(u8::try_from(n % 3).unwrap())),
        idem: IdemKey::new(key, now()),
        fingerprint: Digest::of(&n.to_be_bytes()),
        groups: vec![
            group("core", Custody::Period, &format!("{{\"n\":{n}}}")),
            group("subject", Custody::Subject, r#"{"ref":"abc"}"#),
            group("inputs", Custody::Subject, r#"{"tenure":36}"#),
        ],
        facts: Vec::new(),
        companion: None,
    }
}
