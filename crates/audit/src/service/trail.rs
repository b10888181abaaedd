//! The logs of all tenants: opening, committing and signing, one leader at a time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{Clock, Entropy, Fault, TenantId};

use super::{
    error::{AppendError, IDEM_STALE},
    lane::{Answered, Item, Lane, Turn},
    vault::Vault,
};
use crate::{
    entry::Submission,
    key::{Key, KeyOwner},
    note::Checkpoint,
    ports::{Journal, Keyring, Records, Signer},
    seal::{self, Keys, RECORD_SEALED_BYTES_MAX, RecordHead, SealError},
    sequence::{Prepared, Token},
    tree::Tree,
};

mod commit;
mod proof;

pub use proof::Scrubbed;

/// A signed head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// What is claimed.
    pub checkpoint: Checkpoint,
    /// The claim with its signature (C2SP signed note).
    pub note: String,
}

/// What the trail is made of.
#[derive(Debug, Clone)]
pub struct TrailPorts {
    /// The logs.
    pub journal: Arc<dyn Journal>,
    /// The records.
    pub records: Arc<dyn Records>,
    /// The keys.
    pub keyring: Arc<dyn Keyring>,
    /// The signing key.
    pub signer: Arc<dyn Signer>,
}

/// The logs of all tenants of one operator, shared by the use cases.
#[derive(Debug)]
pub struct Trail {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) records: Arc<dyn Records>,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) vault: Vault,
    operator: String,
    pub(super) clock: Arc<dyn Clock>,
    logs: Mutex<BTreeMap<TenantId, Arc<Log>>>,
}

#[derive(Debug)]
struct Log {
    tenant: TenantId,
    lane: Lane,
    state: Mutex<State>,
}

/// What the leader knows of its log.
#[derive(Debug, Default)]
struct State {
    tree: Tree,
    epoch: u64,
    // Invariant: covers exactly the tree; absent until opened.
    published: Option<Arc<Published>>,
    /// Whether more may be durable than is published: then the log is read again.
    is_in_doubt: bool,
    /// The newest head with cosignatures.
    witnessed: Option<Arc<Published>>,
    /// Whether a witness has seen a log that this one does not extend: then nothing is signed.
    is_stopped: bool,
}

impl Log {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Trail {
    /// The trail of this operator (a domain name, first part of every log's origin).
    pub fn new(
        ports: TrailPorts,
        operator: &str,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let TrailPorts { journal, records, keyring, signer } = ports;
        let vault = Vault::new(keyring, entropy, Arc::clone(&clock));
        let operator = operator.to_owned();
        Self { journal, records, signer, vault, operator, clock, logs: Mutex::default() }
    }

    fn log(&self, tenant: &TenantId) -> Arc<Log> {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let log = logs.entry(tenant.clone()).or_insert_with(|| {
            let tenant = tenant.clone();
            Arc::new(Log { tenant, lane: Lane::default(), state: Mutex::default() })
        });
        Arc::clone(log)
    }

    /// The signed head; opens the log if need be.
    pub(super) async fn published(&self, tenant: &TenantId) -> Result<Arc<Published>, AppendError> {
        if let Some(published) = self.log(tenant).with(|it| it.published.clone()) {
            return Ok(published);
        }
        let mut answers = self.ride(tenant, vec![Item::Open]).await?;
        answers
            .pop()
            .unwrap_or_else(|| Err(Fault::retry("opening the log").into()))
            .map(|it| it.head)
    }

    /// The newest head with cosignatures that this process knows.
    pub(super) fn witnessed(&self, tenant: &TenantId) -> Option<Arc<Published>> {
        self.log(tenant).with(|it| it.witnessed.clone())
    }

    /// Remembers a cosigned head; an older one is left.
    pub(super) fn keep_witnessed(&self, tenant: &TenantId, head: Arc<Published>) {
        self.log(tenant).with(|it| {
            let is_newer = |old: &Arc<Published>| old.checkpoint.size <= head.checkpoint.size;
            if it.witnessed.as_ref().is_none_or(is_newer) {
                it.witnessed = Some(head);
            }
        });
    }

    /// Stops signing for this log, until the process is started again and the gate passed.
    pub(super) fn stop(&self, tenant: &TenantId) {
        self.log(tenant).with(|it| {
            it.is_stopped = true;
            it.published = None;
        });
    }

    /// Waits in the tenant's lane until every item is answered, leading when it is our turn.
    pub(super) async fn ride(
        &self,
        tenant: &TenantId,
        items: Vec<Item>,
    ) -> Result<Vec<Answered>, AppendError> {
        let log = self.log(tenant);
        let rider = log.lane.board(items)?;
        loop {
            match rider.turn().await {
                Turn::Done(answers) => return Ok(answers),
                Turn::Lead => {
                    let mut lead = rider.lead();
                    loop {
                        let items: Vec<_> = lead.take().iter().map(|it| it.item.clone()).collect();
                        if items.is_empty() {
                            break;
                        }
                        let answers = self.drain(&log, &items).await;
                        lead.answer(answers);
                    }
                }
            }
        }
    }

    /// Whether an idempotency key can still be told from a repeat.
    pub(super) fn admits(&self, submission: &Submission) -> Result<(), AppendError> {
        if submission.idem.is_current(self.clock.now()) {
            Ok(())
        } else {
            Err(AppendError::Refused(IDEM_STALE))
        }
    }

    /// Seals a submission with the keys at hand, or leaves that to the leader.
    pub(super) fn item(&self, submission: Submission) -> Result<Item, AppendError> {
        let mut keys = BTreeMap::new();
        for owner in owners(&submission) {
            match self.vault.cached(&submission.tenant, &owner) {
                Some(key) => _ = keys.insert(owner, key),
                None => return Ok(Item::Keyless(Arc::new(submission))),
            }
        }
        Ok(Item::Sealed(Arc::new(self.sealed(submission, &keys)?)))
    }

    fn sealed(
        &self,
        submission: Submission,
        keys: &BTreeMap<KeyOwner, Key>,
    ) -> Result<Prepared, AppendError> {
        let Submission { record, kind, class, at, subject, .. } = submission;
        let mut tokens = vec![Token::of_record(record)];
        let mut subject_key = None;
        if let Some(subject) = subject {
            let owner = KeyOwner::Subject { subject, class: class.clone() };
            subject_key = keys.get(&owner).cloned();
            tokens.extend(keys.get(&KeyOwner::Log).map(|it| subject_token(it, subject)));
        }
        let period = keys.get(&KeyOwner::period(at, &class)).cloned();
        let keys = Keys { subject: subject_key, period };
        let head = RecordHead { record, kind, class, at };
        let sealed = seal::seal(head, submission.groups, &keys, self.vault.entropy())?;
        let leaf = sealed.leaf();
        let sealed = seal::encode(&sealed);
        if sealed.len() > RECORD_SEALED_BYTES_MAX {
            return Err(SealError::TooLarge.into());
        }
        Ok(Prepared {
            slot: submission.idem.slot(),
            fingerprint: submission.fingerprint,
            leaf,
            sealed,
            tokens,
            facts: submission.facts,
            companion: submission.companion,
        })
    }
}

/// Whose keys a submission needs.
fn owners(submission: &Submission) -> Vec<KeyOwner> {
    let mut owners = vec![KeyOwner::period(submission.at, &submission.class)];
    if let Some(subject) = submission.subject {
        owners.push(KeyOwner::Subject { subject, class: submission.class.clone() });
        owners.push(KeyOwner::Log);
    }
    owners
}

/// What a person's records are found by: keyed, so that the store alone names nobody.
pub(super) fn subject_token(log_key: &Key, subject: kernel::SubjectId) -> Token {
    let label = [b"subject\0", subject.uuid().as_bytes().as_slice()].concat();
    let tag = seal::derived(log_key, &label);
    let mut token = [0; 16];
    token.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
    Token::from_bytes(token)
}
