//! The logs of all tenants: opening, committing and signing, one leader at a time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{Clock, Entropy, Fault, Reason, Recovery, TenantId};

use super::{
    lane::{Answer, Answered, Item, Lane, Turn},
    vault::Vault,
};
use crate::{
    entry::{Leaf, Submission},
    key::{Key, KeyOwner},
    note::{Checkpoint, Origin},
    ports::{CommitError, Committed, Head, Journal, Keyring, Records, Signer},
    seal::{self, Keys, RECORD_SEALED_BYTES_MAX, RecordHead, SealError},
    sequence::{Batch, Prepared, Token, settle},
    tree::{BLOCK_LEAVES, Block, Hash, Tree},
};

/// The idempotency key was minted outside the window.
pub const IDEM_STALE: Reason = Reason::of("AU.IDEM_STALE");
/// The record is too large.
pub const TOO_LARGE: Reason = Reason::of("AU.TOO_LARGE");
/// The submission contradicts itself: groups, names, custody or tenants.
pub const MALFORMED: Reason = Reason::of("AU.MALFORMED");

const LEAVES_READ: usize = 8_192;

/// Why nothing was acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The submission can never be appended as it is.
    #[error("submission refused: {0}")]
    Refused(Reason),
    /// Too many are waiting; try again later.
    #[error("too many submissions are waiting")]
    Full,
    /// What is stored does not give the log's root; nothing is signed until a person has looked.
    #[error("stored leaves do not give the stored root")]
    Amnesia,
    /// The outcome is unknown; the same submission again gives the one entry.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl AppendError {
    /// The same error for another waiter; only the first keeps the cause.
    fn again(&self) -> Self {
        match self {
            Self::Refused(it) => Self::Refused(it.clone()),
            Self::Full => Self::Full,
            Self::Amnesia => Self::Amnesia,
            Self::Fault(it) => Self::Fault(match it.recovery() {
                Recovery::Retry => Fault::retry(it.what()),
                Recovery::Escalate => Fault::escalate(it.what()),
            }),
        }
    }
}

impl From<AppendError> for Fault {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Fault(it) => it,
            AppendError::Full => Self::retry("waiting for the log").because(error),
            AppendError::Refused(_) | AppendError::Amnesia => {
                Self::escalate("appending to the log").because(error)
            }
        }
    }
}

impl From<SealError> for AppendError {
    fn from(error: SealError) -> Self {
        Self::Refused(match error {
            SealError::TooLarge => TOO_LARGE,
            SealError::GroupCount | SealError::GroupName | SealError::KeyMissing => MALFORMED,
        })
    }
}

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
    clock: Arc<dyn Clock>,
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
    // Invariant: covers exactly the tree; absent until opened and while a commit is in doubt.
    published: Option<Arc<Published>>,
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
        let vault = Vault::new(keyring, entropy);
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

    /// The inclusion proof of an entry under a signed head.
    pub(super) async fn inclusion(
        &self,
        tenant: &TenantId,
        index: u64,
    ) -> Result<Option<(Vec<Hash>, Arc<Published>)>, Fault> {
        let leaves = self.block(tenant, Tree::block_of(index)).await?;
        let block = Block { number: Tree::block_of(index), leaves: &leaves };
        self.proof(tenant, |it| it.inclusion(index, block)).await
    }

    /// The proof that the log extends an earlier size, under a signed head.
    pub(super) async fn consistency(
        &self,
        tenant: &TenantId,
        from: u64,
    ) -> Result<Option<(Vec<Hash>, Arc<Published>)>, Fault> {
        let number = Tree::block_of(from.saturating_sub(1));
        let leaves = self.block(tenant, number).await?;
        let block = Block { number, leaves: &leaves };
        self.proof(tenant, |it| it.consistency(from, block)).await
    }

    async fn block(&self, tenant: &TenantId, number: u64) -> Result<Vec<Hash>, Fault> {
        let n_leaves = usize::try_from(BLOCK_LEAVES).unwrap_or(usize::MAX);
        let from = number.saturating_mul(BLOCK_LEAVES);
        let leaves = self.journal.leaves(tenant, from, n_leaves).await?;
        Ok(leaves.iter().map(Leaf::hash).collect())
    }

    async fn proof(
        &self,
        tenant: &TenantId,
        prove: impl Fn(&Tree) -> Option<Vec<Hash>> + Send + Sync,
    ) -> Result<Option<(Vec<Hash>, Arc<Published>)>, Fault> {
        let log = self.log(tenant);
        let attempt =
            || log.with(|it| it.published.clone().map(|head| Some((prove(&it.tree)?, head))));
        if let Some(proof) = attempt() {
            return Ok(proof);
        }
        self.published(tenant).await?;
        // A commit may be in doubt again by now; whoever asks again will find it settled.
        attempt().ok_or(Fault::retry("proving while the log is busy"))
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

    /// Commits and signs a batch; one answer an item.
    async fn drain(&self, log: &Log, items: &[Item]) -> Vec<Answered> {
        match self.settle(log, items).await {
            Ok(answers) => answers,
            Err(error) => {
                let followers =
                    items.iter().skip(1).map(|_| Err(error.again())).collect::<Vec<_>>();
                [Err(error)].into_iter().chain(followers).collect()
            }
        }
    }

    async fn settle(&self, log: &Log, items: &[Item]) -> Result<Vec<Answered>, AppendError> {
        let mut head = match log.with(|it| it.published.clone()) {
            Some(head) => head,
            None => self.open(log).await?,
        };
        let prepared = self.prepared(log, items).await?;
        let entries: Vec<_> = prepared.iter().filter_map(|it| it.as_ref().ok()?.clone()).collect();
        let mut settled = Vec::new().into_iter();
        if !entries.is_empty() {
            let (batch, committed) = self.commit(log, entries).await?;
            settled = settle(&batch, &committed).into_iter();
            head = self.publish(log, &batch.without(&committed.dropped), &committed.head).await?;
        }
        let answer = |item| {
            let settled = match item {
                Ok(None) => None,
                Ok(Some(_)) => settled.next(),
                Err(error) => return Err(error),
            };
            Ok(Answer { settled, head: Arc::clone(&head) })
        };
        Ok(prepared.into_iter().map(answer).collect())
    }

    /// Every item sealed, those without keys after minting what they lack in one step.
    async fn prepared(
        &self,
        log: &Log,
        items: &[Item],
    ) -> Result<Vec<Result<Option<Arc<Prepared>>, AppendError>>, AppendError> {
        let keyless = items.iter().filter_map(|it| match it {
            Item::Keyless(it) => Some(owners(it)),
            Item::Open | Item::Sealed(_) => None,
        });
        let owners: Vec<_> = keyless.flatten().collect();
        let keys = self.vault.keys(&log.tenant, &owners).await?;
        let seal = |item: &Item| match item {
            Item::Open => Ok(None),
            Item::Sealed(it) => Ok(Some(Arc::clone(it))),
            Item::Keyless(it) => {
                self.sealed(Submission::clone(it), &keys).map(|it| Some(Arc::new(it)))
            }
        };
        Ok(items.iter().map(seal).collect())
    }

    async fn commit(
        &self,
        log: &Log,
        items: Vec<Arc<Prepared>>,
    ) -> Result<(Batch, Committed), AppendError> {
        // From here the outcome is in doubt until it is published.
        let batch = log.with(|it| {
            it.published = None;
            Batch::prepare(log.tenant.clone(), it.epoch, it.tree.frontier(), items)
        });
        match self.journal.commit(&batch).await {
            Ok(committed) => Ok((batch, committed)),
            Err(CommitError::Fenced) => Err(Fault::retry("appending as leader of the log").into()),
            Err(CommitError::Fault(fault)) => Err(fault.into()),
        }
    }

    /// Reads what is durable, from where this process knows it, and signs it.
    async fn open(&self, log: &Log) -> Result<Arc<Published>, AppendError> {
        let origin = Origin::of(&self.operator, &log.tenant, self.clock.now())
            .map_err(|it| Fault::escalate("naming the log").because(it))?;
        let head = self.journal.take_over(&log.tenant, &origin).await?;
        let mut tree = log.with(|it| it.tree.clone());
        while tree.size() < head.size {
            let leaves = self.journal.leaves(&log.tenant, tree.size(), LEAVES_READ).await?;
            if leaves.is_empty() {
                return Err(AppendError::Amnesia);
            }
            tree.extend(leaves.iter().map(Leaf::hash));
        }
        if tree.size() != head.size || tree.root() != head.root {
            return Err(AppendError::Amnesia);
        }
        self.sign(log, tree, &head).await
    }

    /// Computes the root again from another buffer, and signs what is durable.
    async fn publish(
        &self,
        log: &Log,
        kept: &Batch,
        durable: &Head,
    ) -> Result<Arc<Published>, AppendError> {
        let (size, root) = kept.after();
        if (size, root) != (durable.size, durable.root) {
            return Err(AppendError::Amnesia);
        }
        let published = self.signed(durable).await?;
        log.with(|it| {
            it.tree.extend(kept.items.iter().map(|it| it.leaf.hash()));
            if it.tree.root() != root {
                return Err(AppendError::Amnesia);
            }
            it.published = Some(Arc::clone(&published));
            Ok(published)
        })
    }

    async fn sign(
        &self,
        log: &Log,
        tree: Tree,
        head: &Head,
    ) -> Result<Arc<Published>, AppendError> {
        let published = self.signed(head).await?;
        let epoch = head.epoch;
        log.with(|it| *it = State { tree, epoch, published: Some(Arc::clone(&published)) });
        Ok(published)
    }

    async fn signed(&self, head: &Head) -> Result<Arc<Published>, AppendError> {
        let Head { origin, size, root, .. } = head.clone();
        let checkpoint = Checkpoint { origin, size, root };
        let signature = self.signer.sign(checkpoint.body().as_bytes()).await?;
        let note = checkpoint.signed(self.signer.public_key().await?, &signature);
        Ok(Arc::new(Published { checkpoint, note }))
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
