//! What a leader does: seal what lacks keys, commit, compute the root again, sign.

use std::sync::Arc;

use kernel::Fault;

use super::{Log, Published, Trail, owners};
use crate::{
    entry::{Leaf, Submission},
    note::{Checkpoint, Origin},
    ports::{CommitError, Committed, Head},
    sequence::{Batch, Prepared, settle},
    service::{
        error::AppendError,
        lane::{Answer, Answered, Item},
    },
    tree::Tree,
};

const LEAVES_READ: usize = 8_192;
/// How often a batch is led before its fault is told: other processes lead the same log in turn,
/// and of each round one commits.
const LEADS_MAX: usize = 128;

impl Trail {
    /// Commits and signs a batch; one answer an item.
    pub(super) async fn drain(&self, log: &Log, items: &[Item]) -> Vec<Answered> {
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
        if log.with(|it| it.is_stopped) {
            return Err(AppendError::Amnesia);
        }
        let mut head = match log.with(|it| it.published.clone().filter(|_| !it.is_in_doubt)) {
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

    /// Commits a batch where the log ends now: if another process has led it since, it is read and
    /// taken over again.
    async fn commit(
        &self,
        log: &Log,
        items: Vec<Arc<Prepared>>,
    ) -> Result<(Batch, Committed), AppendError> {
        for _ in 1..LEADS_MAX {
            match self.commit_once(log, items.clone()).await {
                Err(CommitError::Fenced) => drop(self.open(log).await?),
                Err(CommitError::Fault(fault)) => return Err(fault.into()),
                Ok(done) => return Ok(done),
            }
        }
        self.commit_once(log, items).await.map_err(|error| match error {
            CommitError::Fenced => Fault::retry("appending as leader of the log").into(),
            CommitError::Fault(fault) => fault.into(),
        })
    }

    async fn commit_once(
        &self,
        log: &Log,
        items: Vec<Arc<Prepared>>,
    ) -> Result<(Batch, Committed), CommitError> {
        let batch = log.with(|it| {
            it.is_in_doubt = true;
            Batch::prepare(log.tenant.clone(), it.epoch, it.tree.frontier(), items)
        });
        let committed = self.journal.commit(&batch).await?;
        Ok((batch, committed))
    }

    /// Reads what is durable, from where this process knows it, and signs it.
    async fn open(&self, log: &Log) -> Result<Arc<Published>, AppendError> {
        let origin = Origin::of(&self.operator, &log.tenant, self.clock.now())
            .map_err(|it| Fault::escalate("naming the log").because(it))?;
        let head = self.journal.take_over(&log.tenant, &origin).await?;
        let mut tree = log.with(|it| it.tree.clone());
        while tree.size() < head.size {
            // No further than this head: another process may have appended since.
            let left = usize::try_from(head.size - tree.size()).unwrap_or(usize::MAX);
            let left = left.min(LEAVES_READ);
            let leaves = self.journal.leaves(&log.tenant, tree.size(), left).await?;
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
            it.is_in_doubt = false;
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
        log.with(|it| {
            it.tree = tree;
            it.epoch = epoch;
            it.published = Some(Arc::clone(&published));
            it.is_in_doubt = false;
        });
        Ok(published)
    }

    pub(super) async fn signed(&self, head: &Head) -> Result<Arc<Published>, AppendError> {
        let Head { origin, size, root, .. } = head.clone();
        let checkpoint = Checkpoint { origin, size, root };
        let signature = self.signer.sign(checkpoint.body().as_bytes()).await?;
        let note = checkpoint.signed(self.signer.public_key().await?, &signature);
        Ok(Arc::new(Published { checkpoint, note }))
    }
}
