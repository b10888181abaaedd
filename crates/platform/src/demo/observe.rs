//! Sees what came of the month: who was contacted, who was held out, and whether anything left that
//! should not have.

use std::{collections::BTreeMap, fmt, sync::Arc};

use anyhow::{Context as _, Result};
use delivery::state::State;
use identity::Identifier;
use kernel::{
    DecisionId, DeliveryId, Fact, FactFeed, Known, Limit, NodeId, RuleId, SubjectId, TenantId,
};
use service::app::App;

use super::population::Population;

/// The name its cursor is kept under.
const CONSUMER: &str = "demo";
/// How many people are asked for at a time.
const MEETING_MAX: usize = 500;

/// Something a person may react to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The index of the person in the population.
    pub person: usize,
    /// The journey node.
    pub node: String,
    /// The business object, or nothing.
    pub object: String,
    /// Whether something reached them.
    pub contacted: bool,
    /// The delivery that did.
    pub delivery: Option<String>,
    /// The link that ends its kind.
    pub unsubscribe: Option<String>,
}

/// Reads facts as any consumer does; knows who the people really are.
pub struct Observer {
    app: Arc<App>,
    tenant: TenantId,
    feed: Arc<dyn FactFeed>,
    people: BTreeMap<NodeId, usize>,
    subjects: BTreeMap<u32, SubjectId>,
    /// Messages that left without a permission that stood: must stay 0.
    pub late: u64,
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

impl Observer {
    /// Sees nothing yet.
    pub fn new(app: Arc<App>, tenant: TenantId, feed: Arc<dyn FactFeed>) -> Self {
        let (people, subjects) = (BTreeMap::new(), BTreeMap::new());
        Self { app, tenant, feed, people, subjects, late: 0 }
    }

    /// Learns which nodes are whose.
    pub async fn meet(&mut self, population: &Population) -> Result<()> {
        let mut crm_ids = Vec::new();
        for (i, person) in population.people.iter().enumerate() {
            let identifiers = person.crm_ids.iter().map(|it| [Identifier::stated("crm_id", it)]);
            crm_ids.extend(identifiers.map(|it| (i, person.number, it)));
        }
        for asked in crm_ids.chunks(MEETING_MAX) {
            let lists: Vec<_> = asked.iter().map(|(_, _, it)| it).collect();
            let found = self.app.people.find_each(&self.tenant, &lists).await?;
            for ((i, number, _), found) in asked.iter().zip(found) {
                let Some(found) = found else { continue };
                self.subjects.entry(*number).or_insert(found.subject);
                for node in found.nodes {
                    self.people.entry(node).or_insert(*i);
                }
            }
        }
        Ok(())
    }

    /// The id under which a person is known.
    pub fn subject(&self, number: u32) -> Option<SubjectId> {
        self.subjects.get(&number).copied()
    }

    /// What happened since the last look that people may react to.
    pub async fn look(&mut self) -> Result<Vec<Seen>> {
        let mut out = Vec::new();
        loop {
            let taken = self.feed.take(CONSUMER, Limit::MAX).await.context("reading facts")?;
            let Some(last) = taken.last().map(|it| it.position) else { return Ok(out) };
            for it in &taken {
                let seen = match it.fact.name.as_str() {
                    "delivery.accepted" => self.accepted(&it.fact).await?,
                    "action.ghost" => self.left_alone(&it.fact).await?,
                    _ => None,
                };
                out.extend(seen);
            }
            self.feed.done(CONSUMER, last).await.context("marking facts")?;
            if taken.len() < usize::from(Limit::MAX.get()) {
                return Ok(out);
            }
        }
    }

    fn whose(&self, fact: &Fact) -> Option<usize> {
        fact.nodes.iter().find_map(|it| self.people.get(it)).copied()
    }

    async fn object(&self, fact: &Fact) -> Result<Option<(DecisionId, String, String)>> {
        let text = |name: &str| fact.body.get(name).and_then(|it| it.as_str());
        let (Some(node), Some(decision)) = (text("node"), text("decision_id")) else {
            return Ok(None);
        };
        let decision: DecisionId = decision.parse()?;
        let stored = self.app.journal.get(&self.tenant, decision).await?;
        let Some(record) = stored.and_then(|it| it.parse().ok()) else { return Ok(None) };
        let object = record
            .subject
            .occurrences
            .iter()
            .find(|it| it.node.as_str() == node)
            .and_then(|it| it.object.as_ref())
            .map(|it| it.id.to_string());
        Ok(Some((decision, node.to_owned(), object.unwrap_or_default())))
    }

    async fn left_alone(&self, fact: &Fact) -> Result<Option<Seen>> {
        let (Some(person), Some((_, node, object))) = (self.whose(fact), self.object(fact).await?)
        else {
            return Ok(None);
        };
        Ok(Some(Seen { person, node, object, contacted: false, delivery: None, unsubscribe: None }))
    }

    async fn accepted(&mut self, fact: &Fact) -> Result<Option<Seen>> {
        let text = |name: &str| fact.body.get(name).and_then(|it| it.as_str());
        let Some(id) = text("delivery_id") else { return Ok(None) };
        let id: DeliveryId = id.parse()?;
        let Some(trail) = self.app.deliveries.get(&self.tenant, id).await? else { return Ok(None) };
        let delivery = trail.delivery;
        if matches!(delivery.state, State::Accepted) {
            self.check(&delivery).await?;
        }
        let Some((_, node, object)) = self.object(fact).await? else { return Ok(None) };
        let Some(person) = self.whose(fact) else { return Ok(None) };
        let letter = self.app.inbox.get(&self.tenant, id).await?;
        let unsubscribe = letter.and_then(|it| {
            let headers = it.message.headers;
            let value = headers.iter().find(|it| it.0.eq_ignore_ascii_case("list-unsubscribe"))?;
            let link = value.1.split(['<', '>']).find(|it| it.starts_with("http"))?;
            Some(link.to_owned())
        });
        Ok(Some(Seen {
            person,
            node,
            object,
            contacted: true,
            delivery: Some(id.to_string()),
            unsubscribe,
        }))
    }

    /// Asks the system of record once more, now that the message has left: whatever was withdrawn
    /// before this step must have stopped it.
    async fn check(&mut self, delivery: &delivery::message::Delivery) -> Result<()> {
        let person = self.app.people.person(&self.tenant, delivery.subject.uuid()).await?;
        let Some(person) = person else { return Ok(()) };
        let ask = consent::Ask {
            channel: Some(delivery.channel),
            bundle: Known::NotApplicable(RuleId::new("demo.no_data")),
            signals: Known::NotApplicable(RuleId::new("demo.no_browser")),
            ..consent::Ask::about(delivery.purpose.clone(), &person)
        };
        let now = self.app.clock.now();
        let verdict = self.app.verdicts.verdict(&self.tenant, &person, &ask, now).await?;
        if verdict.outcome == consent::Outcome::Refused {
            self.late += 1;
        }
        Ok(())
    }
}
