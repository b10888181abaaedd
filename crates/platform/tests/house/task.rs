//! A call is a task for a person of ours: it needs no address of theirs to be offered.

use kernel::{Channel, Limit};
use serde_json::json;

use crate::{
    customer::{Customer, keeps_time_of, lives_in},
    world::{House, without_holdouts},
};

#[tokio::test]
async fn a_call_is_offered_for_a_person_whose_phone_nobody_knows() {
    let house = House::with(1, &without_holdouts()).await;
    let customer = Customer::new(1);
    house.introduce(std::slice::from_ref(&customer)).await;
    let contract = json!({ "of_type": "policy", "reference": "P000001", "active": true });
    for kind in [
        lives_in("EU"),
        keeps_time_of("Europe/Berlin"),
        json!({ "stated": { "contract": contract } }),
    ] {
        house.choose(&customer.name(), kind).await;
    }
    // Nobody has looked at the claim: three days on we write, seven days on a person calls.
    let claim = json!({
        "claim_no": "K000001",
        "stage": "received",
        "reported_at": house.now().to_string(),
    });
    for day in [0, 3, 7] {
        house.at(day, 12).await;
        // Still so: what was said a week ago by a source gone silent is not acted on.
        house.tell("claims_core", "claim.milestone.v2", &customer.name(), claim.clone()).await;
        house.at(day, 14).await;
    }
    let app = &house.assent.app;
    let subject = Some(house.person(&customer.name()).await.subject);
    let page = app.inbox.page(&house.tenant, subject, None, Limit::MAX).await.unwrap();
    let mut channels: Vec<_> = page.items.iter().map(|it| it.channel).collect();
    channels.reverse();
    assert_eq!(channels, [Channel::Email, Channel::HumanTask]);
    let call = &page.items[0];
    assert_eq!(call.to, "human_task", "no contact detail before the call is started");
    assert!(call.message.text.contains("received"), "{}", call.message.text);
}
