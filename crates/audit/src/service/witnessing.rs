//! Having witnesses: heads are shown to each, and their cosignatures travel with receipts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{Fault, TenantId};

use super::trail::{Published, Trail};
use crate::{
    note::{SignedCheckpoint, WitnessKey},
    ports::{Witness, Witnessed},
    witness::AddCheckpoint,
};

/// A witness and the key its cosignatures are checked with.
#[derive(Debug, Clone)]
pub struct KnownWitness {
    /// Its key.
    pub key: WitnessKey,
    /// How it is reached.
    pub witness: Arc<dyn Witness>,
}

/// Shows heads to witnesses.
#[derive(Debug)]
pub struct WitnessingService {
    trail: Arc<Trail>,
    witnesses: Vec<KnownWitness>,
    /// The size each witness cosigned last, as far as this process knows.
    last: Mutex<BTreeMap<(TenantId, String), u64>>,
}

/// What a round with the witnesses found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// How many cosigned the newest head.
    pub cosigned: usize,
    /// Witnesses that have cosigned a larger log than this one: it has lost entries.
    pub ahead: Vec<(String, u64)>,
    /// Witnesses that do not cosign, or could not be reached.
    pub silent: Vec<String>,
}

impl WitnessingService {
    /// Shows the heads of this trail to these witnesses.
    pub fn new(trail: Arc<Trail>, witnesses: Vec<KnownWitness>) -> Self {
        Self { trail, witnesses, last: Mutex::default() }
    }

    /// Asks every witness for a cosignature of the newest head, if it was not cosigned yet.
    ///
    /// A witness that is ahead stops the log: nothing is signed until a person has looked.
    pub async fn round(&self, tenant: &TenantId) -> Result<Round, Fault> {
        let mut round = Round::default();
        let Some(head) = self.trail.current(tenant).await? else { return Ok(round) };
        if self.witnesses.is_empty() {
            return Ok(round);
        }
        let known = self.trail.witnessed(tenant).filter(|it| it.checkpoint == head.checkpoint);
        let mut note = known.map_or_else(|| head.note.clone(), |it| it.note.clone());
        for it in &self.witnesses {
            if SignedCheckpoint::parse(&note).is_ok_and(|note| note.cosigned(&it.key).is_ok()) {
                round.cosigned += 1;
                continue;
            }
            match self.ask(tenant, it, &head).await {
                Ok(Asked::Cosigned(line)) => {
                    note.push_str(&line);
                    round.cosigned += 1;
                }
                Ok(Asked::Ahead(size)) => round.ahead.push((it.key.name().to_string(), size)),
                Ok(Asked::Silent) | Err(_) => round.silent.push(it.key.name().to_string()),
            }
        }
        if !round.ahead.is_empty() {
            self.trail.stop(tenant);
        } else if round.cosigned > 0 {
            let checkpoint = head.checkpoint.clone();
            self.trail.keep_witnessed(tenant, Arc::new(Published { checkpoint, note }));
        }
        Ok(round)
    }

    async fn ask(
        &self,
        tenant: &TenantId,
        known: &KnownWitness,
        head: &Arc<Published>,
    ) -> Result<Asked, Fault> {
        let slot = (tenant.clone(), known.key.name().to_string());
        let size = head.checkpoint.size;
        let mut old = self.with(|it| it.get(&slot).copied().unwrap_or(0)).min(size);
        // Once more after a witness has said where it stands.
        for _ in 0..2 {
            let proof = self.trail.consistency_between(tenant, old, size).await?;
            let proof = proof.ok_or(Fault::retry("proving a head to a witness"))?;
            let request = AddCheckpoint { old, proof, note: head.note.clone() };
            match known.witness.add_checkpoint(&request).await? {
                Witnessed::Cosigned(lines) => {
                    let line = theirs(&head.note, &lines, &known.key);
                    let Some(line) = line else { return Ok(Asked::Silent) };
                    self.with(|it| it.insert(slot, size));
                    return Ok(Asked::Cosigned(line));
                }
                Witnessed::At(theirs) if theirs > size => return Ok(Asked::Ahead(theirs)),
                // It has another root at this size: it knows another history.
                Witnessed::At(theirs) if theirs == old => return Ok(Asked::Ahead(theirs)),
                Witnessed::At(theirs) => old = theirs,
                Witnessed::Refused => return Ok(Asked::Silent),
            }
        }
        Ok(Asked::Silent)
    }

    fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<(TenantId, String), u64>) -> T) -> T {
        f(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

enum Asked {
    Cosigned(String),
    Ahead(u64),
    Silent,
}

/// The line that is a cosignature of the note by this witness; others are ignored.
fn theirs(note: &str, lines: &str, key: &WitnessKey) -> Option<String> {
    let mut lines = lines.split_inclusive('\n').take(crate::note::NOTE_SIGNATURES_MAX);
    let holds = |line: &&str| {
        let cosigned = SignedCheckpoint::parse(&format!("{note}{line}"));
        cosigned.is_ok_and(|it| it.cosigned(key).is_ok())
    };
    lines.find(holds).map(str::to_owned)
}
