//! What a whole decision asks of Redis: how many commands, how many waits for the network, which
//! slots.

use std::{collections::BTreeMap, time::Duration};

use adapters::redis::{Settings, Timing};
use chrono::TimeDelta;
use decision::{
    ObjectRef,
    ports::Identifier,
    service::{Ask, Who},
};
use kernel::{EventId, SeededEntropy};
use platform::{
    compose::{Assent, Machine, compose},
    config::{Config, Servers},
    demo::{drive::START, population::noon},
};
use service::{auth::ApiKeys, lifecycle::Nudge};
use testkit::{Proxy, Tally};

use crate::{
    customer::{Customer, grant, keeps_time_of, lives_in},
    house::{House, TODAY, without_holdouts},
};

/// Long enough that no lease runs out between two decisions, nor is renewed.
const PATIENT: Timing = Timing {
    lease: Duration::from_mins(1),
    rest: Duration::ZERO,
    read: Duration::from_secs(5),
    change: Duration::from_secs(5),
    keep: Duration::from_mins(1),
    mark: Duration::from_mins(1),
};
/// Short enough that a release is made and the layer opened within a second.
const QUICK: Timing = Timing { lease: Duration::from_millis(300), ..PATIENT };

/// Two customers whom a process of one deployment has met; the other process, behind a proxy, is
/// about to be asked. Nothing beats: every command on the wire is a decision's.
struct World {
    house: House,
    asked: Assent,
    proxy: Proxy,
    entropy: SeededEntropy,
}

async fn world() -> World {
    let url = testkit::redis::server();
    let at = (url.host_str().unwrap(), url.port().unwrap_or(6_379));
    let at = tokio::net::lookup_host(at).await.unwrap().next().unwrap();
    let prefix = testkit::redis::prefix();
    let on = |url: String, timing: Timing| Servers {
        redis: Some(Settings { url, prefix: prefix.clone(), timing }),
        databases: None,
    };
    let configure = |it| Config { servers: on(url.to_string(), QUICK), ..it };
    // A day on, the policies end in ninety days.
    let begun = noon(START, TODAY + 1);
    let house = House::configured(7, &without_holdouts(), begun, configure).await;
    let customers = [Customer::new(1), Customer::new(2)];
    house.introduce(&customers).await;
    for it in &customers {
        house.choose(&it.name(), lives_in("EU")).await;
        house.choose(&it.name(), keeps_time_of("Europe/Berlin")).await;
    }
    house.choose(&customers[0].name(), grant()).await;
    house.settle().await;
    house.assent.upkeep.as_ref().unwrap().open().await.unwrap();

    let proxy = Proxy::start(at).await.unwrap();
    let through = format!("redis://{}/", proxy.address());
    let embedded = Config::embedded(house.data.clone(), house.tenant.clone());
    let config = Config { servers: on(through, PATIENT), ..embedded };
    let machine = Machine { clock: house.clock.clone(), entropy: house.entropy.clone() };
    let asked = compose(&config, machine, ApiKeys::default(), Nudge::default()).await.unwrap();
    asked.upkeep.as_ref().unwrap().open().await.unwrap();
    World { house, asked, proxy, entropy: SeededEntropy::new(9) }
}

impl World {
    fn named(customer: &Customer) -> Who {
        let namespace = "crm_id".into();
        Who::Identifiers(vec![Identifier { namespace, value: customer.crm_id().into() }])
    }

    /// Asks what to show at the top of the page; whether there was anything.
    async fn decide(&self, who: Who, customer: &Customer) -> bool {
        let ask = Ask {
            who,
            placement: "home.top".into(),
            object: Some(ObjectRef::new("policy", &customer.policy_no())),
            hints: BTreeMap::new(),
            request_id: EventId::mint(self.house.now(), &self.entropy).uuid(),
        };
        self.asked.app.decisions.decide(&self.house.tenant, ask).await.unwrap().served.is_some()
    }

    fn tally(&self) -> (Tally, Vec<String>) {
        (self.proxy.tally(), self.proxy.tags().into_iter().collect())
    }
}

#[tokio::test]
async fn a_decision_about_a_known_person_waits_for_redis_twice_and_touches_one_slot() {
    let (world, customer) = (world().await, Customer::new(2));
    let subject = world.house.person(&customer.name()).await.subject;
    for _ in 0..2 {
        assert!(!world.decide(Who::Subject(subject), &customer).await, "nobody allowed it");
    }
    world.tally();
    assert!(!world.decide(Who::Subject(subject), &customer).await);
    let (tally, tags) = world.tally();
    // Who it is; then at once fields, choices (of the fields', the permission's and the caps'
    // asker) and contacts.
    assert_eq!(tally, Tally { commands: 6, trips: 2 });
    assert_eq!(tags, [format!("acme:{}", subject.uuid().simple())]);

    // By a name: the node it names first, and whose that is.
    assert!(!world.decide(World::named(&customer), &customer).await);
    world.tally();
    assert!(!world.decide(World::named(&customer), &customer).await);
    let (tally, tags) = world.tally();
    assert_eq!(tally, Tally { commands: 7, trips: 3 });
    let of_names: Vec<_> = tags.iter().filter(|it| it.starts_with("acme:k")).collect();
    assert_eq!((of_names.len(), tags.len() <= 3), (1, true), "{tags:?}");
}

#[tokio::test]
async fn an_answer_that_is_the_hand_off_is_told_before_and_after_it_is_appended() {
    let (world, customer) = (world().await, Customer::new(1));
    let person = world.house.person(&customer.name()).await;
    let who = || Who::Subject(person.subject);
    assert!(world.decide(who(), &customer).await, "nothing is in its way");
    assert!(!world.decide(who(), &customer).await, "one a week");
    world.house.clock.set(world.house.now().plus(TimeDelta::days(8)));
    world.tally();
    assert!(world.decide(who(), &customer).await, "a week has passed");
    let (tally, tags) = world.tally();
    // The readings, and the change of the contacts at each of the nodes, once before the commit
    // and once after it.
    let nodes = person.nodes.len();
    assert_eq!(tally, Tally { commands: 6 + 2 * nodes, trips: 4 });
    assert_eq!(tags.len(), nodes);
}
