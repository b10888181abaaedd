//! An answer that is itself the hand-off, through the whole trail: its contact is in the history
//! that was kept before it.

use std::sync::Arc;

use adapters::{
    activation::RaisingJournal,
    keys::{FileKek, FileSigner},
    sql::{
        Database,
        audit::{SqlJournal, SqlKeyring, SqlRecords},
        companion::SqlDecisionCompanions,
        delivery::SqlContactLedger,
    },
    system::SystemEntropy,
};
use audit::{
    AppendService, Appended, Companion as Carried, Custody, EntryKind, Group, IdemKey, RecordId,
    RetentionClass, Submission,
    service::{Trail, TrailPorts},
};
use decision::companion::{Companion, KIND};
use delivery::{
    contract::{
        DeskFixture as _,
        sample::{EPOCHS, noon, person, tenant},
    },
    ports::ContactLedger as _,
};
use kernel::{Digest, Instant, ManualClock};

use super::{Layer, layer};
use crate::companion::{answer, one_a_day};

async fn append(layer: &Layer, directory: &std::path::Path) -> AppendService {
    let keys = Database::open(&directory.join("keys.db")).await.unwrap();
    let kek = FileKek::open(&directory.join("kek"), Arc::new(SystemEntropy)).unwrap();
    let handlers = SqlDecisionCompanions::new(Arc::new(one_a_day())).registered();
    let journal = Arc::new(SqlJournal::new(layer.fresh.database.clone(), handlers));
    let ports = TrailPorts {
        journal: Arc::new(RaisingJournal::new(journal, layer.histories.clone())),
        records: Arc::new(SqlRecords::new(layer.fresh.database.clone())),
        keyring: Arc::new(SqlKeyring::new(keys, Arc::new(kek))),
        signer: Arc::new(FileSigner::open(&directory.join("signer"), &SystemEntropy).unwrap()),
    };
    let clock = Arc::new(ManualClock::at(noon()));
    let trail = Trail::new(ports, "example.org", clock, Arc::new(SystemEntropy));
    AppendService::new(Arc::new(trail))
}

fn submission(companion: &Companion) -> Submission {
    let handoff = companion.handoff.as_ref().unwrap();
    let id = handoff.decision.uuid();
    Submission {
        tenant: tenant(),
        record: RecordId::from_uuid(id),
        kind: EntryKind::Decision,
        class: RetentionClass::of("decision"),
        at: handoff.at,
        subject: Some(handoff.subject),
        idem: IdemKey::new(*id.as_bytes(), handoff.at),
        fingerprint: Digest::of(id.as_bytes()),
        groups: vec![Group { name: "core", custody: Custody::Period, json: b"{}".to_vec() }],
        facts: Vec::new(),
        companion: Some(Carried { kind: KIND, body: companion.encode().unwrap() }),
    }
}

#[tokio::test]
async fn an_answer_is_carried_into_the_history_kept_before_it_and_the_next_one_is_capped() {
    let layer = layer().await;
    let directory = tempfile::tempdir().unwrap();
    let append = append(&layer, directory.path()).await;
    let to = person(1);
    layer.set_heads(&tenant(), &to, EPOCHS).await;
    let history =
        async || layer.contacts.history(&tenant(), &to.nodes, Instant::EPOCH).await.unwrap().len();
    assert_eq!((history().await, history().await, layer.pause.readings()), (0, 0, 1));
    let made = append.append(submission(&answer(1, &to))).await.unwrap();
    assert!(matches!(made, Appended::New(_)), "{made:?}");
    assert_eq!((history().await, history().await, layer.pause.readings()), (1, 1, 1));
    let read = SqlContactLedger::new(layer.fresh.database.clone());
    let read = async || read.history(&tenant(), &to.nodes, Instant::EPOCH).await.unwrap();
    let kept = async || layer.contacts.history(&tenant(), &to.nodes, Instant::EPOCH).await.unwrap();
    assert_eq!(kept().await, read().await);
    let capped = append.append(submission(&answer(2, &to))).await.unwrap();
    assert!(matches!(capped, Appended::Vetoed(reason) if reason == decision::reasons::HIS_CAPPED));
    assert_eq!(history().await, 1);
}
