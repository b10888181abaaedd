//! What follows a message: the page that says why, the link that ends its kind, a bounce.

use decision::record::Record;
use kernel::{DecisionId, NodeId, PersonAt};
use serde_json::json;
use service::{
    links::{About, PreferencesLink, UnsubscribeLink, WhyLink},
    surface::Asked,
};

use crate::{
    customer::{CRM, Customer, SERVICE, grant, keeps_time_of, lives_in},
    world::{House, edited, without_holdouts},
};

/// A customer who agreed to renewal offers and is introduced.
async fn welcome(house: &House, customer: &Customer) -> PersonAt {
    house.introduce(std::slice::from_ref(customer)).await;
    for kind in [lives_in("EU"), keeps_time_of("Europe/Berlin"), grant()] {
        house.choose(&customer.name(), kind).await;
    }
    house.person(&customer.name()).await
}

/// A page, as anybody with its link sees it.
async fn visit(house: &House, path: &str) -> String {
    let asked = Asked { method: "GET", path, headers: &[], body: Vec::new() };
    let answer = house.surface.ask(asked).await;
    let body = String::from_utf8(answer.body).unwrap();
    assert_eq!(answer.status, 200, "{path}: {body}");
    body
}

/// Title and heading of the why page of a decision, which must be one; and the whole page.
async fn why(house: &House, decision: DecisionId) -> (String, String) {
    let link = WhyLink { tenant: house.tenant.clone(), about: About::Decision(decision) };
    let token = house.assent.app.links.seal(&link).unwrap();
    let page = visit(house, &format!("/w/{token}")).await;
    let between = |from: &str, to: &str| {
        let (_, tail) = page.split_once(from).unwrap();
        tail.split_once(to).unwrap().0.to_owned()
    };
    let heading = between("<h1>", "</h1>");
    assert_eq!(between("<title>", "</title>"), heading);
    (heading, page)
}

/// The latest decision about a person.
async fn latest(house: &House, person: &PersonAt) -> Record {
    let journal = &house.assent.app.journal;
    let page = journal.of_person(&house.tenant, person, None, kernel::Limit::MAX).await.unwrap();
    let records = page.items.iter().map(|it| it.parse().unwrap());
    records.max_by_key(|it: &Record| it.core.as_of_us).unwrap()
}

#[tokio::test]
async fn the_why_page_is_headed_by_what_came_of_the_decision() {
    let house = House::with(3, &without_holdouts()).await;
    let customer = Customer::new(1);
    let person = welcome(&house, &customer).await;

    // The reminder leaves; its own link and the one to its decision say the same.
    house.at(1, 13).await;
    let sent = latest(&house, &person).await;
    let (title, page) = why(&house, sent.core.id).await;
    assert_eq!(title, "Why you got this message");
    assert!(page.contains("Stop these messages"), "{page}");
    let inbox = &house.assent.app.inbox;
    let letters = inbox.page(&house.tenant, None, None, kernel::Limit::MAX).await.unwrap().items;
    let path = letters[0].message.why.split_once("/w/").unwrap().1;
    assert!(visit(&house, &format!("/w/{path}")).await.contains("<h1>Why you got this message<"));

    // A page asks between two reminders, and is answered with something to show.
    let shown = Customer { renewal_on: "2026-11-20", ..Customer::new(2) };
    welcome(&house, &shown).await;
    let (_, answer) = house.ask(&shown).await;
    let (title, page) = why(&house, answer["decision_id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!((&answer["outcome"], &*title), (&json!("act"), "Why you were shown this"));
    assert!(page.contains("“Renewal offers”") && page.contains("the European Union"), "{page}");

    // She changes her mind, and is asked about once more.
    let no =
        json!({ "withdrawn": { "scope": { "under": "marketing" }, "channels": ["email", "web"] } });
    house.choose(&shown.name(), no).await;
    let (_, answer) = house.ask(&shown).await;
    let (title, page) = why(&house, answer["decision_id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!((&answer["outcome"], &*title), (&json!("none"), "Why nothing was shown to you"));
    assert!(!page.contains("got this message") && !page.contains("Stop "), "{page}");
    assert!(page.contains("All my choices"), "{page}");
}

#[tokio::test]
async fn the_why_page_of_a_message_that_waits_says_that_it_waits() {
    // It is decided in the morning, and its window opens in the evening.
    let file = "window/standard.toml";
    let waits = ("node/renewal.day90.toml", "on_hold = \"redecide\"", "on_hold = \"wait\"");
    let narrow = edited(&without_holdouts(), file, "07:00", "20:30");
    let narrow = edited(&narrow, waits.0, waits.1, waits.2);
    let house = House::with(3, &narrow).await;
    let person = welcome(&house, &Customer::new(1)).await;
    house.at(1, 13).await;
    assert_eq!(house.letters(&person).await, []);
    let waits = latest(&house, &person).await;
    let (title, page) = why(&house, waits.core.id).await;
    assert_eq!(title, "Why a message to you is waiting");
    assert!(page.contains("It has not been sent yet."), "{page}");
    assert!(page.contains("outside the hours"), "{page}");
}

#[tokio::test]
async fn an_unsubscribe_link_ends_its_kind_again_after_a_new_yes() {
    let house = House::with(3, &without_holdouts()).await;
    let customer = Customer::new(1);
    let person = welcome(&house, &customer).await;
    let token = house.assent.app.links.seal(&UnsubscribeLink {
        tenant: house.tenant.clone(),
        subject: person.subject,
        delivery: None,
        purpose: "marketing.renewal".parse().unwrap(),
        channel: kernel::Channel::Email,
    });
    let path = format!("/o/{}", token.unwrap());
    for hour in [13, 14] {
        let verdict = house.permission(&customer.name()).await;
        assert_eq!(verdict["outcome"], "permitted", "{verdict}");
        assert_eq!(post(&house, &path, "List-Unsubscribe=One-Click").await, 200);
        assert_eq!(house.permission(&customer.name()).await["outcome"], "refused");
        house.at(0, hour).await;
        say_yes(&house, &person).await;
    }
}

/// Posts a form as anybody with the link to its page can.
async fn post(house: &House, path: &str, form: &str) -> u16 {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = form.as_bytes().to_vec();
    house.surface.ask(Asked { method: "POST", path, headers: &headers, body }).await.status
}

/// Switches renewal offers off and on again in the preference centre, which says that e-mail ended.
async fn say_yes(house: &House, person: &PersonAt) {
    let (tenant, subject) = (house.tenant.clone(), person.subject);
    let expires_at = house.now().plus(chrono::TimeDelta::hours(1));
    let link = PreferencesLink { tenant, subject, expires_at };
    let path = format!("/p/{}", house.assent.app.links.seal(&link).unwrap());
    for (state, tick) in
        [("But not by e-mail", ""), ("you have not said yes", "&purpose=marketing.renewal")]
    {
        let page = visit(house, &path).await;
        assert!(page.contains(state), "{state}: {page}");
        let (_, seen) = page.split_once("name=\"seen\" value=\"").unwrap();
        let (seen, _) = seen.split_once('"').unwrap();
        let form = format!("seen={seen}&channel=email{tick}");
        assert_eq!(post(house, &path, &form).await, 303);
    }
}

#[tokio::test]
async fn a_bounce_restricts_the_address_the_message_went_to_though_another_is_used_now() {
    let house = House::with(3, &without_holdouts()).await;
    let customer = Customer::new(1);
    // The service desk knew an older address, which nobody had proven when the reminder left.
    let older = "S000099,C000001,older@mail.example,false,2026-09-09T08:00:00Z".to_owned();
    house.import("service_desk", SERVICE, &[older]).await;
    house.settle().await;
    house.clock.set(house.now().plus(chrono::TimeDelta::seconds(1)));
    let person = welcome(&house, &customer).await;
    let (older, proven) = addresses(&house, &person).await;
    house.at(1, 13).await;
    let [(delivery, _)] = &*house.letters(&person).await else { panic!("no reminder was sent") };

    // Now the older one is proven, and is the one to use.
    let change = "C000001,older@mail.example,true,,Ada,Example,,DE,Europe/Berlin,de,false,2026-09-11T12:00:00Z";
    house.import("crm", CRM, &[change.to_owned()]).await;
    house.settle().await;
    let now = house.assent.app.people.contact_points(&house.tenant, person.subject).await.unwrap();
    assert!(now.iter().any(|it| it.node == older && it.verified), "{now:?}");
    let data = json!({ "delivery_id": delivery, "kind": "bounced" });
    house.tell("comms", "comms.message_feedback.v1", &customer.name(), data).await;

    let person = house.person(&customer.name()).await;
    let history = &house.assent.app.consent;
    let history = history.history(&house.tenant, &person, None, kernel::Limit::MAX).await.unwrap();
    let suppressed: Vec<_> = (history.items.iter())
        .filter(|it| matches!(it.said.kind, consent::EventKind::Suppressed { .. }))
        .map(|it| it.said.node)
        .collect();
    assert_eq!(suppressed, [proven]);
    assert_eq!(house.permission(&customer.name()).await["outcome"], "permitted");
}

/// The two addresses of a person: the one nobody has proven, and the proven one.
async fn addresses(house: &House, person: &PersonAt) -> (NodeId, NodeId) {
    let people = &house.assent.app.people;
    let points = people.contact_points(&house.tenant, person.subject).await.unwrap();
    let of = |verified| points.iter().find(|it| it.verified == verified).unwrap().node;
    let (unproven, proven) = (of(false), of(true));
    assert!(unproven < proven, "the older address would be used first were it proven");
    (unproven, proven)
}
