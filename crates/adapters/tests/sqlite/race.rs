//! Withdrawals racing the send gate: no hand-off starts after an acknowledged one.
//!
//! A dispatcher sends a burst while another task withdraws the very people it is about to reach:
//! commit, settle, acknowledge. The sender looks, as each hand-off starts, whether its person's
//! withdrawal was acknowledged before. The same race without the drain, or with a judge that does
//! not compare the epochs, must find hand-offs that start too late: otherwise it proves nothing.

#![expect(clippy::indexing_slicing, reason = "a broken law panics")]
#![expect(clippy::print_stdout, reason = "a race tells how long acknowledging took")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant as Moment},
};

use adapters::sql::{
    Database,
    delivery::{SqlDeliveryStore, SqlSendGate},
};
use async_trait::async_trait;
use chrono::TimeDelta;
use delivery::{
    Artifacts, Attempt,
    contract::sample,
    gate::{GateRequest, Judge, Judgement, judge},
    memory::judge_blindly,
    message::{Delivery, TemplateRef},
    permission::{Ask, Outcome, Verdict},
    ports::{
        AddressBook, ArtifactSource, Conclusion, Content, HandOffError, LinkAsk, Links,
        MessageLinks, Overdue, PermissionSource, PersonSource, Planned, SendGate, Sender, Settled,
    },
    reason,
    render::Imprint,
    sender::{Accepted, Address, AddressRef, Capabilities, Destination, Rendered, Route, Routes},
    service::{DispatchService, InFlightService, Preparer, Sources},
    zone::ZoneEvidence,
};
use kernel::{
    ArtifactRef, Channel, DecisionId, Digest, Epoch, Epochs, Fault, Instant, Known, ManualClock,
    NodeId, PersonAt, SeededEntropy, SubjectId, TenantId, Value,
};
use sea_orm::{ConnectionTrait, Statement};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{RACERS, delivery::execute, fresh};

/// One person in so many is in the burst; everybody withdraws.
pub(crate) const SENT_EVERY: usize = 10;
/// People who withdraw in one transition; every other transition is of one person.
const TOGETHER: usize = 200;

/// How the two sides keep company: who comes long before or long after the other races nobody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Messages dispatched in one turn.
    pub(crate) messages: usize,
    /// How far behind the dispatcher a withdrawal may come, in people.
    pub(crate) behind: u64,
    /// How far ahead of the withdrawals the dispatcher may begin a turn, in people: what a
    /// withdrawal may wait for and this must not wait for each other, so it is at least
    /// `behind - TOGETHER`.
    pub(crate) ahead: usize,
}

/// Withdrawing is about as fast as sending here.
const LOOSE: Pace = Pace { messages: 100, behind: 1_000, ahead: 2_000 };

/// Turns of the scheduler between a gate's commit and its hand-offs.
const YIELDS: usize = 4_000;

/// A name for the `i`th person that gives the number back.
fn uuid_of(i: usize) -> Uuid {
    Uuid::from_u128(u128::try_from(i).unwrap() + 1)
}

fn number(subject: SubjectId) -> usize {
    usize::try_from(subject.uuid().as_u128()).unwrap() - 1
}

/// The person in the `i`th place.
pub(crate) fn person(i: usize) -> PersonAt {
    let (subject, node) = (SubjectId::from_uuid(uuid_of(i)), NodeId::from_uuid(uuid_of(i)));
    PersonAt { subject, nodes: vec![node], identity: Epoch(1) }
}

/// What withdrawals write and verdicts read.
#[async_trait]
pub(crate) trait Choices: fmt::Debug + Send + Sync + 'static {
    /// The epoch of a person's choices, as a verdict learns it: zero until they withdraw.
    async fn epoch(&self, person: &PersonAt) -> Epoch;

    /// Each of these withdraws, in one transition.
    async fn withdraw(&self, nodes: &[NodeId]);
}

/// The heads in the system of record, and nothing else.
#[derive(Debug)]
struct Heads(Arc<Database>);

#[async_trait]
impl Choices for Heads {
    async fn epoch(&self, person: &PersonAt) -> Epoch {
        let reader = self.0.reader();
        let statement = Statement::from_sql_and_values(
            reader.get_database_backend(),
            "select epoch from consent_head where tenant = $1 and node = $2",
            [sample::tenant().as_str().into(), person.nodes[0].uuid().into()],
        );
        let row = reader.query_one_raw(statement).await.unwrap();
        let epoch = row.map_or(0_i64, |it| it.try_get("", "epoch").unwrap());
        Epoch(u64::try_from(epoch).unwrap())
    }

    async fn withdraw(&self, nodes: &[NodeId]) {
        let write = self.0.begin("test").await.unwrap();
        let rows: Vec<String> = (0..nodes.len()).map(|i| format!("($1, ${}, 1)", i + 2)).collect();
        let sql = format!(
            "insert into consent_head (tenant, node, epoch) values {} \
             on conflict (tenant, node) do update set epoch = consent_head.epoch + 1",
            rows.join(", ")
        );
        let mut values = vec![sample::tenant().as_str().into()];
        values.extend(nodes.iter().map(|it| it.uuid().into()));
        execute(&*write, &sql, values).await;
        write.commit().await.unwrap();
    }
}

/// Everything a preparation asks; permission reads what withdrawals write.
#[derive(Debug)]
struct World {
    database: Arc<Database>,
    choices: Arc<dyn Choices>,
    artifacts: Arc<Artifacts>,
    acknowledged: Vec<AtomicBool>,
    /// How far the dispatcher has come.
    prepared: AtomicUsize,
    /// How far the withdrawals have come.
    withdrawn: AtomicUsize,
    sent: AtomicUsize,
    late: AtomicUsize,
}

#[async_trait]
impl PermissionSource for World {
    async fn verdict(&self, _: &TenantId, ask: &Ask) -> Result<Verdict, Fault> {
        let epoch = self.choices.epoch(&ask.person).await;
        self.prepared.fetch_max(number(ask.person.subject), Ordering::SeqCst);
        let withdrawn = epoch > Epoch(0);
        let epochs = Epochs { identity: ask.person.identity, person: epoch, policy: Epoch(0) };
        let (outcome, reasons) = if withdrawn {
            (Outcome::Refused, vec![reason::BLOCKED])
        } else {
            (Outcome::Permitted, Vec::new())
        };
        Ok(Verdict { outcome, reasons, ..sample::verdict(epochs) })
    }
}

#[async_trait]
impl PersonSource for World {
    async fn person(&self, _: &TenantId, subject: SubjectId) -> Result<Option<PersonAt>, Fault> {
        Ok(Some(person(number(subject))))
    }
}

#[async_trait]
impl AddressBook for World {
    async fn address(
        &self,
        _: &TenantId,
        _: &PersonAt,
        _: Channel,
    ) -> Result<Option<AddressRef>, Fault> {
        Ok(None)
    }

    async fn open(&self, _: &TenantId, _: NodeId) -> Result<Option<Address>, Fault> {
        Ok(None)
    }

    async fn zones(&self, _: &TenantId, _: &PersonAt) -> Result<ZoneEvidence, Fault> {
        Ok(ZoneEvidence::Zone("Europe/Berlin".to_owned()))
    }
}

#[async_trait]
impl Links for World {
    async fn mint(&self, _: &TenantId, asks: &[LinkAsk]) -> Result<Vec<MessageLinks>, Fault> {
        let links = MessageLinks {
            one_click: "https://example.test/o/1".to_owned(),
            preferences: "https://example.test/p/1".to_owned(),
            why: "https://example.test/w/1".to_owned(),
        };
        Ok(vec![links; asks.len()])
    }
}

#[async_trait]
impl Content for World {
    async fn released(&self, _: &TenantId, _: &Digest) -> Result<Option<Arc<Artifacts>>, Fault> {
        Ok(None)
    }

    async fn values(
        &self,
        _: &TenantId,
        _: DecisionId,
    ) -> Result<BTreeMap<String, Known<Value>>, Fault> {
        Ok(BTreeMap::new())
    }
}

#[async_trait]
impl ArtifactSource for World {
    async fn live(&self, _: &TenantId) -> Result<Arc<Artifacts>, Fault> {
        Ok(Arc::clone(&self.artifacts))
    }
}

#[async_trait]
impl Sender for World {
    async fn hand_off(
        &self,
        attempt: &Attempt,
        _: &Rendered,
        _: &Destination,
    ) -> Result<Accepted, HandOffError> {
        if self.acknowledged[number(attempt.subject())].load(Ordering::SeqCst) {
            self.late.fetch_add(1, Ordering::SeqCst);
        }
        self.sent.fetch_add(1, Ordering::SeqCst);
        Ok(Accepted::default())
    }
}

fn template() -> (serde_json::Value, Digest) {
    let body = serde_json::json!({
        "schema": "template/1",
        "channel": "app",
        "purpose": "marketing.renewal",
        "class": "marketing",
        "body": { "text": "Why: {{ links.why }}" },
    });
    let digest = Digest::of_canonical(&body).unwrap();
    (body, digest)
}

fn window() -> serde_json::Value {
    serde_json::json!({
        "schema": "window/1",
        "always": ["email", "sms", "push", "web", "app", "human_task", "webhook"],
    })
}

/// The gate, with a pause between its commit and whatever follows: a busy scheduler's, in which a
/// withdrawal fits.
#[derive(Debug)]
struct Pausing(SqlSendGate);

#[async_trait]
impl SendGate for Pausing {
    async fn pass(&self, now: Instant, requests: &[GateRequest]) -> Result<Vec<Judgement>, Fault> {
        let judgements = self.0.pass(now, requests).await?;
        for _ in 0..YIELDS {
            tokio::task::yield_now().await;
        }
        Ok(judgements)
    }

    async fn rehearse(&self, now: Instant, request: &GateRequest) -> Result<Judgement, Fault> {
        self.0.rehearse(now, request).await
    }

    async fn conclude(&self, conclusions: Vec<Conclusion>) -> Result<Vec<bool>, Fault> {
        self.0.conclude(conclusions).await
    }

    async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        now: Instant,
        until: Instant,
    ) -> Result<Vec<Settled>, Fault> {
        self.0.settle(tenant, nodes, now, until).await
    }

    async fn overdue(&self, now: Instant, limit: usize) -> Result<Vec<Overdue>, Fault> {
        self.0.overdue(now, limit).await
    }
}

/// How the race is spoiled, to see that it finds what it looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    None,
    /// Withdrawals are acknowledged without waiting for open attempts.
    NoDrain,
    /// The gate does not compare the epochs it reads with the verdict's.
    NoCompare,
}

/// What came of a race.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    pub(crate) late: usize,
    pub(crate) planned: usize,
    /// How long each transition took until it was acknowledged.
    pub(crate) acknowledged: Vec<Acknowledged>,
}

/// One transition, acknowledged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acknowledged {
    /// How many people withdrew in it.
    people: usize,
    /// Whether it had to wait for a send that was under way.
    waited: bool,
    took: Duration,
}

impl Tally {
    /// Prints what came of it, and how long acknowledging took with and without sends under way.
    pub(crate) fn tell(&self, people: usize) {
        println!(
            "race: {people} withdrew while {} of {} messages were handed off, {} of them after \
             their withdrawal was acknowledged",
            self.sent, self.planned, self.late
        );
        let kinds: BTreeSet<_> =
            self.acknowledged.iter().map(|it| (it.people > 1, it.waited)).collect();
        for (together, waited) in kinds {
            let is_in = |it: &&Acknowledged| (it.people > 1, it.waited) == (together, waited);
            let mut took: Vec<_> =
                self.acknowledged.iter().filter(is_in).map(|it| it.took).collect();
            took.sort_unstable();
            let millis = |per_cent: usize| took[took.len() * per_cent / 100].as_secs_f64() * 1e3;
            println!(
                "race: acknowledging {}, {}: p50 {:.2} ms, p99 {:.2} ms ({} transitions)",
                if together { format!("up to {TOGETHER} at a time") } else { "one".to_owned() },
                if waited { "sends under way" } else { "nothing under way" },
                millis(50),
                millis(99),
                took.len()
            );
        }
    }
}

async fn race(people: usize, sabotage: Sabotage) -> Tally {
    let fresh = fresh().await;
    let database = fresh.database.clone();
    run(&database, Arc::new(Heads(database.clone())), people, sabotage, LOOSE).await
}

/// The race over choices kept like this.
pub(crate) async fn run(
    database: &Arc<Database>,
    choices: Arc<dyn Choices>,
    people: usize,
    sabotage: Sabotage,
    pace: Pace,
) -> Tally {
    let (template, digest) = template();
    let window = window();
    let artifacts = Artifacts::compile(&[
        ArtifactRef { kind: "template", name: "race", digest, body: &template },
        ArtifactRef { kind: "window", name: "standard", digest, body: &window },
    ])
    .unwrap();
    let world = Arc::new(World {
        database: database.clone(),
        choices,
        artifacts: Arc::new(artifacts),
        acknowledged: (0..people).map(|_| AtomicBool::new(false)).collect(),
        prepared: AtomicUsize::new(0),
        withdrawn: AtomicUsize::new(0),
        sent: AtomicUsize::new(0),
        late: AtomicUsize::new(0),
    });
    let planned = plan(database, people, digest).await;
    let judge: Judge = if sabotage == Sabotage::NoCompare { judge_blindly } else { judge };
    let gate: Arc<dyn SendGate> = Arc::new(Pausing(SqlSendGate::judging(database.clone(), judge)));
    let clock = Arc::new(ManualClock::at(sample::noon()));
    let dispatch = dispatch(&world, &gate, &clock);
    let in_flight = InFlightService::new(Arc::clone(&gate), clock);
    let mut sending = JoinSet::new();
    let sender = Arc::clone(&world);
    sending.spawn(async move {
        while dispatch.run_once(pace.messages).await.unwrap() > 0 {
            let withdrawn = || sender.withdrawn.load(Ordering::SeqCst);
            while sender.prepared.load(Ordering::SeqCst) > withdrawn().saturating_add(pace.ahead) {
                tokio::task::yield_now().await;
            }
        }
        // Whoever is left withdraws without company.
        sender.prepared.store(usize::MAX, Ordering::SeqCst);
    });
    let acknowledged = withdraw(&world, &in_flight, people, sabotage, pace).await;
    sending.join_all().await;
    assert!(world.acknowledged.iter().all(|it| it.load(Ordering::SeqCst)));
    let (sent, late) = (world.sent.load(Ordering::SeqCst), world.late.load(Ordering::SeqCst));
    Tally { sent, late, planned, acknowledged }
}

/// Plans the burst, in the order in which people withdraw.
async fn plan(database: &Arc<Database>, people: usize, digest: Digest) -> usize {
    use delivery::ports::DeliveryStore;
    let store = SqlDeliveryStore::new(database.clone());
    let mut planned = Vec::new();
    let write = database.begin("test").await.unwrap();
    for i in (0..people).step_by(SENT_EVERY) {
        let person = person(i);
        super::delivery::set_identity(&*write, &sample::tenant(), &person, Epoch(1)).await;
        let name = "race".to_owned();
        let delivery = Delivery {
            channel: Channel::App,
            caps: Vec::new(),
            priority: 0,
            template: TemplateRef { name, digest },
            ..sample::delivery(u64::try_from(i).unwrap(), &person)
        };
        planned.push(Planned { delivery, facts: Vec::new() });
    }
    write.commit().await.unwrap();
    let n = planned.len();
    assert_eq!(store.plan(planned, Vec::new()).await.unwrap(), n);
    n
}

fn dispatch(
    world: &Arc<World>,
    gate: &Arc<dyn SendGate>,
    clock: &Arc<ManualClock>,
) -> DispatchService {
    let entropy = Arc::new(SeededEntropy::new(11));
    let sources = Sources {
        permissions: Arc::clone(world) as _,
        people: Arc::clone(world) as _,
        addresses: Arc::clone(world) as _,
        links: Arc::clone(world) as _,
        content: Arc::clone(world) as _,
        artifacts: Arc::clone(world) as _,
    };
    let capabilities = Capabilities { deduplicates: true, budget: TimeDelta::seconds(5) };
    let sender = Arc::clone(world) as _;
    let route = Route { provider: "race", capabilities, sender };
    let routes = Arc::new(Routes::from([(Channel::App, route)]));
    let imprint = Imprint {
        name: "Acme".to_owned(),
        address: "1 Road".to_owned(),
        domain: "example.test".to_owned(),
    };
    let preparer = Preparer::new(sources, routes, imprint, entropy.clone());
    let store = Arc::new(SqlDeliveryStore::new(world.database.clone()));
    DispatchService::new(store, Arc::clone(gate), preparer, clock.clone(), entropy)
}

/// Everybody withdraws, those about to be reached when they are about to be reached: commit,
/// settle, acknowledge.
async fn withdraw(
    world: &World,
    in_flight: &InFlightService,
    people: usize,
    sabotage: Sabotage,
    pace: Pace,
) -> Vec<Acknowledged> {
    let until = sample::noon().plus(TimeDelta::seconds(60));
    let chance = SeededEntropy::new(5);
    let (mut first, mut acknowledged) = (0, Vec::new());
    while first < people {
        // From a little ahead of the dispatcher to a few transitions behind it: before the verdict,
        // between verdict and gate, between gate and hand-off, after it.
        let behind = usize::try_from(chance.next_u64() % pace.behind).unwrap();
        while world.prepared.load(Ordering::SeqCst).saturating_add(TOGETHER) < first + behind {
            tokio::task::yield_now().await;
        }
        let last = people.min(first + if acknowledged.len() % 2 == 0 { TOGETHER } else { 1 });
        let nodes: Vec<_> = (first..last).map(|i| NodeId::from_uuid(uuid_of(i))).collect();
        let begun = Moment::now();
        world.choices.withdraw(&nodes).await;
        let mut waited = false;
        if sabotage != Sabotage::NoDrain {
            let settled = in_flight.settle(&sample::tenant(), &nodes, until).await.unwrap();
            assert!(settled.iter().all(|it| it.outcome.is_some()));
            waited = !settled.is_empty();
        }
        for i in first..last {
            world.acknowledged[i].store(true, Ordering::SeqCst);
        }
        acknowledged.push(Acknowledged { people: last - first, waited, took: begun.elapsed() });
        first = last;
        world.withdrawn.store(first, Ordering::SeqCst);
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_hand_off_starts_after_an_acknowledged_withdrawal() {
    let tally = race(RACERS, Sabotage::None).await;
    tally.tell(RACERS);
    assert_eq!(tally.late, 0, "{tally:?}");
    // A race in which nobody, or everybody, is reached has raced nothing.
    assert!(tally.sent > 0 && tally.sent < tally.planned, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_drain_the_race_finds_late_hand_offs() {
    let tally = race(20_000, Sabotage::NoDrain).await;
    assert!(tally.late > 0, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_comparing_epochs_the_race_finds_late_hand_offs() {
    let tally = race(20_000, Sabotage::NoCompare).await;
    assert!(tally.late > 0, "{tally:?}");
}
