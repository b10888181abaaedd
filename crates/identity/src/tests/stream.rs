//! A hostile stream with known truth: whatever is shared, recycled, faked or merged wrongly, nobody
//! becomes somebody else, and the order of arrival changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{NodeId, SystemId};

use super::stories::{House, house, sighting};
use crate::{Sighting, Strength, matching::dice::Dice, node::NodeKey, ports::Link};

/// How many people live in the stream.
const PEOPLE: usize = 60;

/// Events and who each is about; nobody for what a kiosk or a shared device saw without a log-in.
struct Stream {
    events: Vec<Sighting>,
    /// The true owner of every anchor, by its text.
    owners: BTreeMap<String, usize>,
    /// Pairs of anchors the CRM merged wrongly, and took back.
    wrong: Vec<(String, String)>,
}

impl Stream {
    fn new(seed: u64) -> Self {
        let mut stream = Self { events: Vec::new(), owners: BTreeMap::new(), wrong: Vec::new() };
        let mut dice = Dice::new(seed);
        for person in 0..PEOPLE {
            stream.live(person, &mut dice);
        }
        stream
    }

    fn tell(&mut self, on: usize, source: &str, strength: Strength, text: &str) {
        let on = i64::try_from(on).unwrap();
        let source = SystemId::new(source);
        self.events.push(Sighting { source, strength, ..sighting(on, text) });
    }

    fn anchor(&mut self, text: String, person: usize) -> String {
        self.owners.insert(text.clone(), person);
        text
    }

    /// A life: its own identifiers, and everything it shares with others.
    fn live(&mut self, person: usize, dice: &mut Dice) {
        let household = person / 3;
        let crm = self.anchor(format!("crm_id:c{person}"), person);
        let user = self.anchor(format!("user_id:u{person}"), person);
        let service = self.anchor(format!("service_no:s{person}"), person);
        let own = format!("email:p{person}@mail.example");
        // The CRM says who its user is; the own address is proven.
        self.tell(dice.below(90), "crm", Strength::Owner, &format!("{crm} {user} !{own}"));
        self.tell(dice.below(90), "service_desk", Strength::Stated, &format!("{service} {crm}"));
        for _ in 0..dice.below(4) {
            let device = match dice.below(4) {
                // The family's tablet, logged in and not; a device of one's own.
                0 | 1 => format!("device:tablet{household}"),
                2 => "device:kiosk".to_owned(),
                _ => format!("device:own{person}"),
            };
            self.tell(dice.below(300), "app", Strength::Proven, &format!("{user} {device}"));
            self.tell(dice.below(300), "app", Strength::Stated, &device);
        }
        // Family mail, a joint policy, the number of the call centre, a placeholder.
        if dice.happens(0.5) {
            let mail = format!("email:family{household}@mail.example");
            self.tell(dice.below(90), "crm", Strength::Stated, &format!("{crm} {mail}"));
        }
        if dice.happens(0.5) {
            let policy = format!("policy_no:joint{household}");
            self.tell(dice.below(90), "policy_admin", Strength::Owner, &format!("{crm} {policy}"));
        }
        for junk in ["phone:+49800123456", "phone:00000000", "email:test@test.com"] {
            if dice.happens(0.3) {
                self.tell(
                    dice.below(300),
                    "service_desk",
                    Strength::Stated,
                    &format!("{service} {junk}"),
                );
            }
        }
        // A phone changes hands once a year and a half has gone by.
        if person.is_multiple_of(5) {
            let phone = format!("phone:+4917000{:05}", person / 10);
            let on = if person.is_multiple_of(10) { dice.below(50) } else { 700 + dice.below(50) };
            self.tell(on, "crm", Strength::Stated, &format!("{crm} {phone}"));
        }
        // A duplicate the desk opened; later, a mistyped customer number that is somebody else's.
        if person.is_multiple_of(7) {
            let second = self.anchor(format!("service_no:d{person}"), person);
            self.tell(dice.below(90), "service_desk", Strength::Stated, &format!("{second} {crm}"));
        }
        if person % 11 == 3 {
            let other = format!("crm_id:c{}", (person + 1) % PEOPLE);
            self.tell(
                100 + dice.below(200),
                "service_desk",
                Strength::Stated,
                &format!("{service} {other}"),
            );
        }
        // Two customers in one record: the CRM merged them, and a steward takes it back.
        if person % 13 == 5 {
            let other = format!("service_no:s{}", person - 1);
            self.tell(dice.below(90), "crm", Strength::Stated, &format!("{service} {other}"));
            self.wrong.push((service, other));
        }
    }

    fn shuffled(&self, seed: u64) -> Vec<Sighting> {
        let (mut events, mut dice) = (self.events.clone(), Dice::new(seed));
        for i in (1..events.len()).rev() {
            events.swap(i, dice.below(i + 1));
        }
        events
    }
}

async fn lived(events: &[Sighting], batch: usize) -> House {
    let house = house();
    for chunk in events.chunks(batch) {
        house.service.resolve(&house.tenant, chunk).await.unwrap();
    }
    house
}

async fn node(house: &House, text: &str) -> NodeId {
    let identifier = sighting(0, text).identifiers.remove(0);
    house.service.node(&house.tenant, &identifier).await.unwrap().unwrap()
}

/// The people who are mixed: true owners by person, where there are two.
async fn mixed(house: &House, stream: &Stream) -> Vec<BTreeSet<usize>> {
    let mut held: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    for (text, owner) in &stream.owners {
        let node = node(house, text).await;
        let person = house.service.known(&house.tenant, node.uuid()).await.unwrap().unwrap();
        held.entry(person.subject).or_default().insert(*owner);
    }
    held.into_values().filter(|it| it.len() > 1).collect()
}

/// People in words that do not depend on who came first.
async fn shape(house: &House, stream: &Stream) -> BTreeSet<Vec<(NodeKey, Link, bool)>> {
    let mut people = BTreeSet::new();
    for text in stream.owners.keys() {
        let node = node(house, text).await;
        let person = house.service.known(&house.tenant, node.uuid()).await.unwrap().unwrap();
        let mut members = Vec::new();
        for it in &person.members {
            let key = crate::ports::Directory::key(&*house.store, &house.tenant, it.node);
            members.push((key.await.unwrap().unwrap(), it.link, it.home));
        }
        members.sort();
        people.insert(members);
    }
    people
}

#[tokio::test]
async fn nobody_is_mixed_up_and_any_order_gives_the_same_people() {
    let stream = Stream::new(41);
    let one = lived(&stream.shuffled(1), 1).await;
    let other = lived(&stream.shuffled(2), 7).await;
    assert_eq!(shape(&one, &stream).await, shape(&other, &stream).await);
    // What a system of record states is believed until it is taken back.
    let anna = kernel::StaffId::new("anna").unwrap();
    for house in [&one, &other] {
        assert!(!mixed(house, &stream).await.is_empty(), "the wrong merges were not believed");
        for (a, b) in &stream.wrong {
            let (a, b) = (node(house, a).await, node(house, b).await);
            let unlinked =
                house.service.unlink(&house.tenant, anna.clone(), a, b, "wrong merge").await;
            drop(unlinked);
        }
        assert_eq!(mixed(house, &stream).await, Vec::<BTreeSet<usize>>::new());
    }
    assert_eq!(shape(&one, &stream).await, shape(&other, &stream).await);
}

#[tokio::test]
async fn what_is_shared_or_junk_names_nobody() {
    let stream = Stream::new(42);
    let house = lived(&stream.shuffled(3), 5).await;
    let mut shared = 0;
    for household in 0..PEOPLE / 3 {
        for value in
            [format!("device:tablet{household}"), format!("email:family{household}@mail.example")]
        {
            let owners: BTreeSet<_> = stream
                .events
                .iter()
                .filter(|it| it.identifiers.len() > 1)
                .filter(|it| {
                    it.identifiers.iter().any(|i| value == format!("{}:{}", i.namespace, i.value))
                })
                .filter_map(|it| it.identifiers.first().map(|i| i.value.clone()))
                .collect();
            if owners.len() > 1 {
                shared += 1;
                let answer = house.sees(310, &value).await;
                let named = answer.person.is_some_and(|it| it.nodes.len() > 1);
                assert!(!named, "{value} named one of {owners:?}");
            }
        }
    }
    assert!(shared > 5, "{shared}");
    let junk = house.sees(311, "phone:00000000").await;
    assert!(junk.person.is_none() && !junk.reasons.is_empty());
}

#[test]
fn a_stream_is_its_seed() {
    let (one, again, other) = (Stream::new(1), Stream::new(1), Stream::new(2));
    assert_eq!(one.events, again.events);
    assert_ne!(one.events, other.events);
}
