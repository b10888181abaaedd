//! Messages to a partner's endpoint, as the composed process sends them.

use std::collections::BTreeSet;

use adapters::channel::webhook::Endpoint;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use delivery::{
    ports::{Filter, Trail},
    reason,
    retry::UNKNOWN_HORIZON,
    state::State,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Limit;
use platform::{
    channels::Webhook,
    config::Config,
    demo::{drive::START, population::noon},
};
use rollout::SourceFile;
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::{Received, Reply, Sink};

use crate::{
    customer::{Customer, grant, keeps_time_of, lives_in},
    world::{House, TODAY, edited, without_holdouts},
};

const SECRET: &[u8] = b"the receiver and we know it";
/// The first, and one after each wait of the schedule.
const ATTEMPTS: usize = 10;

/// The renewal reminder, told to a partner instead of mailed.
fn sources() -> Vec<SourceFile> {
    let node = "node/renewal.day90.toml";
    let mail = r#"channel = "email", template = "renewal-90-plain""#;
    let hook = r#"channel = "webhook", template = "renewal-90-hook""#;
    let mut sources = edited(&without_holdouts(), node, mail, hook);
    let named = r#"{ id = "email", action = "remind", channel = "email", template = "renewal-90", needs = ["person.first_name"] },"#;
    sources = edited(&sources, node, named, "");
    sources = edited(&sources, node, r#""person.first_name" = "P365D", "#, "");
    let channels = r#"channels = ["email", "sms", "push", "web", "app"]"#;
    let more = r#"channels = ["email", "sms", "push", "web", "app", "webhook"]"#;
    sources = edited(&sources, "purpose/marketing.renewal.toml", channels, more);
    let template = r#"
schema = "template/1"
channel = "webhook"
purpose = "marketing.renewal"
class = "marketing"

[fields]
required = ["policy.renewal_on"]

[body]
subject = 'A policy ends soon'
text = 'The policy ends on {{ policy.renewal_on }}.'
"#;
    let path = "template/renewal-90-hook.toml".to_owned();
    sources.push(SourceFile { path, bytes: template.into() });
    sources
}

/// A house that posts to this receiver, and a customer who agreed and is reminded the next day.
async fn house(sink: &Sink) -> (House, Customer) {
    let secret = format!("whsec_{}", STANDARD.encode(SECRET));
    let endpoint = Endpoint::new(&sink.url("/in"), [&*secret]).unwrap();
    let webhook = Some(Webhook::new(endpoint, false).unwrap());
    let configure = |it| Config { webhook, ..it };
    let house = House::configured(1, &sources(), noon(START, TODAY), configure).await;
    let customer = Customer::new(1);
    house.introduce(std::slice::from_ref(&customer)).await;
    let mut given = grant();
    given["given"]["channels"] = json!(["webhook"]);
    for kind in [lives_in("EU"), keeps_time_of("Europe/Berlin"), given] {
        house.choose(&customer.name(), kind).await;
    }
    (house, customer)
}

/// The one delivery of a customer.
async fn delivery(house: &House, customer: &Customer) -> Trail {
    let subject = Some(house.person(&customer.name()).await.subject);
    let (deliveries, filter) =
        (&house.assent.app.deliveries, Filter { subject, ..Filter::default() });
    let page = deliveries.page(&house.tenant, &filter, None, Limit::MAX).await.unwrap();
    let [only] = &*page.items else { panic!("{:?}", page.items) };
    deliveries.get(&house.tenant, only.id).await.unwrap().unwrap()
}

/// Lets time pass until the delivery is looked at again.
async fn wait(house: &House, customer: &Customer) {
    let until = match delivery(house, customer).await.delivery.state {
        State::RetryWait { until, .. } | State::Unknown { until, .. } => until,
        other => panic!("{other:?} does not wait"),
    };
    house.clock.set(until);
    house.settle().await;
}

/// What a receiver does first, as Standard Webhooks 1.0.0 describes it: it refuses what is old or
/// was not signed by whom it knows. Returns the message's id and its content.
fn verified(received: &Received, now: kernel::Instant) -> (String, Value) {
    let header = |name| received.header(name).unwrap();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let at: i64 = timestamp.parse().unwrap();
    assert!((now.micros() / 1_000_000 - at).abs() <= 300, "sent at {at}, received at {now}");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&received.body);
    let expected = STANDARD.encode(mac.finalize().into_bytes());
    let mut signatures = header("webhook-signature").split(' ');
    assert!(signatures.any(|it| it.strip_prefix("v1,") == Some(&*expected)), "not signed by us");
    (id.to_owned(), serde_json::from_slice(&received.body).unwrap())
}

#[tokio::test]
async fn a_partner_gets_a_signed_message_and_a_failed_one_again() {
    let sink = Sink::start().await.unwrap();
    sink.answer(Reply::Status(503));
    let (house, customer) = house(&sink).await;
    house.at(1, 13).await;
    let trail = delivery(&house, &customer).await;
    let State::RetryWait { reason, .. } = &trail.delivery.state else { panic!("{trail:?}") };
    assert_eq!(*reason, reason::RETRYABLE);
    let first = verified(&sink.so_far()[0], house.now());

    sink.answer(Reply::Status(204));
    wait(&house, &customer).await;
    let trail = delivery(&house, &customer).await;
    assert_eq!((&trail.delivery.state, trail.attempts.len()), (&State::Accepted, 2));
    let received = sink.so_far();
    let [_, again] = &*received else { panic!("{received:?}") };
    let (id, event) = verified(again, house.now());
    assert_eq!((&id, &id), (&first.0, &trail.delivery.id.to_string()));
    assert_eq!((again.method.as_str(), again.path.as_str()), ("POST", "/in"));
    assert_eq!(again.header("content-type"), Some("application/cloudevents+json"));
    assert_eq!((&event["specversion"], &event["id"]), (&json!("1.0"), &json!(id)));
    assert_eq!(event["type"], "assent.action.v1");
    assert_eq!(event["subject"], json!(trail.delivery.subject));
    assert_eq!(event["data"]["decision_id"], json!(trail.delivery.decision));
    assert_eq!(event["data"]["title"], "A policy ends soon");
    assert_eq!(event["data"]["text"], "The policy ends on 10 December 2026.");
    assert!(event["data"]["why"].as_str().unwrap().starts_with(&house.assent.app.base_url));
    let text = String::from_utf8_lossy(&again.body);
    assert!(!text.contains(&customer.email) && !text.contains(&customer.crm_id()), "{text}");

    // What has arrived is not sent again, nor does the sandbox hold a copy.
    house.at(16, 13).await;
    assert_eq!(sink.so_far().len(), 2);
    assert_eq!(house.letters(&house.person(&customer.name()).await).await, []);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_under_the_same_id_and_in_the_end_unknown() {
    let sink = Sink::start().await.unwrap();
    sink.answer(Reply::Close);
    let (house, customer) = house(&sink).await;
    house.at(1, 13).await;
    for n in 1..ATTEMPTS {
        let trail = delivery(&house, &customer).await;
        let State::RetryWait { reason, .. } = &trail.delivery.state else { panic!("{trail:?}") };
        assert_eq!((reason, trail.attempts.len()), (&reason::AMBIGUOUS, n));
        wait(&house, &customer).await;
    }
    let State::Unknown { reason, until } = delivery(&house, &customer).await.delivery.state else {
        panic!("nobody knows whether it arrived")
    };
    assert_eq!((reason, until), (reason::AMBIGUOUS, house.now().plus(UNKNOWN_HORIZON)));
    let received = sink.so_far();
    let ids: BTreeSet<_> = received.iter().filter_map(|it| it.header("webhook-id")).collect();
    assert_eq!((received.len(), ids.len()), (ATTEMPTS, 1));

    // Nobody settles it: it is listed for a person, and never sent again.
    wait(&house, &customer).await;
    assert_eq!(delivery(&house, &customer).await.delivery.state, State::Abandoned);
    assert_eq!(sink.so_far().len(), ATTEMPTS);
}

#[tokio::test]
async fn nothing_is_posted_after_a_withdrawal() {
    let sink = Sink::start().await.unwrap();
    sink.answer(Reply::Status(500));
    let (house, customer) = house(&sink).await;
    house.at(1, 13).await;
    assert_eq!(sink.so_far().len(), 1);
    house.withdraw(&customer.name()).await;
    sink.answer(Reply::Status(200));
    house.clock.set(house.now().plus(TimeDelta::hours(1)));
    house.settle().await;
    house.at(16, 13).await;
    assert_eq!(sink.so_far().len(), 1);
    let state = delivery(&house, &customer).await.delivery.state;
    let codes: Vec<_> = state.reasons().iter().map(kernel::Reason::code).collect();
    assert!(codes.contains(&"LB.CONSENT.WITHDRAWN"), "{state:?}");
}
