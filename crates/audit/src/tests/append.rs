//! An answer means durable, included and signed; a retry finds what it asked for.

use std::{future::Future as _, pin::pin, sync::Arc, task::Context};

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{Digest, Fact, FactId, Fault, Limit, SeededEntropy, TenantId};
use tokio::task::JoinSet;

use super::{World, acme, group, now, record, subject, submission};
use crate::{
    contract::{COMPANION, VETO, VETOED},
    entry::{Companion, Custody, IDEM_WINDOW_DAYS, Leaf, Submission},
    key::KeyOwner,
    memory::MemoryLog,
    note::Origin,
    ports::{CommitError, Committed, Head, Journal},
    seal::RECORD_SEALED_BYTES_MAX,
    sequence::{BATCH_ENTRIES_MAX, Batch, QUEUE_ENTRIES_MAX},
    service::{
        AppendError, AppendService, Appended, IDEM_STALE, MALFORMED, TOO_LARGE, Trail, TrailPorts,
    },
};

fn index(appended: &Appended) -> u64 {
    match appended {
        Appended::New(it) | Appended::Existing(it, _) => it.index,
        Appended::Conflict | Appended::Vetoed(_) => panic!("not appended: {appended:?}"),
    }
}

fn is_new(appended: &Appended) -> bool {
    matches!(appended, Appended::New(_))
}

#[tokio::test]
async fn entries_take_their_places_densely_under_a_signed_head() {
    let world = World::new();
    for n in 0..5 {
        let appended = world.append().append(submission(n)).await.unwrap();
        let Appended::New(position) = appended else { panic!("{appended:?}") };
        assert_eq!((position.index, position.head.checkpoint.size), (n, n + 1));
    }
    let check = world.prove().verify_log(&acme()).await.unwrap();
    assert_eq!((check.size, check.broken_at), (5, None));
}

#[tokio::test]
async fn the_same_request_again_is_the_first_entry() {
    let mut world = World::new();
    let first = world.append().append(submission(1)).await.unwrap();
    world.append().append(submission(2)).await.unwrap();
    for _ in 0..2 {
        let again = world.append().append(submission(1)).await.unwrap();
        let Appended::Existing(position, opened) = again else { panic!("{again:?}") };
        assert_eq!(position.index, index(&first));
        assert_eq!(opened.record, record(1));
        assert_eq!(opened.group("core"), Some(&serde_json::json!({ "n": 1 })));
        world.restart();
    }
    assert_eq!(world.prove().checkpoint(&acme()).await.unwrap().checkpoint.size, 2);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_a_conflict() {
    let world = World::new();
    world.append().append(submission(1)).await.unwrap();
    let other = Submission { fingerprint: Digest::of(b"other"), ..submission(1) };
    assert_eq!(world.append().append(other.clone()).await.unwrap(), Appended::Conflict);
    let twins = vec![submission(2), Submission { idem: submission(2).idem, ..other }];
    let appended = world.append().append_all(twins).await.unwrap();
    assert!(is_new(&appended[0]));
    assert_eq!(appended[1], Appended::Conflict);
    let pair = world.append().append_all(vec![submission(3), submission(3)]).await.unwrap();
    assert!(is_new(&pair[0]) && !is_new(&pair[1]));
    assert_eq!(index(&pair[0]), index(&pair[1]));
}

#[tokio::test]
async fn many_callers_share_batches_and_none_is_lost() {
    let world = World::new();
    let mut callers = JoinSet::new();
    for n in 0..500 {
        let append = world.append();
        callers.spawn(async move { append.append(submission(n)).await.unwrap() });
    }
    let mut indices: Vec<_> = callers.join_all().await.iter().map(index).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..500).collect::<Vec<_>>());
    assert_eq!(world.prove().verify_log(&acme()).await.unwrap().broken_at, None);
}

#[tokio::test]
async fn a_long_list_goes_in_full_batches() {
    let world = World::new();
    let n = u64::try_from(2 * BATCH_ENTRIES_MAX + 88).unwrap();
    let appended = world.append().append_all((0..n).map(submission).collect()).await.unwrap();
    assert_eq!(appended.iter().map(index).collect::<Vec<_>>(), (0..n).collect::<Vec<_>>());
    let heads: Vec<_> = appended
        .iter()
        .map(|it| match it {
            Appended::New(it) => it.head.checkpoint.size,
            _ => 0,
        })
        .collect();
    assert_eq!((heads[0], heads[256], heads[599]), (256, 512, 600));
}

#[tokio::test]
async fn a_full_queue_refuses_and_keeps_nothing() {
    let world = World::new();
    let n = u64::try_from(QUEUE_ENTRIES_MAX).unwrap();
    let many = |n| (0..n).map(submission).collect();
    let refused = world.append().append_all(many(n + 1)).await;
    assert!(matches!(refused, Err(AppendError::Full)));
    assert_eq!(world.prove().checkpoint(&acme()).await.unwrap().checkpoint.size, 0);
    assert_eq!(world.append().append_all(many(n)).await.unwrap().len(), QUEUE_ENTRIES_MAX);
}

#[tokio::test]
async fn what_cannot_be_appended_is_refused_with_its_code() {
    let world = World::new();
    let refused = async |submission| match world.append().append(submission).await {
        Err(AppendError::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let base = || submission(1);
    let oldest = now().minus(TimeDelta::days(IDEM_WINDOW_DAYS));
    world.clock.set(oldest.minus(TimeDelta::hours(1)));
    assert_eq!(refused(base()).await, IDEM_STALE);
    world.clock.set(now());
    let nobody = Submission { subject: None, ..base() };
    assert_eq!(refused(nobody).await, MALFORMED);
    let empty = Submission { groups: Vec::new(), ..base() };
    assert_eq!(refused(empty).await, MALFORMED);
    let sized = |n| {
        let json = format!("{{\"t\":\"{}\"}}", "x".repeat(n));
        Submission { groups: vec![group("core", Custody::Plain, &json)], ..base() }
    };
    // A record with one plain group is 152 bytes longer than the text in it.
    let longest = RECORD_SEALED_BYTES_MAX - 152;
    assert_eq!(refused(sized(longest + 1)).await, TOO_LARGE);
    assert!(is_new(&world.append().append(sized(longest)).await.unwrap()));
    let mixed = Submission { tenant: TenantId::new("zenith").unwrap(), ..submission(2) };
    let refused = world.append().append_all(vec![submission(3), mixed]).await;
    assert!(matches!(refused, Err(AppendError::Refused(it)) if it == MALFORMED));
}

#[tokio::test]
async fn facts_come_with_the_entry_and_a_veto_leaves_nothing() {
    let world = World::new();
    let fact = Fact {
        id: FactId::mint(now(), &SeededEntropy::new(1)),
        tenant: acme(),
        name: "decision.made".to_owned(),
        at: now(),
        subject: None,
        nodes: Vec::new(),
        cause: None,
        trace: None,
        body: serde_json::json!({}),
    };
    let with = |body: &[u8]| Submission {
        facts: vec![fact.clone()],
        companion: Some(Companion { kind: COMPANION, body: body.to_vec() }),
        ..submission(1)
    };
    let vetoed = world.append().append(with(VETOED)).await.unwrap();
    assert_eq!(vetoed, Appended::Vetoed(VETO));
    assert_eq!(world.feed.facts(), []);
    assert!(is_new(&world.append().append(with(b"ok")).await.unwrap()));
    assert_eq!(world.feed.facts(), [fact]);
}

#[tokio::test]
async fn an_outage_is_a_fault_and_the_retry_appends_once() {
    let world = World::new();
    world.append().append(submission(0)).await.unwrap();
    let faulty = || async { world.append().append(submission(1)).await };
    world.log.set_outage(true);
    assert!(matches!(faulty().await, Err(AppendError::Fault(_))));
    world.log.set_outage(false);
    world.keyring.set_outage(true);
    let keyless = world.append().append(submission(5)).await;
    assert!(matches!(keyless, Err(AppendError::Fault(_))), "never an unsealed record");
    world.keyring.set_outage(false);
    assert!(is_new(&faulty().await.unwrap()));
    world.signer.set_outage(true);
    let unsigned = world.append().append(submission(2)).await;
    assert!(matches!(unsigned, Err(AppendError::Fault(_))), "durable, but not acknowledged");
    world.signer.set_outage(false);
    let again = world.append().append(submission(2)).await.unwrap();
    assert!(matches!(again, Appended::Existing(..)), "the retry finds the original position");
    assert_eq!(index(&again), 2);
    assert_eq!(world.prove().verify_log(&acme()).await.unwrap().size, 3);
}

#[tokio::test]
async fn changed_leaves_stop_the_log_and_are_named() {
    let mut world = World::new();
    for n in 0..9 {
        world.append().append(submission(n)).await.unwrap();
    }
    world.log.corrupt(&acme(), 4);
    assert_eq!(world.prove().verify_log(&acme()).await.unwrap().broken_at, Some(4));
    world.restart();
    assert!(matches!(world.append().open(&acme()).await, Err(AppendError::Amnesia)));
    assert!(matches!(world.append().append(submission(9)).await, Err(AppendError::Amnesia)));
}

#[tokio::test]
async fn two_processes_never_fork_a_log() {
    let mut world = World::new();
    let old = world.append();
    old.append(submission(0)).await.unwrap();
    world.restart();
    let new = world.append();
    assert_eq!(index(&new.append(submission(1)).await.unwrap()), 1);
    assert_eq!(index(&old.append(submission(2)).await.unwrap()), 2, "fenced, it catches up");
    assert_eq!(index(&new.append(submission(3)).await.unwrap()), 3, "and so does the other");
    assert_eq!(world.prove().verify_log(&acme()).await.unwrap().broken_at, None);
}

#[tokio::test]
async fn a_destroyed_key_closes_its_groups_and_no_proof() {
    let world = World::new();
    let submission = submission(1);
    let owner = KeyOwner::Subject { subject: subject(1), class: submission.class.clone() };
    world.append().append(submission).await.unwrap();
    let open = world.records().get(&acme(), record(1)).await.unwrap().unwrap();
    assert_eq!((open.groups.len(), open.closed.len()), (3, 0));
    world.keyring.forget(&acme(), &owner);
    let closed = world.records().get(&acme(), record(1)).await.unwrap().unwrap();
    assert_eq!(closed.closed, ["inputs", "subject"]);
    assert_eq!(closed.groups.keys().collect::<Vec<_>>(), ["core"]);
    assert_eq!(world.prove().verify_log(&acme()).await.unwrap().broken_at, None);
}

#[tokio::test]
async fn a_persons_records_are_found_under_a_blind_token() {
    let world = World::new();
    world.append().append_all((0..9).map(submission).collect()).await.unwrap();
    let of = async |n, before| -> Vec<u64> {
        let (about, limit) = ([subject(n)], Limit::new(2).unwrap());
        let records = world.records().of_subjects(&acme(), &about, before, limit).await.unwrap();
        records.into_iter().map(|it| it.index).collect()
    };
    assert_eq!(of(1, None).await, [7, 4]);
    assert_eq!(of(1, Some(4)).await, [1]);
    assert_eq!(of(9, None).await, [0_u64; 0]);
    let (both, limit) = ([subject(1), subject(2)], Limit::default());
    let all = world.records().of_subjects(&acme(), &both, None, limit).await.unwrap();
    assert_eq!(all.iter().map(|it| it.index).collect::<Vec<_>>(), [8, 7, 5, 4, 2, 1]);
    let all = world.records().page(&acme(), None, Some(6), Limit::default()).await.unwrap();
    assert_eq!(all.iter().map(|it| it.record).collect::<Vec<_>>(), [record(7), record(8)]);
    assert_eq!(world.records().get(&acme(), record(99)).await.unwrap(), None);
}

#[tokio::test]
async fn a_derived_key_belongs_to_one_person_of_one_tenant() {
    let mut world = World::new();
    let key = async |append: AppendService, tenant: &TenantId, n| {
        *append.subject_key(tenant, subject(n)).await.unwrap()
    };
    let zenith = TenantId::new("zenith").unwrap();
    let one = key(world.append(), &acme(), 1).await;
    assert_ne!(one, key(world.append(), &acme(), 2).await);
    assert_ne!(one, key(world.append(), &zenith, 1).await);
    world.restart();
    assert_eq!(one, key(world.append(), &acme(), 1).await);
}

/// A journal that lets others run before it commits.
#[derive(Debug)]
struct Slow(Arc<MemoryLog>);

#[async_trait]
impl Journal for Slow {
    async fn take_over(&self, tenant: &TenantId, origin: &Origin) -> Result<Head, Fault> {
        self.0.take_over(tenant, origin).await
    }

    async fn head(&self, tenant: &TenantId) -> Result<Option<Head>, Fault> {
        self.0.head(tenant).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        tokio::task::yield_now().await;
        let committed = self.0.commit(batch).await;
        tokio::task::yield_now().await;
        committed
    }

    async fn leaves(&self, tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<Leaf>, Fault> {
        self.0.leaves(tenant, from, limit).await
    }
}

fn slow(world: &World) -> AppendService {
    let ports = TrailPorts {
        journal: Arc::new(Slow(Arc::clone(&world.log))),
        records: Arc::<MemoryLog>::clone(&world.log),
        keyring: Arc::clone(&world.keyring) as _,
        signer: Arc::clone(&world.signer) as _,
    };
    let clock = Arc::clone(&world.clock) as _;
    AppendService::new(Arc::new(Trail::new(
        ports,
        "example.org",
        clock,
        Arc::new(SeededEntropy::new(9)),
    )))
}

#[tokio::test]
async fn a_caller_who_leaves_takes_nobody_with_him() {
    for polls in 1..4 {
        let world = World::new();
        let append = slow(&world);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let follower = {
            let mut leader = pin!(append.append(submission(0)));
            assert!(leader.as_mut().poll(&mut context).is_pending());
            let mut follower = Box::pin(append.append(submission(1)));
            assert!(follower.as_mut().poll(&mut context).is_pending());
            for _ in 1..polls {
                if leader.as_mut().poll(&mut context).is_ready() {
                    break;
                }
            }
            follower
        };
        let appended = follower.await.unwrap();
        assert!(is_new(&appended));
        assert_eq!(world.prove().verify_log(&acme()).await.unwrap().broken_at, None);
        assert!(append.append(submission(2)).await.is_ok());
    }
}

#[tokio::test]
async fn a_follower_who_leaves_with_the_lead_passes_it_on() {
    let world = World::new();
    let append = slow(&world);
    let mut context = Context::from_waker(std::task::Waker::noop());
    let mut leader = Box::pin(append.append(submission(0)));
    assert!(leader.as_mut().poll(&mut context).is_pending());
    let mut heir = Box::pin(append.append(submission(1)));
    assert!(heir.as_mut().poll(&mut context).is_pending());
    let mut last = Box::pin(append.append(submission(2)));
    assert!(last.as_mut().poll(&mut context).is_pending());
    assert!(is_new(&leader.await.unwrap()));
    drop(heir);
    assert!(is_new(&last.await.unwrap()));
    assert!(is_new(&append.append(submission(3)).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_come_and_go_leave_a_whole_log() {
    let world = World::new();
    let append = slow(&world);
    let mut callers = JoinSet::new();
    for n in 0..900 {
        let append = append.clone();
        let handle = callers.spawn(async move { append.append(submission(n)).await });
        if n % 3 == 0 {
            tokio::task::yield_now().await;
            handle.abort();
        }
    }
    let mut n_answered = 0;
    while let Some(answer) = callers.join_next().await {
        match answer {
            Ok(appended) => {
                appended.unwrap();
                n_answered += 1;
            }
            Err(gone) => assert!(gone.is_cancelled()),
        }
    }
    assert!(n_answered >= 600, "nobody who stayed was forgotten");
    let check = world.prove().verify_log(&acme()).await.unwrap();
    assert_eq!(check.broken_at, None);
    assert!(check.size >= 600);
}
