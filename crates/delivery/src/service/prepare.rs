//! Everything slow that comes before the gate: person, address, verdict, bundle, message.

use std::{collections::BTreeMap, sync::Arc};

use chrono::TimeDelta;
use kernel::{
    Channel, Class, Clock, Entropy, FactId, Fault, Instant, Known, NodeId, PersonAt, TenantId,
    Value, Windows, Zones,
};

use crate::{
    attempt::Stamp,
    caps::{Cap, CapWindow, Counts},
    content::Artifacts,
    gate::GateRequest,
    message::{Delivery, NODES_MAX, WindowClass},
    permission::{Ask, Obligation, Outcome, Verdict},
    ports::{
        AddressBook, ArtifactSource, Content, LinkAsk, Links, MessageLinks, PermissionSource,
        PersonSource,
    },
    reason,
    render::{Imprint, render},
    sender::{Destination, Route, Routes, is_addressed},
    state::Event,
    zone,
};

/// How long something waits whose sources are out of reach.
pub(crate) const PAUSE: TimeDelta = TimeDelta::seconds(30);

/// Where a preparation gets what it needs.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Permission, on the system of record.
    pub permissions: Arc<dyn PermissionSource>,
    /// People as resolved now.
    pub people: Arc<dyn PersonSource>,
    /// Addresses and zones.
    pub addresses: Arc<dyn AddressBook>,
    /// Links that open without a login.
    pub links: Arc<dyn Links>,
    /// Bundles and former releases.
    pub content: Arc<dyn Content>,
    /// The live artifacts.
    pub artifacts: Arc<dyn ArtifactSource>,
}

/// Prepares deliveries for the gate.
#[derive(Debug, Clone)]
pub struct Preparer {
    sources: Sources,
    routes: Arc<Routes>,
    imprint: Imprint,
    entropy: Arc<dyn Entropy>,
}

/// What became of a preparation.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// It may be gated.
    Request(Box<GateRequest>, Destination),
    /// It stops here.
    Stopped(Box<Delivery>, Option<PersonAt>, Event),
}

/// A delivery that is permitted and resolved, and has no message yet.
#[derive(Debug)]
struct Draft {
    delivery: Delivery,
    person: PersonAt,
    contact: NodeId,
    destination: Destination,
    stamp: Stamp,
    obligations: Vec<Obligation>,
    from: Arc<Artifacts>,
    values: BTreeMap<String, Known<Value>>,
    caps: Vec<Cap>,
    windows: Option<Windows>,
    zones: Zones,
    budget: TimeDelta,
}

/// Why a draft stops: what happens to the delivery, or that its sources were out of reach.
enum Stop {
    Event(Option<PersonAt>, Event),
    OutOfReach,
}

impl From<Fault> for Stop {
    fn from(_: Fault) -> Self {
        Self::OutOfReach
    }
}

impl Preparer {
    /// A preparer over these sources and routes.
    pub fn new(
        sources: Sources,
        routes: Arc<Routes>,
        imprint: Imprint,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { sources, routes, imprint, entropy }
    }

    /// The route of a channel.
    pub(crate) fn route(&self, channel: Channel) -> Option<&Route> {
        self.routes.get(&channel)
    }

    /// Prepares ready deliveries of one tenant, in order, each as of when its turn comes. A source
    /// out of reach makes its delivery wait; it never lets one through.
    pub(crate) async fn prepare(
        &self,
        tenant: &TenantId,
        deliveries: Vec<Delivery>,
        clock: &dyn Clock,
    ) -> Vec<Prepared> {
        let mut drafts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let now = clock.now();
            drafts.push(match self.draft(&delivery, now).await {
                Ok(draft) => Ok(draft),
                Err(Stop::Event(person, event)) => {
                    Err(Prepared::Stopped(Box::new(delivery), person, event))
                }
                Err(Stop::OutOfReach) => Err(out_of_reach(delivery, now)),
            });
        }
        let asks: Vec<LinkAsk> = drafts.iter().flatten().map(Draft::links).collect();
        let minted = if asks.is_empty() {
            Ok(Vec::new())
        } else {
            self.sources.links.mint(tenant, &asks).await
        };
        let mut links = minted.unwrap_or_default().into_iter();
        let now = clock.now();
        drafts
            .into_iter()
            .map(|it| match it {
                Err(stopped) => stopped,
                Ok(draft) => match links.next() {
                    Some(links) => self.message(draft, &links, now),
                    None => out_of_reach(draft.delivery, now),
                },
            })
            .collect()
    }

    async fn draft(&self, delivery: &Delivery, now: Instant) -> Result<Draft, Stop> {
        let tenant = &delivery.tenant;
        let stop = |reason| Stop::Event(None, Event::Refused { reasons: vec![reason] });
        let route = self.route(delivery.channel).ok_or_else(|| stop(reason::NO_ROUTE))?;
        let person = self
            .sources
            .people
            .person(tenant, delivery.subject)
            .await?
            .filter(|it| it.nodes.len() <= NODES_MAX)
            .ok_or_else(|| stop(reason::NO_PERSON))?;
        let (contact, destination) = self.destination(delivery, &person).await?;
        let live = self.sources.artifacts.live(tenant).await?;
        let from = self.template_of(delivery, &live).await?;
        let template = from.template(&delivery.template).ok_or_else(|| unfit(&person))?;
        let address = matches!(destination, Destination::Contact(_)).then_some(contact);
        let ask = Ask {
            person: person.clone(),
            purpose: delivery.purpose.clone(),
            channel: delivery.channel,
            class: delivery.class,
            address,
            message: template.facts(),
            as_of: now,
        };
        let verdict = self.sources.permissions.verdict(tenant, &ask).await?;
        let stamp = permitted(&person, &verdict)?;
        let caps = caps(delivery, &person, &live, &from, &verdict.obligations)?;
        let windows = windows(delivery, &person, &live)?;
        let zones = zone::candidates(&self.sources.addresses.zones(tenant, &person).await?);
        let values = self.sources.content.values(tenant, delivery.decision).await?;
        Ok(Draft {
            delivery: delivery.clone(),
            person,
            contact,
            destination,
            stamp,
            obligations: verdict.obligations,
            from,
            values,
            caps,
            windows,
            zones,
            budget: route.capabilities.budget,
        })
    }

    /// The node the contact counts on, and where the message goes.
    async fn destination(
        &self,
        delivery: &Delivery,
        person: &PersonAt,
    ) -> Result<(NodeId, Destination), Stop> {
        if !is_addressed(delivery.channel) {
            return Ok((NodeId::from_uuid(person.subject.uuid()), Destination::Person));
        }
        let (book, tenant) = (&self.sources.addresses, &delivery.tenant);
        if let Some(found) = book.address(tenant, person, delivery.channel).await?
            && let Some(address) = book.open(tenant, found.node).await?
        {
            return Ok((found.node, Destination::Contact(address)));
        }
        let event = Event::Refused { reasons: vec![reason::UNRESOLVED] };
        Err(Stop::Event(Some(person.clone()), event))
    }

    /// The artifacts that hold the very template the decision named.
    async fn template_of(
        &self,
        delivery: &Delivery,
        live: &Arc<Artifacts>,
    ) -> Result<Arc<Artifacts>, Stop> {
        if live.template(&delivery.template).is_some() {
            return Ok(Arc::clone(live));
        }
        let (content, release) = (&self.sources.content, &delivery.release.digest);
        let released = content.released(&delivery.tenant, release).await?;
        Ok(released.unwrap_or_else(|| Arc::clone(live)))
    }

    fn message(&self, draft: Draft, links: &MessageLinks, now: Instant) -> Prepared {
        let Draft { delivery, person, .. } = &draft;
        let message =
            draft.from.template(&delivery.template).map_or(Err(reason::TEMPLATE), |template| {
                let obligations = &draft.obligations;
                render(template, delivery, &draft.values, links, &self.imprint, obligations)
            });
        match message {
            Err(reason) => Prepared::Stopped(
                Box::new(delivery.clone()),
                Some(person.clone()),
                Event::Unfit { reason },
            ),
            Ok(message) => {
                let request = GateRequest {
                    delivery: draft.delivery,
                    person: draft.person,
                    contact: draft.contact,
                    stamp: draft.stamp,
                    caps: draft.caps,
                    windows: draft.windows,
                    zones: draft.zones,
                    message,
                    budget: draft.budget,
                    fact: FactId::mint(now, &*self.entropy),
                };
                Prepared::Request(Box::new(request), draft.destination)
            }
        }
    }
}

impl Draft {
    fn links(&self) -> LinkAsk {
        LinkAsk {
            subject: self.person.subject,
            purpose: self.delivery.purpose.key.clone(),
            channel: self.delivery.channel,
            delivery: self.delivery.id,
            decision: self.delivery.decision,
        }
    }
}

fn out_of_reach(delivery: Delivery, now: Instant) -> Prepared {
    let event = Event::Wait { reason: reason::GATE_DOWN, until: now.plus(PAUSE) };
    Prepared::Stopped(Box::new(delivery), None, event)
}

fn unfit(person: &PersonAt) -> Stop {
    Stop::Event(Some(person.clone()), Event::Unfit { reason: reason::TEMPLATE })
}

/// The stamp of a verdict that permits; anything else stops with the verdict's own reasons.
fn permitted(person: &PersonAt, verdict: &Verdict) -> Result<Stamp, Stop> {
    let event = match verdict.outcome {
        Outcome::Held { until } => {
            let reason = verdict.reasons.first().cloned().unwrap_or(reason::QUIET);
            Event::Held { reason, until }
        }
        Outcome::Permitted | Outcome::Refused => {
            let mut reasons = vec![reason::BLOCKED];
            reasons.extend(verdict.reasons.iter().cloned());
            Event::Refused { reasons }
        }
    };
    Stamp::of(verdict).ok_or_else(|| Stop::Event(Some(person.clone()), event))
}

/// The caps by name, the live ones first, and the person's own limits. What law or contract
/// requires is counted and not capped.
fn caps(
    delivery: &Delivery,
    person: &PersonAt,
    live: &Artifacts,
    from: &Artifacts,
    obligations: &[Obligation],
) -> Result<Vec<Cap>, Stop> {
    if delivery.class == Class::Obligation {
        return Ok(Vec::new());
    }
    let mut caps = Vec::with_capacity(delivery.caps.len());
    for name in &delivery.caps {
        let cap = live.cap(name).or_else(|| from.cap(name)).ok_or_else(|| {
            let event = Event::Refused { reasons: vec![reason::CAP_UNKNOWN] };
            Stop::Event(Some(person.clone()), event)
        })?;
        caps.push(cap.clone());
    }
    for obligation in obligations {
        if let Obligation::Frequency { limit, window } = obligation {
            caps.push(Cap {
                name: "person".to_owned(),
                counts: Counts { classes: [delivery.class].into(), ..Counts::default() },
                limit: *limit,
                window: CapWindow::Rolling(*window),
                min_gap: kernel::Period::default(),
            });
        }
    }
    Ok(caps)
}

fn windows(
    delivery: &Delivery,
    person: &PersonAt,
    live: &Artifacts,
) -> Result<Option<Windows>, Stop> {
    if delivery.window == WindowClass::UrgentSafety {
        return Ok(None);
    }
    live.windows(delivery.window).and_then(|it| it.of(delivery.channel)).cloned().ok_or_else(|| {
        let event = Event::Held { reason: reason::WINDOW_NEVER, until: delivery.not_after };
        Stop::Event(Some(person.clone()), event)
    })
}
