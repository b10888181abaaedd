//! Timers that fire: claim by person, derive again, decide, append with the settlement.

use std::sync::Arc;

use chrono::TimeDelta;
use kernel::{Class, DecisionId, Digest, Fact, Fault, Instant, PersonAt, SubjectId, TenantId};

use super::{
    Sources,
    derive::{self, Derived},
    dispatch::{Parcel, append},
    facts::{Moved, Teller},
    gather::{self, Wanted},
    observe,
};
use crate::{
    inputs::{Cut, Inputs, Mode},
    node::Node,
    occurrence::{Occurrence, REDECIDE_MAX, Settlement, State},
    person::Person,
    pipeline::{Fate, decide},
    ports::{Appended, Change, ClaimAsk, Entered, HISTORY_MAX, Release},
    reasons::{TRG_EXHAUSTED, TRG_MISSED, TRG_NODE_EXPIRED},
};

/// How long a worker may hold a person's occurrences.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);
/// The most people one claim takes.
pub const CLAIM_MAX: usize = 256;

/// Decisions that timers set off, and the timers that facts set.
#[derive(Debug, Clone)]
pub struct TriggerService {
    sources: Sources,
}

/// One occurrence with its node and what the node is told.
struct Due {
    occurrence: Occurrence,
    node: Arc<Node>,
    cut: Cut,
    wanted: Wanted,
}

impl TriggerService {
    /// Triggers over these sources.
    pub const fn new(sources: Sources) -> Self {
        Self { sources }
    }

    /// Sets, moves and cancels timers for what happened. Idempotent: a fact seen twice arms once.
    pub async fn observe(&self, facts: &[Fact]) -> Result<(), Fault> {
        observe::observe(&self.sources, facts).await
    }

    /// When there is next something to do.
    pub async fn next_due(&self) -> Result<Option<Instant>, Fault> {
        self.sources.timetable.next_due().await
    }

    /// Decides what is due for at most so many people; says how many occurrences it took.
    pub async fn run_once(&self, limit: usize) -> Result<usize, Fault> {
        let now = self.sources.clock.now();
        let ask = ClaimAsk { now, lease_until: now.plus(LEASE), people: limit.min(CLAIM_MAX) };
        let claimed = self.sources.timetable.claim(ask).await?;
        let taken = claimed.len();
        let mut rest = claimed.as_slice();
        while let Some(first) = rest.first() {
            let end = rest.iter().position(|it| it.tenant != first.tenant).unwrap_or(rest.len());
            let (mine, others) = rest.split_at(end);
            self.tenant(&first.tenant, mine, now).await?;
            rest = others;
        }
        Ok(taken)
    }

    async fn tenant(
        &self,
        tenant: &TenantId,
        claimed: &[Occurrence],
        now: Instant,
    ) -> Result<(), Fault> {
        let Some(release) = self.sources.releases.current(tenant).await? else {
            let settle = claimed.iter().map(|it| wait(it, now)).collect();
            let change = Change { settle, ..Change::default() };
            return self.sources.timetable.change(tenant, change).await;
        };
        let mut subjects: Vec<SubjectId> = claimed.iter().map(|it| it.subject).collect();
        subjects.dedup();
        let persons = self.sources.persons.persons(tenant, &subjects).await?;
        let since = now.minus(HISTORY_MAX.span());
        let entered = self.sources.timetable.entered(tenant, &subjects, since).await?;
        let mut change = Change::default();
        let mut batch = Vec::new();
        for (subject, person) in subjects.iter().zip(persons) {
            let mine = claimed.iter().filter(|it| it.subject == *subject);
            match person {
                Some(person) => {
                    let wanted = self.wanted(tenant, &release, &person, mine, now, &mut change);
                    batch.push((person, wanted));
                }
                None => {
                    change.settle.extend(mine.map(|it| Settlement::of(it, State::Cancelled, now)));
                }
            }
        }
        let cuts = self.cuts(tenant, &batch, now).await;
        for ((person, wanted), cuts) in batch.into_iter().zip(cuts) {
            let due = self.due(tenant, &person, wanted, cuts, now, &mut change);
            self.contests(tenant, &release, &person, due, &entered, now).await?;
        }
        if change.is_empty() {
            return Ok(());
        }
        self.sources.timetable.change(tenant, change).await
    }

    /// What each occurrence's node wants to know; an occurrence without a node expires.
    fn wanted<'a>(
        &self,
        tenant: &TenantId,
        release: &Release,
        person: &Person,
        mine: impl Iterator<Item = &'a Occurrence>,
        now: Instant,
        change: &mut Change,
    ) -> Vec<(Occurrence, Wanted)> {
        let mut out = Vec::new();
        for occurrence in mine {
            let node = match release.artifacts.node(&occurrence.occasion.node) {
                Some(node) if occurrence.attempts < REDECIDE_MAX => node,
                node => {
                    let left = if node.is_some() { TRG_EXHAUSTED } else { TRG_NODE_EXPIRED };
                    let moved = Moved::Expired(left);
                    self.end(tenant, &person.at, occurrence, &moved, now, change);
                    continue;
                }
            };
            let wanted = Wanted {
                node: Arc::clone(node),
                key: occurrence.key,
                object: occurrence.occasion.object.clone(),
                label: Arc::clone(&occurrence.occasion.offset),
                due_at: occurrence.due_at,
                objections: Vec::new(),
                earlier: derive::earlier(tenant, person, node, &occurrence.occasion),
            };
            out.push((occurrence.clone(), wanted));
        }
        out
    }

    async fn cuts(
        &self,
        tenant: &TenantId,
        batch: &[(Person, Vec<(Occurrence, Wanted)>)],
        now: Instant,
    ) -> Vec<Vec<Cut>> {
        let wanted: Vec<Vec<Wanted>> =
            batch.iter().map(|(_, mine)| mine.iter().map(|(_, it)| it.clone()).collect()).collect();
        let asks: Vec<_> = (batch.iter().zip(&wanted))
            .map(|((person, _), mine)| gather::context_ask(person, mine, now))
            .collect();
        let answer = self.sources.context.gather(tenant, &asks).await.ok();
        let mut answer = answer.filter(|it| it.len() == asks.len()).map(Vec::into_iter);
        wanted
            .iter()
            .map(|mine| gather::aligned(answer.as_mut().and_then(Iterator::next), mine))
            .collect()
    }

    /// Derives every occurrence again; what is not due after all is put off or ended.
    fn due(
        &self,
        tenant: &TenantId,
        person: &Person,
        wanted: Vec<(Occurrence, Wanted)>,
        cuts: Vec<Cut>,
        now: Instant,
        change: &mut Change,
    ) -> Vec<Due> {
        let mut out = Vec::new();
        for ((occurrence, wanted), cut) in wanted.into_iter().zip(cuts) {
            let node = Arc::clone(&wanted.node);
            match derive::again(tenant, person, &node, &occurrence, &cut, now) {
                Derived::Due => out.push(Due { occurrence, node, cut, wanted }),
                Derived::Later(at) => {
                    change.settle.push(Settlement::of(&occurrence, State::Armed, now).due(at));
                }
                Derived::Missed => {
                    let moved = Moved::Missed(TRG_MISSED);
                    self.end(tenant, &person.at, &occurrence, &moved, now, change);
                }
                Derived::Moved(next) => {
                    self.end(tenant, &person.at, &occurrence, &Moved::Cancelled, now, change);
                    self.follow(tenant, &person.at, next.map(|it| *it), now, change);
                }
            }
        }
        out
    }

    /// Arms what takes the place of a timer whose anchor moved, or says that it came too late.
    fn follow(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        next: Option<Occurrence>,
        now: Instant,
        change: &mut Change,
    ) {
        let Some(next) = next else { return };
        if next.state == State::Missed {
            let (entropy, trace) = (&*self.sources.entropy, next.trace.as_deref());
            let teller = Teller { tenant, at: now, entropy, cause: None, trace };
            let moved = Moved::Missed(TRG_MISSED);
            change.facts.push(teller.timer(&moved, person, &next));
        }
        change.arm.push(next);
    }

    fn end(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        occurrence: &Occurrence,
        moved: &Moved,
        now: Instant,
        change: &mut Change,
    ) {
        let trace = occurrence.trace.as_deref();
        let entropy = &*self.sources.entropy;
        let teller = Teller { tenant, at: now, entropy, cause: None, trace };
        change.settle.push(Settlement::of(occurrence, moved.state(), now));
        change.facts.push(teller.timer(moved, person, occurrence));
    }

    /// Obligations are decided one by one; the rest compete within their group.
    async fn contests(
        &self,
        tenant: &TenantId,
        release: &Release,
        person: &Person,
        due: Vec<Due>,
        entered: &[Entered],
        now: Instant,
    ) -> Result<(), Fault> {
        let mut contests: Vec<(Option<Arc<str>>, Vec<Due>)> = Vec::new();
        for mut it in due {
            it.wanted.objections = derive::reentry(&it.node, &it.occurrence, entered, now);
            let group = it.node.arbitration.group.clone();
            let group = group.filter(|_| it.node.class != Class::Obligation);
            match contests.iter_mut().find(|(other, _)| group.is_some() && *other == group) {
                Some((_, contest)) => contest.push(it),
                None => contests.push((group, vec![it])),
            }
        }
        for (_, contest) in contests {
            self.contest(tenant, release, person, contest).await?;
        }
        Ok(())
    }

    async fn contest(
        &self,
        tenant: &TenantId,
        release: &Release,
        person: &Person,
        contest: Vec<Due>,
    ) -> Result<(), Fault> {
        // A claim takes many people, one after another: each is decided as of its own reading, or
        // permission read late in a slow round would look as if it came from the future.
        let now = self.sources.clock.now();
        let (mut occurrences, mut wanted, mut cuts) = (Vec::new(), Vec::new(), Vec::new());
        for it in contest {
            occurrences.push(it.occurrence);
            wanted.push(it.wanted);
            cuts.push(it.cut);
        }
        let (sources, mode) = (&self.sources, Mode::Triggered);
        let answers = gather::answers(sources, tenant, person, &wanted, &mode, now).await;
        let nodes = gather::inputs(sources, tenant, person, wanted, cuts, answers, now);
        let inputs = Inputs {
            id: DecisionId::mint(now, &*self.sources.entropy),
            tenant: tenant.clone(),
            as_of: now,
            mode,
            request: None,
            person: person.at.clone(),
            round: occurrences.iter().map(|it| it.attempts).max().unwrap_or(0),
            supersedes: occurrences.iter().find_map(|it| it.decision),
            hints: std::collections::BTreeMap::new(),
            nodes,
        };
        let decided = decide(release, &inputs);
        let settlements = (occurrences.iter().zip(&decided.fates))
            .map(|(it, fate)| settlement(it, fate, inputs.id, now))
            .collect();
        let parcel = Parcel {
            release,
            inputs: &inputs,
            decided: &decided,
            key: contest_key(&occurrences),
            key_at: occurrences.iter().map(|it| it.due_at).min().unwrap_or(now),
            settlements,
            handoff: None,
            sent: true,
            trace: occurrences.iter().find_map(|it| it.trace.as_deref()),
        };
        match append(&self.sources, tenant, parcel).await? {
            // Moved: the lease was lost, and whoever took it decides.
            Appended::Committed | Appended::Moved => Ok(()),
            // It was made before; its own settlement stands, and the claim ends here.
            Appended::Duplicate(first) => {
                let settle = occurrences
                    .iter()
                    .map(|it| Settlement::of(it, State::None, now).decided(first.id))
                    .collect();
                let change = Change { settle, ..Change::default() };
                self.sources.timetable.change(tenant, change).await
            }
        }
    }
}

fn wait(occurrence: &Occurrence, now: Instant) -> Settlement {
    Settlement::of(occurrence, State::Armed, now).due(now.plus(TimeDelta::minutes(15)))
}

fn settlement(it: &Occurrence, fate: &Fate, id: DecisionId, now: Instant) -> Settlement {
    let last = it.attempts.saturating_add(1) >= REDECIDE_MAX;
    match fate {
        Fate::Act => Settlement::of(it, State::Act, now).decided(id),
        Fate::Holdout => Settlement::of(it, State::Holdout, now).decided(id),
        Fate::Again { at, .. } if !last => {
            Settlement::of(it, State::Armed, now).due(*at).decided(id)
        }
        Fate::Again { .. } | Fate::None(_) => Settlement::of(it, State::None, now).decided(id),
    }
}

/// Names a contest: its occurrences and how often each was decided before.
fn contest_key(occurrences: &[Occurrence]) -> Digest {
    let mut parts: Vec<_> = occurrences.iter().map(|it| (it.key, it.attempts)).collect();
    parts.sort_unstable();
    let mut bytes = b"occurrences\n".to_vec();
    for (key, attempts) in parts {
        bytes.extend_from_slice(&key.0);
        bytes.push(attempts);
    }
    Digest::of(&bytes)
}
