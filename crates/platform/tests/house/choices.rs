//! A batch of choices: each about its own person, however they are named.

use kernel::Clock as _;
use serde_json::{Value, json};

use crate::{
    customer::Customer,
    world::{House, without_holdouts},
};

fn snoozed(house: &House, person: &Value) -> Value {
    json!({
        "id": house.id(),
        "source": "crm",
        "person": person,
        "kind": { "snoozed": { "until": "2026-10-01T00:00:00Z" } },
        "event_time": house.clock.now().to_string(),
        "actor": "subject",
    })
}

fn named(crm_id: &str) -> Value {
    json!({ "identifiers": [{ "namespace": "crm_id", "value": crm_id }] })
}

#[tokio::test]
async fn a_batch_of_choices_reaches_each_person_it_names_and_says_who_is_unknown() {
    let house = House::with(1, &without_holdouts()).await;
    let customers = [Customer::new(1), Customer::new(2)];
    house.introduce(&customers).await;
    let mut people = Vec::new();
    for it in &customers {
        people.push(house.person(&it.name()).await.subject);
    }
    let by_id = json!({ "subject": people[1].to_string() });
    let asked = [named("C999999"), by_id, named(&customers[0].crm_id()), named("C999998")];
    let events: Vec<_> = asked.iter().map(|it| snoozed(&house, it)).collect();
    let body = json!({ "events": events });
    let answer = house.client.must_post("/v1/consent-events", &body).await.unwrap();
    let results = answer["results"].as_array().unwrap();
    for (event, result) in events.iter().zip(results) {
        assert_eq!(event["id"], result["id"], "in the order asked: {answer}");
    }
    let status: Vec<_> = results.iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["refused", "recorded", "recorded", "refused"], "{answer}");
    assert_eq!(results[0]["reason"], "SU.UNKNOWN");
    for subject in people {
        let path = format!("/v1/subjects/{subject}/history");
        let history = house.client.get(&path).await.unwrap().to_string();
        assert_eq!(history.matches("snoozed").count(), 1, "{history}");
    }

    let unclear = json!({ "events": [events[2].clone(), snoozed(&house, &json!({}))] });
    let headers = [("content-type", "application/json")];
    let body = unclear.to_string().into_bytes();
    let problem = house.client.post("/v1/consent-events", &headers, body).await;
    assert_eq!(problem.status, 422);
    let problem: Value = serde_json::from_slice(&problem.body).unwrap();
    assert_eq!(problem["errors"][0]["pointer"], "/events/1/person", "{problem}");
}
